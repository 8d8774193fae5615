# SPDX-License-Identifier: MIT
"""Programs that others wrote, which tests talk to: libcoap's client and server, CoAP for Node.js, Wireshark's
dissectors, curl; an MQTT broker, to measure beside; Prometheus' own checks; valgrind; a browser,
for the page; PostgreSQL and NGINX, which several servers stand on and behind.

    python -m tools.programs.peers

puts what is missing into .venv/bin, found or fetched. What can't be had is named, and the tests that need it fail: a
test that quietly does not run proves nothing.
"""

import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from tools.errors import UsageError
from tools.programs import browser, debian, nginx, npm, postgres
from tools.programs.micropython import BIN
from tools.words import in_words

# The peer in JavaScript: its packages, and the two programs that use them
NODE = Path(__file__).resolve().parents[2] / "host_tests/interop/node"
LIBCOAP = "Debian, Ubuntu: sudo apt install libcoap3-bin; elsewhere: build libcoap"


class Peer(NamedTuple):
    """A program of a Debian package, and how to have it elsewhere."""

    package: str
    advice: str
    program: str = ""  # its name in the package, where that is another one
    at_least: tuple = ()  # its version
    alone: bool = False  # it needs the C library and no other package


OSCORE = (
    "libcoap3-bin",
    "Debian 14 or newer: sudo apt install libcoap3-bin; elsewhere: build libcoap 4.3.5, and with OpenSSL, for OSCORE",
)
PEERS = {
    "coap-client-notls": Peer("libcoap3-bin", LIBCOAP),
    "coap-server-notls": Peer("libcoap3-bin", LIBCOAP),
    # libcoap has OSCORE since 4.3.2, and its appendix B.2 right since 4.3.5
    "coap-client-oscore": Peer(*OSCORE, "coap-client-openssl", (4, 3, 5)),
    "coap-server-oscore": Peer(*OSCORE, "coap-server-openssl", (4, 3, 5)),
    "valgrind": Peer(
        "valgrind",
        "Debian, Ubuntu: sudo apt install valgrind; elsewhere: https://valgrind.org (there is none for macOS on Arm)",
    ),
    # Unpacked, not installed: a package of a broker starts it, for all the machine
    "mosquitto": Peer(
        "mosquitto",
        "Debian, Ubuntu: sudo apt install mosquitto; Homebrew: brew install mosquitto",
        at_least=(2,),
    ),
    "curl": Peer("curl", "Debian, Ubuntu: sudo apt install curl; Homebrew: brew install curl"),
    "tshark": Peer("tshark", "Debian, Ubuntu: sudo apt install tshark; Homebrew: brew install wireshark"),
    # Unpacked for the same reason, and without what its pages are made of
    "promtool": Peer(
        "prometheus",
        "Debian, Ubuntu: sudo apt install prometheus; Homebrew: brew install prometheus",
        alone=True,
    ),
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
        raise NoPeer(f"{program} is missing. {PEERS[program].advice}. Then: make peers")
    return found


def node_peer():
    """The folder of the programs in JavaScript, for a test. NoPeer says what to install."""
    try:
        npm.provide(NODE, "CoAP for Node.js, a peer of the tests,")
    except UsageError as error:
        raise NoPeer(str(error)) from None
    return NODE


def provide(program, folder=BIN):
    """Sees to it that a peer can be found by peer(); NoPeer says why it can't."""
    wanted = PEERS[program]
    link = Path(folder) / program
    if link.exists() or shutil.which(program):
        return
    link.unlink(missing_ok=True)  # one that leads nowhere
    if not debian.available():
        raise NoPeer(f"{program} is missing, and there is no apt on this system. {wanted.advice}")
    print(f"Peers for the tests: fetching {program} (package {wanted.package})", flush=True)
    try:
        if wanted.alone:
            link.symlink_to(_unpack_alone(wanted.package, program, _place(link, wanted.package)))
        elif debian.is_root() and not wanted.at_least:
            debian.install(wanted.package)
        elif program == "valgrind":
            link.symlink_to(_unpack_valgrind(wanted.package, program, _place(link, program)))
        else:
            link.symlink_to(_unpacked(wanted, program, link))
    except (debian.PackageError, OSError) as error:
        raise NoPeer(f"{program} is missing ({in_words(error)}). {wanted.advice}") from None


def _place(link, name):
    return link.parent.parent / "unpacked" / name


def _unpacked(wanted, program, link):
    """A start script for the program. What is unpacked already, for another program of the package, serves again."""
    version = "".join(f"-{number}" for number in wanted.at_least)
    folder = _place(link, wanted.package + version)
    name = wanted.program or program
    if (folder / "root").is_dir():
        return debian.start_script(folder / "root", name)
    return debian.unpack(wanted.package, name, folder, wanted.at_least)


def _unpack_alone(package, program, folder):
    """For one that runs with the C library of this machine."""
    root = debian.unpack_single({package: ""}, folder)
    shutil.rmtree(folder / "sources")
    return root / "usr/bin" / program


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
    there = [program for program in PEERS if (BIN / program).exists() or shutil.which(program)]
    try:
        there.append(node_peer().name)
    except NoPeer as error:
        print(f"Peers for the tests: {error}", file=sys.stderr)
    try:
        there += [Path(browser.provide().program).name, browser.axe().parent.name]
    except browser.NoBrowser as error:
        print(f"Peers for the tests: {error}. The tests of the page are skipped.", file=sys.stderr)
    for program in (postgres, nginx):
        try:
            program.provide()
            there.append(program.NAME)
        except UsageError as error:
            print(f"Peers for the tests: {error}", file=sys.stderr)
    print("Peers for the tests:", ", ".join(there) or "none")
    return 0


if __name__ == "__main__":
    sys.exit(main())
