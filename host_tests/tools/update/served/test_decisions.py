# SPDX-License-Identifier: MIT
"""How the server brings bundles to devices, with a clock that the test moves: no socket, no waiting."""

import collections
import hashlib
import inspect
import json
import random

import pytest

from host_tests.gateway.scripted import SERVICE, new_id
from host_tests.tools.update.served.loader import APPLICATION, Loader, message
from tools.server.delivery.pushes import Outcome
from tools.server.procedures.updates.jobs import Jobs
from tools.server.procedures.updates.updates import Updates
from tools.server.server import Server
from tools.server.settings import Settings
from tools.store.server.bundletables import BundleTables, StoredBundle
from tools.store.server.updatetables import Plan, UpdateTables
from tools.store.store import Store
from tools.wire import payload as payloads
from tools.wire import segments
from tools.wire.identity import Peer

FROM = "as:updates@localhost"
CONTENTS = bytes(range(256)) * 300  # 76,800 octets: five pieces


class World:
    """A server in memory, and devices that are registered there, each with its Loader."""

    def __init__(self, count=1, **settings):
        self.now = 1_000_000.0
        self.told = []
        self.store = Store(":memory:")
        self.settings = Settings(open=True, **settings)
        self.random = random.Random(1)
        self.loaders = {}
        self.silent, self.parts = set(), {}
        self.tries = 1
        self.offered = []  # whom an offer went to, in order
        self.restart()
        self.work()
        for number in range(count):
            self.add("ue:%02d" % number)

    def restart(self):
        self.server = Server(self.store, self.settings, self._emit, rng=random.Random(1))
        self.server.start(self.now)

    @property
    def updates(self):
        return self.server.updates

    def _emit(self, event, **fields):
        self.told.append((event, fields))

    def events(self, event):
        return [fields for name, fields in self.told if name == event]

    def add(self, ue, **loader):
        self.loaders[ue] = Loader(**loader)
        return self.register(ue)

    def peer(self, ue):
        return Peer("192.0.2.%d" % (1 + list(self.loaders).index(ue)), 40000)

    def ask(self, ue, kind, **members):
        """A request, which a device repeats as long as the server takes it not."""
        body = {"msgIden": SERVICE, "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": ue}} | members
        for _ in range(self.tries):
            with self.store.transaction():
                answer = self.server.request(self.peer(ue), 50, json.dumps(body).encode(), self.now)
            if answer.code == "2.04":
                return answer
        raise AssertionError(answer)

    def register(self, ue, seconds=3600, **members):
        return self.ask(ue, "REG", regExpTime=seconds, **members)

    def say(self, ue, said, **members):
        text = said if isinstance(said, str) else message(said)
        head = {"destAddr": {"destAddrType": "AS", "addr": FROM}, "msgId": new_id(), "sfFlag": True}
        self.ask(ue, "MSG", **head, appId=APPLICATION, payload=text, **members)

    def send(self, ues=None, contents=CONTENTS, number=1, kind="app", now=None, **plan):
        """A new job, as a command makes one."""
        manifest = b"msgin5g 1\nnumber %d\nkind %s\nfile %d 00 app/app.py\n" % (
            number,
            kind.encode(),
            len(contents),
        )
        id_ = hashlib.sha256(manifest).hexdigest()[:16]
        bundle = StoredBundle(id_, kind, "garden", "1.%d" % number, number, 600, len(contents))
        with self.store.transaction():
            self.store.add_bundle(bundle, manifest, b"s" * 2000, contents, self.now)
            job = self.store.add_update(
                bundle, list(self.loaders) if ues is None else ues, Plan(**plan), self.now
            )
        self.server.changed()
        return job

    def work(self, later=0.0):
        """What is due goes out, and devices answer it; once."""
        self.now += later
        with self.store.transaction():
            pushes = self.server.work(self.now)
        for push in pushes:
            ue = push.target.id
            silent = ue in self.silent
            outcome = Outcome("later", "no answer", None, False) if silent else Outcome.of_coap("2.04")
            if not silent:
                self.hear(ue, push.body)
            with self.store.transaction():
                self.server.outcome(push, outcome, self.now)
        return pushes

    def hear(self, ue, body):
        if body["msgType"] != "MSG":
            return
        assert (body["appId"], body["oriAddr"]["addr"]) == (APPLICATION, FROM)
        value = body["payload"]
        if body.get("isSegmented"):
            params = body["segParams"]
            got = self.parts.setdefault((ue, params["segId"]), {})
            got[params["segNumb"]] = value
            if len(got) < params["totalSegCount"]:
                return
            value = segments.join([got[number] for number in sorted(got)])
            self.ask(ue, "SEGCONFIR", segId=params["segId"], result=True)
        octets = payloads.to_octets(value)
        if octets[:1] == b"O":
            self.offered.append(ue)
        for said in self.loaders[ue].hear(octets):
            self.say(ue, said)

    def settle(self):
        """Until nothing goes out any more at this time."""
        for _ in range(20000):
            if not self.work():
                return
        raise AssertionError("it goes on for ever")

    def until(self, holds, seconds=100_000):
        """Time goes on from one thing that is due to the next one."""
        self.settle()
        end = self.now + seconds
        while not holds():
            due = self.server.deadline(self.now)
            assert due is not None and due <= end, "it never came; %s" % self.states()
            self.now = max(due, self.now + 0.001)
            self.settle()

    def states(self, job=None):
        jobs = [each.job for each in self.store.updates()] if job is None else [job]
        found = {}
        for number in jobs:
            for device in self.store.update_devices(number, None, 0, 1000):
                found[number, device.ue] = device.state
        return found if job is None else {ue: state for (_, ue), state in found.items()}

    def job(self, number):
        return self.store.update(number)


