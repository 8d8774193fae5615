# SPDX-License-Identifier: MIT
"""Devices that are in more than one job, that are left out of one or get it again, that are removed, and that ask for
more than they may."""

import pytest

from host_tests.gateway.scripted import new_id
from host_tests.tools.update.served.loader import APPLICATION
from host_tests.tools.update.served.test_decisions import CONTENTS, FROM, World, confirm, counts
from tools.wire.answers import Refusal


@pytest.fixture
def made():
    """Makes a World."""
    worlds = []

    def make(count):
        worlds.append(World(count))
        return worlds[-1]

    yield make
    for world in worlds:
        world.store.close()


def change(world, function, *arguments):
    """As a command does."""
    with world.store.transaction():
        result = function(*arguments)
    world.server.changed()
    world.settle()
    return result


def stop(world, job, ue=None):
    def stopped():
        count = world.store.stop_devices(job, world.now, "by command", ue)
        if ue is None:
            world.store.set_update_state(job, "stopped", "by command")
        return count

    return change(world, stopped)


def again(world, job, ue=None):
    def begun():
        count = world.store.try_again(job, world.now, ue)
        world.store.set_update_state(job, "running", failed=0)
        return count

    return change(world, begun)


def test_of_two_jobs_with_one_bundle_each_hears_how_its_device_ended(made):
    """The second one was sent while the device tried what the first one brought."""
    world = made(1)
    world.loaders["ue:00"].ends = None
    first = world.send()
    world.settle()
    second = world.send()
    world.settle()
    assert world.states() == {(first, "ue:00"): "trying", (second, "ue:00"): "waiting"}
    confirm(world, "ue:00")
    world.settle()
    assert world.states() == {(first, "ue:00"): "confirmed", (second, "ue:00"): "confirmed"}
    assert (world.job(first).state, world.job(second).state) == ("done", "done")


def test_the_earlier_of_two_jobs_with_one_bundle_is_begun_again(made):
    world = made(1)
    loader = world.loaders["ue:00"]
    loader.refuses = "space: needs 90000, has 5000"
    first = world.send()
    world.settle()
    second = world.send()
    world.settle()
    loader.refuses, loader.state = None, "rolled-back"
    assert again(world, first) == 1
    assert world.states() == {(first, "ue:00"): "confirmed", (second, "ue:00"): "refused"}
    assert world.job(first).state == "done"


def test_what_loads_already_goes_on_in_a_later_job_after_a_pause(made):
    """Its stage had not begun there: it is served as those whose has."""
    world = made(2)
    world.send(["ue:01"])
    loader = world.loaders["ue:01"]
    while not loader.whole:
        world.work()
    second = world.send(first="1")
    asked = loader.goes_on()
    change(world, world.store.set_update_state, second, "paused")
    world.say("ue:01", asked[0])
    world.now += 1000
    world.settle()
    assert world.states(second)["ue:01"] == "loading"
    change(world, world.store.set_update_state, second, "running")
    world.settle()
    assert counts(world, second) == {"confirmed": 2}
    assert world.job(second).stage == 1


def test_devices_of_stages_that_had_not_begun_wait_for_them_again(made):
    world = made(10)
    for loader in world.loaders.values():
        loader.ends = None
    job = world.send(first="1", then="1")
    world.settle()
    assert stop(world, job) == 9  # one tries it
    assert again(world, job) == 9
    assert world.offered == ["ue:00"]
    confirm(world, "ue:00")
    world.settle()
    assert world.offered == ["ue:00", "ue:01"]


def test_one_that_is_named_gets_it_again_at_once(made):
    world = made(3)
    for loader in world.loaders.values():
        loader.ends = None
    job = world.send(first="1", then="1")
    world.settle()
    assert stop(world, job, "ue:02") == 1
    assert again(world, job, "ue:02") == 1
    assert world.offered == ["ue:00", "ue:02"]


def test_nobody_waits_for_a_device_that_is_left_out_while_it_tries(made):
    """It broke. Where it comes back nevertheless, its end is what it says."""
    world = made(2)
    loader = world.loaders["ue:00"]
    loader.ends = None
    heard, whole = [], loader.hear
    job = world.send(first="1")
    world.settle()
    loader.hear = lambda octets: heard.append(octets) or whole(octets)
    assert stop(world, job, "ue:00") == 1
    assert counts(world, job) == {"confirmed": 1, "stopped": 1} and world.job(job).state == "done"
    assert heard == [], "a device on trial is told nothing"
    confirm(world, "ue:00")
    assert counts(world, job) == {"confirmed": 2}


