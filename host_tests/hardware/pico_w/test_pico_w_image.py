# SPDX-License-Identifier: MIT
"""The image of the Pico W: a file system that MicroPython itself mounts, merged with a binary of MicroPython into one
UF2 file. Real binaries are for the user to download: those here are made (pico_base.py). That the merging is right
shows one for the plain Pico, which boots in the emulator; nothing here shows that a Pico W starts it.
"""

import json
import os
import re
import struct

import pytest

from host_tests.hardware.pico_w import merging, pico_base
from tools import cli
from tools.bench import limits
from tools.doctor import onboard
from tools.errors import UsageError
from tools.image import bytecode, files, merged, picobase
from tools.image.boards import ROOT, board_data, version

DOWNLOAD = "RPI_PICO_W-20250415-v1.25.0.uf2"
BOARD = board_data("pico_w")


@pytest.fixture
def build(tmp_path):
    """build(base's octets or None) -> the folder with what was built, and what was said."""

    def run(octets=None, folder="built"):
        said = []
        path = None
        if octets is not None:
            path = tmp_path / DOWNLOAD
            path.write_bytes(octets)
        image = merged.build("pico_w", tmp_path / folder, said.append, base=path)
        assert image.exists()
        return tmp_path / folder, said

    return run


def report(folder):
    return json.loads((folder / "report.json").read_text())


def flash_of(octets, family):
    """{address: page} of a UF2 file, read here by the specification and not by the tools."""
    pages = {}
    total = len(octets) // 512
    for number in range(total):
        block = octets[number * 512 : number * 512 + 512]
        words = [int.from_bytes(block[at : at + 4], "little") for at in range(0, 32, 4)]
        assert words[:3] == [0x0A324655, 0x9E5D5157, 0x2000] and block[508:] == bytes.fromhex("306fb10a")
        assert words[4:] == [256, number, total, family]
        assert words[3] not in pages and words[3] % 256 == 0
        pages[words[3]] = block[32 : 32 + 256]
    return pages


