# SPDX-License-Identifier: MIT
"""Serial ports and those of the network: really there, really taken, by another process where that matters."""

import os
import pty
import socket
import stat
import subprocess
import sys

import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from tools.doctor import network, ports
from tools.doctor.finding import LACKS, OK, UNKNOWN
from tools.doctor.machine import Machine

HOLDER = "import sys\nfile = open(sys.argv[1], 'r+b', 0)\nprint('open', flush=True)\nsys.stdin.read()\n"


@pytest.fixture
def terminal():
    """A serial line as the kernel makes it: a character device."""
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    yield name
    os.close(master)


@pytest.fixture
def plugged(monkeypatch):
    """plugged(NAME, VID, PID): what pyserial tells of a board."""

    def plug(*boards):
        there = []
        for name, vid, pid in boards:
            port = ListPortInfo(name)
            port.vid, port.pid, port.description = vid, pid, "Board in FS mode"
            there.append(port)
        monkeypatch.setattr(list_ports, "comports", lambda: there)

    plug()
    return plug


def look(args, machine=None, **more):
    return list(ports.serial_ports(machine or Machine(), args(**more)))


def test_nothing_is_plugged_in(plugged, args):
    (found,) = look(args)
    assert found.state == OK and "no board is plugged in" in found.said


def test_a_board_is_named_by_its_usb(plugged, terminal, args):
    """2e8a:0005 is MicroPython on an RP2040, 303a Espressif's own (boards/*/board.json)."""
    plugged((terminal, 0x2E8A, 0x0005))
    (found,) = look(args)
    assert found.state == OK
    assert found.check == f"serial port {terminal} (Board in FS mode; maybe pico_w or rp2040)"
    plugged((terminal, 0x303A, 0x1001))
    assert "maybe esp32" in look(args)[0].check
    plugged((terminal, 0x1234, 0x5678))
    assert look(args)[0].check == f"serial port {terminal} (Board in FS mode)"


def test_a_port_that_another_program_has_open(plugged, terminal, args):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, terminal], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        holder.stdout.readline()
        (found,) = look(args, port=terminal)
        holder.stdin.close()
    assert found.state == LACKS
    assert found.said.startswith(f"process {holder.pid} (") and found.said.endswith(") has it open")


def test_an_emulated_board_is_not_taken_by_its_emulator(plugged, terminal, args):
    words = [sys.executable, "-c", HOLDER, terminal, "msgin5g", "emulate", "rp2040"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        (found,) = look(args, port=terminal)
        holder.stdin.close()
    assert found.state == OK


def test_a_port_that_is_not_there_and_one_that_is_none(plugged, tmp_path, args):
    (found,) = look(args, port=str(tmp_path / "ttyACM0"))
    assert found.state == LACKS and found.said == "is not there"
    (found,) = look(args, port=str(tmp_path))
    assert found.state == LACKS and found.said == "is no serial port"
    assert look(args, port="socket://127.0.0.1:5901")[0].said == "no board is plugged in"


class People(Machine):
    """A machine with other groups: {group: who is in it}; `group` owns the device."""

    def __init__(self, group, members=()):
        super().__init__()
        self._of = group, list(members)

    def group(self, _):
        return self._of[0]

    def members(self, _):
        return self._of[1]

    def user(self):
        return "pi"


@pytest.mark.parametrize("group", ["dialout", "uucp"])
def test_the_group_to_join_is_the_one_that_owns_the_device(group):
    """crw-rw----, as udev makes it: dialout on Debian, uucp on Arch."""
    mode = os.stat_result((stat.S_IFCHR | 0o660, 0, 0, 1, 0, 20, 0, 0, 0, 0))
    assert ports.joining(mode, People(group)) == f"sudo usermod -a -G {group} pi, then log out, and in again"
    assert (
        ports.joining(mode, People(group, ["pi"]))
        == f"you are in the group {group} already: log out, and in again"
    )


@pytest.mark.parametrize(("bits", "group"), [(0o600, "dialout"), (0o660, "root"), (0o640, "dialout")])
def test_no_group_may(bits, group):
    mode = os.stat_result((stat.S_IFCHR | bits, 0, 0, 1, 0, 20, 0, 0, 0, 0))
    assert "udev" in ports.joining(mode, People(group))


def test_a_port_that_we_may_not_open(plugged, terminal, args, monkeypatch):
    """As it is for an account that is not root: access(2) says no."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (found,) = look(args, People("dialout"), port=terminal)
    assert found.state == LACKS and found.said == "you may not open it" and found.todo


# ---- of the network


def udp(args, port, host="127.0.0.1"):
    return next(iter(network.coap_port(None, args(coap=(host, port)))))


def taken_by(program, kind):
    """A process that has a port: its command line, and the port."""
    code = (
        f"import socket, sys; s = socket.socket(socket.AF_INET, socket.{kind}); s.bind(('127.0.0.1', 0))\n"
        "if s.type == socket.SOCK_STREAM: s.listen()\n"
        "print(s.getsockname()[1], flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", code, *program.split()]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return process, int(process.stdout.readline())


def test_a_free_port_and_the_standard_one(args):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    first, second = network.coap_port(None, args(coap=("127.0.0.1", port)))
    assert first.state == OK and first.check == f"CoAP port {port}/UDP"
    assert second.check == "CoAP port 5683/UDP"  # RFC 7252 section 12.6
    assert len(list(network.coap_port(None, args(coap=("127.0.0.1", 5683))))) == 1


@pytest.mark.parametrize("kind", ["SOCK_DGRAM", "SOCK_STREAM"])
def test_a_port_that_is_taken_and_by_whom(args, kind):
    process, port = taken_by("something", kind)
    with process:
        if kind == "SOCK_DGRAM":
            found = udp(args, port)
        else:
            (found,) = network.http_port(None, args(http=("127.0.0.1", port)))
        process.stdin.close()
    assert found.state == LACKS
    assert found.said.startswith(f"process {process.pid} (") and found.said.endswith(" has it")
    option = "--coap" if kind == "SOCK_DGRAM" else "--http"
    assert found.todo == f"end that, or take another with {option} HOST:PORT"


def test_the_gateway_itself_may_have_it(args):
    process, port = taken_by("msgin5g gateway", "SOCK_DGRAM")
    with process:
        found = udp(args, port)
        process.stdin.close()
    assert found.state == OK and found.said.startswith(f"process {process.pid} (")


def test_a_host_that_is_not_here(args):
    found = udp(args, 65401, "192.0.2.1")
    assert found.state == UNKNOWN and "Cannot assign requested address" in found.said


def test_who_has_no_name_on_this_machine_has_a_number(monkeypatch):
    """As in a container that runs as some number."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 47114711)
    assert Machine().user() == "47114711"
