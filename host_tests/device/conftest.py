# SPDX-License-Identifier: MIT
"""Each test function of these rooms becomes one test for each interpreter: test_x[cpython], test_x[micropython],
test_x[micropython-1.29], test_x[rp2040], test_x[rv32].

The files are plain modules in the Python that all interpreters share: functions `test_*` without arguments, no pytest.
They find `coap`, `msgin5g` and what is in helpers/ by their bare names, `common` among them. A room has the name of the
room of the firmware that it tests; a file has a name of its own, for on the emulated board all lie in one folder.
"""

import sys
from pathlib import Path

import pytest

from host_tests.collecting import InterpreterTest
from host_tests.hardware.emulated import EmulatedRP2040
from host_tests.hardware.rv32.interpreter import EmulatedRV32
from host_tests.interpreters import DEVICE_PATH, HELPERS, MicroPython
from host_tests.newer import NewerMicroPython

TESTS = Path(__file__).parent
INTERPRETERS = [MicroPython(), NewerMicroPython(), EmulatedRP2040(TESTS), EmulatedRV32(TESTS)]

# At the end: the firmware's `main` or `device` must not hide a module of that name that another test needs.
for folder in (*DEVICE_PATH, *HELPERS):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def pytest_pycollect_makemodule(module_path, parent):
    return DeviceFile.from_parent(parent, path=module_path)


def pytest_sessionfinish():
    for interpreter in INTERPRETERS:
        interpreter.close()


class DeviceFile(pytest.Module):
    """A test file, imported by CPython to see which functions there are."""

    def collect(self):
        for name, function in vars(self.obj).items():
            if not name.startswith("test_") or not callable(function):
                continue
            yield CPythonTest.from_parent(self, name=f"{name}[cpython]", callobj=function)
            for interpreter in INTERPRETERS:
                if not interpreter.takes(self.path, name):
                    continue
                yield InterpreterTest.from_parent(
                    self, name=f"{name}[{interpreter.name}]", function_name=name, interpreter=interpreter
                )


class CPythonTest(pytest.Function):
    """Runs in pytest's own process, so that its assert shows what was compared."""

    def runtest(self):
        try:
            result = self.obj()
        except Exception as error:
            if type(error).__name__ == "Skip":
                pytest.skip(str(error))
            raise
        if result is not None:
            # As on the other interpreters: a generator or a coroutine that is merely made has tested nothing.
            pytest.fail("a test returns nothing: did it yield or await?", pytrace=False)
