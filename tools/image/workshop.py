# SPDX-License-Identifier: MIT
"""What it takes to build MicroPython for the RP2040: its sources, those that it is built from, a cross compiler.

All come from Debian packages, through programs/debian.py, so from the mirror that the machine already uses, and checked
by apt. They are unpacked below .venv, never installed: as root and as an ordinary user alike, and nothing else changes.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tarfile
from contextlib import contextmanager
from pathlib import Path

from tools.errors import UsageError
from tools.programs import debian
from tools.programs.wheels import UNPACKED
from tools.words import in_words

MICROPYTHON = "1.25.0"
# The releases that MicroPython 1.25.0 was made with or works with; beginnings, for Debian adds its own ending.
ORIGINALS = {"micropython": MICROPYTHON, "mbedtls": "3.6."}
SOURCE_PACKAGES = {"pico-sdk-source": "2.1.1", "tinyusb-source": "0.18.0"}
COMPILER = "arm-none-eabi-gcc"
_STAMP = "inputs.sha256"
COMPILER_PACKAGES = ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi")

TREE_ADVICE = f"""Sources can also be named: a checkout of MicroPython {MICROPYTHON} after
  make -C ports/rp2 submodules
and then:  MICROPYTHON_SOURCE=/path/to/micropython make image BOARD=rp2040"""
COMPILER_ADVICE = """Ways to have the compiler:
  Debian, Ubuntu:  sudo apt install gcc-arm-none-eabi libnewlib-arm-none-eabi
  macOS:           brew install --cask gcc-arm-embedded
  elsewhere:       the Arm GNU Toolchain for arm-none-eabi, on the PATH"""
HOST_ADVICE = "It comes with a C compiler for this machine and make: sudo apt install gcc make"


class Unavailable(UsageError):
    """What an image is built with can't be had on this machine."""


def host_tools(folder=None):
    """UsageError unless this machine can build mpy-cross, which runs here, and an image in this `folder`."""
    if folder and re.search(r"\s", str(folder)):
        raise UsageError(
            f"MicroPython's makefiles take no name with a space in it: {folder}. Move the project"
        )
    for program in ("make", "gcc"):
        if shutil.which(program) is None:
            raise Unavailable(f"{program} is missing. {HOST_ADVICE}")


def sources(say):
    """The folder of a MicroPython tree that has all that its rp2 port is built from."""
    named = os.environ.get("MICROPYTHON_SOURCE")
    if named:
        if not (Path(named) / "lib/pico-sdk/pico_sdk_init.cmake").exists():
            raise UsageError(f"{named} has no lib/pico-sdk. {TREE_ADVICE}")
        return Path(named).resolve()
    tree = UNPACKED / f"micropython-{MICROPYTHON}-rp2"
    with locked(tree):
        if not tree.exists():
            say(f"fetching the sources of MicroPython {MICROPYTHON}, pico-sdk, TinyUSB, Mbed TLS")
            once(tree, _assemble, TREE_ADVICE)
    return tree


def compiler(say):
    """(folder of the cross compiler's programs, environment that they need)."""
    found = shutil.which(COMPILER)
    # A compiler without its C library is what a half installation leaves.
    if found and "/" in _ask(found, "-print-file-name=libc.a", {}):
        return Path(found).parent, {}
    tree = UNPACKED / "arm-none-eabi"
    with locked(tree):
        if not tree.exists():
            say(f"fetching the compiler {COMPILER} (some 100 MB)")
            once(tree, _unpack_compiler, COMPILER_ADVICE)
    environment = library_path(tree / "root")
    folder = tree / "root/usr/bin"
    _ask(folder / COMPILER, "--version", environment)
    return folder, environment


def library_path(root):
    """The environment in which programs of an unpacked tree find the libraries that came with them."""
    folders = {str(p.parent) for p in root.rglob("lib*.so.*") if "arm-none-eabi" not in str(p)}
    return {"LD_LIBRARY_PATH": ":".join(sorted(folders))}


def is_made(folder, names, inputs):
    """Whether the folder has these files, and they were made of these inputs (`making`)."""
    stamp = folder / _STAMP
    return all((folder / name).is_file() for name in (*names, _STAMP)) and stamp.read_text() == inputs


@contextmanager
def making(folder, inputs):
    """What is put into the folder within this is made of these inputs. Should it end in the middle, nothing there
    counts as made of any: of two files one may be the old one.
    """
    stamp = folder / _STAMP
    stamp.unlink(missing_ok=True)
    yield
    stamp.write_text(inputs)


@contextmanager
def locked(path):
    """One builder at a time; others wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def once(folder, fill, advice):
    """`fill` makes the folder, which appears under its name only when it is complete; Unavailable where it can't be."""
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    if not debian.available():
        raise Unavailable(f"There is no apt on this system.\n{advice}")
    try:
        fill(new)
    except (debian.PackageError, OSError) as error:
        shutil.rmtree(new, ignore_errors=True)
        raise Unavailable(f"{folder.name} can't be had: {in_words(error)}\n{advice}") from None
    new.rename(folder)


def _unpack_compiler(tree):
    """Debian's compiler has the C library's place as an absolute path in it; moved, it looks where GCC would."""
    programs = debian.unpack_tree(COMPILER_PACKAGES, tree) / "usr"
    (programs / "lib/arm-none-eabi/lib").symlink_to("newlib")
    (programs / "lib/arm-none-eabi/include").symlink_to("../../include/newlib")


def _assemble(tree):
    """MicroPython's source package has empty folders where its submodules belong: they are filled."""
    store = tree.with_name(tree.name + ".packages")
    shutil.rmtree(store, ignore_errors=True)
    store.mkdir(parents=True)
    try:
        archives = debian.source_archives(ORIGINALS, store)
        packages = debian.unpack_single(SOURCE_PACKAGES, store) / "usr/src"
        _extract(archives["micropython"], tree)
        _extract(archives["mbedtls"], tree / "lib/mbedtls")
        (tree / "lib/pico-sdk").rmdir()
        # Its lib/tinyusb is a link to where Debian has it; MicroPython looks in its own lib/tinyusb.
        shutil.copytree(packages / "pico-sdk", tree / "lib/pico-sdk", ignore=_links)
        (tree / "lib/tinyusb").rmdir()
        shutil.copytree(packages / "tinyusb", tree / "lib/tinyusb")
        # Not in Debian and not used, but the build looks whether it is there.
        (tree / "lib/micropython-lib/README.md").touch()
    finally:
        shutil.rmtree(store)


def _links(folder, names):
    return [name for name in names if Path(folder, name).is_symlink()]


def _extract(archive, folder):
    """Unpacks a source archive without the one folder that it has at the top."""
    with tarfile.open(archive) as tar:
        for member in tar:
            _, _, member.name = member.name.partition("/")
            if member.islnk():
                _, _, member.linkname = member.linkname.partition("/")
            if member.name:
                tar.extract(member, folder, filter="tar")


def _ask(program, question, environment):
    try:
        done = subprocess.run(
            [program, question], env={**os.environ, **environment}, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or in_words(error)).strip().splitlines()[-1:]
        raise UsageError(f"{program} does not run: {' '.join(said)}\n{COMPILER_ADVICE}") from None
    return done.stdout.strip()