@pytest.fixture
def world(request):
    made = World(getattr(request, "param", 1))
    yield made
    made.store.close()


def counts(world, job):
    return world.store.update_counts(job)


def test_a_device_is_offered_its_bundle_and_gets_all_of_it(world):
    job = world.send()
    world.settle()
    loader = world.loaders["ue:00"]
    assert loader.whole == CONTENTS
    assert loader.unasked == 0 and loader.offers == 1 and loader.again == [0]
    assert counts(world, job) == {"confirmed": 1}
    assert world.job(job).state == "done"
    told = [fields["state"] for fields in world.events("update")]
    assert list(dict.fromkeys(told)) == ["offered", "loading", "verified", "trying", "confirmed"]
    assert [fields["state"] for fields in world.events("update-job")] == ["running", "done"]


def test_nothing_is_sent_to_a_device_but_what_it_asked_for(world):
    """No more than an offer, or the two pieces that it wants, is in its queue."""
    world.send()
    most = 0
    for _ in range(1000):
        if not world.work():
            break
        most = max(most, world.store.load(1, ("AS", FROM))[0])
    assert most <= 2
    assert counts(world, 1) == {"confirmed": 1}


def test_what_a_device_refuses_is_said_with_its_cause(world):
    world.loaders["ue:00"].refuses = "board: it is for esp32, and this is rp2040"
    job = world.send()
    world.settle()
    (device,) = world.store.update_devices(job, "refused", 0, 10)
    assert device.cause == "board: it is for esp32, and this is rp2040"
    assert world.job(job).state == "done"
    assert [fields["cause"] for fields in world.events("update")][-1] == device.cause


def test_a_device_that_is_busy_is_offered_it_again(world):
    loader = world.loaders["ue:00"]
    loader.refuses = "busy: another one is being verified"
    job = world.send()
    world.settle()
    assert counts(world, job) == {"offered": 1}
    loader.refuses, loader.id = None, None
    world.until(lambda: counts(world, job) == {"confirmed": 1}, 60)
    assert loader.offers == 2


def test_one_that_never_registered_and_one_that_is_away_get_it_when_they_come(world):
    world.register("ue:00", seconds=10)
    job = world.send(["ue:00", "ue:never"])
    world.now += 60
    world.settle()
    world.now += 400_000  # for days
    world.settle()
    assert counts(world, job) == {"waiting": 2}
    assert world.store.load(1, ("AS", FROM)) == (0, 0)  # nothing waits in a queue
    world.register("ue:00")
    world.settle()
    assert counts(world, job) == {"waiting": 1, "confirmed": 1}
    world.add("ue:never")
    world.settle()
    assert counts(world, job) == {"confirmed": 2}


