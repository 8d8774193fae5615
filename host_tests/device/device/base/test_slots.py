# SPDX-License-Identifier: MIT
"""Which slot a start runs, what ends a trial, and what is told of it (docs/health.md, "Updates")."""

import json
import os
import sys

import base
from base import record, trial
from common import Random, Skip, equal, raises

NEVER = {
    "now": "",
    "try": "",
    "left": 0,
    "trial": 600,
    "confirm": False,
    "kind": "app",
    "id": "",
    "why": "",
}


class Timer:
    """A timer of `machine`, which calls when the test says so."""

    ONE_SHOT = 0
    refused = ()  # numbers that the chip has not
    hard = True  # whether the port has interrupts in Python
    made: list = []

    def __init__(self, number, mode, period, callback, **more):
        if more and not Timer.hard:
            raise TypeError("extra keyword arguments given")
        if number in Timer.refused:
            raise ValueError("invalid Timer number")
        equal(mode, self.ONE_SHOT)
        self.number, self.period, self.callback, self.more = number, period, callback, more
        Timer.made.append(self)

    def deinit(self):
        Timer.made.remove(self)


class Reset(BaseException):
    """The board starts anew: nothing of the program runs any more."""


class Machine:
    """What the trial asks of `machine`, on a chip that knows a deep sleep."""

    DEEPSLEEP_RESET = 4
    Timer = Timer

    def __init__(self):
        self.cause = 1
        self.mem32 = {trial._SCRATCH: 0}

    def reset_cause(self):
        return self.cause

    def reset(self):
        raise Reset


class Device:
    """A folder that is the file system of a device, whose starts are counted here."""

    def __enter__(self):
        self.machine = Machine()
        self._kept = os.getcwd(), list(sys.path), trial.machine, sys.modules.get("machine")
        path = "/tmp/msgin5g-slots-%d" % int.from_bytes(os.urandom(4), "big")
        os.mkdir(path)
        os.chdir(path)
        trial.machine = sys.modules["machine"] = self.machine
        Timer.made, Timer.refused, Timer.hard = [], (), True
        self._lacking = not hasattr(sys, "print_exception")  # CPython
        if self._lacking:
            sys.print_exception = _nothing
        return self

    def __exit__(self, *error):
        self._forget()
        trial.machine = self._kept[2]
        if self._lacking:
            del sys.print_exception
        if self._kept[3] is None:
            del sys.modules["machine"]
        else:
            sys.modules["machine"] = self._kept[3]
        path = os.getcwd()
        os.chdir(self._kept[0])
        _remove(path)

    def _forget(self):
        base.folder, base.config, base.on = "", "msgin5g.json", False
        sys.path[:] = self._kept[1]
        trial._timers.clear()

    def slot(self, name, path="app/app.py"):
        """A slot with one file."""
        at = "slots"
        for part in (name + "/" + path).split("/"):
            if not record.there(at):
                os.mkdir(at)
            at += "/" + part
        write(at, b"")
        return self

    def start(self, cause=1):
        """Return what this start runs."""
        self._forget()
        Timer.made.clear()
        self.machine.cause = cause
        base.begin()
        return base.folder

    def trying(self, what="b", **more):
        """A trial that begins with the next start."""
        value = record.load()
        value.update({"try": what, "left": 3, "kind": "app", "id": "0123456789abcdef"})
        value.update(more)
        record.save(value)
        return self


def _nothing(*arguments):
    pass


def write(path, octets):
    with open(path, "wb") as file:
        file.write(octets)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def _remove(path):
    if os.stat(path)[0] & 0x4000:
        for name in os.listdir(path):
            _remove(path + "/" + name)
        os.rmdir(path)
    else:
        os.remove(path)


# --- the record ------------------------------------------------------------------------------------------


def test_a_device_that_was_never_updated():
    with Device() as device:
        equal(record.load(), NEVER)
        equal((device.start(), base.on, base.config), ("", False, "msgin5g.json"))
        equal(os.listdir(), [])


