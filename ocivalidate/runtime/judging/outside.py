"""Rules on what is seen from outside of a container: its namespaces, groups, hooks, and the state that is told of it.

The facts are those that the host of a probe adds (``ocivalidate runtime``): ``host`` (the namespaces of the runtime,
and those to join by type), ``groups``, ``hooks`` and ``state``. Where one is absent, nothing is judged by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ocivalidate.jsontext.pointers import below
from ocivalidate.rules.declared import judges
from ocivalidate.runtime.judging.judgements import FactContext, Judgement, compare, unseen
from ocivalidate.runtime.kernel.cgroup_values import deciding, expected
from ocivalidate.runtime.kernel.namespaces import NAMESPACE_FILES
from ocivalidate.runtime.properties import APPLIES_CONFIG

NEW = "runtime/config-linux.namespaces.no-path-creates"
JOINED = "runtime/config-linux.namespaces.path.joined"
INHERITED = "runtime/config-linux.namespaces.unlisted-inherited"
ABSOLUTE = "runtime/config-linux.cgroupsPath.absolute-from-mount"
ORDER = "runtime/config.hooks.order"
INTERACTION = "safety/runtime.interaction"
STATE = "runtime/config.hooks.state-on-stdin"
EXECUTED = {
    "prestart": "runtime/config.hooks.prestart.executed-runtime-ns",
    "createRuntime": "runtime/config.hooks.createRuntime.executed-runtime-ns",
    "createContainer": "runtime/config.hooks.createContainer.executed-container-ns",
    "startContainer": "runtime/config.hooks.startContainer.executed-container-ns",
    "poststart": "runtime/config.hooks.poststart.executed-runtime-ns",
    "poststop": "runtime/config.hooks.poststop.executed-runtime-ns",
}
_IN_THE_CONTAINER = ("createContainer", "startContainer")
INVOKED = {
    "prestart": "runtime/runtime.lifecycle.prestart-invoked",
    "createRuntime": "runtime/runtime.lifecycle.createruntime-invoked",
    "createContainer": "runtime/runtime.lifecycle.createcontainer-invoked",
    "startContainer": "runtime/runtime.lifecycle.startcontainer-invoked",
    "poststart": "runtime/runtime.lifecycle.poststart-invoked",
    "poststop": "runtime/runtime.lifecycle.poststop-invoked",
}


@judges(NEW, JOINED, INHERITED)
def namespaces(context: FactContext) -> Iterator[Judgement]:
    """``linux.namespaces``: new ones, those that are joined, and those of the runtime."""
    inside, host = context.facts.get("namespaces"), context.facts.get("host")
    if inside is None or host is None or not context.config.get("linux"):
        return
    entries = list(context.section("linux").get("namespaces") or ())
    for number, entry in enumerate(entries):
        kind, pointer = str(entry.get("type")), f"/linux/namespaces/{number}"
        file = NAMESPACE_FILES.get(kind, kind)
        if entry.get("path"):
            if kind in host["joined"] and file in inside:
                message = f"the process is not in the {kind} namespace at its path"
                yield compare(pointer, inside[file], host["joined"][kind], clause=JOINED, message=message)
        elif file in inside and file in host["namespaces"]:
            message = f"the container has no {kind} namespace of its own"
            new = inside[file] != host["namespaces"][file]
            yield compare(pointer, "new" if new else "that of the runtime", "new", clause=NEW, message=message)
    listed = {str(entry.get("type")) for entry in entries}
    for kind, file in NAMESPACE_FILES.items():
        if kind not in listed and file in inside and file in host["namespaces"]:
            message = f"the container is not in the {kind} namespace of the runtime"
            yield compare(
                "/linux/namespaces", inside[file], host["namespaces"][file], clause=INHERITED, message=message
            )


@judges(APPLIES_CONFIG, ABSOLUTE)
def groups(context: FactContext) -> Iterator[Judgement]:
    """``linux.resources``, as far as files of control groups show it, and ``linux.cgroupsPath``."""
    seen, linux = context.facts.get("groups"), context.section("linux")
    if seen is None:
        return
    wanted = expected(linux.get("resources") or {}, unified=seen["unified"], reserved=context.holds("1.1.0"))
    for one in wanted:
        files = seen["files"].get(one.controller, {})
        decided = deciding(one, files.get)
        if decided is None:
            yield unseen(one.pointer, f"there is no {one.places[0].file}")
            continue
        place, got = decided
        yield compare(one.pointer, got, got if got in place.wants else place.wants[0])
    path = str(linux.get("cgroupsPath") or "")
    for controller in {one.controller for one in wanted} if path else ():
        got = seen["paths"].get("" if seen["unified"] else controller, "none")
        if path.startswith("/"):
            message = "the process is not in the group at cgroupsPath below the mount point"
            yield compare("/linux/cgroupsPath", got, path.rstrip("/"), clause=ABSOLUTE, message=message)
        else:
            message = "the process is in no group that is called as cgroupsPath"
            yield compare("/linux/cgroupsPath", got if path not in got else path, path, message=message)


@judges(APPLIES_CONFIG, ORDER, STATE, *INVOKED.values(), *EXECUTED.values())
def hooks(context: FactContext) -> Iterator[Judgement]:
    """``hooks``: each ran once, in the order of the config, with its arguments and its environment."""
    seen = context.facts.get("hooks")
    if seen is None:
        return
    for kind, clause in INVOKED.items():
        asked = context.section("hooks").get(kind) or ()
        ran = [one for one in seen if one["kind"] == kind]
        if not asked:
            continue
        numbers = [one["number"] for one in ran]
        pointer = f"/hooks/{kind}"
        message = f"{kind} hooks did not all run once"
        yield compare(pointer, sorted(numbers), [*range(len(asked))], clause=clause, message=message)
        if sorted(numbers) == [*range(len(asked))]:
            message = f"{kind} hooks do not run in the order of the config"
            yield compare(pointer, numbers, sorted(numbers), clause=ORDER, message=message)
            for one in ran:
                place = f"{pointer}/{one['number']}"
                yield from _judge_given(place, asked[one["number"]], one)
                yield from _judge_place(context, place, one)
                yield from _judge_state(context, place, one)


def _judge_place(context: FactContext, pointer: str, ran: Mapping[str, Any]) -> Iterator[Judgement]:
    """Whether a hook ran in the namespaces of the container or in those of the runtime."""
    within = ran["kind"] in _IN_THE_CONTAINER
    where = context.facts.get("namespaces") if within else (context.facts.get("host") or {}).get("namespaces")
    for file in ("mnt", "net"):
        if where and file in where and file in ran["namespaces"]:
            message = f"{ran['kind']} hooks do not run in the namespaces of the {'container' if within else 'runtime'}"
            yield compare(pointer, ran["namespaces"][file], where[file], clause=EXECUTED[ran["kind"]], message=message)


def _judge_state(context: FactContext, pointer: str, ran: Mapping[str, Any]) -> Iterator[Judgement]:
    """What a hook read on its standard input: the state of this container."""
    told, got = context.facts.get("state"), ran.get("state")
    if told is None or "state" not in ran:
        return
    message = f"a {ran['kind']} hook does not get the state of its container"
    want = {name: told[name] for name in ("id", "bundle")}
    seen = {name: got.get(name) for name in want} if isinstance(got, Mapping) else None
    yield compare(pointer, seen, want, clause=STATE, message=message)


def _judge_given(pointer: str, hook: Mapping[str, Any], ran: Mapping[str, Any]) -> Iterator[Judgement]:
    if "args" in hook:
        yield compare(f"{pointer}/args", ran["argv"], hook["args"])
    if "env" in hook:
        yield compare(f"{pointer}/env", sorted(ran["environ"]), sorted(hook["env"]))


@judges(APPLIES_CONFIG)
def told(context: FactContext) -> Iterator[Judgement]:
    """``annotations``: the state of the container tells them."""
    state = context.facts.get("state")
    if state is None:
        return
    for name, text in (context.config.get("annotations") or {}).items():
        message = "state does not tell an annotation of the config"
        yield compare(below("/annotations", name), state["annotations"].get(name), text, message=message)


@judges(INTERACTION)
def accepted_together(refused: str) -> Judgement:
    """A config of which the runtime accepts each part alone. ``refused``: what it said to the whole, if it refused."""
    message = "a config is refused of which each part alone is accepted"
    return compare("", refused or "a container", "a container", clause=INTERACTION, message=message)


RULES = (namespaces, groups, hooks, told)
