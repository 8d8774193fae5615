# SPDX-License-Identifier: MIT
"""A new Security Context where one side has lost its state: RFC 8613 appendix B.2, both sides, step by step.

The expected octets of the four messages are made by hand, with HKDF, CCM and the octets of the option as sections 3, 5
and 6 have them, from the random octets that the messages themselves say.
"""

import coap
from coap import message
from coap.oscore import RenewableContext, ccm, hkdf
from coap_scene import FixedRandom
from common import Random, equal, raises
from msgin5g import MemoryStorage
from oscore_scene import CLIENT, SECRET, SERVER, STRANGER, Renewable, talk

PRK = hkdf.extract(b"", SECRET)
AAD = b"\x83\x68Encrypt0\x40\x49\x85\x01\x81\x0a\x41\x01\x41\x00\x40"  # request_kid 01, request_piv 00


def two():
    return Renewable(CLIENT, b"\x01", b""), Renewable(SERVER, b"", b"\x01")


def key(id, id_context):
    """Section 3.2.1 by hand: [id, id_context, 10, "Key", 16]."""
    head = bytes((0x40 | len(id_context),)) if len(id_context) < 24 else bytes((0x58, len(id_context)))
    info = b"\x85" + bytes((0x40 | len(id),)) + id + head + id_context + b"\x0a\x63Key\x10"
    return hkdf.expand(PRK, info, 16)


def nonce(id_context):
    """Section 5.2 by hand, for ID 01 and Partial IV 0."""
    head = bytes((0x40 | len(id_context),)) if len(id_context) < 24 else bytes((0x58, len(id_context)))
    iv = hkdf.expand(PRK, b"\x85\x40" + head + id_context + b"\x0a\x62IV\x0d", 13)
    plain = b"\x01" + bytes(6) + b"\x01" + bytes(5)
    return bytes([a ^ b for a, b in zip(iv, plain)])


def option(datagram):
    return message.decode(datagram).option(coap.OSCORE)


def works(client, server, payload, now=0):
    """A request that is answered; the number of datagrams that it took."""
    seen = talk(client, server, client.ask(server, payload, now), now)
    equal([bytes(each.payload) for each in server.got], [payload])
    equal([(kind, each.code) for kind, _, each in client.events], [(coap.RESPONSE, coap.CHANGED)])
    server.got.clear(), client.events.clear()
    return len(seen)


def test_the_four_messages():
    client, server = two()
    (_, first), (_, refusal), (_, second), (_, response) = talk(client, server, client.ask(server, b"text"))
    # Request 1: flags 19 (kid context, kid, a Partial IV of 1), Partial IV 0, length 9, CBOR byte string R1, kid 01
    found = option(first)
    equal((found[:4], found[12:]), (b"\x19\x00\x09\x48", b"\x01"))
    r1 = found[4:12]
    text = ccm.open_sealed(key(b"\x01", r1), nonce(r1), AAD, message.decode(first).payload)
    equal(bytes(text), b"\x02\xb7msgin5g\xfftext")
    # Response 1: flags 10 (kid context alone), length 17, R2; 4.01 by R2 || R1, with the nonce of the request
    found = option(refusal)
    equal(found[:3], b"\x10\x11\x50")
    r2 = found[3:]
    text = ccm.open_sealed(key(b"", r2 + r1), nonce(r1), AAD, message.decode(refusal).payload)
    equal(bytes(text), bytes((coap.UNAUTHORIZED,)))
    # Request 2: the same request by R2 || R3, which it says as a byte string of 24
    found = option(second)
    equal((found[:3], found[3:5], found[5:21], found[29:]), (b"\x19\x00\x1a", b"\x58\x18", r2, b"\x01"))
    third = found[5:29]
    assert third[16:] != r1
    text = ccm.open_sealed(key(b"\x01", third), nonce(third), AAD, message.decode(second).payload)
    equal(bytes(text), b"\x02\xb7msgin5g\xfftext")
    # Response 2
    equal(option(response), b"")
    text = ccm.open_sealed(key(b"", third), nonce(third), AAD, message.decode(response).payload)
    equal(bytes(text), bytes((coap.CHANGED,)))
    for party in (client, server):
        equal(party.security.context.id_context, third)
    # From now on it is an ID Context as any other (section 6.1).
    (datagram,) = client.ask(server)
    equal(option(datagram), b"\x19\x01\x18" + third + b"\x01")


