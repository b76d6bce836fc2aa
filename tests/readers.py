"""What services read of our formats, as strictly as they do: shared by the tests of single formats and of all."""

from __future__ import annotations

import re
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

_COMMAND = re.compile(r"::(?P<name>[a-z-]+)(?: (?P<properties>[^:]*))?::(?P<data>.*)")
_AROUND = ("th_open", "td_open", "heading_open", "paragraph_open")
_BLOCKS = ("html_block", "code_block", "fence", "blockquote_open", "list_item_open", "hr")
_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_AUTOLINK = re.compile(r"\bwww\.|[a-z]{2,}://|\S@\S", re.IGNORECASE)


class Annotation(NamedTuple):
    """A workflow command of GitHub."""

    kind: str
    properties: dict[str, str]
    message: str


def workflow_commands(text: str) -> tuple[list[Annotation], list[str]]:
    """The commands that GitHub's runner takes from a log, and the other lines."""
    found, lines = [], []
    for line in text.splitlines():
        command = _COMMAND.fullmatch(line) if line.lstrip().startswith("::") else None
        if command is None:
            lines.append(line)
            continue
        pairs = dict(pair.split("=", 1) for pair in (command["properties"] or "").split(",") if pair)
        properties = {name: _unescaped(value, {"%3A": ":", "%2C": ","}) for name, value in pairs.items()}
        found.append(Annotation(command["name"], properties, _unescaped(command["data"], {})))
    return found, lines


def _unescaped(text: str, more: dict[str, str]) -> str:
    for code, letter in {"%0D": "\r", "%0A": "\n", **more, "%25": "%"}.items():
        text = text.replace(code, letter)
    return text


class Page(NamedTuple):
    """What a Markdown page shows: the cells of its rows, where its links lead, its headings, and all other markup."""

    rows: list[list[str]]
    links: list[str]
    headings: list[str]
    odd: list[str]


def page(text: str) -> Page:
    """Read Markdown as GitHub and GitLab do."""
    seen = Page([], [], [], [])
    around = ""
    for token in _MARKDOWN.parse(text):
        if token.type == "tr_open":
            seen.rows.append([])
        elif token.type in _AROUND:
            around = token.type
        elif token.type == "inline":
            shown = _inline(token, seen)
            if around in ("th_open", "td_open"):
                seen.rows[-1].append(shown)
            elif around == "heading_open":
                seen.headings.append(shown)
        elif token.type in _BLOCKS:
            seen.odd.append(token.type)
    return seen


def _inline(token: Token, seen: Page) -> str:
    """The text that is shown of an inline token; what else is in it goes into the page."""
    children = token.children or []
    inside = 0
    for child in children:
        if child.type == "link_open":
            seen.links.append(str(child.attrs["href"]))
        elif child.content in ("<code>", "</code>") and child.type == "html_inline":
            inside += 1 if child.content == "<code>" else -1
        elif child.type not in ("text", "link_close"):
            seen.odd.append(child.type)
    # What the extensions for links and mentions look for, and code that is left open.
    found = _AUTOLINK.findall(re.sub(r"\]\(https://[^)\s]*\)", "", token.content))
    seen.odd.extend([*found, *["open code"] * (inside != 0)])
    return "".join(child.content for child in children if child.type == "text")
