"""The container process: its user, groups and mask, its folder, environment and arguments, as the kernel tells them."""

from __future__ import annotations

from typing import Any

from ocivalidate.runtime import CaseContext, RuntimeFailed, caller, case, steps

# What no test can be meant to have by accident.
UID, GID, GROUPS = 1234, 2345, [17, 4242, 70000]
CALLERS_GROUPS = [3333, 4444]
WORDS = [
    "",
    " ",
    "two words",
    "tab\there",
    "line\nbreak",
    "'quoted'",
    '"double"',
    "$HOME `id` $(id)",
    "back\\slash",
    "--",
    "-x",
    "*",
    "über-žluťoučký-日本語-🐋",
    "a=b",
    "%s%n",
]
VARIABLES = [
    "PATH=/usr/bin:/bin",
    "EMPTY=",
    "SPACES=  a  b  ",
    "EQUALS=a=b=c",
    "QUOTES='\"$PATH`",
    "LINES=a\nb",
    "NAME=zażółć-日本-🐋",
    "lower_case=1",
    f"LONG={'x' * 20000}",
]


def set_user(config: dict[str, Any], **user: Any) -> dict[str, Any]:
    """Have the process run as this user."""
    config["process"]["user"] = user
    return config


@case(
    sets=[
        "/process/user/uid",
        "/process/user/gid",
        "/process/user/additionalGids",
        "/process/user/umask",
        "/process/cwd",
    ],
    needs=["root"],
)
def user_with_groups(trial: CaseContext) -> None:
    """The process has the user, the group and exactly the additional groups given, the mask and the folder."""
    config = trial.config(*steps(["ids"], ["cwd"], ["write", "mine"], ["stat", "mine"], ["wait"]))
    set_user(config, uid=UID, gid=GID, umask=0o027, additionalGids=GROUPS)
    config["process"]["cwd"] = "/tmp"  # a path in the container
    container = trial.container(config)
    somebody = caller(groups=CALLERS_GROUPS, umask=0o077)
    container.must_create(wrapper=somebody).must_start(wrapper=somebody)
    facts = container.facts()
    trial.judge_facts(config, facts)
    # What the process makes belongs to it.
    made = facts.value("stat", "mine")
    trial.applied(
        "/process/user/uid", got=made["uid"], want=UID, message="a file that the process makes is not its own"
    )
    trial.applied(
        "/process/user/gid", got=made["gid"], want=GID, message="a file that the process makes is not its own"
    )
    if trial.holds("1.0.2"):
        message = "a file that the process makes does not show the mask"
        trial.applied("/process/user/umask", got=oct(made["mode"]), want=oct(0o644 & ~0o027), message=message)


@case(sets=["/process/user/uid", "/process/user/gid", "/process/user/additionalGids"], needs=["root"])
def root_without_groups(trial: CaseContext) -> None:
    """The groups of whoever calls the runtime are not those of the process."""
    config = set_user(trial.config("ids", ",", "wait"), uid=0, gid=0, additionalGids=[])
    container = trial.container(config)
    somebody = caller(groups=CALLERS_GROUPS)
    container.must_create(wrapper=somebody).must_start(wrapper=somebody)
    facts = container.facts()
    trial.judge_facts(config, facts)
    del config["process"]["user"]["additionalGids"]
    other = trial.container(config)
    other.must_create(wrapper=somebody).must_start(wrapper=somebody)
    got = [group for group in other.facts().value("ids")["groups"] if group in CALLERS_GROUPS]
    message = "the process has groups that only the caller of the runtime has"
    trial.applied("/process/user/additionalGids", got=got, want=[], message=message)


@case(sets=["/process/user/additionalGids"], needs=["root"])
def groups_given_twice(trial: CaseContext) -> None:
    """A group that is listed twice, or that is the main one too, is a group of the process as any other."""
    config = set_user(trial.config("ids", ",", "wait"), uid=UID, gid=GID, additionalGids=[17, GID, 4242, 17, 4242])
    trial.judge_facts(config, trial.run(config))


