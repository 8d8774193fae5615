# SPDX-License-Identifier: MIT
"""The collector of the device tests must report what happened: above all, no pass that did not run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from host_tests.interpreters import MicroPython, Report
from host_tests.newer import NewerMicroPython, newer
from tools.emulator.qemu import machine
from tools.image import rv32
from tools.image.workshop import Unavailable

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def run(tmp_path):
    """Runs MicroPython on functions of a file made of this source."""

    def run(source, *names, **settings):
        file = tmp_path / "test_made.py"
        file.write_text(source)
        return MicroPython(**settings).run(file, names)

    return run


def outcomes(results):
    return {name: result.outcome for name, result in results.items()}


def test_passed_with_what_it_printed(run):
    results = run("def test_a():\n    print('21.5', end='')\ndef test_b(): pass\n", "test_a", "test_b")
    assert outcomes(results) == {"test_a": "passed", "test_b": "passed"}
    assert results["test_a"].output == "21.5\n"
    assert results["test_b"].output == ""


def test_only_the_named_functions_run(run):
    results = run("def test_a(): pass\ndef test_b(): assert False\n", "test_a")
    assert outcomes(results) == {"test_a": "passed"}


def test_failed_shows_the_traceback(run):
    results = run(
        "def test_a():\n    assert 1 == 2, 'not the same'\ndef test_b(): pass\n", "test_a", "test_b"
    )
    assert outcomes(results) == {"test_a": "failed", "test_b": "passed"}
    assert re.search(
        r'test_made.py", line 2, in test_a\nAssertionError: not the same', results["test_a"].output
    )


def test_skipped_with_its_reason(run):
    source = "from common import Skip\ndef test_a():\n    raise Skip('no radio here')\n"
    results = run(source, "test_a")
    assert outcomes(results) == {"test_a": "skipped"}
    assert results["test_a"].reason == "no radio here"


def test_ctrl_c_leaves_no_interpreter_behind(run, tmp_path, monkeypatch):
    def interrupted(self, line):
        raise KeyboardInterrupt

    monkeypatch.setattr(Report, "take", interrupted)
    source = "import os\nos.system('echo $PPID > pid')\ndef test_a():\n    while True: pass\n"
    with pytest.raises(KeyboardInterrupt):
        run(source, "test_a")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    "ending",
    [
        "import uctypes; uctypes.bytearray_at(8, 4)[0]",  # a segmentation fault
        "import os; os.system('kill -9 $PPID')",
        "import sys; sys.exit(0)",
        "raise KeyboardInterrupt",
        "def again(): again()\n    again()",
        "bytearray(1_000_000)",  # more than the heap
        "yield",
        "return True",
    ],
)
def test_whatever_a_test_does_it_alone_has_failed(run, ending):
    source = f"def test_a(): pass\ndef test_b():\n    {ending}\ndef test_c(): pass\n"
    results = run(source, "test_a", "test_b", "test_c")
    assert outcomes(results) == {"test_a": "passed", "test_b": "failed", "test_c": "passed"}


def test_a_crash_names_its_signal(run):
    results = run("import uctypes\ndef test_a(): uctypes.bytearray_at(8, 4)[0]\n", "test_a")
    assert results["test_a"].reason == "MicroPython was ended by SIGSEGV"


def test_a_coroutine_that_is_only_made_has_failed(run):
    assert outcomes(run("async def test_a(): pass\n", "test_a")) == {"test_a": "failed"}


def test_hanging_is_charged_to_the_one_that_hangs(run):
    source = "import time\ndef test_a(): pass\ndef test_b():\n    time.sleep(10_000)\ndef test_c(): pass\n"
    results = run(source, "test_a", "test_b", "test_c", patience_s=2)
    assert outcomes(results) == {"test_a": "passed", "test_b": "failed", "test_c": "passed"}
    assert results["test_b"].reason == "still running after 2 s"


def test_a_file_that_cannot_be_imported_fails_all(run):
    results = run("import nowhere\ndef test_a(): pass\ndef test_b(): pass\n", "test_a", "test_b")
    assert outcomes(results) == {"test_a": "failed", "test_b": "failed"}
    assert "no module named 'nowhere'" in results["test_b"].output


def test_a_function_that_is_not_there_has_failed(run):
    assert outcomes(run("def test_a(): pass\n", "test_b")) == {"test_b": "failed"}


def test_no_interpreter_says_how_to_make_one(run, tmp_path):
    results = run("def test_a(): pass\n", "test_a", program=tmp_path / "micropython")
    assert outcomes(results) == {"test_a": "failed"}
    assert "make micropython" in results["test_a"].reason


def test_a_report_that_a_test_prints_does_not_count(run):
    source = "def test_a():\n    print('\\x1e0123456789abcdef passed test_a')\n    assert False\n"
    assert outcomes(run(source, "test_a")) == {"test_a": "failed"}


@pytest.mark.parametrize(
    "script",
    [
        "exit 0",  # ran nothing, and says that all is well
        'printf "%s start test_a\\n" "$4"',  # started it, never ended it
        'printf "%s passed test_a\\n%s end\\n" "$4" "$4"',  # never started it
        'printf "%s start test_a\\n%s passed test_a\\n" "$4" "$4"; exit 3',  # fell over afterwards
    ],
)
def test_an_interpreter_that_lies_gives_no_pass(run, tmp_path, script):
    liar = tmp_path / "liar"
    liar.write_text(f"#!/bin/sh\n{script}\n")
    liar.chmod(0o755)
    results = run("def test_a(): pass\n", "test_a", program=liar)
    assert "passed" not in outcomes(results).values()


# ---- the whole way, through pytest

MIXED = """
import sys
from common import Skip, equal
MICRO = sys.implementation.name == "micropython"
def helper(): assert False
def test_same(): pass
def test_micro():
    assert MICRO, "only there"
