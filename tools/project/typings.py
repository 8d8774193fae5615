# SPDX-License-Identifier: MIT
"""What a port of MicroPython offers, as type stubs: for a check of what a board and its links ask of it.

    python -m tools.project.typings

puts them into build/typings. An editor that is pointed there completes and checks, too.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from tools.errors import UsageError
from tools.image import boards
from tools.programs import wheels

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build/typings"
LINKS = ROOT / "firmware/device/links"
# What "stubs" of each board.json says; its "links" are "MODULE.CLASS" of firmware/device/links.
OF_BOARDS = {board: boards.board_data(board)["stubs"] for board in boards.having("stubs")}
# The oldest MicroPython that will do, which may lack something newer, and the newest, where something may be gone:
# (board, version of MicroPython): version of the package
VERSIONS = {
    (board, version): number
    for board, stubs in OF_BOARDS.items()
    for version, number in stubs["versions"].items()
}
# Attributes that are None until a link is open, and lists that begin empty: without annotations mypy can't know better.
_UNKNOWABLE = ("union-attr", "var-annotated")


def provide(board, version):
    """The folder of the stubs. Raises UsageError where pip can't have them."""
    package, number = OF_BOARDS[board]["package"], VERSIONS[board, version]
    return wheels.unpack(f"{package}=={number}", FOLDER / f"{package}-{number}", _say, alone=False)


def newest(board):
    """The last version that a board names."""
    return list(OF_BOARDS[board]["versions"])[-1]


def checked(board):
    """What is checked against the stubs: the board and what its links are made of."""
    modules = [link.partition(".")[0] for link in OF_BOARDS[board]["links"]]
    modules = ["__init__", *modules]
    return [boards.FOLDER / board / "board.py", *(LINKS / f"{module}.py" for module in modules)]


def errors(board: str, version: str, files: list[Path] | None = None) -> list[str]:
    """What mypy finds in the board's files (or in `files`), lines "PATH:LINE: error: ...", and not in the stubs."""
    stubs = provide(board, version)
    names = [str(file) for file in files or checked(board)]
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        os.devnull,
        "--no-site-packages",
        "--no-color-output",
    ]
    command += [
        "--custom-typeshed-dir",
        stubs,
        "--cache-dir",
        os.devnull,
        "--check-untyped-defs",
    ]
    command += [
        "--follow-imports=silent",
        "--show-absolute-path",
        "--no-error-summary",
        "--hide-error-context",
    ]
    # No cache: with one, mypy 2.4 does not tell of a mistake a second time.
    for code in _UNKNOWABLE:
        command += ["--disable-error-code", code]
    environment = {
        **os.environ,
        "MYPYPATH": os.pathsep.join((str(stubs), str(ROOT / "firmware"), str(boards.FOLDER / board))),
    }
    done = subprocess.run([*command, *names], capture_output=True, text=True, env=environment, cwd=ROOT)
    if done.returncode not in (0, 1):
        raise UsageError(f"mypy does not work: {(done.stderr or done.stdout).strip()}")
    lines = [line for line in done.stdout.splitlines() if re.search(r": error: ", line)]
    return [line for line in lines if line.split(":")[0] in names]


def _say(sentence):
    print(f"Type stubs: {sentence}", flush=True)


def main():
    try:
        for board, version in VERSIONS:
            provide(board, version)
    except UsageError as error:  # the test says so too
        print(f"Type stubs: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
