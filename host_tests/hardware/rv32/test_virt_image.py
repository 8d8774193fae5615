# SPDX-License-Identifier: MIT
"""The image for RV32IMC: its instruction set, what is in it; and computers that can't build it."""

import json
import re
import struct

import pytest

from host_tests.hardware.rv32.interpreter import EmulatedRV32
from host_tests.interpreters import Result
from tools.emulator.qemu import machine as qemu
from tools.errors import UsageError
from tools.image import riscv, rv32, workshop
from tools.image.boards import ROOT, board_data


def test_a_second_build_does_nothing(virt_image):
    rv32.build("rv32", virt_image.parent)  # of the firmware as it is now
    before = virt_image.stat().st_mtime_ns
    said = []
    assert rv32.build("rv32", virt_image.parent, said.append) == virt_image
    assert (said, virt_image.stat().st_mtime_ns) == ([], before)


def test_it_is_for_rv32imc(virt_image):
    """ELF: 32 bits, little end first, machine 243; e_flags of the RISC-V ELF psABI: compressed, soft-float, not RV32E.
    The attribute names the instruction set, without atomics and floating point."""
    octets = virt_image.read_bytes()
    assert octets[:6] == b"\x7fELF\x01\x01"
    machine, _, entry, _, _, flags = struct.unpack_from("<HIIIII", octets, 18)
    assert (machine, entry, flags) == (243, 0x80000000, 1)
    names = re.findall(rb"rv32(i[0-9a-z_]+)\0", octets)  # of the whole, and of what it is linked from
    assert set(re.findall(rb"([a-z]+)\d+p\d+", b"_".join(names))) == {b"i", b"m", b"c", b"zmmul"}


def test_all_of_the_firmware_that_the_machine_has_a_use_for_is_frozen(virt_image):
    report = json.loads((virt_image.parent / "report.json").read_text())
    firmware = ROOT / "firmware"
    modules = [path for path in firmware.rglob("*.py") if path.name != "manifest.py"]
    names = {str(path.relative_to(firmware).with_suffix("")).replace("/", "_") for path in modules}
    radios = {f"device_links_{name}" for name in ("cyw43", "espnow", "station", "wifi")}
    left_out = radios | {"coap_aio__cpython", "device_update_image"}
    assert left_out < names
    assert names - left_out | {"board", "asyncio_core", "_boot"} <= set(report["frozen"])
    assert not left_out & set(report["frozen"])
    data = board_data("rv32")
    assert report["heap"] < report["ram"] <= data["ram"]


def test_it_has_the_heap_of_an_esp32():
    assert board_data("rv32")["heap"] == board_data("esp32")["heap"]


def test_what_can_not_be_had_is_said(monkeypatch, tmp_path):
    """No apt, no compiler, no QEMU: a sentence that says what to install, and the tests on it are skipped with it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(workshop, "UNPACKED", tmp_path)
    for needed, words in ((riscv.compiler, "gcc-riscv64-unknown-elf"), (qemu.provide, "qemu-system-misc")):
        with pytest.raises(workshop.Unavailable, match=words):
            needed(lambda sentence: None)
    found = EmulatedRV32(tmp_path).run(tmp_path / "test_x.py", ["test_a"])
    assert found == {"test_a": Result("skipped", reason=found["test_a"].reason)}
    assert "sudo apt install" in found["test_a"].reason


def test_what_can_not_be_had_is_asked_for_once(monkeypatch, tmp_path):
    """A network that is not there takes its time each time, and there are some hundred files of tests."""
    asked = []

    def missing():
        asked.append(1)
        raise workshop.Unavailable("no network")

    monkeypatch.setattr(qemu, "provide", missing)
    board = EmulatedRV32(tmp_path)
    for file in ("test_x.py", "test_y.py"):
        assert board.run(tmp_path / file, ["test_a"]) == {"test_a": Result("skipped", reason="no network")}
    assert len(asked) == 1


def test_a_folder_with_a_space_in_its_name_is_said(tmp_path):
    with pytest.raises(UsageError, match="no name with a space in it: .*a b"):
        rv32.build("rv32", tmp_path / "a b")


def test_what_does_not_build_fails(monkeypatch, tmp_path):
    def broken(*_):
        raise UsageError("make failed")

    monkeypatch.setattr(qemu, "provide", lambda: None)
    monkeypatch.setattr(rv32, "build", broken)
    found = EmulatedRV32(tmp_path).run(tmp_path / "test_x.py", ["test_a"])
    assert found == {"test_a": Result("failed", reason="make failed")}