def test_it_goes_on_without_another_run():
    client, server = two()
    equal(works(client, server, b"first"), 4)
    equal(works(client, server, b"second"), 2)
    equal(works(server, client, b"back"), 2)
    for party in (client, server):
        party.restart()
        # the numbers are kept; the first request to who restarted takes an Echo (appendix B.1.2)
        equal(
            [works(client, server, b"a"), works(server, client, b"b")], [2, 4] if party is client else [4, 2]
        )


def test_whoever_lost_its_storage():
    for first in (0, 1):
        client, server = two()
        works(client, server, b"before")
        (client, server)[first].lose()
        equal(works(client, server, b"again"), 4)
        equal(works(server, client, b"back"), 2)
        (client, server)[first].lose()
        equal(works(server, client, b"the other way"), 4)
        equal(works(client, server, b"and back"), 2)


def test_both_lost_it():
    client, server = two()
    works(client, server, b"before")
    client.lose(), server.lose()
    equal(works(server, client, b"again"), 4)
    equal(works(client, server, b"back"), 2)


def test_without_a_storage_nothing_is_written_and_each_start_has_a_new_key():
    class Nothing(Renewable):
        def secured(self):
            self.storage = None
            return Renewable.secured(self)

    client, server = Nothing(CLIENT, b"\x01", b""), Renewable(SERVER, b"", b"\x01")
    known = []
    for _ in range(3):
        client.restart()
        equal(works(client, server, b"text"), 4)
        known.append(client.security.context.id_context)
    equal(len(set(known)), 3)


def test_a_storage_that_was_put_back():
    # The peer does not know the old ID Context any more, so a new one is made before anything is taken.
    client, server = two()
    works(client, server, b"before")
    old = {name: client.storage.read(name, 0, 999) for name in client.storage.names()}
    client.lose()
    works(client, server, b"between")
    client.storage = MemoryStorage()
    for name, octets in old.items():
        client.storage.replace(name, octets)
    client.restart()
    equal(works(client, server, b"after"), 4)


def test_a_damaged_file_is_one_that_was_lost():
    client, server = two()
    works(client, server, b"before")
    (name,) = client.storage.names()
    whole = client.storage.read(name, 0, 999)
    for octets in (b"", whole[:5], whole[:-1], b"\xff" + whole[1:], whole[:-1] + bytes((whole[-1] ^ 1,))):
        client.storage.replace(name, octets)
        client.restart()
        equal(works(client, server, b"again"), 4)


def test_renew_when_asked():
    client, server = two()
    works(client, server, b"before")
    before = client.security.context.id_context
    client.security.context.renew()
    equal(works(server, client, b"still the old one"), 2)
    equal(works(client, server, b"a new one"), 4)
    assert client.security.context.id_context != before
    equal(server.security.context.id_context, client.security.context.id_context)


def test_an_observation_of_before_writes_over_nothing():
    # The server goes on notifying with the key that the observation was made with.
    client, server = two()
    works(client, server, b"before")
    datagrams = client.ask(server, options=[(coap.OBSERVE, b"")], code=coap.GET)
    server.endpoint.receive(datagrams[0], CLIENT, 0)
    binding = server.endpoint.next_event()[1].binding
    client.endpoint.cancel(client.endpoint._exchanges[0], 0)
    client.security.context.renew()
    works(client, server, b"a new one")
    (name,) = server.storage.names()
    file = server.storage.read(name, 0, 999)
    for number in range(200):  # each takes a number, of which 64 are written at once
        server.security.protect_response(
            coap.Message(coap.CONTENT, b"%d" % number, [(coap.OBSERVE, b"")]), binding
        )
    equal(server.storage.read(name, 0, 999), file)
    server.restart()
    equal(works(client, server, b"after"), 4)  # an Echo, and no other key
    equal(server.security.context.id_context, client.security.context.id_context)


def test_wrong_ids():
    for sender, recipient in ((b"", b""), (b"12345678", b""), (b"", b"12345678")):
        raises(ValueError, RenewableContext, SECRET, sender, recipient)


def test_requests_at_the_same_time():
    client, server = two()
    client.endpoint.parameters.nstart = 4
    datagrams = []
    for number in range(4):
        datagrams += client.ask(server, b"%d" % number)
    talk(client, server, datagrams)
    equal(sorted([bytes(each.payload) for each in server.got]), [b"0", b"1", b"2", b"3"])
    equal([each[0] for each in client.events], 4 * [coap.RESPONSE])
    equal(works(server, client, b"back"), 2)