def test_a_stage_goes_on_without_a_device_that_the_server_itself_removes(made):
    """As it does on an open server where another UE needs the room: no command says that something has changed."""
    world = made(2)
    world.silent.add("ue:00")
    job = world.send(first="1")
    world.settle()
    with world.store.transaction():
        world.store.remove_device("ue:00")
    world.settle()
    assert counts(world, job) == {"confirmed": 1, "stopped": 1} and world.job(job).state == "done"


def test_a_device_that_asks_for_more_and_more_has_two_pieces_in_its_queue(made):
    """Else it would use up what may wait of updates, and no other device would get any."""
    world = made(1)
    loader = world.loaders["ue:00"]
    job = world.send(contents=bytes(4 << 20))
    while not loader.whole:
        world.work()
    world.silent.add("ue:00")
    for number in range(30):
        pieces = [[number * 40_000 + 1, 16_384], [number * 40_000 + 20_001, 16_384]]
        world.say("ue:00", {"id": loader.id, "state": "loading", "get": pieces})
        world.work()
        assert world.store.load(1, ("AS", FROM))[0] <= 2
    world.silent.clear()
    world.register("ue:00")
    world.until(lambda: counts(world, job) == {"confirmed": 1})


@pytest.mark.parametrize("says", ["asks", "none", "both"])
def test_a_device_that_takes_all_and_confirms_nothing_uses_up_no_room_of_others(made, says):
    """What it took in segments waits for its SEGCONFIR."""
    world = made(1)
    loader = world.loaders["ue:00"]
    world.send(contents=bytes(4 << 20))
    while not loader.whole:
        world.work()
    world.hear = lambda ue, body: None
    for number in range(20):
        pieces = [[number * 40_000 + 1, 16_384], [number * 40_000 + 20_001, 16_384]]
        if says != "none":
            world.say("ue:00", {"id": loader.id, "state": "loading", "get": pieces})
            world.settle()
        if says != "asks":
            world.say("ue:00", {"id": loader.id, "state": "none"})
            world.settle()
        world.now += 1
        world.settle()
    assert world.store.load(1, ("AS", FROM))[0] <= 4


def test_a_stopped_device_that_asks_on_and_on_is_told_once_as_long_as_that_waits(made):
    world = made(1)
    loader = world.loaders["ue:00"]
    job = world.send()
    while not loader.whole:
        world.work()
    world.silent.add("ue:00")
    world.settle()
    stop(world, job)
    before = world.store.load(1, ("AS", FROM))[0]
    for _ in range(20):
        world.say("ue:00", loader.goes_on()[0])
        world.work()
        world.now += 1
    assert world.store.load(1, ("AS", FROM))[0] <= before


def test_a_device_that_says_again_that_it_knows_nothing_has_one_offer_in_its_queue(made):
    world = made(1)
    loader = world.loaders["ue:00"]
    job = world.send()
    while not loader.whole:
        world.work()
    id_ = loader.id
    loader.__init__()
    world.silent.add("ue:00")
    for _ in range(20):
        world.say("ue:00", {"id": id_, "state": "none"})
        world.work()
        world.now += 1
    assert world.store.load(1, ("AS", FROM))[0] <= 3  # and two pieces
    world.silent.clear()
    world.register("ue:00")
    world.until(lambda: counts(world, job) == {"confirmed": 1}, 3600)
    assert loader.whole == CONTENTS


def test_nobody_speaks_as_the_service_that_updates_come_from(made):
    """Not even who registered that name with a server that did not know of updates yet."""
    world = made(1)
    with world.store.transaction():
        world.store.register_as(FROM, "0123456789abcdef", "http://192.0.2.9/", {})
    body = {
        "asSvcId": FROM,
        "oriAddr": {"addrType": "AS", "addr": FROM},
        "destAddr": {"addrType": "UE", "addr": "ue:00"},
        "appId": APPLICATION,
        "msgId": new_id(),
        "stoAndFwInd": False,
        "payload": "P",
    }
    with pytest.raises(Refusal, match="the server's own"):
        world.server.application_servers.message(body, world.now)
    assert world.store.load(1, ("AS", FROM)) == (0, 0)
