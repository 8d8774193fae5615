# SPDX-License-Identifier: MIT
"""Files on the machine's flash survive all that ends a run: soft reset, reset, the end of QEMU, a power cut at any
moment; and the flash keeps to what NOR flash does.
"""

import os

import pytest

from host_tests.hardware.rp2040.test_files import READ, ROUNDS, WRITE, rounds
from tools.emulator.client import POWER_CUT
from tools.image import files
from tools.image.boards import board_data

FILES = board_data("rv32")["flash"]["files"]


def test_files_survive_each_kind_of_end(boot):
    machine = boot()
    machine.run(WRITE.format("soft reset"))
    machine.enter()
    assert machine.run(READ).strip() == "soft reset"

    machine.run(WRITE.format("reset"))
    machine.reset_by("import machine\nmachine.reset()")
    assert machine.run(READ).strip() == "reset"

    machine.run(WRITE.format("power"))
    machine.leave()
    machine.emulator.cut_power()
    assert boot().run(READ).strip() == "power"


def test_the_flash_clears_bits_and_erases_sectors(machine):
    """What a W25Q or the flash of an ESP32 does: a program only clears bits; 4096 octets are erased at once."""
    code = "import rv32\nf = rv32.Flash()\nb = bytearray(4096)\nf.ioctl(6, 300)\n"
    code += "before = rv32.operations()\nf.writeblocks(300, bytes([0x5A]) * 256, 256)\n"
    code += "f.writeblocks(300, bytes([0xF0]) * 256, 256)\nprint(rv32.operations() - before)\n"
    code += "f.readblocks(300, b)\nprint(set(b[:256]), set(b[256:512]), set(b[512:]))\n"
    code += "f.writeblocks(300, bytes([0x11]) * 4096)\nf.readblocks(300, b)\nprint(set(b))\n"
    code += "f.ioctl(6, 300)\nf.readblocks(300, b)\nprint(set(b), f.ioctl(4, 0), f.ioctl(5, 0))"
    assert machine.run(code).splitlines() == ["2", "{255} {80} {255}", "{17}", "{255} 512 4096"]


def settle(machine, code=""):
    """Ends a machine whose next start writes nothing: main.py does not run after a boot.py that fails."""
    machine.run("with open('boot.py', 'w') as file: file.write('1 / 0')\n" + code)
    machine.leave()
    machine.emulator.close()


CUTS = range(0, 36, 4)


def test_what_was_said_to_be_written_is_there_after_a_power_cut(boot, tmp_path):
    """The power goes in the middle of a flash operation, every fourth of them from the first on."""
    settle(boot(flash=tmp_path / "start.bin"))
    fresh = (tmp_path / "start.bin").read_bytes()
    confirmed = []
    for cut in CUTS:
        flash = tmp_path / f"cut{cut}.bin"
        flash.write_bytes(fresh[:FILES])
        machine = boot(flash=flash, cut_after=cut)
        machine.begin(ROUNDS)
        said = machine.repl.said().decode()
        assert machine.emulator.wait(60) == POWER_CUT
        last = said.count("done")
        confirmed.append(last)
        # What was closed is there; the round that was under way may be there too, but whole.
        possible = [(n, m) for n in (last, last + 1) for m in (last, last + 1)]
        found = files.read_files(flash.read_bytes()[:FILES])
        assert rounds(found.get("state", b""), found.get("log", b"")) in possible
    assert confirmed == sorted(confirmed) and confirmed[0] == 0 and confirmed[-1] >= 2


@pytest.mark.parametrize("cut, half", [(0, 2048), (1, 128)])
def test_the_operation_is_cut_in_its_middle(boot, tmp_path, cut, half):
    """An erasure is the first here, a page the second: half of each is done."""
    flash = tmp_path / "flash.bin"
    settle(boot(), "import rv32\nrv32.Flash().writeblocks(400, bytes(4096))")
    machine = boot(cut_after=cut)
    machine.begin("import rv32\nf = rv32.Flash()\nf.ioctl(6, 400)\nf.writeblocks(400, bytes(256), 0)")
    assert machine.emulator.wait(60) == POWER_CUT
    sector = flash.read_bytes()[400 * 4096 : 401 * 4096]
    erased, programmed = b"\xff", b"\0"
    if cut == 0:
        assert sector == erased * half + programmed * (4096 - half)
    else:
        assert sector == programmed * half + erased * (4096 - half)


def test_the_machine_reads_a_file_system_made_on_the_host_and_the_other_way_round(boot, tmp_path):
    contents = {"a.txt": b"text", "lib/deep/b.bin": os.urandom(20000), "empty": b""}
    flash = tmp_path / "flash.bin"
    flash.write_bytes(files.file_system(FILES, contents))
    machine = boot()
    code = "import os\nprint(open('a.txt').read(), os.stat('empty')[6], len(open('lib/deep/b.bin', 'rb').read()))"
    assert machine.run(code).split() == ["text", "0", "20000"]
    machine.run("os.remove('a.txt')\nwith open('lib/new', 'w') as f: f.write('of the board')")
    machine.leave()
    machine.emulator.cut_power()
    found = files.read_files(flash.read_bytes()[:FILES])
    expected = dict(contents, **{"lib/new": b"of the board"})
    del expected["a.txt"]
    assert {name: found[name] for name in expected} == expected and "a.txt" not in found
