# SPDX-License-Identifier: MIT
"""msgin5g provision on the emulated Pico, which runs the image as it is flashed: from no configuration at all to
messages under OSCORE, new keys while it runs, and a file system that is full.
"""

import asyncio
import json
import os
import sys
from contextlib import closing

from host_tests.gateway.devices import AS, EXAMPLES
from tools.bench.device.rp2040 import BOARD, flash_image
from tools.demo.application_server import ApplicationServer
from tools.demo.processes import Gateway, Process
from tools.device import ROOT
from tools.emulator.client import Emulator
from tools.emulator.pty import Terminal
from tools.image import files, rp2
from tools.programs.patience import run

UE = "ue:pico@example.org"
PATH = {**os.environ, "PYTHONPATH": str(ROOT)}


async def command(folder, *arguments):
    """(exit code, what it printed) of a program of the virtual environment."""
    process = Process((sys.executable, "-m", *arguments), PATH, folder)
    async with process:
        code = await process.wait(60)
    return code, "\n".join(process.lines.items)


async def provision(folder, pico, *arguments):
    return await command(folder, "tools.cli", "provision", "--port", pico.repl, *arguments)


async def configuration(folder, pico):
    """What mpremote reads on the board. The board stays at its REPL then, like after any work with mpremote."""
    code, text = await command(folder, "mpremote", "connect", pico.repl, "fs", "cat", "msgin5g.json")
    assert code == 0, text
    return json.loads(text)


def test_a_board_out_of_the_box_becomes_a_registered_device(image, tmp_path):
    async def play():
        flash = tmp_path / "flash.bin"
        flash.write_bytes(flash_image({"app.py": (EXAMPLES / "sensor.py").read_bytes()}))
        with Emulator(image, flash=flash, ports={"repl": 0, "uart0": 0}, options=["--quiet"]) as pico:
            line = Terminal(pico.ports["uart0"])
            try:
                async with Gateway(tmp_path, "--serial", line.path, security="oscore") as gateway:
                    async with ApplicationServer(AS, gateway.http) as server:
                        await server.register()
                        await story(tmp_path, pico, gateway, server)
            finally:
                line.close()

    async def story(folder, pico, gateway, server):
        code, said = await provision(folder, pico, "--show")
        assert code == 1
        assert said == (
            f"{pico.repl}: MSGin5G {rp2.version()} for Raspberry Pi Pico with RP2040, MicroPython 1.25.0,"
            " with the MSGin5G firmware\n"
            "There is no msgin5g.json; make one: msgin5g provision --ue ue:sensor-1@example.org"
            f" --peer coap+uart://0 --port {pico.repl}"
        )
        printed = [said]

        code, said = await provision(folder, pico, "--ue", UE, "--verbose")
        assert code == 0, said
        assert said.splitlines()[-3:] == [
            f"provision: {UE}: new keys; registered with the gateway's store gateway.db",
            f"provision: msgin5g.json on {pico.repl}: written, read back, the same",
            f"provision: the board starts anew: msgin5g repl --port {pico.repl}",
        ]
        printed.append(said)
        await gateway.event("registered", ue=UE, seconds=60)
        message = await server.message(lambda message: message.sender == UE, "a reading of the sensor")
        assert message.payload.isdecimal()
        first = await configuration(folder, pico)

        # The device runs, and goes on with its keys.
        seen = len(gateway.events.items)
        code, said = await provision(folder, pico, "--ue", UE)
        assert code == 0 and "its keys are kept" in said and "it was there already" in said
        printed.append(said)
        await gateway.event("registered", ue=UE, seconds=60, start=seen)

        code, said = await provision(folder, pico, "--show")
        assert code == 0 and "    numbers       in messages/oscore-" in said
        printed.append(said)

        # What this board has no link for, it does not get.
        code, said = await provision(folder, pico, "--ue", UE, "--peer", "coap://192.0.2.1")
        assert code == 2
        assert said == (
            f"msgin5g: the firmware at {pico.repl} would not start with it: peer: the Pico has its UARTs only,"
            " coap+uart://0 or l3+uart://0, or 1 for UART 1"
        )

        # New keys begin with sequence number 0, in a file of their own.
        await configuration(folder, pico)  # it has started again twice: nothing of that may come any more
        seen = len(gateway.events.items)
        code, said = await provision(folder, pico, "--ue", UE, "--force")
        assert code == 0 and "new keys" in said
        printed.append(said)
        await gateway.event("registered", ue=UE, seconds=60, start=seen)

        # And the gateway brings others over the air, whose numbers take the place of these ones'.
        between = len(gateway.events.items)
        code, said = await command(folder, "tools.cli", "gateway", "ue", "rekey", UE)
        assert code == 0, said
        await gateway.event("keys-changed", ue=UE, seconds=60, start=between)
        await server.send(UE, "is all of it written?")
        await gateway.event("delivered", to=UE, seconds=60, start=between)
        second = await configuration(folder, pico)
        assert second["security"]["recipient_id"] == b"g".hex()
        assert first["peer"] == second["peer"] == "coap+uart://0"
        code, said = await command(folder, "mpremote", "connect", pico.repl, "fs", "ls", "messages")
        assert said.count("oscore-") == 2

        secrets = [
            config["security"][name]
            for config in (first, second)
            for name in ("master_secret", "master_salt")
        ]
        assert len(set(secrets)) == 4
        everything = "\n".join(printed) + json.dumps(gateway.events.items) + "\n".join(gateway.lines.items)
        assert not [secret for secret in secrets if secret in everything]

    asyncio.run(play())


