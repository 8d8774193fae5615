# SPDX-License-Identifier: MIT
"""docs/clauses.md, made of the conformance tests: `python -m tools.project.clauses` runs them and writes it anew.

Each file there is about one clause at one side. Its name says which, its docstring what that is, `MODULES` which code
keeps it, `ALSO` which further tests go round that code; each function's name says what the clause demands. The clauses
themselves, why one has no test, and what is kept in another way than a clause says, stand in
host_tests/conformance/clauses.toml. It ends with 1 where something does not hold.
"""

import ast
import functools
import re
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "host_tests/conformance"
PAGE = ROOT / "docs/clauses.md"
SIDES = {"device": "device", "gateway": "Gateway UE", "relay": "Relay UE", "server": "server"}
HOLDS, FAILS = "holds", "**fails**"

TEXT = """\
# Clause by clause

Made of the tests in `host_tests/conformance` by `make clauses`, which runs them: what a clause of TS 24.538 V18.3.0, or
of another specification, demands, which code keeps it, and whether it held. On the other side of each test stands a
peer that is none of ours ([testing.md](testing.md#clause-by-clause)). What the clauses leave open is decided in
[wire-profile.md](wire-profile.md), what Annex A does in [annex-a.md](annex-a.md).

{clauses}

## What has no test, and why

{left_out}

## What is kept in another way, and why

{otherwise}

Nothing lost is not of TS 24.538, but promised by this project: `store/journal.py`, `store/message_store.py`;
`device/store/test_power_cuts.py`, `device/store/test_flash.py`, `device/msgin5g/test_soak.py`.

## What is demanded

{demands}
"""


class Demand(NamedTuple):
    """One test: the function, the clauses that its name says, else that of the file, and what it demands."""

    function: str
    clauses: tuple[str, ...]
    words: str


class Clause(NamedTuple):
    """A file of tests."""

    path: Path
    number: str  # "6.3.4", "TS 23.554 8.2.8"
    side: str
    about: str
    modules: tuple[str, ...]
    also: tuple[str, ...]
    demands: tuple[Demand, ...]

    @property
    def numbers(self):
        """All clauses that it has tests on."""
        return {self.number, *(clause for each in self.demands for clause in each.clauses)}

    @property
    def file(self):
        """Its path below host_tests."""
        return self.path.relative_to(ROOT / "host_tests").as_posix()


def number_of(path):
    """(specification and clause, side) that the name of a file says; ValueError where it says none."""
    found = re.fullmatch(
        r"test_(?:clause|(\d\d)_(\d\d\d))((?:_(?:\d+|[a-z]))+)_(%s)" % "|".join(SIDES), path.stem
    )
    if found is None:
        raise ValueError(
            "%s is not called as test_clause_6_3_5_gateway.py or test_23_554_8_2_8_device.py" % path.name
        )
    return numbered(found[1], found[2], found[3][1:]), found[4]


def numbered(series, number, clause):
    """The clause as a name of a file or a test has it, in words: "TS 23.554 8.2.8", "A.2.1.1"."""
    other = "TS %s.%s " % (series, number) if series else ""
    return other + re.sub(r"^a(?=_\d)", "A", clause).replace("_", ".")


def read(path):
    """The Clause of a file. ValueError says what it lacks."""
    number, side = number_of(path)
    tree = ast.parse(path.read_text())
    given = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("MODULES", "ALSO")
    }
    about = re.match(r"TS \d\d\.\d\d\d .*?, (.*?)(?:[:.;](?:\s|$)|$)", ast.get_docstring(tree) or "", re.S)
    tests = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]
    for lacks, said in (
        (about is None, 'a docstring that begins with "TS 24.538 clause 6.3.4, what it is, at the side"'),
        (not given.get("MODULES"), "MODULES, the code that keeps its clause"),
        (not tests, "a test"),
    ):
        if lacks:
            raise ValueError("%s lacks %s" % (path.name, said))
    demands = tuple(demand(node.name, number) for node in tests)
    about = " ".join(about[1].split())
    return Clause(path, number, side, about, given["MODULES"], given.get("ALSO", ()), demands)


