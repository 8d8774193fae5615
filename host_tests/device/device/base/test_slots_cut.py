# SPDX-License-Identifier: MIT
# heap: 512k, the flash chip lies in it too
"""The power goes at each step of the chip, while trials begin, are confirmed and rolled back: what runs is what was
confirmed or what is on trial, the configuration is the old or the new one, and the trial ends as it would have."""

import gc
import os
import sys

import base
from base import record, trial
from common import Skip, equal
from life import AFTER, BEFORE, TORN, PowerCut

try:
    import vfs
except ImportError:
    vfs = None

_BLOCKS = 48
OLD, NEW = b'{"peer": "old"}' * 40, b'{"peer": "new"}' * 40  # more than what littlefs keeps beside a name


class Device:
    """A file system on the chip of the tests, and what a device does on it, a step at a time. A step that the power
    interrupts is done again, as taking an update does it; a start comes first."""

    def __init__(self):
        from flash import FlashStorage

        self.disk = FlashStorage(_BLOCKS)
        self._kept = os.getcwd(), sys.path[:], trial.machine
        trial.machine = None  # no timers
        trial._begin_time = lambda value: None
        os.chdir("/ram")
        write("msgin5g.json", OLD)
        self.runs = set()  # what the next start may run: (folder, configuration)
        self.starts = 0

    def close(self):
        os.chdir(self._kept[0])
        trial.machine = self._kept[2]
        self._forget()
        self.disk.close()

    def _forget(self):
        base.folder, base.config, base.on = "", "msgin5g.json", False
        sys.path[:] = self._kept[1]

    def do(self, step, *arguments):
        """Do it, and once more after a cut."""
        try:
            return self.disk._do(step, *arguments)
        except PowerCut:
            self._restore()
        self.start()
        return step(*arguments)

    def _restore(self):
        os.chdir("/")
        self.disk.restore_power()
        os.chdir("/ram")

    def start(self):
        """A start, and another one where the power goes within it. It runs one of those that may."""
        try:
            self.disk._do(self._start)
        except PowerCut:
            self._restore()
            self._start()

    def _start(self):
        self._forget()
        self.starts += 1
        base.begin()
        if self.disk.flash.dead:
            raise PowerCut()
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
        if what == "config":
            write("slots/config.try", NEW)
        else:
            for path in ("slots", "slots/" + what, "slots/" + what + "/app"):
                if not record.there(path):
                    os.mkdir(path)
        value = record.load()
        if value["id"] != what:  # else it was written before the power went
            value.update({"try": what, "left": 3, "id": what, "why": ""})
            record.save(value)

    def confirms(self, folder, configuration):
        self.do(base.confirm)
        if base.on:  # the power went before, so the start after it was one of the trial
            self.do(base.confirm)
        self.runs = {(folder, configuration)}
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


def write(path, octets):
    """As taking an update writes a file: beside the old one, then in its place."""
    with open(path + "~", "wb") as file:
        file.write(octets)
        file.flush()
    os.rename(path + "~", path)


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


def test_the_power_goes_at_each_step_of_the_chip():
    if vfs is None:
        raise Skip("littlefs is a module of MicroPython")
    real = trial._begin_time
    try:
        steps = _lived(None, BEFORE)
        assert steps > 60, steps
        for at in range(steps):
            for how in (TORN, AFTER):  # before one is after the one before
                _lived(at, how)
    finally:
        trial._begin_time = real


def _lived(at, how):
    gc.collect()
    device = Device()
    try:
        before = device.disk.flash.programs
        if at is not None:
            device.disk.plan(before + at, how)
        life(device)
        return device.disk.flash.programs - before
    except Exception:
        print("cut at", at, "how", how)
        raise
    finally:
        device.close()
