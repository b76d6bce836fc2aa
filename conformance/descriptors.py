"""What runtime-linux.md asks for: the open descriptors of the program, and the links in /dev."""

from __future__ import annotations

import functools
import os

from ocivalidate.runtime import CaseContext, case, steps

ONLY_STANDARD = "runtime-linux.fds.default-only-std"
LINKS = {
    "/dev/fd": "/proc/self/fd",
    "/dev/stdin": "/proc/self/fd/0",
    "/dev/stdout": "/proc/self/fd/1",
    "/dev/stderr": "/proc/self/fd/2",
}


@case(ONLY_STANDARD, "runtime-linux.dev-symlinks", needs=["root", "isolation"])
def descriptors_and_links(trial: CaseContext) -> None:
    """The program has the standard descriptors alone, also when the runtime was given more; /dev has its links."""
    secret = trial.folder / "secret"
    secret.write_text("not for the container", encoding="utf-8")
    given = [os.open(path, os.O_RDONLY) for path in (secret, "/", "/dev/null")]
    for descriptor in given:
        trial.undo(functools.partial(os.close, descriptor))
    links = [["readlink", link] for link in LINKS]
    # Each link by its effect too: what is written to /dev/stdout must come out where the report does.
    container = trial.container(
        trial.config(*steps(["fds"], *links, ["overwrite", "/dev/stdout", "through the link\n"]))
    )
    container.must_create(pass_fds=given)
    done = trial.runtime.start(container.id, pass_fds=given)
    trial.expect(
        ONLY_STANDARD, f"with descriptors open, start does not work: {done.last_error_line}", got=done.ok, want=True
    )
    facts = container.facts()
    found = facts.value("fds")
    more = {number: target for number, target in found.items() if int(number) > 2}
    trial.expect(ONLY_STANDARD, "the program has more open descriptors than the standard three", got=more, want={})
    missing = [number for number in ("0", "1", "2") if number not in found]
    trial.expect(ONLY_STANDARD, "standard descriptors are not open", got=missing, want=[])
    aims = {link: facts.outcome("readlink", link) for link in LINKS}
    trial.expect("runtime-linux.dev-symlinks", "links in /dev lead elsewhere", got=aims, want=LINKS)
    said = "through the link" in container.printed()
    trial.expect("runtime-linux.dev-symlinks", "/dev/stdout is not the standard output", got=said, want=True)
