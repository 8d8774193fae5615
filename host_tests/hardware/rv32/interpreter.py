# SPDX-License-Identifier: MIT
"""QEMU's RV32IMC machine as an interpreter of the device tests: the image of boards/rv32, the tests in a ROM.

Where the compiler or QEMU can't be had, its tests are skipped and say so; an image that does not build fails them.
"""

import os

from mpremote.romfs import VfsRomWriter

from host_tests.hardware.emulated import EmulatedBoard, compiled, takes_long
from host_tests.interpreters import Result
from tools.emulator.qemu import machine as qemu
from tools.image import rv32
from tools.image.boards import ROOT
from tools.image.workshop import Unavailable

# What its heap of 128 KiB does not hold beside the test itself (both ends of a line, hundreds of messages, a flash);
# and tests that starve, whose own sums of 32 bits take memory where a word has no more.
NOT_HERE = {
    "test_floods": ("test_recorded_requests_after_a_restart",),
    "test_flash": ("test_what_a_message_costs_the_chip",),
    "test_flash_format": (
        "test_a_file_that_cannot_be_read",
        "test_each_row_of_the_journal_says_its_version",
    ),
    "test_update_power": (
        "test_a_cut_before_each_write",
        "test_a_cut_within_each_write",
        "test_a_flash_that_is_full_from_each_write_on",
        "test_a_cut_on_littlefs",
    ),
    "test_coap_memory": ("test_refusals_and_what_is_malformed", "test_respond"),
    "test_heaps": (
        "test_a_heap_that_is_used_up",
        "test_a_heap_that_is_used_up_without_a_threshold",
    ),
}
# What takes it more than some ten seconds: it runs with RV32_ALL=1, all else with `make test`. TOO_LONG never does.
# None: all of the file.
SLOW = {
    "test_blocks_memory": None,
    "test_characters": None,
    "test_coap_memory": None,
    "test_floods": None,
    "test_flash_format": ("test_a_list_of_fields_of_any_length", "test_any_type_in_any_field"),
    "test_observe_hours": None,
    "test_oscore_memory": None,
    "test_site_memory": None,
    "test_slots_cut": None,
    "test_taken": ("test_sent_from_far_down",),
    "test_update_power": ("test_a_cut_at_each_write_of_a_configuration",),
}
# Octets, of the 16 MiB from qemu.ROM to the end of the machine's memory, in whose last part QEMU puts its device tree.
LONGEST_ROM = 8 << 20


class EmulatedRV32(EmulatedBoard):
    """In real time; as fast as this computer allows otherwise."""

    name = qemu.BOARD
    mount = f"""import os, uctypes, vfs
vfs.mount(vfs.VfsRom(uctypes.bytearray_at({qemu.ROM:#x}, {LONGEST_ROM})), "/rom")
sys.path.append("/rom")
if "tmp" not in os.listdir("/"):
    os.mkdir("/tmp")
"""

    def takes(self, file, name):
        if name in NOT_HERE.get(file.stem, ()) or takes_long(file, name):
            return False
        slow = SLOW.get(file.stem, ())
        return bool(os.environ.get("RV32_ALL")) or slow is not None and name not in slow

    def not_started(self, error):
        return Result("skipped" if isinstance(error, Unavailable) else "failed", reason=str(error))

    def boot(self):
        qemu.provide()
        image = rv32.build(self.name, ROOT / "build" / self.name)
        rom = self.folder / "tests.romfs"
        rom.write_bytes(_romfs(compiled(self.tests)))
        return qemu.Virt(image, flash=self.folder / "flash.bin", rom=rom)


def _romfs(files):
    writer = VfsRomWriter()
    for name, octets in files.items():
        writer.mkfile(name, octets)
    rom = writer.finalise()
    assert len(rom) <= LONGEST_ROM
    return rom
