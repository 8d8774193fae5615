# SPDX-License-Identifier: MIT
"""Mutated, cut, doubled and crossed datagrams at an endpoint with several keys, one of which is made anew at times,
with plain peers and messages in pieces: nothing is raised, nothing is taken that was not sent, nothing grows.
"""

import coap
from coap import message
from coap.oscore import Keyring, RenewableContext
from common import Random, equal
from oscore_scene import CLIENT, SECRET, SERVER, STRANGER, Party, Renewable, context

OTHER = ("192.0.2.4", 5683)
SECRETS = (b"the first secret", b"the second one..")


class Ring(Party):
    def secured(self):
        self.contexts = [RenewableContext(SECRET, b"", b"\x01", self.storage)]
        for number, secret in enumerate(SECRETS):
            named = {"secret": secret, "id_context": b"context%d" % number}
            self.contexts.append(context(b"", b"\x02", self.storage, **named))
        return Keyring(self.contexts, plain=("/open",))


def cut(datagram, random):
    """A datagram with an outer Block1 option, that says anything."""
    whole = message.decode(datagram)
    size = 16 << random.below(3)
    value = random.below(1 << 8) << 4 | random.below(2) << 3 | random.below(3)
    options = list(whole.options) + [(coap.BLOCK1, coap.uint_octets(value))]
    piece = coap.Message(whole.code, bytes(whole.payload)[:size], options)
    return message.encode(piece, whole.type, whole.mid, whole.token)


def mutated(datagram, random, others):
    octets = bytearray(datagram)
    kind = random.below(6)
    if kind == 0 and len(octets) > 5:
        octets[4 + random.below(len(octets) - 4)] = random.below(256)
    elif kind == 1:
        octets = octets[: random.below(len(octets) + 1)]
    elif kind == 2:
        at = random.below(len(octets) + 1)
        octets = octets[:at] + random.bytes(1 + random.below(9)) + octets[at:]
    elif kind == 3 and others:
        other = random.choice(others)
        at = min(len(octets), len(other), 4 + random.below(20))
        octets = octets[:at] + other[at:]
    elif kind == 4:
        try:
            octets = bytearray(cut(bytes(octets), random))
        except ValueError:
            pass
    elif kind == 5:
        options = coap.path_options(random.choice(("/open", "/closed")))
        octets = bytearray(message.encode(coap.Message(coap.GET, b"", options), coap.CON, 1, random.bytes(2)))
    if len(octets) >= 4:
        octets[2:4] = random.bytes(2)  # past the table of duplicates
    return bytes(octets)


def test_mutated_datagrams_of_three_keys():
    random = Random(8613)
    ring = Ring(SERVER, b"", b"")
    peers = [Renewable(CLIENT, b"\x01", b"")]
    for number, (address, secret) in enumerate(zip((STRANGER, OTHER), SECRETS)):
        peers.append(Party(address, b"\x02", b"", secret=secret, id_context=b"context%d" % number))
    parties = {each.address: each for each in [ring] + peers}
    recorded = []
    sent = set()
    now = 0
    for number in range(400):
        now += 700
        one, other = random.choice(peers), ring
        if random.chance(20) and number > 20:
            one, other = other, one
        payload = b"%d of many, and some more to be cut in pieces" % number
        sent.add(payload)
        try:
            waiting = [(other.address, one.address, each) for each in one.ask(other, payload, now)]
        except (ValueError, coap.BusyError):
            waiting = []
        while waiting:
            to, source, datagram = waiting.pop(0)
            recorded.append(datagram)
            for _ in range(3):
                forged = mutated(random.choice(recorded[-30:]), random, recorded[-30:])
                victim = random.choice([ring, ring, ring] + peers)
                victim.take(forged, random.choice([to, source, OTHER, ("203.0.113.9", 1)]), now)
                # what was sent in answer goes to whoever it is for
            if random.chance(85):
                answers = parties[to].take(datagram, source, now)
                waiting += [(peer, to, octets) for octets, peer in answers if peer in parties]
        for party in parties.values():
            for exchange in party.endpoint._exchanges[:]:
                party.endpoint.cancel(exchange, now)
            party.endpoint.poll(now)
            party.out()
            while party.endpoint.next_event():
                pass
            for got in party.got:
                if got.path != "/open":
                    assert bytes(got.payload) in sent, got
            party.got.clear(), party.events.clear()
            equal(party.endpoint.stats["failed"], 0)
            assert party.endpoint.failure is None, party.endpoint.failure
        members = list(ring.security._members.values())
        assert max([len(member.bodies) for member in members]) <= 2
        if number % 97 == 96:
            peers[0].lose()
        del recorded[:-60]
    stats = ring.security.stats
    for name in ("unprotected", "unknown", "unverified", "replayed"):
        assert stats[name] > 20, stats
    assert stats["challenged"] >= 4, stats  # each time that a key was made anew
    # Each is heard as before.
    now += 400000
    for peer in peers:
        for exchange in peer.endpoint._exchanges[:]:
            peer.endpoint.cancel(exchange, now)
        waiting = [(ring, peer, each) for each in peer.ask(ring, b"still there", now)]
        while waiting:
            to, source, datagram = waiting.pop(0)
            for octets, _ in to.take(datagram, source.address, now):
                waiting.append((source, to, octets))
        equal([got.code for _, _, got in peer.events if got], [coap.CHANGED])
        equal([bytes(got.payload) for got in ring.got], [b"still there"])
        ring.got.clear()
