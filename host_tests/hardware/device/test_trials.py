# SPDX-License-Identifier: MIT
"""Starts of a trial, as main.py makes them: on the unix port, whose process ends where a board is reset."""

import json
import shutil
from fnmatch import fnmatchcase

import pytest

from host_tests.interpreters import SMALL_HEAP, UNIX
from host_tests.tools.update import corpus
from tools.device import prepare
from tools.image import bytecode
from tools.programs.micropython import BIN
from tools.programs.patience import finish

OLD = "print('the old application')\n"
GOOD = "import helper\nprint('the new application', __name__, helper.WORDS)\n"
WAITS = "import asyncio\nasync def main():\n    await asyncio.sleep(600)\nasyncio.run(main())\n"
RECORD = "slots/now"


class Device:
    """A folder with an application that was flashed, and an update of it in slots/b."""

    def __init__(self, folder):
        self.folder = folder
        self.put("app.py", OLD)
        self.put("msgin5g.json", "{}")
        self.put("slots/b/app/helper.py", "WORDS = 'of slot b'\n")

    def put(self, path, content):
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    def tries(self, **more):
        value = {"now": "", "try": "b", "left": 3, "trial": 600, "kind": "app", "id": "0123456789abcdef"}
        self.put(RECORD, json.dumps({**value, **more}))

    @property
    def record(self):
        return json.loads((self.folder / RECORD).read_text())

    def start(self, app=None):
        """Exit code and lines of a start."""
        command, environment = prepare(self.folder, heap=SMALL_HEAP, app=app)
        done = finish(command, 60, cwd=self.folder, env=environment, capture_output=True, text=True)
        return done.returncode, (done.stdout + done.stderr).splitlines()


@pytest.fixture
def device(tmp_path):
    return Device(tmp_path)


def compiled(text, tmp_path):
    """The octets of a module app.mpy."""
    source = tmp_path / "made"
    source.mkdir()
    (source / "app.py").write_text(text)
    return (bytecode.compiled(source, tmp_path / "compiled") / "app.mpy").read_bytes()


def test_a_device_that_was_never_updated_runs_what_was_flashed(device, tmp_path):
    assert device.start() == (0, ["the old application"])
    other = tmp_path / "other.py"
    other.write_text("print('named')\n")
    assert device.start(other) == (0, ["named"])


def test_a_slot_that_is_confirmed_runs_its_application(device, tmp_path):
    device.put("slots/b/app/app.py", GOOD)
    device.tries(**{"now": "b", "try": ""})
    assert device.start() == (0, ["msgin5g: slots/b runs", "the new application __main__ of slot b"])
    # What the command line names is what was flashed.
    assert device.start(device.folder / "app.py") == (
        0,
        ["msgin5g: slots/b runs", "the new application __main__ of slot b"],
    )
    (device.folder / "slots/b/app/app.py").unlink()
    device.put("slots/b/app/app.mpy", compiled('__name__ = "__main__"; ' + GOOD, tmp_path))
    assert device.start() == (0, ["msgin5g: slots/b runs", "the new application __main__ of slot b"])
    (device.folder / "slots/b/app/app.mpy").unlink()
    assert device.start() == (0, ["msgin5g: slots/b runs", "the old application"])


def test_ctrl_c_while_a_slot_is_imported_ends_the_time_of_its_trial(device):
    """Somebody is at the REPL, who is not to be reset."""
    device.put(
        "slots/b/fw/board.py",
        "import base\nbase.attend = lambda: print('attended')\nraise KeyboardInterrupt\n",
    )
    device.tries()
    assert "attended" in device.start()[1]


BAD = {
    "raises": (b"raise ValueError('too cold')\n", 1, ": ValueError: too cold"),
    "syntax": (b"def f(:\n", 1, ": SyntaxError: invalid syntax"),
    "no memory": (b"taken = []\nwhile True:\n    taken.append(bytearray(4096))\n", 1, ": MemoryError: *"),
    "no module": (b"import nothing\n", 1, ": ImportError: no module named 'nothing'"),
    "exits": (b"import sys\nsys.exit(3)\n", 3, ""),
    "resets": (b"from board import Board\nBoard().reset()\n", 0, ""),
    "ends": (b"pass\n", 0, ""),
    "no octets": (b"\0\xff" * 99, 1, ": SyntaxError: invalid syntax"),
}


