# SPDX-License-Identifier: MIT
"""The image of the ESP32: a file system that MicroPython itself mounts, merged with a binary of MicroPython. That
binary is a synthetic one (esp32_base.py; test_esp32_binary.py has real ones): nothing here shows that a chip starts it.
"""

import json
import os
import subprocess

import pytest
from esptool.bin_image import LoadFirmwareImage
from esptool.targets import CHIP_DEFS

from host_tests.esp32.chip import PATH
from host_tests.esp32.idf.build import build as interpreter
from host_tests.hardware.esp32 import esp32_base
from tools import cli
from tools.errors import UsageError
from tools.flash import byesptool
from tools.image import bytecode, esp32, files
from tools.image.boards import ROOT, board_data, version

BOARD = board_data("esp32")
FILES = 0x200000
DOWNLOAD = "ESP32_GENERIC-20250415-v1.25.0.bin"


@pytest.fixture
def build(tmp_path):
    """build(base's octets or None, ...) -> the folder with what was built, and what was said."""

    def run(octets=None, folder="built", **options):
        said = []
        path = None
        if octets is not None:
            path = tmp_path / DOWNLOAD
            path.write_bytes(octets)
        image = esp32.build("esp32", tmp_path / folder, said.append, base=path, **options)
        assert image.exists()
        return tmp_path / folder, said

    return run


def report(folder):
    return json.loads((folder / "report.json").read_text())


