# SPDX-License-Identifier: MIT
"""Each program in examples/ on the unix board, against the gateway."""

import contextlib
import json
import random
import signal
from pathlib import Path

from host_tests.gateway.devices import EXAMPLES, UE, config, gateway_and_server, run
from host_tests.tools.update import corpus
from tools.demo.processes import Device, Gateway, command

ROOT = Path(__file__).parents[3]


@contextlib.asynccontextmanager
async def running(folder, app, **more):
    """(Application Server, Device) with this application, registered."""
    async with gateway_and_server(folder / "gateway") as (gateway, server):
        board = Device(folder / "device", app)
        board.configure(config(gateway.coap[1], **more))
        async with board:
            await gateway.event("registered", ue=UE)
            yield server, board


async def said(board, line):
    await board.lines.until(lambda other: other.rstrip() == line, f"the device to say {line!r}")


def test_each_example_has_a_test():
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == {
        "sensor.py",
        "button.py",
        "alarm.py",
        "echo.py",
        "files.py",
        "sleeper.py",
        "updated.py",
    }


def test_sensor(tmp_path):
    # As it is, but for the minute.
    text = EXAMPLES.joinpath("sensor.py").read_text()
    assert text.count("PERIOD = 60 ") == 1
    app = tmp_path / "sensor.py"
    app.write_text(text.replace("PERIOD = 60 ", "PERIOD = 2 "))

    async def main():
        async with running(tmp_path, app) as (server, board):
            await server.messages.reach(2, "readings")
            for message in server.messages.items[:2]:
                assert 0 < int(message.payload) < 256 * 1024  # less than the whole heap
                await said(board, f"{message.payload} delivered")

    run(main())


def test_updated(tmp_path):
    """The next version begins between two readings, and stays once one of its own was delivered."""
    text = EXAMPLES.joinpath("updated.py").read_text()
    assert (text.count("PERIOD = 60 "), text.count("VERSION = 1\n")) == (1, 1)
    text = text.replace("PERIOD = 60 ", "PERIOD = 1 ")
    new = text.replace("VERSION = 1\n", "VERSION = 2\n").encode()
    bundle = tmp_path / "next.bundle"
    bundle.write_bytes(corpus.good(contents={"app/app.py": new}, confirm=True).octets)

    async def main():
        async with gateway_and_server(tmp_path / "gateway") as (gateway, server):
            board = Device(tmp_path / "device")
            board.configure(config(gateway.coap[1], update={"key": corpus.public().hex()}))
            board.put("app.py", text)
            async with board:
                await server.message(lambda message: message.payload.endswith("by version 1"), "a reading")
                await command(gateway.folder, "update", "send", bundle, "--ue", UE, "--no-wait")
                assert await board.wait() == 0
                assert any(line.startswith("update: garden") for line in board.lines.items)
                await board.start()
                await server.message(lambda message: message.payload.endswith("by version 2"), "a reading")
                await gateway.event("update", ue=UE, state="confirmed")

    run(main())


def test_sleeper(tmp_path):
    windows = {"interval": 3, "duration": 1}

    async def main():
        async with running(tmp_path, EXAMPLES / "sleeper.py", availability=windows) as (server, board):
            await said(board, "asleep")
            await server.send(UE, "good morning", report=False)
            await said(board, "as:weather@example.org good morning")
            await server.messages.reach(3, "readings")
            assert all(0 < int(message.payload) < 256 * 1024 for message in server.messages.items)
            assert [line.rstrip() for line in board.lines.items].count("asleep") >= 2

    run(main())


def test_sleeper_while_the_gateway_is_away(tmp_path):
    """The outbox is full then. The board goes on, and sleeps; what is measured later arrives."""
    text = EXAMPLES.joinpath("sleeper.py").read_text()
    assert text.count("PATIENCE = 20 ") == 1
    app = tmp_path / "sleeper.py"
    app.write_text(text.replace("PATIENCE = 20 ", "PATIENCE = 1 "))
    more = {"availability": {"interval": 3, "duration": 1}, "outbox": {"messages": 1}}
    silence = {"ack_timeout": 0.5, "max_retransmit": 0}

    async def main():
        async with gateway_and_server(tmp_path / "gateway") as (gateway, server):
            board = Device(tmp_path / "device", app)
            board.configure(config(gateway.coap[1], coap=silence, **more))
            async with board:
                await server.messages.reach(1, "a reading")
                gateway.signal(signal.SIGSTOP)
                before = len(board.lines.items)
                try:
                    await board.lines.until(lambda line: line.startswith("not sent: "), "a full outbox")
                finally:
                    gateway.signal(signal.SIGCONT)
                assert "asleep" in [line.rstrip() for line in board.lines.items[before:]]
                await server.messages.reach(len(server.messages.items) + 2, "more readings")

    run(main(), 90)


