# SPDX-License-Identifier: MIT
"""The emulator as a program: its own unit tests, its command line, its pseudo-terminal."""

from pathlib import Path

import pytest

from tools.emulator.client import FOLDER, Emulator
from tools.emulator.pty import Terminal
from tools.programs.micropython import BIN
from tools.programs.patience import finish

UNITS = Path(__file__).parent / "emulator"


def node(*arguments):
    return finish(["node", *map(str, arguments)], 120, capture_output=True, text=True)


def test_units(image):
    files = sorted(UNITS.glob("*.test.mjs"))
    done = node("--test", *files)
    assert done.returncode == 0, done.stdout[-4000:]
    assert files and "# fail 0" in done.stdout


def test_help_names_each_option():
    done = node(FOLDER / "main.mjs", "--help")
    assert done.returncode == 0
    for option in (
        "--flash",
        "--repl",
        "--uart0",
        "--virtual",
        "--cut-after",
        "power-cycle",
        "hold",
        "stats",
    ):
        assert option in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "exactly one IMAGE.uf2 is needed"),
        (("--repl", "x", "IMAGE"), "--repl takes a number from 0 to 65535, not x"),
        (("--unique-id", "12", "IMAGE"), "--unique-id takes 16 hexadecimal digits, not 12"),
        (("--colour", "IMAGE"), "Unknown option '--colour'"),
        (("/nonexistent.uf2",), "/nonexistent.uf2 can't be read: ENOENT"),
    ],
)
def test_wrong_arguments_are_explained(image, arguments, sentence):
    arguments = [image if argument == "IMAGE" else argument for argument in arguments]
    done = node(FOLDER / "main.mjs", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr and "\n    at " not in done.stderr


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda octets: octets[:-1], "its size is no multiple of 512"),
        (lambda octets: b"\0" + octets[1:], "block 0 lacks its marks"),
        (lambda octets: octets[:12] + b"\0\0\0\x30" + octets[16:], "block 0 lies outside of the flash"),
        (lambda octets: octets[:28] + b"\0\0\0\0" + octets[32:512], "holds nothing for an RP2040"),
    ],
)
def test_what_is_no_image_is_refused(image, tmp_path, change, sentence):
    wrong = tmp_path / "wrong.uf2"
    wrong.write_bytes(change(image.read_bytes()))
    done = node(FOLDER / "main.mjs", wrong)
    assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr


def test_mpremote_on_a_pseudo_terminal(image, tmp_path):
    with Emulator(image, flash=tmp_path / "flash.bin", options=["--quiet"]) as pico:
        terminal = Terminal(pico.ports["repl"])
        try:
            for number in (20, 21):  # one client after another
                command = [BIN / "mpremote", "connect", terminal.path, "exec", f"print({number} * 2)"]
                done = finish(command, 60, capture_output=True, text=True)
                assert (done.returncode, done.stdout.strip()) == (0, str(2 * number)), done.stderr
        finally:
            terminal.close()


def test_an_unknown_command_is_answered(image):
    with Emulator(image, options=["--quiet"]) as pico:
        with pytest.raises(ValueError, match="no command fly; there are stats, power-cycle, hold"):
            pico.ask("fly")
        assert pico.stats()["halted"] is None
