"""The server: speaks the protocol over standard input and output, and judges beside it.

A text is judged when its writer pauses, in one thread for all, so that completions come at once. Whatever a text or a
message holds, the server answers on.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from ocivalidate import __version__
from ocivalidate.lsp import saying
from ocivalidate.lsp.documents import LARGEST, Judged, judge, kind_of
from ocivalidate.lsp.positions import Places

_T = TypeVar("_T")

# Seconds without a change before a text is judged, and how often this is waited for.
_PAUSE, _MOST_PAUSES = 0.15, 10
_TRIGGERS = ['"', ":", "{", "["]


@dataclass(slots=True)
class _Open:
    """A document in the editor. ``judged`` is what was found in it last, maybe in an older text."""

    text: str
    version: int
    kind: str = ""
    judged: Judged | None = None
    task: asyncio.Task[None] | None = None


class Server(LanguageServer):
    """Keeps what is open, and judges it."""

    def __init__(self) -> None:
        super().__init__("ocivalidate", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.documents: dict[str, _Open] = {}
        self._judging = ThreadPoolExecutor(1, "judging")
        self._answering = ThreadPoolExecutor(1, "answering")

    def places(self, text: str) -> Places:
        """The places in a text, in the encoding that the editor wants."""
        encoding = self.workspace.position_encoding or types.PositionEncodingKind.Utf16
        return Places(text, str(getattr(encoding, "value", encoding)))

    def changed(self, uri: str, version: int, text: str) -> None:
        """A text is another one now."""
        found = self.documents.setdefault(uri, _Open(text, version))
        found.text, found.version = text, version
        if found.task is None or found.task.done():
            found.task = asyncio.get_running_loop().create_task(self._judge(uri, found))

    def closed(self, uri: str) -> None:
        """A text is no longer of interest."""
        found = self.documents.pop(uri, None)
        if found is not None and found.task is not None:
            found.task.cancel()
        self._publish(uri, [], None)

    async def answer(self, function: Callable[..., _T], *arguments: Any, otherwise: _T) -> _T:
        """The result of a function, made in a thread; ``otherwise`` if it fails."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._answering, functools.partial(function, *arguments))
        except Exception:
            logging.getLogger(__name__).exception("cannot answer")
            return otherwise

    async def judged(self, uri: str) -> Judged | None:
        """What is found in a text as it stands now; ``None`` if it is closed meanwhile."""
        found = self.documents.get(uri)
        while found is not None and (found.judged is None or found.judged.text != found.text):
            if found.task is None or found.task.done():
                return None
            await asyncio.wait([found.task])
            found = self.documents.get(uri)
        return found.judged if found is not None else None

    async def _judge(self, uri: str, found: _Open) -> None:
        while True:
            version = -1
            for _ in range(_MOST_PAUSES):
                if version == found.version:
                    break
                version = found.version
                await asyncio.sleep(_PAUSE)
            text, version = found.text, found.version
            await self._judge_once(uri, found, text, version)
            if found.text == text:
                return

    async def _judge_once(self, uri: str, found: _Open, text: str, version: int) -> None:
        try:
            judge_it = functools.partial(judge, uri, text, found.kind)
            judged = await asyncio.get_running_loop().run_in_executor(self._judging, judge_it)
            told = saying.diagnostics(judged, self.places(text))
        except Exception:
            # A text must not end the server, whatever it is; the next one is judged again.
            logging.getLogger(__name__).exception("cannot judge %s", uri)
            judged, told = Judged(text, found.kind), []
        found.judged = judged
        found.kind = judged.kind or found.kind
        if found.text == text and self.documents.get(uri) is found:
            self._publish(uri, told, version)

    def _publish(self, uri: str, told: list[types.Diagnostic], version: int | None) -> None:
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, told, version))


def _hover(judged: Judged, places: Places, position: types.Position) -> types.Hover | None:
    return saying.hover(judged, places, places.offset(position.line, position.character))


def _complete(uri: str, text: str, before: str, places: Places, position: types.Position) -> list[types.CompletionItem]:
    kind = kind_of(uri, text, before)
    return saying.completions(kind, text, places, places.offset(position.line, position.character))


_ACTION_KINDS = [types.CodeActionKind.QuickFix, types.CodeActionKind.SourceFixAll]


def _is_wanted(action: types.CodeAction, only: Any) -> bool:
    kind = str(getattr(action.kind, "value", action.kind))
    names = [str(getattr(one, "value", one)) for one in only]
    return any(kind == name or kind.startswith(f"{name}.") for name in names)


def _opened(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
    one = params.text_document
    ls.changed(one.uri, one.version, one.text)


def _changed(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
    if params.content_changes:
        ls.changed(params.text_document.uri, params.text_document.version, params.content_changes[-1].text)


def _closed(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    ls.closed(params.text_document.uri)


async def _hovered(ls: Server, params: types.HoverParams) -> types.Hover | None:
    judged = await ls.judged(params.text_document.uri)
    if judged is None or len(judged.text) > LARGEST:
        return None
    return await ls.answer(_hover, judged, ls.places(judged.text), params.position, otherwise=None)


async def _completed(ls: Server, params: types.CompletionParams) -> list[types.CompletionItem]:
    found = ls.documents.get(params.text_document.uri)
    if found is None or len(found.text) > LARGEST:
        return []
    places, uri = ls.places(found.text), params.text_document.uri
    return await ls.answer(_complete, uri, found.text, found.kind, places, params.position, otherwise=[])


async def _mended(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    judged = await ls.judged(params.text_document.uri)
    if judged is None:
        return []
    uri, places, none = params.text_document.uri, ls.places(judged.text), list[types.CodeAction]()
    found = await ls.answer(saying.actions, uri, judged, places, params.range, otherwise=none)
    only = params.context.only
    return [one for one in found if only is None or _is_wanted(one, only)]


_FEATURES: tuple[tuple[str, Callable[..., Any], Any], ...] = (
    (types.TEXT_DOCUMENT_DID_OPEN, _opened, None),
    (types.TEXT_DOCUMENT_DID_CHANGE, _changed, None),
    (types.TEXT_DOCUMENT_DID_CLOSE, _closed, None),
    (types.TEXT_DOCUMENT_HOVER, _hovered, None),
    (types.TEXT_DOCUMENT_COMPLETION, _completed, types.CompletionOptions(trigger_characters=_TRIGGERS)),
    (types.TEXT_DOCUMENT_CODE_ACTION, _mended, types.CodeActionOptions(_ACTION_KINDS)),
)


def made() -> Server:
    """A server with all that it can do."""
    server = Server()
    for name, function, options in _FEATURES:
        server.feature(name, options)(function)
    return server


def serve() -> None:
    """Serve an editor until it is done."""
    # The server closes what it writes to, and whoever called us still has to flush theirs.
    made().start_io(stdout=os.fdopen(os.dup(sys.stdout.fileno()), "wb"))
