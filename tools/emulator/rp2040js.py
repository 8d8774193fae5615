# SPDX-License-Identifier: MIT
"""msgin5g emulate, for a board whose "emulator" is "rp2040js": boots the image and says where its lines are."""

import os
import time

from tools.emulator import client
from tools.emulator.client import POWER_CUT, Emulator
from tools.emulator.pty import Terminal
from tools.errors import UsageError
from tools.image.boards import ROOT

OPTIONS = ("uart1", "virtual", "cut_after", "unique_id", "statistics")
provide = client.provide
LINES = ("repl", "uart0", "uart1")


def run(args, image, say):
    """Until it ends; the exit code. Raises UsageError."""
    places = {line: getattr(args, line) for line in LINES if getattr(args, line) is not None}
    ports = {line: port(line, place) for line, place in places.items()}
    options = ["--virtual"] * args.virtual
    options += [f"--cut-after={args.cut_after}"] * (args.cut_after is not None)
    options += [f"--unique-id={args.unique_id}"] * (args.unique_id is not None)
    flash = args.flash or ROOT / "build" / args.board / "flash.bin"
    with Emulator(image, flash=flash, ports=ports, options=options) as pico:
        terminals = {line: Terminal(pico.ports[line]) for line, place in places.items() if place == "pty"}
        say(f"{os.path.relpath(image)} runs; its files are kept in {os.path.relpath(flash)}; Ctrl-C ends it")
        for line in places:
            where = terminals[line].path if line in terminals else f"socket://127.0.0.1:{pico.ports[line]}"
            say(f"  mpremote connect {where}" if line == "repl" else f"  {line.upper()}: {where}")
        try:
            return _watch(pico, args.statistics, say)
        finally:
            for terminal in terminals.values():
                terminal.close()


def _watch(pico, seconds, say):
    """Until it ends; the exit code."""
    while seconds:
        time.sleep(seconds)
        if pico.process.poll() is not None:
            break
        stats = pico.stats()
        say(
            ", ".join(
                f"{name} {value}" for name, value in stats.items() if not isinstance(value, (dict, list))
            )
        )
    code = pico.wait()
    if code == POWER_CUT:
        say("the power went, as --cut-after said")
    elif code:
        raise UsageError("the board halted; it said why above")
    return code


def port(line, place):
    """The TCP port of a place, 0 for a pseudo-terminal: any. Raises UsageError."""
    if place == "pty":
        return 0
    if not place.isdecimal() or int(place) > 65535:
        raise UsageError(f"--{line} takes a TCP port from 0 to 65535, or pty, not {place}")
    return int(place)
