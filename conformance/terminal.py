"""Terminals: the console socket, the three streams, the size, and /dev/console."""

from __future__ import annotations

import os

from ocivalidate.runtime import CaseContext, Container, case, mounting, steps

ROWS, COLUMNS = 37, 111
CONSOLE = "config-linux.default-devices.console"
_SIZE = ("/process/consoleSize/height", "/process/consoleSize/width")


def with_terminal(trial: CaseContext, container: Container) -> int:
    """Create and start a container that has a terminal, and return its master; what it prints there is its output."""
    console = trial.console_socket()
    container.must_create(console_socket=str(console.path))
    master = console.receive(5.0 * trial.runtime.pace)
    console.pump(container.output)
    container.must_start()
    return master


@case(CONSOLE, sets=["/process/terminal", *_SIZE])
def terminal_of_a_size(trial: CaseContext) -> None:
    """All three streams are one terminal of the size given, which controls the process, and /dev/console is it too."""
    config = trial.config(
        *steps(["tty"], ["ids"], ["follow", "/dev/fd/0"], ["follow", "/dev/console"], ["look", "/dev/fd/1"]),
        *steps([","], ["overwrite", "/dev/console", "said to the console\n"], ["hear"])[1:],
    )
    config["process"]["terminal"] = True
    config["process"]["consoleSize"] = {"height": ROWS, "width": COLUMNS}
    container = trial.container(config)
    master = with_terminal(trial, container)
    facts = container.facts()
    trial.judge_facts(config, facts)
    tty = facts.value("tty")
    message = "the terminal does not control the process"
    trial.applied("/process/terminal", got=tty.get("controlling"), want=True, message=message)
    message = "the process does not lead a session"
    trial.applied("/process/terminal", got=facts.value("ids")["sid"], want=facts.value("ids")["pid"], message=message)
    _judge_console(trial, container)
    _judge_hearing(trial, container, master)


def _judge_hearing(trial: CaseContext, container: Container, master: int) -> None:
    os.write(master, b"said to the process\n")
    heard = container.wait_line(lambda line: "heard" in line)
    message = "what is written to the terminal's master is not what the process reads"
    trial.applied("/process/terminal", got=(heard or {}).get("heard"), want="said to the process\n", message=message)


def _judge_console(trial: CaseContext, container: Container) -> None:
    facts = container.facts()
    got, want = facts.outcome("follow", "/dev/console"), facts.value("follow", "/dev/fd/0")
    message = "/dev/console is another device than the terminal of the process"
    if not isinstance(got, dict):
        trial.expect(CONSOLE, "there is no /dev/console", got=got, want="the terminal")
        return
    same = [(node["kind"], node["major"], node["minor"]) for node in (got, want)]
    trial.expect(CONSOLE, message, got=same[0], want=same[1])
    written = container.wait_output(lambda text: "said to the console" in text or None)
    message = "what is written to /dev/console does not come out of the terminal"
    trial.expect(CONSOLE, message, got=bool(written), want=True)


@case(sets=["/process/terminal"], needs=["isolation"])
def terminal_without_a_size(trial: CaseContext) -> None:
    """A terminal needs no size, and a user who is not root can read and write it."""
    config = trial.config(*steps(["tty"], ["ids"], ["hear"]))
    config["process"]["terminal"] = True
    if trial.host.root:
        config["process"]["user"] = {"uid": 1000, "gid": 1000}
    container = trial.container(config)
    master = with_terminal(trial, container)
    facts = container.facts()
    trial.judge_facts(config, facts)
    _judge_hearing(trial, container, master)


@case("config.process.consoleSize.ignored-without-terminal", sets=["/process/terminal"], needs=["isolation"])
def size_without_a_terminal(trial: CaseContext) -> None:
    """Without a terminal, its size is ignored: no error, and no terminal."""
    for given in ({"terminal": False}, {}):
        config = trial.config(*steps(["tty"], ["ids"], ["wait"]))
        config["process"] |= given
        trial.control(config)
        config["process"]["consoleSize"] = {"height": ROWS, "width": COLUMNS}
        container = trial.container(config)
        done = container.create()
        clause = "config.process.consoleSize.ignored-without-terminal"
        trial.expect(clause, f"consoleSize without terminal is refused: {done.last_error_line}", got=done.ok, want=True)
        if not done.ok:
            trial.skip("there is no container: consoleSize is refused", "runtime.lifecycle.create-env")
            return
        trial.judge_facts(config, container.must_start().facts())


@case(CONSOLE, sets=["/process/terminal"], needs=["root", "isolation"])
def console_where_nothing_can_be_written(trial: CaseContext) -> None:
    """With a read-only /dev, and on a read-only root without a mount at /dev, /dev/console is the terminal as well."""
    for on_root in (False, True):
        config = trial.config(*steps(["tty"], ["follow", "/dev/fd/0"], ["follow", "/dev/console"], ["wait"]))
        config["process"]["terminal"] = True
        config["root"]["readonly"] = on_root
        if on_root:
            config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] in ("/proc", "/dev/pts")]
        for mount in config["mounts"]:
            mount["options"] = [*mount.get("options", ()), *(["ro"] if mount["destination"] == "/dev" else [])]
        container = trial.container(config)
        if on_root:
            (container.bundle / "rootfs" / "dev" / "pts").mkdir(parents=True, exist_ok=True)
        with_terminal(trial, container)
        facts = container.facts()
        trial.judge_facts(config, facts)
        got, want = (facts.outcome("follow", path) for path in ("/dev/console", "/dev/fd/0"))
        same = [
            (node["kind"], node["major"], node["minor"]) if isinstance(node, dict) else node for node in (got, want)
        ]
        where = "a read-only root" if on_root else "a read-only /dev"
        trial.expect(CONSOLE, f"on {where} /dev/console is not the terminal", got=same[0], want=same[1])
        container.clean_up()


@case(CONSOLE, sets=["/process/terminal"], needs=["root", "isolation", "namespace:user"])
def terminal_in_a_user_namespace(trial: CaseContext) -> None:
    """In a user namespace, a user who is not root reads and writes its terminal, which is /dev/console."""
    config = trial.config(*steps(["tty"], ["ids"], ["follow", "/dev/fd/0"], ["follow", "/dev/console"]))
    config["process"]["args"] += steps([","], ["overwrite", "/dev/console", "said to the console\n"], ["hear"])[1:]
    mounting.in_user_namespace(config)
    config["process"] |= {"terminal": True, "user": {"uid": 1000, "gid": 1000}}
    container = trial.container(config)
    master = with_terminal(trial, container)
    trial.judge_facts(config, container.facts())
    _judge_console(trial, container)
    _judge_hearing(trial, container, master)
