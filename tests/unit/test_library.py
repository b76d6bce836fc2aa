"""The calls of the library: one way to say what is judged and how, and one clear error for what makes no sense."""

from __future__ import annotations

import inspect
import os
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, assert_type

import pytest

import ocivalidate
from ocivalidate import ConfigBuilder, resources
from ocivalidate.bundle.api import check_bundle, check_config, check_features, check_state
from ocivalidate.bundle.options import BundleOptions, DocumentOptions
from ocivalidate.errors import OptionError
from ocivalidate.image.api import ImageOptions, check_image
from ocivalidate.image.found import ImageFilter
from ocivalidate.image.layers.limits import LayerLimits
from ocivalidate.image.limits import Limits
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Report, Result
from ocivalidate.runtime.api import check_runtime, run_runtime
from ocivalidate.runtime.judging.documents import check_facts
from ocivalidate.runtime.options import RuntimeOptions
from ocivalidate.unpack.api import UnpackOptions, unpack_image
from ocivalidate.unpack.judging import ConversionOptions, check_conversion

DEMO = resources.folder("fixtures") / "demo"
BUNDLE, IMAGE = DEMO / "bundle-good", DEMO / "image-good"
CONFIG = BUNDLE / "config.json"
JUDGED: dict[str, Callable[..., Report]] = {
    "bundle": lambda *options: check_bundle(BUNDLE, *options),
    "config": lambda *options: check_config(CONFIG.read_bytes(), *options),
    "state": lambda *options: check_state(CONFIG, *options),
    "features": lambda *options: check_features(CONFIG, *options),
    "facts": lambda *options: check_facts(BUNDLE, CONFIG, *options),
    "conversion": lambda *options: check_conversion(BUNDLE, IMAGE, *options),
    "image": lambda *options: check_image(IMAGE, *options),
}
WRONG = (
    Selection(spec_version="9.9.9"),
    Selection(platform="plan9"),
    Selection(select=("runtime/config.proces",)),
    Selection(ignore=("nobody",)),
)
CALLS = [name for name in ocivalidate.__all__ if name.startswith(("check_", "run_", "unpack_"))]


@pytest.mark.parametrize(
    "of",
    [
        str,
        Path,
        type(
            "OfMine",
            (os.PathLike,),
            {"__init__": lambda self, path: setattr(self, "path", path), "__fspath__": lambda self: str(self.path)},
        ),
    ],
)
def test_a_path_is_text_or_what_has_one(of: Callable[[Path], Any]) -> None:
    assert check_bundle(of(BUNDLE)).subject == str(BUNDLE)
    assert check_image(of(IMAGE)).subject == str(IMAGE)
    for report in (check_bundle(of(BUNDLE)), check_image(of(IMAGE))):
        assert report.problem == ""
    for report in (
        check_state(of(CONFIG)),
        check_features(of(CONFIG)),
        check_facts(of(BUNDLE), of(CONFIG)),
        check_conversion(of(BUNDLE), of(IMAGE)),
    ):
        assert str(CONFIG.parent) in report.subject


@pytest.mark.parametrize("path", [b"bundle", 3, None])
def test_what_is_no_path_is_a_type_error(path: Any) -> None:
    for check in (check_bundle, check_state, check_features, check_image):
        with pytest.raises(TypeError, match="must be a str or an os"):
            check(path)


@pytest.mark.parametrize("kind", JUDGED)
def test_a_selection_means_the_same_to_every_call(kind: str) -> None:
    whole, judge = JUDGED[kind](), JUDGED[kind]
    assert judge(None) == judge(Selection()) == whole
    for wrong in (
        {"spec_version": "9.9.9"},
        {"platform": "plan9"},
        {"select": ("runtime/config.proces",)},
        {"ignore": ("nobody",)},
    ):
        with pytest.raises(OptionError):
            judge(Selection(**wrong))
    with pytest.raises(TypeError, match="selection must be Selection, not BundleOptions"):
        judge(BundleOptions())


