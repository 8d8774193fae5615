# SPDX-License-Identifier: MIT
"""An endpoint with several keys, and with plain peers beside them: who may say what, and what one costs the others."""

import coap
from coap import message
from coap.oscore import Context, Keyring, RenewableContext, Security, ccm
from coap_scene import run
from common import equal, raises
from msgin5g import MemoryStorage
from oscore_scene import CLIENT, SECRET, SERVER, STRANGER, Party, Renewable, context, talk

OTHER = ("192.0.2.4", 5683)
SECRETS = (b"the first secret", b"the second one..", b"and the third...")


class Ring(Party):
    """The server of all, with a Keyring of what `make(self)` gives."""

    def __init__(self, make, address=SERVER, **named):
        self._make = make
        self._rules = named
        Party.__init__(self, address, b"", b"\x01")

    def secured(self):
        self.contexts = self._make(self)
        return Keyring(self.contexts, **self._rules)


def by_id(ring):
    """Keys with the same kid, which the ID Context tells apart."""
    return [
        context(b"", b"\x01", ring.storage, secret=secret, id_context=b"context%d" % number)
        for number, secret in enumerate(SECRETS)
    ]


def by_kid(ring):
    return [
        context(b"", b"%d" % number, ring.storage, secret=secret) for number, secret in enumerate(SECRETS)
    ]


def peers(kids=False):
    found = []
    for number, (address, secret) in enumerate(zip((CLIENT, STRANGER, OTHER), SECRETS)):
        named = {} if kids else {"id_context": b"context%d" % number}
        found.append(Party(address, b"%d" % number if kids else b"\x01", b"", secret=secret, **named))
    return found


def code(datagram):
    return coap.code_text(datagram[1])


class Identities(Ring):
    """Notes by which context each request came."""

    def take(self, datagram, source, now=0, answer=coap.CHANGED, payload=b""):
        self.endpoint.receive(datagram, source, now)
        event = self.endpoint.next_event()
        while event:
            if event[0] == coap.REQUEST:
                binding = event[1].binding
                self.got.append((self.contexts.index(binding.context) if binding else None, event[2]))
                self.endpoint.respond(event[1], coap.Message(answer, payload), now)
            else:
                self.events.append(event)
            event = self.endpoint.next_event()
        return self.out()


def test_requests_of_each_are_told_apart():
    for make, kids in ((by_id, False), (by_kid, True)):
        ring = Identities(make)
        for number, peer in enumerate(peers(kids)):
            talk(peer, ring, peer.ask(ring, b"from %d" % number))
            equal([(kind, each.code) for kind, _, each in peer.events], [(coap.RESPONSE, coap.CHANGED)])
        equal(
            [(who, bytes(each.payload)) for who, each in ring.got],
            [(0, b"from 0"), (1, b"from 1"), (2, b"from 2")],
        )


def by_call(ring):
    def choose(message, peer):
        return ring.contexts[2 if message.option(coap.URI_HOST) else (CLIENT, STRANGER).index(peer)]

    return choose


def by_table(ring):
    return {CLIENT: ring.contexts[0], "192.0.2.3": ring.contexts[1], "lamp.example": ring.contexts[2]}


def test_requests_of_ours_by_each_rule():
    first, second, third = peers()
    host = [(coap.URI_HOST, b"lamp.example")]
    for rule in (by_table, by_call):
        ring = Ring(by_id)
        ring.security = ring.endpoint.security = Keyring(ring.contexts, rule(ring))
        for party, options in ((first, []), (second, []), (third, host)):
            party.restart()
            talk(ring, party, ring.ask(party, b"text", options=coap.path_options("/a") + options))
            equal([bytes(each.payload) for each in party.got], [b"text"])
            party.got.clear()
        equal([each[0] for each in ring.events], 3 * [coap.RESPONSE])


