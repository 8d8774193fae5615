# SPDX-License-Identifier: MIT
"""A Pico gets new code over its UART, and goes back to the old by itself where that is no good."""

import pytest

from host_tests.hardware.rp2040.test_stack import PAINTED
from host_tests.hardware.rp2040.updating import UpdatedPico
from tools.bench import limits
from tools.image.boards import ROOT
from tools.update import contents

MANNERS = """
import asyncio
from device import start
from msgin5g.rules import policy
def use_up(security):
    # As if this were the last of 64 numbers: the next request writes to flash which ones follow, and goes deepest then.
    numbers = (getattr(security, "new", None) or security.context)._sequence
    numbers._end = numbers._next
async def main():
    client = await start()
    print("runs %s", policy.__file__)
    most = 0
    while True:
        await asyncio.sleep_ms(200)
        use_up(client.core.endpoint.security)
        if used() > most:
            most = used()
            print("deep", most)
paint()
asyncio.run(main())
"""
OLD = (PAINTED + MANNERS % "old").encode()
NEW = (PAINTED + MANNERS % "new").encode()
CRASHES = b"raise ValueError('too cold')\n"
# The loop takes this computer some seconds for each of the board's: so most of the time it only does not come back.
HANGS = b"import time\ntime.sleep(59)\nprint('hangs')\nwhile True: pass\n"
SILENT = b"import asyncio\nasync def main():\n    await asyncio.sleep(3600)\nasyncio.run(main())\n"
STATES = ["offered", "loading", "verified"]


@pytest.fixture
def pico(image, tmp_path):
    with UpdatedPico(image, tmp_path, OLD) as board:
        board.until_told("runs old msgin5g/rules/policy.py")
        yield board


def test_updates_that_are_good_and_bad(pico):
    """One board that lives through all of them, as one in the field would."""
    rules = contents.firmware([ROOT / "firmware/msgin5g/rules/policy.py"], ("rp2040",))
    pico.send(2, {"app/app.py": NEW} | rules, mpy="6.3", trial=60)
    pico.ends("confirmed", 60)
    assert pico.said("runs new /slots/a/fw/msgin5g/rules/policy.mpy")
    assert [*dict.fromkeys(pico.states)] == [*STATES, "confirmed"]
    for number, app, why in (
        (3, CRASHES, "start: 3 starts failed: ValueError: too cold"),
        (4, HANGS, "registration: not registered within 60 s"),
        (5, SILENT, "registration: not registered within 60 s"),
    ):
        pico.send(number, {"app/app.py": app}, trial=60)
        pico.ends("rolled-back", 200)
        assert pico.causes[-1] == why
        assert [*dict.fromkeys(pico.states)] == [*STATES, "rolled-back"]
        assert pico.said("runs new /slots/a/fw/msgin5g/rules/policy.mpy")
    deepest = max(int(line.split()[1]) for line in pico.told if line.startswith("deep "))
    assert deepest > 2_000  # of the frames of an application alone
    assert limits.of("stack.updated").keeps(deepest), deepest