def test_both_begin_at_once():
    for lost in range(1 << 4):  # which of the datagrams of each round are lost, once
        one, other = two()
        waiting = [(other, one, each) for each in one.ask(other, b"a")]
        waiting += [(one, other, each) for each in other.ask(one, b"b")]
        rounds = 0
        while waiting:
            to, source, datagram = waiting.pop(0)
            if rounds < 4 and lost >> rounds & 1:
                rounds += 1
                continue
            rounds += 1
            waiting += [(source, to, each) for each, _ in to.take(datagram, source.address)]
        for party in (one, other):
            for exchange in party.endpoint._exchanges[:]:
                party.endpoint.cancel(exchange, 0)
            party.out(), party.got.clear(), party.events.clear()
        # Whatever was lost, a request gets through within one more run.
        assert works(one, other, b"c") <= 4
        assert works(other, one, b"d") <= 4
        equal(works(one, other, b"e"), 2)
        equal(one.security.context.id_context, other.security.context.id_context)


def test_replay_of_each_message():
    client, server = two()
    recorded = []
    for payload in (b"once", b"twice"):
        for way, octets in talk(client, server, client.ask(server, payload)):
            recorded.append((server if way == "out" else client, octets))
    client.lose()
    for way, octets in talk(client, server, client.ask(server, b"thrice")):
        recorded.append((server if way == "out" else client, octets))
    kept = client.security.context.id_context
    client.got.clear(), server.got.clear(), client.events.clear()
    for round in range(3):
        for to, octets in recorded:
            for peer in ((client if to is server else server).address, STRANGER):
                for answer, _ in to.take(octets, peer, 300000 * (round + 1)):
                    assert len(answer) <= len(octets)
        equal((client.got, server.got, client.events), ([], [], []))
        equal({party.security.context.id_context for party in (client, server)}, {kept})
        if round == 0:
            server.restart()
    works(client, server, b"goes on", 1200000)


def test_a_second_request_2_is_a_replay():
    client, server = two()
    seen = talk(client, server, client.ask(server, b"once"))
    server.restart()
    server.got.clear()
    # After a restart nobody knows what was seen: what stands on flash has the ID Context already, and asks for Echo.
    ((answer, _),) = server.take(seen[2][1], CLIENT, 300000)
    equal((server.got, server.security.stats["challenged"]), ([], 1))
    assert len(answer) <= len(seen[2][1])


def test_forged_and_changed_messages_change_nothing():
    client, server = two()
    works(client, server, b"before")
    kept = server.security.context.id_context
    (name,) = server.storage.names()
    file = server.storage.read(name, 0, 999)
    client.lose()
    seen = talk(client, server, client.ask(server, b"text"))
    established = server.security.context.id_context
    assert established != kept
    random = Random(3)
    for number in range(300):
        which = random.below(4)
        octets = bytearray(seen[which][1])
        octets[4 + random.below(len(octets) - 4)] ^= 1 + random.below(255)
        octets[2] = number >> 8
        octets[3] = number & 255
        party, source = ((server, CLIENT), (client, SERVER))[which & 1]
        party.got.clear(), party.events.clear()
        party.take(bytes(octets), source, 1000 * number)
        equal((party.got, party.events), ([], []))
    equal(server.security.context.id_context, established)
    assert server.storage.read(name, 0, 999) != file
    works(client, server, b"goes on", 400000)


def test_a_flood_of_request_1_is_looked_at_as_one_of_strangers():
    client, server = two()
    works(client, server, b"before")
    looks = []
    real = ccm.open_sealed

    def counted(*arguments):
        looks.append(1)
        return real(*arguments)

    client.lose()
    (first,) = client.ask(server, b"recorded")
    client.endpoint.cancel(client.endpoint._exchanges[0], 0)
    ccm.open_sealed = counted
    try:
        answers = 0
        for number in range(2000):  # 200 a second, also in the peer's name
            octets = first[:2] + bytes((0x80 | number >> 8, number & 255)) + first[4:]
            answers += len(server.take(octets, (CLIENT, STRANGER)[number & 1], 5 * number))
    finally:
        ccm.open_sealed = real
    assert len(looks) <= 80 + 10 * 10 + 1, len(looks)
    assert answers <= len(looks)
    equal((server.got, len(server.storage.names())), ([], 1))
    # Nothing was kept, and the client is heard by chance as any other; once the flood is over, at once.
    equal(works(client, server, b"goes on", 30000), 4)


