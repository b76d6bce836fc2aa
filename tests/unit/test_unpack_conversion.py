"""What becomes of an image configuration, and how bundles of other tools are judged by it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import Entry, Image, Index, Layer, Layout, tars
from ocivalidate.errors import UnpackError
from ocivalidate.generate import ConfigBuilder
from ocivalidate.image.layers.users import User, resolve
from ocivalidate.rules.checks import Node
from ocivalidate.rules.declared import FUNCTIONS
from ocivalidate.rules.findings import ExitCode, Outcome, exit_code
from ocivalidate.rules.refusals import Refused
from ocivalidate.rules.witnesses import Side, Witness, apply, base_document, witnesses
from ocivalidate.unpack import UnpackOptions, conversion, unpack_image
from ocivalidate.unpack.attributes import IdRange
from ocivalidate.unpack.generator import ConfigSteps
from ocivalidate.unpack.judging import check_conversion
from tests.unit.unpacking import image, rootfs, unpack

Json = dict[str, Any]

PASSWD = b"root:x:0:0::/root:/bin/sh\nalice:x:1000:100::/home/alice:/bin/sh\n\nbroken\nbig:x:99999999999:1::\n"
GROUP = b"root:x:0:\nusers:x:100:\nstaff:x:50:bob,alice\naudio:x:29:alice\nbroken:x\n"
FILES = {"etc/passwd": PASSWD, "etc/group": GROUP}
ACCOUNTS = [Entry(name, data) for name, data in FILES.items()]

# A mount that the defaults have.
SHM = "/dev/shm"  # noqa: S108  # a path in the container
# Every member that conversion.md knows.
WHOLE: Json = {
    "User": "alice",
    "ExposedPorts": {"8080/tcp": {}, "53/udp": {}},
    "Env": ["FOO=bar", "PATH=/bin", "EMPTY="],
    "Entrypoint": ["/bin/app"],
    "Cmd": ["--flag", "x"],
    "Volumes": {"/data": {}, SHM: {}},
    "WorkingDir": "/work/dir",
    "Labels": {"org.example.label": "value", "org.opencontainers.image.author": "from the label"},
    "StopSignal": "SIGRTMIN+3",
}
AROUND: Json = {
    "created": "2020-01-02T03:04:05.678Z",
    "author": "from the field",
    "variant": "v8",
    "os.version": "1.2",
    "os.features": ["one", "two"],
}


def whole(**changes: Any) -> Layout:
    config = {**WHOLE, **changes}
    layer = Layer(tars.tar(ACCOUNTS))
    manifest = {"annotations": {"org.example.manifest": "m"}}
    made = Image((layer,), config={**AROUND, "config": config}, edit_manifest=lambda found: found.update(manifest))
    return Layout(Index((made,)))


def config_of(work: Path) -> Json:
    found: Json = json.loads((work / "bundle/config.json").read_bytes())
    return found


def test_every_member_is_converted(tmp_path: Path) -> None:
    done = unpack(whole(), tmp_path, rootless=False)
    config = config_of(tmp_path)
    process = config["process"]
    assert process["args"] == ["/bin/app", "--flag", "x"]
    assert process["env"] == ["FOO=bar", "PATH=/bin", "EMPTY="]
    assert process["cwd"] == "/work/dir"
    assert process["user"] == {"uid": 1000, "gid": 100, "additionalGids": [50, 29]}
    assert config["annotations"] == {
        "org.opencontainers.image.os": "linux",
        "org.opencontainers.image.architecture": "amd64",
        "org.opencontainers.image.variant": "v8",
        "org.opencontainers.image.os.version": "1.2",
        "org.opencontainers.image.os.features": "one,two",
        "org.opencontainers.image.author": "from the label",
        "org.opencontainers.image.created": "2020-01-02T03:04:05.678Z",
        "org.opencontainers.image.stopSignal": "SIGRTMIN+3",
        "org.opencontainers.image.exposedPorts": "53/udp,8080/tcp",
        "org.example.label": "value",
    }
    destinations = [mount["destination"] for mount in config["mounts"]]
    assert destinations.count("/data") == destinations.count(SHM) == 1
    assert (rootfs(tmp_path) / "work/dir").is_dir()
    assert done.report is not None
    assert exit_code([done.report]) is ExitCode.CONFORMS


def test_what_the_image_leaves_out_has_defaults(tmp_path: Path) -> None:
    layout = Layout(Index((Image(config={"config": None, "created": None}),)))
    done = unpack(layout, tmp_path, rootless=False)
    process = config_of(tmp_path)["process"]
    assert (process["args"], process["cwd"], process["user"]) == (["sh"], "/", {"uid": 0, "gid": 0})
    assert [entry.partition("=")[0] for entry in process["env"]] == ["PATH"]
    assert "org.opencontainers.image.created" not in config_of(tmp_path)["annotations"]
    assert any("neither Entrypoint nor Cmd" in note for note in done.notes)


def test_the_image_has_the_say_about_its_variables(tmp_path: Path) -> None:
    unpack(image([], Env=["PATH=", "path=x"]), tmp_path)
    assert config_of(tmp_path)["process"]["env"] == ["PATH=", "path=x"]


def test_a_working_folder_that_is_not_absolute(tmp_path: Path) -> None:
    done = unpack(image([], WorkingDir="app"), tmp_path)
    assert config_of(tmp_path)["process"]["cwd"] == "/app"
    assert any("/app" in note for note in done.notes)


def test_a_working_folder_leads_through_links_inside_the_root(tmp_path: Path) -> None:
    unpack(image([tars.symlink("srv", "/../../../data")], WorkingDir="/srv/app"), tmp_path)
    assert (rootfs(tmp_path) / "data/app").is_dir()


def test_a_working_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    done = unpack(image([Entry("app", b"x")], WorkingDir="/app"), tmp_path)
    assert any("is not a directory" in note for note in done.notes)


USERS = {
    "alice": User(1000, 100, (50, 29)),
    "alice:audio": User(1000, 29),
    "alice:7": User(1000, 7),
    "1000": User(1000, 100),
    "1000:5": User(1000, 5),
    "77": User(77, 0),
    "77:users": User(77, 100),
    "root": User(0, 0, ()),
}


@pytest.mark.parametrize(("text", "user"), USERS.items(), ids=USERS)
def test_users(text: str, user: User) -> None:
    assert resolve(text, lambda path: FILES[path].splitlines(keepends=True)) == user


@pytest.mark.parametrize("text", ["bob", "alice:nobody", ":", ":0", "alice:", "4294967296", "9" * 30, "big", "-1"])
def test_users_whom_the_image_does_not_know(tmp_path: Path, text: str) -> None:
    with pytest.raises(Refused, match=r"Config\.User|the image is not unpacked"):
        unpack(image(ACCOUNTS, User=text), tmp_path)
    assert not (tmp_path / "bundle").exists()


def test_accounts_are_those_of_the_image_never_of_the_host(tmp_path: Path) -> None:
    """The host has a root and a daemon; a link out of the image leads nowhere."""
    with pytest.raises(Refused, match="no such user"):
        unpack(image([Entry("f")], User="daemon"), tmp_path)
    out = [tars.symlink("etc/passwd", "../../../../../../../../etc/passwd")]
    with pytest.raises(Refused, match="no such user"):
        unpack(image(out, User="daemon"), tmp_path)
    moved = [tars.symlink("etc", "/conf"), Entry("conf/passwd", b"me:x:5:6::/:")]
    unpack(image(moved, User="me"), tmp_path, rootless=False)
    assert config_of(tmp_path)["process"]["user"] == {"uid": 5, "gid": 6}


@pytest.mark.parametrize("entry", [Entry("etc/passwd", type="6"), tars.folder("etc/passwd/")], ids=["fifo", "folder"])
def test_accounts_that_are_no_file_do_not_hang(tmp_path: Path, entry: Entry) -> None:
    with pytest.raises(Refused, match="no such user"):
        unpack(image([entry], User="me"), tmp_path)


def test_ids_are_mapped(tmp_path: Path) -> None:
    ranges = (IdRange(0, 100_000, 65_536),)
    unpack(image([], User="5:6"), tmp_path, config=True, rootfs=False, uid_map=ranges, gid_map=ranges)
    linux = config_of(tmp_path)["linux"]
    assert linux["uidMappings"] == [{"containerID": 0, "hostID": 100_000, "size": 65_536}]
    assert {"type": "user"} in linux["namespaces"]


def test_rootless_says_who_cannot_run(tmp_path: Path) -> None:
    done = unpack(whole(), tmp_path, rootless=True)
    assert sum("is not mapped" in note for note in done.notes) == 2
    assert "additionalGids" not in config_of(tmp_path)["process"]["user"]


def test_options_have_the_last_word_and_templates_the_first(tmp_path: Path) -> None:
    template = ConfigBuilder.linux().env("LANG", "C").hostname("box").build()
    generator = ConfigSteps(lambda _os, _rootless: ConfigBuilder.template(template), lambda builder: builder.cpus(2))
    unpack(whole(), tmp_path, generator=generator, rootless=False)
    config = config_of(tmp_path)
    assert config["hostname"] == "box"
    assert config["linux"]["resources"]["cpu"] == {"quota": 200_000, "period": 100_000}
    assert "LANG=C" in config["process"]["env"]
    assert config["process"]["cwd"] == "/work/dir"


def test_a_config_that_would_be_rejected_is_not_written(tmp_path: Path) -> None:
    generator = ConfigSteps(change=lambda builder: builder.workdir("relative"))
    with pytest.raises(Refused) as caught:
        unpack(whole(), tmp_path, generator=generator)
    assert caught.value.findings
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("os", ["windows", "freebsd"])
def test_other_systems(tmp_path: Path, os: str) -> None:
    made = Image(platform={"os": os, "architecture": "amd64"}, config={"config": {"Cmd": ["x"], "User": "0:0"}})
    unpack(Layout(Index((made,))), tmp_path, rootless=False)
    config = config_of(tmp_path)
    assert os in config
    assert config["process"]["args"] == ["x"]


def test_a_system_that_nobody_knows(tmp_path: Path) -> None:
    made = Image(platform={"os": "plan9", "architecture": "amd64"})
    with pytest.raises(UnpackError, match="plan9"):
        unpack(Layout(Index((made,))), tmp_path)


def test_rootfs_type_has_to_be_layers(tmp_path: Path) -> None:
    made = Image(edit_config=lambda found: found["rootfs"].update(type="blocks"))
    with pytest.raises(Refused):
        unpack(Layout(Index((made,))), tmp_path)


# --- Judging

Change = Callable[[Json], Any]


def _without(config: Json, key: str) -> None:
    del config["annotations"][key]


# What is changed in the right config, and the clause that this breaks.
BROKEN: dict[str, tuple[str, Change]] = {
    "args": (conversion.ENTRYPOINT_AND_CMD, lambda config: config["process"]["args"].reverse()),
    "cwd": (conversion.VERBATIM, lambda config: config["process"].update(cwd="/")),
    "env changed": (conversion.VERBATIM, lambda config: config["process"]["env"].__setitem__(0, "FOO=baz")),
    "env removed": (conversion.VERBATIM, lambda config: config["process"]["env"].pop()),
    "env twice": (conversion.NO_OVERRIDE, lambda config: config["process"]["env"].append("FOO=baz")),
    "label changed": (conversion.NO_MODIFY, lambda config: config["annotations"].update({"org.example.label": "x"})),
    "label gone": (conversion.VERBATIM, lambda config: _without(config, "org.example.label")),
    "label beaten": (
        conversion.LABELS_WIN,
        lambda config: config["annotations"].update({"org.opencontainers.image.author": "from the field"}),
    ),
    "from the manifest": (
        conversion.NOT_FROM_MANIFEST,
        lambda config: config["annotations"].update({"org.example.manifest": "m"}),
    ),
    "no user": (conversion.PARSED, lambda config: config["process"].pop("user")),
    "uid": (conversion.RESOLVED, lambda config: config["process"]["user"].update(uid=0)),
    "gid": (conversion.RESOLVED, lambda config: config["process"]["user"].update(gid=0)),
    "groups": (conversion.GROUPS, lambda config: config["process"]["user"].pop("additionalGids")),
    "volume": (conversion.VOLUMES, lambda config: config["mounts"].pop()),
    "volume elsewhere": (conversion.DESTINATION, lambda config: config["mounts"][-1].update(destination="/data/")),
    **{
        end: (clause, lambda config, end=end: _without(config, f"org.opencontainers.image.{end}"))  # type: ignore[misc]  # its default binds the key
        for end, clause in conversion.IMPLIED.items()
        if end != "author"
    },
}


def judged(work: Path, layout: Layout, change: Change) -> list[str]:
    """The clauses that a bundle breaks whose config was changed."""
    if not (work / "bundle").exists():
        unpack(layout, work, rootless=False)
    config = copy.deepcopy(config_of(work))
    change(config)
    (work / "bundle/config.json").write_text(json.dumps(config))
    report = check_conversion(str(work / "bundle"), str(work / "image"))
    assert not report.problem
    return [finding.clause.id for finding in report.findings]


@pytest.mark.parametrize(("clause", "change"), BROKEN.values(), ids=BROKEN)
def test_one_change_breaks_one_clause(tmp_path: Path, clause: str, change: Change) -> None:
    assert judged(tmp_path, whole(), lambda _config: None) == []
    assert judged(tmp_path, whole(), change) == [clause]


def test_numbers_are_verbatim(tmp_path: Path) -> None:
    def change(config: Json) -> None:
        config["process"]["user"] = {"uid": 6, "gid": 5, "additionalGids": [1]}

    assert judged(tmp_path, whole(User="5:6"), lambda _config: None) == []
    assert judged(tmp_path, whole(User="5:6"), change) == [conversion.NUMERIC, conversion.NUMERIC, conversion.NO_GROUPS]


def test_authors_are_annotations(tmp_path: Path) -> None:
    layout = whole(Labels={})
    broken = judged(tmp_path, layout, lambda config: _without(config, "org.opencontainers.image.author"))
    assert broken == ["image/conversion.annotations.author"]


def test_every_clause_is_broken_here() -> None:
    broken = {clause for clause, _change in BROKEN.values()}
    elsewhere = {conversion.NUMERIC, conversion.NO_GROUPS, conversion.IMPLIED["author"]}
    # No release that a bundle is judged by has it.
    elsewhere.add(conversion.NO_GROUPS_OF_NUMBER)
    own = [clauses for function, clauses in FUNCTIONS.items() if function.__module__ == conversion.__name__]
    assert broken | elsewhere == {clause for clauses in own for clause in clauses}


WITNESSES = [witness for witness in witnesses().values() if witness.kind == "image-conversion"]


def pair_of(witness: Witness, side: Side) -> conversion.Pair:
    """What the document of a witness holds: two configurations, annotations, and the lines of files."""
    value = json.loads(apply(base_document(witness.base), witness.edits(side)))
    files: dict[str, list[str]] = value["files"]
    read = lambda path: [f"{line}\n".encode() for line in files.get(path, ())]  # noqa: E731  # of this document
    return conversion.Pair(Node(value["image"]), Node(value["runtime"]), value["attached"], read)


@pytest.mark.parametrize("witness", WITNESSES, ids=lambda witness: witness.clause)
def test_a_witness_breaks_and_keeps_its_clause(witness: Witness) -> None:
    broken = [found.clause for found in conversion.violations(pair_of(witness, "violates"))]
    assert sorted(broken) == sorted({witness.clause, *witness.also})
    kept = pair_of(witness, "satisfies")
    assert list(conversion.violations(kept)) == []
    assert witness.clause in kept.judged


def test_without_a_root_file_system_names_are_not_judged(tmp_path: Path) -> None:
    source = str(whole().write(tmp_path / "image"))
    unpack_image(source, str(tmp_path / "bundle"), UnpackOptions(rootfs=False, rootless=False))
    report = check_conversion(str(tmp_path / "bundle"), source)
    skipped = {result.clause.id: result.reason for result in report.results if result.outcome is Outcome.SKIP}
    assert skipped[conversion.RESOLVED] == conversion.NO_ROOTFS
    assert report.findings == ()


@pytest.mark.parametrize("name", ["nothing", "bundle/config.json"])
def test_what_is_no_image_could_not_be_judged(tmp_path: Path, name: str) -> None:
    unpack(whole(), tmp_path)
    report = check_conversion(str(tmp_path / "bundle"), str(tmp_path / name))
    assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE
