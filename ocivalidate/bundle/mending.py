"""Mends a ``config.json``: what has one safe answer is applied, until nothing more has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ocivalidate.bundle import sources
from ocivalidate.bundle.api import check_read
from ocivalidate.bundle.options import BundleOptions
from ocivalidate.fixes.changing import Changed
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Report

# What wants the same bytes as another fix comes in the next round.
_MOST_ROUNDS, _MOST_BYTES = 10, 8 * 1024 * 1024
_MOST_OF_A_KIND = 1000


@dataclass(frozen=True, slots=True)
class Mended:
    """A document before and after. ``file`` and ``folder`` are where it stands, as ``sources.Source`` says.

    ``titles``: what was done. ``report``: what is judged of the document as it is then.
    """

    source: sources.Source
    document: Changed
    titles: tuple[str, ...]
    report: Report


def mend_bundle(
    path: str, selection: Selection, options: BundleOptions, told: Callable[[Report], Report] = lambda report: report
) -> Mended:
    """Mend what ``path`` means for ``check_bundle``, in memory. Nothing is written.

    ``told``: the report without what is not to be mended, as nobody is told of it. Raises :class:`Unreadable` for what
    cannot be read.
    """
    source = sources.bundle_source(path, options.max_size, follow_links=options.follow_links)
    document, titles = Changed(source.data or b""), []
    many = replace(selection, most=max(_MOST_OF_A_KIND, selection.most or 0))
    for _ in range(min(_MOST_ROUNDS, max(2, _MOST_BYTES // len(source.data))) if source.data else 0):
        report = told(check_read(path, source._replace(data=document.data), many, options._replace(fixes=True)))
        fixes = [finding.fix for finding in report.findings if finding.fix]
        if not fixes:
            break
        titles += [fix.title for fix in fixes]
        document.apply(fixes)
    after = source if source.data is None else source._replace(data=document.data)
    return Mended(source, document, tuple(titles), check_read(path, after, selection, options))
