# SPDX-License-Identifier: MIT
"""The files of a release, each by a function of (version, epoch, say) that gives {name: octets}."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.errors import UsageError
from tools.image import boards, esp32, merged, program
from tools.image.boards import ROOT
from tools.project import package
from tools.project.release import archives

FOLDER = ROOT / "build" / "release"
_HOOKS = "from setuptools import build_meta as made; made.build_wheel('made'); made.build_sdist('made')"
SOURCES = ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "firmware/coap/version.py")


def rp2040(version, epoch, say):
    """The image of the Pico, as `make image BOARD=rp2040` makes it: it has the time of its MicroPython."""
    return {f"msgin5g-{version}-rp2040.uf2": program.ready("rp2040", say).read_bytes()}


def pico_w(version, epoch, say):
    """For boards that have MicroPython already: a UF2 file each, of the file system with the firmware."""
    names = boards.board_data("pico_w")["boards"]
    return {f"msgin5g-{version}-{name}-filesystem.uf2": merged.alone("pico_w", name) for name in names}


def esp32_files(version, epoch, say, chips=None, layouts=None):
    """The file systems for each chip and each layout of its flash, in one archive: they are nearly empty."""
    data = boards.board_data("esp32")
    systems = {}
    with tempfile.TemporaryDirectory() as folder:
        for chip in chips or data["chips"]:
            for layout in layouts or data["layouts"]:
                image = esp32.build("esp32", Path(folder), lambda *words: None, layout=layout, chip=chip)
                systems[f"{chip}/{layout}.bin"] = image.read_bytes()
    offsets = {row["files"]["offset"] for row in data["layouts"].values()}
    if len(offsets) != 1:
        raise UsageError("the layouts of boards/esp32/board.json begin their files at several places")
    lines = "CHIP/LAYOUT.bin is the file system of MSGin5G %s for a board with MicroPython:\n\n" % version
    lines += "  esptool --chip CHIP write-flash %#x CHIP/LAYOUT.bin\n\n" % offsets.pop()
    lines += "LAYOUT is the size of its flash. It takes the place of all files that the board has.\n"
    systems["README.txt"] = lines.encode()
    return {f"msgin5g-{version}-esp32-filesystems.zip": archives.zipped(systems, epoch)}


def mip(version, epoch, say):
    """The indices for `mip install` and the files that they name, as they lie on a web server."""
    files = {}
    for folder in package.PACKAGES:
        index = package.index(folder)
        below = folder.relative_to(ROOT)
        files[(below / package.NAME).as_posix()] = package.text(folder).encode()
        for _, place in index["urls"]:
            files[(below / place).as_posix()] = (folder / place).read_bytes()
    return {f"msgin5g-{version}-mip.zip": archives.zipped(files, epoch)}


def tools(version, epoch, say):
    """The wheel of the tools, and what it is built from."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        shutil.copytree(
            ROOT / "tools", tree / "tools", ignore=shutil.ignore_patterns("node_modules", "__pycache__", ".*")
        )
        for name in SOURCES:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tree / name)
        (tree / "made").mkdir()
        environment = os.environ | {"SOURCE_DATE_EPOCH": str(epoch)}
        environment.pop("PYTHONPATH", None)
        command = [sys.executable, "-c", _HOOKS]
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["?"])[-1]
            raise UsageError(f"setuptools can't build the wheel: {said}")
        made = {}
        for path in (tree / "made").iterdir():
            if path.suffix == ".whl":
                made[path.name] = archives.zipped(archives.unzipped(path), epoch)
            else:
                made[path.name] = archives.tarred(archives.untarred(path), epoch)
    return made


BUILDERS = {"tools": tools, "mip": mip, "esp32": esp32_files, "pico_w": pico_w, "rp2040": rp2040}