def test_a_server_that_always_refuses_ends_the_request():
    client, server = two()
    (datagram,) = client.ask(server, b"text")
    rounds = 0
    while datagram:
        rounds += 1
        assert rounds < 5
        ((answer, _),) = server.take(datagram, CLIENT)
        server.security.context._secret = None  # its R2 is forgotten each time
        datagram = None
        for octets, _ in client.take(answer, SERVER):
            datagram = octets
    equal([(kind, each.code) for kind, _, each in client.events], [(coap.RESPONSE, coap.UNAUTHORIZED)])
    client.events.clear()
    equal(works(client, server, b"then it works"), 4)


class Failing(MemoryStorage):
    """Fails from its write number `at` on."""

    at = 1 << 30

    def __init__(self):
        MemoryStorage.__init__(self)
        self.writes = 0

    def replace(self, name, octets):
        self.writes += 1
        if self.writes >= self.at:
            raise OSError(28)
        MemoryStorage.replace(self, name, octets)


def test_a_storage_that_fails():
    client, server = two()
    server.storage = Failing()
    server.storage.at = 1
    server.restart()
    talk(client, server, client.ask(server, b"text"))
    equal(server.got, [])  # what can't be kept is not taken
    for exchange in client.endpoint._exchanges[:]:
        client.endpoint.cancel(exchange, 0)
    server.storage.at = 1 << 30
    client.events.clear(), client.out()
    client.restart()
    equal(works(client, server, b"text"), 4)
    # At the client the key holds until its restart.
    client = Renewable(CLIENT, b"\x01", b"", Failing())
    client.storage.at = 1
    client.restart()
    equal(works(client, server, b"text", 300000), 4)
    equal(works(client, server, b"text", 300000), 2)
    client.storage.at = 1 << 30
    client.restart()
    equal(works(client, server, b"text", 600000), 4)


class PowerCut(BaseException):
    pass


class CutStorage(Failing):
    """Cuts the power at its write number `at`, before it or after it."""

    after = False

    def replace(self, name, octets):
        self.writes += 1
        if self.writes == self.at and not self.after:
            raise PowerCut
        MemoryStorage.replace(self, name, octets)
        if self.writes == self.at:
            raise PowerCut


def life(client, server):
    """Exchanges, losses and restarts; whoever loses power begins again from its storage. Gives what was delivered."""
    delivered = 0
    taken = set()
    for number in range(40):
        if number in (10, 25):
            (client, server)[number == 25].storage._files.clear()
            (client, server)[number == 25].restart()
        sides = (client, server) if number % 3 else (server, client)
        for attempt in range(5):
            payload = b"%d.%d" % (number, attempt)
            if once(*sides, payload):
                delivered += 1
                break
        for party in (client, server):
            for each in party.got:
                assert bytes(each.payload) not in taken, "a request was taken twice"
                taken.add(bytes(each.payload))
            party.got.clear()
    return delivered


def once(asker, other, payload):
    asker.events.clear()
    for exchange in asker.endpoint._exchanges[:]:
        asker.endpoint.cancel(exchange, 0)
    try:
        waiting = [(other, asker, each) for each in asker.ask(other, payload)]
    except PowerCut:
        asker.restart()
        return False
    while waiting:
        to, source, datagram = waiting.pop(0)
        try:
            out = to.take(datagram, source.address)
        except PowerCut:
            to.restart()
            continue
        waiting += [(source, to, each) for each, _ in out]
    return [each[2].code for each in asker.events] == [coap.CHANGED]


class Nonces:
    """Sees every key and nonce that something is encrypted with."""

    def __enter__(self):
        self._used = set()
        self._seal = ccm.seal
        ccm.seal = self
        return self

    def __exit__(self, *exception):
        ccm.seal = self._seal

    def __call__(self, key, nonce, aad, text):
        one = hash(bytes(key) + bytes(nonce))
        assert one not in self._used, "a nonce was used twice"
        self._used.add(one)
        return self._seal(key, nonce, aad, text)


def test_the_power_is_cut_at_each_write():
    for side in range(2):
        at = 1
        while True:
            for after in (False, True):
                parties = [
                    Renewable(CLIENT, b"\x01", b"", CutStorage(), random=FixedRandom(b"c")),
                    Renewable(SERVER, b"", b"\x01", CutStorage(), random=FixedRandom(b"s")),
                ]
                parties[side].storage.at = at
                parties[side].storage.after = after
                with Nonces():
                    equal(life(*parties), 40)
                writes = parties[side].storage.writes
            if at > writes:
                break
            at += 1
        assert at > 3, at
