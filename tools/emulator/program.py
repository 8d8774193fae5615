# SPDX-License-Identifier: MIT
"""msgin5g emulate: boots the image in the emulator and says how to reach its REPL and its UART."""

import argparse
import os
import sys
import time
from pathlib import Path

from tools.emulator.client import POWER_CUT, Emulator, provide
from tools.emulator.pty import Terminal
from tools.errors import UsageError
from tools.image import rp2

LINES = ("repl", "uart0", "uart1")


def add_arguments(parser):
    parser.add_argument("board", choices=("rp2040",), help="folder of boards/ whose image is booted")
    parser.add_argument(
        "--image", type=Path, help="another image (default: build/BOARD/firmware.uf2, built now)"
    )
    parser.add_argument(
        "--flash",
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
    provide(_say)
    folder = rp2.ROOT / "build" / args.board
    image = args.image or rp2.build(args.board, folder, _say)
    places = {line: getattr(args, line) for line in LINES if getattr(args, line) is not None}
    ports = {line: _port(line, place) for line, place in places.items()}
    options = ["--virtual"] * args.virtual
    options += [f"--cut-after={args.cut_after}"] * (args.cut_after is not None)
    options += [f"--unique-id={args.unique_id}"] * (args.unique_id is not None)
    flash = args.flash or folder / "flash.bin"
    with Emulator(image, flash=flash, ports=ports, options=options) as pico:
        terminals = {line: Terminal(pico.ports[line]) for line, place in places.items() if place == "pty"}
        _say(f"{os.path.relpath(image)} runs; its files are kept in {os.path.relpath(flash)}; Ctrl-C ends it")
        for line in places:
            where = terminals[line].path if line in terminals else f"socket://127.0.0.1:{pico.ports[line]}"
            _say(f"  mpremote connect {where}" if line == "repl" else f"  {line.upper()}: {where}")
        try:
            return _watch(pico, args.statistics)
        finally:
            for terminal in terminals.values():
                terminal.close()


def _watch(pico, seconds):
    """Until it ends; the exit code."""
    while seconds:
        time.sleep(seconds)
        if pico.process.poll() is not None:
            break
        stats = pico.stats()
        _say(
            ", ".join(
                f"{name} {value}" for name, value in stats.items() if not isinstance(value, (dict, list))
            )
        )
    code = pico.wait()
    if code == POWER_CUT:
        _say("the power went, as --cut-after said")
    elif code:
        raise UsageError("the board halted; it said why above")
    return code


def _seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value


def _port(line, place):
    if place == "pty":
        return 0
    if not place.isdigit() or int(place) > 65535:
        raise UsageError(f"--{line} takes a TCP port from 0 to 65535, or pty, not {place}")
    return int(place)


def _say(sentence):
    print(f"emulator: {sentence}", flush=True)


def prepare():
    """For `make`: fetches the emulator's parts. Always succeeds: the tests say what they miss."""
    try:
        provide(_say)
    except UsageError as error:
        print(f"emulator: {error}", file=sys.stderr)


if __name__ == "__main__":
    prepare()