@pytest.mark.parametrize("bad", BAD)
def test_an_update_that_fails_three_times_is_taken_back_with_its_reason(device, bad):
    octets, code, words = BAD[bad]
    device.put("slots/b/app/app.py", octets)
    device.tries()
    for start in (1, 2, 3):
        ended, lines = device.start()
        assert (ended, lines[0]) == (code, f"msgin5g: trial of slots/b: start {start} of 3")
        assert "the old application" not in lines
    why = "start: 3 starts failed" + words
    ended, lines = device.start()
    assert (ended, lines[1:]) == (0, ["the old application"])
    assert fnmatchcase(lines[0], f"msgin5g: slots/b is rolled back: {why}")
    assert (device.record["now"], device.record["try"]) == ("", "")
    assert fnmatchcase(device.record["why"], why)
    # None of it counts for a safe boot.
    assert device.start() == (0, ["the old application"])
    boots, failed, *_ = (device.folder / "messages/boot").read_text().split()
    assert (boots, failed) == ("5", "0")


def test_an_application_of_another_mpy_version_is_taken_back(device, tmp_path):
    octets = bytearray(compiled(GOOD, tmp_path))
    octets[1] += 1
    device.put("slots/b/app/app.mpy", octets)
    device.tries()
    for _ in range(3):
        assert device.start()[0] == 1
    assert device.start() == (
        0,
        [
            "msgin5g: slots/b is rolled back: start: 3 starts failed: ValueError: incompatible .mpy file",
            "the old application",
        ],
    )


def test_a_trial_that_is_not_confirmed_in_its_time_is_taken_back(device):
    """The task of the event loop, on a board without timers."""
    device.put("slots/b/app/app.py", WAITS)
    device.tries(trial=1, now="a")
    device.put("slots/a/app/app.py", "print('the one before')\n")
    ended, lines = device.start()
    why = "registration: not registered within 1 s"
    assert (ended, lines[-1]) == (1, f"msgin5g: slots/b is rolled back: {why}")
    assert device.start() == (0, ["msgin5g: slots/a runs", "the one before"])
    assert (device.record["now"], device.record["why"]) == ("a", why)


def test_bad_starts_before_a_trial_are_no_bad_starts_after_it(device):
    device.put("slots/b/app/app.py", "raise ValueError('too cold')\n")
    device.put("messages/boot", "9 3 0 1\nlast words")
    device.tries()
    for _ in range(3):
        assert not any("safe boot" in line for line in device.start()[1])
    assert device.start()[1][1:] == ["the old application"]
    assert (device.folder / "messages/boot").read_text().split()[1] == "0"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{",
        b"\xff" * 2000,
        b"[1]",
        b'{"now": "c", "try": "d"}',
        b'{"version": 2, "slots": {"run": "b"}}',
    ],
    ids=["empty", "torn", "long", "a list", "other slots", "newer"],
)
def test_a_record_that_means_nothing_runs_what_was_flashed(device, octets):
    device.put("slots/b/app/app.py", GOOD)
    device.put(RECORD, octets)
    assert device.start() == (0, ["the old application"])
    assert (device.folder / RECORD).read_bytes() == octets


def test_a_configuration_on_trial_is_that_of_the_start(device):
    """It is wrong, which a person has to mend otherwise: here it is taken back."""
    device.put("app.py", "import asyncio\nfrom device import start\nasyncio.run(start())\n")
    device.put("msgin5g.json", '{"role": "old"}')
    device.put("slots/config.try", '{"role": "new"}')
    device.tries(**{"try": "config"})
    for _ in range(3):
        ended, lines = device.start()
        assert (ended, lines[-1][:19]) == (1, "ConfigError: role: ")
    ended, lines = device.start()
    assert (ended, lines[0][:62]) == (2, "msgin5g: the configuration is rolled back: start: 3 starts fai")
    assert lines[1].startswith("msgin5g: cannot start, msgin5g.json is wrong: role: ")
    assert not (device.folder / "slots/config.try").exists()