def test_a_device_that_goes_away_while_it_loads_goes_on_where_it_was(world):
    job = world.send()
    loader = world.loaders["ue:00"]
    while len(loader.whole) < 32768:
        world.work()
    world.silent.add("ue:00")
    world.now += 20_000  # its registration is over
    world.settle()
    assert counts(world, job) == {"loading": 1}
    world.silent.clear()
    world.register("ue:00")
    for said in loader.goes_on():
        world.say("ue:00", said)
    world.settle()
    assert counts(world, job) == {"confirmed": 1} and loader.whole == CONTENTS
    assert loader.offers <= 2


def test_a_device_that_says_nothing_is_asked_and_less_often_each_time():
    world = World(lifetime=10 * 86400)
    world.register("ue:00", seconds=5 * 86400)
    loader = world.loaders["ue:00"]
    heard, loader.hear = [], lambda octets: heard.append(world.now) or []
    job = world.send()
    world.until(lambda: len(heard) == 12, 200_000)
    gaps = [round(after - before) for before, after in zip(heard, heard[1:], strict=False)]
    (device,) = world.store.update_devices(job, "offered", 0, 10)
    assert device.cause.startswith("no answer to 11 offers: ")
    assert gaps == [300, 600, 1200, 2400, 4800, 9600, 19200, 21600, 21600, 21600, 21600]
    assert counts(world, job) == {"offered": 1}


def test_the_queue_holds_one_offer_for_a_device_that_is_silent():
    world = World(lifetime=10 * 86400)
    world.register("ue:00", seconds=5 * 86400)
    world.silent.add("ue:00")
    world.send()
    end = world.now + 4 * 86400
    while world.now < end:
        world.settle()
        assert world.store.load(1, ("AS", FROM))[0] <= 1
        world.now += 3600
    world.silent.clear()
    world.register("ue:00")
    world.until(lambda: counts(world, 1) == {"confirmed": 1})


@pytest.mark.parametrize("world", [10], indirect=True)
def test_a_stage_begins_when_the_one_before_has_ended(world):
    """Two first, then half of the other eight at a time."""
    for loader in world.loaders.values():
        loader.ends = None
    job = world.send(first="2", then="50%")
    world.settle()
    assert world.offered == ["ue:00", "ue:01"]
    confirm(world, "ue:00")
    world.settle()
    assert counts(world, job) == {"waiting": 8, "trying": 1, "confirmed": 1}
    confirm(world, "ue:01")
    world.settle()
    assert world.offered == ["ue:%02d" % number for number in range(6)]
    assert world.job(job).stage == 2
    for ue in world.offered[2:]:
        confirm(world, ue)
    world.settle()
    assert len(world.offered) == 10 and world.job(job).stage == 3
    for ue in world.offered[6:]:
        confirm(world, ue)
    world.settle()
    assert world.job(job).state == "done"


def confirm(world, ue):
    loader = world.loaders[ue]
    assert loader.state == "trying"
    loader.state = "confirmed"
    world.say(ue, loader.says())


def test_a_stage_goes_on_without_a_device_that_is_left_out():
    world = World(3)
    world.silent.add("ue:00")
    job = world.send(first="1")
    world.settle()
    assert world.job(job).stage == 1 and counts(world, job) == {"waiting": 2, "offered": 1}
    with world.store.transaction():
        world.store.stop_devices(job, world.now, "by command", "ue:00")
    world.server.changed()
    world.settle()
    assert counts(world, job) == {"confirmed": 2, "stopped": 1} and world.job(job).state == "done"


@pytest.mark.parametrize("world", [10], indirect=True)
def test_failures_pause_a_job_and_nothing_more_goes_out_until_it_is_resumed(world):
    world.loaders["ue:00"].ends = "rolled-back"
    world.loaders["ue:01"].refuses = "space: needs 90000, has 5000"
    world.loaders["ue:02"].refuses = "space: needs 90000, has 5000"
    job = world.send(first="3", then="100%", patience=2)
    world.settle()
    paused = world.job(job)
    assert paused.state == "paused"
    assert paused.why.startswith("2 devices failed, the last one ue:0")
    assert counts(world, job) == {"waiting": 7, "refused": 2, "loading": 1}
    world.now += 86400
    world.settle()
    assert len(world.offered) == 3
    with world.store.transaction():
        world.store.set_update_state(job, "running", failed=0)
    for ue in world.loaders:
        world.register(ue)
    world.server.changed()
    world.settle()
    assert counts(world, job) == {"confirmed": 7, "refused": 2, "rolled-back": 1}
    assert world.job(job).state == "done"