def demand(name, number):
    """The Demand of a function of a file on this clause. Behind "test_" its name may say a clause, "6_3_4_2_", several,
    "7_3_3_4_and_5_", and one of another specification than the file's, "24_544_6_2_7_"."""
    said = re.match(r"test_(?:(\d\d)_(\d\d\d)_)?((?:a_)?\d+(?:_\d+)+)(?:_(and|to)_(\d+))?_(?=[a-z])", name)
    whole = "test_%s_" % number.rpartition(" ")[2].replace(".", "_").lower()
    if said is None or re.match(whole + "[a-z]", name):  # "6.4.1.1.6.b" ends with a letter
        return Demand(name, (number,), name.removeprefix(whole).removeprefix("test_").replace("_", " "))
    series, other, clause, joined, last = said.groups()
    if series is None and number.startswith("TS "):
        series, other = number.split()[1].split(".")
    first = numbered(series, other, clause)
    stem, _, begin = first.rpartition(".")
    more = range(int(begin) + 1, int(last) + 1) if joined == "to" else [int(last)] if joined else []
    words = name[said.end() :].replace("_", " ")
    return Demand(name, (first, *("%s.%d" % (stem, each) for each in more)), words)


def order(number):
    """For sorting: the clauses of TS 24.538 first, each by its numbers."""
    spec, _, clause = number.rpartition(" ")
    return spec != "", spec, [int(part) if part.isdigit() else ord(part) for part in clause.split(".")]


@functools.cache
def all_clauses():
    """The Clauses of all files, in order."""
    files = map(read, sorted(TESTS.rglob("test_*.py")))
    return sorted(files, key=lambda each: (order(each.number), each.side, each.file))


def listed():
    """The clauses that clauses.toml lists: {number: {"what": text, "at": sides, and perhaps "no_test": why, "by":
    the clauses whose tests are on it, "otherwise": what is done in place of what it says, and why}}."""
    return tomllib.loads((TESTS / "clauses.toml").read_text())


def grid(head, rows):
    """A table of Markdown."""
    lines = ["| %s |" % " | ".join(head), "| %s |" % " | ".join("---" for _ in head)]
    return "\n".join(lines + ["| %s |" % " | ".join(row) for row in rows])


def code(paths, start=""):
    """Paths as code, without the `start` that all of them have."""
    return ", ".join("`%s`" % path.removeprefix(start) for path in paths)


def page(results=None):
    """The text of the page. `results` is {(file, function): whether it held}; None for all of them."""
    clauses = all_clauses()

    def held(clause, demands):
        return all(results is None or results.get((clause.file, each.function)) for each in demands)

    rows = [
        (
            each.number,
            each.about,
            code(each.modules),
            code((each.file, *each.also), "host_tests/"),
            HOLDS if held(each, each.demands) else FAILS,
        )
        for each in clauses
    ]
    left_out = [
        (number, "%s (%s)" % (about["what"], ", ".join(map(SIDES.get, about["at"]))), about["no_test"])
        for number, about in listed().items()
        if "no_test" in about
    ]
    otherwise = [
        (number, about["what"], about["otherwise"])
        for number, about in listed().items()
        if "otherwise" in about
    ]
    parts = []
    for each in clauses:
        parts.append("### %s, %s\n" % (each.number, each.about))
        parts.append("`%s`\n" % each.file)
        demands = [(", ".join(d.clauses), d.words, HOLDS if held(each, [d]) else FAILS) for d in each.demands]
        parts.append(grid(("clause", "demanded", ""), demands) + "\n")
    return TEXT.format(
        clauses=grid(("clause", "what", "code", "tests, below `host_tests`", ""), rows),
        left_out=grid(("clause", "what", "why"), left_out),
        otherwise=grid(("clause", "what", "what is done"), otherwise),
        demands="\n".join(parts).rstrip(),
    )


def run():
    """Run all of them; {(file, function): whether it held}."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-n",
                "auto",
                "--dist",
                "loadfile",
                "--junit-xml",
                report,
                TESTS,
            ],
            cwd=ROOT,
            check=False,
        )
        cases = ElementTree.parse(report).iter("testcase")
        results = {}
        for case in cases:
            file = case.get("classname", "").removeprefix("host_tests.").replace(".", "/") + ".py"
            key = file, case.get("name", "").partition("[")[0]
            bad = any(child.tag in ("failure", "error", "skipped") for child in case)
            results[key] = results.get(key, True) and not bad
    return results


def main():
    """Write the page; what `sys.exit` is to be told."""
    text = page(run())
    PAGE.write_text(text)
    failed = text.count("| %s |" % FAILS)
    return "docs/clauses.md: rows that do not hold: %d" % failed if failed else None


if __name__ == "__main__":
    sys.exit(main())
