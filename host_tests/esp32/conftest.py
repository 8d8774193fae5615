# SPDX-License-Identifier: MIT
"""Each test function of this folder runs on MicroPython's unix port, as boards/esp32, with stand-ins for the modules of
the chip. The files are like those of host_tests/device, whose helpers they find, but CPython cannot import them.
"""

import ast

import pytest

from host_tests.collecting import InterpreterTest
from host_tests.esp32.chip import PATH
from host_tests.interpreters import MicroPython

ESP32 = MicroPython(name="esp32", path=PATH)


def pytest_pycollect_makemodule(module_path, parent):
    return ChipFile.from_parent(parent, path=module_path)


class ChipFile(pytest.File):
    def collect(self):
        for part in ast.parse(self.path.read_text()).body:
            if isinstance(part, ast.FunctionDef) and part.name.startswith("test_"):
                yield InterpreterTest.from_parent(
                    self, name=f"{part.name}[{ESP32.name}]", function_name=part.name, interpreter=ESP32
                )