def test_a_record_is_read_as_it_was_written_with_what_newer_firmware_has_in_it():
    with Device():
        written = dict(NEVER)
        written.update(
            {"now": "a", "try": "b", "left": 2, "confirm": True, "why": "start: é", "later": [1, {"x": None}]}
        )
        record.save(written)
        equal(record.load(), written)
        equal(sorted(os.listdir("slots")), ["now"])
        equal(json.loads(str(read("slots/now"), "utf-8")), written)


def test_a_record_that_is_damaged_costs_what_is_damaged():
    with Device():
        os.mkdir("slots")
        for octets in (
            b"",
            b"{",
            b"\xff\xfe",
            b"[]",
            b"7",
            b"null",
            b"[" * 1000,
            b'{"a":' * 200,
            b'{"now": "b"}' + b" " * 1013,  # 1025 octets
        ):
            write("slots/now", octets)
            equal(record.load(), NEVER)
        for octets, name, value in (
            (b'{"now": "b", "left": "2"}', "now", "b"),
            (b'{"now": 7, "why": "x"}', "why", "x"),
            (b'{"now": "../evil", "id": "x"}', "id", "x"),
            (b'{"now": "a", "try": "a", "left": 3}', "now", "a"),
            (b'{"try": "c", "trial": 60}', "trial", 60),
            (b'{"try": "b", "left": true, "confirm": 1}', "try", "b"),
            (b'{"now": "b"}' + b" " * 1012, "now", "b"),
        ):
            write("slots/now", octets)
            expected = dict(NEVER)
            expected[name] = value
            found = record.load()
            if octets.startswith(b'{"now": "a", "try": "a"'):
                expected["left"] = 3
            equal(found, expected)
        for seed in range(100):
            random = Random(seed + 1)
            write("slots/now", random.bytes(random.below(200)))
            equal(record.load()["try"], "")


def test_a_record_is_bounded():
    with Device():
        record.save(NEVER)
        long = dict(NEVER)
        long["why"] = "x" * 1024
        raises(ValueError, record.save, long)
        equal(record.load(), NEVER)


# --- which slot runs -------------------------------------------------------------------------------------


def test_the_slot_that_is_confirmed_comes_first_on_the_path():
    with Device() as device:
        device.slot("a").slot("b")
        record.save({"now": "a"})
        places = len(sys.path)
        equal((device.start(), base.on), ("slots/a", False))
        equal((sys.path[0], len(sys.path)), ("slots/a/app", places + 1))
        record.save({"now": "b"})
        equal(device.start(), "slots/b")
        equal(Timer.made, [])


def test_a_slot_that_is_not_there_leaves_what_was_flashed():
    with Device() as device:
        places = list(sys.path)
        record.save({"now": "a"})
        equal((device.start(), sys.path), ("", places))


def test_three_starts_that_fail_end_a_trial():
    with Device() as device:
        device.slot("a").slot("b").trying(now="a")
        for left in (2, 1, 0):
            equal((device.start(), base.on, record.load()["left"]), ("slots/b", True, left))
            base.note("Traceback (most recent call last):\n  File\nValueError: too \x1b[2Jcold %d\n" % left)
        equal((device.start(), base.on), ("slots/a", False))
        found = record.load()
        equal((found["now"], found["try"]), ("a", ""))
        equal(found["why"], "start: 3 starts failed: ValueError: too ?[2Jcold 0")
        equal((found["id"], "words" in found), ("0123456789abcdef", False))
        equal((device.start(), record.load()["why"]), ("slots/a", found["why"]))  # until it is told


def test_a_trial_that_is_confirmed_runs_from_then_on():
    with Device() as device:
        device.slot("a").slot("b").trying(now="a")
        device.start()
        base.confirm()
        equal((base.on, Timer.made), (False, []))
        for _ in range(5):
            equal((device.start(), base.on), ("slots/b", False))
        equal((record.load()["now"], record.load()["try"], record.load()["why"]), ("b", "", ""))
        base.confirm()  # of nothing
        equal(record.load()["now"], "b")


