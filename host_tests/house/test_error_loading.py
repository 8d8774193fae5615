# SPDX-License-Identifier: MIT
"""Errors that a device which is well never raises take no memory: their modules are loaded with the first of them, and
whoever asks for one has it all the same.
"""

import ast
import json
import os
import sys
from pathlib import Path

import pytest

from host_tests.esp32.chip import PATH as ESP32
from host_tests.esp32.idf.build import build
from host_tests.interpreters import UNIX
from tools.programs.micropython import BIN
from tools.programs.patience import finish

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
LATE = (
    "msgin5g.errors",
    "coap.errors",
)  # the modules that are loaded when the first of their errors is raised
NAMES = {
    "msgin5g": (
        "ClientError",
        "ConfigError",
        "OutboxFull",
        "StoppedError",
        "SubscriptionError",
        "Unsupported",
    ),
    "coap": ("BusyError", "StateError"),
}
MICROPYTHON = BIN / "micropython"

KEYS = {
    "master_secret": "00112233445566778899aabbccddeeff",
    "sender_id": "01",
    "recipient_id": "",
}
CLIENT = {"role": "client", "ue_service_id": "ue:a@x", "peer": "coap://127.0.0.1:9"}
APPLICATION = {**CLIENT, "role": "application client", "application": {"credential": "aa"}}
PLAIN = {"mode": "none"}
DEVICES = {
    "client": ("Client", {**CLIENT, "security": PLAIN}),
    "client with OSCORE": ("Client", {**CLIENT, "security": KEYS}),
    "application client": ("ApplicationClient", {**APPLICATION, "security": PLAIN}),
    "application client on L3": (
        "ApplicationClient",
        {**APPLICATION, "security": PLAIN, "peer": "l3+uart:///dev/null"},
    ),
}
MADE = """
import sys
sys.modules.pop("board", None)
import coap, msgin5g
from coap.observe import observe
from msgin5g import Config, MemoryStorage, %(role)s
core = %(role)s(Config(%(config)r), MemoryStorage())
core.start(0)
core.poll(0)
core.send("b.example.org", "hello", 0, report=True)
while core.outgoing():
    pass
"""
ON_A_BOARD = """
import device
from device import boot, console, health, runner, start
from device.links import serial
from board import Board
"""
LOADED = "print([name for name in %r if name in sys.modules])\n" % (LATE,)


def say(program, code, *path):
    """What it prints, with the folders of `path` before the firmware."""
    folders = ":".join(map(str, (*path, FIRMWARE)))
    environment = {**os.environ, "PYTHONPATH": folders, "MICROPYPATH": folders + ":.frozen"}
    done = finish([program, "-c", code], 60, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("program", [sys.executable, MICROPYTHON], ids=["cpython", "micropython"])
def test_a_protocol_that_is_well_has_not_loaded_them(name, program):
    role, config = DEVICES[name]
    code = MADE % {"role": role, "config": config} + LOADED
    assert say(program, code) == "[]\n"


BOARDS = {"unix": (lambda: MICROPYTHON, (UNIX,)), "esp32": (build, ESP32)}


@pytest.mark.parametrize("board", BOARDS)
def test_a_device_that_is_well_has_not_loaded_them(board):
    program, path = BOARDS[board]
    role, config = DEVICES["client"]
    code = MADE % {"role": role, "config": config} + ON_A_BOARD + LOADED
    assert say(program(), code, *path) == "[]\n"


STORY = """
import asyncio, json, sys
import msgin5g
from device import start
async def main():
    client = await start(json.loads(%r))
    await client.send("ue:b@x", "hello")
    waiting = asyncio.create_task(end(client))
    await asyncio.sleep(0)
    print([name for name in %r if name in sys.modules])
    await client.stop()
    try:
        await client.send("ue:b@x", "hello")
    except msgin5g.StoppedError as error:
        print(error)
    print(await waiting)
async def end(client):
    async for message in client.messages():
        pass
    return "the messages ended"
asyncio.run(main())
"""


def test_a_running_device_has_not_loaded_them_until_it_is_stopped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = say(MICROPYTHON, STORY % (json.dumps(DEVICES["client"][1]), LATE), UNIX).splitlines()
    assert [line for line in said if not line.startswith("msgin5g: ")] == [
        "[]",
        "the client was stopped",
        "the messages ended",
    ]


def early(path):
    """Names of late errors that a module imports as it is loaded."""
    found = []
    known = {name for names in NAMES.values() for name in names}
    waiting = ast.parse(path.read_text()).body
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ImportFrom):
            module = (node.module or "").rpartition(".")[2]
            found += [alias.name for alias in node.names if alias.name in known or module == "errors"]
        elif isinstance(node, ast.If) and not (isinstance(node.test, ast.Name) and node.test.id == "_TYPING"):
            waiting += node.body + node.orelse
        elif isinstance(node, ast.Try):
            waiting += node.body + [line for handler in node.handlers for line in handler.body]
    return found


