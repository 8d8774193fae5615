# SPDX-License-Identifier: MIT
"""Watchdog and safe boot on the emulated Pico, as the image does them (docs/health.md). Nobody is at its UART: a client
that registers in vain is as alive as any. Virtual time, but for the story with the gateway.
"""

import asyncio
import json

import pytest

from host_tests.hardware.device.test_registered import CONFIG, UE, scene

WATCHED = {**CONFIG, "watchdog": 4}
APP = """
import asyncio, time
from device import start
async def main():
    client = await start()
    await asyncio.sleep(1)
    %s
asyncio.run(main())
"""
ALIVE = "await asyncio.sleep(70)"


def put(board, app=None, config=WATCHED):
    """The application and the configuration; None for no such file."""
    config = config if isinstance(config, bytes | None) else json.dumps(config).encode()
    for name, octets in (("app.py", app and app.encode()), ("msgin5g.json", config)):
        if octets is None:
            board.run(f"import os\nif {name!r} in os.listdir(): os.remove({name!r})")
        else:
            board.run(f"with open({name!r}, 'wb') as file:\n    file.write({octets[:1000]!r})")
            if len(octets) > 1000:  # all the same
                more = f"    for _ in range({len(octets) // 1000}): file.write({octets[:1000]!r})"
                board.run(f"with open({name!r}, 'ab') as file:\n{more}")


def counts_of(board):
    """(boots, bad, open), last words."""
    numbers, _, words = board.run("print(open('messages/boot').read(), end='')").partition("\n")
    *counts, version = map(int, numbers.split())
    assert version == 1  # docs/flash-format.md
    return tuple(counts), words


def resets(board):
    return board.emulator.stats()["watchdog_resets"]


def runs_main(board):
    """What main.py says, after a soft reset, until it ends."""
    board.enter()
    return board.run("import main").splitlines()


def main_is_reset(board):
    board.enter()
    board.reset_by("import main")


@pytest.mark.parametrize(
    "step, why",
    [
        ("while True: pass", ""),
        ("time.sleep(60)", ""),
        ("client._tasks['reader'].cancel(); " + ALIVE, "the reader task ended"),
        ("client._tasks['timer'].cancel(); " + ALIVE, "the timer task ended"),
        ("client._link._writer.cancel(); " + ALIVE, "the link's own task ended"),
        ("client.alive(3); " + ALIVE, "the application did not call alive() in time"),
        ("client.core.receive = None; client.core.poll = None; " + ALIVE, "the client ended: "),
    ],
)
def test_what_hangs_or_died_is_reset(board, step, why):
    put(board, APP % step)
    main_is_reset(board)
    assert resets(board) == 1
    (boots, bad, still_open), words = counts_of(board)
    assert (boots, bad, still_open) == (1, 0, 1)
    assert words.startswith(why) if why else words == ""
    assert board.run("from board import Board\nprint(Board().reset_cause())").strip() == "watchdog"


def test_a_healthy_device_is_left_alone_and_its_start_is_good(board):
    """Over a minute with the watchdog at 4 s, an application that computes for 2 s and keeps its promise."""
    step = "\n    ".join(
        [
            "for _ in range(14):",
            "    client.alive(9)",
            "    await asyncio.sleep(3)",
            "    time.sleep(2)",
            "client.alive(None)",
            "await asyncio.sleep(12)",
            "print(client.stats['boots'], client.stats['reset_cause'])",
        ]
    )
    put(board, APP % step)
    said = runs_main(board)
    assert said[1] == "msgin5g: start 1, reset cause power-on"
    assert said[-1] == "1 power-on"
    assert counts_of(board) == ((1, 0, 0), "")
    # It ended in order, and so it stays: at the REPL a timer feeds.
    board.run("import time\ntime.sleep(30)")
    # After a soft reset too, which stops all timers; and after one that runs main.py again, its task does.
    board.enter()
    board.run("import time\ntime.sleep(30)")
    put(board, APP % "while True: pass")
    assert resets(board) == 0
    main_is_reset(board)
    assert resets(board) == 1


def test_no_watchdog_unless_it_is_asked_for(board):
    put(board, APP % "time.sleep(30); print('alive')", CONFIG)
    assert runs_main(board)[-1] == "alive"
    # nor where a person runs an application at the REPL
    put(board, None, WATCHED)
    code = APP % "print('started')"
    assert board.run(code).splitlines()[-1] == "started"
    board.run("import time\ntime.sleep(30)")
    assert resets(board) == 0


