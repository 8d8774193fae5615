# SPDX-License-Identifier: MIT
# heap: 512k, the peer and what the forger recorded are in it as well
"""200 datagrams/s from somebody without a key, at a device that just started: it registers, sends and receives.

Time is virtual; a forged datagram comes every 5 ms, and what the device and its peer say at chance moments between.
The forger sees all that is sent, and may use any address; it can't take anything away.
"""

from coap.oscore import ccm
from coap.oscore import context as context_module
from common import Random, equal
from msgin5g import Client, Config, MemoryStorage
from msgin5g_scene import GRANTED, msg
from oscore_scene import DEVICE, KEYS, PEER, Party, talk

SECRET = bytes.fromhex(KEYS["master_secret"])
FOREIGN = ("203.0.113.9", 5683)
STEP = 5  # ms: 200 datagrams/s
MESSAGES = 5
# docs/security.md: failures that are looked at, a second and at once
A_SECOND = 230
AT_ONCE = 220 + 80


class Looks:
    """Counts what is decrypted by the device, and what of that did not verify."""

    def __init__(self):
        self.failed = 0
        self._open = ccm.open_sealed

    def __enter__(self):
        context_module.ccm.open_sealed = self
        return self

    def __exit__(self, *exception):
        context_module.ccm.open_sealed = self._open

    def __call__(self, *arguments):
        try:
            return self._open(*arguments)
        except ValueError:
            self.failed += 1
            raise


class Storm:
    """A device and its peer; `forge(storm, number)` gives a datagram for the device, or None."""

    def __init__(self, forge, source, storage=None, peer=None, seed=1, now=0):
        members = {
            "role": "client",
            "ue_service_id": "ue:a@x",
            "peer": "coap://192.0.2.1:65401",
            "security": KEYS,
        }
        self.client = Client(Config(members), storage or MemoryStorage(), Random(seed + 1).bytes)
        self.peer = peer or Party(PEER, b"", b"\x01", secret=SECRET)
        self.random = Random(seed)
        self.seen = []  # the last datagrams of the device
        self.on_peer_alive = []  # and those of its peer
        self.now = now
        self._forge = forge
        self._source = source
        self._under_way = []  # [when, to the device or not, octets]
        self._forged = 0

    def run(self, seconds, each=None):
        end = self.now + 1000 * seconds
        at = self.now
        while at < end:
            self.now = at
            datagram = self._forge(self, self._forged)
            self._forged += 1
            if datagram is not None:
                self.client.receive(datagram, self._source, at)
            if each:
                each(self)
            self.now = at + self.random.below(STEP)
            self._carry()
            at += STEP

    def _carry(self):
        for item in [item for item in self._under_way if item[0] <= self.now]:
            self._under_way.remove(item)
            if item[1]:
                self.client.receive(item[2], PEER, self.now)
            else:
                payload = b"" if self.client.registered else GRANTED
                self._send(True, self.peer.take(item[2], DEVICE, self.now, payload=payload))
        for side in (self.client, self.peer.endpoint):
            deadline = side.next_deadline()
            if deadline is not None and deadline <= self.now:
                side.poll(self.now)
        self._send(True, self.peer.out())
        while True:
            item = self.client.outgoing()
            if item is None:
                break
            if item[1] == PEER:
                self._send(False, [item])
        while self.client.next_event():
            pass

    def _send(self, to_device, items):
        for octets, _ in items:
            octets = bytes(octets)
            kept = self.on_peer_alive if to_device else self.seen
            kept.append(octets)
            if len(kept) > 8:
                kept.pop(0)
            self._under_way.append((self.now + 10 + self.random.below(40), to_device, octets))