# What of the firmware a slot brings, and what it fails with before anything can look after that.
SPOILED = {
    "board.py": ("raise RuntimeError('no such pin')\n", "RuntimeError: no such pin"),
    "board.mpy": (b"M\x05\x00\x00", "ValueError: incompatible .mpy file"),
    "device/__init__.py": ("def start(:\n", "SyntaxError: invalid syntax"),
    "device/__init__.mpy": (b"", "ValueError: incompatible .mpy file"),
    "msgin5g/__init__.py": ("import sys\nsys.exit(1)\n", ""),
    "coap/__init__.py": ("VERSION = '9'\n", "ImportError: no module named 'coap.*'"),
    "device/boot.py": (
        "pass\n",
        "ImportError: device has no __init__, and boot.py alone cannot take a place",
    ),
}


@pytest.mark.parametrize("path", SPOILED)
def test_firmware_of_a_slot_that_cannot_be_imported_is_taken_back(device, path):
    content, words = SPOILED[path]
    device.put("slots/b/app/app.py", GOOD)
    device.put("slots/b/fw/" + path, content)
    device.tries()
    for _ in range(3):
        ended, lines = device.start()
        assert ended == 1 and not any("application" in line for line in lines)
    ended, lines = device.start()
    assert (ended, lines[1:]) == (0, ["the old application"])
    why = "start: 3 starts failed" + (words and ": " + words)
    assert fnmatchcase(lines[0], f"msgin5g: slots/b is rolled back: {why}")


def test_a_confirmed_slot_that_was_damaged_gives_way_each_other_start(device):
    """It takes the next update then; nobody has to come."""
    device.put("slots/b/app/app.py", GOOD)
    device.put("slots/b/fw/board.py", "raise RuntimeError('no such pin')\n")
    device.tries(**{"now": "b", "try": ""})
    for _ in range(2):
        ended, lines = device.start()
        assert (ended, lines[-1]) == (1, "RuntimeError: no such pin")
        instead = "msgin5g: slots/b could not begin, so this start runs what was flashed"
        assert device.start() == (0, [instead, "the old application"])
    device.put(
        "slots/b/fw/board.py",
        "class Board:\n    def __getattr__(self, name):\n        raise AttributeError(name)\n",
    )
    ended, lines = device.start()
    assert lines[-1].startswith("AttributeError: ")  # it is the slot's again


def test_a_confirmed_application_that_fails_leads_to_a_safe_boot_as_any_does(device):
    device.put("slots/b/app/app.py", "raise ValueError('too cold')\n")
    device.tries(**{"now": "b", "try": ""})
    for _ in range(3):
        assert device.start()[0] == 1
    lines = device.start()[1]
    not_run = "safe boot: 3 starts in a row failed within 60 s, so slots/b/app/app.py is not run"
    assert lines[:2] == ["msgin5g: slots/b runs", "msgin5g: " + not_run]
    assert device.record["now"] == "b"


def test_an_image_without_what_takes_updates_says_so_where_it_is_told_to(tmp_path):
    shutil.copytree(bytecode.firmware(), tmp_path / "lib")
    shutil.rmtree(tmp_path / "lib/device/update")
    shutil.copy(bytecode.FIRMWARE / "main.py", tmp_path)
    told = {
        "role": "client",
        "ue_service_id": "ue:a@x",
        "peer": "coap://127.0.0.1",
        "security": {"mode": "none"},
    }
    (tmp_path / "msgin5g.json").write_text(json.dumps({**told, "update": {"key": corpus.public().hex()}}))
    (tmp_path / "app.py").write_text("import asyncio\nfrom device import start\nasyncio.run(start())\n")
    path = ":".join(map(str, (UNIX, tmp_path / "lib", ".frozen")))
    command = [BIN / "micropython", "-X", "heapsize=1m", "main.py", "app.py"]
    done = finish(command, 60, cwd=tmp_path, env={"MICROPYPATH": path}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "")
    said = "msgin5g: cannot start: update: the image of this board has nothing that takes updates"
    assert said in done.stdout
