# SPDX-License-Identifier: MIT
"""What the tests of observed resources share: a client that observes /obs, a server whose /obs anybody may observe, and
a network that loses what is between them."""

import coap
from coap.compat import ticks_diff
from coap.observe import observe
from coap.observe.server import Observers
from coap_scene import PEER, answer, endpoint, events, octets, one_event, sent
from common import equal

REGISTER = "60 53 6f6273"  # Observe 0, and Uri-Path "obs" 5 from there
CANCEL = "61 01 53 6f6273"


def get(token=b""):
    return coap.Message(coap.GET, options=coap.path_options("/obs"), token=token)


class Watch:
    """A device that observes /obs of PEER; the first response had sequence number 2 and `more` (hex)."""

    def __init__(self, more="", **named):
        self.device = endpoint()
        self.observation = observe(self.device, get(), PEER, 0, "tag", **named)
        self.token = "00000001"  # the first of FixedRandom
        equal(sent(self.device), [octets("44 01 0001" + self.token + REGISTER)])
        equal(answer(self.device, "64 45 0001" + self.token + "61 02" + more + "ff 30"), [])
        kind, exchange, message = one_event(self.device)
        equal((kind, exchange.tag, bytes(message.payload)), (coap.RESPONSE, "tag", b"0"))
        equal(self.observation.established, True)

    def notify(self, number, mid, payload="31", type=4, now=1000, code="45", more="", accept=True):
        """What goes out for a notification, and its payload where it was told: [datagrams, payload or None]."""
        head = "%d4 %s %s" % (type, code, mid)
        option = "" if number is None else "63 %06x" % number
        out = answer(self.device, head + self.token + option + more + "ff" + payload, now)
        told = None
        for kind, observation, message in events(self.device):
            assert (kind, observation) == (coap.NOTIFICATION, self.observation)
            told = bytes(message.payload)
            if accept:
                observation.accept(message, now)
                out += sent(self.device)
        return [out, told]


def ack(mid):
    return octets("60 00" + mid)


def reset(mid):
    return octets("70 00" + mid)


class Count:
    """Sequence numbers from 2 on, as if a clock had given them."""

    known = True

    def __init__(self, first=2):
        self.next = first

    def next_number(self):
        self.next += 1
        return self.next - 1


class Served:
    """A server whose /obs is `value`; its observers are those of `list`."""

    def __init__(self, sequence=None, now=0, device=None, unknown=False, **named):
        self.device = device or endpoint()
        self.list = Observers(self.device, now, sequence or (None if unknown else Count()), **named)
        self.value = b"0"
        self.code = coap.CONTENT
        self.options = ()

    def work(self, now=0):
        """Answers what is asked, and gives what goes out."""
        self.answer(now)
        return sent(self.device)

    def answer(self, now=0):
        for kind, incoming, message in events(self.device):
            equal((kind, message.path), (coap.REQUEST, "/obs"))
            self.list.respond(incoming, coap.Message(self.code, self.value, self.options), now)

    def hear(self, text, now=0, peer=PEER):
        self.device.receive(octets(text), peer, now)
        return self.work(now)

    def register(self, mid="7001", token="aa", now=0, peer=PEER, type="41"):
        return self.hear(type + "01" + mid + token + REGISTER, now, peer)

    def change(self, value, now=0, **named):
        self.value = value
        self.list.changed("/obs", now, **named)
        return self.work(now)

    def run(self, until):
        """Polls at each deadline up to `until`; what went out, as (tick, octets)."""
        out = []
        while True:
            deadline = self.device.next_deadline()
            if deadline is None or ticks_diff(deadline, until) > 0:
                return out
            self.device.poll(deadline)
            out += [(deadline, each) for each in self.work(deadline)]


class Watcher:
    """A client that wants to know what /obs is, and asks again whenever its observation has ended; `told` is what it
    heard, `value` the last of it."""

    PAUSE = 5000  # ms until it asks again

    def __init__(self, device, peer):
        self.device = device
        self.peer = peer
        self.told = []
        self.again = 0  # tick, None while it observes
        self.begun = 0

    @property
    def value(self):
        return self.told[-1] if self.told else None

    def answer(self, now):
        for kind, subject, message in events(self.device):
            if kind in (coap.RESPONSE, coap.NOTIFICATION):
                self.again = None
                if coap.is_success(message.code):
                    self.told.append(bytes(message.payload))
            if kind == coap.NOTIFICATION:
                subject.accept(message, now)
            if kind == coap.STALE:
                self.again = now
            elif not self.device.observations or kind not in (coap.RESPONSE, coap.NOTIFICATION):
                self.again = now + self.PAUSE
        if self.again is not None and ticks_diff(now, self.again) >= 0:
            self.again = None
            self.begun += 1
            if self.device.observations:
                self.device.observations[0].register(get(), now)
            else:
                observe(self.device, get(), self.peer, now)


class Air:
    """A network between `ends`, {peer: what has `device`, an endpoint, and `answer(now)`}, in virtual time.

    Of a hundred datagrams so many are lost, so many come twice, each after a time of its own, so that one may overtake
    another.
    """

    def __init__(self, ends, random, loss=0, twice=0, latency=(50, 51)):
        self.ends = ends
        self.now = 0
        self.flights = []  # [tick, from, to, octets]
        self.sent = []  # (tick, from, octets)
        self.random = random
        self.loss = loss
        self.twice = twice
        self.latency = latency
        self.dead = None  # a peer that hears and says nothing

    def _carry(self):
        for here, end in self.ends.items():
            end.answer(self.now)
            while True:
                item = end.device.outgoing()
                if item is None:
                    break
                if here == self.dead:
                    continue
                self.sent.append((self.now, here, bytes(item[0])))
                for _ in range(1 + self.random.chance(self.twice)):
                    if not self.random.chance(self.loss):
                        shortest, longest = self.latency
                        tick = self.now + shortest + self.random.below(longest - shortest)
                        self.flights.append([tick, here, item[1], bytes(item[0])])

    def run(self, until):
        """Moves the clock, from one thing that is due to the next."""
        while True:
            self._carry()
            tick = until
            for end in self.ends.values():
                for each in (end.device.next_deadline(), getattr(end, "again", None)):
                    if each is not None and ticks_diff(each, tick) < 0:
                        tick = each
            for flight in self.flights:
                if ticks_diff(flight[0], tick) < 0:
                    tick = flight[0]
            if ticks_diff(tick, self.now) > 0:
                self.now = tick & 0x1FFFFFFF
            for flight in [each for each in self.flights if ticks_diff(each[0], self.now) <= 0]:
                self.flights.remove(flight)
                if flight[2] != self.dead:
                    self.ends[flight[2]].device.receive(flight[3], flight[1], self.now)
            for end in self.ends.values():
                end.device.poll(self.now)
            self._carry()
            if ticks_diff(self.now, until) >= 0:
                return
