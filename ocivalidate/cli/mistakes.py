"""What a command line was probably meant to be that makes no sense, in a few words. Loaded when one is refused.

A table says what people write who know other tools; what is left are typing errors.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from ocivalidate.vocabulary.spelling import nearest
from ocivalidate.vocabulary.wording import shortened

# What other tools call a command of ours, and what to write.
COMMANDS: Mapping[str, str] = {
    **dict.fromkeys(("check", "validate", "verify", "lint", "judge-bundle", "config.json"), "bundle"),
    **dict.fromkeys(("layout", "images", "archive"), "image"),
    **dict.fromkeys(("run", "test", "conformance", "runtimes"), "runtime"),
    **dict.fromkeys(("extract", "convert"), "unpack"),
    **dict.fromkeys(("clauses", "list", "list-rules", "coverage"), "rules"),
    **dict.fromkeys(("show", "describe", "clause", "rule"), "explain"),
    **dict.fromkeys(("spec", "gen", "new", "init", "config"), "generate"),
    "schemas": "schema",
    "version": "--version",
    "help": "--help",
}
RUNTIMES = ("runc", "crun", "youki", "runsc", "kata-runtime", "crun-vm")
# What other tools call an option of ours. Said where the option that it means is one.
OPTIONS: Mapping[str, str] = {
    **{f"--{name}": f"--format {name}" for name in ("text", "json", "tap", "junit", "sarif", "github", "markdown")},
    **dict.fromkeys(("-f", "--output-format", "--reporter", "--report"), "--format"),
    **dict.fromkeys(("-o", "--out", "--output-file", "--report-file"), "--output FORMAT=FILE"),
    **dict.fromkeys(("--colour", "--colors", "--colours"), "--color"),
    **dict.fromkeys(("--no-color", "--no-colour", "--no-colors"), "--color never"),
    **dict.fromkeys(("-s", "--silent"), "--quiet"),
    **dict.fromkeys(("--debug", "--details"), "--verbose"),
    **dict.fromkeys(("--rule", "--rules", "--enable", "--only", "--clause", "--include"), "--select"),
    **dict.fromkeys(("--disable", "--skip", "--suppress", "--ignore-rule"), "--ignore"),
    **dict.fromkeys(("--severity", "--fail-level", "--fail-fast"), "--fail-on"),
    **dict.fromkeys(("--warnings-as-errors", "-W", "--Werror", "--strict"), "--fail-on warning"),
    **dict.fromkeys(("--spec", "--oci-version", "--release"), "--spec-version"),
    **dict.fromkeys(("--arch", "--os-arch", "--os"), "--platform"),
    **dict.fromkeys(("--tag", "-t"), "--ref"),
    **dict.fromkeys(("--threads", "--parallel", "--workers", "-n"), "--jobs"),
    **dict.fromkeys(("--stats", "--count", "--summary"), "--statistics"),
    **dict.fromkeys(("-r", "--bin", "--binary", "--path"), "--runtime"),
    **dict.fromkeys(("-k", "--filter", "--case", "--focus"), "--select"),
    "-c": "--config",
}
# What is written for a value of ours, whatever the option.
VALUES: Mapping[str, str] = {
    **dict.fromkeys(("xml", "junit-xml", "junitxml"), "junit"),
    **dict.fromkeys(("plain", "txt", "pretty", "human", "default"), "text"),
    **dict.fromkeys(("md", "summary"), "markdown"),
    **dict.fromkeys(("github-actions", "annotations", "gha"), "github"),
    **dict.fromkeys(("codequality", "code-quality", "codeclimate", "code-climate"), "gitlab"),
    **dict.fromkeys(("intoto", "attestation"), "in-toto"),
    **dict.fromkeys(("warn", "warnings"), "warning"),
    **dict.fromkeys(("none", "off", "no", "false"), "never"),
    **dict.fromkeys(("yes", "on", "true", "force"), "always"),
    "config.json": "runtime-config",
    "index.json": "image-index",
    "manifest.json": "image-manifest",
    "state.json": "runtime-state",
    "oci-layout": "image-layout",
    **dict.fromkeys(("latest-draft", "draft", "main", "head"), "next"),
}
_SUFFIXES = {".sarif": "sarif", ".json": "json", ".xml": "junit", ".tap": "tap", ".txt": "text", ".md": "markdown"}
_SHORT = 5
_PARTS = re.compile(r"[./-]")
_PROGRAMS = ("sh", "bash", "ash", "cat", "echo", "env", "id", "ls", "ps", "python", "python3", "sleep", "top", "true")
_VERBS = ("run", "create", "exec", "spec", "generate", "config")


def meant(words: Sequence[str]) -> str:
    """``; did you mean …?``, or nothing."""
    return f"; did you mean {' or '.join(words)}?" if words else ""


def value(written: str, choices: Collection[str]) -> str:
    """What a value that is none of the choices means, or nothing."""
    known = [*choices]
    bare = written.strip().lower()
    bare = bare[1:] if bare[:1] == "v" and bare[1:2].isdigit() else bare
    releases = [name for name in known if name[:1].isdigit()]
    guesses = (
        [name for name in known if name.lower() == bare],
        [name for name in known if name == VALUES.get(bare)],
        # Releases by their beginning, and names by their end.
        releases if bare == "latest" else [name for name in releases if bare and name.startswith(f"{bare}.")],
        [name for name in known if bare and name.endswith(f"-{bare}")][:1],
        # A release is not meant by one that looks like it.
        [] if bare[:1].isdigit() else nearest(bare, known, most=1),
    )
    return meant(next((guess[-1:] for guess in guesses if guess), []))


def option(written: str, known: Iterable[str]) -> str:
    """What an option that a command does not have means, or nothing."""
    name, equals, text = written.partition("=")
    names = [*known]
    say = OPTIONS.get(name, "")
    if say.partition(" ")[0] in names:
        return meant([f"{say}{equals}{text}" if " " not in say else say])
    if not name.startswith("--"):
        return ""
    if "--version" not in names and nearest(name[2:], ["version"], most=1, cutoff=0.8):
        # Commands do not have it.
        return meant(["ocivalidate --version"])
    # All begin with two dashes, which makes no two of them alike.
    bare = {one[2:]: one for one in names if one.startswith("--")}
    if begun := [one for one in bare.values() if len(name) > _SHORT and one.startswith(f"{name}-")]:
        return meant(begun[:1])
    return meant([bare[close] for close in nearest(name[2:], bare, most=1, cutoff=0.65)])


def no_command(written: str, known: Collection[str], asked: str = "") -> str:
    """One line on a command that there is not. ``asked``: one that stands behind it."""
    if written in ("help", "man") and asked:
        return f"there is no command {written}{meant([f'ocivalidate {asked} --help'])}"
    guess = _command(written, known) or f" (choose from {', '.join(known)})"
    return f"there is no command {shortened(written, 80)}{guess}"


def _command(written: str, known: Collection[str]) -> str:
    """What it means, or nothing."""
    if say := COMMANDS.get(written):
        return meant([f"ocivalidate {say}"])
    if os.path.basename(written) in RUNTIMES:
        return f"; write ocivalidate runtime --runtime {written}"
    if os.path.exists(written):
        from ocivalidate import meanings

        judge = meanings.judge_of(written)
        return f"; write ocivalidate {judge} {written}" if judge else "; a command stands before what it judges"
    return meant([f"ocivalidate {close}" for close in nearest(written, known, most=1)])


def before_command(given: Sequence[str], known: Collection[str]) -> str:
    """One line on options that stand before the command, or nothing."""
    first = next((argument for argument in given if argument.startswith("-")), "")
    asked = next((argument for argument in given if argument in known), "")
    if not first:
        return ""
    name = first.partition("=")[0]
    if asked:
        return f"unrecognized arguments: {first}; options stand after the command: ocivalidate {asked} {first}"
    close = {"-V": "--version", "-v": "--version"}.get(name) or next(
        iter(nearest(name, ("--version", "--help"), most=1)), ""
    )
    return f"unrecognized arguments: {first}{meant([f'ocivalidate {close}'] if close else [])}"


def stray(command_name: str, strays: Sequence[str], known: Iterable[str]) -> str:
    """One line on arguments that a command does not take."""
    first = strays[0]
    if first.startswith("-"):
        return f"unrecognized arguments: {' '.join(strays)}{option(first, known)}"
    hint = {
        "runtime": f"; write --runtime {first}",
        "demo": "; it judges its own samples, and bundle, image and runtime judge yours",
        "unpack": "; options of oci-gen stand behind --",
    }.get(command_name, "")
    return f"unrecognized arguments: {' '.join(strays)}{hint}"


def stray_of_generate(program: str, strays: Sequence[str], known: Iterable[str]) -> str:
    """The same for ``oci-gen``, which takes a command behind ``--`` and no image."""
    first = strays[0]
    if first.startswith("-"):
        return f"unrecognized arguments: {' '.join(strays)}{option(first, known)}"
    told = f"unrecognized arguments: {' '.join(strays)}"
    if first in _VERBS:
        return f"{told}; {program} has no commands: write {program} OPTIONS -- COMMAND"
    if "/" in first[:2] or first in _PROGRAMS:
        return f"{told}; write {program} OPTIONS -- {' '.join(strays)}"
    rest = " ".join(strays[1:]) or "COMMAND"
    return f"{told}; a config has no image; the command goes after --: write {program} OPTIONS -- {rest}"


def clause(written: str, ids: Sequence[str], cases: Sequence[str] = ()) -> str:
    """What the id of a clause or a case means that nothing has, or a word that none has in it: a few words."""
    from ocivalidate.rules.clauses import likely

    if "/" not in written:
        found = nearest(written, cases, most=1)
        # Words of ids: likeness to a whole id says little of a short word.
        parts = sorted({part for name in ids for part in _PARTS.split(name)})
        if len(written) < _SHORT:
            # Of few letters, another one makes another word; these are the same, in another order, or with one twice.
            parts = [part for part in parts if sorted({*part}) == sorted({*written.lower()})]
        found = found or nearest(written, parts, most=1, cutoff=0.65)
        if found:
            return meant(found).removeprefix("; ")
    return likely(written, ids)


def output(written: str, formats: Collection[str]) -> str:
    """What an output that is no ``FORMAT=FILE`` means, or nothing."""
    name, equals, file = written.partition("=")
    if not equals:
        format_name = _SUFFIXES.get(os.path.splitext(written)[1].lower(), "")
        if format_name in formats:
            return meant([f"{format_name}={written}"])
        return meant([f"{written}=FILE"] if written in formats else [])
    found = value(name, formats)
    return found.replace("?", f"={file}?") if found and file else found
