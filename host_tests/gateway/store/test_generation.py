# SPDX-License-Identifier: MIT
"""A store that is put back from an older copy: no sequence number is used a second time (RFC 8613 7.2.1)."""

import os
import shutil
import types

import pytest

from tools.gateway import keys as key_files
from tools.store.sqlite import generation
from tools.store.store import Store
from tools.transport.keys.contexts import StoreContext

UE, OTHER = "ue:1@example.org", "ue:2@example.org"
FILE, BESIDE = "gateway.db", "gateway.db-generation"


class Served:
    """A store that is served in turns, and every sequence number that the gateway took with its keys."""

    def __init__(self, folder):
        self.folder = folder
        self.path = str(folder / FILE)
        self.taken = {UE: set(), OTHER: set()}
        store = Store(self.path, serving=False)
        with store.transaction():
            for ue in self.taken:
                section = key_files.new_section(store.kids_in_use())
                key_files.add(store, ue, key_files.of_section(ue, section), ue)
        store.close()

    def serve(self, count, ue=UE):
        """One run, `count` numbers long. What a start told of an old copy, None for nothing."""
        store = Store(self.path)
        context = StoreContext(store, store.keys_of_ue(ue))
        for _ in range(count):
            number = context.new_sequence_number()
            assert number not in self.taken[ue], "a nonce is used twice"
            self.taken[ue].add(number)
        told = [fields for event, fields in store.file.news() if event == "store-restored"]
        store.close()
        return told[0] if told else None

    def copy(self, *names):
        for name in names:
            shutil.copy2(self.folder / name, self.folder / (name + ".yesterday"))

    def put_back(self, *names):
        for name in names:
            shutil.copy2(self.folder / (name + ".yesterday"), self.folder / name)


@pytest.fixture
def served(tmp_path):
    return Served(tmp_path)


def test_ordinary_restarts_tell_nothing_and_leave_out_64_numbers_at_the_most(served):
    for _ in range(4):
        assert served.serve(100) is None
    assert max(served.taken[UE]) < 4 * (100 + 64)


def test_a_store_that_was_killed_is_no_old_copy(served):
    def alive():
        store = Store(served.path)
        context = StoreContext(store, store.keys_of_ue(UE))
        for _ in range(1000):
            context.new_sequence_number()
        os._exit(9)

    assert served.serve(1) is None
    child = os.fork()
    if not child:
        alive()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    served.taken[UE] |= set(range(64, 1064))
    assert served.serve(10) is None


@pytest.mark.parametrize("names", [[FILE], [FILE, BESIDE]], ids=["the store alone", "both files"])
@pytest.mark.parametrize("since", [65, 5000])
def test_yesterdays_copy_is_noticed_and_the_numbers_go_ahead(served, names, since):
    served.serve(10)
    served.copy(*names)
    served.serve(since)
    served.put_back(*names)
    told = served.serve(5000)
    assert told["keys"] == 2 and told["ahead"] >= 1 << 20 and told["reason"]
    assert served.serve(100) is None  # once
    served.put_back(*names)
    assert served.serve(5000)["keys"] == 2  # the same copy a second time
    assert max(served.taken[UE]) < 1 << 40


def test_a_key_that_was_new_at_the_time_of_the_copy_was_perhaps_used_since(served):
    served.serve(1)
    served.copy(FILE)
    served.serve(200, OTHER)
    served.put_back(FILE)
    assert served.serve(200, OTHER)
    store = Store(served.path)
    context = StoreContext(store, store.keys_of_ue(OTHER))
    # What was recorded since then must not be taken again: the window is unknown, and asked for (Echo).
    assert not context.recipient_replay_window.is_initialized()
    store.close()


def test_a_copy_without_the_file_beside_it(served, tmp_path):
    served.serve(10)
    served.copy(FILE)
    served.serve(200)
    (tmp_path / BESIDE).unlink()
    served.put_back(FILE)
    assert BESIDE in served.serve(200)["reason"]


def test_an_older_copy_goes_further_ahead(served):
    served.serve(10)
    store = Store(served.path, serving=False)
    with store.transaction():  # as a copy of ten days ago has it
        store._db.execute("UPDATE generation SET noted=noted-864000")
    store.close()
    (served.folder / BESIDE).unlink()
    assert served.serve(1)["ahead"] >= 864000 * 1000  # more messages than any link carried meanwhile


def test_a_store_of_an_earlier_version_that_was_in_use(served):
    served.serve(100)
    store = Store(served.path, serving=False)
    store._db.execute("DROP TABLE generation")
    store.close()
    (served.folder / BESIDE).unlink()
    assert "earlier version" in served.serve(100)["reason"]
    assert served.serve(100) is None


def test_a_new_store_in_the_place_of_one_that_was_thrown_away(served, tmp_path):
    served.serve(100)
    (tmp_path / FILE).unlink()
    again = Served(tmp_path)
    assert again.serve(100) is None  # other keys: nothing was used with them
    assert again.serve(100) is None


