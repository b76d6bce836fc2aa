"""Kill sends the container process the signal that it is told, and no other."""

from __future__ import annotations

import signal

from ocivalidate.runtime import CaseContext, Container, case

CLAUSE = "runtime.kill.sends-signal"
# Signals of which programs make use, by the names of POSIX; KILL and STOP cannot be caught.
CAUGHT = ("HUP", "INT", "QUIT", "USR1", "USR2", "ALRM", "TERM", "CONT", "WINCH")
# A file that is not there, by which what a program prints is known.
MARK = "/ocivalidate-program-was-run"


def _number(name: str) -> int:
    return int(getattr(signal, f"SIG{name}"))


def _caught(container: Container, how_many: int) -> list[str]:
    """The names of the signals that the probe reports, once there are so many, or no more are to come."""

    def reported(text: str) -> list[str]:
        found = [line.removeprefix('{"signal":').rstrip("}") for line in text.splitlines() if "signal" in line]
        return [signal.Signals(int(number)).name.removeprefix("SIG") for number in found]

    container.wait_output(lambda text: len(reported(text)) >= how_many or None, timeout=5)
    return reported(container.printed())


@case(CLAUSE, needs=["root"])
def running_container_gets_signals(trial: CaseContext) -> None:
    """Each signal that is sent by its name reaches the process, once; other ways to name one do the same or nothing."""
    container = trial.container(trial.config("catch", *(str(_number(name)) for name in CAUGHT))).must_create()
    container.must_start()
    container.wait_line(lambda line: "catching" in line)
    came: list[str] = []
    ways = [(name, name) for name in CAUGHT]
    ways += [("SIGUSR1", "USR1"), (str(_number("USR2")), "USR2"), (str(_number("TERM")), "TERM")]
    for word, name in ways:
        done = container.kill(word)
        if word == name:
            trial.expect(CLAUSE, f"kill {word} does not work: {done.last_error_line}", got=done.ok, want=True)
        if done.ok:
            before, came = came, _caught(container, len(came) + 1)
            trial.expect(CLAUSE, f"kill {word} sends something else", got=came[len(before) :], want=[name])
    trial.expect(CLAUSE, "a signal that was caught ended the container", got=container.status(), want="running")
    container.must_kill("KILL")
    trial.expect(CLAUSE, "kill KILL does not end it", got=container.wait_for_status("stopped"), want="stopped")
    late = _caught(container, len(came))[len(came) :]
    trial.expect(CLAUSE, "signals came that nobody sent", got=late, want=[])


@case(CLAUSE, needs=["root"])
def created_container_gets_signals(trial: CaseContext) -> None:
    """KILL ends a container that is created and was never started; its program is not run."""
    container = trial.container(trial.config("read", MARK)).must_create()
    done = container.kill("KILL")
    trial.expect(CLAUSE, f"kill of a created container does not work: {done.last_error_line}", got=done.ok, want=True)
    trial.expect(CLAUSE, "the process goes on", got=container.wait_for_status("stopped"), want="stopped")
    trial.expect(CLAUSE, "the process goes on", got=container.alive(), want=False)
    # What create prints is there too.
    trial.expect(CLAUSE, "its program was run", got=MARK in container.printed(), want=False)
    deleted = container.delete()
    trial.expect(CLAUSE, f"what was killed is not deleted: {deleted.last_error_line}", got=deleted.ok, want=True)


@case(CLAUSE, "runtime.errors.no-side-effects", needs=["root"])
def signal_that_there_is_none_of(trial: CaseContext) -> None:
    """Kill does not say that it sent a signal that does not exist, and sends nothing else instead."""
    container = trial.container(trial.config("catch", *(str(_number(name)) for name in CAUGHT))).must_create()
    for started in (False, True):
        if started:
            container.must_start()
            container.wait_line(lambda line: "catching" in line)
        before = container.snapshot()
        done = container.kill("NOSUCHSIGNAL")
        trial.expect(CLAUSE, "kill says that it sent SIGNOSUCHSIGNAL", got=done.ok, want=False)
        after = container.snapshot()
        trial.expect("runtime.errors.no-side-effects", "kill with no signal has an effect", got=after, want=before)
    # What was sent instead comes before this, or ended the program.
    container.must_kill("WINCH")
    came = _caught(container, 1)
    trial.expect("runtime.errors.no-side-effects", "kill with no signal sends another", got=came, want=["WINCH"])


STOP_SIGNAL = "config.annotations.image-stopSignal.sent"


@case(STOP_SIGNAL, needs=["root"])
def stop_signal_of_the_image(trial: CaseContext) -> None:
    """Told to kill, and not with which signal, a runtime sends the one that the annotation of the image names."""
    numbers = [str(_number(name)) for name in ("USR1", "TERM")]
    config = trial.config("catch", *numbers) | {"annotations": {"org.opencontainers.image.stopSignal": "SIGUSR1"}}
    container = trial.container(config).must_create().must_start()
    container.wait_line(lambda line: "catching" in line)
    done = trial.runtime.invoke("kill", container.id)
    if not done.ok:
        trial.skip("this runtime kills with a signal that it is told, and with no other")
    trial.expect(STOP_SIGNAL, "another signal is sent", got=_caught(container, 1), want=["USR1"])
