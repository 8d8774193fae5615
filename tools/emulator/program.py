# SPDX-License-Identifier: MIT
"""msgin5g emulate: boots the image in an emulator and says how to reach its REPL and its UART.

Which one is said by "emulator" in board.json, which names a module of this table. To add one: a row here, and a module
with

    OPTIONS                   the options of this command that not every emulator has, and it has
    provide(say)              sees to it that it can be started; UsageError says what is missing
    run(args, image, say)     runs the image until it ends; gives the exit code. Raises UsageError
"""

import argparse
import re
from pathlib import Path

from tools.errors import UsageError
from tools.image import boards
from tools.image import program as image_program
from tools.words import complain, why

EMULATORS = {"rp2040js": "tools.emulator.rp2040js", "qemu": "tools.emulator.qemu.emulate"}
OPTIONS = ("uart1", "virtual", "cut_after", "unique_id", "statistics")
_MOST = 0xFFFFFFFE  # operations; one more is "never" at QEMU's side


def add_arguments(parser):
    parser.add_argument(
        "board",
        metavar="BOARD",
        help=f"folder of boards/ whose image is booted: {', '.join(boards.having('emulator'))}",
    )
    parser.add_argument(
        "--image", metavar="FILE", type=Path, help="another image (default: that of `make image`, built now)"
    )
    parser.add_argument(
        "--flash",
        metavar="FILE",
        type=Path,
        help="file that keeps the flash, with the board's files in it (default: build/BOARD/flash.bin)",
    )
    parser.add_argument("--repl", default="pty", metavar="PORT|pty", help="where the REPL is (default: pty)")
    parser.add_argument("--uart0", default="pty", metavar="PORT|pty", help="where UART0 is (default: pty)")
    parser.add_argument("--uart1", metavar="PORT|pty", help="where UART1 is (default: nowhere)")
    parser.add_argument(
        "--virtual", action="store_true", help="as fast as this computer allows; a sleep takes no time"
    )
    parser.add_argument(
        "--cut-after", metavar="N", help="the power goes in the middle of flash operation N + 1"
    )
    parser.add_argument("--unique-id", metavar="HEX", help="the flash chip's, 8 octets")
    parser.add_argument("--statistics", type=_seconds, metavar="S", help="print them every S seconds")


def main(args):
    module = boards.way(args.board, "emulator", boards.part(args.board, "emulator"), EMULATORS)
    boards.refuse_others(args, module, OPTIONS)
    _look_at_values(args)
    if args.image:
        _look_at(args.image)
    module.provide(_say)
    return module.run(args, args.image or image_program.ready(args.board, _say), _say)


def _look_at_values(args):
    """Before an image is built for them: of the emulators that have them, which are processes of their own."""
    if args.cut_after is not None:
        if not args.cut_after.isdecimal() or int(args.cut_after) > _MOST:
            raise UsageError(f"--cut-after takes a number from 0 to {_MOST}, not {args.cut_after}")
        args.cut_after = int(args.cut_after)
    if args.unique_id is not None and not re.fullmatch("[0-9a-fA-F]{16}", args.unique_id):
        raise UsageError(f"--unique-id takes 16 hexadecimal digits, not {args.unique_id}")


def _look_at(image):
    try:
        image.open("rb").close()
    except OSError as error:
        raise UsageError(f"image {image}: {why(error)}") from None


def _seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value


def _say(sentence):
    print(f"emulator: {sentence}", flush=True)


def prepare():
    """For `make`: fetches the emulators' parts. Always succeeds: the tests say what they miss."""
    for board in boards.having("emulator"):
        try:
            name = boards.part(board, "emulator")
            boards.way(board, "emulator", name, EMULATORS).provide(_say)
        except UsageError as error:
            complain(f"emulate: {error}")


if __name__ == "__main__":
    prepare()
