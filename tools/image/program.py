# SPDX-License-Identifier: MIT
"""msgin5g image: builds what is flashed."""

import json
import os
import time

from tools.errors import UsageError
from tools.image import sizes
from tools.image.boards import ROOT, board_data


def add_arguments(parser):
    parser.add_argument("board", choices=BOARDS, help="folder of boards/ that the image is for")
    parser.add_argument("--quiet", action="store_true", help="no size report")
    esp32 = parser.add_argument_group("ESP32")
    data = board_data("esp32")
    esp32.add_argument(
        "--base",
        metavar="FILE",
        help="MicroPython for the chip, from https://micropython.org/download/?mcu=esp32;"
        " without it only the file system is made",
    )
    esp32.add_argument(
        "--layout", choices=data["layouts"], help="size of the flash (default: what FILE wants, else 4MiB)"
    )
    esp32.add_argument("--chip", choices=data["chips"], help="whose pins (default: FILE's, else esp32)")


def main(args):
    began = time.monotonic()
    folder = ROOT / "build" / args.board
    image, lines = BOARDS[args.board](args, folder)
    if not args.quiet:
        for line in lines(json.loads((folder / "report.json").read_text())):
            print(line)
    _say(f"{os.path.relpath(image)}, {image.stat().st_size:,} octets, {time.monotonic() - began:.0f} s")
    return 0


def _rp2040(args, folder):
    if args.base or args.layout or args.chip:
        raise UsageError(
            "--base, --layout and --chip are for the ESP32; the RP2040's image is built from source"
        )
    from tools.image import rp2

    return rp2.build(args.board, folder, _say), sizes.lines


def _esp32(args, folder):
    from tools.image import esp32

    image = esp32.build(args.board, folder, _say, args.layout, args.base, args.chip)
    return image, sizes.file_lines


# folder of boards/: what builds its image, and gives that and the lines of the report
BOARDS = {"rp2040": _rp2040, "esp32": _esp32}


def _say(sentence):
    print(f"image: {sentence}", flush=True)