@case(sets=["/process/user/uid", "/process/user/gid", "/process/user/additionalGids"], needs=["root"])
def large_ids(trial: CaseContext) -> None:
    """Users and groups have ids of 32 bits, of which the last alone is none."""
    most = (1 << 32) - 2
    config = set_user(trial.config("ids", ",", "wait"), uid=most, gid=most - 1, additionalGids=[1 << 31, most])
    trial.judge_facts(config, trial.run(config))


@case("config.process.user.umask.untouched", sets=["/process/user/umask"])
def umask_from_caller(trial: CaseContext) -> None:
    """Without umask the process has that of the caller of the runtime; a given umask of zero is applied."""
    somebody = caller(umask=0o037)
    container = trial.container(trial.config("ids", ",", "wait"))
    container.must_create(wrapper=somebody).must_start(wrapper=somebody)
    message = "without process.user.umask, the process does not have the mask of the runtime's caller"
    got = container.facts().value("ids")["umask"]
    trial.expect("config.process.user.umask.untouched", message, got=oct(got), want=oct(0o037))
    config = trial.config("ids", ",", "wait")
    config["process"]["user"]["umask"] = 0
    container = trial.container(config)
    container.must_create(wrapper=somebody).must_start(wrapper=somebody)
    trial.judge_facts(config, container.facts())


@case(sets=["/process/cwd"])
def cwd_that_does_not_exist(trial: CaseContext) -> None:
    """A working directory that is not there is either made or refused: the program never runs elsewhere."""
    config = trial.config("cwd", ",", "wait")
    config["process"]["cwd"] = "/not/there"
    try:
        facts = trial.run(config)
    except RuntimeFailed:
        trial.control(trial.config("wait"))
        trial.applied("/process/cwd", got="refused", want="refused")
        return
    trial.judge_facts(config, facts)


@case(sets=["/process/cwd"], needs=["isolation"])
def cwd_in_a_mount(trial: CaseContext) -> None:
    """A working directory that only a mount brings is entered after the mounts were made."""
    config = trial.config(*steps(["cwd"], ["write", "here"], ["stat", "/mnt/deep er/here"], ["wait"]))
    (trial.folder / "source" / "deep er").mkdir(parents=True)
    config["mounts"].append({"destination": "/mnt", "source": str(trial.folder / "source"), "options": ["bind"]})
    config["process"]["cwd"] = "/mnt/deep er"
    for folder in (trial.folder / "source", trial.folder / "source" / "deep er"):
        folder.chmod(0o777)
    facts = trial.run(config)
    trial.judge_facts(config, facts)
    message = "what the process writes to its working directory is not in process.cwd"
    trial.applied("/process/cwd", got="stat" in facts and facts.error("stat"), want=None, message=message)


@case(sets=["/process/env", "/process/args"])
def environment_and_arguments(trial: CaseContext) -> None:
    """Every variable that is given is there as it is given, and the arguments are exactly those given."""
    config = trial.config(*steps(["environ"], ["argv"], ["ids"], ["say", *WORDS], ["wait"]))
    config["process"]["env"] = VARIABLES
    facts = trial.run(config)
    trial.judge_facts(config, facts)
    message = "the program does not get the arguments of process.args"
    trial.applied("/process/args", got=facts.value("say"), want=WORDS, message=message)


@case(sets=["/process/env"])
def home_is_what_is_given(trial: CaseContext) -> None:
    """HOME is a variable as any other: the value that is given, an empty one as well, is its value."""
    for home in ("/not/there", ""):
        config = trial.config(*steps(["environ"], ["ids"], ["wait"]))
        config["process"]["env"] = ["PATH=/usr/bin:/bin", f"HOME={home}"]
        trial.judge_facts(config, trial.run(config))


