# SPDX-License-Identifier: MIT
"""Bundles, jobs and the devices of a job in the store: what is kept, what makes room, and what a registration sets."""

import pytest

from tools.store.server import bundletables, updatetables
from tools.store.server.bundletables import NoRoomError, StoredBundle
from tools.store.server.updatetables import Plan
from tools.store.store import Store
from tools.wire.identity import Peer

HERE = Peer("192.0.2.1", 40000)
A, B, C = "ue:a", "ue:b", "ue:c"


@pytest.fixture
def store():
    made = Store(":memory:")
    yield made
    made.close()


def bundle(store, number=1, contents=b"x" * 100, kind="app"):
    made = StoredBundle("%016x" % number, kind, "garden", "1.%d" % number, number, 600, len(contents))
    store.add_bundle(made, b"manifest %d" % number, b"signature", contents, float(number))
    return made


def register(store, ue, now=5.0):
    store.register(ue, HERE, now, now + 3600, None, {})


def job(store, ues, number=1, now=2.0, kind="app", **plan):
    return store.add_update(bundle(store, number, kind=kind), ues, Plan(**plan), now)


def stages(store, number):
    return sorted(each.stage for each in store.update_devices(number, None, 0, 100))


def test_any_piece_of_a_bundle_is_what_its_files_are_there(store):
    contents = bytes(range(256)) * 700  # 179,200 octets: three blocks
    one = bundle(store, contents=contents)
    for offset, length in ((0, 1), (0, 16384), (65535, 2), (65530, 16384), (131072, 16384), (179199, 1)):
        assert store.bundle_piece(one.id, offset, length) == contents[offset : offset + length]
    assert store.bundle_head(one.id) == (b"manifest 1", b"signature")


def test_a_bundle_that_is_sent_again_is_replaced(store):
    """Its ID is of the manifest: it was signed with the wrong key before, or the store was damaged."""
    number = job(store, [A])
    one = bundle(store)
    store.add_bundle(one, b"manifest 1", b"another signature", b"y" * 100, 9.0)
    assert store.bundle_head(one.id) == (b"manifest 1", b"another signature")
    assert store.bundle_piece(one.id, 0, 200) == b"y" * 100
    assert store.update(number).bundle == one.id and store.update_for_people(store.update(number))


def test_the_oldest_bundle_that_no_job_goes_on_with_makes_room(store):
    for number in range(1, bundletables.BUNDLES + 1):
        job(store, [A], number, now=float(number), kind="app")
    # Each newer job of the kind has stopped the device of the one before; the jobs themselves go on.
    with pytest.raises(NoRoomError, match="update stop JOB"):
        bundle(store, 100)
    store.set_update_state(2, "stopped")
    bundle(store, 100)
    assert store.bundle("%016x" % 2) is None
    assert store.update(2) is None
    assert store.bundle_piece("%016x" % 2, 0, 10) == b""
    assert store.bundle("%016x" % 1) is not None


def test_the_oldest_jobs_that_are_over_make_room(store, monkeypatch):
    monkeypatch.setattr(updatetables, "JOBS", 3)
    monkeypatch.setattr(updatetables, "DEVICES", 5)
    first, second = job(store, [A, B]), job(store, [A], kind="config", number=2)
    with pytest.raises(NoRoomError, match="6 are too many for one update, which has 5 devices"):
        job(store, ["ue:%d" % number for number in range(6)])
    with pytest.raises(NoRoomError, match="update stop JOB"):
        job(store, [A, B, C], number=3)
    store.set_update_state(second, "done")
    third = job(store, [A, B, C], number=3)  # 2 + 3 devices
    assert [each.job for each in store.updates()] == [third, first]
    assert store.update_devices(second, None, 0, 10) == []
    assert store.update_counts(second) == {}


def test_a_ue_is_in_a_job_once_and_a_newer_job_of_the_kind_goes_on_with_it(store):
    first, other = job(store, [A, B, A]), job(store, [A], number=2, kind="config")
    second = job(store, [A], number=3)
    assert store.update(first).devices == 2
    assert store.update_counts(first) == {"waiting": 1, "stopped": 1}
    (stopped,) = store.update_devices(first, "stopped", 0, 10)
    assert (stopped.ue, stopped.cause) == (A, "update %d is newer" % second)
    assert store.update_counts(other) == {"waiting": 1}


def test_a_stage_begins_with_those_that_are_registered(store):
    number = job(store, [A, B, C])
    register(store, C)
    assert store.begin_stage(number, 1, 1, 6.0) == 1
    assert store.updates_ready(10) == [(number, C)]
    assert stages(store, number) == [0, 0, 1]
    assert store.begin_stage(number, 2, 5, 7.0) == 2
    assert store.updates_ready(10) == [(number, C)]  # the others are away
    assert (store.update(number).stage, stages(store, number)) == (2, [1, 2, 2])


def test_a_registration_says_that_a_device_may_be_offered_what_waits_for_it(store):
    number = job(store, [A, B, C])
    store.begin_stage(number, 1, 2, 3.0)
    assert store.updates_ready(10) == []
    register(store, B, 8.0)
    register(store, A, 7.0)
    register(store, C, 6.0)  # its stage has not begun
    assert store.updates_ready(10) == [(number, A), (number, B)]
    assert store.next_update(7.5, 50) == 7.0
    store.change_update_device(number, A, state="loading", ready=None, slot=20.0)
    assert store.next_update(7.5, 1) == 20.0  # B waits until one is free
    register(store, A, 9.0)
    assert store.updates_due(9.0, 10) == [(number, A)]  # it is asked how it stands
    register(store, B, 10.0)
    assert store.updates_ready(10) == [(number, B)]
    assert store.updates_due(100.0, 10) == [(number, A)]


def test_counts_are_what_the_devices_are(store):
    number = job(store, [A, B, C])
    store.begin_stage(number, 1, 3, 3.0)
    store.change_update_device(number, A, state="confirmed")
    store.change_update_device(number, B, state="loading", have=5)
    assert store.update_counts(number) == {"waiting": 1, "loading": 1, "confirmed": 1}
    assert not store.is_stage_over(number)
    assert store.stop_devices(number, 9.0, "update stop") == 2
    assert store.update_counts(number) == {"confirmed": 1, "stopped": 2}
    assert store.is_stage_over(number)
    assert store.updates_due(9.0, 10) == [(number, B)]  # it is told; C had heard of nothing
    assert store.try_again(number, 10.0, B) == 1
    assert store.update_device(number, B).again
    assert store.update_counts(number) == {"waiting": 1, "confirmed": 1, "stopped": 1}
    assert [each.ue for each in store.update_devices(number, None, 1, 5)] == [B, C]


def test_a_ue_that_is_removed_is_waited_for_no_more(store):
    store.add_device(A)
    number = job(store, [A, B])
    store.begin_stage(number, 1, 2, 3.0)
    store.remove_device(A)
    assert store.update_counts(number) == {"waiting": 1, "stopped": 1}


def test_what_is_said_for_people_has_all_of_a_job(store):
    number = job(store, [A, B], now=4.0)
    assert store.update_for_people(store.update(number)) == {
        "job": number,
        "bundle": "%016x" % 1,
        "kind": "app",
        "name": "garden",
        "version": "1.1",
        "number": 1,
        "state": "running",
        "why": "",
        "created": 4.0,
        "stage": 0,
        "devices": 2,
        "counts": {"waiting": 2},
    }
