# SPDX-License-Identifier: MIT
"""Each test function of this folder becomes one test for each interpreter: test_x[cpython], test_x[micropython],
test_x[rp2040].

The files are plain modules in the Python that all interpreters share: functions `test_*` without arguments, no pytest.
They find `coap`, `msgin5g` and, beside them, `common`.
"""

import sys
from pathlib import Path

import pytest

from host_tests.emulated import EmulatedRP2040
from host_tests.interpreters import DEVICE_PATH, MicroPython, Result

INTERPRETERS = [MicroPython(), EmulatedRP2040()]
BATCHES = pytest.StashKey[dict]()
NOT_RUN = Result("failed", reason="the interpreter did not run it")

# At the end: the firmware's `main` or `device` must not hide a module of that name that another test needs.
for folder in (*DEVICE_PATH, Path(__file__).parent):
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


class InterpreterTest(pytest.Item):
    """Runs on another interpreter, together with the other selected functions of its file."""

    def __init__(self, *, function_name, interpreter, **more):
        super().__init__(**more)
        self.function_name = function_name
        self.interpreter = interpreter

    def runtest(self):
        result = self._result()
        if result.outcome == "failed":
            raise FailedThere(result)
        sys.stdout.write(result.output)  # for pytest to capture
        if result.outcome == "skipped":
            pytest.skip(result.reason)

    def _result(self):
        # The first of a file runs all that are selected; each then takes its own result, once.
        batches = self.session.stash.setdefault(BATCHES, {})
        batch = batches.setdefault((self.path, self.interpreter), {})
        if self.function_name not in batch:
            names = [item.function_name for item in self.session.items if self._is_mate(item)]
            batch.update(self.interpreter.run(self.path, names))
        return batch.pop(self.function_name, NOT_RUN)

    def _is_mate(self, item):
        return (
            isinstance(item, InterpreterTest)
            and item.path == self.path
            and item.interpreter is self.interpreter
        )

    def repr_failure(self, excinfo):
        if not isinstance(excinfo.value, FailedThere):
            return super().repr_failure(excinfo)
        (result,) = excinfo.value.args
        return "\n".join(part.rstrip("\n") for part in (result.output, result.reason) if part)

    def reportinfo(self):
        return self.path, None, self.name


class FailedThere(Exception):
    """A test failed on another interpreter; carries its Result."""
