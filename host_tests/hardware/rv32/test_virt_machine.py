# SPDX-License-Identifier: MIT
"""The parts of the machine as MicroPython's documentation of `time`, `machine` and `os` has them: time, the serial
line, resets, random octets, Ctrl-C; and what becomes of wrong arguments.
"""

import socket

import pytest

from host_tests.hardware.rv32.machine import Machine
from tools.emulator.client import hold
from tools.emulator.qemu.machine import Virt
from tools.emulator.repl import ReplError
from tools.errors import UsageError
from tools.image.boards import board_data


def test_a_sleep_is_no_shorter_than_asked_for(machine):
    code = "import time\nt = time.ticks_us()\ntime.sleep_ms(120)\nprint(time.ticks_diff(time.ticks_us(), t))"
    assert int(machine.run(code)) >= 120_000
    code = "import machine\nt = time.ticks_us()\nmachine.lightsleep(50)\nprint(time.ticks_diff(time.ticks_us(), t))"
    assert int(machine.run(code)) >= 50_000


def test_the_clock_is_this_computers(machine):
    said = machine.run(
        "import time\nprint(time.time_ns() // 1000000000 - time.time(), time.localtime()[0] >= 2024)"
    )
    assert said.split() == ["946684800", "True"]  # seconds from 1970 to 2000, MicroPython's epoch


def test_the_processor_stops_while_it_waits(machine):
    """Of three seconds' sleep QEMU computes a small part: the processor's time is that of the kernel's books."""
    before = used(machine)
    machine.run("import time\ntime.sleep(3)")
    assert used(machine) - before < 75  # hundredths of a second