def micropython(code, *path):
    """What MicroPython prints; nothing of the repository is on its path but the stand-ins of the chip."""
    environment = {**os.environ, "MICROPYPATH": ":".join(map(str, (*path, ".frozen")))}
    command = [interpreter(), "-X", "heapsize=256k", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_micropython_mounts_it_and_imports_the_firmware_from_it(build):
    folder, _ = build()
    code = f"""
import flash
flash.mount({str(folder / esp32.FILES)!r})
import os, coap, msgin5g, device, board
from coap.aio import slipmux
from coap.aio import udp
from device.links import espnow, serial, wifi
from device import boot
from msgin5g import application_client
print(os.listdir(), msgin5g.__file__, wifi.__file__, board.__file__)
with open("kept", "w") as file:
    file.write("written by MicroPython")
board.Board().storage.append("file", b"x" * 5000)
"""
    said = micropython(code, ROOT / "host_tests/esp32", PATH[0])
    assert said.strip() == (
        "['lib', 'main.py', 'pins.json'] /flash/lib/msgin5g/__init__.mpy"
        " /flash/lib/device/links/wifi.mpy /flash/lib/board.mpy"
    )
    # and the host reads what MicroPython wrote
    found = files.read_files((folder / esp32.FILES).read_bytes(), files.ESP32_PROGRAM)
    assert (found["kept"], found["messages/file"]) == (b"written by MicroPython", b"x" * 5000)


def test_a_board_without_configuration_says_what_to_do(build):
    folder, _ = build()
    code = f"import flash\nflash.boot({str(folder / esp32.FILES)!r})"
    said = micropython("import sys\nsys.argv.clear()\n" + code, ROOT / "host_tests/esp32", PATH[0])
    assert "cannot start, msgin5g.json is wrong: msgin5g.json: there is no such file" in said


def test_all_of_the_firmware_is_there(build):
    folder, _ = build()
    found = files.read_files((folder / esp32.FILES).read_bytes(), files.ESP32_PROGRAM)
    firmware = ROOT / "firmware"
    modules = [path for path in firmware.rglob("*.py") if path.name not in ("manifest.py", "main.py")]
    names = {f"lib/{path.relative_to(firmware).with_suffix('.mpy')}" for path in modules}
    assert set(found) == names | {"main.py", "pins.json", "lib/board.mpy"}
    assert found["main.py"] == (firmware / "main.py").read_bytes()
    assert json.loads(found["pins.json"])["uarts"]["2"] == {"tx": 17, "rx": 16}
    told = report(folder)
    assert told["files"] == {name: len(octets) for name, octets in found.items()}
    assert sum(told["files"].values()) < told["used"] < told["filesystem"]["size"]
    assert (told["version"], told["mpy"]) == (version(), "6.3")


# SOC_TIMER_GROUP_TOTAL_TIMERS in ESP-IDF's soc/CHIP/include/soc/soc_caps.h, beyond which machine_timer.c refuses
TIMERS = {"esp32": 4, "esp32s2": 4, "esp32s3": 4, "esp32c2": 1, "esp32c3": 2, "esp32c5": 2, "esp32c6": 2}
TIMERS |= {"esp32h2": 2, "esp32p4": 4}
# SOC_USB_OTG_SUPPORTED, SOC_USB_SERIAL_JTAG_SUPPORTED in the same files
USB_OTG = {"esp32s2", "esp32s3", "esp32p4"}
USB_SERIAL_JTAG = {"esp32s3", "esp32c3", "esp32c5", "esp32c6", "esp32h2", "esp32p4"}


@pytest.mark.parametrize("chip", BOARD["chips"])
def test_what_differs_between_chips_is_in_their_rows(build, chip):
    folder, _ = build(chip=chip)
    found = files.read_files((folder / esp32.FILES).read_bytes(), files.ESP32_PROGRAM)
    row = BOARD["chips"][chip]
    assert json.loads(found["pins.json"]) == row["pins"]
    assert row["timers"] == TIMERS[chip]
    own = {"usb-otg": chip in USB_OTG, "usb-serial-jtag": chip in USB_SERIAL_JTAG}
    assert row["resets"] == ["dtr-rts", *(name for name in own if own[name])]
    assert chip in CHIP_DEFS


def test_the_same_octets_twice(build, tmp_path, monkeypatch):
    first, _ = build(esp32_base.base(), "first")
    # compiled anew, elsewhere
    monkeypatch.setattr(bytecode, "COMPILED", tmp_path / "compiled anew")
    second, _ = build(esp32_base.base(), "second")
    for name in (esp32.FILES, esp32.IMAGE, esp32.MANIFEST, "report.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


@pytest.mark.parametrize("chip", esp32_base.OFFSETS)
def test_merged_for_each_kind_of_chip(build, chip):
    octets = esp32_base.base(chip)
    folder, said = build(octets)
    merged = (folder / esp32.IMAGE).read_bytes()
    begin = esp32_base.OFFSETS[chip]
    assert merged[:begin] == b"\xff" * begin
    # Of MicroPython all is as it was but the size of the flash (upper half octet, 2 for 4 MB) and the hash over it.
    loader = LoadFirmwareImage(chip, merged[begin:])
    assert loader.stored_digest == loader.calc_digest and merged[begin + 3] >> 4 == 2
    end = begin + len(octets)
    assert merged[0x8000:end] == octets[0x8000 - begin :]
    assert set(merged[end:FILES]) == {0xFF}
    assert merged[FILES:] == (folder / esp32.FILES).read_bytes()
    assert len(merged) == 4 << 20
    told = report(folder)
    assert (told["chip"], told["micropython"]["version"]) == (chip, "1.25.0")
    assert said == [f"MicroPython 1.25.0 for {BOARD['chips'][chip]['name']}, of {folder.parent / DOWNLOAD}"]
    manifest = json.loads((folder / esp32.MANIFEST).read_text())
    assert manifest["builds"] == [
        {"chipFamily": BOARD["chips"][chip]["name"], "parts": [{"path": "firmware.bin", "offset": 0}]}
    ]
    assert manifest["new_install_prompt_erase"] is True


def test_offsets_are_those_of_esptool():
    for chip, data in BOARD["chips"].items():
        assert data["bootloader"] == CHIP_DEFS[chip].BOOTLOADER_FLASH_OFFSET
        assert data["name"] == CHIP_DEFS[chip].CHIP_NAME


def test_a_layout_fills_its_flash():
    for name, layout in BOARD["layouts"].items():
        assert layout["flash"] == int(name.removesuffix("MiB")) << 20
        assert layout["files"]["offset"] + layout["files"]["size"] == layout["flash"]
        assert layout["files"]["offset"] % files.BLOCK == 0


AT_BOOT = esp32_base.TABLE[:-1]
EIGHT = (*AT_BOOT, ("vfs", 1, 0x81, FILES, 0x600000))
OTA = (*AT_BOOT[:2], ("ota_0", 0, 0x10, 0x10000, 0x180000), ("vfs", 1, 0x81, 0x310000, 0xF0000))


def test_the_layout_is_the_binarys_own(build):
    folder, _ = build(esp32_base.base(entries=EIGHT))
    assert report(folder)["layout"] == "8MiB"
    assert (folder / esp32.IMAGE).stat().st_size == 8 << 20
    assert (folder / esp32.IMAGE).read_bytes()[0x1003] >> 4 == 3  # 8 MB


def test_files_up_to_the_end_of_the_flash(build):
    """MicroPython 1.26 and newer: how large the flash is, is the user's to say."""
    octets = esp32_base.base("esp32s3", "MicroPython v1.29.0 on 2026-08-29", AT_BOOT)
    assert report(build(octets)[0])["layout"] == "4MiB"
    folder, _ = build(octets, layout="16MiB")
    assert report(folder)["filesystem"] == {"path": "filesystem.bin", "offset": FILES, "size": 14 << 20}
    assert (folder / esp32.IMAGE).stat().st_size == 16 << 20


def test_without_a_binary_it_says_how_to_go_on(build):
    build(esp32_base.base())
    folder, said = build(layout="8MiB", chip="esp32s3")
    (said,) = said
    assert f"esptool --chip esp32s3 write-flash 0x200000 {os.path.relpath(folder)}/filesystem.bin" in said
    assert "BASE=" in said and "https://micropython.org/download/?mcu=esp32" in said
    assert not (folder / esp32.IMAGE).exists() and not (folder / esp32.MANIFEST).exists()  # of the first
    assert "micropython" not in report(folder)


def cut(octets):
    return octets[:-2000]


def flipped(position):
    def flip(octets):
        changed = bytearray(octets)
        changed[position] ^= 1
        return bytes(changed)

    return flip


GOOD = esp32_base.base()
WRONG = {
    "cut short": (cut(GOOD), "damaged or cut short, in its application"),
    "boot loader damaged": (flipped(0x200)(GOOD), "damaged or cut short: the boot loader's SHA-256"),
    "application damaged": (flipped(-9000)(GOOD), "damaged or cut short: the application's SHA-256"),
    "table damaged": (flipped(0x7000 + 9)(GOOD), "MD5 of its partition table"),
    "no application": (esp32_base.base(entries=AT_BOOT[:2]), "no partition for an application"),
    "an application alone": (GOOD[0xF000:], "no whole binary but an application alone"),
    "UF2": (b"UF2\n" + bytes(508), "no binary for an ESP32 but a UF2 file"),
    "web page": (b"<!DOCTYPE html><title>Not found</title>", "but a web page"),
    "empty": (b"", "no binary for an ESP32 but empty"),
    "another chip": (esp32_base.image("esp32c61", bytes(100)), "does not know: ESP32-C61"),
    "not MicroPython": (esp32_base.base(banner="Arduino"), "it is no MicroPython"),
    "too old": (
        esp32_base.base(banner="MicroPython v1.24.1 on 2024-11-29"),
        "1.24.1 is too old: 1.25 or newer",
    ),
    "unknown": (
        esp32_base.base(banner="MicroPython v1.99.0-preview.7.gabc on 2030-01-01"),
        "1.99.0 is newer",
    ),
    "other layout": (
        esp32_base.base(entries=OTA),
        "keeps its files from 0x310000 to 0x400000, which is none of",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_binary(build, what):
    octets, words = WRONG[what]
    with pytest.raises(UsageError, match=words.replace("(", r"\(")) as caught:
        build(octets)
    assert "\n" not in str(caught.value)


def test_options_that_do_not_go_with_the_binary(build):
    with pytest.raises(UsageError, match="keeps its files from 0x200000 to 0x800000: take --layout 8MiB"):
        build(esp32_base.base(entries=EIGHT), layout="4MiB")
    with pytest.raises(UsageError, match="is for esp32, not for esp32s3"):
        build(GOOD, chip="esp32s3")
    with pytest.raises(UsageError, match="No such file or directory. MicroPython's binaries are at https:"):
        esp32.build("esp32", ROOT / "build/esp32", base="no-such.bin")


def test_mpy_files_that_it_would_not_load(build, monkeypatch):
    monkeypatch.setattr(bytecode, "mpy_of", lambda contents: "7.0")
    with pytest.raises(UsageError, match="loads .mpy files of version 6.3, mpy-cross made 7.0"):
        build(GOOD)


def test_a_failed_build_leaves_the_last_one(build):
    folder, _ = build(GOOD)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(UsageError):
        build(cut(GOOD))
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_half_an_image_is_none(build, tmp_path, monkeypatch, capsys):
    """The power goes, or the disk is full, while the image for another chip is written."""
    folder, _ = build(esp32_base.base("esp32s3"), "esp32")
    write = type(folder).write_bytes

    def full(path, octets):
        if path == folder / esp32.IMAGE:
            write(path, octets[: len(octets) // 2])
            raise OSError(28, "No space left on device")
        return write(path, octets)

    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(type(folder), "write_bytes", full)
        build(GOOD, "esp32")
    assert (folder / esp32.IMAGE).exists()
    monkeypatch.setattr(byesptool, "BUILD", tmp_path)
    assert cli.main(["flash", "esp32", "--port", "/dev/null"]) == 2
    assert "there is no image: make image BOARD=esp32" in capsys.readouterr().err


def test_the_first_layout_and_chip_are_the_usual_ones(build, monkeypatch):
    data = board_data("esp32")
    for key in ("layouts", "chips"):
        data[key] = dict(reversed(data[key].items()))
    monkeypatch.setattr(esp32, "board_data", lambda board: data)
    folder, _ = build()
    assert (report(folder)["layout"], report(folder)["chip"]) == ("32MiB", "esp32p4")


def test_the_command_line(capsys):
    assert cli.main(["image", "esp32", "--base", "no-such.bin"]) == 2
    assert capsys.readouterr().err.startswith("msgin5g: no-such.bin: No such file or directory.")
    assert cli.main(["image", "rp2040", "--base", "no-such.bin"]) == 2
    assert "--base is not of the rp2040: see --help" in capsys.readouterr().err


def test_make_passes_them_on():
    command = ["make", "-n", "image", "BOARD=esp32", "BASE=my file.bin", "LAYOUT=8MiB", "ARGS=--quiet"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "msgin5g image esp32 --base 'my file.bin' --layout '8MiB' --quiet" in said
