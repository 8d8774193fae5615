# SPDX-License-Identifier: MIT
"""A file that keeps a board's flash: its owner's alone, and one board at a time."""

import os
import stat

import pytest

from tools.emulator.client import hold
from tools.errors import UsageError


def test_a_flash_file_is_private_from_its_first_octet(tmp_path):
    before = os.umask(0)
    try:
        descriptor = hold(tmp_path / "flash.bin")
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.fstat(descriptor).st_mode) == 0o600
    os.close(descriptor)


def test_an_older_one_is_mended_with_a_word(tmp_path, capsys):
    (tmp_path / "flash.bin").write_bytes(b"keys")
    (tmp_path / "flash.bin").chmod(0o644)
    os.close(hold(tmp_path / "flash.bin"))
    assert stat.S_IMODE((tmp_path / "flash.bin").stat().st_mode) == 0o600
    assert "flash.bin" in capsys.readouterr().err
    assert (tmp_path / "flash.bin").read_bytes() == b"keys"


def test_one_board_at_a_time_by_whatever_name(tmp_path):
    descriptor = hold(tmp_path / "flash.bin")
    (tmp_path / "link").symlink_to("flash.bin")
    os.link(tmp_path / "flash.bin", tmp_path / "hard")
    for name in ("flash.bin", "link", "hard"):
        with pytest.raises(UsageError, match=rf"{name} is that of a running board, process {os.getpid()} \("):
            hold(tmp_path / name)
    os.close(descriptor)
    os.close(hold(tmp_path / "link"))


def test_a_flash_file_that_cannot_be(tmp_path):
    with pytest.raises(UsageError, match="flash file .*: Is a directory"):
        hold(tmp_path)
    with pytest.raises(UsageError, match="No such file or directory"):
        hold(tmp_path / "no/such")
