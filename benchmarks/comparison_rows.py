"""What people expect of a tool that checks files, and how each of six tools is asked for it.

A row has a command for each tool, and what shows that the tool does it: its exit code, and what it prints. A tool that
has nothing for it is asked in the way that would be natural, so that its answer is seen, too.
"""

from __future__ import annotations

from typing import NamedTuple

TOOLS = ("ocivalidate", "ruff", "zizmor", "check-jsonschema", "actionlint", "crane")


class Ask(NamedTuple):
    """A command line, and what it says if it does what is expected. ``code``: exit code; ``None`` for any but 0.

    ``says``: a regular expression in what it prints, ``not_says`` one that is not there; ``given``: its standard input.
    """

    words: str
    code: int | None = 0
    says: str = ""
    not_says: str = ""
    given: str = ""


class Row(NamedTuple):
    """An expectation. ``why``: the reason, where ours does less than another."""

    expected: str
    asks: tuple[Ask, ...]
    why: str = ""


def _row(expected: str, *asks: Ask, why: str = "") -> Row:
    assert len(asks) == len(TOOLS), expected
    return Row(expected, asks, why)


_SCHEMA = "check-jsonschema --schemafile schema.json"
# actionlint writes what a template says; its manual shows some.
_AS_ANNOTATIONS = "{{range $e := .}}::error file={{$e.Filepath}},line={{$e.Line}}::{{$e.Message}}{{end}}"
_AS_SARIF = (
    '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "actionlint"}}, "results": ['
    '{{range $e := .}}{"message": {"text": {{json $e.Message}}}}{{end}}]}]}'
)

