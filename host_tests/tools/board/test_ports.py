# SPDX-License-Identifier: MIT
"""Which port has the board, and the sentences for ports that can't be opened. The list of USB devices stands in for
hardware; the busy port is a real pseudo-terminal.
"""

import contextlib
import errno
import fcntl
import grp
import os
import shlex
import subprocess
from types import SimpleNamespace

import pytest
import serial

from tools import cli
from tools.errors import UsageError
from tools.image.boards import ROOT
from tools.line import ports, remote, repl

PICO = SimpleNamespace(device="/dev/ttyACM0", vid=0x2E8A, pid=0x0005, description="Board in FS mode")
SECOND = SimpleNamespace(device="/dev/ttyACM3", vid=0x2E8A, pid=0x0005, description="Board in FS mode")
CP2102 = SimpleNamespace(device="/dev/ttyUSB0", vid=0x10C4, pid=0xEA60, description="CP2102 USB to UART")
S3 = SimpleNamespace(device="/dev/ttyACM1", vid=0x303A, pid=0x1001, description="USB JTAG/serial debug unit")
MODEM = SimpleNamespace(device="/dev/ttyS0", vid=None, pid=None, description="n/a")


@pytest.fixture
def plugged(monkeypatch):
    def plug(*devices):
        monkeypatch.setattr(ports.list_ports, "comports", lambda: list(devices))

    return plug


def test_the_one_board_is_found_by_its_usb_ids(plugged):
    plugged(MODEM, PICO)
    assert ports.find() == ports.find("rp2040") == "/dev/ttyACM0"
    plugged(CP2102, MODEM)
    assert ports.find() == ports.find("esp32") == "/dev/ttyUSB0"
    plugged(S3, PICO)
    assert (ports.find("rp2040"), ports.find("esp32")) == ("/dev/ttyACM0", "/dev/ttyACM1")


def test_a_chip_without_usb_is_at_an_adapter_only(plugged):
    plugged(S3, CP2102)
    assert ports.find("esp32", own=False) == "/dev/ttyUSB0"
    with pytest.raises(UsageError, match="more than one ESP32"):
        ports.find("esp32")


def test_several_boards_have_to_be_told_apart(plugged):
    plugged(SECOND, PICO, CP2102)
    for board, names in (
        (
            None,
            "/dev/ttyACM0 (Board in FS mode), /dev/ttyACM3 (Board in FS mode), /dev/ttyUSB0 (CP2102 USB to UART)",
        ),
        ("rp2040", "/dev/ttyACM0 (Board in FS mode), /dev/ttyACM3 (Board in FS mode)"),
    ):
        with pytest.raises(UsageError) as caught:
            ports.find(board)
        assert f": {names}. Name one with --port" in str(caught.value)
    assert str(caught.value).startswith("there is more than one Pico with MicroPython: ")


def test_no_board_says_what_is_there(plugged):
    plugged()
    with pytest.raises(UsageError, match="^no ESP32 is connected: plug it in, .* name its port with --port$"):
        ports.find("esp32")
    plugged(MODEM)
    with pytest.raises(UsageError, match="--port; ports that are there: /dev/ttyS0$"):
        ports.find()


@pytest.mark.parametrize(
    "number, sentence",
    [
        (errno.ENOENT, "there is no port /dev/ttyX; "),
        (errno.EACCES, "you may not open /dev/ttyX: sudo usermod -a -G dialout $USER, then log in again"),
        (errno.EBUSY, "/dev/ttyX is in use by another program"),
        (errno.EAGAIN, "/dev/ttyX is in use by another program"),
        (errno.EIO, "/dev/ttyX does not work any more: plug the board in again"),
        (errno.ENXIO, "/dev/ttyX can't be opened: No such device or address"),
    ],
)
def test_each_reason_has_its_sentence(plugged, monkeypatch, number, sentence):
    plugged()

    def refuse(*_, **__):
        raise serial.SerialException(number, "could not open port")

    monkeypatch.setattr(serial, "serial_for_url", refuse)
    with pytest.raises(UsageError) as caught:
        remote.Board("/dev/ttyX")
    assert str(caught.value).startswith(sentence)


def test_the_group_to_join_is_the_one_that_owns_the_port():
    ours, its = os.openpty()
    group = grp.getgrgid(os.fstat(its).st_gid).gr_name  # "tty", where devpts is mounted as it should be
    said = ports.why(os.ttyname(its), PermissionError(errno.EACCES, "Permission denied"))
    os.close(ours)
    os.close(its)
    assert f"sudo usermod -a -G {'dialout' if group == 'root' else group} $USER, then log in again" in said


def test_a_port_that_another_program_has(plugged):
    plugged()
    ours, its = os.openpty()
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, ours)
        stack.callback(os.close, its)
        fcntl.flock(its, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as mpremote and pyserial's `exclusive` do
        with pytest.raises(UsageError, match="/dev/pts/.* is in use by another program"):
            remote.Board(os.ttyname(its))


def test_repl_says_what_it_starts(plugged, monkeypatch, capsys, tmp_path):
    plugged(PICO)
    commands = []
    monkeypatch.setattr(repl.os, "execv", lambda program, command: commands.append(command[1:]))
    cli.main(["repl"])
    assert capsys.readouterr().out == "repl: mpremote connect /dev/ttyACM0 repl\n"
    assert commands == [["-m", "mpremote", "connect", "/dev/ttyACM0", "repl"]]
    plugged(PICO, SECOND)
    assert cli.main(["repl"]) == 2
    # one that no USB ids tell of is at the port that is named
    capsys.readouterr()
    assert cli.main(["repl", "--board", "rv32"]) == 2
    assert capsys.readouterr().err == (
        "msgin5g: rv32 can't be told from others by what it shows on USB: name its port with --port\n"
    )
    there = tmp_path / "port"
    there.touch()
    assert cli.main(["repl", "--board", "rv32", "--port", str(there)]) is None
    assert commands.pop()[3] == str(there)
    there.unlink()
    assert cli.main(["repl", "--board", "rv32", "--port", str(there)]) == 2
    assert f"there is no port {there}" in capsys.readouterr().err
    assert cli.main(["repl", "--port", "socket://127.0.0.1:5901"]) is None
    assert commands[1][3] == "socket://127.0.0.1:5901"


@pytest.mark.parametrize(
    "words, command",
    [
        (["provision", "UE=ue:1@example.org"], "provision --ue ue:1@example.org"),
        (
            ["provision", "BOARD=esp32", "PORT=/dev/x", "PEER=coap://h", "ARGS=--force"],
            "provision --board esp32 --port /dev/x --peer coap://h --force",
        ),
        (["flash"], "flash rp2040"),
        (["flash", "BOARD=esp32", "PORT=/dev/x", "ARGS=--no-reset"], "flash esp32 --port /dev/x --no-reset"),
        (["repl", "PORT=socket://127.0.0.1:5901"], "repl --port socket://127.0.0.1:5901"),
        (["gateway"], "gateway --coap 0.0.0.0:65401"),
        (["gateway", "SECURITY=none"], "gateway --security none --open --coap 0.0.0.0:65401"),
        (["gateway", "SECURITY=oscore", "SERIAL=/dev/x"], "gateway --coap 0.0.0.0:65401 --serial /dev/x"),
    ],
)
def test_the_verbs_of_the_makefile(words, command):
    done = subprocess.run(["make", "-n", "-C", ROOT, *words], capture_output=True, text=True, check=True)
    ours = [line for line in done.stdout.replace("\\\n", " ").splitlines() if "/msgin5g " in line]
    assert [shlex.split(line)[1:] for line in ours] == [command.split()]
