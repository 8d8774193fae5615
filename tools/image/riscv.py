# SPDX-License-Identifier: MIT
"""The compiler for RV32IMC and the C library that goes with it, from Debian packages (workshop.py tells how)."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.image import workshop
from tools.programs import debian
from tools.words import in_words

PREFIX = "riscv64-unknown-elf-"  # it compiles for 32 bits as well
PACKAGES = ("gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf")
LIBRARY = Path("usr/lib/picolibc/riscv64-unknown-elf")
# The variant of the libraries for RV32IMC: without compressed instructions, which may call it all the same.
VARIANT = "rv32im"
ADVICE = "Debian, Ubuntu:  sudo apt install " + " ".join(PACKAGES)


@dataclass(frozen=True)
class Compiler:
    """`prefix`: path of its programs up to "gcc"; `environment` that they need; `include`, `library` of picolibc."""

    prefix: str
    environment: dict
    include: Path
    library: Path


def compiler(say):
    """What an image is compiled with. Raises Unavailable."""
    found = shutil.which(PREFIX + "gcc")
    if found and _variant(Path("/")):
        return _compiler(Path(found).parent, {}, Path("/"))
    tree = workshop.UNPACKED / "riscv64-unknown-elf"
    with workshop.locked(tree):
        if not tree.exists():
            say(f"fetching the compiler {PREFIX}gcc (some 150 MB)")
            workshop.once(tree, _unpack, ADVICE)
    root = tree / "root"
    return _compiler(root / "usr/bin", workshop.library_path(root), root)


def _compiler(folder, environment, root):
    library = _variant(root)
    try:
        command = [folder / (PREFIX + "gcc"), "--version"]
        subprocess.run(command, env={**os.environ, **environment}, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise workshop.Unavailable(f"{command[0]} does not run: {in_words(error)}\n{ADVICE}") from None
    if library is None:
        raise workshop.Unavailable(f"there is no {VARIANT} in {root / LIBRARY}\n{ADVICE}")
    return Compiler(str(folder / PREFIX), environment, root / LIBRARY / "include", library)


def _variant(root):
    """The folder of the C library's variant that is compiled for speed and size, or the only one that there is."""
    for folder in ("lib/release", "lib"):
        library = root / LIBRARY / folder / VARIANT / "ilp32"
        if (library / "libc.a").exists():
            return library
    return None


def _unpack(tree):
    """Without the other variants of the libraries: 1 GB that nothing here links with."""
    root = debian.unpack_tree(PACKAGES, tree)
    for folder in sorted(root.rglob("rv[36][24]*")):
        if folder.is_dir() and re.fullmatch(r"rv(32|64)[a-z]+", folder.name) and folder.name != VARIANT:
            shutil.rmtree(folder, ignore_errors=True)
