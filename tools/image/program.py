# SPDX-License-Identifier: MIT
"""msgin5g image: builds what is flashed."""

import json
import os
import time

from tools.image import rp2, sizes

BOARDS = {"rp2040": rp2.build}


def add_arguments(parser):
    parser.add_argument("board", choices=BOARDS, help="folder of boards/ that the image is for")
    parser.add_argument("--quiet", action="store_true", help="no size report")


def main(args):
    began = time.monotonic()
    folder = rp2.ROOT / "build" / args.board
    image = BOARDS[args.board](args.board, folder, _say)
    if not args.quiet:
        for line in sizes.lines(json.loads((folder / "report.json").read_text())):
            print(line)
    _say(f"{os.path.relpath(image)}, {image.stat().st_size:,} octets, {time.monotonic() - began:.0f} s")
    return 0


def _say(sentence):
    print(f"image: {sentence}", flush=True)