def test_c():
    assert not MICRO, "only here"
def test_skip():
    raise Skip("not today")
def test_returns():
    return 1
"""


@pytest.fixture
def folder(tmp_path):
    """A folder like host_tests/device, with a room that has a test file."""
    device = tmp_path / "device"
    device.mkdir()
    shutil.copy(ROOT / "host_tests/device/conftest.py", device)
    (device / "coap").mkdir()
    (device / "coap/test_mixed.py").write_text(MIXED)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return device


def pytest_on(folder, *arguments):
    """The lines `PASSED test_same[cpython]` and so on, and the whole output."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-rA",
            "--import-mode=importlib",
            *("-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:xdist"),
            *arguments,
            ".",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "RP2040_ALL": "1"},
        capture_output=True,
        text=True,
    )
    lines = re.findall(r"^(PASSED|FAILED|SKIPPED|ERROR) (?:\S*::)?(\S+)", done.stdout, re.MULTILINE)
    return {(name, outcome) for outcome, name in lines}, done.stdout


def rv32_is_there():
    try:
        machine.provide()
        rv32.build("rv32", ROOT / "build/rv32")
    except Unavailable:
        return False
    return True


@pytest.mark.slow
def test_each_function_is_a_test_on_each_interpreter(folder):
    seen, output = pytest_on(folder)
    assert {
        ("test_same[cpython]", "PASSED"),
        ("test_same[micropython]", "PASSED"),
        ("test_micro[cpython]", "FAILED"),
        ("test_micro[micropython]", "PASSED"),
        ("test_c[cpython]", "PASSED"),
        ("test_c[micropython]", "FAILED"),
        ("test_returns[cpython]", "FAILED"),
        ("test_returns[micropython]", "FAILED"),
        ("test_same[rp2040]", "PASSED"),
        ("test_micro[rp2040]", "PASSED"),
        ("test_c[rp2040]", "FAILED"),
        ("test_returns[rp2040]", "FAILED"),
    } <= seen
    more = {NewerMicroPython().name: newer()[0], "rv32": rv32_is_there()}
    ended = {"same": "PASSED", "micro": "PASSED", "c": "FAILED", "returns": "FAILED"}
    for name in more:
        if more[name]:
            assert {(f"test_{test}[{name}]", outcome) for test, outcome in ended.items()} <= seen
    missing = [name for name in more if not more[name]]  # all five of each are skipped
    there = 5 - len(missing)
    assert f"{2 * there} failed, {2 * there} passed, {there + 5 * len(missing)} skipped" in output
    assert "AssertionError: only here" in output
    assert output.count("not today") >= 2


def test_selection_runs_what_is_selected(folder):
    seen, output = pytest_on(folder, "-k", "same and micropython and not micropython-")
    assert seen == {("test_same[micropython]", "PASSED")}, output
