# SPDX-License-Identifier: MIT
"""Programs that others wrote: libcoap's client and Wireshark's dissectors, which tests talk to, and valgrind.

    python -m tools.programs.peers

puts what is missing into .venv/bin, found or fetched. What can't be had is named, and the tests that need it fail: a
test that quietly does not run proves nothing.
"""

import shutil
import sys
from pathlib import Path

from tools.programs import debian
from tools.programs.micropython import BIN

# program: (Debian package, how to have it elsewhere)
PEERS = {
    "coap-client-notls": (
        "libcoap3-bin",
        "Debian, Ubuntu: sudo apt install libcoap3-bin; elsewhere: build libcoap",
    ),
    "valgrind": (
        "valgrind",
        "Debian, Ubuntu: sudo apt install valgrind; elsewhere: https://valgrind.org (there is none for macOS on Arm)",
    ),
    "tshark": ("tshark", "Debian, Ubuntu: sudo apt install tshark; Homebrew: brew install wireshark"),
}


class NoPeer(Exception):
    """A peer that can't be had; the text says what to install."""


def peer(program):
    """The path of a peer, for a test. NoPeer says what to install."""
    link = BIN / program
    if link.exists():
        return str(link)
    found = shutil.which(program)
    if found is None:
        raise NoPeer(f"{program} is missing. {PEERS[program][1]}. Then: make peers")
    return found


def provide(program, folder=BIN):
    """Sees to it that a peer can be found by peer(); NoPeer says why it can't."""
    package, advice = PEERS[program]
    link = Path(folder) / program
    if link.exists() or shutil.which(program):
        return
    link.unlink(missing_ok=True)  # one that leads nowhere
    if not debian.available():
        raise NoPeer(f"{program} is missing, and there is no apt on this system. {advice}")
    print(f"Peers for the tests: fetching {program} (package {package})", flush=True)
    try:
        if debian.is_root():
            debian.install(package)
        else:
            unpack = _unpack_valgrind if program == "valgrind" else debian.unpack
            link.symlink_to(unpack(package, program, link.parent.parent / "unpacked" / program))
    except (debian.PackageError, OSError) as error:
        raise NoPeer(f"{program} is missing ({error}). {advice}") from None


def _unpack_valgrind(package, program, folder):
    """It starts itself anew for each program that it follows, so it can't be started through another loader; and it
    has to be told where its tools are."""
    root = debian.unpack_tree([package], folder)
    script = folder / program
    script.write_text(
        f'#!/bin/sh\nVALGRIND_LIB="{root}/usr/libexec/valgrind" exec "{root}/usr/bin/valgrind.bin" "$@"\n'
    )
    script.chmod(0o755)
    return script


def main():
    """Always succeeds: the tests say which of them need what is missing."""
    for program in PEERS:
        try:
            provide(program)
        except NoPeer as error:
            print(f"Peers for the tests: {error}", file=sys.stderr)
    print(
        "Peers for the tests:", ", ".join(p for p in PEERS if (BIN / p).exists() or shutil.which(p)) or "none"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
