# SPDX-License-Identifier: MIT
"""The image: the same octets twice, no more work than needed, sizes that add up."""

import json
import os
import shutil
import struct
import time

import pytest

from tools.bench import limits
from tools.image import rp2, sizes


def test_a_second_build_does_nothing(image):
    rp2.build("rp2040", image.parent)  # of the firmware as it is now
    before = image.stat().st_mtime_ns
    said = []
    assert rp2.build("rp2040", image.parent, said.append) == image
    assert (said, image.stat().st_mtime_ns) == ([], before)


def lend(work, other):
    """Gives the second of two folders of cmake the objects of the first that are made of sources outside of it."""
    later = time.time() + 3600  # than all that they depend on
    lent = []
    for path in work.rglob("*.o"):
        name = path.relative_to(work)
        if (path.parent / f"{path.name}.d").exists() and str(work) not in source_of(path):
            (other / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, other / name)
            os.utime(other / name, (later, later))
            lent.append(name)
    return lent


def dependencies(path):
    """What the compiler read for an object, its source the first."""
    return (path.parent / f"{path.name}.d").read_text().partition(":")[2].replace("\\\n", " ").split()


def source_of(path):
    return dependencies(path)[0]


@pytest.mark.slow
def test_the_same_octets_from_another_folder(image, tmp_path, monkeypatch):
    """All that is made in the folder is made again there: what is generated, its objects, the image. Other objects are
    those of the first build, which a compiler makes again of the same octets by the same command; both are compared.
    """
    run, lent = rp2.run, []
    octets, inputs = image.read_bytes(), (image.parent / "inputs.sha256").read_text()
    work, other = image.parent / "work", tmp_path / "elsewhere/work"

    def lending(command, environment, log):
        if "--build" in command:
            lent.extend(lend(work, other))
        run(command, environment, log)

    monkeypatch.setattr(rp2, "run", lending)
    again = rp2.build("rp2040", tmp_path / "elsewhere", lambda sentence: None)
    if (tmp_path / "elsewhere/inputs.sha256").read_text() != inputs:
        octets = rp2.build("rp2040", image.parent).read_bytes()  # a file was edited meanwhile
    assert again.read_bytes() == octets
    assert lent
    read = {name for path in lent for name in dependencies(work / path) if name.startswith(str(work))}
    made = [path.relative_to(work) for path in work.rglob("flags.make")]
    assert len(made) > 1 and len(read) > 5
    for name in (*(os.path.relpath(name, work) for name in read), *made):
        texts = [(folder / name).read_text().replace(str(folder), "") for folder in (work, other)]
        assert texts[0] == texts[1], name


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


# It has no radio and one slot for MicroPython, and is not CPython.
LINKS = {f"device_links_{name}" for name in ("cyw43", "espnow", "station", "wifi")}
LEFT_OUT = {"coap_aio__cpython", "device_update_image"} | LINKS


def test_all_of_the_firmware_that_a_pico_has_a_use_for_is_frozen(image):
    report = json.loads((image.parent / "report.json").read_text())
    frozen = report["frozen"]
    firmware = rp2.ROOT / "firmware"
    modules = [path for path in firmware.rglob("*.py") if path.name != "manifest.py"]
    names = {str(path.relative_to(firmware).with_suffix("")).replace("/", "_") for path in modules}
    assert LEFT_OUT < names
    assert names - LEFT_OUT | {"board", "asyncio_core", "_boot"} <= set(frozen)
    assert not LEFT_OUT & set(frozen)
    assert limits.of("flash.rp2040").keeps(report["left"])
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