def test_a_device_that_loads_is_held_while_its_job_is_paused(world):
    job = world.send()
    loader = world.loaders["ue:00"]
    while len(loader.whole) < 32768:
        world.work()
    with world.store.transaction():
        world.store.set_update_state(job, "paused")
    world.server.changed()
    world.settle()
    had = len(loader.whole)
    assert had < len(CONTENTS)
    world.now += 1000
    world.settle()
    assert len(loader.whole) == had and loader.offers == 1
    with world.store.transaction():
        world.store.set_update_state(job, "running")
    world.server.changed()
    world.settle()
    assert counts(world, job) == {"confirmed": 1} and loader.whole == CONTENTS and loader.offers == 1


def test_what_is_stopped_is_told_to_who_loads_it(world):
    loader = world.loaders["ue:00"]
    job = world.send(["ue:00", "ue:never"])
    while len(loader.whole) < 32768:
        world.work()
    with world.store.transaction():
        assert world.store.stop_devices(job, world.now, "by command") == 2
        world.store.set_update_state(job, "stopped")
    world.server.changed()
    world.settle()
    assert loader.state == "stopped" and len(loader.whole) < len(CONTENTS)
    assert counts(world, job) == {"stopped": 2}
    assert world.job(job).state == "stopped"


def test_one_that_did_not_hear_that_it_is_stopped_hears_it_when_it_asks(world):
    loader = world.loaders["ue:00"]
    job = world.send()
    while len(loader.whole) < 32768:
        world.work()
    asked = loader.goes_on()
    with world.store.transaction():
        world.store.stop_devices(job, world.now, "by command")
        world.store.change_update_device(job, "ue:00", due=None)  # what was told to it was lost
        world.store.set_update_state(job, "stopped")
    world.settle()
    world.say("ue:00", asked[0])
    world.settle()
    assert loader.state == "stopped"


def test_what_rolled_back_is_tried_again_only_where_that_is_said(world):
    loader = world.loaders["ue:00"]
    loader.ends = "rolled-back"
    job = world.send()
    world.settle()
    assert counts(world, job) == {"rolled-back": 1}
    loader.ends = "confirmed"
    with world.store.transaction():
        assert world.store.try_again(job, world.now) == 1
        world.store.set_update_state(job, "running", failed=0)
    world.server.changed()
    world.settle()
    assert loader.again == [0, 1] and counts(world, job) == {"confirmed": 1}


def test_a_newer_update_takes_the_place_of_one_under_way(world):
    first = world.send(number=1)
    loader = world.loaders["ue:00"]
    while not loader.whole:
        world.work()
    second = world.send(number=2)
    world.settle()
    assert world.states() == {(first, "ue:00"): "stopped", (second, "ue:00"): "confirmed"}
    assert world.job(first).state == "done"


def test_the_same_once_more_goes_on_with_what_has_come(world):
    first = world.send()
    loader = world.loaders["ue:00"]
    while len(loader.whole) < 32768:
        world.work()
    heard = []
    stop, loader._stop = loader._stop, lambda octets: heard.append(octets) or stop(octets)
    second = world.send()
    world.settle()
    assert world.states() == {(first, "ue:00"): "stopped", (second, "ue:00"): "confirmed"}
    assert heard == [] and loader.whole == CONTENTS


def test_a_device_that_is_busy_for_long_is_asked_less_and_less_often():
    world = World(lifetime=10 * 86400)
    world.register("ue:00", seconds=5 * 86400)
    loader = world.loaders["ue:00"]
    loader.refuses = "busy: another bundle is on trial"
    world.send()
    end = world.now + 3600
    world.until(lambda: world.now >= end)
    assert 5 <= loader.offers <= 8  # after 40, 80, 160, ... s


def test_of_two_kinds_one_waits_for_the_other(world):
    loader = world.loaders["ue:00"]
    loader.ends = None
    first = world.send(number=1)
    second = world.send(number=2, kind="config", contents=b"{}")
    world.settle()
    assert world.states() == {(first, "ue:00"): "trying", (second, "ue:00"): "waiting"}
    confirm(world, "ue:00")
    loader.ends = "confirmed"
    world.settle()
    assert world.states() == {(first, "ue:00"): "confirmed", (second, "ue:00"): "confirmed"}


