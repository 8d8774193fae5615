# SPDX-License-Identifier: MIT
"""The newest MicroPython that a package brings, as a second unix port for the device tests: test_x[micropython-1.29].

Its heap, its ROMFS and all else are those of the first one.
"""

import functools
import os

from host_tests.hardware.emulated import takes_long
from host_tests.interpreters import MicroPython, Result
from tools.errors import UsageError
from tools.programs import wheel_micropython


@functools.cache
def newer():
    """(path of the interpreter, "") or (None, why there is none)."""
    try:
        return wheel_micropython.provide(), ""
    except UsageError as error:
        return None, str(error)


class NewerMicroPython(MicroPython):
    """Leaves out what takes long: thousands of cases and hundreds of rounds look for faults in what is written here,
    which the first interpreter and CPython find as well. With MICROPYTHON_ALL=1 it runs them too.
    """

    def __init__(self):
        super().__init__(name="micropython-%d.%d" % wheel_micropython.VERSION)

    def takes(self, file, name):
        return bool(os.environ.get("MICROPYTHON_ALL")) or not takes_long(file, name)

    def run(self, file, names):
        # Here and not before, so that all processes of a run collect the same items.
        self.program, missing = newer()
        if self.program is None:
            return {name: Result("skipped", reason=missing) for name in names}
        return super().run(file, names)
