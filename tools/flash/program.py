# SPDX-License-Identifier: MIT
"""msgin5g flash: the image that `msgin5g image` made, onto the board that is plugged in.

How is said by "flasher" in board.json, whose "method" names a module of this table. To add one: a row here, and a
module with OPTIONS, the options of this command that not every method has, and it has, and flash(args, say), which
raises UsageError.
"""

import argparse
from pathlib import Path

from tools.cli.parser import renamed
from tools.image import boards

METHODS = {
    "uf2-drive": "tools.flash.drive",
    "esptool": "tools.flash.byesptool",
}
# said by a method whose image has a file system in it
REPLACED = (
    "its files are replaced: configuration, keys, messages that wait. Give it new keys after this "
    "(msgin5g provision --force), for the numbers of the old ones are lost"
)
OPTIONS = ("drive", "chip", "offset", "baudrate", "no_reset", "no_stub", "esptool")


def add_arguments(parser):
    parser.add_argument(
        "board", metavar="BOARD", help=f"the kind of board: {', '.join(boards.having('flasher'))}"
    )
    parser.add_argument(
        "--port", metavar="PORT", help="default: the one board of this kind that is plugged in"
    )
    parser.add_argument(
        "--image", metavar="FILE", type=Path, help="default: that of `make image`, below build/BOARD"
    )
    pico = parser.add_argument_group("boards that show a drive")
    pico.add_argument(
        "--drive",
        metavar="FOLDER",
        type=Path,
        help="where it is mounted, RPI-RP2 (default: looked for)",
    )
    esp = parser.add_argument_group("boards that esptool flashes")
    esp.add_argument(
        "--chip", metavar="CHIP", help="esptool's name of it, esp32s3 (default: what the image was made for)"
    )
    esp.add_argument(
        "--offset",
        metavar="N",
        type=_number,
        help="where in the flash it goes (default: what it was made for)",
    )
    baudrate = esp.add_argument("--baudrate", metavar="N", type=int, help="of the line (default: 460800)")
    renamed(esp, "--baud", baudrate)
    esp.add_argument(
        "--no-reset",
        action="store_true",
        help="you hold BOOT and press EN yourself: the adapter has no DTR and RTS",
    )
    esp.add_argument(
        "--no-stub", action="store_true", help="by the chip's own loader alone: slower, for odd boards"
    )
    esp.add_argument("--esptool", metavar="PROGRAM", help="another esptool, of version 4 or newer")


def main(args):
    flasher = boards.part(args.board, "flasher")
    module = boards.way(args.board, "flasher.method", flasher.get("method"), METHODS)
    boards.refuse_others(args, module, OPTIONS)
    module.flash(args, say)
    return 0


def say(sentence):
    print(f"flash: {sentence}", flush=True)


def _number(text):
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number: 0x200000")
    return number