@pytest.mark.parametrize("kind", sorted({*JUDGED} - {"config"}))
def test_options_of_another_call_are_refused(kind: str) -> None:
    with pytest.raises(TypeError, match="options must be"):
        JUDGED[kind](None, {"max_size": 3})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: check_bundle(BUNDLE, None, BundleOptions(max_size=0)), "max_size must be at least 1"),
        (lambda: check_state(CONFIG, None, DocumentOptions(max_size=-1)), "max_size must be at least 1"),
        (lambda: check_image(IMAGE, None, ImageOptions(jobs=0)), "jobs must be at least 1"),
        (
            lambda: check_image(IMAGE, None, ImageOptions(kind="index")),
            "unknown kind of document: index; known",
        ),
        (lambda: check_image(IMAGE, None, ImageOptions(limits=Limits(depth=0))), "depth must be at least 1"),
        (lambda: check_image(IMAGE, None, ImageOptions(ImageFilter(platforms=("linux",)))), "platform wants OS/ARCH"),
        (lambda: check_image(IMAGE, Selection(platform="linux")), "a selection for image-spec cannot have a platform"),
        (lambda: check_conversion(BUNDLE, IMAGE, None, ConversionOptions(platform="amd64")), "platform wants OS/ARCH"),
        (
            lambda: check_bundle(BUNDLE, Selection(spec_version="1.9")),
            "unknown release of runtime-spec: 1.9; known",
        ),
        (
            lambda: check_image(IMAGE, Selection(spec_version="1.2.1")),
            "unknown release of image-spec: 1.2.1; known",
        ),
        (lambda: run_runtime("none", None, RuntimeOptions(jobs=0)), "jobs must be at least 1"),
        (
            lambda: check_runtime("none", None, RuntimeOptions(require=("roots",))),
            "require: unknown need roots",
        ),
        (lambda: check_runtime("none", Selection(platform="zos")), "unknown platform: zos; known are linux"),
        (
            lambda: check_runtime("none", Selection(select=("refusals.nobody",))),
            "no case and no clause matches",
        ),
        (lambda: unpack_image(IMAGE, "b", UnpackOptions(rootfs=False, config=False)), "there is nothing to make"),
        (
            lambda: unpack_image(IMAGE, "b", UnpackOptions(ignore=("safety/nothing",))),
            "no clause matches",
        ),
        (lambda: Selection(level="shall"), "unknown level: shall; known are must, should, may"),
        (lambda: Selection(most=0), "most must be at least 1, not 0"),
    ],
)
def test_an_option_that_makes_no_sense_is_one_line(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(OptionError, match=message) as refused:
        wrong()
    assert "\n" not in str(refused.value)


def test_one_text_is_not_taken_for_its_letters() -> None:
    with pytest.raises(TypeError, match=r"select must be several strings, such as \('runtime/config',\)"):
        Selection(select="runtime/config")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(TypeError, match="refs must be several strings"):
        check_image(IMAGE, None, ImageOptions(ImageFilter(refs="latest")))  # type: ignore[arg-type]  # the mistake


def test_several_texts_may_come_as_a_list() -> None:
    as_list = Selection(select=["runtime/config"], ignore=["lint"])  # type: ignore[arg-type]  # as people write it
    assert as_list == Selection(select=("runtime/config",), ignore=("lint",))
    assert check_bundle(BUNDLE, as_list) == check_bundle(BUNDLE, Selection(("runtime/config",), ("lint",)))


def test_a_selection_of_a_release_judges_by_it() -> None:
    assert check_bundle(BUNDLE, Selection(spec_version="1.2.0")).release == "1.2.0"
    assert check_image(IMAGE, Selection(spec_version="1.0.2")).release == "1.0.2"
    assert check_conversion(BUNDLE, IMAGE, Selection(spec_version="1.0.2")).release in ("1.0.2", "")


@pytest.mark.parametrize("name", CALLS)
def test_no_option_is_of_any_type(name: str) -> None:
    call = getattr(ocivalidate, name)
    hints = typing.get_type_hints(call)
    for parameter in inspect.signature(call).parameters.values():
        assert parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL), f"{name}: {parameter}"
        assert "Any" not in str(hints[parameter.name]), f"{name}: {parameter}"
    assert call.__doc__