ROWS = (
    _row(
        "exit code 0 when all is well",
        Ask("ocivalidate bundle good"),
        Ask("ruff check good.py"),
        Ask("zizmor --offline good.yml"),
        Ask(f"{_SCHEMA} good.json"),
        Ask("actionlint good.yml"),
        Ask("crane validate --tarball good.tar"),
    ),
    _row(
        "and 1 or more on findings",
        Ask("ocivalidate bundle broken", None),
        Ask("ruff check bad.py", None),
        Ask("zizmor --offline bad.yml", None),
        Ask(f"{_SCHEMA} bad.json", None),
        Ask("actionlint bad.yml", None),
        Ask("crane validate --tarball bad.tar", None),
    ),
    _row(
        "a code of its own for what cannot be read, in one line",
        Ask("ocivalidate bundle nosuch", 2, r"\Anosuch: [^\n]*\n\Z"),
        Ask("ruff check nosuch.py", 2, r"\A[^\n]*\n\Z"),
        Ask("zizmor --offline nosuch.yml", 3, r"\A[^\n]*\n\Z"),
        Ask(f"{_SCHEMA} nosuch.json", 2, r"\A[^\n]*\n\Z"),
        Ask("actionlint nosuch.yml", 3, r"\A[^\n]*\n\Z"),
        Ask("crane validate --tarball nosuch.tar", 2, r"\A[^\n]*\n\Z"),
    ),
    _row(
        "a misspelled option is recognized",
        Ask("ocivalidate bundle --fromat json good", 2, "--format"),
        Ask("ruff check --output-fromat json good.py", 2, "'--output-format'"),
        Ask("zizmor --fromat json good.yml", None, "similar.*'--format'"),
        Ask("check-jsonschema --schemafle schema.json good.json", 2, "Did you mean '--schemafile'"),
        Ask("actionlint -fromat x good.yml", 2, "did you mean"),
        Ask("crane validate --tarbal good.tar", 1, "[Dd]id you mean"),
    ),
    _row(
        "and a misspelled command, value or rule",
        Ask("ocivalidate bundle --select runtime/config.process.cwd.absolut good", 2, "config.process.cwd.absolute"),
        Ask("ruff chekc good.py", 2, "'check'"),
        Ask("zizmor --format jsno good.yml", None, "similar value.*'json'"),
        Ask("check-jsonschema --output-format jsno --schemafile schema.json good.json", 2, "Did you mean"),
        Ask("actionlint -format '{{jsno .}}' good.yml", None, "did you mean"),
        Ask("crane valdiate", 1, "Did you mean this.*validate"),
    ),
    _row(
        "standard input as -",
        Ask("ocivalidate bundle -", None, "process.cwd", given="broken/config.json"),
        Ask("ruff check -", 1, "F401", given="bad.py"),
        Ask("zizmor --offline -", None, "template-injection", given="bad.yml"),
        Ask(f"{_SCHEMA} -", 1, "required", given="bad.json"),
        Ask("actionlint -", 1, "untrusted", given="bad.yml"),
        Ask("crane validate --tarball -", 0, "PASS", given="good.tar"),
    ),
    _row(
        "a folder: what is in it is found",
        Ask("ocivalidate bundle .", 1, "broken/config.json"),
        Ask("ruff check .", 1, "bad.py"),
        Ask("zizmor --offline .", None, "tree.yml"),
        Ask(f"{_SCHEMA} jsons", 1, "bad.json"),
        Ask("actionlint", 1, "tree.yml"),
        Ask("crane validate --tarball tars", 0, "PASS"),
    ),
    _row(
        "and what git ignores can be left out",
        Ask("ocivalidate bundle --respect-gitignore ignoring", 0, "good", "out/broken"),
        Ask("ruff check ignoring", 0, "", "out/bad"),
        Ask("zizmor --offline ignoring", 0, "", "out/"),
        Ask(f"{_SCHEMA} ignoring", 0, "", "out/"),
        Ask("actionlint ignoring", 0, "", "out/"),
        Ask("crane validate --tarball ignoring", 0, "PASS"),
    ),
    _row(
        "many inputs in one run, each named",
        Ask("ocivalidate bundle good broken", 1, "(?s)good.*broken|broken.*good"),
        Ask("ruff check bad.py jsons/worse.py", 1, "(?s)bad.py.*worse.py|worse.py.*bad.py"),
        Ask("zizmor --offline bad.yml worse.yml", None, "(?s)bad.yml.*worse.yml|worse.yml.*bad.yml"),
        Ask(f"{_SCHEMA} bad.json jsons/bad.json", 1, "(?s)bad.json.*jsons/bad.json|jsons/bad.json.*bad.json"),
        Ask("actionlint bad.yml worse.yml", 1, "(?s)bad.yml.*worse.yml|worse.yml.*bad.yml"),
        Ask("crane validate --tarball good.tar --tarball bad.tar", None, "(?s)good.tar.*bad.tar"),
    ),
    _row(
        "line, column and the text there",
        Ask("ocivalidate bundle broken", 1, r"config.json:8:12[^|]*\|\n 8 \|.*\n *\| +\^"),
        Ask("ruff check bad.py", 1, r"bad.py:1:8[^|]*\|\n1 \| import os\n *\| +\^"),
        Ask("zizmor --offline bad.yml", None, r"bad.yml:\d+:\d+\n *\|\n"),
        Ask(f"{_SCHEMA} bad.json", 1, r"bad.json:\d+"),
        Ask("actionlint bad.yml", 1, r"bad.yml:8:23: [^|]*\|\n8 \|"),
        Ask("crane validate --tarball bad.tar", None, r"bad.tar:.*:\d+:\d+"),
    ),
    _row(
        "rules with names, chosen and left out",
        Ask("ocivalidate bundle broken --select runtime/config.process.cwd.absolute", 1, "1 error", "args.type"),
        Ask("ruff check --select E9 bad.py", 0),
        Ask("zizmor --offline --select template-injection bad.yml", None, "template-injection", "dangerous-triggers"),
        Ask(f"{_SCHEMA} --ignore required bad.json"),
        Ask("actionlint -ignore untrusted bad.yml"),
        Ask("crane validate --ignore x --tarball bad.tar"),
    ),
    _row(
        "each rule explained without a network, with examples",
        Ask("ocivalidate explain runtime/config.process.cwd.absolute", 0, "(?s)breaks it:.*keeps it:"),
        Ask("ruff rule F401", 0, "(?s)## Why is this bad.*## Example"),
        Ask("zizmor explain template-injection", 0, "(?i)example"),
        Ask("check-jsonschema explain required", 0, "(?i)example"),
        Ask("actionlint explain expression", 0, "(?i)example"),
        Ask("crane explain validate", 0, "(?i)example"),
    ),
    _row(
        "severities, and which of them fail",
        Ask("ocivalidate bundle broken --fail-on never"),
        Ask("ruff check --fail-on never bad.py"),
        Ask("zizmor --offline --min-severity high --no-exit-codes bad.yml"),
        Ask(f"{_SCHEMA} --fail-on never bad.json"),
        Ask("actionlint -fail-on never bad.yml"),
        Ask("crane validate --fail-on never --tarball bad.tar"),
    ),
    _row(
        "findings with exit code 0",
        Ask("ocivalidate bundle broken --exit-zero", 0, "error"),
        Ask("ruff check --exit-zero bad.py", 0, "F401"),
        Ask("zizmor --offline --no-exit-codes bad.yml", 0, "error"),
        Ask(f"{_SCHEMA} --exit-zero bad.json"),
        Ask("actionlint -exit-zero bad.yml"),
        Ask("crane validate --exit-zero --tarball bad.tar"),
    ),
    _row(
        "counts by rule",
        Ask("ocivalidate bundle broken --statistics", 1, r"1 .*cwd.absolute"),
        Ask("ruff check --statistics bad.py", 1, r"1\s+F401"),
        Ask("zizmor --offline --statistics bad.yml", None, r"1 template-injection"),
        Ask(f"{_SCHEMA} --statistics bad.json", 1),
        Ask("actionlint -statistics bad.yml", 1, "1.*expression"),
        Ask("crane validate --statistics --tarball bad.tar", 1, "1.*digest"),
    ),
    _row(
        "silence when all is well",
        Ask("ocivalidate bundle good -q", 0, r"\A\Z"),
        Ask("ruff check -q good.py", 0, r"\A\Z"),
        Ask("zizmor --offline -q good.yml", 0, r"\A\Z"),
        Ask(f"{_SCHEMA} -q good.json", 0, r"\A\Z"),
        Ask("actionlint good.yml", 0, r"\A\Z"),
        Ask("crane validate --tarball good.tar", 0, r"\A\Z"),
    ),
    _row(
        "JSON",
        Ask("ocivalidate bundle broken --format json", 1, r'(?s)\A\{.*"clause"'),
        Ask("ruff check --output-format json bad.py", 1, r'(?s)\A\[.*"code": "F401"'),
        Ask("zizmor --offline -q --format json bad.yml", None, r'(?s)\A\[.*"ident"'),
        Ask(f"{_SCHEMA} -o json bad.json", 1, r'(?s)\A\{.*"errors"'),
        Ask("actionlint -format '{{json .}}' bad.yml", 1, r'\A\[\{"message"'),
        Ask("crane validate --format json --tarball bad.tar", 1, r"\A\{"),
    ),
    _row(
        "SARIF",
        Ask("ocivalidate bundle broken --format sarif", 1, '"version": "2.1.0"'),
        Ask("ruff check --output-format sarif bad.py", 1, '"version": "2.1.0"'),
        Ask("zizmor --offline -q --format sarif bad.yml", 0, '"version": ?"2.1.0"'),
        Ask(f"{_SCHEMA} -o sarif bad.json", 1, '"version": "2.1.0"'),
        Ask(f"actionlint -format '{_AS_SARIF}' bad.yml", 1, '"version": "2.1.0".*untrusted'),
        Ask("crane validate --format sarif --tarball bad.tar", 1, '"2.1.0"'),
    ),
    _row(
        "annotations of GitHub",
        Ask("ocivalidate bundle broken --format github", 1, "::error file=broken/config.json,line=8"),
        Ask("ruff check --output-format github bad.py", 1, "::error .*file="),
        Ask("zizmor --offline -q --format github bad.yml", None, "::(error|warning) file="),
        Ask(f"{_SCHEMA} -o github bad.json", 1, "::error"),
        Ask(f"actionlint -format '{_AS_ANNOTATIONS}' bad.yml", 1, "::error file=bad.yml,line=8"),
        Ask("crane validate --format github --tarball bad.tar", 1, "::error"),
    ),
    _row(
        "Code Quality of GitLab, JUnit",
        Ask("ocivalidate bundle broken --format gitlab --output junit=out.xml", 1, '"fingerprint"'),
        Ask("ruff check --output-format gitlab bad.py", 1, '"fingerprint"'),
        Ask("zizmor --offline -q --format gitlab bad.yml", None, '"fingerprint"'),
        Ask(f"{_SCHEMA} -o gitlab bad.json", 1, '"fingerprint"'),
        Ask("actionlint -format gitlab bad.yml", 1, '"fingerprint"'),
        Ask("crane validate --format gitlab --tarball bad.tar", 1, '"fingerprint"'),
    ),
    _row(
        "several formats in one run",
        Ask("ocivalidate bundle broken --output sarif=a.sarif --output junit=b.xml", 1, r"error\["),
        Ask("ruff check --output-format json --output-format sarif bad.py", 1, "2.1.0"),
        Ask("zizmor --offline --format json --format sarif bad.yml", None, "2.1.0"),
        Ask(f"{_SCHEMA} -o json -o sarif bad.json", 1, "2.1.0"),
        Ask("actionlint -format '{{json .}}' -format sarif bad.yml", 1, "2.1.0"),
        Ask("crane validate --output sarif=a.sarif --tarball bad.tar", 1, "FAIL"),
    ),
    _row(
        "a settings file of the project, and a way without it",
        Ask("ocivalidate bundle configured/broken --no-config", 1, "error"),
        Ask("ruff check --isolated bad.py", 1, "F401"),
        Ask("zizmor --offline --no-config bad.yml", None, "error"),
        Ask(f"{_SCHEMA} --no-config bad.json", 1, "required"),
        Ask("actionlint -config-file /dev/null bad.yml", 1, "untrusted"),
        Ask("crane validate --no-config --tarball bad.tar", 1, "FAIL"),
    ),
    _row(
        "findings can be left for later, in a file or by a comment",
        Ask("ocivalidate bundle broken --write-baseline baseline.json"),
        Ask("ruff check noted.py"),
        Ask("zizmor --offline noted.yml"),
        Ask(f"{_SCHEMA} --baseline baseline.json bad.json"),
        Ask("actionlint -config-file ignoring.yaml bad.yml"),
        Ask("crane validate --baseline x --tarball bad.tar"),
    ),
    _row(
        "fixes that are safe",
        Ask("ocivalidate bundle fixable --fix"),
        Ask("ruff check --fix fixable.py", 0, "1 fixed"),
        Ask("zizmor --offline --fix fixable.yml", None, "(?i)fix"),
        Ask(f"{_SCHEMA} --fix bad.json"),
        Ask("actionlint -fix bad.yml"),
        Ask("crane validate --fix --tarball bad.tar"),
    ),
    _row(
        "and shown first",
        Ask("ocivalidate bundle unfixed --diff", None, r"(?m)^\+ "),
        Ask("ruff check --diff bad.py", 1, r"(?m)^-import os"),
        Ask("zizmor --offline --diff bad.yml", None, r"(?m)^\+ "),
        Ask(f"{_SCHEMA} --diff bad.json", 1, r"(?m)^\+"),
        Ask("actionlint -diff bad.yml", 1, r"(?m)^\+"),
        Ask("crane validate --diff --tarball bad.tar", 1, r"(?m)^\+"),
    ),
    _row(
        "completions for shells",
        Ask("ocivalidate completions bash", 0, "complete"),
        Ask("ruff generate-shell-completion bash", 0, "complete -F"),
        Ask("zizmor --completions bash", 0, "complete -F"),
        Ask("check-jsonschema --completions bash", 0, "complete"),
        Ask("actionlint -completions bash", 0, "complete"),
        Ask("crane completion bash", 0, "complete"),
    ),
    _row(
        "a language server for editors",
        Ask("ocivalidate lsp --help", 0, "Serve an editor"),
        Ask("ruff server --help", 0, "(?i)language server"),
        Ask("zizmor --help", 0, "--lsp"),
        Ask("check-jsonschema lsp --help", 0, "(?i)language server"),
        Ask("actionlint -lsp", 0, "(?i)language server"),
        Ask("crane lsp --help", 0, "(?i)language server"),
    ),
    _row(
        "colours when asked for, and none with NO_COLOR",
        Ask("ocivalidate bundle broken --color always", 1, "\x1b\\["),
        Ask("env FORCE_COLOR=1 ruff check bad.py", 1, "\x1b\\["),
        Ask("zizmor --offline --color always bad.yml", None, "\x1b\\["),
        Ask(f"{_SCHEMA} --color always bad.json", 1, "\x1b\\["),
        Ask("actionlint -color bad.yml", 1, "\x1b\\["),
        Ask("crane validate --color always --tarball bad.tar", 1, "\x1b\\["),
    ),
    _row(
        "watches files and checks them again",
        Ask("ocivalidate bundle --watch good"),
        Ask("ruff check --help", 0, "--watch"),
        Ask("zizmor --watch good.yml"),
        Ask(f"{_SCHEMA} --watch good.json"),
        Ask("actionlint -watch good.yml"),
        Ask("crane validate --watch --tarball good.tar"),
        why="`ocivalidate lsp` shows findings in editors, as one types",
    ),
)
