# SPDX-License-Identifier: MIT
"""A test's hands on a machine that QEMU runs."""

from tools.emulator.repl import RawRepl
from tools.programs.patience import Watch

BANNER = b'Type "help()" for more information.\r\n'


class Machine:
    """A running machine with its raw REPL entered, so that main.py does not run."""

    def __init__(self, virt):
        self.virt = virt
        self.repl = RawRepl(virt.ports["repl"])

    def enter(self, soft_reset=True):
        self.repl.enter(soft_reset)

    def run(self, code):
        """What the code prints; ReplError with the traceback on the machine, or where it says nothing for minutes."""
        watch = Watch(300, self.virt.process.kill)
        try:
            return self.repl.run(code)
        finally:
            watch.stop()

    def begin(self, code):
        self.repl.begin(code)

    def reset_by(self, code):
        """Runs code that ends in a reset, and enters the raw REPL after it."""
        self.begin(code)
        self.repl._until(BANNER)  # of the REPL, to which it comes without a configuration
        self.enter()

    def leave(self):
        self.repl.close()
