# SPDX-License-Identifier: MIT
"""pytest's side of tests that run on another interpreter (host_tests/interpreters.py)."""

import sys

import pytest

from host_tests.interpreters import Result

BATCHES = pytest.StashKey[dict]()
NOT_RUN = Result("failed", reason="the interpreter did not run it")


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
