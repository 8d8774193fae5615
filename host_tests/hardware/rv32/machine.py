# SPDX-License-Identifier: MIT
"""A test's hands on a machine that QEMU runs."""

from host_tests.hardware.at_repl import AtRepl
from tools.emulator.repl import RawRepl

BANNER = b'Type "help()" for more information.\r\n'


class Machine(AtRepl):
    """A running machine with its raw REPL entered."""

    def __init__(self, virt):
        super().__init__(virt)
        self.repl = RawRepl(virt.ports["repl"])

    def enter(self, soft_reset=True):
        self.repl.enter(soft_reset)

    def reset_by(self, code):
        """Runs code that ends in a reset, and enters the raw REPL after it."""
        self.begin(code)
        self.repl._until(BANNER)  # of the REPL, to which it comes without a configuration
        self.enter()
