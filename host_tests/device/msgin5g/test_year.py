# SPDX-License-Identifier: MIT
# heap: 216k, the peer lies in it too, and all code that a client can need
"""A virtual year with a peer that says anything at all, and then one that is well: the device never gives up.

The peer answers, pushes and is silent at random, each of it legal or not; times that it chooses are of any length; the
clock on the wall jumps, the board sleeps for hours and restarts. Then a good peer is there, and within an hour the
device is registered and has sent all that waits.
"""

import gc
import sys

import coap
from common import Folder, Random, equal
from msgin5g import OutboxFull
from msgin5g_scene import DAY, HOUR, Scene, agree, imdn, max_age, msg, msgresp, segment

ADDR = b'"oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"}'
CODES = (
    coap.CREATED,
    coap.CHANGED,
    coap.CONTENT,
    coap.BAD_REQUEST,
    coap.UNAUTHORIZED,
    coap.FORBIDDEN,
    coap.NOT_FOUND,
    coap.REQUEST_ENTITY_INCOMPLETE,
    coap.TOO_MANY_REQUESTS,
    coap.INTERNAL_SERVER_ERROR,
    coap.NOT_IMPLEMENTED,
    coap.SERVICE_UNAVAILABLE,
    coap.GATEWAY_TIMEOUT,
)


class Peer:
    """Its mood lasts for a while: it is silent, or has one word for everything, or anything for each."""

    def __init__(self, random):
        self._random = random
        self.mood = None

    def seconds(self):
        """A time of any size: as many short ones as long ones."""
        return self._random.below(1 << 31) >> self._random.below(32) << self._random.below(3)

    def change(self):
        random = self._random
        self.mood = random.choice(
            (self._silent, self._anything, self._anything, self._one_word(), self._one_word())
        )

    def answer(self, asked):
        return self.mood(asked)

    def _silent(self, asked):
        return None

    def _one_word(self):
        said = self._anything(None)
        return lambda asked: said

    def _anything(self, asked):
        random = self._random
        what = random.below(10)
        if what == 0:
            return None
        if what == 1:
            return "reset"
        if what < 5:
            return random.choice(CODES), b"", max_age(self.seconds() & 0xFFFFFFFF)
        if what == 5:
            return coap.CHANGED, random.choice((b"", b"{", b"7", b"[" * 900, b"{%s}" % ADDR))
        result = random.choice((b"true", b"true", b"false", b'"TRUE"', b"null"))
        name = random.choice((b"regExpTime", b"expectedTime", b"acceptedTime"))
        return coap.CHANGED, b'{%s,"result":%s,"%s":%d}' % (ADDR, result, name, self.seconds())

    def push(self):
        """A request of it."""
        random = self._random
        kind = random.choice((b"REGRESP", b"DEREGRESP", b"MSGRESP"))
        name = random.choice((b"regExpTime", b"expectedTime"))
        result = random.choice((b"true", b"false"))
        return random.choice(
            (
                b'{"msgIden":"urn:3gpp:msgin5g","msgType":"%s",%s,"result":%s,"%s":%d}'
                % (kind, ADDR, result, name, self.seconds()),
                msgresp("x", '"DelSta":"failure","Cause":"not registered"'),
                imdn("x"),
                msg("m-%d" % random.below(50), more='"isDelivStatReq":true,'),
                segment(random.below(3) + 1, 3, set_id="s-%d" % random.below(9), message_id="n-1"),
                b"{" * random.below(999),
            )
        )


def tidy():
    if sys.implementation.name == "micropython":  # elsewhere it would look at all that the test run holds
        gc.collect()


def live(seed, **more):
    with Folder() as storage:  # the journal is not in the heap on a board either
        year(seed, storage, **more)


def year(seed, storage, **more):
    random = Random(seed)
    peer = Peer(random)
    peer.change()

    def clock():
        return random.choice((None, 0, 1700000000 + random.below(1 << 30)))

    named = dict(answer=peer.answer, seed=seed, clock=clock, outbox={"messages": 8}, **more)
    scene = Scene(storage=storage, **named)
    scene.MAX_ASKED = 2
    scene.start()
    passed = 0
    taken = 0
    while passed < 365 * DAY:
        what = random.below(8)
        if what == 0:
            peer.change()
        elif what == 1:
            scene.post(peer.push())
        elif what == 2:
            try:
                scene.send("ue:%d@x" % random.below(3), "x" * random.below(40), report=random.chance(50))
            except OutboxFull:
                pass
            scene.ended.clear()
        elif what == 3:
            taken += scene.take() is not None
        elif what == 4 and random.chance(20):
            named["seed"] += 100
            scene = None  # who lost its power is gone before the next one starts
            tidy()
            scene = Scene(storage=storage, **named)
            scene.MAX_ASKED = 2
            scene.start()
        else:
            if random.chance(60):  # the board sleeps, or the application lets nothing run
                ms = random.below(DAY)
                scene.now += ms
            else:
                ms = random.below(DAY) >> random.below(16)
                scene.run(ms)
            passed += ms
        tidy()
    scene.answer = agree
    scene.run(HOUR)
    equal((scene.client.registered, scene.client.registration.state), (True, "registered"))
    equal([outgoing.state for outgoing in scene.client.outbox.queue], [])
    # and from now on it is an ordinary device
    equal(scene.send().state, "accepted")
    scene.forget()
    scene.run(DAY)
    assert 1 <= scene.count["REG"] <= 32, scene.count
    assert taken > 5, taken


def test_a_year_1():
    live(1)


def test_a_year_2():
    live(2, gateway_service=True, registration={"urgent": False})


def test_a_year_3():
    live(3, coap={"nstart": 2})
