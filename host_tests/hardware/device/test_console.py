# SPDX-License-Identifier: MIT
"""`from device import console` and `mpremote mount` on the emulated Pico, by the real mpremote, with the gateway at its
UART: what a person at the desk does.
"""

import asyncio
import contextlib
import json
import sys

from host_tests.hardware.device.test_registered import AS, CONFIG, UE, scene
from tools.bench.device.rp2040 import flash_image
from tools.demo.application_server import ApplicationServer
from tools.demo.processes import Gateway, Process
from tools.device import ROOT
from tools.emulator.client import Emulator
from tools.emulator.pty import Terminal

WARNING = 'msgin5g: warning: security.mode is "none": anyone on the path can read, change and forge messages'
MOUNT = "import os, sys; os.chdir('/'); sys.path.insert(0, '/remote'); import main"  # docs/development.md
# Takes nothing, so that what comes in is there for the person; its watchdog runs.
BUSY = b"""
import asyncio
from device import start
async def main():
    client = await start()
    while True:
        await asyncio.sleep(1)
asyncio.run(main())
"""


def mpremote(emulator, *arguments):
    # by the pseudo-terminal: mpremote asks a TCP connection without a pause, and takes a processor for it
    return Process((sys.executable, "-m", "mpremote", "connect", emulator.terminal, *arguments), folder=ROOT)


async def says(emulator, *arguments):
    """What mpremote prints."""
    async with mpremote(emulator, *arguments) as process:
        code = await process.wait(180)
    assert code == 0, process.lines.items
    return process.lines.items


@contextlib.asynccontextmanager
async def desk(image, folder):
    """(gateway, server, emulator), the board running its application with a watchdog, and registered."""
    flash = folder / "flash.bin"
    config = {**CONFIG, "watchdog": 8}
    flash.write_bytes(flash_image({"msgin5g.json": json.dumps(config).encode(), "app.py": BUSY}))
    with Emulator(image, flash=flash, ports={"repl": 0, "uart0": 0}, options=["--quiet"]) as emulator:
        line = Terminal(emulator.ports["uart0"])
        repl = Terminal(emulator.ports["repl"])
        emulator.terminal = repl.path
        try:
            async with Gateway(folder, "--open", "--serial", line.path) as gateway:
                async with ApplicationServer(AS, gateway.http) as server:
                    await server.register()
                    await gateway.event("registered", ue=UE, seconds=60)
                    yield gateway, server, emulator
        finally:
            repl.close()
            line.close()


def test_one_liners_by_mpremote_exec(image, tmp_path):
    async def play():
        async with desk(image, tmp_path) as (gateway, server, emulator):
            waiting = await server.send(UE, "before mpremote came")  # the application does not take it
            await gateway.event("delivered", msgId=waiting)
            # mpremote interrupts the application and resets the interpreter; what came by then is on flash.
            said = await says(emulator, "exec", "from device import console; console.wait(30)")
            assert said == [
                WARNING,
                "msgin5g: registering",
                "msgin5g: registered",
                f"from {AS}: before mpremote came",
            ]
            assert (await server.report(waiting)).delivered
            send = f"console.send({AS!r}, 'hello', to_type='AS', report=True)"
            said = await says(emulator, "resume", "exec", send)
            message = await server.message(
                lambda message: message.payload == "hello", "the console's message"
            )
            assert said == [f"{message.message_id} delivered"]
            # Nobody is at the REPL now, and the client answers all the same.
            await server.send(UE, "in the background", report=False)
            await server.send(UE, "x" * 5000, report=False)  # in segments
            code = "console.wait(30); console.wait(30); console.inbox(); console.outbox(); console.status()"
            said = await says(emulator, "resume", "exec", code)
            assert said[:3] == [f"from {AS}: in the background", f"from {AS}: 5000 octets", "nothing"]
            assert said[3] == f"{message.message_id} delivered"
            assert said[4] == "start 1, reset cause power-on"
            assert said[6:8] == [f"{UE} at coap+uart://0: registered", "inbox 0; outbox 0"]
            assert said[8] == "accepted 1, delivered 1, received 2, reported 1"
            said = await says(emulator, "resume", "exec", "console.stop(); console.stop()")
            assert said == ["msgin5g: stopped"]
            await gateway.event("deregistered", ue=UE)
            # The watchdog has been running all the time.
            assert emulator.stats()["watchdog_resets"] == 0

    asyncio.run(play())


def test_a_session_at_the_repl(image, tmp_path):
    async def play():
        async with scene(image, tmp_path, app=BUSY, config={**CONFIG, "watchdog": 2}) as parts:
            gateway, server, pico, _ = parts
            pico.types(b"\x03")
            await pico.says("KeyboardInterrupt")
            pico.types(b"from device import console\r")
            pico.types(b"console.start().registered\r")
            await pico.says("msgin5g: registered")
            await pico.says("True")
            # While the prompt waits, 64 KiB come in and their report goes out, as soon as they are taken.
            pico.types(b"console.wait(120)\r")
            large = await server.send(UE, b"ABC" * 8192)
            await pico.says("24576 octets", 120)
            assert (await server.report(large)).delivered
            pico.types(b"console.wait(60)\r")
            await pico.says("console.wait(60)")
            pico.types(b"\x03")
            # Ctrl-C ends the waiting and nothing else.
            pico.types(b"print(6 * 7, console.client.registered)\r")
            await pico.says("42 True")
            pico.types(f"console.send({AS!r}, 'typed', to_type='AS')\r".encode())
            message = await server.message(lambda message: message.payload == "typed", "what was typed")
            await pico.says(f"{message.message_id} accepted")
            # A mistake is a traceback, and the client goes on.
            pico.types(b"console.send('', 'x')\r")
            await pico.says("ValueError: to: must be a string of 1 to 255 octets")
            # Ctrl-D: main.py again, with the application.
            seen = len(gateway.events.items)
            pico.types(b"\x04")
            await pico.says("msgin5g: start 2, reset cause power-on")
            await gateway.event("registered", ue=UE, start=seen)
            assert pico.emulator.stats()["watchdog_resets"] == 0

    asyncio.run(play())


def test_mount_runs_the_firmware_of_this_folder(image, tmp_path):
    async def play():
        async with desk(image, tmp_path) as (gateway, server, emulator):
            where = "import device.health, msgin5g.client as c; print(device.health.__file__, c.__file__)"
            said = await says(emulator, "mount", "firmware", "exec", MOUNT.replace("import main", where))
            assert said[1] == "/remote/device/health.py /remote/msgin5g/client.py"
            seen = len(gateway.events.items)
            async with mpremote(emulator, "mount", "firmware", "exec", MOUNT) as process:
                await gateway.event("registered", ue=UE, seconds=180, start=seen)
                assert process.lines.items[0] == "Local directory firmware is mounted at /remote"

    asyncio.run(play())
