# SPDX-License-Identifier: MIT
"""`msgin5g trace --from PORT` on the emulated Pico: the trace that the board has in its memory, by its REPL."""

import asyncio
import sys

from host_tests.hardware.device.test_console import desk, mpremote
from tools.demo.processes import Process
from tools.device import ROOT

BEGIN = "from device import console; console.trace(True); console.send('as:weather@example.org', 'hi', to_type='AS')"


def trace(emulator):
    return Process((sys.executable, "-m", "tools.cli", "trace", "--from", emulator.terminal), folder=ROOT)


async def ends(process):
    """Its exit code, and what it printed."""
    async with process:
        code = await process.wait(180)
    return code, process.lines.items


def test_a_picture_of_what_a_board_noted(image, tmp_path):
    async def play():
        async with desk(image, tmp_path) as (_, server, emulator):
            code, lines = await ends(trace(emulator))
            assert code == 2 and "the board keeps no trace: console.trace(True) there begins one" in lines[-1]
            code, lines = await ends(mpremote(emulator, "resume", "exec", BEGIN))
            assert code == 0 and lines[-1].endswith(" accepted"), lines
            assert [message.payload for message in server.messages.items] == ["hi"]
            for _ in range(2):  # to read it changes nothing
                code, lines = await ends(trace(emulator))
                assert code == 0, lines
                assert lines[0].split() == ["Device", "Gateway"]
                text = "\n".join(lines)
                steps = [" REG ", "* registered", " MSG ", "* accepted"]
                assert [step for step in steps if step in text] == steps
            code, lines = await ends(
                mpremote(emulator, "resume", "exec", "console.trace(False); console.trace()")
            )
            assert (code, lines) == (0, ["nothing is traced; console.trace(True) begins"])

    asyncio.run(play())
