# SPDX-License-Identifier: MIT
"""msgin5g flash rp2040. A folder stands in for the drive of a board in BOOTSEL mode, and a thread for the board that
takes it away when it has all blocks; a script stands in for picotool; a stand-in REPL for a board that runs.
"""

import json
import shutil
import struct
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from host_tests.tools.board.board_stand_in import BoardStandIn
from tools import cli
from tools.flash import drive as flasher
from tools.line import ports

FAMILY = 0xE48BFF56  # UF2 specification, uf2families.json
INFO = "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n"
BLOCKS = 300


def uf2_file(blocks=BLOCKS, family=FAMILY):
    """By the table of the UF2 specification: 32 octets of head, 476 of data, the last magic number."""
    made = b""
    for number in range(blocks):
        head = struct.pack(
            "<8I", 0x0A324655, 0x9E5D5157, 0x2000, 0x10000000 + 256 * number, 256, number, blocks, family
        )
        made += head + bytes([number & 0xFF]) * 476 + struct.pack("<I", 0x0AB16F30)
    return made


class Drive(threading.Thread):
    """`path` is the drive. It goes away once firmware.uf2 has all blocks; `taken` is what was in it."""

    def __init__(self, path, appears=None, info=INFO, blocks=BLOCKS):
        super().__init__(daemon=True)
        self.path = path
        self.taken = None
        self._appears = appears  # a condition for the drive to come
        self._info = info
        self._size = blocks * 512
        if appears is None:
            self._show()
        self.start()

    def _show(self):
        self.path.mkdir(parents=True)
        (self.path / "INFO_UF2.TXT").write_text(self._info)

    def run(self):
        if self._appears is not None:
            while not self._appears():
                time.sleep(0.01)
            self._show()
        file = self.path / "firmware.uf2"
        while not file.exists() or file.stat().st_size < self._size:
            time.sleep(0.01)
        self.taken = file.read_bytes()
        shutil.rmtree(self.path)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """No board is plugged in, no picotool installed, and drives are mounted below media/."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ports.list_ports, "comports", lambda: [])
    monkeypatch.setattr(flasher, "MOUNTS", (str(tmp_path / "media/*/*"),))
    monkeypatch.setattr(flasher, "WAIT", 10)
    monkeypatch.setattr(flasher, "RESTART", 0)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "firmware.uf2").write_bytes(uf2_file())
    return tmp_path


@pytest.fixture
def flash(capfd):
    def run(*more, board="rp2040"):
        code = cli.main(["flash", board, "--image", "firmware.uf2", *map(str, more)])
        return code, *capfd.readouterr()

    return run


def test_the_drive_is_found_and_gets_every_octet(here, flash):
    drive = Drive(here / "media/user/RPI-RP2")
    code, out, err = flash()
    drive.join(10)
    assert (code, err) == (0, "")
    assert drive.taken == uf2_file()
    assert out == (
        f"flash: cp firmware.uf2 {here}/media/user/RPI-RP2/firmware.uf2\n"
        "flash: 153,600 octets written; the board starts by itself once it has all 300 blocks\n"
        "flash: the drive is gone: it has them\n"
        "flash: next: msgin5g provision --board rp2040 --ue ID\n"
    )


def test_a_board_that_runs_is_sent_to_its_boot_loader(here, flash):
    board = BoardStandIn()
    drive = Drive(here / "media/user/RPI-RP2", appears=lambda: b"machine.bootloader()" in board.heard)
    code, out, err = flash("--port", board.port)
    board.close()
    assert (code, err) == (0, "")
    assert out.startswith(f"flash: mpremote connect {board.port} bootloader\nflash: cp firmware.uf2 ")
    drive.join(10)
    assert drive.taken == uf2_file()


def test_the_port_of_a_running_board_is_found(here, flash, monkeypatch):
    board = BoardStandIn()
    pico = SimpleNamespace(device=board.port, vid=0x2E8A, pid=0x0005, description="Board in FS mode")
    monkeypatch.setattr(ports.list_ports, "comports", lambda: [pico])
    Drive(here / "media/user/RPI-RP2", appears=lambda: b"machine.bootloader()" in board.heard)
    code, out, _ = flash()
    board.close()
    assert code == 0
    assert out.endswith(
        f"flash: the board is at {board.port}; next: msgin5g provision --port {board.port} --ue ID\n"
    )


def test_no_board_and_no_drive(here, flash, monkeypatch):
    code, _, err = flash()
    assert (code, err) == (
        2,
        "msgin5g: no Raspberry Pi Pico is there, neither as a drive nor as a port: hold BOOTSEL while you plug the"
        " board in, and run this again\n",
    )
    monkeypatch.setattr(flasher, "WAIT", 0.2)
    board = BoardStandIn()
    code, _, err = flash("--port", board.port)
    board.close()
    assert code == 2 and "no drive RPI-RP2 came. Where drives are not mounted by themselves" in err


@pytest.mark.parametrize(
    "family, name", ((FAMILY, "RPI-RP2"), (0xE48BFF59, "RP2350"), (0xE48BFF5A, "RP2350"))
)
def test_a_merged_image_is_for_the_drive_of_its_chip(here, flash, family, name):
    """RP2350 data sheet 5.5.2: the Board-ID of its INFO_UF2.TXT."""
    (here / "firmware.uf2").write_bytes(uf2_file(family=family))
    other = {"RPI-RP2": "RP2350", "RP2350": "RPI-RP2"}[name]
    wrong = Drive(here / "media/user/wrong", info=INFO.replace("RPI-RP2", other))
    code, out, err = flash(board="pico_w")
    assert code == 2 and f"is for another image: it says {other}, this one is for {name}" in err
    assert "its files are replaced" in out
    shutil.rmtree(wrong.path)
    drive = Drive(here / "media/user/right", info=INFO.replace("RPI-RP2", name))
    assert flash(board="pico_w")[0] == 0
    drive.join(10)
    assert drive.taken == uf2_file(family=family)


def test_more_than_one_drive_and_other_chips(here, flash):
    for name in ("one", "two"):
        drive = here / "media/user" / name
        drive.mkdir(parents=True)
        (drive / "INFO_UF2.TXT").write_text(INFO)
    code, _, err = flash()
    assert code == 2
    assert (
        f"more than one board in BOOTSEL mode: {here}/media/user/one, {here}/media/user/two. Name one" in err
    )
    shutil.rmtree(here / "media/user/one")
    (here / "media/user/two/INFO_UF2.TXT").write_text(INFO.replace("RPI-RP2", "RP2350"))
    code, _, err = flash()
    assert code == 2 and f"the board at {here}/media/user/two is no Raspberry Pi Pico: it says RP2350" in err
    code, _, err = flash("--drive", here)
    assert code == 2 and "is no drive of a Raspberry Pi Pico: it has no INFO_UF2.TXT" in err


def test_a_board_that_does_not_take_it(here, flash, monkeypatch):
    """The drive stays where it is."""
    monkeypatch.setattr(flasher, "WAIT", 0.2)
    Drive(here / "media/user/RPI-RP2", blocks=BLOCKS + 1)
    code, out, err = flash()
    assert code == 2
    assert "did not go away: the board has not taken the file; hold BOOTSEL while you plug" in err
    assert "it has them" not in out


def test_a_board_that_is_unplugged_in_the_middle(here, flash, monkeypatch):
    """The drive is gone before all is written: the system says that writing fails."""
    Drive(here / "media/user/RPI-RP2")
    written = []

    class Vanishing:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def write(self, octets):
            written.append(len(octets))
            if len(written) == 2:
                shutil.rmtree(here / "media/user/RPI-RP2")
                raise OSError(5, "Input/output error")
            return len(octets)

    monkeypatch.setattr(flasher, "open", lambda *_, **__: Vanishing(), raising=False)
    code, _, err = flash()
    assert code == 2 and "the board was lost in the middle: hold BOOTSEL" in err


@pytest.mark.parametrize(
    "octets, sentence",
    [
        (b"", "firmware.uf2 is no UF2 file: make image BOARD=rp2040"),
        (b"\x7fELF" + bytes(1000), "firmware.uf2 is no UF2 file"),
        (uf2_file()[:-512], "firmware.uf2 is damaged or cut short at block 0"),
        (uf2_file()[:-100], "firmware.uf2 is damaged or cut short at block"),
        (
            uf2_file()[:512] + bytes(512) + uf2_file()[1024:],
            "firmware.uf2 is damaged or cut short at block 1",
        ),
        (
            uf2_file().replace(struct.pack("<I", 0x2000), bytes(4)),  # names no family
            "no board would take firmware.uf2: block 0 is not one of 256 octets for the flash of a chip that it names.",
        ),
        (
            uf2_file(family=0xE48BFF59),
            "is for another chip: its family is 0xe48bff59, the board's is 0xe48bff56",
        ),
    ],
)
def test_files_that_are_no_image(here, flash, octets, sentence):
    (here / "firmware.uf2").write_bytes(octets)
    code, _, err = flash()
    assert code == 2 and sentence in err


# ---- picotool


def picotool(here, *, sees=True, load="exit 0"):
    """A script that notes how it is called; it sees a board in BOOTSEL mode, or says what picotool says."""
    folder = here / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / "picotool"
    look = "sys.exit()" if sees is True else f"print({sees!r}); sys.exit(249)"
    program.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"with open({str(here / 'calls')!r}, 'a') as f: f.write(json.dumps(sys.argv[1:]) + '\\n')\n"
        f"if sys.argv[1] == 'info': {look}\nos.execv('/bin/sh', ['sh', '-c', {load!r}])\n"
    )
    program.chmod(0o755)


def calls(here):
    return [json.loads(line) for line in (here / "calls").read_text().splitlines()]


def test_picotool_where_it_is_installed(here, flash):
    picotool(here, load="echo 'Verifying Flash: OK'")
    code, out, _ = flash()
    assert code == 0
    assert calls(here) == [["info"], ["load", "-v", "-x", "firmware.uf2"]]
    assert out.startswith(
        "flash: picotool load -v -x firmware.uf2\n"
        "Verifying Flash: OK\n"
        "flash: written, verified and started by picotool\n"
    )


def test_a_drive_that_is_named_comes_before_picotool(here, flash):
    picotool(here)
    drive = Drive(here / "media/user/RPI-RP2")
    assert flash("--drive", drive.path)[0] == 0
    assert not (here / "calls").exists()


@pytest.mark.parametrize(
    "sees, load, sentence",
    [
        (
            "Device at bus 1, address 5 appears to be a RP2040 device in BOOTSEL mode,"
            " but picotool was unable to connect",
            "",
            "picotool may not use the board: install its udev rules",
        ),
        (
            "No accessible RP-series devices in BOOTSEL mode were found.",
            "",
            "no Raspberry Pi Pico is there, neither as a drive",
        ),
        (True, "echo 'ERROR: verify failed'; exit 1", "the flash does not keep what was written"),
        (True, "echo 'ERROR: something'; exit 1", "picotool failed, it said why above; hold BOOTSEL"),
    ],
)
def test_picotool_that_fails(here, flash, sees, load, sentence):
    picotool(here, sees=sees, load=load)
    code, _, err = flash()
    assert code == 2 and sentence in err and err.count("\n") == 1


def test_a_drive_that_is_not_there_is_named(here, capsys):
    assert cli.main(["flash", "rp2040", "--image", "firmware.uf2", "--drive", "no/such"]) == 2
    err = capsys.readouterr().err
    assert "there is no folder no/such" in err and "BOOTSEL" not in err


@pytest.mark.parametrize(
    "words",
    [
        ["rp2040", "--chip", "esp32s3"],
        ["rp2040", "--no-stub"],
        ["rp2040", "--offset", "0"],
        ["esp32", "--drive", "x"],
    ],
    ids=" ".join,
)
def test_options_of_the_other_kind_of_board_are_refused(words, capsys):
    assert cli.main(["flash", *words]) == 2
    assert f"is not of the {words[0]}" in capsys.readouterr().err