def test_echo(tmp_path):
    octets = random.Random(1).randbytes(1500)

    async def main():
        async with running(tmp_path, EXAMPLES / "echo.py") as (server, board):
            for payload in ("good morning", "καλημέρα", octets):  # the last takes segments
                await server.send(UE, payload)
            await server.messages.reach(3, "echoes")
            assert [message.payload for message in server.messages.items] == [
                "good morning",
                "καλημέρα",
                octets,
            ]
            await said(board, f"{server.service_id}, 1500 octets")

    run(main())


def test_files(tmp_path):
    content = random.Random(1).randbytes(64 * 1024)

    async def main():
        async with running(tmp_path, EXAMPLES / "files.py") as (server, board):
            await server.send(UE, "get")
            await server.message(lambda message: message.payload == "there is nothing yet", "the refusal")
            await server.send(UE, content)
            await said(board, f"kept 65536 octets from {server.service_id}")
            assert board.folder.joinpath("kept.bin").read_bytes() == content
            await server.send(UE, "get")
            await server.messages.reach(2, "messages")
            assert server.messages.items[1].payload == content
            await server.send(UE, "καλημέρα\n")  # text comes in characters, and is kept in UTF-8
            await said(board, f"kept 17 octets from {server.service_id}")
            assert board.folder.joinpath("kept.bin").read_text(encoding="utf-8") == "καλημέρα\n"

    run(main())


def test_the_example_of_a_configuration(tmp_path):
    """It is for a gateway on this machine at the standard port, as `make gateway SECURITY=none` starts it."""
    example = json.loads(ROOT.joinpath("msgin5g.example.json").read_text())
    assert example["peer"] == "coap://127.0.0.1:65401"

    async def main():
        async with Gateway(tmp_path, "--open") as gateway:
            board = Device(tmp_path / "device", EXAMPLES / "echo.py")
            board.configure(example | {"peer": "coap://127.0.0.1:%d" % gateway.coap[1]})
            async with board:
                await gateway.event("registered", ue=example["ue_service_id"])

    run(main())


def _quicker(folder, name, old, new):
    """An example as it is, but for its waiting."""
    text = EXAMPLES.joinpath(name).read_text()
    assert text.count(old) == 1
    app = folder / name
    app.write_text(text.replace(old, new))
    return app


def test_button(tmp_path):
    """Pressed while the gateway is away it expires, and nothing comes later; nothing is ever written to flash."""
    app = _quicker(tmp_path, "button.py", "sleep(10)", "sleep(1)")

    async def main():
        async with Gateway(tmp_path, "--open") as gateway:
            board = Device(tmp_path / "device", app)
            board.configure(config(gateway.coap[1], coap={"ack_timeout": 0.2}))
            async with board:
                await gateway.event("accepted", **{"from": UE})
                await said(board, "the lamp: accepted")
                await gateway.end(signal.SIGKILL)
                await said(board, "the lamp: expired")
                # nothing of the message; that it started, the device notes
                assert [row.name for row in board.folder.joinpath("messages").iterdir()] == ["boot"]

    run(main())


def test_alarm(tmp_path):
    """Raised while the gateway is away, killed with it in the outbox: it arrives after both came back, once."""
    app = _quicker(tmp_path, "alarm.py", "sleep(60)", "sleep(1)")

    async def main():
        async with gateway_and_server(
            tmp_path / "gateway",
            "--retry-min",
            "0.1",
            "--retry-max",
            "0.5",
            service_id="as:alarms@example.org",
        ) as (gateway, server):
            board = Device(tmp_path / "device", app)
            board.configure(config(gateway.coap[1], coap={"ack_timeout": 0.1}))
            async with board:
                await server.messages.reach(1, "the first alarm")
                await gateway.end(signal.SIGKILL)
                seen = len(board.lines.items)
                raised = await board.lines.until(
                    lambda line: line.startswith("raised: "), "an alarm to be raised", start=seen
                )
                await board.end(signal.SIGKILL)
                await board.start()
                message_id = raised.split()[1]
                await said(board, f"from before: {message_id} queued")
                await gateway.start()
                await server.message(lambda message: message.message_id == message_id, "the alarm")
                assert gateway.count("accepted", msgId=message_id) == 1

    run(main())
