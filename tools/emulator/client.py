# SPDX-License-Identifier: MIT
"""Starts an emulated Pico and speaks with it: ports of its serial lines, statistics, power."""

import json
import os
import select
import subprocess
from pathlib import Path

from tools import held, private
from tools.errors import UsageError
from tools.programs import npm
from tools.words import complain, why

FOLDER = Path(__file__).parent
POWER_CUT = 75  # exit code: --cut-after came true
SILENCE_S = 10


def provide(say=print):
    """Sees to it that the emulator can be started; UsageError says what is missing. Quick the second time."""
    npm.provide(FOLDER, "the emulator", say)


def hold(flash):
    """Locks the file that keeps a flash, makes it where it is missing; a descriptor that the emulator must inherit.

    A board's keys are in its flash, so its owner alone can read the file; two boards on one file would use the same
    sequence numbers with them. Raises UsageError, which says who is there already.
    """
    try:
        descriptor = os.open(flash, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(f"flash file {flash}: {why(error)}") from None
    try:
        held.hold(descriptor)
        if private.mend(flash):
            complain("emulate: " + private.MENDED.format(flash))
    except held.Held as who:
        os.close(descriptor)
        raise UsageError(
            f"flash file {flash} is that of a running board, {who}: end that one, or give another --flash"
        ) from None
    except OSError as error:
        os.close(descriptor)
        raise UsageError(f"flash file {flash}: {why(error)}") from None
    return descriptor


class Emulator:
    """A running Pico. `ports` has the TCP port of each line: "repl", "uart0", "uart1"."""

    _asked = 0  # questions with a number

    def __init__(self, image, *, flash=None, ports=None, options=(), log=None):
        """`flash`: file that keeps the flash; `ports`: {line: port, 0 for a free one}; `log`: file for its messages."""
        ports = {"repl": 0} if ports is None else ports
        arguments = [f"--{line}={port}" for line, port in ports.items()]
        if flash is not None:
            arguments.append(f"--flash={flash}")
        self._start([FOLDER / "main.mjs", *arguments, *options, image], flash, log)

    def _start(self, command, flash, log=None):
        descriptors = () if flash is None else (hold(flash),)
        try:
            self._start_with(command, descriptors, log)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)  # the emulator has it now

    def _start_with(self, command, descriptors, log):
        self.process = subprocess.Popen(
            # No compilation of a loop while it runs: Thumb.run() comes back soon, and would be compiled twice.
            ["node", "--no-use-osr", *map(str, command)],
            pass_fds=descriptors,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # A Ctrl-C at the terminal is for the one who started us, and so is what follows from it.
            start_new_session=True,
        )
        first = self.process.stdout.readline()
        if not first:
            code = self.process.wait()
            raise UsageError(f"the emulator ended at once with exit code {code}; it said why above")
        self.ports = json.loads(first)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def repl(self):
        """What mpremote connects to."""
        return f"socket://127.0.0.1:{self.ports['repl']}"

    def ask(self, command):
        """The answer to a command: "stats", "power-cycle", "hold"."""
        self._say(command)
        return self._answer(None)

    def stats(self):
        self._asked += 1
        self._say(f"stats {self._asked}")
        # Once in some hundred thousand questions no answer came from an emulator that was well, and the next question
        # was answered. Why is not known; to ask again does no harm.
        while not select.select([self.process.stdout], [], [], SILENCE_S)[0]:
            complain(f"emulate: no answer to stats within {SILENCE_S} s; asking again")
            self._say(f"stats {self._asked}")
        return self._answer(self._asked)

    def _say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def _answer(self, number):
        """That to the question with this number; late ones to an earlier one are passed over."""
        while True:
            answer = json.loads(self.process.stdout.readline())
            if answer.pop("number", None) == number:
                break
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer

    def cut_power(self):
        """All at once, in the middle of whatever it does; the flash file has what was written by then."""
        self.process.kill()
        self.close()

    def wait(self, timeout_s=None):
        """The exit code, once it ends by itself."""
        return self.process.wait(timeout_s)

    def close(self):
        try:
            self.process.stdin.close()  # the end of its input ends it
        except BrokenPipeError:
            pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class SteppedEmulator(Emulator):
    """A Pico whose time stands still but in run(). It has no ports: run() carries its lines."""

    def __init__(self, image, flash):
        self._start([FOLDER / "steps.mjs", flash, image], flash)

    def run(self, ms, octets=b""):
        """Sends these octets to UART0 and lets so many ms pass, fewer where it sent the end of a slipmux frame.

        Gives (ms since power-on, octets of UART0, octets of the REPL's line). ValueError where the board has halted.
        """
        done = self.ask(f"run {ms} {octets.hex()}")
        if done["halted"]:
            raise ValueError(f"the board halted: {done['halted']}")
        return done["ms"], bytes.fromhex(done["uart0"]), bytes.fromhex(done["repl"])