@pytest.mark.parametrize("world", [30], indirect=True)
def test_so_many_are_served_at_once_and_one_that_is_silent_makes_room(world, monkeypatch):
    monkeypatch.setattr("tools.server.procedures.updates.updates.SLOTS", 5)
    dead = list(world.loaders)[:3]
    world.silent |= set(dead)
    job = world.send()
    most = 0
    for _ in range(40):
        while world.work():
            counted = counts(world, job)
            most = max(most, counted.get("offered", 0) - len(dead) + counted.get("loading", 0))
        world.now += 100
    assert most <= 5
    assert counts(world, job) == {"offered": 3, "confirmed": 27}


def test_one_that_refuses_makes_room_at_once(monkeypatch):
    monkeypatch.setattr("tools.server.procedures.updates.updates.SLOTS", 1)
    world = World(5)
    for loader in world.loaders.values():
        loader.refuses = "space: needs 90000, has 5000"
    job = world.send(patience=0)
    world.until(lambda: counts(world, job) == {"refused": 5}, 10)


def test_what_says_nothing_that_counts_is_counted(world):
    world.add("ue:other")
    job = world.send(["ue:00"])
    world.settle()
    before = world.states(job)
    id_ = world.loaders["ue:00"].id
    for said in (
        "{",
        "[]",
        '{"id": "x", "state": "loading"}',
        '{"id": "%s", "state": "well"}' % id_,
        "x" * 2000,
    ):
        world.say("ue:other", said)
    for get in ([[0, 16385]], [[-1, 5]], [[0, 0]], [[0, 5]] * 3, [5], "all", [[0, True]]):
        world.say("ue:other", json.dumps({"id": id_, "state": "loading", "get": get}))
    world.say("ue:other", {"id": id_, "state": "loading", "get": [[0, 100]]})  # it is no part of the job
    world.say("ue:00", {"id": "0" * 16, "state": "confirmed"})
    world.say("ue:00", {"id": id_, "state": "loading", "get": [[0, 100]]})
    assert world.updates.ignored == {"malformed": 12, "unknown": 2, "late": 1}
    assert world.states(job) == before == {"ue:00": "confirmed"}
    assert world.work() == []


def test_pieces_that_a_device_asks_for_again_wait_for_it_once(world):
    """However often a device asks while it takes nothing, two pieces wait for it."""
    loader = world.loaders["ue:00"]
    world.send()
    while not loader.whole:
        world.work()
    world.silent.add("ue:00")
    world.settle()
    for _ in range(20):
        world.say("ue:00", loader.goes_on()[0])
        world.work()
        assert world.store.load(1, ("AS", FROM))[0] <= 2
    world.silent.clear()
    world.register("ue:00")
    world.until(lambda: counts(world, 1) == {"confirmed": 1})
    assert loader.whole == CONTENTS


def test_a_piece_that_a_device_could_not_put_together_goes_once_more_soon(world):
    """Its SEGCONFIR says no: nobody waits for the device to ask."""
    job, loader = world.send(), world.loaders["ue:00"]
    while not loader.whole:
        world.work()
    refused = []

    def hear(ue, body):
        params = body.get("segParams")
        if params and not refused and params["segNumb"] == params["totalSegCount"]:
            refused.append(world.now)
            world.ask(ue, "SEGCONFIR", segId=params["segId"], result=False)
        else:
            World.hear(world, ue, body)

    world.hear = hear
    world.until(lambda: counts(world, job) == {"confirmed": 1}, 60)
    assert refused and loader.whole == CONTENTS and loader.offers == 1


def test_a_device_that_takes_no_piece_is_tried_less_often_each_time():
    world = World(lifetime=10 * 86400)
    world.register("ue:00", seconds=5 * 86400)
    world.send()
    loader = world.loaders["ue:00"]
    while not loader.whole:
        world.work()
    tried = []

    def outcome(push, outcome, now):
        if push.body.get("isSegmented"):
            tried.append(now)
            outcome = Outcome.of_coap("4.00", "not taken")
        type(world.server).outcome(world.server, push, outcome, now)

    world.hear = lambda ue, body: None
    world.server.outcome = outcome
    begun = world.now
    while world.now < begun + 86400:
        world.settle()
        world.now = max(world.server.deadline(world.now) or 0, world.now + 1)
    assert 5 < len(tried) < 40


