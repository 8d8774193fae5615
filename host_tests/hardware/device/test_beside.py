# SPDX-License-Identifier: MIT
"""Many applications beside the client on the emulated Pico, the image as it is flashed, with its watchdog running:
whatever each does, the device goes on with what it promises, or is reset in order (docs/health.md). Each has minutes of
its own time. Nobody is at the UART: a client that registers in vain is as alive as any.
"""

import time

import pytest

from host_tests.hardware.conftest import Board
from host_tests.hardware.device.test_health import counts_of, put
from tools.emulator.client import Emulator

BEGIN = """
import asyncio, gc, os, sys, time
import device.health, device.runner
from device import start
SERVER = "as:weather@example.org"

async def rest(client):
    for _ in range(40):
        await asyncio.sleep(3)
        assert client.fault() is None, client.fault()
    print("well", client.fault(), len(device.runner.running))

async def main():
    client = await start()
    await asyncio.sleep(1)
"""
END = "\nasyncio.run(main())\n"

# What each does, and how the words begin that are left for the next start (docs/health.md): "" for none.
RESET = {
    "ends by CancelledError": ("t = asyncio.create_task(client.receive())\nt.cancel()\nawait t", "Cancelled"),
    "ends by another BaseException": ("raise BaseException('own')", "own"),
    "leaks until MemoryError": ("kept = []\nwhile True: kept.append(bytearray(256))", "MemoryError"),
    "leaks in a module of its own": (
        "class Own: kept = []\nsys.modules['own'] = Own\nown = Own.kept\n"
        "while True:\n    own.append(bytes(99))\n    await asyncio.sleep(0)",
        "MemoryError",
    ),
    "takes the last octet": ("full = None\nwhile True: full = (full,)", "MemoryError"),
    "takes the last octet and raises another error": (
        "error, full = KeyError('own'), None\ntry:\n    while True: full = (full,)\n"
        "except MemoryError: raise error",
        "KeyError: own",
    ),
    "asks for one piece that is not there": ("bytearray(300000)", "MemoryError"),
    "computes for ever": ("while True: pass", ""),
    "sleeps outside of asyncio": ("time.sleep(60)", ""),
    "cancels the reader": ("client._tasks['reader'].cancel()\nawait rest2()", "the reader task ended"),
    "cancels the timer": ("client._tasks['timer'].cancel()\nawait rest2()", "the timer task ended"),
    "cancels the link's task": ("client._link._writer.cancel()\nawait rest2()", "the link's own task ended"),
    "cancels who feeds": ("device.health._task.cancel()\nawait rest2()", ""),
    "cancels all": (
        "for t in client._tasks.values(): t.cancel()\ndevice.health._task.cancel()\nawait rest2()",
        "",
    ),
    "breaks its promise": ("client.alive(3)\nawait rest2()", "the application did not call alive() in time"),
    "starts with a wrong configuration": ("await start({'role': 'none'})", "role"),
    "leaves the event loop": ("asyncio.new_event_loop()\nwhile True: time.sleep(1)", ""),
}
WELL = {
    "deletes the folder of the messages": (
        "for name in os.listdir('messages'): os.remove('messages/' + name)\nos.rmdir('messages')\n"
        "await client.send(SERVER, 'x', to_type='AS')"
    ),
    "starts twice": "assert await start() is client\nassert await start('msgin5g.json') is client",
    "polls": (
        "for _ in range(300):\n    for poll in (client.receive(0.002), asyncio.wait_for(client.receive(), 0.002)):\n"
        "        try:\n            await poll\n        except asyncio.TimeoutError:\n            pass"
    ),
    "waits for weeks": (
        "out = await client.send(SERVER, 'x', to_type='AS')\nclient.alive(20 * 86400)\n"
        "for wait in (out.wait(7 * 86400), client.drain(30 * 86400), client.receive(9 * 86400),\n"
        "        asyncio.sleep(8 * 86400), client.subscribe('alerts', 7 * 86400)):\n"
        "    try:\n        await asyncio.wait_for(wait, 1)\n    except asyncio.TimeoutError:\n        pass"
    ),
    "stops and starts": "for _ in range(5):\n    await client.stop()\n    client = await start()",
    "catches Ctrl-C": (
        "for _ in range(3):\n    try:\n        raise KeyboardInterrupt\n    except KeyboardInterrupt:\n"
        "        client = await start()"
    ),
    "takes all memory and gives it back": (
        "kept = []\ntry:\n    while True: kept.append(bytearray(512))\nexcept MemoryError:\n"
        "    kept.pop()\n    await asyncio.sleep(3)\n    kept = None"  # to sleep takes memory, too
    ),
}
REST2 = """
async def rest2():
    while True:
        await asyncio.sleep(9)
"""