@case(sets=["/process/cwd"], needs=["isolation"])
def cwd_behind_links(trial: CaseContext) -> None:
    """A working directory behind links of the root filesystem, absolute or not, and on a file system of the kernel."""
    for given, real in {"/links/absolute": "/tmp", "/links/relative": "/tmp", "/proc/sys": "/proc/sys"}.items():
        config = trial.config(*steps(["cwd"], ["wait"]))
        config["process"]["cwd"] = given
        container = trial.container(config)
        links = container.bundle / "rootfs" / "links"
        links.mkdir()
        (links / "absolute").symlink_to("/tmp")
        (links / "relative").symlink_to("../tmp")
        got = container.must_create().must_start().facts().value("cwd")
        trial.applied("/process/cwd", got=got, want=real, message=f"{given} is not the working directory")
        container.clean_up()


@case(sets=["/process/env", "/process/args"])
def many_arguments(trial: CaseContext) -> None:
    """Thousands of arguments and variables come through, in order."""
    words = [f"word-{number}-{'x' * 30}" for number in range(3000)]
    config = trial.config(*steps(["environ"], ["argv"], ["ids"], ["say", *words], ["wait"]))
    config["process"]["env"] = ["PATH=/usr/bin:/bin", *(f"VARIABLE_{number}={number}" for number in range(1000))]
    facts = trial.run(config)
    trial.judge_facts(config, facts)


@case("runtime.lifecycle.run-program", sets=["/process/args", "/process/env"])
def program_is_found_in_path(trial: CaseContext) -> None:
    """A program without a slash is looked for in PATH, first folder first, as execvp does; its name stays as given."""
    # An executable that is another program would be found by who searches the wrong folders.
    config = trial.config(*steps(["argv"], ["ids"], ["environ"], ["wait"]))
    config["process"]["args"][0] = "ocivalidate-program"
    config["process"]["env"] = ["PATH=/nowhere:/opt/first:/opt/second"]
    container = trial.container(config)
    for folder in ("opt/first", "opt/second"):
        (container.bundle / "rootfs" / folder).mkdir(parents=True)
    (container.bundle / "rootfs/opt/second/ocivalidate-program").symlink_to("/usr/bin/python3")
    # What cannot be executed is passed over.
    (container.bundle / "rootfs/opt/first/ocivalidate-program").write_text("no program")
    container.must_create().must_start()
    facts = container.facts()
    trial.judge_facts(config, facts)
    held = facts.value("argv") == config["process"]["args"]
    trial.expect_that("runtime.lifecycle.run-program", "start runs another program", held=held, got=facts.value("argv"))


@case(sets=["/process/args", "/process/cwd"], needs=["isolation"])
def program_relative_to_cwd(trial: CaseContext) -> None:
    """A program with a slash that is no absolute path is taken from the working directory, as execvp does."""
    config = trial.config(*steps(["argv"], ["cwd"], ["ids"], ["wait"]))
    config["process"]["args"][0] = "bin/tool"
    config["process"]["cwd"] = "/opt"
    container = trial.container(config)
    (container.bundle / "rootfs/opt/bin").mkdir(parents=True)
    (container.bundle / "rootfs/opt/bin/tool").symlink_to("/usr/bin/python3")
    container.must_create().must_start()
    trial.judge_facts(config, container.facts())


@case("runtime.lifecycle.run-program", sets=["/process/args"])
def program_whose_name_begins_with_a_dot(trial: CaseContext) -> None:
    """A dot at the beginning of a name makes no path of it: such a program is looked for in PATH as any other."""
    config = trial.config(*steps(["argv"], ["ids"], ["wait"]))
    config["process"]["args"][0] = ".hidden-program"
    config["process"]["env"] = ["PATH=/opt/programs"]
    container = trial.container(config)
    (container.bundle / "rootfs/opt/programs").mkdir(parents=True)
    (container.bundle / "rootfs/opt/programs/.hidden-program").symlink_to("/usr/bin/python3")
    facts = container.must_create().must_start().facts()
    trial.judge_facts(config, facts)
    held = facts.value("argv") == config["process"]["args"]
    trial.expect_that("runtime.lifecycle.run-program", "start runs another program", held=held, got=facts.value("argv"))