def used(machine):
    with open(f"/proc/{machine.emulator.process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_the_line_carries_every_octet(boot):
    machine = boot(ports={"repl": 0, "uart1": 0})
    data = bytes(n * 7 & 0xFF for n in range(8192))
    with socket.create_connection(("127.0.0.1", machine.emulator.ports["uart1"]), timeout=60) as wire:
        machine.run(
            "from machine import UART\nu = UART(1, 115200, rxbuf=64)\nassert u.read() is None and not u.any()"
        )
        wire.sendall(data)  # more than FIFO and buffer hold: it waits, and nothing is lost
        code = "got = bytearray()\nwhile len(got) < 8192:\n    got += u.read() or b''\n"
        assert machine.run(code + "print(got == bytes(n * 7 & 255 for n in range(8192)))").strip() == "True"
        machine.run("assert u.write(got) == 8192")
        back = b""
        while len(back) < len(data):
            back += wire.recv(4096)
        assert back == data
        # To wait for it, as asyncio does, and to read with a time-out.
        machine.begin(
            "import select\np = select.poll()\np.register(u, select.POLLIN)\nprint(p.poll(5000) != [], u.read())"
        )
        wire.sendall(b"x")
        assert machine.repl.follow()[0].split() == [b"True", b"b'x'"]
        machine.run("u.init(115200, timeout=50)\nassert u.read(1) is None")


@pytest.mark.parametrize(
    "code, error",
    [
        ("UART(0)", "ValueError: UART: there is 1 only"),
        ("UART(1, 115201)", "ValueError: baudrate: 1 to 115200"),
        ("UART(1, 0)", "ValueError: baudrate"),
        ("UART(1, rxbuf=31)", "ValueError: rxbuf: 32 to 32767"),
        ("UART(1, rxbuf=32768)", "ValueError: rxbuf"),
        ("UART(1, timeout=-1)", "ValueError: a timeout is below 0"),
        ("UART(1, tx=1)", "TypeError"),
        ("Flash().ioctl(6, 512)", "OSError: [Errno 22]"),
        ("Flash().ioctl(6, -1)", "OSError: [Errno 22]"),
        ("Flash().readblocks(511, bytearray(4097))", "OSError: [Errno 22]"),
        ("Flash().readblocks(0, bytearray(1), 2097152)", "OSError: [Errno 22]"),
        ("Flash().writeblocks(0, bytes(256), 1)", "OSError: [Errno 22]"),
        ("Flash().writeblocks(0, bytes(255), 0)", "OSError: [Errno 22]"),
        ("os.urandom(-1)", "ValueError"),
        ("machine.freq()", "NotImplementedError"),
    ],
)
def test_what_can_not_be_is_refused(looking, code, error):
    with pytest.raises(ReplError) as refused:
        looking.run("import machine, os\nfrom machine import UART\nfrom rv32 import Flash\n" + code)
    assert error in str(refused.value)


@pytest.fixture(scope="module")
def looking(virt_image, tmp_path_factory):
    """One machine for tests that leave nothing behind."""
    flash = tmp_path_factory.mktemp("looking") / "flash.bin"
    with Virt(virt_image, flash=flash, ports={"repl": 0, "uart1": 0}) as virt:
        machine = Machine(virt)
        yield machine
        machine.leave()


def test_random_octets_are_others_each_time(machine):
    ask = "import os, random\nprint(os.urandom(16).hex(), random.getrandbits(32), len(os.urandom(1000)))"
    first = machine.run(ask).split()
    machine.reset_by("import machine\nmachine.reset()")
    second = machine.run(ask).split()
    assert first[2] == second[2] == "1000"
    assert first[0] != second[0] and first[1] != second[1]


def test_causes_of_a_reset(boot):
    machine = boot()
    assert cause(machine) == "1"  # PWRON_RESET
    machine.reset_by("import machine\nmachine.reset()")
    assert cause(machine) == "5"  # SOFT_RESET
    machine.reset_by("import machine\nmachine.deepsleep(10)")
    machine.leave()
    machine.emulator.cut_power()
    assert cause(boot()) == "1"


def cause(machine):
    return machine.run("import machine\nprint(machine.reset_cause())").strip()


def test_ctrl_c_ends_code_that_never_waits(machine):
    machine.begin("while True: pass")
    machine.enter(soft_reset=False)
    assert machine.run("print('well')").strip() == "well"


def test_an_exception_of_the_processor_ends_it_with_its_place(machine):
    """A load from behind the memory: mcause 5 (RISC-V privileged architecture, table of mcause)."""
    machine.begin("import uctypes\nprint(uctypes.bytearray_at(0x90000000, 4)[0])")
    assert b"the machine halted: mcause 00000005 mepc 80" in machine.repl.said()
    assert machine.emulator.process.wait(60) == 1


@pytest.mark.parametrize("octets", [bytes(range(8)), b"\xff" * 8])
def test_the_unique_id_is_the_one_that_was_given(boot, octets):
    machine = boot(unique_id=octets)
    assert machine.run("import machine\nprint(machine.unique_id().hex())").strip() == octets.hex()


def test_two_machines_do_not_share_a_flash(boot, tmp_path):
    boot()
    with pytest.raises(UsageError, match="that of a running board"):
        hold(tmp_path / "flash.bin")


@pytest.mark.parametrize("name", ["a,b/flash.bin", "nbd:flash.bin"])
def test_names_of_files_that_mean_something_to_qemu(boot, tmp_path, monkeypatch, name):
    """docs/system/invocation: a comma ends an option; "nbd:" at its beginning is a protocol."""
    (tmp_path / "a,b").mkdir()
    monkeypatch.chdir(tmp_path)
    assert boot(flash=name).run("print(1)").strip() == "1"
    assert (tmp_path / name).stat().st_size == board_data("rv32")["flash"]["size"]


def test_a_file_that_is_no_flash_stays_as_it_is(virt_image, tmp_path):
    for size, said in ((1, "1 octet"), (40 << 20, "41943040 octets")):
        other = tmp_path / "photographs.tar"
        other.write_bytes(b"p" * size)
        with pytest.raises(UsageError, match=f"the flash file has {said}, a flash has 33554432"):
            Virt(virt_image, flash=other)
        assert other.read_bytes() == b"p" * size


def test_a_file_that_is_no_image_is_said(tmp_path):
    with pytest.raises(UsageError, match="none.elf: No such file"):
        Virt(tmp_path / "none.elf", flash=tmp_path / "flash.bin")
    (tmp_path / "other.elf").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(11) + b"\x3e\0")  # of an x86-64
    for name in ("other.elf", "flash.bin"):
        (tmp_path / "flash.bin").touch()
        with pytest.raises(UsageError, match="is no ELF file for RISC-V of 32 bits"):
            Virt(tmp_path / name, flash=tmp_path / "flash.bin")


def test_a_port_that_is_taken_is_said(virt_image, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"--repl {port}: "):
            Virt(virt_image, flash=tmp_path / "flash.bin", ports={"repl": port})
