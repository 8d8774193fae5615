# SPDX-License-Identifier: MIT
"""What a user of `msgin5g device` is shown when something is not right: one sentence, and an exit code."""

import asyncio
import json
import signal

import pytest

from host_tests.gateway.devices import APPS, EXAMPLES, UE, config, device, gateway_and_server, run
from tools import private
from tools.demo.processes import Device, Gateway, Process
from tools.programs.micropython import BIN
from tools.programs.patience import finish

WARNING = 'msgin5g: warning: security.mode is "none": anyone on the path can read, change and forge messages'
START = "msgin5g: start 1, reset cause power-on"
SECRET = "c0ffee" * 4  # 12 octets: too few


def msgin5g_device(*arguments):
    return finish([BIN / "msgin5g", "device", *arguments], 60, capture_output=True, encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"role": None}, "role: is missing; it must be one of client, application client"),
        ({"ue_service_id": ""}, "ue_service_id: must be a string of 1 to 255 octets"),
        ({"peer": None}, 'peer: is missing; it must be a URI like "coap://192.0.2.1:65401"'),
        (
            {"peer": "http://192.0.2.1"},
            "peer: must start with one of coap:, coap+uart:, l3+uart:, l3+espnow:, discover:",
        ),
        ({"coap": {"nstart": 0}}, "coap.nstart: must be an integer from 1 to 8"),
        ({"coap": {"ack_timeout": "2 s"}}, "coap.ack_timeout: must be a number from 0.01 to 60"),
        ({"coap": 2}, "coap: must be a JSON object, {...}"),
        ({"segments": {"hodl": 1}}, "segments.hodl: is not a key of the configuration"),
        ({"registration": {"urgent": "yes"}}, "registration.urgent: must be true or false"),
        (
            {"security": {"mode": "oscore", "master_secret": SECRET}},
            "security.master_secret: must have 16 to 64 octets",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_configuration(tmp_path, change, sentence):
    changed = {key: value for key, value in {**config(9), **change}.items() if value is not None}
    (tmp_path / "config.json").write_text(json.dumps(changed))
    state = tmp_path / "state"
    done = msgin5g_device("--config", tmp_path / "config.json", "--state", state, APPS / "echo.py")
    assert done.stdout == f"msgin5g: cannot start, msgin5g.json is wrong: {sentence}\n"
    assert done.stderr == f"msgin5g: {state}/msgin5g.json copied from {tmp_path}/config.json\n"
    assert done.returncode == 2
    assert SECRET not in done.stdout


COUNTING = """
import os, sys, time
try:
    with open("starts") as file:
        start = int(file.read()) + 1
except OSError:
    start = 1
with open("starts", "w") as file:
    file.write(str(start))
print("start", start)
"""


def test_it_is_started_anew(tmp_path):
    """As a board is after a reset, 0, and after an exception, 1; not with what a person has to mend, 2."""
    (tmp_path / "msgin5g.json").write_text(json.dumps(config(9)))
    (tmp_path / "app.py").write_text(
        COUNTING + "sys.exit(0) if start == 1 else 1 / 0 if start == 2 else sys.exit(2)\n"
    )
    done = msgin5g_device("--state", tmp_path, "--restart")
    assert [line for line in done.stdout.splitlines() if line.startswith("start ")] == [
        "start 1",
        "start 2",
        "start 3",
    ]
    assert [line for line in done.stderr.splitlines() if line.endswith("starts anew")] == [
        "msgin5g: the device ended with 0, and starts anew",
        "msgin5g: the device ended with 1, and starts anew",
    ]
    assert done.returncode == 2


def test_it_ends_with_who_starts_it_anew(tmp_path):
    (tmp_path / "msgin5g.json").write_text(json.dumps(config(9)))
    (tmp_path / "app.py").write_text(COUNTING + "time.sleep(600)\n")

    async def main():
        command = (BIN / "msgin5g", "device", "--state", tmp_path, "--restart")
        async with Process(command) as device:
            await device.lines.until(lambda line: line == "start 1", "a start")
            assert await device.end(signal.SIGTERM) == 128 + signal.SIGTERM
        assert "start 2" not in device.lines.items

    run(main())


def test_a_peer_that_the_board_has_no_link_for(tmp_path):
    (tmp_path / "msgin5g.json").write_text(json.dumps(config(9, peer="l3+espnow://a0b1c2d3e4f5")))
    done = msgin5g_device("--state", tmp_path, APPS / "echo.py")
    assert done.returncode == 2
    assert done.stdout.startswith("msgin5g: cannot start: peer: the unix board has coap://host:port")


def test_wrong_paths(tmp_path):
    good = tmp_path / "good.json"
    good.write_text(json.dumps(config(9)))
    no_json = tmp_path / "no.json"
    no_json.write_text('{"role": client}')
    state = tmp_path / "state"
    for arguments, sentence in (
        (
            ("--state", state, APPS / "echo.py"),
            f"configuration {state}/msgin5g.json: No such file or directory; name one with --config",
        ),
        (
            ("--state", state, "--config", tmp_path / "missing.json"),
            f"configuration {tmp_path}/missing.json: No such file or directory: look at the name",
        ),
        (
            ("--state", state, "--config", no_json),
            f"configuration {no_json} is not JSON: Expecting value: line 1 column 10 (char 9)",
        ),
        (
            ("--state", state, "--config", good, tmp_path / "app.py"),
            f"no application {tmp_path}/app.py",
        ),
        (("--state", good, "--config", good), f"state folder {good}: File exists: take another name"),
    ):
        done = msgin5g_device(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"msgin5g: {sentence}\n"


def test_no_configuration_on_the_board(tmp_path):
    """As on a board that was never provisioned: main.py runs, and there is no msgin5g.json."""
    board = device(tmp_path, "echo.py", 9)
    board.folder.joinpath("msgin5g.json").write_text("{}")

    async def main():
        await board.start()  # the host's check is passed before the file goes
        board.folder.joinpath("msgin5g.json").unlink()
        return await board.wait()

    # Whether the file is read before or after it goes, the device says which file is wrong and ends.
    assert run(main()) == 2
    assert board.lines.items[0].startswith("msgin5g: cannot start, msgin5g.json is wrong: ")


def test_an_application_that_raises(tmp_path):
    app = tmp_path / "app.py"
    app.write_text(
        "import asyncio\n"
        "from device import start\n"
        "async def main():\n"
        "    client = await start()\n"
        "    raise RuntimeError('the sensor is not connected')\n"
        "asyncio.run(main())\n"
    )
    private.replace(tmp_path / "msgin5g.json", json.dumps(config(9)).encode())
    done = msgin5g_device("--state", tmp_path, app)
    assert done.returncode == 1
    first, *_, place, last = done.stderr.splitlines()
    assert first == "Traceback (most recent call last):"
    assert place == f'  File "{app}", line 5, in main'
    assert last == "RuntimeError: the sensor is not connected"


def test_what_an_application_may_not_send(tmp_path):
    async def main():
        board = device(tmp_path, "mistakes.py", 9, outbox={"messages": 2, "bytes": 1000})
        async with board:
            assert await board.wait() == 0
        return board.lines.items

    assert run(main()) == [
        WARNING,
        START,
        "ValueError: to: must be a string of 1 to 255 octets",
        "ValueError: to: must not contain control characters",
        "ValueError: to_type must be one of UE, AS, GROUP, BC, TOPIC",
        "ValueError: payload must be str, bytes, a binary file, or (file, size), not float",
        "ValueError: priority must be one of HIGH, NORMAL, LOW",
        "ValueError: app_id must be a string of at most 255 octets, or a list of such",
        "ValueError: expires must be a number of seconds above 0 and below 1e9",
        "ValueError: 1001 octets: outbox.bytes allows 1000 for all messages",
        "OutboxFull: 600 of 1000 octets are taken (outbox.bytes)",
        "OutboxFull: messages that wait: 2 (outbox.messages)",
        "msgin5g: registering",
        "TimeoutError, it is still queued",
        "msgin5g: stopped",
        "StoppedError: the client was stopped",
        "StoppedError: the client was stopped",
        "StoppedError: the client was stopped",
    ]


def test_no_gateway(tmp_path):
    async def main():
        async with device(tmp_path, "echo.py", 9, coap={"ack_timeout": 0.05}) as board:
            told = "msgin5g: unreachable: no answer from coap://127.0.0.1:9"
            await board.lines.until(lambda line: line == told, repr(told))
            # It goes on trying, and has nothing new to say.
            assert board.lines.items == [WARNING, START, "msgin5g: registering", told]

    run(main())


def test_a_refused_registration(tmp_path):
    async def main():
        async with Gateway(tmp_path) as gateway:  # without --open, and nobody is provisioned
            async with device(tmp_path, "echo.py", gateway.coap[1]) as board:
                line = await board.lines.until(lambda line: "refused" in line, "the refusal")
                refused = await gateway.event("refused")
                assert await interrupt(board) == 130
        return line, refused

    line, refused = run(main())
    assert line.startswith("msgin5g: refused: ")
    # The device tells the reason that the gateway gave.
    assert refused["kind"] == "REG" and refused["reason"] in line


def test_starts_and_stops(tmp_path):
    async def main():
        async with gateway_and_server(tmp_path / "gateway") as (gateway, _):
            assert gateway
            board = device(tmp_path, "lifecycle.py", gateway.coap[1], coap={"ack_timeout": 0.05})
            async with board:
                assert await board.wait() == 0, board.lines.items
            return [line for line in board.lines.items if not line.startswith("msgin5g: ")]

    once = ["delivered 0", "stopped when registered 0 False", "who waited was told: the client was stopped"]
    assert run(main()) == [
        "stopped when just started 0 False",
        "stopped when without a link 0 False",
        "stopped when registering 0 False",
        "stopped when unreachable 0 False",
        *(once * 4),
        "left behind: 0 KB",
    ]


async def interrupt(board):
    """Ctrl-C at a device that waits for something to happen, as it does nearly always; its exit code.

    The unix port of MicroPython raises KeyboardInterrupt wherever it is. In the middle of a garbage collection, once in
    some hundred times at a busy device, that leaves a locked heap, and no program can end in good order then.
    """
    await asyncio.sleep(0.3)
    return await board.end(signal.SIGINT)


def test_interrupted(tmp_path):
    """Ctrl-C is an orderly end; a kill is a power cut, and the registration lasts until it expires."""

    async def main():
        async with gateway_and_server(tmp_path / "gateway") as (gateway, _):
            board = Device(tmp_path / "device", EXAMPLES / "echo.py")
            board.configure(config(gateway.coap[1]))
            async with board:
                await board.lines.until(lambda line: line == "msgin5g: registered", "the device to register")
                assert await interrupt(board) == 130
                await gateway.event("deregistered", ue=UE)
                assert board.lines.items[-1] == "msgin5g: stopped"
                seen = len(gateway.events.items)
                await board.start()
                await gateway.event("registered", ue=UE, start=seen)
                assert await board.end(signal.SIGTERM) == -signal.SIGTERM
            assert gateway.count("deregistered") == 1

    run(main())


def test_interrupted_without_a_gateway(tmp_path):
    async def main():
        board = Device(tmp_path / "device", EXAMPLES / "echo.py")
        board.configure(config(9))
        async with board:
            await board.lines.until(lambda line: line == "msgin5g: registering", "the device to begin")
            assert await interrupt(board) == 130
            assert board.lines.items[-1] == "msgin5g: stopped"

    run(main())
