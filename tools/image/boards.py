# SPDX-License-Identifier: MIT
"""What the repository says of its boards and of itself.

A board is a folder of boards/ with a board.json; docs/board.md says what each key is. No tool has a list of boards,
chips or formats beside that: where they differ a key says how, and a tool has a table of the ways it knows.
"""

import importlib
import importlib.metadata
import json
import runpy
from pathlib import Path

from tools.errors import UsageError
from tools.words import why

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "boards"
HOST = "host"  # "mcu" of a board that is this machine
DISTRIBUTION = "msgin5g-tools"  # what holds the tools; its wheel has neither firmware nor boards


# What is under a key, wherever that stands in board.json, and rows with keys of their own.
_TYPES = {
    dict: ("image", "flasher", "usb", "layouts", "chips", "boards", "micropython", "families", "drives"),
    str: ("mcu", "product", "emulator", "machine", "peer", "format", "method", "drive", "name"),
    int: ("family", "base", "size", "offset", "firmware", "bootloader", "timers", "heap"),
    list: ("ids", "own", "resets"),
}
_KEYS = {"flash": (dict, int), "files": (dict, int)} | {
    key: kind for kind, keys in _TYPES.items() for key in keys
}
_ROWS = ("layouts", "chips", "boards")
_WORDS = {
    (dict, int): "an object or a whole number",
    dict: "an object",
    str: "a string",
    int: "a whole number",
    list: "a list",
}


class Row(dict):
    """An object of a board.json. UsageError, and no KeyError, for a key that a tool asks for and that is not there."""

    def __init__(self, name, pairs):
        super().__init__(pairs)
        self._name = name
        for key, value in pairs:
            kind = _KEYS.get(key, object)
            if not isinstance(value, kind):
                raise UsageError(
                    f'{name}: "{key}" is {_WORDS[kind]}, not {json.dumps(value)} (docs/board.md)'
                )
            if key in _ROWS and not (value and all(isinstance(row, dict) for row in value.values())):
                raise UsageError(f'{name}: "{key}" has one object or more (docs/board.md)')

    def __missing__(self, key):
        beside = f", beside {', '.join(self)}" if self else ""
        raise UsageError(f'{self._name}: "{key}" is missing{beside} (docs/board.md)')


def is_clone():
    """Whether firmware and boards lie beside the tools, as in a clone; of a wheel there are the tools alone."""
    return FOLDER.is_dir()


def names():
    """The boards that there are, sorted."""
    return sorted(path.parent.name for path in FOLDER.glob("*/board.json"))


def board_data(board):
    """What board.json says. Raises UsageError for a board that is not there."""
    if not is_clone():
        raise UsageError(
            f"no board {board}: boards are in a clone of the project, and not in the wheel of its tools"
        )
    if board not in names():
        raise UsageError(f"no board {board or 'without a name'}; there are {', '.join(names())}")
    path = FOLDER / board / "board.json"
    name = f"boards/{board}/{path.name}"
    try:
        data = json.loads(path.read_text(), object_pairs_hook=lambda pairs: Row(name, pairs))
    except ValueError as error:
        raise UsageError(f"{name} is not JSON: {error}") from None
    except OSError as error:
        raise UsageError(f"{name}: {why(error)}") from None
    if not isinstance(data, Row):
        raise UsageError(f"{name} is no JSON object, {{...}}")
    return data


def having(key):
    """The boards whose board.json has this key."""
    return [board for board in names() if key in board_data(board)]


def part(board, key):
    """What board.json has under a key without which a verb can do nothing. Raises UsageError where it is missing."""
    data = board_data(board)
    if key in data:
        return data[key]
    why = (
        "it runs on this machine (msgin5g device)"
        if data.get("mcu") == HOST
        else f'boards/{board}/board.json would say so with "{key}" (docs/board.md)'
    )
    raise UsageError(
        f"{board} has no {key}: {why}. Boards that have one: {', '.join(having(key)) or 'none yet'}"
    )


def usual_peer(machine=None):
    """The "peer" of the board that says this of itself, os.uname().machine, or None; without `machine`, of any board.

    Where more than one "machine" is in it, the longest counts; of two that are as long none, unless both have the same.
    """
    found = [board_data(board) for board in having("machine")]
    if machine is None:
        return next((data["peer"] for data in found if "peer" in data), None)
    found = [data for data in found if data["machine"] in machine]
    longest = max((len(data["machine"]) for data in found), default=0)
    peers = {data.get("peer") for data in found if len(data["machine"]) == longest}
    return peers.pop() if len(peers) == 1 else None


def way(board, key, name, table):
    """The module that `table` has for the way that a board names, `name` under `key`. Raises UsageError.

    It is imported only now, for it may need what other boards have no use for.
    """
    if name not in table:
        raise UsageError(
            f'boards/{board}/board.json: "{key}" is "{name}"; there are {", ".join(sorted(table))}'
        )
    return importlib.import_module(table[name])


def refuse_others(args, module, every):
    """UsageError for an option of another way than this board's `module`, whose own are its OPTIONS: it would be passed
    over in silence. `every` is all the options that are of some way only.
    """
    for name in every:
        given = getattr(args, name)
        if name not in module.OPTIONS and given is not None and given is not False:  # 0 is a value
            raise UsageError(f"--{name.replace('_', '-')} is not of the {args.board}: see --help")


def version():
    """Return the version of the firmware and of its tools, which is one."""
    if not is_clone():
        return importlib.metadata.version(DISTRIBUTION)
    return runpy.run_path(str(ROOT / "firmware/coap/version.py"))["VERSION"]