def test_no_module_and_no_board_loads_them_with_itself():
    files = [*FIRMWARE.rglob("*.py"), *ROOT.glob("boards/*/*.py")]
    assert len(files) > 80
    assert {path.name: early(path) for path in files if early(path)} == {}


@pytest.mark.parametrize("program", [sys.executable, MICROPYTHON], ids=["cpython", "micropython"])
@pytest.mark.parametrize("package", NAMES)
def test_each_can_be_had_by_itself_and_the_family_has_it(program, package):
    for name in NAMES[package]:
        code = (
            f"from {package} import {name}\nimport {package}\n"
            f"print(issubclass({name}, {package}.Error), {package}.{name} is {name})"
        )
        assert say(program, code) == "True True\n", name


@pytest.mark.parametrize("program", [sys.executable, MICROPYTHON], ids=["cpython", "micropython"])
def test_where_else_they_are_had_from(program):
    """A board raises device.links.Unsupported (docs/board.md), an owner of a key catches coap.oscore.StateError."""
    code = (
        "from device.links import Unsupported\nfrom coap.oscore import StateError\nimport coap, msgin5g\n"
        "import coap.oscore, device.links\nprint(Unsupported is msgin5g.Unsupported, StateError is coap.StateError)\n"
        "print(device.links.Unsupported is Unsupported, coap.oscore.StateError is StateError)"
    )
    assert say(program, code) == "True True\nTrue True\n"


# On a board main.py has no arguments, and what fails there leads to a reset.
BOOT = """
import sys
import board
from device import boot
def reset(_):
    print("reset")
    raise SystemExit(0)
board.Board.reset = reset
class Time:
    sleep = print  # the pause for a person
boot.time = Time
sys.argv.clear()
boot.main()
"""
FULL = """
%s
error = ValueError("the pump is stuck")
full = None
try:
    while True:
        full = (full,)  # the smallest piece that the heap has
except MemoryError:
    %s
"""
ENDS = {"raise": "MemoryError", "raise error": "ValueError: the pump is stuck"}


@pytest.mark.parametrize("first", ["", "import msgin5g\nmsgin5g.ConfigError"], ids=["", "loaded"])
@pytest.mark.parametrize("end", ENDS)
def test_an_application_that_took_the_last_octet_is_told_and_the_board_reset(tmp_path, first, end):
    (tmp_path / "app.py").write_text(FULL % (first, end))
    folders = f"{UNIX}:{FIRMWARE}:.frozen"
    done = finish(
        [MICROPYTHON, "-X", "heapsize=192k", "-c", BOOT],
        60,
        cwd=tmp_path,
        env={**os.environ, "MICROPYPATH": folders},
        capture_output=True,
        text=True,
    )
    said = done.stdout.splitlines()
    assert said[-2:] == ["10", "reset"], done.stdout + done.stderr
    assert said[-3] == "msgin5g: app.py failed; the board is reset in 10 s, Ctrl-C keeps it at the REPL"
    counts, _, words = (tmp_path / "messages/boot").read_text().partition("\n")
    assert counts.split()[:3] == ["1", "1", "0"]  # docs/flash-format.md: boots, bad ones in a row, none open
    assert words.splitlines()[-1].startswith(ENDS[end]), words
    assert 'app.py", line' in words, words


NO_MEMORY = """
import gc, sys
from device import runner
from msgin5g import MemoryStorage
%s
client = runner.Serving(None, None, None)
client.fail("there is no memory")
def told():
    kept = None
    gc.collect()
    gc.disable()
    try:
        for _ in range(gc.mem_free() // 32 - 40):  # what is left is too little for a module
            kept = (kept,)
        client.check()
    except Exception as error:
        kept = None
        gc.enable()
        return error
error = told()
print(isinstance(error, RuntimeError), error)
try:
    client.check()
except ClientError if %r else RuntimeError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("named", [False, True], ids=["", "by name"])
def test_a_client_that_ends_for_want_of_memory_says_so(named):
    """Not with a MemoryError, which is another fault: ClientError, and that is a RuntimeError (docs/application.md)."""
    code = NO_MEMORY % ("from msgin5g import ClientError" if named else "", named)
    sentence = "there is no memory; start() begins anew"
    assert say(MICROPYTHON, code, UNIX) == f"True {sentence}\nClientError {sentence}\n"


def test_a_configuration_that_takes_all_memory_is_said_to_be_too_large(tmp_path, monkeypatch):
    (tmp_path / "large.json").write_text('{"role": "' + "x" * 200_000 + '"}')
    monkeypatch.chdir(tmp_path)
    code = (
        "from msgin5g import Config\ntry:\n    Config.load('large.json')\n"
        "except ValueError as error:\n    print(error)\n"
    )
    folders = f"{UNIX}:{FIRMWARE}:.frozen"
    done = finish(
        [MICROPYTHON, "-X", "heapsize=160k", "-c", code],
        60,
        env={**os.environ, "MICROPYPATH": folders},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "large.json: is too large for a configuration\n", done.stdout + done.stderr
