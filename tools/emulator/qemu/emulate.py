# SPDX-License-Identifier: MIT
"""msgin5g emulate, for a board whose "emulator" is "qemu": boots the image and says where its lines are."""

import os

from tools.emulator.client import POWER_CUT
from tools.emulator.pty import Terminal
from tools.emulator.qemu import machine as qemu
from tools.emulator.rp2040js import port
from tools.errors import UsageError
from tools.image.boards import ROOT

OPTIONS = ("uart1", "cut_after", "unique_id")
provide = qemu.provide


def run(args, image, say):
    """Until it ends; the exit code. Raises UsageError."""
    if args.uart0 != "pty":
        raise UsageError(f"--uart0 is not of the {args.board}: its REPL is there, see --repl")
    flash = args.flash or ROOT / "build" / args.board / "flash.bin"
    places = {line: getattr(args, line) or "pty" for line in qemu.LINES}
    with qemu.Virt(
        image,
        flash=flash,
        ports={line: port(line, place) for line, place in places.items()},
        cut_after=args.cut_after,
        unique_id=bytes.fromhex(args.unique_id) if args.unique_id else qemu.UNIQUE_ID,
    ) as machine:
        try:
            terminals = {
                line: Terminal(machine.ports[line]) for line, place in places.items() if place == "pty"
            }
        except OSError:
            raise UsageError("QEMU did not start the machine; it said why above") from None
        say(f"{os.path.relpath(image)} runs; its files are kept in {os.path.relpath(flash)}; Ctrl-C ends it")
        for line in places:
            where = terminals[line].path if line in terminals else f"socket://127.0.0.1:{machine.ports[line]}"
            say(f"  mpremote connect {where}" if line == "repl" else f"  {line.upper()}: {where}")
        try:
            code = machine.wait()
        finally:
            for terminal in terminals.values():
                terminal.close()
    if code == POWER_CUT:
        say("the power went, as --cut-after said")
    elif code:
        raise UsageError("the machine halted, and said why at its REPL, or QEMU ended, and said why above")
    return code
