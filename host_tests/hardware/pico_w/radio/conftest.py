# SPDX-License-Identifier: MIT
"""Each test function of this folder runs as boards/pico_w on MicroPython with its own C for the Pico W's radio
(extmod/network_cyw43.c) over an imitation of that radio's driver (c/). The interpreter is the one that the ESP32's C is
in: one is enough for both. The files are like those of host_tests/device.
"""

import ast
from pathlib import Path

import pytest

from host_tests.collecting import InterpreterTest
from host_tests.esp32.idf import build
from host_tests.interpreters import MicroPython, Result
from tools.errors import UsageError

FOLDER = Path(__file__).parent
BOARD = build.ROOT / "boards/pico_w"


class PicoW(MicroPython):
    """Built when it is first wanted. Where that can't be, tests fail and say why."""

    def run(self, file, names):
        try:
            build.build(64)
        except UsageError as error:
            return {name: Result("failed", reason=str(error)) for name in names}
        return super().run(file, names)


PICO_W = PicoW(
    name="pico_w",
    program=build.program(64),
    path=(FOLDER / "standins", BOARD, FOLDER, FOLDER.parents[2] / "esp32"),  # the last one for virtual.py
    starter=FOLDER / "rom.py",
)


def pytest_pycollect_makemodule(module_path, parent):
    return ChipFile.from_parent(parent, path=module_path)


class ChipFile(pytest.File):
    def collect(self):
        for part in ast.parse(self.path.read_text()).body:
            if isinstance(part, ast.FunctionDef) and part.name.startswith("test_"):
                yield InterpreterTest.from_parent(
                    self, name=f"{part.name}[pico_w]", function_name=part.name, interpreter=PICO_W
                )