def test_without_a_rule_a_peer_gets_the_context_that_it_was_heard_with():
    ring = Ring(by_id)
    first, second, _ = peers()
    why = raises(ValueError, ring.ask, first)
    assert "192.0.2.1" in str(why)
    equal((ring.endpoint._exchanges, ring.out()), ([], []))
    for peer in (first, second):
        talk(peer, ring, peer.ask(ring))
        talk(ring, peer, ring.ask(peer, b"back"))
        equal([bytes(each.payload) for each in peer.got], [b"back"])


def test_a_request_by_a_context_of_its_own():
    ring = Ring(by_id)
    _, second, _ = peers()
    ring.security.request_by(
        ring.contexts[1], ring.endpoint, coap.Message(coap.POST, b"text"), second.address, 0, tag="tag"
    )
    talk(ring, second, [octets for octets, _ in ring.out()])
    equal(([bytes(each.payload) for each in second.got], ring.events[0][1].tag), ([b"text"], "tag"))
    stranger = context(b"", b"\x05")
    for one in (None, stranger):
        raises(
            ValueError,
            ring.security.request_by,
            one,
            ring.endpoint,
            coap.Message(coap.POST),
            second.address,
            0,
        )
    equal(ring.out(), [])
    raises(ValueError, ring.ask, Party(OTHER, b"", b"\x01"))  # and the rule holds again


def test_none_and_too_many():
    one = context(b"", b"\x01")
    raises(ValueError, Keyring, [])
    raises(ValueError, Keyring, 17 * [one])
    raises(ValueError, Keyring, [one], None, "/open")


def test_servers_that_have_the_same_id():
    # A client of several servers, each of which calls itself b"": responses need no kid, and a request of a server is
    # told by its address, which our request went to.
    servers = [
        Party(address, b"", b"\x01", secret=secret)
        for address, secret in ((CLIENT, SECRETS[0]), (OTHER, SECRETS[1]))
    ]
    ring = Identities(
        lambda ring: [context(b"\x01", b"", ring.storage, secret=secret) for secret in SECRETS[:2]], STRANGER
    )
    ((answer, _),) = ring.take(servers[0].ask(ring, b"unheard")[0], CLIENT)
    equal((code(answer), ring.got), ("4.01", []))
    for number, server in enumerate(servers):
        ring.security.request_by(
            ring.contexts[number], ring.endpoint, coap.Message(coap.POST, b"text"), server.address, 0
        )
        talk(ring, server, [octets for octets, _ in ring.out()])
        equal([bytes(each.payload) for each in server.got], [b"text"])
    for exchange in servers[0].endpoint._exchanges[:]:
        servers[0].endpoint.cancel(exchange, 0)
    for number, server in enumerate(servers):
        talk(server, ring, server.ask(ring, b"back"))
        equal((ring.got[-1][0], bytes(ring.got[-1][1].payload)), (number, b"back"))
    # In another's name it does not verify, and is none of theirs.
    ((answer, _),) = ring.take(servers[0].ask(ring, b"forged")[0], OTHER)
    equal((code(answer), len(ring.got)), ("4.00", 2))


def test_no_kid_context_where_several_have_the_kid():
    ring = Identities(by_id)
    bare = Party(CLIENT, b"\x01", b"", secret=SECRETS[0])  # which says none
    ((answer, _),) = ring.take(bare.ask(ring, b"text")[0], CLIENT)
    equal((code(answer), ring.got, ring.security.stats["unknown"]), ("4.01", [], 1))


# --- attacks ----------------------------------------------------------------------------------------------------


