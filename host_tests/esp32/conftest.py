# SPDX-License-Identifier: MIT
"""Each test function of this folder runs as boards/esp32 on MicroPython with the ESP32 port's own C (idf/README.md).
The files are like those of host_tests/device, whose helpers they find, but CPython cannot import them.
"""

import ast
from pathlib import Path

import pytest

from host_tests.collecting import InterpreterTest
from host_tests.esp32.chip import PATH
from host_tests.esp32.idf import build
from host_tests.esp32.idf.compiler import No32Bits
from host_tests.interpreters import MicroPython, Result
from tools.errors import UsageError

FOLDER = Path(__file__).parent


class ESP32(MicroPython):
    """Built when it is first wanted. Where that can't be, tests fail and say why; those of 32 bits are skipped."""

    def __init__(self, bits, **more):
        super().__init__(program=build.program(bits), path=(*PATH, FOLDER), starter=FOLDER / "rom.py", **more)
        self._bits = bits

    def run(self, file, names):
        try:
            build.build(self._bits)
        except No32Bits as error:
            return {name: Result("skipped", reason=str(error)) for name in names}
        except UsageError as error:
            return {name: Result("failed", reason=str(error)) for name in names}
        return super().run(file, names)


PORT = [ESP32(64, name="esp32"), ESP32(32, name="esp32-32bit")]


def pytest_pycollect_makemodule(module_path, parent):
    return ChipFile.from_parent(parent, path=module_path)


class ChipFile(pytest.File):
    def collect(self):
        for part in ast.parse(self.path.read_text()).body:
            if not isinstance(part, ast.FunctionDef) or not part.name.startswith("test_"):
                continue
            for interpreter in PORT:
                yield InterpreterTest.from_parent(
                    self,
                    name=f"{part.name}[{interpreter.name}]",
                    function_name=part.name,
                    interpreter=interpreter,
                )