KINDS = {
    "pico_w": (pico_base.RP2040, pico_base.PICO_W, b""),
    "pico2_w": (pico_base.RP2350, pico_base.PICO2_W, pico_base.AHEAD),
    "pico2_w with a newer picotool": (pico_base.RP2350, pico_base.PICO2_W, pico_base.TAGGED),
    "pico2_w for RISC-V": (pico_base.RISCV, pico_base.PICO2_W, b""),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("copied", (False, True), ids=("in flash", "in RAM"))
def test_merged_for_each_board(build, kind, copied):
    family, (offset, size), ahead = KINDS[kind]
    board = kind.partition(" ")[0]
    octets = pico_base.base(family, ahead, board=board, drive=(offset, size), copied=copied)
    folder, said = build(octets)
    image = (folder / merged.IMAGE).read_bytes()
    assert image.startswith(ahead)
    pages = flash_of(image[len(ahead) :], family)
    assert list(pages) == sorted(pages)
    before = flash_of(octets[len(ahead) :], family)
    assert {address: pages[address] for address in before} == before
    begin = pico_base.FLASH + offset
    system = b"".join(pages.pop(begin + at) for at in range(0, size, 256))
    assert system == (folder / merged.FILES).read_bytes()
    assert files.read_files(system)["main.py"] == (ROOT / "firmware/main.py").read_bytes()
    # RP2040-E14: no sector is written in part. What was added is empty flash.
    assert {address // 4096 * 4096 + at for address in before for at in range(0, 4096, 256)} == set(pages)
    assert {octet for address in set(pages) - set(before) for octet in pages[address]} == {0xFF}
    told = report(folder)
    assert told["filesystem"] == {"path": "filesystem.bin", "offset": offset, "size": size}
    assert (told["micropython"]["version"], told["mpy"], told["version"]) == ("1.25.0", "6.3", version())
    assert said == [f"MicroPython 1.25.0 for {BOARD['boards'][board]['name']}, of {folder.parent / DOWNLOAD}"]
    assert any("flash for files" in line for line in merged.lines(told))


def test_where_the_files_lie_is_what_the_ports_boards_say():
    for name, drive in (("pico_w", pico_base.PICO_W), ("pico2_w", pico_base.PICO2_W)):
        row = BOARD["boards"][name]
        assert (row["files"]["offset"], row["files"]["size"]) == drive
        assert sum(drive) == row["flash"]


# What this board cannot import: of the library what is for programs on `coap.aio`, or for CPython, and links of others.
LEFT_OUT = """
    device/links/espnow device/links/wifi coap/aio/_cpython coap/aio/call coap/aio/client coap/aio/context
    coap/aio/directory coap/aio/errors coap/aio/multicast coap/aio/names coap/aio/observing coap/aio/response
    coap/aio/serving coap/aio/transfers coap/endpoint/conditions coap/observe/notifying coap/observe/sequence
    coap/observe/server coap/oscore/renewal coap/uri/whole
"""


def test_all_that_a_device_imports_is_there_and_room_for_messages(build):
    folder, said = build()
    image = (folder / merged.FILES).read_bytes()
    found = files.read_files(image)
    firmware = ROOT / "firmware"
    modules = [path for path in firmware.rglob("*.py") if path.name not in ("manifest.py", "main.py")]
    names = {f"lib/{path.relative_to(firmware).with_suffix('.mpy')}" for path in modules}
    left_out = {f"lib/{name}.mpy" for name in LEFT_OUT.split()}
    left_out |= {name for name in names if name.startswith("lib/coap/aio/site/")}
    assert left_out < names
    wanted = names - left_out | {"main.py", "boot.py", "lib/board.mpy"}
    assert set(report(folder)["files"]) == wanted
    assert set(found) == {"main.py", "boot.py", "firmware.pack", "lib/firmware_pack.mpy"}
    modules = {path: octets for path, octets in bytecode.on_board("pico_w").items() if path in wanted}
    held = {path[4:]: octets for path, octets in modules.items() if path.startswith("lib/")}
    assert found["firmware.pack"] == files.pack(held)
    for path in ("firmware.pack", "lib/firmware_pack.mpy"):  # to be copied
        assert (folder / path).read_bytes() == found[path]
    assert limits.of("flash.pico_w").keeps(len(image) - files.used(image))
    (said,) = said
    assert f"picotool load {os.path.relpath(folder)}/filesystem.bin -t bin -o 0x1012c000" in said
    assert "BASE=" in said and "https://micropython.org/download/?port=rp2" in said


def test_the_same_octets_twice_and_nothing_left_of_an_earlier_binary(build):
    first, _ = build(pico_base.base(), "first")
    second, _ = build(pico_base.base(), "second")
    for name in (merged.FILES, merged.IMAGE):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    (second / "lib/gone.mpy").write_bytes(b"of an earlier version")
    build(None, "second")
    assert not (second / "lib/gone.mpy").exists()
    assert not (second / merged.IMAGE).exists() and "micropython" not in report(second)


def test_the_place_of_the_files_has_names(build, monkeypatch):
    data = board_data("pico_w")
    for row in data["boards"].values():
        row["files"] = dict(reversed(row["files"].items()))
    monkeypatch.setattr(merged, "board_data", lambda name: data)
    offset, size = pico_base.PICO_W
    folder, _ = build()
    assert report(folder)["filesystem"] == {"path": "filesystem.bin", "offset": offset, "size": size}


def swapped(octets):
    return octets[512:1024] + octets[:512] + octets[1024:]


def rewritten(octets, **words):
    """The same blocks with other words in their heads."""
    names = ("first", "second", "flags", "address", "size", "number", "blocks", "family")
    changed = bytearray(octets)
    for at in range(0, len(octets), 512):
        for name, value in words.items():
            struct.pack_into("<I", changed, at + 4 * names.index(name), value)
    return bytes(changed)


def telling(at, octets):
    """The program with other octets there."""
    program = pico_base.program()
    return pico_base.blocks(program[:at] + octets + program[at + len(octets) :], pico_base.RP2040)


GOOD = pico_base.base()
# vd_write_block() in virtual_disk.c of pico-bootrom-rp2040 writes blocks that have a family, are for the main flash and
# have 256 octets, and no others. The flags are those of the UF2 specification.
NOT_TAKEN = "no board would take"
UNTAKEN = {
    "blocks of 476 octets": (rewritten(GOOD, size=476), NOT_TAKEN),
    "blocks of 128 octets": (rewritten(GOOD, size=128), NOT_TAKEN),
    "not for the main flash": (rewritten(GOOD, flags=0x2001), NOT_TAKEN),
    "for no family": (rewritten(GOOD, flags=0), NOT_TAKEN),
    "for no family in a block": (GOOD[:512] + rewritten(GOOD[512:1024], flags=0) + GOOD[1024:], NOT_TAKEN),
    "between pages": (rewritten(GOOD[:512], address=pico_base.FLASH + 128, blocks=1), NOT_TAKEN),
}
# Tables in it that would be read for hours.
COPIES = struct.pack("<III", pico_base.FLASH, 0x20000000, 0x20000001) * 2000
UNENDING = {
    "a table of copies without an end": (
        telling(
            0x1D4,
            struct.pack(
                "<5I", 0x7188EBF2, pico_base.FLASH + 0x500, pico_base.FLASH + 0x50C, 0x10001000, 0xE71AA390
            ).ljust(0x1000 - 0x1D4, b"\0")
            + COPIES,
        ),
        "it tells of more than it has",
    ),
    "a list of all the flash": (
        telling(0x1D4 + 8, (pico_base.FLASH + 0x1000000).to_bytes(4, "little")),
        "it tells of more than it has",
    ),
}
WRONG = {
    "cut short": (GOOD[:-512], "damaged or cut short at block 0"),
    "cut in a block": (GOOD[:-100], "damaged or cut short at block 0"),
    "blocks in disorder": (swapped(GOOD), "damaged or cut short at block 0"),
    "a block overwritten": (GOOD[:5120] + bytes(512) + GOOD[5632:], "damaged or cut short at block 10"),
    "two files in one": (GOOD + GOOD, "damaged or cut short at block 0"),
    "only the block ahead": (pico_base.AHEAD, "is cut short"),
    "two chips": (
        pico_base.block(bytes(256), pico_base.FLASH, 0, 2, pico_base.RP2040)
        + pico_base.block(bytes(256), pico_base.FLASH + 256, 1, 2, pico_base.RP2350),
        "for more than one chip, of the families 0xe48bff56, 0xe48bff59",
    ),
    "another chip": (
        pico_base.base(0xE48BFF5B),
        "another chip, of the family 0xe48bff5b; this board has RP2040 or RP2350. ",
    ),
    "another board": (
        pico_base.base(board="pico"),
        "for the board pico; this one knows Pico W (pico_w), Pico 2 W",
    ),
    "the board of the other chip": (pico_base.base(board="pico2_w"), "for the board pico2_w"),
    "no program": (pico_base.blocks(bytes(1000), pico_base.RP2040), "does not tell what it is"),
    "not told": (pico_base.base(told=False), "does not tell what it is"),
    "for RAM": (pico_base.blocks(bytes(1000), pico_base.RP2040, 0x20000000), "no program for the flash"),
    "not MicroPython": (pico_base.base(banner="CircuitPython"), "for an RP2040, but it is no MicroPython"),
    "too old": (
        pico_base.base(banner="MicroPython v1.24.1 on 2024-11-29"),
        "1.24.1 is too old: 1.25 or newer",
    ),
    "unknown": (
        pico_base.base(banner="MicroPython v1.99.0 on 2030-01-01"),
        "add it to boards/pico_w/board.json",
    ),
    "files beyond the flash": (
        pico_base.base(drive=(1 << 20, 2 << 20)),
        "from 0x100000 to 0x300000, in a flash",
    ),
    "files in half a sector": (pico_base.base(drive=(1000, 4096)), "it keeps its files from 0x3e8"),
    "files below the flash": (pico_base.base(drive=(-4096, 4096)), "it keeps its files from -0x1000"),
    "files in it already": (pico_base.base(drive=(32768, 65536)), "has something where its files are to be"),
    "telling of nothing": (
        pico_base.blocks(
            pico_base.program().replace((pico_base.FLASH + 0x600).to_bytes(4, "little"), b"\0\0\0\x20"),
            pico_base.RP2040,
        ),
        "it tells of 0x20000000, where it has nothing",
    ),
    "ESP32": (b"\xe9" + bytes(4000), "is no UF2 file but a binary for an ESP32"),
    "ELF": (b"\x7fELF" + bytes(4000), "is no UF2 file but an ELF file"),
    "web page": (b"<!DOCTYPE html><title>Not found</title>", "but a web page"),
    "empty": (b"", "is no UF2 file but empty"),
    **UNTAKEN,
    **UNENDING,
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_binary(build, what):
    octets, words = WRONG[what]
    with pytest.raises(UsageError, match=re.escape(words)) as caught:
        build(octets)
    assert "\n" not in str(caught.value)
    assert "micropython.org/download" in str(caught.value) or "board.json" in str(caught.value)


def test_octets_of_all_kinds_in_what_it_tells_of_itself(tmp_path):
    """Each ends in a Base, or in a sentence of one line."""
    octets = pico_base.program()
    path = tmp_path / DOWNLOAD
    refused = 0
    for at in [*range(0x1D4, 0x1E8), *range(0x500, 0x50C), *range(0x600, 0x640), *range(0x700, 0x704)]:
        for value in {0, 1, 0x7F, 0xFF} - {octets[at]}:
            changed = bytearray(octets)
            changed[at] = value
            path.write_bytes(pico_base.blocks(bytes(changed), pico_base.RP2040))
            try:
                picobase.read(path, BOARD)
            except UsageError as error:
                refused += 1
                assert "\n" not in str(error)
    assert refused > 100


def test_a_failed_build_leaves_the_last_one(build):
    folder, _ = build(GOOD)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(UsageError):
        build(GOOD[:-512])
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_the_command_line(capsys):
    assert cli.main(["image", "pico_w", "--base", "no-such.uf2"]) == 2
    assert capsys.readouterr().err.startswith("msgin5g: no-such.uf2: No such file or directory.")
    assert cli.main(["image", "pico_w", "--layout", "4MiB"]) == 2
    assert "--layout is not of the pico_w" in capsys.readouterr().err


LOOK = """
import os, sys
import coap, msgin5g, device, board
from device.links import serial
print(sorted(os.listdir("/")), coap.__file__, board.__file__, serial.__file__)
s = os.statvfs("/")
print(s[0] * s[2], ".frozen" in sys.path)
"""


def test_the_merged_image_boots(pico_w_image, boot):
    layout = board_data("rp2040")["flash"]
    assert report(pico_w_image.parent)["filesystem"]["offset"] == layout["firmware"]
    board = boot(image=pico_w_image)
    assert board.run(LOOK).splitlines() == [
        "['boot.py', 'firmware', 'firmware.pack', 'lib', 'main.py'] /firmware/coap/__init__.mpy"
        " /firmware/board.mpy /firmware/device/links/serial.mpy",
        f"{layout['files']} True",
    ]
    listed = board.run("import os\nfor row in os.ilistdir('/firmware/base'): print(row)").splitlines()
    size = report(pico_w_image.parent)["files"]["lib/base/record.mpy"]
    assert len(listed) == 4 and f"('record.mpy', 32768, 0, {size})" in listed
    assert f", '{version()}')" in board.run(onboard.QUESTION)  # as `msgin5g doctor` asks it
    assert board.run("from base import overlay\nprint(overlay._flashed())").split() == [version()]
    said = board.run("exec(open('main.py').read())")
    assert "cannot start, msgin5g.json is wrong: msgin5g.json: there is no such file" in said


CLIENT = """
import asyncio, gc, json
gc.collect()
before = gc.mem_alloc()
with open("msgin5g.json", "w") as file:
    json.dump({"role": "client", "ue_service_id": "ue:a@example.org", "peer": "coap://192.0.2.1",
        "security": {"mode": "none"}, "wifi": {"ssid": "home", "password": "correct horse"}}, file)
from device import start
async def main():
    client = await start()
    await asyncio.sleep(10)
    gc.collect()
    print("heap", gc.mem_alloc() - before)
asyncio.run(main())
"""
# ports/rp2/main.c of MicroPython 1.20: the fixed heap of a Pico W, MICROPY_GC_HEAP_SIZE. Since then it is what the rest
# of the firmware leaves, which is no less.
PICO_W_HEAP = 166 * 1024


def test_a_client_leaves_heap_for_its_application(pico_w_image, boot):
    """Its bytecode lies in the heap, for it comes from files and is not frozen. How much the README says."""
    board = boot(image=pico_w_image)
    board.run(merging.WITHOUT_A_RADIO)
    board.enter()
    said = board.run(CLIENT)
    assert "msgin5g: registering" in said
    taken = int(re.search(r"^heap (\d+)", said, re.MULTILINE)[1])
    assert PICO_W_HEAP - taken > 48 * 1024
    readme = (ROOT / "boards/pico_w/README.md").read_text()
    assert abs(taken / 1024 - int(re.search(r"took (\d+) KiB", readme)[1])) < 3
