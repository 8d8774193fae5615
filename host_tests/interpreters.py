# SPDX-License-Identifier: MIT
"""Where the device tests run besides CPython. An interpreter has a name and

takes(file, name) -> False for a function of a test file that it leaves to the others
run(file, names) -> {name: Result}, which runs functions of one test file and says how each ended;
                    a name that is missing in the answer was not run
close()             at the end of all
"""

import contextlib
import os
import re
import secrets
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.device import SMALL_HEAP
from tools.image import bytecode
from tools.programs import patience
from tools.programs.micropython import BIN

ROOT = Path(__file__).resolve().parents[1]
UNIX = ROOT / "boards/unix"
DEVICE_PATH = (ROOT / "firmware", UNIX)
RUNNER = ROOT / "host_tests/device/run_on_board.py"
HELPERS = (ROOT / "host_tests/device/helpers", ROOT / "host_tests/device/helpers/endpoints")


@dataclass
class Result:
    outcome: str  # passed, failed, skipped
    output: str = ""  # what it printed, a traceback at the end
    reason: str = ""  # why it was skipped, or how the interpreter ended


class MicroPython:
    """The unix port, with the heap of the board that it plays.

    The functions of a file share one process, with a garbage collection before each. Where one takes the process with
    it, or takes too long, that one has failed, and the rest run in a new process.
    """

    def __init__(
        self,
        program=BIN / "micropython",
        heap=SMALL_HEAP,
        patience_s=120,
        name="micropython",
        path=(UNIX,),
        starter=UNIX / "rom.py",
    ):
        """`path`: folders that are found before the firmware, the board's and what stands in for its hardware;
        `starter`: mounts the ROMFS that it is given."""
        self.name = name
        self.path = path
        self.starter = starter
        self.program = Path(program)
        self.heap = heap
        self.patience_s = patience_s  # for one function

    def takes(self, file, name):
        return True

    def close(self):
        pass

    def run(self, file, names):
        results = {}
        waiting = list(names)
        while waiting:
            reported = self._run_once(Path(file), waiting)
            if not reported:
                break
            results |= reported
            waiting = [name for name in waiting if name not in results]
        return results

    def _heap_for(self, file):
        """The board's heap; a file that holds more than the device in it says so: `# heap: 512k, REASON`."""
        wish = re.search(r"^# heap: (\d+k), \S", file.read_text(), re.MULTILINE)
        return wish[1] if wish else self.heap

    def _run_once(self, file, names):
        """Results of the functions that were started, at least one unless there is nothing to start."""
        mark = f"\x1e{secrets.token_hex(8)}"
        start = [self.starter, bytecode.rom(), RUNNER.stem]
        command = [self.program, "-X", f"heapsize={self._heap_for(file)}", *start, mark, file.stem, *names]
        # The folders of tests come last: those that are named after a package of the firmware are not that package.
        path = ":".join(map(str, (*HELPERS, *self.path, "/rom", ".frozen", file.parent, RUNNER.parent)))
        try:
            process = subprocess.Popen(
                command,
                cwd=file.parent,
                env={**os.environ, "MICROPYPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            reason = f"no MicroPython at {self.program} ({error.strerror}). It is made by: make micropython"
            return {name: Result("failed", reason=reason) for name in names}
        watch = Watch(process, self.patience_s)
        report = Report(mark, names)
        try:
            for line in process.stdout:
                if report.take(line):
                    watch.restart()
            process.wait()
        except BaseException:  # Ctrl-C, which is not for a process in a session of its own
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            watch.stop()
            process.stdout.close()
        if watch.bitten:
            ending = f"still running after {self.patience_s} s"
        elif process.returncode < 0:
            ending = f"MicroPython was ended by {signal.Signals(-process.returncode).name}"
        else:
            ending = f"MicroPython ended with exit code {process.returncode}"
        return report.results(complete=process.returncode == 0, ending=ending)


class Report:
    """Reads what run_on_board.py writes."""

    def __init__(self, mark, names):
        self._mark = mark
        self._names = names
        self._results = {}
        self._running = None
        self._last = None
        self._output = []
        self._ended = False

    def take(self, line):
        """True for a line that is a report."""
        if not line.startswith(self._mark + " "):
            self._output.append(line)
            return False
        verb, _, rest = line[len(self._mark) + 1 :].rstrip("\n").partition(" ")
        name, _, reason = rest.partition(" ")
        if verb == "start":
            # What came before was printed while the file was imported.
            self._running = self._last = name
            self._output.clear()
        elif verb == "end":
            self._ended = True
        elif name == self._running:
            self._results[name] = Result(verb, self._text(), reason)
            self._running = None
        return True

    def results(self, complete, ending):
        """All results; whoever ran when the interpreter ended before its time has failed."""
        if not (complete and self._ended):
            # Nothing was started: the file can't be imported. That goes for each of its functions.
            guilty = self._names if self._last is None else [self._last]
            for name in guilty:
                self._results[name] = Result("failed", self._text(), ending)
        return self._results

    def _text(self):
        # Each report begins with a line break, to end what the test left open.
        text = "".join(self._output)
        return text.removesuffix("\n") if text.endswith("\n\n") or text == "\n" else text


class Watch(patience.Watch):
    """Kills a process that has not been heard of for some time, and what it started."""

    def __init__(self, process, patience_s):
        self.bitten = False
        self._process = process
        super().__init__(patience_s, self._kill)

    def _kill(self):
        self.bitten = True
        os.killpg(self._process.pid, signal.SIGKILL)