def test_a_confirmation_that_the_storage_fails_is_said_again():
    with Device() as device:
        device.slot("b").trying()
        device.start()
        os.mkdir("slots/now~")  # nothing can be written in its place
        raises(OSError, base.confirm)
        equal((base.on, len(Timer.made)), (True, 2))  # the time goes on
        os.rmdir("slots/now~")
        base.confirm()
        equal((device.start(), base.on), ("slots/b", False))


def test_a_trial_of_a_slot_that_is_not_there():
    with Device() as device:
        device.slot("a").trying(now="a")
        equal((device.start(), base.on), ("slots/a", False))
        equal(record.load()["why"], "start: slots/b is not there")


def test_a_start_that_cannot_be_counted_is_none_of_the_trial():
    with Device() as device:
        device.slot("a").slot("b").trying(now="a")
        os.mkdir("slots/now~")
        for _ in range(5):
            equal((device.start(), base.on), ("slots/a", False))
        os.rmdir("slots/now~")
        equal((device.start(), base.on, record.load()["left"]), ("slots/b", True, 2))


def test_a_wake_out_of_a_deep_sleep_is_no_failure():
    with Device() as device:
        device.slot("b").trying()
        equal((device.start(), record.load()["left"]), ("slots/b", 2))
        for wakes in range(1, 21):
            equal((device.start(Machine.DEEPSLEEP_RESET), base.on), ("slots/b", True))
            equal((record.load()["left"], record.load()["wakes"]), (2, wakes))
        equal((device.start(Machine.DEEPSLEEP_RESET), base.on), ("", False))
        equal(record.load()["why"], "registration: not registered within 20 wakes")


def test_a_micropython_that_only_ever_wakes_is_given_up_by_a_reset():
    """The boot loader goes back with a reset, and a wake is none."""
    with Device() as device:
        device.trying("image", wakes=20)
        raises(Reset, device.start, Machine.DEEPSLEEP_RESET)
        equal(
            (record.load()["try"], record.load()["why"]), ("", "registration: not registered within 20 wakes")
        )
        equal((device.start(), base.on), ("", False))


def test_a_configuration_on_trial():
    with Device() as device:
        device.slot("a")
        write("msgin5g.json", b"old")
        record.save({"now": "a"})
        write("slots/config.try", b"new")
        device.trying("config")
        for _ in range(3):
            equal((device.start(), base.config, base.on), ("slots/a", "slots/config.try", True))
        equal((device.start(), base.config, base.on), ("slots/a", "msgin5g.json", False))
        equal((read("msgin5g.json"), record.there("slots/config.try")), (b"old", False))
        equal(record.load()["why"], "start: 3 starts failed")

        write("slots/config.try", b"new")
        device.trying("config", why="")
        device.start()
        base.confirm()
        equal(base.config, "msgin5g.json")  # for a client that is started anew in this start
        equal((device.start(), base.config, base.on), ("slots/a", "msgin5g.json", False))
        equal((read("msgin5g.json"), record.there("slots/config.try")), (b"new", False))
        equal((record.load()["now"], record.load()["try"], record.load()["why"]), ("a", "", ""))


def test_a_configuration_that_is_confirmed_stays_so_where_the_storage_fails():
    """It is as confirmed as the server was told, whatever it takes to have it in its place."""
    with Device() as device:
        write("msgin5g.json", b"old")
        os.mkdir("slots")
        write("slots/config.try", b"new")
        device.trying("config")
        device.start()
        os.mkdir("msgin5g.json~")  # nothing can be written there
        raises(OSError, base.confirm)
        equal((record.load()["kept"], read("msgin5g.json")), (True, b"old"))
        overdue(Timer.made[0])
        for _ in range(5):
            equal((device.start(), base.config, base.on), ("", "slots/config.try", False))
        os.rmdir("msgin5g.json~")
        equal((device.start(), base.config, base.on), ("", "msgin5g.json", False))
        equal((read("msgin5g.json"), record.there("slots/config.try")), (b"new", False))
        equal((record.load()["try"], record.load().get("kept")), ("", None))


