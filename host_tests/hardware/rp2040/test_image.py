# SPDX-License-Identifier: MIT
"""The image: the same octets twice, no more work than needed, sizes that add up."""

import json
import struct

import pytest

from tools.image import rp2, sizes


def test_a_second_build_does_nothing(image):
    rp2.build("rp2040", image.parent)  # of the firmware as it is now
    before = image.stat().st_mtime_ns
    said = []
    assert rp2.build("rp2040", image.parent, said.append) == image
    assert (said, image.stat().st_mtime_ns) == ([], before)


@pytest.mark.slow
def test_the_same_octets_from_another_folder(image, tmp_path):
    octets, inputs = image.read_bytes(), (image.parent / "inputs.sha256").read_text()
    again = rp2.build("rp2040", tmp_path / "elsewhere", lambda sentence: None)
    if (tmp_path / "elsewhere/inputs.sha256").read_text() != inputs:
        octets = rp2.build("rp2040", image.parent).read_bytes()  # a file was edited meanwhile
    assert again.read_bytes() == octets


def test_each_block_is_for_the_flash_of_an_rp2040(image):
    """The UF2 format: 512 octets a block, marks, address, size, number, how many, family 0xE48BFF56."""
    octets = image.read_bytes()
    layout = rp2.board_data("rp2040")["flash"]
    blocks = [octets[i : i + 512] for i in range(0, len(octets), 512)]
    for number, block in enumerate(blocks):
        first, second, flags, address, size, index, count, family = struct.unpack("<8I", block[:32])
        assert (first, second, block[-4:]) == (0x0A324655, 0x9E5D5157, struct.pack("<I", 0x0AB16F30))
        assert (flags, size, index, count, family) == (0x2000, 256, number, len(blocks), 0xE48BFF56)
        assert address == 0x10000000 + 256 * number
    report = json.loads((image.parent / "report.json").read_text())
    assert -(-report["flash"]["used"] // 256) == len(blocks)
    assert report["left"] == layout["firmware"] - report["flash"]["used"] > 0
    assert layout["firmware"] + layout["files"] == layout["size"]


def test_all_of_the_firmware_is_frozen(image):
    frozen = json.loads((image.parent / "report.json").read_text())["frozen"]
    firmware = rp2.ROOT / "firmware"
    modules = [path for path in firmware.rglob("*.py") if path.name != "manifest.py"]
    names = {str(path.relative_to(firmware).with_suffix("")).replace("/", "_") for path in modules}
    assert names | {"board", "asyncio_core", "_boot"} <= set(frozen)
    assert min(frozen.values()) > 0


def test_symbols_belong_to_the_longest_name_that_fits():
    symbols = {
        "frozen_module_coap": 10,
        "frozen_module_coap_message": 20,
        "fun_data_coap_message_decode": 300,
        "fun_data_coap_start": 4,
        "const_qstr_table_data_coap_message": 50,
        "mp_qstr_frozen_const_pool": 1000,
    }
    expected = {"(names and strings of all)": 1000, "coap_message": 370, "coap": 14}
    assert list(sizes.modules(symbols).items()) == list(expected.items())
