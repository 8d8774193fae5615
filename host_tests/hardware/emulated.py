# SPDX-License-Identifier: MIT
"""Emulated boards as interpreters of the device tests: the image that is flashed, with its own frozen firmware. Here is
what they share, and the RP2040.

The tests are there as .mpy before it boots, all of them: in its file system, or in a ROM. The functions of a file run
after one soft reset, and what they report is read as they print it.
"""

import functools
import os
import secrets
import subprocess
import tempfile
from pathlib import Path

from host_tests.interpreters import HELPERS, RUNNER, Report, Result, Watch
from tools.emulator.client import Emulator, provide
from tools.emulator.repl import RawRepl, ReplError
from tools.errors import UsageError
from tools.image import files, rp2
from tools.image.workshop import Unavailable

BOARD = "rp2040"
# What `make test` runs on the emulated board, which is a hundred times slower than the unix port: a file for each part
# whose octets or heap a 32-bit board could change. Not test_large, which takes it 40 s: the board with the same words
# and less heap has it (hardware/rv32/interpreter.py), and in hardware/device/test_registered.py 64 KiB go each way.
# All that it can take runs with RP2040_ALL=1.
EACH_TIME = (
    "test_common",
    "test_codec",
    "test_malformed",
    "test_l3_elements",
    "test_l3_messages",
    "test_slipmux",
    "test_crypto",
    "test_vectors",
    "test_lms",
    "test_outbox",
    "test_msgin5g_segments",
    "test_msgin5g_waiting",
)
# What takes it minutes or has no place there: thousands of cases, hundreds of rounds, a folder of this machine.
TOO_LONG = {
    "test_duplicates": ("test_ten_thousand_datagrams_of_a_thousand_peers_leave_the_heap_as_it_was",),
    "test_mutated": None,  # all of the file
    "test_observers_mutated": None,
    "test_policy": None,
    "test_flash": ("test_a_cut_within_the_chip", "test_a_cut_within_the_chip_of_an_application_client"),
    "test_configuration_kept": ("test_what_is_damaged_counts_as_nothing",),
    "test_configuration_power": None,
    "test_any_peer": None,
    "test_msgin5g_hostile": None,
    "test_lms_hostile": ("test_each_octet_of_a_signature",),
    "test_order": (
        "test_a_silent_destination_does_not_block_others_for_ever",
        "test_expires_after_weeks",
    ),
    "test_registration": (
        "test_a_year_that_nobody_refreshes_ends",
        "test_failures_back_off_from_2_s_to_300_s_for_ever",
    ),
    "test_sending": ("test_back_off_doubles_to_300_s_for_ever",),
    "test_msgin5g_soak": None,
    "test_attacks": None,
    "test_keyring_memory": None,
    "test_power": None,
    "test_power_cuts": None,
    "test_soak": None,
    "test_year": None,
}


def takes_long(file, name):
    """Whether a function of a test file is left out by TOO_LONG."""
    left_out = TOO_LONG.get(Path(file).stem, ())
    return left_out is None or name in left_out


class EmulatedBoard:
    """A board that a RawRepl speaks with. `boot()` gives its Emulator, the tests on it; a UsageError says why not."""

    name = None
    mount = ""  # run on the board before the tests of a file are imported

    def __init__(self, tests, patience_s=300):
        """`tests`: the folder whose files go onto the board, those of its rooms too."""
        self.tests = tests
        self.patience_s = patience_s  # for one function
        self._scratch = None
        self._missing = None
        self._emulator = None
        self._repl = None

    def takes(self, file, name):
        raise NotImplementedError

    def boot(self):
        raise NotImplementedError

    def run(self, file, names):
        results = {}
        waiting = list(names)
        while waiting:
            try:
                self._start()
            except UsageError as error:
                return {name: self.not_started(error) for name in names}
            results |= self._run_once(Path(file), waiting)
            waiting = [name for name in waiting if name not in results]
        return results

    def not_started(self, error):
        """The Result of each test where the board can't be had."""
        return Result("failed", reason=str(error))

    @property
    def folder(self):
        """A folder that lives as long as the board."""
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory()
        return Path(self._scratch.name)

    def close(self):
        if self._emulator:
            if self._repl:
                self._repl.close()
            self._emulator.close()
            self._emulator = None

    def _start(self):
        if self._missing:
            raise self._missing
        if self._emulator is None:
            try:
                self._emulator = self.boot()
            except Unavailable as error:
                self._missing = error  # not for each file anew: a network that is not there takes its time
                raise
            self._repl = None

    def _run_once(self, file, names):
        """Results of the functions that were started, at least one."""
        mark = f"\x1e{secrets.token_hex(8)}"
        report = Report(mark, names)
        watch = Watch(self._emulator.process, self.patience_s)
        lines = _Lines(lambda line: report.take(line) and watch.restart())
        arguments = [RUNNER.stem, mark, file.stem, *names]
        ending = "the board stopped"
        complete = False
        try:
            if self._repl is None:
                self._repl = RawRepl(self._emulator.ports["repl"], timeout_s=None)
            else:
                self._repl.enter()
            self._repl.begin(f"import sys\n{self.mount}sys.argv[:] = {arguments!r}\n__import__(sys.argv[0])")
            _, error = self._repl.follow(lines.take)
            complete = not error
            ending = error.decode(errors="replace").strip() or ending
        except (ReplError, OSError) as error:
            ending = f"the board does not answer: {error}"
            if watch.bitten:
                ending = f"still running after {self.patience_s} s"
        finally:
            watch.stop()
        if not complete:
            self.close()
        return report.results(complete=complete, ending=ending)


class EmulatedRP2040(EmulatedBoard):
    """In virtual time: a sleep takes none."""

    name = BOARD

    def takes(self, file, name):
        each_time = Path(file).stem in EACH_TIME or os.environ.get("RP2040_ALL")
        return bool(each_time) and not takes_long(file, name)

    def boot(self):
        provide()
        image = rp2.build(BOARD, rp2.ROOT / "build" / BOARD)
        flash = self.folder / "flash.bin"
        # Tests keep files below /tmp, as on the unix port.
        flash.write_bytes(flash_with({"tmp/.here": b"", **compiled(self.tests)}))
        return Emulator(image, flash=flash, options=["--virtual", "--quiet"])


class _Lines:
    """Whole lines from pieces of output."""

    def __init__(self, take):
        self._take = take
        self._rest = b""

    def take(self, octets):
        *lines, self._rest = (self._rest + octets).split(b"\n")
        for line in lines:
            self._take(line.decode(errors="replace").rstrip("\r") + "\n")


@functools.cache
def compiled(folder):
    """{name.mpy: octets} of the files of a test folder and its rooms, with the helpers, all in one folder: rooms would
    hide the frozen packages of their names. One that does not compile is left out: it can't be imported.
    """
    found = {}
    program = rp2.mpy_cross()
    helpers = [path for each in HELPERS for path in each.glob("*.py")]
    sources = {path.stem: path for path in (*helpers, *folder.rglob("*.py"), RUNNER)}
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "one.mpy"
        for source in sources.values():
            done = subprocess.run([program, "-s", source.name, "-o", output, source], capture_output=True)
            if done.returncode == 0:
                found[f"{source.stem}.mpy"] = output.read_bytes()
    return found


def flash_with(contents):
    """The flash of a Pico with these files."""
    layout = rp2.board_data(BOARD)["flash"]
    system = files.file_system(layout["files"], contents)
    return b"\xff" * (layout["size"] - layout["files"]) + system