def test_a_confirmed_configuration_that_somebody_removed():
    """The one before is better than none."""
    with Device() as device:
        write("msgin5g.json", b"old")
        device.trying("config", kept=True)
        equal((device.start(), base.config, base.on), ("", "msgin5g.json", False))
        equal((record.load()["try"], record.load()["why"]), ("", ""))


def test_a_configuration_on_trial_that_is_not_there():
    with Device() as device:
        write("msgin5g.json", b"old")
        device.trying("config")
        equal((device.start(), base.config, base.on), ("", "msgin5g.json", False))
        equal(record.load()["why"], "start: the configuration is not there")
        device.trying("config")
        trial.roll_back(record.load(), "start: 3 starts failed")  # that nothing is to be removed is no error
        equal((record.load()["try"], record.load()["why"]), ("", "start: 3 starts failed"))


# --- the time of a trial ---------------------------------------------------------------------------------


def overdue(timer):
    raises(Reset, timer.callback, timer)


def test_the_time_of_a_trial_ends_it():
    for confirm, why in (
        (False, "registration: not registered within 60 s"),
        (True, "confirmation: not confirmed within 60 s"),
    ):
        with Device() as device:
            device.slot("a").slot("b").trying(now="a", trial=60, confirm=confirm)
            device.start()
            equal([(each.period, each.more) for each in Timer.made], [(60000, {}), (70000, {"hard": True})])
            overdue(Timer.made[0])
            equal((device.start(), base.on, record.load()["why"]), ("slots/a", False, why))


def test_a_timer_that_comes_with_the_confirmation_ends_nothing():
    with Device() as device:
        device.slot("b").trying()
        device.start()
        timer = Timer.made[0]
        base.confirm()
        timer.callback(timer)  # it was scheduled
        equal((device.start(), record.load()["why"]), ("slots/b", ""))


def test_where_files_cannot_be_written_when_a_timer_calls_the_next_start_does():
    """The rp2 port: its flash driver lets timers call in the midst of its work."""
    with Device() as device:
        scratch, trial._scratch = trial._scratch, lambda: trial._SCRATCH
        try:
            device.slot("a").slot("b").trying(now="a", trial=60)
            device.start()
            before = read("slots/now")
            overdue(Timer.made[0])
            equal(read("slots/now"), before)
            equal((device.start(), base.on), ("slots/a", False))
            equal(record.load()["why"], "registration: not registered within 60 s")
            device.trying()
            equal((device.start(), base.on), ("slots/b", True))  # it is noted once
            overdue(Timer.made[0])
            kept = record.load()
            kept["now"], kept["try"] = "b", "config"
            write("slots/config.try", b"new")
            kept["kept"] = True  # the power went as it was confirmed
            record.save(kept)
            device.start()
            equal(record.load()["try"], "")
            device.slot("a").trying("a", trial=60)
            equal((device.start(), base.on), ("slots/a", True))
        finally:
            trial._scratch = scratch


def test_what_does_not_answer_at_all_is_reset_and_counted():
    """In an interrupt nothing can be written, and nothing be allocated."""
    with Device() as device:
        device.slot("a").slot("b").trying(now="a")
        for _ in range(3):
            equal(device.start(), "slots/b")
            overdue(Timer.made[1])
        equal((device.start(), record.load()["why"]), ("slots/a", "start: 3 starts failed"))


