"""The steps of a journal as lines of the story that a ``reproduce.sh`` tells. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ocivalidate.runtime.driving.driver import Call
from ocivalidate.runtime.driving.journal import (
    Called,
    Grouped,
    Held,
    Journal,
    Judged,
    Step,
    Waited,
    Written,
)
from ocivalidate.runtime.driving.snapshots import TREE, Entry
from ocivalidate.runtime.inside.probe import MARK
from ocivalidate.runtime.reproducing.evidence import Evidence, class_of
from ocivalidate.runtime.reproducing.marking import Marks, masked
from ocivalidate.runtime.reproducing.quoting import document, remark, word, words

_UNSHARE = {
    "mnt": "--mount",
    "uts": "--uts",
    "ipc": "--ipc",
    "net": "--net",
    "pid": "--pid",
    "user": "--user",
    "cgroup": "--cgroup",
    "time": "--time",
}
_FLAGS = ("nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime", "nosymfollow")
_TRAVELS = {"shared:": "shared", "master:": "slave", "unbindable": "unbindable"}
_SILENT = re.compile("reported nothing|without a report|in vain for output")


@dataclass(slots=True)
class Story:
    """Turns a journal into lines. ``marks``: what stands for the names of the run. ``missing``: what cannot be told.

    ``containers``: which name in the script stands for a container id now.
    """

    journal: Journal
    marks: Marks
    missing: dict[str, None] = field(default_factory=dict)
    containers: dict[str, str] = field(default_factory=dict)
    _bundles: dict[str, str] = field(default_factory=dict)
    _configs: dict[str, bytes] = field(default_factory=dict)
    _shown: set[str] = field(default_factory=set)

    def lines(self, unsaid: Sequence[Judged]) -> Iterator[str]:
        """The lines of the story. ``unsaid``: failures that no comparison of the case told, which come in the end."""
        self.missing |= self.journal.missing
        pending: list[Step] = []
        judged: list[tuple[int, Judged]] = []
        for place, step in enumerate(self.journal.steps):
            if isinstance(step, Judged):
                judged.append((place, step))
                continue
            if judged:
                yield from self._verdicts(pending, judged)
                pending, judged = [], []
            pending.append(step)
            last = place == len(self.journal.steps) - 1
            yield from self._step(step, last=last)
        yield from self._verdicts(pending, [*judged, *((-1, one) for one in unsaid)])

    def _step(self, step: Step, *, last: bool) -> Iterator[str]:
        match step:
            case Written():
                yield from self._written(step)
            case Held():
                for link in step.links:
                    self.marks.add(link, f"{link.partition('[')[0]}[held]")
                options = [_UNSHARE[kind] for kind in step.kinds if kind in _UNSHARE]
                yield words("holder", str(step.pid), step.uid_map, step.gid_map, *options)
            case Grouped():
                more = (step.controller, step.file, step.text) if step.file else ()
                yield words("group", self.marks.text(step.path), *more)
            case Called():
                yield from self._called(step)
            case Waited("end", container):
                yield words("end", self._name(container), "still there" if last else "ended")
            case Waited("death", container):
                yield words("death", self._name(container))
            case Waited("output", container, lines, text):
                said = [self.marks.text(line) for line in text.split("\n")[:-1] if MARK not in line]
                yield words("printed", self._name(container), str(lines), masked("".join(f"{one};" for one in said)))

    def _name(self, container: str) -> str:
        return self.containers.get(container, "c0")

    # --------------------------------------------------------------------------------------------------------- files

    def _written(self, step: Written) -> Iterator[str]:
        # What lies on a mount goes with it, and the deepest mount first.
        for path in sorted((one for one in step.gone if one.endswith("\0mount")), reverse=True):
            yield words("unmounted", self.marks.text(path.partition("\0")[0]))
        for path in step.gone:
            if "\0" not in path:
                yield words("gone", self.marks.text(path))
        for entry in step.entries:
            yield from self._entry(entry)
        # Only what is full is made read-only.
        for entry in step.entries:
            if entry.kind == "mount" and entry.data.split(b"\n")[-1].startswith(b"ro,"):
                yield words("made_readonly", self.marks.text(entry.path))

    def _entry(self, entry: Entry) -> Iterator[str]:
        path, mode = self.marks.text(entry.path), f"{entry.mode:o}"
        owner = "{}:{}".format(*entry.owner)
        match entry.kind:
            case "file":
                data = self.marks.data(entry.data)
                if path.endswith("config.json"):
                    data = data.rstrip(b"\n") + b"\n"
                    self._configs[path.removesuffix("/config.json")] = entry.data
                command, text = document(data)
                yield f"{command} | {words('file', path, mode, owner)}\n{text}".rstrip("\n")
            case "link":
                yield words("link", path, self.marks.text(entry.data.decode("utf-8", "surrogateescape")))
            case "node":
                yield words("node", path, mode, owner, entry.data.decode())
            case "mount":
                yield from self._mounted(path, *entry.data.decode("utf-8", "surrogateescape").split("\n"))
            case "folder" | "fifo":
                yield words(entry.kind, path, mode, owner)
            case kind if kind in (TREE, "gone"):
                yield words(kind, path)

    def _mounted(self, path: str, kind: str, root: str, options: str, flags: str = "") -> Iterator[str]:
        words_of = flags.split(",")
        given = [option for option in words_of if option in _FLAGS]
        given += [] if {"noatime", "relatime"} & {*given} else ["strictatime"]
        travels = next((how for word, how in _TRAVELS.items() if word in words_of), "private")
        marked = self.marks.text(root)
        if kind in ("tmpfs", "ramfs") and root == "/":
            given += [option for option in options.split(",") if option.partition("=")[0] in ("size", "mode")]
            yield words("mounted", path, kind, ",".join(given), travels, "")
        elif marked.startswith("@WORK@/") or "/cases/" in marked:
            source = marked.removeprefix("@WORK@/").rpartition("/cases/")[2].partition("/")[2] or marked
            yield words("mounted", path, "bind", ",".join(given), travels, source)
        else:
            self.missing[f"a {kind} was mounted at {path}"] = None

    # --------------------------------------------------------------------------------------------------------- calls

    def _called(self, step: Called) -> Iterator[str]:
        argv = [self.marks.text(one) for one in step.call.argv]
        if step.descriptors:
            self.missing[f"the runtime was given the open files {step.descriptors}"] = None
        if step.words[:1] == ("state",) and not step.wrapper:
            yield words("state", status_of(step.call), *argv)
            return
        name = ""
        if step.words[:1] == ("create",):
            name, stem = self._created(step), self.marks.text(step.output.removesuffix(".out"))
            argv = [one.replace(stem, f"@WORK@/{name}") if stem else one for one in argv]
            yield from self._terminal(step, name)
        cwd = self.marks.text(step.cwd) if step.cwd else "/"
        output = f"{name}.out" if name and step.output else ""
        yield words("call", class_of(step.call), cwd, output, *argv)

    def _created(self, step: Called) -> str:
        """A new name in the script for a container that is to be created."""
        key = self._bundles.setdefault(step.output, f"c{len(self._bundles) + 1}")
        self.containers[step.words[-1]] = key
        return key

    def _terminal(self, step: Called, name: str) -> Iterator[str]:
        if "--console-socket" in step.words[:-1]:
            socket = step.words[step.words.index("--console-socket") + 1]
            yield words("terminal", self.marks.text(socket), name)

    # ------------------------------------------------------------------------------------------------------ verdicts

    def _verdicts(self, pending: Sequence[Step], judged: Sequence[tuple[int, Judged]]) -> Iterator[str]:
        """What failed after some steps, each with what it rests on."""
        failed = [(place, one) for place, one in judged if not one.held and one.clause + one.message not in self._shown]
        if not failed:
            yield "fresh"
            return
        evidence = Evidence(pending, self.marks)
        for _, one in failed:
            self._shown.add(one.clause + one.message)
        for place, one in failed:
            yield ""
            found = evidence.of(one)
            for saw in found.seen:
                yield words(saw.command, *(self._argument(text) for text in saw.arguments))
            if _SILENT.search(one.message):
                yield words("silent", [*self.containers.values(), "c0"][-1])
            if not found.decided and place in self.journal.files:
                yield words("mounts", self._mounts(place))
                yield from [words("files", self._files(place))] if found.files else []
            sure = "sure" if found.sure else "unsure"
            yield words("verdict", one.clause, *map(self._said, (one.message, one.got, one.want)), sure)
        yield "fresh"

    def _said(self, text: str) -> str:
        return remark(self.marks.text(text), 1000)

    def _argument(self, text: str) -> str:
        """An argument of evidence: a container by its name in the script, or the text itself."""
        if text.startswith("\0bundle "):
            return self._bundle(text.partition(" ")[2])
        if text.startswith("\0group "):
            return self._group(text.partition(" ")[2])
        return self._name(text[1:]) if text.startswith("\0") else text

    def _bundle(self, container: str) -> str:
        for step in reversed(self.journal.steps):
            if isinstance(step, Called) and step.words[:1] == ("create",) and step.words[-1] == container:
                return self.marks.text(step.words[step.words.index("--bundle") + 1]).removeprefix("@WORK@/")
        return "bundle-1"

    def _group(self, container: str) -> str:
        try:
            config = json.loads(self._configs.get(self._bundle(container), b"{}"))
            return self.marks.text(str(config["linux"]["cgroupsPath"]))
        except (ValueError, TypeError, KeyError, RecursionError):
            return ""

    def _mounts(self, place: int) -> str:
        """The mounts of a moment, as the script lists them."""
        points = [path.partition("\0")[0] for path in self.journal.files[place] if path.endswith("\0mount")]
        return "".join(f"{self.marks.text(path)} " for path in sorted(points))

    def _files(self, place: int) -> str:
        """The files of a moment, as the script lists them."""
        paths = [path for path in self.journal.files[place] if "\0" not in path]
        kept = [self.marks.text(path) for path in paths if "/rootfs/usr" not in path]
        trees = [f"{path}/{name}" for path in paths if path.endswith("rootfs") for name in _OF_A_TREE]
        return "".join(f"{path} " for path in sorted({*kept, *trees}))


_OF_A_TREE = ("bin", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "tmp", "var")


def status_of(call: Call) -> str:
    """What a call of ``state`` came to: the status that it printed, or an error."""
    if not call.ok:
        return "an error"
    found = re.search(r'"status"\s*:\s*"([^"]*)"', call.stdout)
    return remark(found[1]) if found else ""


def comment(text: str) -> str:
    """A line of comment."""
    return f"# {remark(text)}"


__all__ = ["Story", "class_of", "comment", "status_of", "word"]
