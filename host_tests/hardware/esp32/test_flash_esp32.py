# SPDX-License-Identifier: MIT
"""msgin5g flash esp32: the real esptool against an emulated boot loader (esp32_loader.py), and all that goes wrong.

It has not been on silicon.
"""

import fcntl
import json
import random
import re
import sys
from types import SimpleNamespace

import pytest

from host_tests.hardware.esp32 import esp32_base
from host_tests.hardware.esp32.esp32_loader import (
    FLASH_BEGIN,
    FLASH_DATA,
    FLASH_DEFL_BEGIN,
    MEM_DATA,
    BootLoader,
    Faults,
)
from tools import cli
from tools.flash import byesptool as flasher
from tools.flash.esptool_errors import explain
from tools.image import esp32, files
from tools.line import ports

FILES = 0x200000
BY_HAND = "hold the button BOOT, press and release EN, let BOOT go, and run this again"


@pytest.fixture
def image(tmp_path):
    """70 KB that do not compress and 30 that do, the last sector not full."""
    path = tmp_path / "some.bin"
    path.write_bytes(random.Random(1).randbytes(70000) + bytes(30001))
    return path


@pytest.fixture
def flash(image, capfd):
    """flash(loader or port, ...) gives (exit code, stdout, stderr)."""

    def run(loader, *more, offset="0x10000", chip="esp32"):
        port = loader if isinstance(loader, str) else loader.port
        # A pseudo-terminal has no DTR and RTS
        arguments = ["flash", "esp32", "--port", port, "--no-reset", *more]
        if "--image" not in more and offset is not None:
            arguments += ["--image", str(image), "--offset", offset, "--chip", chip]
        capfd.readouterr()
        code = cli.main(arguments)
        return code, *capfd.readouterr()

    return run


def test_writes_verifies_and_says_the_command(flash, image):
    with BootLoader() as loader:
        code, out, err = flash(loader)
        assert (code, err) == (0, "")
        assert bytes(loader.flash.octets[0x10000 : 0x10000 + 100001]) == image.read_bytes()
        # and nothing else but the rest of the last sector
        assert set(loader.flash.octets[:0x10000]) == set(loader.flash.octets[0x10000 + 100001 :]) == {0xFF}
        assert MEM_DATA in loader.commands and FLASH_DEFL_BEGIN in loader.commands
        command = re.search(r"^flash: (\S*esptool --chip .*)$", out, re.MULTILINE)[1]
        assert re.sub(r"\S*/", "", command) == (
            f"esptool --chip esp32 --port {loader.port.rpartition('/')[2]} --baud 460800"
            " --before no-reset --after no-reset write-flash 0x10000 some.bin"
        )
        assert "Hash of data verified" in out
        assert "flash: 100,001 octets written and verified\n" in out
        assert "flash: its files are replaced: configuration, keys, messages that wait." in out


def test_by_the_loader_of_the_rom_alone(flash, image):
    with BootLoader(faults=Faults(no_stub=True)) as loader:
        code, out, _ = flash(loader, "--no-stub")
        assert code == 0
        assert bytes(loader.flash.octets[0x10000 : 0x10000 + 100001]) == image.read_bytes()
        assert (
            FLASH_BEGIN in loader.commands
            and FLASH_DATA in loader.commands
            and MEM_DATA not in loader.commands
        )


def test_the_image_of_the_project(flash, tmp_path, monkeypatch):
    """Merged with MicroPython's binary it begins at 0; a file system alone goes where the partition is."""
    base = tmp_path / "base.bin"
    base.write_bytes(esp32_base.base())
    for number, base_path in enumerate((base, None)):
        folder = tmp_path / str(number) / "esp32"
        esp32.build("esp32", folder, lambda sentence: None, base=base_path)
        monkeypatch.setattr(flasher, "BUILD", folder.parent)
        with BootLoader() as loader:
            code, _, err = flash(loader, offset=None)
            assert (code, err) == (0, "")
            found = files.read_files(bytes(loader.flash.octets[FILES:]), files.ESP32_PROGRAM)
            assert "lib/device/runner.mpy" in found and "main.py" in found
            start = bytes(loader.flash.octets[0x1000 : 0x1000 + 64])
            assert (start == b"\xff" * 64) == (base_path is None)


@pytest.mark.parametrize(
    "faults, options, sentence",
    [
        ({"faults": Faults(silent=True)}, (), "no boot loader answers at {port}: " + BY_HAND),
        (
            {"chip": "ESP32-S2"},
            (),
            "the board has an ESP32-S2, and the image is for an ESP32: make one for it",
        ),
        (
            {"faults": Faults(dead_bits={0x12345: 0})},
            (),
            "the flash does not keep what was written: try --baudrate",
        ),
        ({"faults": Faults(vanishes_after=2)}, (), "the board was lost in the middle: look at the cable"),
        ({"faults": Faults(no_stub=True)}, (), "the chip refuses esptool's loader: try again with --no-stub"),
        ({"flash_mib": 2}, ("--offset", "0x1f0000"), "the image is larger than the flash of this board"),
    ],
)
def test_what_goes_wrong_is_explained(flash, image, faults, options, sentence):
    with BootLoader(**faults) as loader:
        if options:
            options = ("--image", str(image), "--chip", "esp32", *options)
        code, out, err = flash(loader, *options)
        assert code == 2
        assert sentence.format(port=loader.port) in err and err.count("\n") == 1
        assert "written and verified" not in out


