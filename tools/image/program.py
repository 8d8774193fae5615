# SPDX-License-Identifier: MIT
"""msgin5g image: builds what is flashed.

How is said by "image" in board.json, whose "format" names a module of this table. To add one: a row here, and a module
with

    OPTIONS                                     the options of this command that it takes
    build(board, folder, say, **options)        builds below `folder`, build/BOARD; gives the path of the image, and
                                                leaves report.json beside it. Raises UsageError
    IMAGE                                       the name of that file
    lines(report)                               what report.json says, as lines of text

Without the option "base" it can build its image from what is here, and does so whenever the image is asked for.
"""

import json
import os
import time

from tools.errors import UsageError
from tools.image import boards
from tools.image.boards import ROOT
from tools.words import in_words

FORMATS = {
    "uf2": "tools.image.rp2",
    "esp32": "tools.image.esp32",
    "uf2-merged": "tools.image.merged",
    "elf": "tools.image.rv32",
}
OPTIONS = ("base", "layout", "chip")


def add_arguments(parser):
    parser.add_argument(
        "board",
        metavar="BOARD",
        help=f"folder of boards/ that the image is for: {', '.join(boards.having('image'))}",
    )
    parser.add_argument("--quiet", action="store_true", help="no size report")
    merged = parser.add_argument_group("boards whose MicroPython is not built here")
    merged.add_argument(
        "--base",
        metavar="FILE",
        help="MicroPython for the chip, from https://micropython.org/download/;"
        " without it only the file system is made",
    )
    merged.add_argument(
        "--layout",
        metavar="SIZE",
        help="size of the flash (default: what FILE wants, else the board's first)",
    )
    merged.add_argument("--chip", metavar="CHIP", help="whose pins (default: FILE's, else the board's first)")


def main(args):
    began = time.monotonic()
    module = image_format(args.board)
    boards.refuse_others(args, module, OPTIONS)
    folder = ROOT / "build" / args.board
    image = _built(module, args.board, folder, _say, **{name: getattr(args, name) for name in module.OPTIONS})
    if not args.quiet:
        for line in module.lines(json.loads((folder / "report.json").read_text())):
            print(line)
    _say(f"{os.path.relpath(image)}, {image.stat().st_size:,} octets, {time.monotonic() - began:.0f} s")
    return 0


def image_format(board):
    """The module that makes this board's image. Raises UsageError where it has none."""
    return boards.way(board, "image.format", boards.part(board, "image").get("format"), FORMATS)


def ready(board, say):
    """The path of the board's image: built now where nothing has to be named for it, else as it was made last.

    Raises UsageError.
    """
    module = image_format(board)
    folder = ROOT / "build" / board
    if "base" not in module.OPTIONS:
        return _built(module, board, folder, say)
    image = folder / module.IMAGE
    if not image.is_file():
        raise UsageError(f"there is no image: make image BOARD={board} BASE=FILE, or name one with --image")
    return image


def _built(module, board, folder, say, **options):
    try:
        return module.build(board, folder, say, **options)
    except OSError as error:  # a full disk, a folder of somebody else
        where = os.path.relpath(folder)
        raise UsageError(
            f"{error.filename or where}: {in_words(error)}; images are built below {where}"
        ) from None


def _say(sentence):
    print(f"image: {sentence}", flush=True)
