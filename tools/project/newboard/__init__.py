# SPDX-License-Identifier: MIT
"""msgin5g board: makes a folder of boards/ to begin a board with (docs/board.md).

The files *.in beside this one are a board whose contract test runs at once, on stand-ins. With --like the code, the
data and what else its image needs come from a board with the same chip instead.
"""

import os
import re
import shutil
from pathlib import Path

from tools.errors import UsageError
from tools.image import boards
from tools.words import why

TEMPLATES = Path(__file__).parent
README = "README.md.in"
CONTRACT = "host_tests/hardware/boards/test_contract.py"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_IGNORED = shutil.ignore_patterns("README.md", "__pycache__", "*.pyc")


def add_arguments(parser):
    parser.add_argument("name", metavar="NAME", help="of the folder: small letters, digits and _")
    parser.add_argument(
        "--like", metavar="BOARD", help="a board with the same chip, whose files it begins with"
    )


def main(args):
    folder = make(args.name, args.like)
    _say(f"{os.path.relpath(folder)} has {', '.join(sorted(path.name for path in folder.iterdir()))}")
    _say(f"its contract: .venv/bin/pytest -k {args.name} {CONTRACT}")
    _say("what each file and each key is, and what comes next: docs/board.md")
    return 0


def make(name, like=None):
    """Makes boards/NAME; the folder. Raises UsageError, and leaves nothing then."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for a board: a small letter, then up to 31 of a to z, 0 to 9 and _"
        )
    folder = boards.FOLDER / name
    if folder.exists():
        raise UsageError(f"{os.path.relpath(folder)} is there already: take another name, or remove it")
    taken = next((other for other in (*boards.names(), CONTRACT) if name in other), None)
    if taken or name in ("and", "not", "or"):
        cause = f"with it they are those of {taken}" if taken else "it is a word of its own there"
        raise UsageError(
            f"{name}: its tests could not be told by pytest -k {name}, {cause}: take another name"
        )
    if like is not None and boards.board_data(like)["mcu"] == boards.HOST:
        raise UsageError(f"{like} is this machine, and no other board is like it")
    new = folder.with_name(f".{name}.{os.getpid()}")
    try:
        if like is None:
            new.mkdir()
            for template in TEMPLATES.glob("*.in"):
                _fill(template, new, name)
        else:
            shutil.copytree(boards.FOLDER / like, new, ignore=_IGNORED)
            _rename(new / "board.json", r'("(?:id|product)": )"[^"]*"', rf'\1"{name}"')
            _rename(new / "board.py", rf'^    name = "{like}"$', f'    name = "{name}"')
            _fill(TEMPLATES / README, new, name)
        new.rename(folder)
    except OSError as error:
        raise UsageError(f"{os.path.relpath(folder)}: {why(error)}") from None
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return folder


def _fill(template, folder, name):
    (folder / template.stem).write_text(template.read_text().replace("@NAME@", name))


def _rename(path, pattern, words):
    text, count = re.subn(pattern, words, path.read_text(), flags=re.MULTILINE)
    if not count:
        raise UsageError(f"{path.name} of that board does not say its name as others do")
    path.write_text(text)


def _say(sentence):
    print(f"board: {sentence}", flush=True)
