# SPDX-License-Identifier: MIT
"""The stream that docs/board.md shows carries the frames of a serial link, on MicroPython."""

import re

import pytest

from host_tests.hardware.boards.kinds import Process
from tools.image.boards import ROOT

SHOWN = re.search(r"^```python\n(import io\n.*?)^```", (ROOT / "docs/board.md").read_text(), re.M | re.S)[1]
CARRIED = """
import asyncio
from coap.aio import slipmux
from coap.aio.serial import SerialLink

opened = []

def open_line():
    opened.append(Loop())
    return opened[-1]

async def main():
    link = SerialLink(open_line, slipmux.COAP, 1200, "0")
    await link.open()
    for size in (4, 64, 500):
        octets = bytes(i % 256 for i in range(size))
        link.send(octets, link.peer)
        got, _ = await link.receive()
        print(got == octets, len(opened), link.lost)
    link.close()
    print(opened[0]._octets)

asyncio.run(asyncio.wait_for(main(), 20))
"""


def test_the_stream_of_the_page_carries_frames(request):
    said = Process(request, "unix").run(SHOWN + CARRIED)
    assert said.splitlines() == ["True 1 0"] * 3 + ["b''"]


# Says that there is something to read where there is nothing.
BUSY = SHOWN.replace("5 if self._octets else 4", "5")
IDLE = """
import asyncio
from coap.aio import slipmux
from coap.aio.serial import SerialLink

async def main():
    link = SerialLink(Loop, slipmux.COAP, 1200, "0")
    link.tell = lambda text, *values: print(text % values)
    await link.open()
    waiting = asyncio.create_task(link.receive())
    for _ in range(20):
        await asyncio.sleep_ms(0)
    print("lost", link.lost)
    waiting.cancel()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "nothing, lost",
    [("octets or None", "lost 0"), ("octets", "0: the line ended\nlost 1")],
    ids=("None", "octets"),
)
def test_no_octets_are_the_end_of_the_line_and_none_is_not(nothing, lost, request):
    assert BUSY != SHOWN
    said = Process(request, "unix").run(BUSY.replace("octets or None", nothing) + IDLE)
    assert said.strip() == lost
