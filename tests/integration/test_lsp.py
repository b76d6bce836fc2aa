"""The language server as an editor meets it: a real client, a real process, and texts that are being typed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.rules.references import SITE

pytest.importorskip("pygls", reason="pygls, which the language server needs, is not installed")

from lsprotocol import types
from pygls.lsp.client import LanguageClient

pytestmark = pytest.mark.integration

CHECKOUT = Path(__file__).parents[2]
URI = "file:///nowhere/b/config.json"
_SECONDS = 30
GOOD = """\
{
  "ociVersion": "1.2.0",
  "process": {"args": ["sh"], "cwd": "/", "user": {"uid": 0, "gid": 0}},
  "root": {"path": "rootfs"},
  "annotations": {"org.example.a": "é😀"}
}
"""


class Editor:
    """A client with documents, and what it was told of them."""

    def __init__(self, client: LanguageClient) -> None:
        self.client = client
        self.told: dict[str, types.PublishDiagnosticsParams] = {}
        self.news = asyncio.Event()
        self.versions: dict[str, int] = {}

        def hear(params: types.PublishDiagnosticsParams) -> None:
            self.told[params.uri] = params
            self.news.set()

        client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(hear)

    def type(self, text: str, uri: str = URI) -> None:
        """Open a document, or make it another."""
        version = self.versions[uri] = self.versions.get(uri, 0) + 1
        if version == 1:
            item = types.TextDocumentItem(uri, "json", version, text)
            self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
            return
        whole = types.TextDocumentContentChangeWholeDocument(text)
        changed = types.VersionedTextDocumentIdentifier(version, uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(changed, [whole]))

    async def findings(self, uri: str = URI) -> list[types.Diagnostic]:
        """What is told of the text as it is now."""
        async with asyncio.timeout(_SECONDS):
            while uri not in self.told or self.told[uri].version != self.versions[uri]:
                self.news.clear()
                await self.news.wait()
        return [*self.told[uri].diagnostics]

    async def completions(self, marked: str, uri: str = URI) -> dict[str, types.CompletionItem]:
        """What may stand where the text has a ``|``, by label."""
        text, position = cut(marked)
        self.type(text, uri)
        params = types.CompletionParams(types.TextDocumentIdentifier(uri), position)
        found = await asyncio.wait_for(self.client.text_document_completion_async(params), _SECONDS)
        assert isinstance(found, list)
        return {item.label: item for item in found}

    async def hover(self, marked: str) -> str:
        """What is said where the text has a ``|``."""
        text, position = cut(marked)
        self.type(text)
        params = types.HoverParams(types.TextDocumentIdentifier(URI), position)
        found = await asyncio.wait_for(self.client.text_document_hover_async(params), _SECONDS)
        if found is None:
            return ""
        assert isinstance(found.contents, types.MarkupContent)
        return found.contents.value

    async def actions(self, span: types.Range, only: list[str] | None = None) -> list[types.CodeAction]:
        """What is offered for a range."""
        context = types.CodeActionContext([], only=only)
        params = types.CodeActionParams(types.TextDocumentIdentifier(URI), span, context)
        found = await asyncio.wait_for(self.client.text_document_code_action_async(params), _SECONDS)
        assert found is not None
        return [one for one in found if isinstance(one, types.CodeAction)]


def cut(marked: str) -> tuple[str, types.Position]:
    """A text without its mark, and where that was, in UTF-16."""
    before, _mark, after = marked.partition("|")
    rows = before.split("\n")
    return before + after, types.Position(len(rows) - 1, len(rows[-1].encode("utf-16-le")) // 2)


def applied(text: str, action: types.CodeAction) -> str:
    """The text after an action, as an editor makes it."""
    assert action.edit
    assert action.edit.changes
    lines = [row.encode("utf-16-le") for row in text.split("\n")]
    starts = [0]
    for row in lines:
        starts.append(starts[-1] + len(row) + 2)
    data = text.encode("utf-16-le")

    def offset(position: types.Position) -> int:
        return starts[position.line] + 2 * position.character

    for edit in sorted(action.edit.changes[URI], key=lambda one: offset(one.range.start), reverse=True):
        start, end = offset(edit.range.start), offset(edit.range.end)
        data = data[:start] + edit.new_text.encode("utf-16-le") + data[end:]
    return data.decode("utf-16-le")


@asynccontextmanager
async def editor(encodings: list[Any] | None = None) -> AsyncIterator[Editor]:
    """An editor with a server of its own, which is there until the end."""
    client = LanguageClient("test", "1")
    await client.start_io(sys.executable, "-m", "ocivalidate", "lsp", "--stdio", cwd=CHECKOUT)
    general = types.GeneralClientCapabilities(position_encodings=encodings) if encodings else None
    params = types.InitializeParams(types.ClientCapabilities(general=general), process_id=os.getpid(), root_uri=None)
    await asyncio.wait_for(client.initialize_async(params), _SECONDS)
    client.initialized(types.InitializedParams())
    yield Editor(client)
    await asyncio.wait_for(client.shutdown_async(None), _SECONDS)
    client.exit(None)
    await asyncio.wait_for(client.stop(), _SECONDS)  # type: ignore[no-untyped-call]  # of pygls


def with_editor(story: Callable[[Editor], Awaitable[None]], encodings: list[Any] | None = None) -> None:
    async def run() -> None:
        async with editor(encodings) as one:
            await story(one)

    asyncio.run(run())


def codes(found: list[types.Diagnostic]) -> list[Any]:
    return [one.code for one in found]


def test_findings_come_and_go_as_one_types() -> None:
    async def story(one: Editor) -> None:
        one.type(GOOD)
        assert await one.findings() == []
        one.type(GOOD.replace('"cwd": "/"', '"cwd": "x"'))
        (found,) = await one.findings()
        assert found.code == "runtime/config.process.cwd.absolute"
        assert found.severity is types.DiagnosticSeverity.Error
        assert found.code_description
        assert found.code_description.href == f"{SITE}clauses/{found.code}.html"
        assert found.range == types.Range(types.Position(2, 37), types.Position(2, 40))
        # In mid-typing it is no JSON; then it is sound again.
        one.type(GOOD[:60])
        assert codes(await one.findings()) == ["runtime/glossary.json.syntax"]
        one.type(GOOD)
        assert await one.findings() == []

    with_editor(story)


def test_documents_of_others_are_left_alone() -> None:
    async def story(one: Editor) -> None:
        for text in ('{"port": 80', '{"port": 80}', "", "[1, 2", '{"auths": {}}'):
            one.type(text)
            assert await one.findings() == []
            assert await one.completions("{|", "file:///c.json") == {}

    with_editor(story)


def test_other_documents_are_judged_too() -> None:
    async def story(one: Editor) -> None:
        one.type(
            '{"ociVersion": "1.2.0", "id": "a", "status": "running", "bundle": "/b", "pid": "x"}', "file:///state.json"
        )
        assert "pid.type" in str(codes(await one.findings("file:///state.json")))
        one.type('{"imageLayoutVersion": "2.0.0"}', "file:///oci-layout")
        assert await one.findings("file:///oci-layout")
        one.type('{"schemaVersion": 1, "manifests": []}', "file:///index.json")
        assert await one.findings("file:///index.json")

    with_editor(story)


@pytest.mark.parametrize(
    ("encodings", "start", "end"),
    [(None, 28, 39), (["utf-8"], 34, 45), (["utf-32"], 27, 38)],
    ids=["utf-16", "utf-8", "utf-32"],
)
def test_columns_are_those_of_the_editor(encodings: list[Any] | None, start: int, end: int) -> None:
    async def story(one: Editor) -> None:
        # U+2028 ends a line for some readers of text, and for no editor.
        one.type('{"ociVersion": "1.2.0",\r\n"annotations": {"a.\u2028é😀": "", "bé": 1},\r"hostname": 5}')
        found = {diagnostic.range.start.line: diagnostic.range for diagnostic in await one.findings()}
        assert max(found) == 2
        assert (found[2].start.character, found[2].end.character) == (12, 13)
        wide = [one for one in one.told[URI].diagnostics if one.message.startswith('annotations["bé"]')]
        assert wide[0].range.start.line == wide[0].range.end.line == 1
        before = '"annotations": {"a.\u2028é😀": "", "bé": '
        size = {28: len(before.encode("utf-16-le")) // 2, 34: len(before.encode()), 27: len(before)}[start]
        assert wide[0].range.start.character == size
        assert wide[0].range.end.character == size + 1
        assert end > start

    with_editor(story, encodings)


def test_members_are_completed_by_place_and_release() -> None:
    async def story(one: Editor) -> None:
        found = await one.completions('{"ociVersion": "1.0.2", "process": {"cw|"}}')
        assert "cwd" in found
        assert "scheduler" not in found  # of a later release
        assert found["cwd"].detail == "a string, required"
        edit = found["cwd"].text_edit
        assert isinstance(edit, types.TextEdit)
        assert edit.new_text == '"cwd": '
        assert edit.range == types.Range(types.Position(0, 36), types.Position(0, 40))
        assert "scheduler" in await one.completions('{"ociVersion": "1.2.0", "process": {|}}')
        # What is there is not offered again, wherever it stands; and half of a document is enough.
        assert "cwd" not in await one.completions('{"ociVersion": "1.2.0", "process": {| "cwd": "/"')
        found = await one.completions('{"ociVersion": "1.2.0", "linux": {"namespaces": [{"type": "pid"}, {"pa|": 1}]')
        edit = found["path"].text_edit
        assert isinstance(edit, types.TextEdit)
        assert edit.new_text == '"path"'

    with_editor(story)


def test_values_are_completed_by_place() -> None:
    async def story(one: Editor) -> None:
        start = '{"ociVersion": "1.0.2", '
        assert set(await one.completions(start + '"linux": {"namespaces": [{"type": "|"}]}}')) == {
            json.dumps(name) for name in ("pid", "network", "mount", "ipc", "uts", "user", "cgroup")
        }
        assert '"time"' in await one.completions('{"ociVersion": "1.2.0", "linux": {"namespaces": [{"type": |')
        assert '"CAP_KILL"' in await one.completions(start + '"process": {"capabilities": {"bounding": ["CAP_CHOWN", |')
        assert {*await one.completions(start + '"process": {"terminal": |')} == {"true", "false"}
        assert '"1.2.0"' in await one.completions('{"ociVersion": |, "process": {}}')

    with_editor(story)


def test_hover_explains_the_member_and_what_is_found() -> None:
    async def story(one: Editor) -> None:
        said = await one.hover(GOOD.replace('"cwd": "/"', '"c|wd": "x"'))
        assert said.startswith("**process.cwd**: a string (runtime-spec 1.2.0)")
        assert "`runtime/config.process.cwd.absolute`" in said
        said = await one.hover(GOOD.replace('"cwd": "/"', '"cwd": "|x"'))
        assert "ocivalidate explain runtime/config.process.cwd.absolute" in said
        assert await one.hover(GOOD.replace("  }", "  |}")) == ""
        said = await one.hover(GOOD.replace("1.2.0", "1.0.0").replace('"cwd"', '"sche|duler": {}, "cwd"'))
        assert "since 1\\.1\\.0" in said or "since 1.1.0" in said
        said = await one.hover(GOOD.replace('"cwd"', '"<b>`x`[|": 1, "cwd"'))
        assert re.search(r"(?<!\\)[`<\[]", said.split("(`")[0]) is None

    with_editor(story)


def test_fixes_are_offered_and_mend() -> None:
    async def story(one: Editor) -> None:
        bad = GOOD.replace('"args"', '"termnal": "true", "args"').replace(
            '"annotations": {', '"anotations": {"a.b": "😀", '
        )
        one.type(bad)
        found = await one.findings()
        wrong = next(item for item in found if "termnal" in item.message)
        offered = await one.actions(wrong.range, ["quickfix"])
        assert [action.title for action in offered] == ['Rename process.termnal to "terminal"'] or not offered
        every = await one.actions(types.Range(types.Position(0, 0), types.Position(0, 0)), ["source.fixAll"])
        assert [action.kind for action in every] == ["source.fixAll.ocivalidate"]
        assert '"annotations": {"a.b": "😀", ' in applied(bad, every[0])
        assert await one.actions(types.Range(types.Position(0, 0), types.Position(0, 0)), ["refactor"]) == []
        simple = GOOD.replace('"args"', '"termnal": true, "args"')
        one.type(simple)
        (wrong,) = await one.findings()
        (action,) = await one.actions(wrong.range, ["quickfix"])
        assert action.title == 'Rename process.termnal to "terminal"'
        assert [*(action.diagnostics or ())] == [wrong]
        mended = applied(simple, action)
        assert mended == simple.replace("termnal", "terminal")
        one.type(mended)
        assert await one.findings() == []

    with_editor(story)


def test_nothing_that_is_typed_ends_the_server() -> None:
    odd = [
        *("", '{"ociVersion"', '{"ociVersion": "1.2.0", "process": {"a": [[[[', '"\\ud800', "\x00"),
        *('{"ociVersion": "1.2.0", "process": ' + "[" * 5000, '{"a":' * 2000, "}" * 100 + '"'),
        *('{"ociVersion": "1.2.0", "root": {"path": "\ud800"}}', '{"ociVersion": "1.2.0", ' + '"x": 1, ' * 3000),
        '{"ociVersion": "1.2.0", "process": {"oomScoreAdj": 1e999999999, "cwd": ' + "9" * 6000,
    ]

    async def story(one: Editor) -> None:
        for text in odd:
            data = text.encode("utf-8", "replace").decode()
            one.type(data)
            middle = f"{data[: len(data) // 2]}|{data[len(data) // 2 :]}"
            await one.completions(middle)
            await one.hover(middle)
            await one.findings()
            await one.actions(types.Range(types.Position(0, 0), types.Position(10**6, 2**31 - 1)))
        one.type(GOOD)
        assert await one.findings() == []

    with_editor(story)


def test_only_the_last_of_many_changes_is_told() -> None:
    async def story(one: Editor) -> None:
        for end in range(len(GOOD)):
            one.type(GOOD[: end + 1])
        assert await one.findings() == []
        # A document that is closed has no findings, and is forgotten.
        one.type('{"ociVersion": "1"}')
        assert await one.findings()
        identifier = types.TextDocumentIdentifier(URI)
        one.client.text_document_did_close(types.DidCloseTextDocumentParams(identifier))
        async with asyncio.timeout(_SECONDS):
            while one.told[URI].diagnostics:
                one.news.clear()
                await one.news.wait()

    with_editor(story)


def test_large_document_is_told_to_be_one() -> None:
    async def story(one: Editor) -> None:
        one.type(GOOD.replace('"é😀"', '"' + "x" * (4 * 1024 * 1024) + '"'))
        (found,) = await one.findings()
        assert "too large to judge in an editor" in found.message

    with_editor(story)


def test_server_speaks_nothing_but_the_protocol_and_ends_with_its_editor() -> None:
    command = [sys.executable, "-m", "ocivalidate", "lsp"]
    done = subprocess.run(command, input=b"", capture_output=True, cwd=CHECKOUT, timeout=_SECONDS, check=False)
    assert done.stdout == b""
    hello = b'Content-Length: 17\r\n\r\n{"jsonrpc":"2.0"}Content-Length: 3\r\n\r\n{]}'
    done = subprocess.run(command, input=hello, capture_output=True, cwd=CHECKOUT, timeout=_SECONDS, check=False)
    assert not done.stdout or done.stdout.startswith(b"Content-Length: ")


def test_an_editor_that_says_goodbye_gets_exit_code_0() -> None:
    messages = (
        {"id": 1, "method": "initialize", "params": {"processId": None, "rootUri": None, "capabilities": {}}},
        {"method": "initialized", "params": {}},
        {"id": 2, "method": "shutdown"},
        {"method": "exit"},
    )
    texts = [json.dumps({"jsonrpc": "2.0", **message}) for message in messages]
    said = "".join(f"Content-Length: {len(text)}\r\n\r\n{text}" for text in texts)
    command = [sys.executable, "-m", "ocivalidate", "lsp"]
    done = subprocess.run(command, input=said.encode(), capture_output=True, timeout=_SECONDS, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