def test_a_recording_is_worth_nothing_at_another_context():
    ring = Identities(by_id)
    first, second, _ = peers()
    recorded = []
    for peer in (first, second):
        for way, octets in talk(peer, ring, peer.ask(ring, b"once")):
            recorded.append((ring if way == "out" else peer, octets))
    ring.got.clear()
    for party in (first, second):
        party.events.clear()
    for _, octets in recorded:
        for who in (first, second, ring):
            for source in (CLIENT, STRANGER, SERVER):
                # as it is, and with the kid context of the other one
                for changed in (
                    octets,
                    octets.replace(b"context0", b"context1"),
                    octets.replace(b"context1", b"context0"),
                ):
                    who.take(changed[:2] + b"\xee" + changed[3:], source, 300000)
    equal((ring.got, first.got, second.got, first.events, second.events), ([], [], [], [], []))


def test_a_response_of_another_context_is_none():
    ring = Ring(by_id)
    first, second, _ = peers()
    (asked,) = first.ask(ring, b"text")
    (_, answer) = talk(second, ring, second.ask(ring, b"text"))
    forged = bytearray(answer[1])
    forged[2:8] = asked[2:8]  # message ID and token of the first one's request
    first.take(bytes(forged), SERVER)
    equal(first.events, [])
    equal(first.security.stats["unverified"], 1)
    talk(first, ring, [asked])
    equal(first.events[0][0], coap.RESPONSE)


def plain_request(path, mid=b"\x12\x34"):
    asker = coap.Endpoint(random=lambda size: (mid * size)[:size])
    asker.request(coap.Message(coap.GET, options=coap.path_options(path)), SERVER, 0)
    return asker, asker.outgoing()[0]


def test_nothing_is_plain_by_default():
    ring = Identities(by_id)
    _, datagram = plain_request("/open")
    ((answer, _),) = ring.take(datagram, OTHER)
    equal((code(answer), ring.got, ring.security.stats["unprotected"]), ("4.01", [], 1))


def test_plain_by_path_by_peer_and_by_a_call():
    rules = (
        ("/open",),
        {"192.0.2.4"},
        [OTHER],
        lambda message, peer: message.path == "/open" and peer == OTHER,
    )
    for rule in rules:
        ring = Identities(by_id, plain=rule)
        asker, datagram = plain_request("/open")
        ((answer, _),) = ring.take(datagram, OTHER, payload=b"hello")
        equal(message.decode(answer).option(coap.OSCORE), None)
        asker.receive(answer, SERVER, 0)
        equal(bytes(asker.next_event()[2].payload), b"hello")
        equal([who for who, _ in ring.got], [None])
        # A request of ours to it is plain too, and its plain answer counts.
        ring.endpoint.request(coap.Message(coap.GET, options=coap.path_options("/open")), OTHER, 0)
        ((datagram, _),) = ring.out()
        equal(message.decode(datagram).path, "/open")
        answer = message.encode(
            coap.Message(coap.CONTENT, b"plain"),
            coap.ACK,
            message.decode(datagram).mid,
            message.decode(datagram).token,
        )
        ring.take(answer, OTHER)
        equal(bytes(ring.events.pop()[2].payload), b"plain")
        # All else as before
        _, datagram = plain_request("/closed", b"\x22\x22")
        ((answer, _),) = ring.take(datagram, CLIENT)
        equal(code(answer), "4.01")
        first = peers()[0]
        talk(first, ring, first.ask(ring, b"text"))
        equal(ring.got[-1][0], 0)


def test_no_downgrade():
    # What was asked under a key is answered under it, or not at all; what may be plain says so to the application.
    ring = Identities(by_id, plain=("/msgin5g",))
    first = peers()[0]
    (datagram,) = first.ask(ring, b"secret")
    stripped = message.decode(datagram)
    forged = message.encode(
        coap.Message(coap.POST, b"forged", coap.path_options("/msgin5g")),
        coap.CON,
        stripped.mid,
        stripped.token,
    )
    ((answer, _),) = ring.take(forged, CLIENT)
    equal([who for who, _ in ring.got], [None])
    first.take(answer, SERVER)  # plain: no answer to what was protected
    equal(first.events, [])
    assert first.security.trouble
    # And the other way round: a protected answer to what was asked in the clear
    ring.endpoint.request(coap.Message(coap.GET, options=coap.path_options("/msgin5g")), OTHER, 0)
    ((datagram, _),) = ring.out()
    asked = message.decode(datagram)
    ring.take(
        message.encode(
            coap.Message(coap.CHANGED, b"12345678", [(coap.OSCORE, b"")]), coap.ACK, asked.mid, asked.token
        ),
        OTHER,
    )
    equal(ring.events, [])