def test_a_time_that_the_board_does_not_have(board):
    put(board, APP % ALIVE, {**CONFIG, "watchdog": 60})
    said = runs_main(board)
    assert "cannot start, msgin5g.json is wrong: watchdog: the board refuses 60 s: " in said[-2]


def test_an_exception_is_told_and_the_board_reset(board):
    put(board, "import time\n1 / 0")
    for bad in range(1, 4):
        main_is_reset(board)
        (boots, counted, still_open), words = counts_of(board)
        assert (boots, counted, still_open) == (bad, bad, 0)
        assert words.endswith("ZeroDivisionError: divide by zero\n")
        assert board.run("from board import Board\nprint(Board().reset_cause())").strip() == "soft"
    # Half an hour of safe boot, then a reset that gives the application one more try.
    began = board.emulator.stats()["emulated_ms"]
    main_is_reset(board)
    assert board.emulator.stats()["emulated_ms"] - began > 1_800_000
    assert counts_of(board)[0] == (4, 2, 0)
    main_is_reset(board)
    assert counts_of(board)[0] == (5, 3, 0)
    assert resets(board) == 0


MISSING = "cannot start, msgin5g.json is wrong: msgin5g.json: there is no such file"
NO_JSON = "cannot start, msgin5g.json is wrong: msgin5g.json: is not JSON; check quotes and commas"
REMEDY = "msgin5g: make it on the computer: msgin5g provision --ue ue:NAME@DOMAIN --peer URI --port PORT"


def test_a_configuration_that_is_not_one_is_said_and_the_repl_is_there(board):
    cases = [
        (None, MISSING),
        (b"", NO_JSON),
        (b"\xff\xfe\x00{", NO_JSON),
        (b'{"role" client}', NO_JSON),
        # MicroPython takes what broke off for whole; the keys that are missing tell
        (
            b'{"role": "client",',
            "cannot start, msgin5g.json is wrong: ue_service_id: is missing; it must be ",
        ),
        (b"[" * 300_000, "cannot start, msgin5g.json is wrong: msgin5g.json: is "),
        (b"[]", "cannot start, msgin5g.json is wrong: the configuration: must be a JSON object, {...}"),
    ]
    for app in (None, APP % ALIVE):
        for config, sentence in cases if app is None else cases[:1]:
            put(board, app, config)
            said = runs_main(board)
            assert said[-2].startswith("msgin5g: " + sentence), said
            assert said[-1] == REMEDY
    boots, bad, still_open = counts_of(board)[0]
    assert (boots, bad, still_open) == (8, 0, 0)


# An order must not be lost, so this one is written down before it is obeyed; and obeying it hangs.
OBEYS = """
import asyncio, os
from device import start

def obey():
    with open("order") as file:
        if file.read() == "hang":
            while True:
                pass
    os.remove("order")

async def main():
    client = await start()
    while not client.registered:
        await asyncio.sleep_ms(20)
    if "order" in os.listdir():
        obey()
    async for message in client.messages():
        with open("order", "w") as file:
            file.write(message.payload)
        print('> {"step": "order", "payload": "%s"}' % message.payload)
        obey()

asyncio.run(main())
"""


def test_an_order_that_hangs_the_application_leads_to_a_safe_boot(image, tmp_path):
    async def act(gateway, server, pico, record):
        seen = len(gateway.events.items)
        await server.send(UE, "hang", report=False)
        await pico.says("safe boot: 3 starts in a row failed within 60 s, so app.py is not run")
        assert pico.emulator.stats()["watchdog_resets"] == 3
        # Two more starts registered before they hung; now it is registered again, and what is sent is kept.
        for _ in range(3):
            seen = gateway.events.items.index(await gateway.event("registered", ue=UE, start=seen), seen) + 1
        waiting = await server.send(UE, "are you there?")
        # A person looks, takes away what hangs it, and lets it go on.
        pico.types(b"\x03")
        await pico.says("KeyboardInterrupt")
        pico.types(b"import os; os.remove('order'); from device import console; console.status()\r")
        await pico.says("start 4, reset cause watchdog")
        pico.types(b"import machine; machine.reset()\r")
        await pico.tells("order", payload="are you there?")
        assert (await server.report(waiting)).delivered
        assert pico.emulator.stats()["watchdog_resets"] == 3

    async def run():
        config = {**CONFIG, "watchdog": 2}
        async with scene(image, tmp_path, app=OBEYS.encode(), config=config) as parts:
            await act(*parts)

    asyncio.run(run())
