# SPDX-License-Identifier: MIT
"""One contract for all boards (docs/board.md): the same assertions on each folder of boards/, on what its board.json
says that its code is run on (kinds.py).
"""

import json
from pathlib import Path

import pytest

from host_tests.hardware.boards.kinds import KINDS
from tools.image import boards

CONTRACT = Path(__file__).with_name("contract.py")
NEW = "from board import Board\nboard = Board()\n"
CAUSE = NEW + "print(board.reset_cause())"
# What each key of "contract" may be.
KEYS = {
    "runs": list,
    "id": int,
    "peers": list,
    "timer": bool,
    "led": bool,
    "watchdog": dict,
    "after_reset": str,
}
RUNS = [
    (board, kind)
    for board in boards.names()
    for kind in boards.board_data(board).get("contract", {}).get("runs", ())
]


CHIPS = [(board, chip) for board in boards.having("chips") for chip in boards.board_data(board)["chips"]]


@pytest.fixture(params=RUNS, ids="-".join)
def board(request):
    """Runs code on the board; `own` is what its board.json says that it has."""
    name, kind = request.param
    made = KINDS[kind](request, name)
    made.name = name
    made.own = boards.board_data(name)["contract"]
    return made


def cause(board):
    return board.run(CAUSE).strip()


@pytest.mark.parametrize(
    "name", sorted(path.name for path in boards.FOLDER.iterdir() if any(path.glob("*.*")))
)
def test_each_board_is_looked_at(name):
    """Each folder has its files, and is run here."""
    for file in ("board.py", "board.json", "manifest.py", "README.md"):
        assert (boards.FOLDER / name / file).exists(), file
    data = boards.board_data(name)
    assert data["id"] == name
    own = data["contract"]
    assert own["runs"] and set(own["runs"]) <= set(KINDS)
    assert set(own) | {"watchdog"} == set(KEYS)
    assert all(isinstance(own[key], KEYS[key]) for key in own)
    assert set(own.get("watchdog", ())) in (set(), {"takes", "refuses"})


def test_a_board_keeps_its_promises(board):
    code = CONTRACT.read_text()
    assert board.run(code).startswith("kept ")
    # A second time: the first has left nothing behind that matters.
    kept = json.loads(board.run(code).removeprefix("kept "))
    own = {name: board.own[name] for name in ("id", "peers", "timer", "led")}
    assert kept == {"name": board.name, **own, "cause": "power-on"}


@pytest.mark.parametrize("name, chip", CHIPS)
def test_each_chip_of_a_board_keeps_them(name, chip, request):
    """Chips of a family differ by rows of board.json: in their pins, their LED, their timers."""
    board = boards.board_data(name)
    row, own = board["chips"][chip], board["contract"]
    said = KINDS[own["runs"][0]](request, name, chip).run(CONTRACT.read_text())
    kept = json.loads(said.removeprefix("kept "))
    # The firmware's health has a timer, and the console has one.
    own = {"led": row["pins"]["led"] is not None, "timer": row["timers"] >= 2, "peers": own["peers"]}
    assert {key: kept[key] for key in own} == own


def test_causes_of_a_reset(board):
    """Each as the contract names it, one after the other, as a board lives them."""
    assert cause(board) == "power-on"
    went_on = board.run_to_reset(NEW + "board.reset()\nprint('went on')")
    assert "went on" not in (went_on or "")
    assert cause(board) == board.own["after_reset"]
    if "watchdog" in board.own:
        timeout = board.own["watchdog"]["takes"]
        # Fed in time it does nothing, over twice its time; then nobody feeds it.
        fed = f"import time\nwatchdog = board.watchdog({timeout})\n"
        fed += f"for _ in range(4):\n    time.sleep_ms({timeout // 2})\n    watchdog.feed()\n"
        board.run_to_reset(NEW + fed + "with open('fed', 'w') as file: file.write('yes')\nwhile True: pass")
        assert cause(board) == "watchdog"
        assert board.run("print(open('fed').read())").strip() == "yes"
        # Asked for, with the watchdog running.
        board.run_to_reset(NEW + f"board.watchdog({timeout})\nboard.reset()")
        assert cause(board) == "soft"
    board.cut_power()
    assert cause(board) == "power-on"


def test_a_watchdog_that_cannot_be(board):
    if "watchdog" not in board.own:
        code = "try:\n    board.watchdog(5000)\nexcept Unsupported as error:\n    print(error)\n"
        assert "no watchdog" in board.run("from device.links import Unsupported\n" + NEW + code)
    else:
        timeout = board.own["watchdog"]["refuses"]
        code = f"try:\n    board.watchdog({timeout})\nexcept ValueError:\n    print('refused')\n"
        assert board.run(NEW + code).strip() == "refused"


def test_peers_that_are_missing_are_named(board):
    """The sentence says what there is instead."""
    code = CONTRACT.read_text().partition("\nprint(")[0]
    code += "\nfor peer in MISSING:\n    there, said = supported(Board().links, config(peer))\n"
    said = board.run(code + "    if not there:\n        print(said)").splitlines()
    assert said
    for scheme in board.own["peers"]:
        assert all(f"{scheme}:" in line for line in said), said