def app(step):
    lines = "".join(f"    {line}\n" for line in step.splitlines())
    return REST2 + BEGIN + lines


@pytest.fixture(scope="module")
def pico(image, tmp_path_factory):
    flash = tmp_path_factory.mktemp("beside") / "flash.bin"
    with Emulator(image, flash=flash, options=["--virtual", "--quiet"]) as emulator:
        board = Board(emulator)
        yield board
        board.leave()


def begin(board, text):
    board.enter()
    board.run(
        "import os\nif 'messages' in os.listdir() and 'boot' in os.listdir('messages'): os.remove('messages/boot')"
    )
    put(board, None)
    text = text.encode()
    for start in range(0, len(text), 800):
        mode = "ab" if start else "wb"
        board.run(f"with open('app.py', {mode!r}) as file: file.write({text[start : start + 800]!r})")
    board.enter()


def queued(board):
    """The IDs of the messages that wait for a gateway, in order."""
    said = [line.split() for line in board.run("console.outbox()").splitlines()]
    return [words[0] for words in said if words[1:] == ["queued"]]


@pytest.mark.parametrize("name", RESET)
def test_the_device_is_reset_in_order(pico, name):
    step, words = RESET[name]
    begin(pico, app(step) + END)
    pico.reset_by("import main")
    left = counts_of(pico)[1]
    assert words in left if words else left == ""


@pytest.mark.parametrize("name", WELL)
def test_the_device_goes_on(pico, name):
    before = pico.emulator.stats()
    begin(pico, app(WELL[name] + "\nawait rest(client)") + END)
    said = pico.run("import main").splitlines()
    assert said[-1] == "well None 1", said
    after = pico.emulator.stats()
    assert (after["watchdog_resets"], after["forced_resets"]) == (
        before["watchdog_resets"],
        before["forced_resets"],
    )


def test_an_application_that_returns_leaves_its_client_running(pico):
    """At the REPL, between the keys."""
    before = pico.emulator.stats()["watchdog_resets"]
    begin(pico, app("return") + END)
    pico.run("import main")
    look = "from device import runner\nclient = runner.running[0]\nprint(client.fault(), client.idle_ms() < 6000)"
    assert pico.run("import time\ntime.sleep(60)\n" + look).splitlines()[-1] == "None True"
    assert pico.run("client._tasks['reader'].cancel()\ntime.sleep(5)").count("registering") == 1
    assert pico.run(look).splitlines()[-1] == "None True"
    assert pico.emulator.stats()["watchdog_resets"] == before


def test_storms_of_ctrl_c_at_the_console_leave_a_client_that_works(pico):
    begin(pico, app("") + END)
    pico.run("from device import console\nimport time\nconsole._REGISTER = 1\nclient = console.start()")
    pico.run("console.send('as:weather@example.org', 'x', to_type='AS', wait=0)")
    kept = queued(pico)
    assert kept  # beside those of applications before
    for _ in range(5):
        for _ in range(60):
            pico.repl._socket.sendall(b"\x03")
            time.sleep(0.002)
        # in a call of the console, too, and twice in one
        pico.begin("console.wait(60)")
        pico.repl._socket.sendall(b"\x03\x03")
        pico.enter(soft_reset=False)
        look = "time.sleep(20)\nprint(console.client.fault(), console.client.idle_ms() < 6000)"
        assert pico.run(look).splitlines()[-1] == "None True"
    assert queued(pico) == kept


# How often each is begun while it takes a second, of which the timer has its share, as after a Ctrl-C.
SLOW = """
def slow(owner, name):
    def call(*arguments):
        begun.append(name)
        time.sleep(1)
        return whole(*arguments)
    whole = getattr(owner, name)
    setattr(owner, name, call)
begun = []
console._torn = True
"""


def test_the_timer_does_not_mend_what_is_being_mended(pico):
    begin(pico, app("") + END)
    pico.run("from device import console\nimport time\nconsole._REGISTER = 1\nclient = console.start()")
    look = "print(begun, console.client.fault(), len(console.runner.running))"
    again = SLOW + "slow(client, 'again')\nconsole.start()\ndel client.again\n"
    assert pico.run(again + look).splitlines()[-1] == "['again'] None 1"
    # Where a new client takes the place of one that Ctrl-C has broken, too.
    anew = "client.abandon()\nhealth = console.health\nattend = health.attend\n" + SLOW
    anew += "slow(health, 'attend')\nconsole.start()\nhealth.attend = attend\n"
    assert pico.run(anew + look).splitlines()[-1] == "['attend'] None 1"
    # In `stop`, it is only mended so as to say good-bye.
    gone = "client = console.client\n" + SLOW + "slow(client, 'again')\nconsole.stop()\n"
    assert pico.run(gone + "print(begun, console.runner.running)").splitlines()[-1] == "['again'] []"
