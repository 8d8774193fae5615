# SPDX-License-Identifier: MIT
"""Safe boot and console on the unix port, with the gateway: a service manager would start the device anew each time."""

import json
import os
import zlib

from host_tests.gateway.devices import AS, UE, config, gateway_and_server, run
from host_tests.interpreters import UNIX
from tools.demo.processes import Device
from tools.image import bytecode
from tools.programs.micropython import BIN
from tools.programs.patience import finish

# Writes an order down before it is obeyed, as an application may that must not lose one; and one can't be obeyed.
OBEYS = """
import asyncio, os
from device import start

async def main():
    client = await start()
    while not client.registered:
        await asyncio.sleep_ms(20)
    if "order" in os.listdir():
        raise ValueError("nobody can do that")
    async for message in client.messages():
        with open("order", "w") as file:
            file.write(message.payload)
        raise ValueError("nobody can do that")

asyncio.run(main())
"""


def device(folder, port):
    (folder / "app.py").write_text(OBEYS)
    made = Device(folder / "device", folder / "app.py")
    made.folder.mkdir(exist_ok=True)
    made.configure(config(port))
    return made


def test_an_order_that_cannot_be_obeyed_leads_to_a_safe_boot(tmp_path):
    async def main():
        async with gateway_and_server(tmp_path / "g") as (gateway, server):
            board = device(tmp_path, gateway.coap[1])
            async with board:
                await gateway.event("registered", ue=UE)
                await server.send(UE, "fly", report=False)
                assert await board.wait() == 1
            for start in (2, 3):
                async with board:
                    assert await board.wait() == 1
                assert (
                    f"msgin5g: start {start}, reset cause power-on; {start - 1} before it failed within 60 s"
                    in (board.lines.items)
                )
                assert "msgin5g: last words: ValueError: nobody can do that" in board.lines.items
            seen = len(gateway.events.items)
            async with board:
                await board.lines.until(lambda line: "safe boot: 3 starts in a row" in line, "the safe boot")
                await gateway.event("registered", ue=UE, start=seen)
                kept = await server.send(UE, "land")
                board.signal(9)
                await board.wait()

            # A person at a prompt in the device's folder; there the client runs while a call does.
            code = "from device import console; console.wait(20); console.status(); console.stop()"
            command = [BIN / "micropython", "-X", "heapsize=512k", "-c", code]
            path = ":".join((str(UNIX), str(bytecode.firmware()), ".frozen"))
            environment = {**os.environ, "MICROPYPATH": path}
            done = finish(command, 60, cwd=board.folder, env=environment, capture_output=True, text=True)
            assert f"from {AS}: land" in done.stdout, done.stdout + done.stderr
            assert "start 4, reset cause power-on" in done.stdout
            assert (await server.report(kept)).delivered
            os.remove(board.folder / "order")
            async with board:  # one more try, and it is well
                await board.lines.until(lambda line: line == "msgin5g: registered", "the registration")
                assert not any("safe boot" in line for line in board.lines.items[-3:])

    run(main())


def record(kind, fields):
    """A record of the journal, as docs/flash-format.md has it."""
    text = json.dumps(fields).encode()
    body = len(text).to_bytes(2, "big") + text
    data = b"\xa7" + kind.encode() + len(body).to_bytes(2, "big") + body
    return data + zlib.crc32(data).to_bytes(4, "big")


def test_what_a_start_found_in_the_journal_is_told_once_and_in_the_status(tmp_path):
    """Records of an unknown kind, a segment of a newer version, and a damaged place."""
    rows = {
        "log-1": record("V", [1]) + record("x", []) + b"junk" + record("y", [2]) + record("S", ["no order"]),
        "log-2": record("V", [2]) + record("S", []),
    }
    (tmp_path / "messages").mkdir()
    for name, octets in rows.items():
        (tmp_path / "messages" / name).write_bytes(octets)
    (tmp_path / "msgin5g.json").write_text(json.dumps(config(9)))
    code = (
        "from device import console; console._REGISTER = 0; console.start(); print('---'); console.status()"
    )
    command = [BIN / "micropython", "-X", "heapsize=512k", "-c", code]
    path = ":".join((str(UNIX), str(bytecode.firmware()), ".frozen"))
    environment = {**os.environ, "MICROPYPATH": path}
    done = finish(command, 60, cwd=tmp_path, env=environment, capture_output=True, text=True)
    start, _, status = done.stdout.partition("---")
    for words in (
        "damaged places, passed over: 1",
        "records that this firmware does not know, passed over: 3",
        "segments of newer firmware, left alone: 1",
    ):
        assert start.count(f"msgin5g: journal: {words}\n") == 1, done.stdout + done.stderr
        assert status.count(f"journal: {words}\n") == 1, done.stdout + done.stderr
    assert (tmp_path / "messages/log-2").read_bytes() == rows["log-2"]
