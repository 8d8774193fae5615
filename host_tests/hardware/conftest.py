# SPDX-License-Identifier: MIT
"""Emulated boards that run the image as it is flashed."""

import contextlib
import functools
import time

import pytest

from host_tests.hardware.at_repl import AtRepl
from host_tests.hardware.pico_w.merging import merged_pico
from host_tests.hardware.rv32.machine import Machine
from tools.emulator.client import Emulator, provide
from tools.emulator.qemu import machine as qemu
from tools.emulator.repl import RawRepl
from tools.errors import UsageError
from tools.image import rp2, rv32
from tools.image.boards import ROOT
from tools.image.workshop import Unavailable
from tools.programs.patience import patiently


@pytest.fixture(scope="session")
def image():
    """build/rp2040/firmware.uf2, of the firmware as it is now."""
    try:
        provide()
        return rp2.build("rp2040", rp2.ROOT / "build/rp2040")
    except UsageError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def merged_image(image, tmp_path_factory):
    """merged_image(BOARD) gives that of a board like the Pico W."""
    return functools.cache(lambda board: merged_pico(image, tmp_path_factory.mktemp(board), board))


@pytest.fixture(scope="session")
def pico_w_image(merged_image):
    """What `make image BOARD=pico_w` makes of a MicroPython for the plain Pico, which the emulator can boot."""
    return merged_image("pico_w")


@pytest.fixture(scope="session")
def virt_image():
    """build/rv32/firmware.elf, of the firmware as it is now. Skips where compiler or QEMU can't be had."""
    try:
        qemu.provide()
        return rv32.build("rv32", ROOT / "build/rv32")
    except Unavailable as error:
        pytest.skip(str(error))
    except UsageError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def boot_virt(virt_image, tmp_path):
    """boot_virt(...) gives a Machine; the same flash file each time unless another one is named."""
    with contextlib.ExitStack() as stack:

        def start(*, flash=None, **options):
            flash = flash or tmp_path / "flash.bin"
            machine = Machine(stack.enter_context(qemu.Virt(virt_image, flash=flash, **options)))
            stack.callback(machine.leave)
            return machine

        yield start


class Board(AtRepl):
    """An emulated Pico with its raw REPL entered."""

    def __init__(self, pico):
        super().__init__(pico)
        self.enter()

    def enter(self, soft_reset=True):
        self.leave()
        self.repl = RawRepl(self.emulator.ports["repl"], soft_reset=soft_reset)

    def reset_by(self, code):
        """Runs code that ends in a reset, and enters the raw REPL after it."""
        before = self._resets()
        # Otherwise main.py may run, and be at its end, before a busy computer enters the REPL.
        self.emulator.ask("hold")
        self.begin(code)
        more = patiently(60)  # for a test that has failed
        while self._resets() == before:
            assert more(), "there was no reset"
            time.sleep(0.02)
        self.enter()

    def _resets(self):
        stats = self.emulator.stats()
        return stats["watchdog_resets"] + stats["forced_resets"]


@pytest.fixture
def boot(request, tmp_path):
    """boot(...) gives a Board; the same flash file each time unless another one is named. Its image is that of the
    board rp2040 unless another one is.
    """
    with contextlib.ExitStack() as stack:

        def start(*, flash=None, virtual=True, options=(), ports=None, image=None):
            options = [*options, *["--virtual"] * virtual, "--quiet"]
            flash = flash or tmp_path / "flash.bin"
            image = image or request.getfixturevalue("image")
            pico = stack.enter_context(Emulator(image, flash=flash, options=options, ports=ports))
            board = Board(pico)
            stack.callback(board.leave)
            return board

        yield start


@pytest.fixture
def board(boot):
    return boot()
