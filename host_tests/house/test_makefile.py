# SPDX-License-Identifier: MIT
"""What `make test` begins before the tests, two things at once, ends with it."""

import contextlib
import os
import select
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
    gives the process, a function that reads the names, and one that tells whether anything of it still runs."""
    log = tmp_path / "log"
    log.touch()
    begun = []

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
        # All that it starts holds this pipe open, and what has ended does not, also where nobody has asked how: whom
        # an orphan of this is left to may ask late, and its number is in use until then.
        reader, writer = os.pipe()
        process = subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.DEVNULL, pass_fds=[writer]
        )
        os.close(writer)
        begun.append((process, reader))
        return process, lambda: log.read_text().splitlines(), lambda: runs(reader)

    def runs(reader):
        return not select.select([reader], [], [], 0)[0]

    yield begin
    for process, reader in begun:
        if runs(reader):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(reader)


def comes_true(condition):
    more = patiently(60)
    while not condition() and more():
        time.sleep(0.02)
    return condition()


def test_ctrl_c_ends_both(begun):
    process, said, runs = begun("exec sleep 600")
    assert comes_true(lambda: len(said()) == 2)

    def ends():
        # As a terminal does; and again, for one that comes between fork and exec of a child may be lost.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        return not runs()

    assert comes_true(ends)


@pytest.mark.parametrize("failing", ["tools.project.typings", "tools.programs.micropython"])
def test_what_fails_is_not_passed_over(begun, failing):
    process, said, _ = begun(f'case "$*" in *{failing}*) exit 3;; esac')
    assert process.wait() != 0
    assert [line for line in said() if failing in line]
    assert not [line for line in said() if line.startswith("pytest -n")]


def test_one_apt_at_a_time(begun):
    """As root both packages are installed, and apt refuses to be run twice."""
    process, said, _ = begun("")
    assert process.wait() == 0
    programs = [line for line in said() if "tools.programs" in line]
    assert programs[:2] == ["python -m tools.programs.micropython", "python -m tools.programs.peers"]
    assert said()[-1].startswith("pytest -n")
