"""Where a clause can be read on: in its specification, and on its own page of the project's site."""

from __future__ import annotations

from urllib.parse import quote

from ocivalidate.rules.clauses import RELEASES, Clause
from ocivalidate.vocabulary.versions import NEXT

# Where the site stands that `python -m fixtures.site` builds: nothing else says it. Read the Docs leads `page/` to the
# default version.
SITE = "https://ocivalidate.readthedocs.io/page/"
_REPOSITORIES = {"runtime": "runtime-spec", "image": "image-spec", "distribution": "distribution-spec"}


def page_path(clause: Clause) -> str:
    """The page of a clause, relative to the site: ``clauses/runtime/config.process.cwd.absolute.html``.

    An id is never renamed, so a page keeps its place.
    """
    return f"clauses/{quote(clause.id)}.html"


def page(clause: Clause) -> str:
    """The address of the page on which all that is known of a clause stands, with examples; every clause has one."""
    return SITE + page_path(clause)


def specification_of(clause: Clause) -> str:
    """The specification that states the clause (``runtime-spec``), or ``""``."""
    return _REPOSITORIES.get(clause.family, "")


def document(clause: Clause) -> str:
    """Document and anchor where the clause stands (``config.md#process``), or ``""``."""
    return f"{clause.document}#{clause.anchor}" if clause.document and clause.anchor else clause.document


def url(clause: Clause) -> str:
    """Where the newest release that has the clause states it; ``""`` for clauses of no specification."""
    repository = specification_of(clause)
    if not repository or not clause.document:
        return ""
    anchor = f"#{quote(clause.anchor)}" if clause.anchor else ""
    release = clause.stated_in()
    tree = "main" if release == NEXT else f"v{release}"
    return f"https://github.com/opencontainers/{repository}/blob/{tree}/{quote(clause.document)}{anchor}"


def home_of(specification: str, release: str) -> str:
    """Where a release of a specification stands; ``""`` for what is none."""
    if specification not in _REPOSITORIES.values() or release not in (
        NEXT,
        *RELEASES.get(specification.partition("-")[0], ()),
    ):
        return ""
    return f"https://github.com/opencontainers/{specification}/tree/{'main' if release == NEXT else f'v{release}'}"