class Looks:
    """Counts what is decrypted."""

    def __enter__(self):
        self._open = ccm.open_sealed
        self.keys = []
        ccm.open_sealed = self
        return self

    def __exit__(self, *exception):
        ccm.open_sealed = self._open

    def __call__(self, key, *arguments):
        self.keys.append(bytes(key))
        return self._open(key, *arguments)


def test_a_flood_at_one_context_leaves_the_others_what_is_theirs():
    for source in (CLIENT, OTHER):  # in the name of its peer, and from elsewhere
        ring = Ring(by_id)
        first, second, _ = peers()
        for peer in (first, second):
            talk(peer, ring, peer.ask(ring, b"hello"))
        (datagram,) = first.ask(ring, b"text")
        ring.got.clear(), second.events.clear()
        with Looks() as looks:
            for number in range(2000):  # 400 a second
                forged = (
                    datagram[:2]
                    + bytes((number >> 8, number & 255))
                    + datagram[4:-1]
                    + bytes((datagram[-1] ^ 1,))
                )
                ring.take(forged, source, 5 * number // 2)
                if number % 200 == 100:  # the second one is heard each time
                    (asked,) = second.ask(ring, b"%d" % number, 5 * number // 2)
                    talk(second, ring, [asked], 5 * number // 2)
        equal(len(ring.got), 10)
        equal([each[2].code for each in second.events], 10 * [coap.CHANGED])
        assert len(looks.keys) < 2 * 10 + 200 + 5 * 200 + 80, len(looks.keys)
        assert ring.security.stats["limited"] > 100


def test_a_key_has_no_more_requests_open_from_many_ports_than_from_one():
    ring = Ring(by_kid)
    greedy, other = peers(True)[:2]
    for port in range(3 * ring.endpoint.MAX_INCOMING):
        (datagram,) = greedy.ask(ring, type=coap.NON)
        greedy.endpoint._exchanges.clear()
        ring.take(datagram, (CLIENT[0], port), answer=None)
    equal(len(ring.got), ring.endpoint.MAX_INCOMING_PER_PEER)
    talk(other, ring, other.ask(ring))
    equal([each.code for _, _, each in other.events], [coap.CHANGED])


def test_a_flood_of_kids_that_nobody_has_is_not_looked_at():
    ring = Ring(by_id)
    first = peers()[0]
    (datagram,) = first.ask(ring, b"text")
    with Looks() as looks:
        answers = 0
        for number in range(1000):
            forged = bytearray(datagram.replace(b"context0", b"%08d" % number))
            forged[2:4] = bytes((number >> 8, number & 255))
            answers += len(ring.take(bytes(forged), OTHER, 5 * number))
    equal(looks.keys, [])
    assert answers <= 80 + 5 * 10, answers
    equal(ring.security.stats["unknown"], 1000)


def test_a_broken_context_does_not_stop_the_others():
    class Broken(MemoryStorage):
        broken = False

        def replace(self, name, octets):
            if self.broken:
                raise OSError(5)
            MemoryStorage.replace(self, name, octets)

    bad = Broken()
    ring = Ring(
        lambda ring: [context(b"", b"0", bad, secret=SECRETS[0]), context(b"", b"1", secret=SECRETS[1])]
    )
    first, second, _ = peers(True)
    bad.broken = True
    ((answer, _),) = ring.take(first.ask(ring, b"text")[0], CLIENT)
    equal((code(answer), ring.got), ("5.03", []))
    talk(second, ring, second.ask(ring, b"text"))
    equal([bytes(each.payload) for each in ring.got], [b"text"])
    ring.endpoint.poll(0)
    assert "refused" in ring.security.trouble


def test_a_request_that_could_not_be_kept_may_come_again():
    # Endpoint.receive puts back what the context had seen where a later step fails.
    ring = Ring(by_id)
    first = peers()[0]
    (datagram,) = first.ask(ring, b"text")
    real = ring.endpoint._take_in

    def fails(*arguments):
        raise MemoryError

    ring.endpoint._take_in = fails
    equal(ring.take(datagram, CLIENT), [])
    ring.endpoint._take_in = real
    ring.take(datagram, CLIENT)
    equal([bytes(each.payload) for each in ring.got], [b"text"])


def test_echo_and_refusals_of_each():
    ring = Ring(by_id)
    first, second, _ = peers()
    for peer in (first, second):
        talk(peer, ring, peer.ask(ring))
    ring.restart()
    ring.got.clear()
    for peer in (first, second):
        equal(len(talk(peer, ring, peer.ask(ring, b"after", 10))), 4)
    equal([bytes(each.payload) for each in ring.got], [b"after", b"after"])
    # "Replay detected" makes the context of that request skip, and no other.
    for peer in (first, second):
        talk(ring, peer, ring.ask(peer))
    before = [each._sequence._next for each in ring.contexts]
    (datagram,) = ring.ask(first)
    asked = message.decode(datagram)
    refusal = message.encode(
        coap.Message(coap.UNAUTHORIZED, b"Replay detected"), coap.ACK, asked.mid, asked.token
    )
    ring.take(refusal, CLIENT, 100)
    run(ring.endpoint, 5000)
    ring.endpoint.poll(5000)
    after = [each._sequence._next for each in ring.contexts]
    assert after[0] > before[0] + 1000
    equal(after[1:], before[1:])


def test_a_key_that_is_made_anew_beside_one_that_is_not():
    ring = Ring(
        lambda ring: [
            RenewableContext(SECRET, b"", b"\x01", ring.storage),
            context(b"", b"1", secret=SECRETS[1]),
        ]
    )
    first, second = Renewable(CLIENT, b"\x01", b""), peers(True)[1]
    equal(len(talk(first, ring, first.ask(ring, b"a"))), 4)
    equal(len(talk(second, ring, second.ask(ring, b"b"))), 2)
    first.lose()
    equal(len(talk(first, ring, first.ask(ring, b"c"))), 4)
    equal(len(talk(ring, first, ring.ask(first, b"d"))), 2)
    equal([bytes(each.payload) for each in ring.got + first.got], [b"a", b"b", b"c", b"d"])


def test_a_key_that_is_made_anew_beside_others_with_its_kid():
    ring = Identities(lambda ring: [RenewableContext(SECRET, b"", b"\x01", ring.storage)] + by_id(ring))
    first, others = Renewable(("192.0.2.9", 5683), b"\x01", b""), peers()
    for _ in range(2):
        talk(first, ring, first.ask(ring, b"0"))
        for number, peer in enumerate(others):
            talk(peer, ring, peer.ask(ring, b"%d" % (number + 1)))
        first.lose()
    equal([(who, int(bytes(got.payload))) for who, got in ring.got], 2 * [(0, 0), (1, 1), (2, 2), (3, 3)])


def test_one_context_on_the_ring_says_the_same_octets_as_security():
    answers = []
    for make in (Security, lambda one: Keyring([one])):
        peer = Party(CLIENT, b"\x01", b"")
        one = Party(SERVER, b"", b"\x01")
        one.security = make(Context(SECRET, b"", b"\x01", MemoryStorage()))
        one.endpoint.security = one.security
        answers.append(talk(peer, one, peer.ask(one, b"text")) + talk(one, peer, one.ask(peer, b"back")))
    equal(answers[0], answers[1])