def test_ports_that_cannot_be_opened(flash):
    assert "msgin5g: there is no port /dev/ttyNONE" in flash("/dev/ttyNONE")[2]
    assert "msgin5g: /dev/null is no serial port\n" == flash("/dev/null")[2]


def test_a_port_that_another_program_has(flash):
    with BootLoader() as loader, open(loader.port, "rb", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        code, _, err = flash(loader)
        assert code == 2 and f"{loader.port} is in use by another program" in err


# The words are esptool's (5.6), for what no emulation here does.
@pytest.mark.parametrize(
    "said, sentence",
    [
        (
            "A fatal error occurred: Failed to connect to ESP32: Wrong boot mode detected (0x13)!"
            " The chip needs to be in download mode.",
            "the chip started its program, not its boot loader: " + BY_HAND,
        ),
        (
            "A fatal error occurred: Could not open /dev/ttyUSB0, the port is busy or doesn't exist.\n"
            "([Errno 13] could not open port /dev/ttyUSB0: [Errno 13] Permission denied: '/dev/ttyUSB0')",
            "you may not open /dev/ttyUSB0: sudo usermod -a -G dialout $USER, then log in again",
        ),
        (
            "A fatal error occurred: Invalid head of packet (0x80): Possible serial noise or corruption.",
            "what comes back is damaged: end other programs that read /dev/ttyUSB0, try --baudrate 115200",
        ),
        (
            "A serial exception error occurred: device reports readiness to read but returned no data"
            " (device disconnected or multiple access on port?)",
            "the board was lost in the middle",
        ),
        (
            "Lost connection, retrying...\nWaiting for the chip to reconnect..\nFailed to get PID of a device on"
            " /dev/ttyUSB0, using standard reset sequence.\nWarning: Chip was NOT reset. Setting RTS/DTR lines is"
            " not supported for port '/dev/ttyUSB0'.",
            "the board was lost in the middle",
        ),
        ("Something that nobody has seen", "esptool failed; it said why above"),
    ],
)
def test_the_table_of_errors(said, sentence):
    assert explain(said, "/dev/ttyUSB0", "esp32").startswith(sentence)


def test_the_adapter_is_found_by_its_usb_ids(flash, image, monkeypatch, capfd):
    with BootLoader() as loader:
        adapter = SimpleNamespace(device=loader.port, vid=0x10C4, pid=0xEA60, description="CP2102")
        monkeypatch.setattr(ports.list_ports, "comports", lambda: [adapter])
        arguments = [
            "flash",
            "esp32",
            "--no-reset",
            "--image",
            str(image),
            "--offset",
            "0",
            "--chip",
            "esp32",
        ]
        assert cli.main(arguments) == 0
        assert f"next: msgin5g provision --board esp32 --port {loader.port}" in capfd.readouterr().out


def test_without_an_image(flash, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(flasher, "BUILD", tmp_path / "nothing")
    assert "there is no image: make image BOARD=esp32 BASE=FILE.bin" in flash("/dev/x", offset=None)[2]
    assert cli.main(["flash", "esp32", "--image", "x", "--port", "/dev/x"]) == 2
    assert "--image needs --offset" in capfd.readouterr().err
    assert (
        "there is no file nope" in flash("/dev/x", "--image", "nope", "--offset", "0", "--chip", "esp32")[2]
    )


def test_esptool_4_has_other_words(flash, tmp_path):
    """A stand-in that notes how it was called: that version is not installed beside the other."""
    program = tmp_path / "esptool.py"
    noted = tmp_path / "noted.json"
    program.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        "if sys.argv[1:] == ['version']: print('esptool.py v4.8.1\\n4.8.1'); sys.exit()\n"
        f"json.dump(sys.argv[1:], open({str(noted)!r}, 'w'))\nprint('Hash of data verified.')\n"
    )
    program.chmod(0o755)
    assert flash("/dev/x", "--esptool", str(program))[0] == 0
    called = json.loads(noted.read_text())
    assert called[:6] == ["--chip", "esp32", "--port", "/dev/x", "--baud", "460800"]
    assert called[6:-1] == ["--before", "no_reset", "--after", "no_reset", "write_flash", "0x10000"]
    program.write_text("#!/bin/sh\necho 'esptool.py v4.8.1'\n")
    assert "did not say that it verified" in flash("/dev/x", "--esptool", str(program))[2]
    program.write_text("#!/bin/sh\necho v3.3\n")
    assert "is no esptool of version 4 or newer" in flash("/dev/x", "--esptool", str(program))[2]
    assert f"{tmp_path}/no can't be run: No such file" in flash("/dev/x", "--esptool", f"{tmp_path}/no")[2]


def test_the_flash_of_the_stand_in_is_like_nor():
    """Programming makes zeros only, a sector is erased as a whole: what is written twice is seen."""
    loader = BootLoader(flash_mib=2)
    with loader:
        loader.flash.program(100, b"\xf0\x0f")
        loader.flash.program(100, b"\x3c\x3c")
        assert loader.flash.octets[99:103] == b"\xff\x30\x0c\xff"
        loader.flash.erase(0, 1)
        assert set(loader.flash.octets[:4096]) == {0xFF}
