# SPDX-License-Identifier: MIT
"""The C compiler of this machine, for its own word size and for 32 bits, as the chip has them."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from tools.errors import UsageError
from tools.image import workshop
from tools.programs import debian

PROBE = "#include <math.h>\nint main(int n, char **v) { return sizeof(void *) != 4 || sqrt(n) > 1; }\n"
ADVICE = "On Debian and Ubuntu: sudo apt install gcc-multilib"


class No32Bits(UsageError):
    """There is no way to compile for 32 bits here; the text says why, and what would help."""


def arguments(bits, say):
    """The arguments of make that choose it. Raises No32Bits."""
    if bits == 64:
        return []
    for command in _commands(say):
        if _works(command):
            return [f"CC={' '.join(command)}", "LDFLAGS_EXTRA=-static"]
    raise No32Bits(f"gcc compiles no program of 32 bits that runs here. {ADVICE}")


def _commands(say):
    yield ["gcc", "-m32"]
    if platform.machine() not in ("x86_64", "AMD64"):
        raise No32Bits(f"a processor of the kind {platform.machine()} runs no programs of x86 with 32 bits")
    yield _unpacked(say)


def _unpacked(say):
    """gcc with the 32-bit half of its library and of the C library, from Debian's packages, which are not installed."""
    version = subprocess.run(["gcc", "-dumpversion"], capture_output=True, text=True).stdout.strip()
    major = version.partition(".")[0]
    tree = workshop.UNPACKED / "gcc-32"
    with workshop.locked(tree):
        if not tree.exists():
            if not debian.available():
                raise No32Bits(f"gcc -m32 does not work, and there is no apt on this system. {ADVICE}")
            say("fetching the 32-bit half of gcc's libraries (some 20 MB)")
            new = tree.with_name("gcc-32.new")
            try:
                debian.unpack_tree((f"lib32gcc-{major}-dev", "libc6-dev-i386"), new)
            except (debian.PackageError, OSError) as error:
                shutil.rmtree(new, ignore_errors=True)
                raise No32Bits(
                    f"gcc -m32 does not work, and its libraries can't be had: {error}. {ADVICE}"
                ) from None
            new.rename(tree)
    root = tree / "root/usr"
    folders = [root / "lib32", *root.glob(f"lib/gcc/*/{major}/32")]
    headers = [
        f"-idirafter{path}" for path in root.glob("include/*-linux-gnu")
    ]  # the one that says what is missing
    return ["gcc", "-m32", *headers, *(f"{flag}{path}/" for path in folders for flag in ("-B", "-L"))]


def _works(command):
    folder = Path(workshop.UNPACKED)
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f".probe-32-{os.getpid()}"
    try:
        built = subprocess.run(
            [*command, "-static", "-x", "c", "-", "-lm", "-o", program],
            input=PROBE,
            text=True,
            capture_output=True,
        )
        return built.returncode == 0 and subprocess.run([program]).returncode == 0
    except OSError:
        return False
    finally:
        program.unlink(missing_ok=True)
