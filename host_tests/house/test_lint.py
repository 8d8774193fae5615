# SPDX-License-Identifier: MIT
"""`make lint` is green, and it sees what it is there for."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "firmware"))

from coap import numbers  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def run(*command, **options):
    # Only what the rule itself says counts, not the options of the make that runs these tests.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment.pop("MFLAGS", None)
    options = {"cwd": ROOT, "env": environment, "capture_output": True, "text": True, **options}
    return subprocess.run([str(part) for part in command], **options)


def test_lint_is_green():
    done = run("make", "--no-print-directory", "lint")
    assert done.returncode == 0, done.stdout + done.stderr


def test_lint_reads_all_the_code_there_is():
    done = run("make", "--no-print-directory", "--dry-run", "lint")
    tops = {path.parts[0] for path in map(Path, run("git", "ls-files", "*.py").stdout.splitlines())}
    assert {"firmware", "boards", "tools", "host_tests", "examples"} <= tops
    for line in done.stdout.splitlines():
        if "ruff" in line:
            assert tops <= set(line.split()), line
    assert done.stdout.count("ruff") == 2 and done.stdout.count("mypy") == 1


BRANCHES = "".join(f"    if value == {number}:\n        return {-number}\n" for number in range(10))
DOCUMENTED = '"""A module."""\n\n\n'
MISTAKES = {
    "complexity": ("tools/new.py", f"def find(value):\n{BRANCHES}    return None\n", "C901"),
    "no docstring": ("firmware/new.py", DOCUMENTED + "def find(value):\n    return value\n", "D103"),
    "no docstring of a method": (
        "firmware/new.py",
        DOCUMENTED + 'class Finder:\n    """One."""\n\n    def find(self):\n        return self\n',
        "D102",
    ),
    "not imperative": (
        "firmware/new.py",
        DOCUMENTED + 'def find(value):\n    """Finds it."""\n    return value\n',
        "D401",
    ),
    "eleven arguments": (
        "tools/new.py",
        f"def find({', '.join(f'a{number}' for number in range(11))}):\n    return a0\n",
        "PLR0913",
    ),
    "another's private part": (
        "firmware/coap/new.py",
        DOCUMENTED + "import sys\n\nsys._getframe()\n",
        "SLF001",
    ),
    "an unused import": ("examples/new.py", "import os\n", "F401"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found(name):
    path, code, rule = MISTAKES[name]
    done = run(
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--output-format",
        "concise",
        "--stdin-filename",
        path,
        "-",
        input=code,
    )
    assert done.returncode == 1 and f" {rule} " in done.stdout, done.stdout + done.stderr


def test_ten_branches_are_not_too_many():
    code = f"def find(value):\n{BRANCHES[: BRANCHES.index('    if value == 9')]}    return None\n"
    done = run(sys.executable, "-m", "ruff", "check", "--stdin-filename", "tools/new.py", "-", input=code)
    assert done.returncode == 0, done.stdout


TYPES = {
    "of a value": ("text: int = str(1)\n", 'expression has type "str", variable has type "int"'),
    "of what our own code gives": (
        "from tools.errors import UsageError\n\nerror: str = UsageError()\n",
        'expression has type "UsageError", variable has type "str"',
    ),
    "of what the firmware gives": (
        "import coap\n\ntext: str = coap.Message(1)\n",
        'expression has type "Message", variable has type "str"',
    ),
}


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """(the files, what mypy says of TYPES, one file each): of one run, which reads what they import once."""
    folder = tmp_path_factory.mktemp("types")
    files = [folder / f"new{number}.py" for number in range(len(TYPES))]
    for file, (code, _) in zip(files, TYPES.values(), strict=True):
        file.write_text(code)
    return files, run(sys.executable, "-m", "mypy", "--cache-dir", folder / "cache", *files)


@pytest.mark.parametrize("name", TYPES)
def test_a_wrong_type_is_found(name, typed):
    files, done = typed
    file = files[list(TYPES).index(name)]
    said = [line for line in done.stdout.splitlines() if f"{file.name}:" in line]
    assert done.returncode == 1, done.stdout + done.stderr
    assert any(TYPES[name][1] in line for line in said), done.stdout + done.stderr


NAMED = re.compile(r"^_([A-Z][A-Z0-9_]*) = const\((\d+)\)", re.MULTILINE)


def test_figures_that_modules_of_coap_repeat_are_those_of_numbers():
    found = 0
    for path in sorted((ROOT / "firmware/coap").rglob("*.py")):
        for name, figure in NAMED.findall(path.read_text()):
            if hasattr(numbers, name):
                found += 1
                assert (path.name, name, int(figure)) == (path.name, name, getattr(numbers, name))
    assert found
