# SPDX-License-Identifier: MIT
"""A merged image that the emulator of the plain Pico can boot."""

import pytest

from host_tests.hardware.pico_w import pico_base
from tools.image import merged
from tools.image.boards import board_data


def merged_pico(image, folder, board="pico_w"):
    """The path of an image below `folder`, of a MicroPython for the plain Pico that has none of our modules and of the
    file system of this board, the Pico W or one like it. `image` is build/rp2040/firmware.uf2.
    """
    base = folder / "plain.uf2"
    base.write_bytes(pico_base.plain(image.read_bytes()))
    data = board_data(board)
    data["boards"]["pico"] = {
        "name": "Pico",
        "chip": "RP2040",
        "flash": board_data("rp2040")["flash"]["size"],
    }
    said = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(merged, "board_data", lambda name: data)
        path = merged.build(board, folder / "merged", said.append, base=base)
    assert said == [f"MicroPython 1.25.0 for Pico, of {base}"]
    return path