# A device whose watchdog nobody feeds once it was interrupted, as at any REPL.
WATCHED = """
import machine, time
dog = machine.WDT(timeout=400)
while True:
    dog.feed()
    time.sleep_ms(100)
"""


def test_the_watchdog_of_a_running_device_does_not_bite_meanwhile(image, tmp_path):
    async def play():
        flash = tmp_path / "flash.bin"
        flash.write_bytes(flash_image({"app.py": WATCHED.encode()}))
        with Emulator(image, flash=flash, options=["--quiet"]) as pico:
            await until(lambda: pico.stats()["emulated_ms"] > 2000)  # it runs by then, and was fed
            code, said = await provision(tmp_path, pico, "--ue", UE)
            assert code == 0, said
            assert pico.stats()["watchdog_resets"] == 0

    async def until(condition):
        while not condition():
            await asyncio.sleep(0.05)

    run(play())


def test_a_full_file_system_keeps_what_it_has(image, tmp_path):
    old = json.dumps(
        {"role": "client", "ue_service_id": UE, "peer": "coap+uart://0", "security": {"mode": "none"}}
    )
    flash = tmp_path / "flash.bin"
    layout = rp2.board_data(BOARD)["flash"]
    flash.write_bytes(b"\xff" * layout["firmware"] + full(layout["files"], {"msgin5g.json": old.encode()}))

    async def play():
        with (
            Emulator(image, flash=flash, options=["--quiet"]) as pico,
            closing(Terminal(pico.ports["repl"])) as line,
        ):
            # Up to 512 octets would find room beside the name in the folder's own blocks.
            base = tmp_path / "base.json"
            base.write_text(json.dumps({"service_identifier": 250 * "y"}))
            long = ("--ue", "ue:" + 250 * "x", "--settings", str(base), "--port", line.path)
            code, said = await command(tmp_path, "tools.cli", "provision", *long)
            assert code == 2
            assert said.splitlines()[-1] == (
                f"msgin5g: the file system of the board at {line.path} is full; nothing was changed. Look and make"
                f" room: mpremote connect {line.path} fs ls, fs rm FILE"
            )

    asyncio.run(play())
    found = files.read_files(flash.read_bytes()[layout["firmware"] :])
    assert found["msgin5g.json"].decode() == old
    assert "msgin5g.json~" not in found or found["msgin5g.json~"] == b""


def full(size, contents):
    """A file system with these files and no block left."""
    blocks = size // files.BLOCK
    while True:
        try:
            return files.file_system(size, {**contents, "filler": bytes(blocks * files.BLOCK)})
        except ValueError:
            blocks -= 1
