# SPDX-License-Identifier: MIT
"""Builds the image of a board with an RP2040 or RP2350 whose MicroPython is not built here: a file system that holds
the firmware as one file of .mpy files, and, with MicroPython's own binary, one UF2 file of both.

MicroPython for the Pico W needs the driver of its radio chip, which is in no package that the other image is made from.
"""

import json
import os
import shutil

from tools.errors import UsageError
from tools.image import bytecode, files, picobase, reached, release, sizes, uf2
from tools.image.boards import ROOT, board_data, version

OPTIONS = ("base",)
FILES = "filesystem.bin"
IMAGE = "firmware.uf2"
MODULES = "lib"
PACK = "firmware.pack"  # the modules as one file
READER = "firmware_pack"  # the module of the board that mounts it


def build(board, folder, say=print, base=None):
    """Builds below `folder`; the path of what is to be flashed. Raises UsageError.

    `base` is the path of MicroPython's binary; without it there is only the file system for the first of the boards.
    """
    data = board_data(board)
    folder.mkdir(parents=True, exist_ok=True)
    if base is None:
        name = next(iter(data["boards"]))
        place = data["boards"][name]["files"]
        offset, size = place["offset"], place["size"]
    else:
        micropython = picobase.read(base, data)
        name = micropython.board
        offset, size = micropython.files
    contents = _contents(board)
    mpy = bytecode.mpy_of(contents)
    if base is not None:
        release.check_mpy(micropython.version, mpy, data, picobase.DOWNLOADS)
    try:
        packed = _packed(board, contents)
        system = files.file_system(size, packed)
    except ValueError as error:
        raise UsageError(str(error)) from None
    merged = None if base is None else _merged(micropython.file, system, picobase.FLASH + offset)
    image = folder / FILES
    for left in (sizes.REPORT, IMAGE):  # of an earlier binary; with no report half a build is none
        (folder / left).unlink(missing_ok=True)
    image.write_bytes(system)
    _write_modules(folder, packed)
    report = {
        "version": version(),
        "mpy": mpy,
        "layout": data["boards"][name]["name"],
        "filesystem": {"path": FILES, "offset": offset, "size": size},
        "used": files.used(system),
        "files": {name: len(octets) for name, octets in sorted(contents.items())},
    }
    if base is None:
        say(
            f"without BASE= there is the file system only, of a {data['boards'][name]['name']}. For a board that has"
            f" MicroPython already:\n"
            f"  picotool load {os.path.relpath(image)} -t bin -o {picobase.FLASH + offset:#x}\n"
            f"  For any other name MicroPython's binary: make image BOARD={board} BASE=RPI_PICO_W-....uf2\n"
            f"  {picobase.DOWNLOADS}"
        )
    else:
        octets = sum(map(len, micropython.file.pages.values()))
        report["micropython"] = {"version": micropython.version, "octets": octets}
        report["image"] = {"path": IMAGE, "family": micropython.file.family}
        image = folder / IMAGE
        image.write_bytes(merged)
        say(f"MicroPython {micropython.version} for {data['boards'][name]['name']}, of {base}")
    (folder / sizes.REPORT).write_text(json.dumps(report, indent=1) + "\n")
    return image


def alone(board, name):
    """The octets of a UF2 file with the file system of one of its "boards" and nothing else, for who has MicroPython on
    it already. Raises UsageError."""
    data = board_data(board)
    row = data["boards"][name]
    family = next(family for family, chip in uf2.chips(data).items() if chip == row["chip"])
    try:
        system = files.file_system(row["files"]["size"], _packed(board, _contents(board)))
    except ValueError as error:
        raise UsageError(str(error)) from None
    return _merged(uf2.File(family, {}, b""), system, picobase.FLASH + row["files"]["offset"])


def lines(report):
    """The report as text."""
    return sizes.file_lines(report)


def _contents(board):
    # What only programs of their own use, coap.aio above all, is left out, and so are the links of other boards: a Pico
    # W has 848 KB for the firmware, messages, and two updates.
    wanted = {"main.py", "lib/board.mpy"}
    wanted |= {f"lib/{path.removesuffix('.py')}.mpy" for path in reached.modules(ROOT / "boards" / board)}
    contents = {path: octets for path, octets in bytecode.on_board(board).items() if path in wanted}
    boot = ROOT / "boards" / board / "boot.py"
    if boot.exists():
        contents["boot.py"] = boot.read_bytes()
    return contents


def _packed(board, contents):
    """The same with all modules in one file, and what mounts that beside it: as files each takes a block of 4096
    octets, of which a Pico W has 212."""
    reader = ROOT / "boards" / board / f"{READER}.py"
    if not reader.exists():
        return contents  # a board that has no such module
    modules = f"{MODULES}/"
    packed = {path: octets for path, octets in contents.items() if not path.startswith(modules)}
    held = {path.removeprefix(modules): octets for path, octets in contents.items() if path not in packed}
    packed[PACK] = files.pack(held)
    packed[f"{modules}{READER}.mpy"] = bytecode.module(reader.read_bytes(), reader.name, bytecode.SMALL)
    return packed


def _write_modules(folder, contents):
    """The modules as they lie on the board, for who copies them to one that is to keep its other files."""
    shutil.rmtree(folder / MODULES, ignore_errors=True)
    (folder / PACK).unlink(missing_ok=True)
    for path, octets in contents.items():
        if path == PACK or path.startswith(f"{MODULES}/"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(octets)


def _merged(file, system, address):
    """All of the file system, its empty blocks too: what an earlier one left there could be taken for a part of it."""
    pages = {address + at: system[at : at + uf2.PAGE] for at in range(0, len(system), uf2.PAGE)}
    return uf2.make(uf2.File(file.family, file.pages | pages, file.ahead))
