# SPDX-License-Identifier: MIT
# heap: 512k, the flash chip lies in it too
"""The power goes at each step of the chip, or on CPython at each write, while trials begin, are confirmed and rolled
back: what runs is what was confirmed or what is on trial, the configuration is the old or the new one, and the trial
ends as it would have."""

import gc
import os
import sys

import base
from base import record, trial
from common import equal
from life import AFTER, BEFORE, TORN, PowerCut

try:
    import vfs
except ImportError:
    vfs = None

_BLOCKS = 48
OLD, NEW = b'{"peer": "old"}' * 40, b'{"peer": "new"}' * 40  # more than what littlefs keeps beside a name


class Chip:
    """MicroPython's littlefs on the chip of the tests."""

    open = staticmethod(open)
    os = os

    def __init__(self):
        from flash import FlashStorage

        self._storage = FlashStorage(_BLOCKS)
        os.chdir("/ram")
        self._before = self._storage.flash.programs

    @property
    def steps(self):
        return self._storage.flash.programs - self._before

    def plan(self, at, how):
        self._storage.plan(self._before + at, how)

    def do(self, call, *arguments):
        """Call it; raise PowerCut where the power went meanwhile, whatever was made of that."""
        return self._storage._do(call, *arguments)

    def restore(self):
        os.chdir("/")
        self._storage.restore_power()
        os.chdir("/ram")

    def close(self):
        os.chdir("/")
        self._storage.close()


class Folder:
    """A folder of this computer, and what the modules of `base` write there."""

    def __init__(self):
        import tempfile

        from power_scene import Disk

        self._folder = tempfile.TemporaryDirectory()
        os.chdir(self._folder.name)
        self._disk = self.os = Disk(record, trial)
        self.open = self._disk.open
        self._disk.__enter__()

    @property
    def steps(self):
        return self._disk.writes

    def plan(self, at, how):
        self._disk.at, self._disk.how = at, how

    def do(self, call, *arguments):
        return call(*arguments)

    def restore(self):
        self._disk.restore_power()

    def close(self):
        self._disk.__exit__()
        os.chdir("/")
        self._folder.cleanup()


class Device:
    """What a device does on its file system, a step at a time. A step that the power interrupts is done again, as
    taking an update does it; a start comes first."""

    def __init__(self):
        self._kept = os.getcwd(), sys.path[:], trial.machine
        self.disk = Folder() if vfs is None else Chip()
        trial.machine = None  # no timers
        self.write("msgin5g.json", OLD)
        self.runs = set()  # what the next start may run: (folder, configuration)
        self.starts = 0

    def close(self):
        trial.machine = self._kept[2]
        self._forget()
        self.disk.close()
        os.chdir(self._kept[0])

    def write(self, path, octets):
        """As taking an update writes a file: beside the old one, then in its place."""
        with self.disk.open(path + "~", "wb") as file:
            file.write(octets)
            file.flush()
        self.disk.os.rename(path + "~", path)

    def _forget(self):
        base.folder, base.config, base.on = "", "msgin5g.json", False
        sys.path[:] = self._kept[1]

    def do(self, step, *arguments):
        """Do it, and once more after a cut."""
        try:
            return self.disk.do(step, *arguments)
        except PowerCut:
            self.disk.restore()
        self.start()
        return step(*arguments)

    def start(self):
        """A start, and another one where the power goes within it. It runs one of those that may."""
        try:
            self.disk.do(self._start)
        except PowerCut:
            self.disk.restore()
            self._start()

    def _start(self):
        self._forget()
        self.starts += 1
        self.disk.do(base.begin)
        assert (base.folder, self.configuration()) in self.runs, (
            base.folder,
            self.configuration(),
            self.runs,
        )

    def configuration(self):
        with open(base.config, "rb") as file:
            return {OLD: "old", NEW: "new"}[file.read()]

    def tries(self, what, folder, configuration):
        """An update is verified, and tried with the next start."""
        self.runs.add((folder, configuration))
        self.do(self._tries, what)

    def _tries(self, what):
        for path in ("slots", "slots/" + what, "slots/" + what + "/app"):
            if not record.there(path):
                self.disk.os.mkdir(path)
        if what == "config":
            self.write("slots/config.try", NEW)
        value = record.load()
        if value["id"] != what:  # else it was written before the power went
            value.update({"try": what, "left": 3, "id": what, "why": ""})
            record.save(value)

    def confirms(self, folder, configuration):
        self.runs = {(folder, configuration)}  # on trial or confirmed
        self.do(base.confirm)
        if base.on:  # the power went before, so the start after it was one of the trial
            self.do(base.confirm)
        self.start()
        equal((base.on, record.load()["try"], record.load()["why"]), (False, "", ""))

    def fails(self, folder, configuration):
        """Starts, none of which is confirmed, until the trial has ended: three of them, one more or less for a cut."""
        before = self.starts
        self.start()
        while base.on:
            self.start()
            assert self.starts < before + 9
        self.runs = {(folder, configuration)}
        self.start()
        equal(record.load()["why"], "start: 3 starts failed")


def life(device):
    device.runs.add(("", "old"))
    device.start()
    device.tries("a", "slots/a", "old")
    device.start()
    device.confirms("slots/a", "old")
    device.tries("b", "slots/b", "old")
    device.fails("slots/a", "old")
    device.tries("config", "slots/a", "new")
    device.fails("slots/a", "old")
    device.do(forget)
    device.tries("config", "slots/a", "new")
    device.start()
    device.confirms("slots/a", "new")
    device.tries("b", "slots/b", "new")
    device.start()
    device.confirms("slots/b", "new")


def forget():
    """What was rolled back may be tried again."""
    value = record.load()
    value["id"] = value["why"] = ""
    record.save(value)


def confirmed_and_failing(device):
    """The power goes while it is confirmed, and no start of it is confirmed after that."""
    device.runs.update((("", "old"), ("", "new")))
    device.tries("config", "", "new")
    device.start()
    try:
        device.disk.do(base.confirm)
    except PowerCut:
        device.disk.restore()
    device.start()
    while base.on:
        device.start()
    found = record.load()
    equal(found["try"], "")
    equal(device.configuration(), "old" if found["why"] else "new")


def test_the_power_goes_at_each_step_of_the_chip():
    each_step(life, 50)


def test_the_power_goes_while_a_configuration_is_confirmed_that_fails_then():
    each_step(confirmed_and_failing, 8)


def each_step(story, least):
    real = trial._begin_time
    try:
        trial._begin_time = lambda value: None
        steps = _lived(story, None, BEFORE)
        assert steps > least, steps
        for at in range(steps):
            # Before one is after the one before; and in a folder what is torn is no more, but for a file's octets.
            for how in (TORN,) if vfs is None else (TORN, AFTER):
                _lived(story, at, how)
    finally:
        trial._begin_time = real


def _lived(story, at, how):
    if vfs is not None:
        gc.collect()
    device = Device()
    try:
        if at is not None:
            device.disk.plan(at, how)
        story(device)
        return device.disk.steps
    except Exception:
        print("cut at", at, "how", how)
        raise
    finally:
        device.close()
