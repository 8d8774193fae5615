# SPDX-License-Identifier: MIT
"""A test's hands on an emulated board: its raw REPL, so that main.py does not run."""

from tools.programs.patience import Watch


class AtRepl:
    """`repl` is entered by who derives from this; `emulator` is what runs the board."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.repl = None

    def run(self, code):
        """What the code prints; ReplError with the traceback on the board, or where it says nothing for minutes."""
        # A board that was reset would be waited for without end.
        watch = Watch(300, self.emulator.process.kill)
        try:
            return self.repl.run(code)
        finally:
            watch.stop()

    def begin(self, code):
        """Starts code that does not come back: a reset, an endless loop."""
        self.repl.begin(code)

    def leave(self):
        if self.repl is not None:
            self.repl.close()
            self.repl = None