def test_full_queues_hold_an_update_up_and_an_update_fills_none():
    """One message may wait for each recipient: one of somebody else does, then it is the update's turn."""
    world = World(2, pending_each=1)
    world.silent.add("ue:00")
    head = {"destAddr": {"destAddrType": "UE", "addr": "ue:00"}, "msgId": new_id(), "sfFlag": True}
    world.ask("ue:01", "MSG", **head, payload="of somebody else")
    job = world.send(["ue:00"])
    world.settle()
    assert world.store.load(1, ("AS", FROM)) == (0, 0) and counts(world, job) == {"waiting": 1}
    heard = []

    def hear(ue, body):
        if body.get("payload") == "of somebody else":
            heard.append(body)
        else:
            World.hear(world, ue, body)

    world.hear = hear
    world.silent.clear()
    world.register("ue:00")
    world.until(lambda: counts(world, job) == {"confirmed": 1}, 3600)
    assert len(heard) == 1 and world.loaders["ue:00"].whole == CONTENTS


def test_a_device_that_lost_all_of_it_is_offered_it_again(world):
    loader = world.loaders["ue:00"]
    job = world.send()
    while not loader.whole:
        world.work()
    id_ = loader.id
    loader.__init__()
    world.say("ue:00", {"id": id_, "state": "none"})
    world.settle()
    assert counts(world, job) == {"confirmed": 1} and loader.whole == CONTENTS


@pytest.mark.parametrize("world", [6], indirect=True)
def test_the_server_goes_on_after_a_start_wherever_it_ended(world):
    job = world.send(first="2", then="50%")
    steps = 0
    while world.job(job).state == "running":
        for _ in range(3):
            world.work()
        world.restart()
        world.now += 1
        steps += 1
        assert steps < 10_000
        if not world.work() and steps % 50 == 0:
            world.now += 100
    assert counts(world, job) == {"confirmed": 6}
    assert all(loader.whole == CONTENTS for loader in world.loaders.values())


STEPS = [
    (owner, name)
    for owner in (Updates, Jobs, UpdateTables, BundleTables)
    for name, method in vars(owner).items()
    if inspect.isfunction(method) and not name.startswith("__")
]


def watched(owner, name, raises):
    whole = getattr(owner, name)

    def step(*arguments, **named):
        if raises(owner, name):
            raise ZeroDivisionError(name)
        return whole(*arguments, **named)

    return step


def staged(monkeypatch, raises):
    """A job for two devices, one after the other. `raises(owner, name)`: whether that step does now."""
    world = World(2, retry_max=20)
    world.tries = 3
    job = world.send(first="1", contents=CONTENTS[:20000])
    with monkeypatch.context() as patched:
        for owner, name in STEPS:
            patched.setattr(owner, name, watched(owner, name, raises))
        for _ in range(40):
            world.settle()
            if world.job(job).state == "done":
                break
            world.now += 100
    assert counts(world, job) == {"confirmed": 2}
    assert world.job(job).state == "done"
    assert all(loader.whole == CONTENTS[:20000] for loader in world.loaders.values())
    world.store.close()


def test_any_step_raises_once_and_all_goes_on(monkeypatch):
    """Each function that the story meets, at its second call where there is one."""
    calls = collections.Counter()
    staged(monkeypatch, lambda *step: calls.update([step]))
    assert len(calls) > 25
    for step, count in calls.items():
        seen = []

        def raises(*called, step=step, seen=seen):
            seen.extend([called] * (called == step))
            return called == step and len(seen) == min(2, count)  # noqa: B023

        staged(monkeypatch, raises)
        assert len(seen) >= min(2, count), step


def test_nobody_can_register_as_the_service_that_updates_come_from(world):
    from tools.wire.answers import Refusal

    with pytest.raises(Refusal, match="the server's own"):
        world.server.application_servers.register(
            {"asSvcId": FROM, "targetUri": "http://192.0.2.9/"}, world.now
        )