def test_a_builder_takes_paths(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=1\n", encoding="utf-8")
    built = [
        ConfigBuilder.linux()
        .rootfs(of("root"))
        .volume(of("/data"), "/data")
        .mount("/more", source=of("/more"))
        .device(of("/dev/fuse"))
        .env_file(of(str(tmp_path / "env")))
        .build()
        for of in (str, Path)
    ]
    assert built[0] == built[1]
    relative = ConfigBuilder.linux().volume(Path("data"), "/data").build()
    assert relative == ConfigBuilder.linux().volume("./data", "/data").build()
    with pytest.raises(OptionError, match="volume"):
        ConfigBuilder.linux().volume("data", "/data")
    assert ConfigBuilder.windows().layer(Path("layers")).build()["windows"]["layerFolders"] == ["layers"]


def test_calls_are_typed() -> None:
    """What mypy finds in here is what it finds in a program of a user: each mistake is one, or its mark is unused."""
    assert_type(check_bundle(BUNDLE), Report)
    assert_type(check_image(Path(IMAGE), Selection(spec_version="1.1.1"), ImageOptions(complete=True)), Report)
    assert_type(run_runtime("none", Selection(), RuntimeOptions(jobs=2)), Iterator[Result])
    with pytest.raises(TypeError):
        check_bundle(BUNDLE, spec_version="1.2.0")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        check_bundle(BUNDLE, BundleOptions())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        check_image(IMAGE, None, BundleOptions())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        RuntimeOptions(job=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        check_config(CONFIG.read_text(encoding="utf-8"))  # type: ignore[arg-type]


WRONG_TYPES: dict[str, tuple[Callable[[], object], str]] = {
    "a count that is a text": (lambda: Selection(most=any_("20")), "most must be an int, not str"),
    "a count that is a fraction": (lambda: Selection(most=any_(1.5)), "most must be an int, not float"),
    "a count that is a flag": (lambda: Selection(most=True), "most must be an int, not bool"),
    "a size that is a text": (
        lambda: check_state("state.json", options=DocumentOptions(max_size=any_("1M"))),
        "max_size must be an int, not str",
    ),
    "a limit that is a text": (
        lambda: check_image("image", options=ImageOptions(limits=Limits(document=any_("1M")))),
        "document must be an int, not str",
    ),
    "jobs that are a text": (
        lambda: check_runtime("runc", options=RuntimeOptions(jobs=any_("2"))),
        "jobs must be an int, not str",
    ),
    "a flag of a selection": (
        lambda: check_bundle("bundle", Selection(lint=any_("no"))),
        "lint must be True or False, not 'no'",
    ),
    "a flag of a bundle": (
        lambda: check_bundle("bundle", options=BundleOptions(host=any_("no"))),
        "host must be True or False, not 'no'",
    ),
    "a flag of an image": (
        lambda: check_image("image", options=ImageOptions(complete=any_(1))),
        "complete must be True or False, not 1",
    ),
    "a flag of unpacking": (
        lambda: unpack_image("image", "made", UnpackOptions(force=any_("no"))),
        "force must be True or False, not 'no'",
    ),
    "a filter that is a text": (
        lambda: check_image("image", options=ImageOptions(any_("linux/amd64"))),
        "wanted must be ImageFilter, not str",
    ),
    "limits of a layer for those of an image": (
        lambda: check_image("image", options=ImageOptions(limits=any_(LayerLimits()))),
        "limits must be Limits, not LayerLimits",
    ),
    "limits for unpacking": (
        lambda: unpack_image("image", "made", UnpackOptions(limits=any_({"document": 1}))),
        "limits must be Limits, not dict",
    ),
    "a launcher that is none": (
        lambda: check_runtime("runc", options=RuntimeOptions(launcher=any_(3))),
        "launcher must be a Launcher, not int",
    ),
}


@pytest.mark.parametrize("case", WRONG_TYPES)
def test_a_value_of_another_type_is_named_in_one_line(case: str) -> None:
    call, message = WRONG_TYPES[case]
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value) == message


def any_(value: Any) -> Any:
    """What a caller without a type checker hands over."""
    return value