def survives(forge, source, **named):
    """Registers; five messages go out, five come in."""
    storm = Storm(forge, source, **named)
    outgoing = []

    def each(storm):
        if storm.now % 1000 == 500 and len(outgoing) < MESSAGES:
            number = len(outgoing)
            outgoing.append(storm.client.send("as:b@x", "up %d" % number, storm.now, to_type="AS"))
            for octets in storm.peer.ask(_Device, msg("m-%d" % number), storm.now):
                storm._send(True, [(octets, DEVICE)])

    with Looks() as looks:
        storm.client.start(storm.now)
        storm.run(8, each)
    equal(storm.client.registered, True)
    equal([each.state for each in outgoing], ["accepted"] * MESSAGES)
    equal([each.message_id for each in storm.client.inbox], ["m-%d" % number for number in range(MESSAGES)])
    assert looks.failed <= AT_ONCE + 8 * A_SECOND, looks.failed
    return storm


class _Device:
    address = DEVICE


def forged_request(storm, number):
    """What the peer sends, but for the tag: the right kid, a Partial IV that is new."""
    piv = 40 + number
    option = bytes((0x0A, piv >> 8, piv & 255))  # kid, two octets of Partial IV; the kid is empty
    return b"\x44\x02" + storm.random.bytes(6) + b"\x93" + option + b"\xff" + storm.random.bytes(30)


def unknown_kid(storm, number):
    return b"\x44\x02" + storm.random.bytes(6) + b"\x94\x09\x07xy\xff" + storm.random.bytes(30)


def plain_request(storm, number):
    return b"\x44\x02" + storm.random.bytes(6) + b"\xb7msgin5g\xff{}"


def broken_option(storm, number):
    return b"\x44\x02" + storm.random.bytes(6) + b"\x91\xe0\xff" + storm.random.bytes(30)


def changed(storm, number):
    """The last of the peer's with another tag and another message ID."""
    if not storm.on_peer_alive:
        return None
    last = storm.on_peer_alive[-1]
    return last[:2] + storm.random.bytes(2) + last[4:-8] + storm.random.bytes(8) if len(last) > 24 else None


def forged_answer(storm, number):
    """To the request that is open: token and message ID are right. In turns in the clear, and as if protected."""
    if not storm.seen or len(storm.seen[-1]) < 8:
        return None
    head = storm.seen[-1][2:8]
    if number % 2:
        return b"\x64\x81" + head
    return b"\x64\x44" + head + b"\x90\xff" + storm.random.bytes(30)


def forged_acknowledgement(storm, number):
    return b"\x60\x00" + storm.seen[-1][2:4] if storm.seen else None


def forged_reset(storm, number):
    return b"\x70\x00" + storm.seen[-1][2:4] if storm.seen else None


def guessed_empty(storm, number):
    return (b"\x60\x00", b"\x70\x00", b"\x40\x00")[number % 3] + storm.random.bytes(2)


def garbage(storm, number):
    return storm.random.bytes(1 + storm.random.below(60))


def test_forged_requests_from_elsewhere():
    survives(forged_request, FOREIGN)


def test_forged_requests_as_the_peer():
    survives(forged_request, PEER)


def test_changed_requests_from_elsewhere():
    survives(changed, FOREIGN)


def test_changed_requests_as_the_peer():
    survives(changed, PEER)


def test_unknown_kid():
    for source in (FOREIGN, PEER):
        survives(unknown_kid, source)


def test_requests_in_the_clear():
    for source in (FOREIGN, PEER):
        survives(plain_request, source)


def test_broken_options_and_garbage():
    for forge in (broken_option, garbage):
        survives(forge, PEER)


def test_forged_answers():
    survives(forged_answer, PEER)


def test_forged_acknowledgements_and_resets():
    for forge in (forged_acknowledgement, forged_reset, guessed_empty):
        survives(forge, PEER)


