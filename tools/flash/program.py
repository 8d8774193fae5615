# SPDX-License-Identifier: MIT
"""msgin5g flash: the image that `msgin5g image` made, onto the board that is plugged in."""

import argparse
from pathlib import Path

from tools.errors import UsageError
from tools.flash import esp32, rp2040

# folder of boards/: what flashes it, and the options that it would pass over in silence
BOARDS = {
    "rp2040": (rp2040.flash, ("chip", "offset", "no_reset", "no_stub", "esptool")),
    "esp32": (esp32.flash, ("drive",)),
}


def add_arguments(parser):
    parser.add_argument("board", choices=BOARDS, help="the kind of board")
    parser.add_argument(
        "--port", metavar="PORT", help="default: the one board of this kind that is plugged in"
    )
    parser.add_argument(
        "--image", metavar="FILE", type=Path, help="default: that of `make image`, below build/BOARD"
    )
    pico = parser.add_argument_group("rp2040")
    pico.add_argument(
        "--drive",
        metavar="FOLDER",
        type=Path,
        help="where the drive RPI-RP2 is mounted (default: looked for)",
    )
    esp = parser.add_argument_group("esp32")
    esp.add_argument("--chip", help="esptool's name of it, esp32s3 (default: what the image was made for)")
    esp.add_argument(
        "--offset", type=_number, help="where in the flash it goes (default: what it was made for)"
    )
    esp.add_argument("--baud", type=int, default=460800, help="of the line (default: %(default)s)")
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
    flash, foreign = BOARDS[args.board]
    for name in foreign:
        given = getattr(args, name)
        if given is not None and given is not False:  # 0 is a value
            raise UsageError(
                f"--{name.replace('_', '-')} is not of the {args.board}: see msgin5g flash --help"
            )
    flash(args, say)
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