def test_nothing_was_taken_since_the_copy(served):
    served.serve(100)
    served.copy(FILE)
    served.put_back(FILE)
    assert served.serve(100) is None


def write_and_put_back_at_once(path, again):
    """Whether a copy of the file that was made before its last write is taken for the file itself."""
    file = generation.GenerationFile(path)
    file.read()
    file.write("name", 1, 64)
    assert file.read().ours
    old = path.read_bytes()
    if again:  # the gateway ends and starts in between
        file.close()
        file = generation.GenerationFile(path)
        assert file.read().ours
        file.write("name", 2, 128, longest=1 << 40)
    else:
        file.write("name", 2, 128)
    assert file.read().ours
    generation.os.pwrite(file._descriptor, old, 0)
    taken = file.read()
    file.close()
    assert (taken.count, taken.top) == (1, 64)
    return taken.ours


@pytest.mark.parametrize("again", [False, True], ids=["one run", "a start in between"])
def test_a_copy_that_is_put_back_at_once_does_not_fit(tmp_path, again):
    assert not any(write_and_put_back_at_once(tmp_path / BESIDE, again) for _ in range(200))


class Clocks:
    """Instead of the modules `time` and `os`: a clock of ours, and a file system whose clock goes by `step` ns and is
    `ahead`. Each call takes a microsecond, and now and then, as on a busy machine, `busy` ns."""

    O_RDWR, O_CREAT, O_CLOEXEC, O_NOFOLLOW = os.O_RDWR, os.O_CREAT, os.O_CLOEXEC, os.O_NOFOLLOW
    open, close, pread, fchmod = os.open, os.close, os.pread, os.fchmod

    def __init__(self, step, ahead, busy):
        self.step, self.ahead, self.busy = step, ahead, busy
        self.now = 1_800_000_000_123_456_789
        self.calls = 0
        self.changed = 0
        self.slept = []

    def time_ns(self):
        self.calls += 1
        self.now += 1000
        given = self.now
        if self.calls % 7 < 4:
            self.now += self.busy
        return given

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += int(seconds * 1e9)

    def pwrite(self, *what):
        self.now += 1000
        self.changed = (self.now + self.ahead) // self.step * self.step
        return os.pwrite(*what)

    def fstat(self, descriptor):
        found = os.fstat(descriptor)
        return types.SimpleNamespace(st_mode=found.st_mode, st_ctime_ns=self.changed)


@pytest.mark.parametrize("again", [False, True], ids=["one run", "a start in between"])
@pytest.mark.parametrize("step", [1, 999, 1_000_000, 4_000_003, 10_000_019])
@pytest.mark.parametrize("ahead", [0, -7_300_000_000, 86_400_000_000_000])
@pytest.mark.parametrize("busy", [0, 130_000, 8_000_000, 60_000_000])
def test_whatever_the_clock_of_the_file_system_counts(tmp_path, monkeypatch, again, step, ahead, busy):
    clocks = Clocks(step, ahead, busy)
    monkeypatch.setattr(generation, "time", clocks)
    monkeypatch.setattr(generation, "os", clocks)
    assert not any(write_and_put_back_at_once(tmp_path / BESIDE, again) for _ in range(5))


@pytest.mark.parametrize("past", [0, 30_000, 3_000_000, 20_000_000, 500_000_000, 999_999_000])
def test_a_start_on_a_file_system_that_counts_seconds_waits(tmp_path, monkeypatch, past):
    clocks = Clocks(1_000_000_000, 0, 0)
    clocks.now = 1_800_000_000_000_000_000 + past
    monkeypatch.setattr(generation, "time", clocks)
    monkeypatch.setattr(generation, "os", clocks)
    assert not write_and_put_back_at_once(tmp_path / BESIDE, True)
    assert 0 < sum(clocks.slept) < 4
    file = generation.GenerationFile(tmp_path / BESIDE)
    clocks.slept.clear()
    for count in range(100):  # while it serves, never
        file.write("name", count, 0)
    assert sum(clocks.slept) < 1
    file.close()


def test_a_clock_that_was_set_back_stops_nobody(tmp_path, monkeypatch):
    clocks = Clocks(1, 0, 0)
    monkeypatch.setattr(generation, "time", clocks)
    monkeypatch.setattr(generation, "os", clocks)
    for _ in range(3):
        assert not write_and_put_back_at_once(tmp_path / BESIDE, True)
        clocks.now -= 3600 * 10**9
    assert sum(clocks.slept) < 0.5


def test_the_file_of_an_earlier_version_fits(tmp_path):
    file = generation.GenerationFile(tmp_path / BESIDE)
    file.write("name", 3, 64)
    line = (tmp_path / BESIDE).read_bytes()
    os.pwrite(file._descriptor, b"%s\n" % b" ".join(line.split()[:4]), 0)
    os.ftruncate(file._descriptor, len(line) - 21)
    assert file.read() == generation.Record("name", 3, 64, True)
    file.write("name", 4, 64)
    assert file.read() == generation.Record("name", 4, 64, True)
    file.close()