def test_more_than_can_be_looked_at():
    # 600 a second, of which a third is looked at. Each is as likely to be as any other, and the peer says it five times
    # (RFC 7252 section 4.2), so that one in eight of its messages meets silence, and is tried again later.
    def each(storm):
        for _ in range(2):
            storm.client.receive(forged_request(storm, storm.now), PEER, storm.now)
        if storm.now % 1000 == 0 and storm.now < 6000:
            for octets in storm.peer.ask(_Device, msg("m-%d" % storm.now), storm.now):
                storm._send(True, [(octets, DEVICE)])

    storm = Storm(forged_request, PEER)
    storm.peer.endpoint.parameters.nstart = 8
    storm.peer.endpoint.parameters.ack_timeout = 500  # tries after 0, 0.5, 1.5, 3.5 and 7.5 s
    storm.client.start(0)
    with Looks() as looks:
        storm.run(14, each)
    equal(storm.client.registered, True)
    taken = len(storm.client.inbox)
    assert taken >= 2, taken
    assert 200 * 14 * 3 // 4 < looks.failed <= AT_ONCE + 14 * A_SECOND, looks.failed


class Rows(MemoryStorage):
    """Counts how often the file of the key is written."""

    def __init__(self):
        MemoryStorage.__init__(self)
        self.writes = 0

    def replace(self, name, octets):
        self.writes += name.startswith("oscore-")
        MemoryStorage.replace(self, name, octets)


def recorded_session(storage, count):
    """The peer of a device that lost its power now, and all that the peer asked of it."""
    before = Storm(lambda storm, number: None, PEER, storage)
    before.client.start(0)
    before.run(1)
    recorded = []
    for _ in range(count):
        (octets,) = before.peer.ask(_Device, b"{}", before.now)
        recorded.append(octets)
        before.client.receive(octets, PEER, before.now)
        before._carry()
        before.now += 100
        before._carry()
        before.peer.events.clear()
    return before.peer, recorded


def replays(recorded):
    def forge(storm, number):
        octets = recorded[number % len(recorded)]
        return octets[:2] + storm.random.bytes(2) + octets[4:]

    return forge


def test_recorded_requests_after_a_restart():
    for source in (FOREIGN, PEER):
        storage = Rows()
        peer, recorded = recorded_session(storage, 150)
        # One write for 64 requests of the peer, beside the first; none for what the device asks meanwhile
        assert storage.writes <= 1 + 150 // 64 + 1, storage.writes
        storage.writes = 0
        named = {"storage": storage, "peer": peer, "seed": 9, "now": 400000}
        storm = survives(replays(recorded), source, **named)
        assert storm.client.endpoint.security.stats["challenged"] > 0
        assert storage.writes <= 4, storage.writes


def test_recorded_requests_while_the_peer_is_silent():
    # Those that the device can't know to be old cost a number each, once: after the last write came up to 64, and the
    # window is 32 wide.
    storage = Rows()
    peer, recorded = recorded_session(storage, 150)
    storage.writes = 0
    storm = Storm(replays(recorded), FOREIGN, storage, peer, 9, 400000)
    sequence = storm.client.endpoint.security.context._sequence
    before = sequence._next
    storm.run(30)  # it was not started: it asks nothing
    after = sequence._next
    assert 0 < after - before <= 64 + 32, after - before
    storm.run(30)
    equal(sequence._next, after)
    assert storage.writes <= 2, storage.writes


def test_a_challenge_that_was_lost_is_given_again():
    # The peer says its request again when the table of message IDs has forgotten it: the same octets for it, no number
    client, server = Party(PEER, b"\x01", b""), Party(DEVICE, b"", b"\x01")
    talk(client, server, client.ask(server, b"before"))
    server.restart()
    (request,) = client.ask(server, b"text", 300000)
    challenges = [
        server.take(request[:2] + bytes((9, mid)) + request[4:], PEER, 300000)[0][0] for mid in range(3)
    ]
    equal([each[4:] for each in challenges], [challenges[0][4:]] * 3)
    equal(server.security.context._sequence._next, 65)
    client.endpoint.cancel(client.endpoint._exchanges[0], 0)
    # An older one that was recorded is not challenged any more, and the next one of the peer is
    (newer,) = client.ask(server, b"newer", 300000)
    ((challenge, _),) = server.take(newer, PEER, 300000)
    ((again, _),) = client.take(challenge, DEVICE, 300000)
    equal(server.take(request, PEER, 900000), [])
    server.take(again, PEER, 300000)
    equal([bytes(each.payload) for each in server.got], [b"before", b"newer"])
