# SPDX-License-Identifier: MIT
"""Python and its packages, the MicroPython that devices on this machine run on, and what images are built with."""

import importlib.metadata
import platform
import re
import sys
import tomllib

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tools.doctor.finding import lacks, ok, unknown
from tools.image import boards
from tools.words import counted

_AGAIN = "run any verb, make lint: it sees to that"
_WHEEL = "install the wheel again, by pip, which sees to that"


def interpreter(_machine, _args):
    wanted = _project()[0]
    version = platform.python_version()
    said = f"{version}, {sys.executable}"
    if SpecifierSet(wanted).contains(version, prereleases=True):
        yield ok("Python", said)
    else:
        yield lacks("Python", f"{said}; {wanted} is needed", "make clean, then make PYTHON=python3.12 test")


def packages(_machine, _args):
    """What the tools are built on, as the project names it, against what is installed."""
    wanted = [Requirement(text) for text in _project()[1]]
    wanted = [each for each in wanted if each.marker is None or each.marker.evaluate()]
    missing, again = [], _AGAIN if boards.is_clone() else _WHEEL
    for each in wanted:
        try:
            has = importlib.metadata.version(each.name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(lacks("Python packages", f"{each.name} is missing", again))
            continue
        if not each.specifier.contains(has, prereleases=True):
            missing.append(
                lacks("Python packages", f"{each.name} is {has}; {each.specifier} is needed", again)
            )
    if not missing:
        versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("mpremote", "esptool"))
        yield ok(
            "Python packages", f"{counted(len(wanted), 'package')}, as the project wants them; {versions}"
        )
    yield from missing


def _project():
    """(what it says of Python, what it says of packages): of the source where it is there, for what is installed may be
    older than that."""
    try:
        with open(boards.ROOT / "pyproject.toml", "rb") as file:
            project = tomllib.load(file)["project"]
        return project["requires-python"], project["dependencies"]
    except FileNotFoundError:
        installed = importlib.metadata.metadata(boards.DISTRIBUTION)
        required = importlib.metadata.requires(boards.DISTRIBUTION) or []
        return installed["Requires-Python"], [each for each in required if "extra ==" not in each]


def micropython(machine, _args):
    """Of devices on this machine, `msgin5g device`."""
    from tools.programs import micropython as program

    if not boards.is_clone():
        yield ok("MicroPython", "a wheel has no device on this machine, no image and no board: a clone has")
        return
    if not (machine.linux or machine.platform == "darwin"):
        yield unknown(
            "MicroPython", f"its unix port does not run on {machine.platform}", "use a board, or WSL"
        )
        return
    where = program.program()
    try:
        version = ".".join(map(str, program.examine(where)))
    except program.NoMicroPython as error:
        yield lacks("MicroPython", str(error), "make micropython, which says more")
    else:
        yield ok("MicroPython", f"{version}, {where}")


def images(machine, args):
    """What an image of the board that was named is built with: each board needs something else."""
    if not boards.is_clone():
        return
    made = [name for name in boards.having("image")]
    if args.board is None:
        yield unknown("image", f"name a board: --board {'|'.join(made)}")
        return
    data = boards.board_data(args.board)
    if "image" not in data:
        yield ok("image", f"{args.board} needs none: it runs on this machine")
        return
    kind = data["image"]["format"]
    if kind not in ("uf2", "elf"):
        yield ok("image", f"{args.board} is built from MicroPython's own binary (--base), without a compiler")
        return
    yield _compiler(machine, args.board, kind)
    missing = [program for program in ("make", "gcc") if machine.which(program) is None]
    if missing and kind == "uf2":
        yield lacks("image", f"{' and '.join(missing)} for {args.board}", "sudo apt install gcc make")


def _compiler(machine, board, kind):
    from tools.image import riscv, workshop

    prefix, tree, packages, advice = {
        "uf2": (workshop.COMPILER, "arm-none-eabi", workshop.COMPILER_PACKAGES, workshop.COMPILER_ADVICE),
        "elf": (riscv.PREFIX + "gcc", "riscv64-unknown-elf", riscv.PACKAGES, riscv.ADVICE),
    }[kind]
    found = machine.which(prefix)
    if found is None and (workshop.UNPACKED / tree / "root/usr/bin" / prefix).exists():
        found = f"{prefix}, unpacked below .venv"
    if found:
        return ok("image", f"the compiler for {board}, {found}")
    if all(machine.which(program) for program in ("apt-get", "apt-cache", "dpkg-deb")):
        return ok(
            "image",
            f"no compiler for {board} yet; make image gets it from Debian's packages",
            "it takes a while",
        )
    first = re.sub(r"\s+", " ", advice.partition(":\n")[2] or advice)
    return lacks("image", f"{prefix} ({', '.join(packages)}) for {board}", first)
