# SPDX-License-Identifier: MIT
"""When a device is brought its new keys, and what its answer means: `tools.gateway.running.rekeying` by itself."""

import asyncio
import json

import pytest

from tools.gateway import keys as key_files
from tools.gateway.running.rekeying import Rekeying
from tools.server.settings import Settings
from tools.store.store import Store
from tools.transport.coap import Unanswered
from tools.wire.answers import Answer
from tools.wire.bodies import Address
from tools.wire.identity import Peer

PEER = Peer("192.0.2.7", 40000)
FIRST, LONGEST = Settings.retry_min, Settings.retry_max
HOUR = 3600


class Scene:
    """`ues` devices with keys; `said` is what they answer, `there` who can be reached."""

    def __init__(self, ues=1):
        self.store = Store(":memory:")
        self.now = 1000.0
        self.there = set()
        self.said = Answer("2.04")
        self.requests = []
        self.events = []
        self.old = {}
        ids = key_files.free_ids(set())
        with self.store.transaction():
            for number in range(ues):
                ue = "ue:%d@x" % number
                keys = key_files.of_section("", key_files.new_section({*self.store.kids_in_use()}))
                key_files.add(self.store, ue, keys, "")
                self.old[ue] = keys
        self.ids = ids
        self.rekeying = Rekeying(self.store, Settings(), self._emit, self._where, self._relay, self._note)

    def begin(self):
        ids = key_files.free_ids(self.store.kids_in_use())
        with self.store.transaction():
            for keys in self.old.values():
                self.store.begin_rekey(keys.digest, key_files.renewed(keys, next(ids)), 0)
        self.rekeying.changed()

    def _emit(self, event, **fields):
        self.events.append((event, fields))

    def _where(self, ue, now):
        return PEER if ue in self.there else None

    async def _relay(self, peer, request, ue):
        self.requests.append((ue, request))
        if isinstance(self.said, Exception):
            raise self.said
        return self.said

    async def _note(self, function, *arguments):
        with self.store.transaction():
            function(*arguments, self.now)

    def work(self):
        """The UE Service IDs that are asked now; each has answered."""
        with self.store.transaction():
            items = self.rekeying.work(self.now)
        for item in items:
            asyncio.run(self.rekeying.begin(item))
        return [ue for _, ue, _, _ in items]

    def spoke(self, ue="ue:0@x"):
        self.rekeying.spoke(Address("UE", ue), self.now)

    @property
    def stands(self):
        rekey = self.store.rekey(self.old["ue:0@x"].digest)
        return rekey and (rekey.state, rekey.cause)


@pytest.fixture
def scene():
    made = Scene()
    yield made
    made.store.close()


def test_one_that_is_there_gets_them_at_once(scene):
    assert scene.work() == []
    scene.there.add("ue:0@x")
    scene.begin()
    assert scene.work() == ["ue:0@x"]
    ((_, request),) = scene.requests
    assert (request.code, request.path, request.content_format) == ("POST", ("keys",), 50)
    section = json.loads(request.payload)
    before = scene.old["ue:0@x"]
    assert (
        section["sender_id"] != before.recipient_id.hex()
        and section["recipient_id"] != before.sender_id.hex()
    )
    assert scene.events == [("keys-brought", {"ue": "ue:0@x"})]
    assert scene.stands == ("brought", None)
    assert scene.store.keys_of_ue("ue:0@x") == before  # it is still spoken to under these
    assert scene.work() == []
    scene.spoke()
    assert scene.work() == []  # it has an hour to use them
    scene.now += HOUR
    assert scene.rekeying.deadline(scene.now) <= scene.now
    assert scene.work() == ["ue:0@x"]
    assert scene.requests[1][1].payload == request.payload  # the same ones


def test_one_that_is_away_gets_them_when_it_comes(scene):
    scene.begin()
    assert scene.work() == []
    for _ in range(3):
        scene.now += HOUR
        assert scene.work() == []
    scene.there.add("ue:0@x")
    scene.spoke()
    assert scene.work() == ["ue:0@x"]


