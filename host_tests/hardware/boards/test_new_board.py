# SPDX-License-Identifier: MIT
"""msgin5g board: a folder to begin with keeps its contract at once, with nothing else edited."""

import difflib
import json
import os
import re
import sys
from pathlib import Path

import pytest

from host_tests.hardware.boards import test_contract
from host_tests.hardware.boards.kinds import StandIns
from tools import cli
from tools.errors import UsageError
from tools.image import boards
from tools.programs.patience import finish
from tools.project import newboard

CONTRACT = Path(test_contract.__file__)
# In place of boards/, for a whole run of the contract's tests: they find the folder by themselves.
ELSEWHERE = """
import pathlib, sys
from tools.image import boards
boards.FOLDER = pathlib.Path(sys.argv[1])
import pytest
sys.exit(pytest.main(["-q", "-p", "no:xdist", "-p", "no:cacheprovider", *sys.argv[2:]]))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of boards without any, but that which it may be like."""
    (tmp_path / "boards").mkdir()
    for name in ("rp2040", "unix"):
        (tmp_path / "boards" / name).symlink_to(boards.FOLDER / name)
    monkeypatch.setattr(boards, "FOLDER", tmp_path / "boards")
    return tmp_path / "boards"


@pytest.fixture
def mine(folder):
    assert cli.main(["board", "mine"]) == 0
    return folder / "mine"


def changed(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_its_contract_is_kept_at_once(mine):
    assert {path.name for path in mine.iterdir()} == {"board.py", "board.json", "manifest.py", "README.md"}
    assert "@" not in (mine / "board.py").read_text()
    command = [sys.executable, "-c", ELSEWHERE, mine.parent, CONTRACT, "-k", "mine"]
    done = finish(command, 120, cwd=boards.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    # one that looks at its files, and each that runs on it; it has no chips
    written = len(re.findall(r"^def test_\w+\((?!name, chip)", CONTRACT.read_text(), re.MULTILINE))
    assert f"{written} passed" in done.stdout and "skipped" not in done.stdout


BROKEN = {
    "an LED that it has not": ('name = "mine"', 'name = "mine"\n    led = None', "'NoneType'"),
    "another name": ('name = "mine"', 'name = "yours"', "yours"),
    "an identifier too short": ("unique_id()[:8]", "unique_id()[:5]", "AssertionError"),
    "a sentence that is none": ('"peer: this board has', '"this board has', "AssertionError: this board has"),
    "a sleep too short": ("machine.lightsleep(ms)", "machine.lightsleep(ms // 2)", "AssertionError"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_promise_that_is_broken_is_seen(mine, name, request):
    old, new, said = BROKEN[name]
    changed(mine / "board.py", old, new)
    if name.startswith("an LED"):
        changed(mine / "board.py", "    def led(self", "    def light(self")
    board = StandIns(request, "mine")
    board.name, board.own = "mine", boards.board_data("mine")["contract"]
    with pytest.raises(AssertionError, match=said):
        test_contract.test_a_board_keeps_its_promises(board)


STREAM = """from generic_machine import *
from generic_machine import UART as Generic

class UART(Generic):
    {}
"""
STREAMS = {
    "nothing is no end": ("def read(self, nbytes=-1): return b''", "nothing has come, so read"),
    "it can be asked": ("def ioctl(self, request, argument): return 5 & argument", "nothing to read"),
    "it says how much it took": ("def write(self, buf): return 0", "AssertionError"),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_is_none_is_seen(mine, name, request):
    """By stand-ins of the board's own, which come before the common ones."""
    code, said = STREAMS[name]
    (mine / "standins").mkdir()
    (mine / "standins/machine.py").write_text(STREAM.format(code))
    board = StandIns(request, "mine")
    with pytest.raises(AssertionError, match=said):
        board.run(test_contract.CONTRACT.read_text())


def test_one_like_another_has_its_files_and_a_name_of_its_own(folder):
    assert cli.main(["board", "mine", "--like", "rp2040"]) == 0
    mine, other = folder / "mine", folder / "rp2040"
    names = {path.name for path in other.iterdir() if path.name != "__pycache__"}
    assert {path.name for path in mine.iterdir()} == names
    for name in names - {"README.md"}:
        lines = [(path / name).read_text().splitlines() for path in (other, mine)]
        new = [line[2:].strip() for line in difflib.ndiff(*lines) if line.startswith("+ ")]
        assert new == {
            "board.py": ['name = "mine"'],
            "board.json": ['"id": "mine",', '"product": "mine",'],
        }.get(name, [])
    assert json.loads((mine / "board.json").read_text())["contract"]["runs"] == ["emulated"]


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["Mine"], "'Mine' is no name for a board: a small letter, then"),
        (["../mine"], "'../mine' is no name"),
        ([""], "'' is no name"),
        (["m" * 33], "is no name"),
        (["unix"], "boards/unix is there already: take another name, or remove it"),
        (
            ["not"],
            "not: its tests could not be told by pytest -k not, it is a word of its own there: take another",
        ),
        (["rp20"], "by pytest -k rp20, with it they are those of rp2040: take another name"),
        (["board"], "with it they are those of host_tests/hardware/boards/test_contract.py"),
        (["mine", "--like", "yours"], "no board yours; there are rp2040, unix"),
        (["mine", "--like", "unix"], "unix is this machine, and no other board is like it"),
    ],
)
def test_what_cannot_be_is_said(folder, words, sentence, capsys):
    assert cli.main(["board", *words]) == 2
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1
    assert sorted(os.listdir(folder)) == ["rp2040", "unix"]


def test_a_folder_that_cannot_be_made_is_said(folder, monkeypatch):
    monkeypatch.setattr(boards, "FOLDER", folder / "gone")
    with pytest.raises(UsageError, match="gone/mine: No such file or directory"):
        newboard.make("mine")
