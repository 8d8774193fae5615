# SPDX-License-Identifier: MIT
"""What `make test` begins before the tests, two things at once, ends with it."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tools.programs.patience import patiently

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def begun(tmp_path):
    """begun(line) runs `make test` with programs that write their names into a file and then run this line of a shell;
    gives the process, and a function that reads the names."""
    log = tmp_path / "log"
    log.touch()
    processes = []

    def begin(line):
        for name in ("python", "pytest", "msgin5g"):
            program = tmp_path / name
            program.write_text(f'#!/bin/sh\necho {name} "$@" >> {log}\n{line}\n')
            program.chmod(0o755)
        # Elsewhere, where there is nothing to set up and nothing to spoil.
        (tmp_path / "pyproject.toml").touch()
        (tmp_path / ".venv").mkdir()
        (tmp_path / ".venv/.complete").touch()
        (tmp_path / "Makefile").symlink_to(ROOT / "Makefile")
        command = ["make", "-C", tmp_path, "test", f"BIN={tmp_path}"]
        process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
        processes.append(process)
        return process, lambda: log.read_text().splitlines()

    yield begin
    for process in processes:
        if is_alive(process):
            os.killpg(process.pid, signal.SIGKILL)


def is_alive(process):
    """Whether it, or anything that it started, is there."""
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def comes_true(condition):
    more = patiently(60)
    while not condition() and more():
        time.sleep(0.02)
    return condition()


def test_ctrl_c_ends_both(begun):
    process, said = begun("exec sleep 600")
    assert comes_true(lambda: len(said()) == 2)

    def ends():
        # As a terminal does; and again, for one that comes between fork and exec of a child may be lost.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        return not is_alive(process)

    assert comes_true(ends)


@pytest.mark.parametrize("failing", ["tools.project.typings", "tools.programs.micropython"])
def test_what_fails_is_not_passed_over(begun, failing):
    process, said = begun(f'case "$*" in *{failing}*) exit 3;; esac')
    assert process.wait() != 0
    assert [line for line in said() if failing in line]
    assert not [line for line in said() if line.startswith("pytest -n")]


def test_one_apt_at_a_time(begun):
    """As root both packages are installed, and apt refuses to be run twice."""
    process, said = begun("")
    assert process.wait() == 0
    programs = [line for line in said() if "tools.programs" in line]
    assert programs[:2] == ["python -m tools.programs.micropython", "python -m tools.programs.peers"]
    assert said()[-1].startswith("pytest -n")