@pytest.mark.parametrize(
    "said",
    [
        Unanswered("5.04", "no answer"),
        Answer("5.03"),
        Answer("5.00", None, "storage"),
        Answer("4.29"),
        Answer("4.01"),
    ],
)
def test_what_passes_is_tried_again_ever_more_rarely(scene, said):
    scene.there.add("ue:0@x")
    scene.begin()
    scene.said = said
    tried = []
    end = scene.now + 20 * LONGEST
    while scene.now < end:
        if scene.work():
            tried.append(scene.now)
        scene.now = max(scene.rekeying.deadline(scene.now), scene.now + 0.5)
    waits = [after - before for before, after in zip(tried, tried[1:], strict=False)]
    assert waits[:4] == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST] and waits[-1] == max(waits) == LONGEST
    assert scene.stands[0] == "waiting" and scene.stands[1] in (
        "no answer",
        "5.03",
        "storage",
        "4.29",
        "4.01",
    )
    scene.now += FIRST
    scene.spoke()  # and at once where it is heard
    assert scene.work() == ["ue:0@x"]


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            Answer("4.04", None, "only /msgin5g"),
            "its firmware knows no new keys (4.04): msgin5g provision --force",
        ),
        (
            Answer("5.01", None, "the keys of this device are not in its msgin5g.json"),
            "5.01 the keys of this device",
        ),
        (Answer("4.00", None, "security.more: is not a key"), "4.00 security.more"),
        (Answer("4.05"), "4.05"),
    ],
)
def test_what_is_final_leaves_nothing_pending(scene, said, cause):
    scene.there.add("ue:0@x")
    scene.begin()
    new = scene.store.rekey(scene.old["ue:0@x"].digest).keys
    scene.said = said
    scene.work()
    ((event, fields),) = scene.events
    assert event == "keys-refused" and fields["cause"].startswith(cause)
    assert scene.stands == ("refused", fields["cause"])
    assert scene.store.keys_of_kid(new.recipient_id, None) is None
    assert scene.store.keys_of_ue("ue:0@x") == scene.old["ue:0@x"]
    for _ in range(3):
        scene.now += HOUR
        scene.spoke()
        assert scene.work() == []
    assert scene.rekeying.deadline(scene.now) is None
    scene.said = Answer("2.04")
    scene.begin()  # somebody asks once more, say after an update: other keys
    assert scene.work() == ["ue:0@x"]
    assert json.loads(scene.requests[-1][1].payload)["master_secret"] != new.secret.hex()


def test_few_at_once_and_each_in_its_turn():
    scene = Scene(ues=20)
    scene.there |= set(scene.old)
    scene.begin()
    with scene.store.transaction():
        first = scene.rekeying.work(scene.now)
        assert len(first) == 8 and scene.rekeying.work(scene.now) == []
    for item in first:
        asyncio.run(scene.rekeying.begin(item))
    done = {ue for _, ue, _, _ in first}
    while asked := scene.work():
        assert not done & set(asked)
        done |= set(asked)
    assert done == set(scene.old)
    scene.store.close()


def test_who_has_used_them_is_asked_no_more(scene):
    scene.there.add("ue:0@x")
    scene.begin()
    scene.work()
    new = scene.store.rekey(scene.old["ue:0@x"].digest).keys
    with scene.store.transaction():
        assert scene.store.take_next_key(new.digest) == (["ue:0@x"], scene.old["ue:0@x"].digest)
        scene.rekeying.answered(
            scene.old["ue:0@x"].digest, "ue:0@x", "2.04", "", scene.now
        )  # the answer comes late
    assert scene.stands is None
    assert scene.store.keys_of_ue("ue:0@x") == new
    scene.now += 2 * HOUR
    assert scene.work() == []