def test_timers_that_a_port_or_a_chip_has_not():
    for hard, refused, numbers in (
        (False, (), [-1]),
        (True, (-1,), [3]),
        (True, (-1, 2, 3), [1]),  # an ESP32-C3
        (True, (-1, 1, 2, 3), [0]),  # an ESP32-C2
        (True, (-1, 0, 1, 2, 3), []),
    ):
        with Device() as device:
            device.slot("b").trying()
            Timer.hard, Timer.refused = hard, refused
            device.start()
            equal([each.number for each in Timer.made], numbers)


def test_somebody_at_the_repl_is_not_reset():
    with Device() as device:
        device.slot("b").trying()
        device.start()
        base.attend()
        equal((Timer.made, base.on), ([], True))
        equal((device.start(), record.load()["left"]), ("slots/b", 1))


def test_a_time_out_of_all_bounds():
    for given, period in ((-5, 1000), (0, 1000), (10**9, 86400000)):
        with Device() as device:
            device.slot("b").trying(trial=given)
            device.start()
            equal(Timer.made[0].period, period)


# --- what fails before anything can look after it --------------------------------------------------------


def failing(error, early=True):
    pause, base._PAUSE = base._PAUSE, 0
    try:
        base.failed(error, early)
    except Reset:
        return True
    finally:
        base._PAUSE = pause
    return False


def test_a_module_that_cannot_be_imported_counts_for_the_trial():
    with Device() as device:
        device.slot("a").slot("b").trying(now="a")
        for _ in range(3):
            equal(device.start(), "slots/b")
            equal(failing(SyntaxError("invalid syntax")), True)
        equal(device.start(), "slots/a")
        equal(record.load()["why"], "start: 3 starts failed: SyntaxError: invalid syntax")


def test_ctrl_c_before_the_reset_keeps_it_at_the_repl():
    with Device() as device:
        device.slot("b").trying()
        device.start()
        time, base.time = base.time, Interrupting()
        try:
            raises(KeyboardInterrupt, base.failed, ImportError("no module named 'x'"))
        finally:
            base.time = time
        equal((Timer.made, base.on), ([], True))


class Interrupting:
    def sleep(self, seconds):
        raise KeyboardInterrupt


def test_a_confirmed_slot_that_cannot_be_imported_gives_way_for_a_start():
    """Its flash may have been damaged: the device that was flashed takes the next update."""
    with Device() as device:
        device.slot("a")
        record.save({"now": "a"})
        for _ in range(3):
            equal(device.start(), "slots/a")
            equal(failing(ImportError("no module named 'x'")), True)
            equal((device.start(), base.on), ("", False))
            equal(failing(ImportError("no module named 'x'")), False)  # as on a device that was never updated
        equal((device.start(), record.load()["now"]), ("slots/a", "a"))


def test_an_application_that_fails_is_looked_after_elsewhere():
    with Device() as device:
        device.slot("a")
        record.save({"now": "a"})
        device.start()
        equal((failing(ValueError("too cold"), False), record.load().get("skip")), (False, None))


def test_modules_of_the_firmware_are_for_the_version_that_was_flashed():
    """By cable a board gets another firmware beside the slot that it has: what was made for the one before stays out,
    and the application of the slot runs."""
    if sys.implementation.name != "micropython":
        raise Skip("CPython looks for the modules of a package in a list of places")
    from coap.version import VERSION

    # (what the manifest says, whether the slot's modules are there)
    for needs, there in (("=" + VERSION, True), ("=0.0.1", False), ("0.0.1", True), (None, True)):
        with Device() as device:
            device.slot("a").slot("a", "fw/slotmark.py")
            if needs is not None:
                lines = "msgin5g 1\nkind app\nneeds %s\nfile 0 %s app/app.py\n" % (needs, "e3" * 32)
                write("slots/a/manifest", lines.encode())
            record.save({"now": "a"})
            equal(device.start(), "slots/a")
            equal(("slotmark" in sys.modules, "version" in sys.modules), (there, False))
            equal(sys.path[0], "slots/a/app")
            sys.modules.pop("slotmark", None)
