# SPDX-License-Identifier: MIT
"""Builds the image of the ESP32: a file system that holds the firmware as .mpy files, and, where a binary of
MicroPython is named, one file of both for the whole flash, with a manifest for ESP Web Tools.

There is no compiler for this chip among the packages that the other image is made from, so MicroPython comes as its
makers built it.
"""

import contextlib
import io
import json
import os

from esptool.cmds import merge_bin

from tools.errors import UsageError
from tools.image import base as binaries
from tools.image import bytecode, files, release, sizes
from tools.image.boards import board_data, version

OPTIONS = ("base", "layout", "chip")
FILES = "filesystem.bin"
IMAGE = "firmware.bin"
MANIFEST = "manifest.json"
PINS = "pins.json"  # on the file system
lines = sizes.file_lines  # of report.json


def build(board, folder, say=print, *, layout=None, base=None, chip=None, any_version=False):
    """Builds below `folder`; the path of what is to be flashed. Raises UsageError.

    `layout` and `chip` are keys of board.json; where they are None the binary `base` says what it needs. With
    `any_version` it is merged even if it does not load what is on the file system, for tests on binaries of old.
    """
    data = board_data(board)
    folder.mkdir(parents=True, exist_ok=True)
    contents = bytecode.on_board(board)
    mpy = bytecode.mpy_of(contents)
    micropython = None
    chips = data["chips"]
    if chip is not None and chip not in chips:
        raise UsageError(f"no chip {chip}; there are {', '.join(chips)}")
    if base is not None:
        micropython = binaries.read(base, data)
        if not any_version:
            release.check_mpy(micropython.version, mpy, data, binaries.DOWNLOADS)
        if chip not in (None, micropython.chip):
            raise UsageError(f"{base} is for {micropython.chip}, not for {chip}")
        chip = micropython.chip
    layout = _layout(data, layout, micropython, base)
    chip = chip or next(iter(chips))
    room = data["layouts"][layout]["files"]
    contents[PINS] = pins(board, chip)
    try:
        system = files.file_system(room["size"], contents, files.ESP32_PROGRAM)
    except ValueError as error:
        raise UsageError(str(error)) from None
    merged = None
    if micropython:
        merged = _merged(micropython, system, room["offset"], data["layouts"][layout]["flash"])
    for name in (sizes.REPORT, IMAGE, MANIFEST):  # of an earlier binary; with no report half a build is none
        (folder / name).unlink(missing_ok=True)
    image = folder / FILES
    image.write_bytes(system)
    report = {
        "version": version(),
        "mpy": mpy,
        "chip": chip,
        "layout": layout,
        "filesystem": {"path": FILES, "offset": room["offset"], "size": room["size"]},
        "used": files.used(system, files.ESP32_PROGRAM),
        "files": {name: len(octets) for name, octets in sorted(contents.items())},
    }
    if micropython:
        report["micropython"] = {"version": micropython.version, "octets": len(micropython.octets)}
        report["image"] = {"path": IMAGE, "offset": 0}
        image = folder / IMAGE
        image.write_bytes(merged)
        _web_tools(folder / MANIFEST, data, chip)
        say(f"MicroPython {micropython.version} for {data['chips'][chip]['name']}, of {base}")
    else:
        say(
            f"without BASE= there is the file system only. For a board that has MicroPython already:\n"
            f"  esptool --chip {chip} write-flash {room['offset']:#x} {os.path.relpath(image)}\n"
            f"  For an empty one name MicroPython's binary: make image BOARD={board} BASE=ESP32_GENERIC-....bin\n"
            f"  {binaries.DOWNLOADS}"
        )
    (folder / sizes.REPORT).write_text(json.dumps(report, indent=1) + "\n")
    return image


def pins(board, chip):
    """The octets of pins.json: what board.py asks for of this chip, what is wired where."""
    return (json.dumps(board_data(board)["chips"][chip]["pins"], indent=1) + "\n").encode()


def _layout(data, layout, micropython, base):
    """The name of the layout, checked against the binary's partition table."""
    layouts = data["layouts"]
    if layout is not None and layout not in layouts:
        raise UsageError(f"no layout {layout}; there are {', '.join(layouts)}")
    if micropython is None:
        return layout or next(iter(layouts))
    offset, size = micropython.files
    fits = [
        name
        for name, values in layouts.items()
        if values["files"]["offset"] == offset and size in (None, values["files"]["size"])
    ]
    end = "the end of the flash" if size is None else f"{offset + size:#x}"
    has = f"{base} keeps its files from {offset:#x} to {end}"
    if not fits:
        raise UsageError(f"{has}, which is none of {', '.join(layouts)} in boards/{data['id']}/board.json")
    if layout is None:
        return fits[0]
    if layout not in fits:
        raise UsageError(f"{has}: take --layout {' or '.join(fits)}")
    return layout


def _merged(micropython, system, offset, flash):
    """Both in one file for flash offset 0, the size of the flash written into the boot loader's header."""
    parts = [(micropython.bootloader, micropython.octets), (offset, system)]
    if micropython.bootloader + len(micropython.octets) > offset:
        raise UsageError(f"MicroPython's binary reaches beyond {offset:#x}, into the file system")
    with contextlib.redirect_stdout(io.StringIO()):  # esptool tells each step
        return merge_bin(parts, micropython.chip, flash_size=f"{flash >> 20}MB")


def _web_tools(path, data, chip):
    """A web page with the button of https://esphome.github.io/esp-web-tools/ that names this file flashes the board."""
    manifest = {
        "name": "MSGin5G for ESP32",
        "version": version(),
        "new_install_prompt_erase": True,
        "builds": [{"chipFamily": data["chips"][chip]["name"], "parts": [{"path": IMAGE, "offset": 0}]}],
    }
    path.write_text(json.dumps(manifest, indent=1) + "\n")
