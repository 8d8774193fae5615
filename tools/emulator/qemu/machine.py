# SPDX-License-Identifier: MIT
"""QEMU's `virt` machine for RV32IMC with an image of boards/rv32: its lines as TCP ports, its flash in a file."""

import os
import shutil
import socket
import subprocess
from dataclasses import dataclass

from tools.emulator.client import Emulator
from tools.errors import UsageError
from tools.image import workshop
from tools.image.boards import board_data
from tools.programs import debian
from tools.words import counted, in_words, why

BOARD = "rv32"
PROGRAM = "qemu-system-riscv32"
# Later releases have a package of its own for RISC-V.
PACKAGES = ("qemu-system-misc", "qemu-system-riscv")
ADVICE = f"Debian, Ubuntu:  sudo apt install {PACKAGES[0]}; Homebrew: brew install qemu"
LINES = ("repl", "uart1")
UNIQUE_ID = b"rv32virt"

# boards/rv32/port/virt.h: the page that the image reads what it was given from; where it looks for a ROM of tests
STRAPS = 0x80800000
STRAPS_MARK = 0x3447534D
NEVER = 0xFFFFFFFF
ROM = 0x81000000
MEMORY = "32M"


@dataclass(frozen=True)
class Qemu:
    """Where the program is, and the environment that it needs."""

    program: str
    environment: dict


def provide(say=print):
    """Where QEMU is; fetched and unpacked where it is not installed. Raises Unavailable."""
    found = shutil.which(PROGRAM)
    if found:
        return Qemu(found, {})
    tree = workshop.UNPACKED / "qemu"
    with workshop.locked(tree):
        if not tree.exists():
            say(f"fetching {PROGRAM} (some 50 MB)")
            workshop.once(tree, _unpack, ADVICE)
    found = Qemu(str(tree / "root/usr/bin" / PROGRAM), workshop.library_path(tree / "root"))
    try:
        command = [found.program, "--version"]
        subprocess.run(command, env={**os.environ, **found.environment}, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise workshop.Unavailable(f"{PROGRAM} does not run: {in_words(error)}\n{ADVICE}") from None
    return found


def _unpack(tree):
    """Without what else is in the packages: machines of other kinds, firmware for them, documentation."""
    for package in PACKAGES:
        root = debian.unpack_tree((package,), tree)
        if (root / "usr/bin" / PROGRAM).exists():
            break
    for path in (root / "usr/bin").iterdir():
        if path.name != PROGRAM:
            path.unlink()
    shutil.rmtree(root / "usr/share", ignore_errors=True)


class Virt(Emulator):
    """A running machine. `ports` has the TCP port of each line: "repl", "uart1". Killing it is a power cut.

    `cut_after`: the power goes in the middle of flash operation N + 1, and QEMU ends with exit code POWER_CUT.
    `rom`: a file that the image finds at ROM.
    """

    def __init__(self, image, *, flash, ports=None, cut_after=None, unique_id=UNIQUE_ID, rom=None, log=None):
        _examine(image)
        self._listening = {line: _listen(line, port) for line, port in (ports or {"repl": 0}).items()}
        self.ports = {line: listening.getsockname()[1] for line, listening in self._listening.items()}
        try:
            self._start(self._command(image, flash, cut_after, unique_id, rom), flash, log)
        finally:
            for listening in self._listening.values():
                listening.close()  # QEMU has it now

    def _command(self, image, flash, cut_after, unique_id, rom):
        cut_after = NEVER if cut_after is None else cut_after
        words = (STRAPS_MARK | cut_after << 32, int.from_bytes(unique_id, "little"))
        loaded = [f"file={_named(image)}"]
        loaded += [f"addr={STRAPS + 8 * n:#x},data={word:#x},data-len=8" for n, word in enumerate(words)]
        if rom is not None:
            loaded.append(f"file={_named(rom)},addr={ROM:#x},force-raw=on")
        command = ["-machine", "virt", "-m", MEMORY, "-bios", "none", "-nodefaults", "-display", "none"]
        command += ["-global", "virtio-mmio.force-legacy=false", "-device", "virtio-rng-device"]
        command += ["-drive", f"if=pflash,unit=1,format=raw,file={_named(flash)}"]
        for line, use in zip(
            LINES, (("-serial", "chardev:"), ("-device", "pci-serial,chardev=")), strict=True
        ):
            if line in self._listening:
                where = f"socket,id={line},server=on,wait=off,fd={self._listening[line].fileno()}"
            else:
                where = f"null,id={line}"
            command += ["-chardev", where, use[0], use[1] + line]
        for what in loaded:
            command += ["-device", f"loader,{what}"]
        return command

    def _start_with(self, command, descriptors, log):
        qemu = provide()
        _fill(descriptors[0])
        # It has no input whose end would end it, as the Pico's emulator has; so it ends with the one who started it.
        bound = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        self.process = subprocess.Popen(
            [*bound, qemu.program, *map(str, command)],
            env={**os.environ, **qemu.environment},
            pass_fds=(*descriptors, *(listening.fileno() for listening in self._listening.values())),
            stdin=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )

    def close(self):
        self.process.kill()
        self.process.wait()


def _listen(line, port):
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(1)
    except OSError as error:
        listening.close()
        raise UsageError(f"--{line} {port}: {why(error)}") from None
    return listening


def _named(file):
    """A file's name within an option of QEMU's: a comma would end it, and "x:" at its beginning name a protocol."""
    return os.path.abspath(file).replace(",", ",,")


def _examine(image):
    """UsageError unless it is a program for RISC-V of 32 bits: QEMU takes any file, and runs what is in it."""
    try:
        with open(image, "rb") as file:
            first = file.read(20)
    except OSError as error:
        raise UsageError(f"image {image}: {why(error)}") from None
    if first[:6] != b"\x7fELF\x01\x01" or first[18:] != b"\xf3\0":
        raise UsageError(
            f"image {image} is no ELF file for RISC-V of 32 bits; make image BOARD={BOARD} makes one"
        )


def _fill(descriptor):
    """The bank of flash is 32 MiB for QEMU, of which the image uses the first part; a new one is erased there.
    UsageError for a file of another size, which is none: to make it fit would destroy it.
    """
    flash = board_data(BOARD)["flash"]
    size = os.fstat(descriptor).st_size
    if size not in (0, flash["files"], flash["size"]):
        wanted = f"{counted(flash['size'], 'octet')}, or {flash['files']} with the files alone"
        raise UsageError(
            f"the flash file has {counted(size, 'octet')}, a flash has {wanted}: give another --flash"
        )
    os.truncate(descriptor, flash["size"])
    if size == 0:
        os.pwrite(descriptor, b"\xff" * flash["files"], 0)
