# SPDX-License-Identifier: MIT
"""Notifications that go out under OSCORE, RFC 8613 sections 4.1.3.5 and 8.3: made by a server, verified by a client."""

import coap
from coap.message import decode
from coap.observe import observe
from coap.observe.server import Observers
from coap.oscore import Keyring
from coap_scene import events, sent
from common import equal, raises
from observe_scene import Count
from oscore_scene import CLIENT, SERVER, Party, Renewable, context, pair, talk


class Scene:
    """A client observes /t of a server, both with OSCORE."""

    def __init__(self, plain=(), parties=None):
        self.client, self.server = parties or pair()
        if plain:
            self.server.endpoint.security = Keyring([context(b"", b"\x01")], plain=plain)
        self.list = Observers(self.server.endpoint, 0, Count())
        self.value, self.code = b"0", coap.CONTENT
        self.now = 0
        self.told = []
        self.observation = observe(self.client.endpoint, self.get(), SERVER, 0, stale=False)
        equal([each.code for each in self.carry()], [coap.CONTENT])
        equal((self.told, len(self.list)), ([b"0"], 1))

    def get(self):
        return coap.Message(coap.GET, options=coap.path_options("/t"))

    def serve(self):
        for kind, incoming, message in events(self.server.endpoint):
            equal((kind, message.path), (coap.REQUEST, "/t"))
            self.list.respond(incoming, coap.Message(self.code, self.value), self.now)
        return sent(self.server.endpoint)

    def change(self, value, code=coap.CONTENT):
        """What goes out."""
        self.value, self.code = value, code
        self.list.changed("/t", self.now)
        return self.serve()

    def hear(self, datagrams):
        """The client hears these, and what it says is heard."""
        for datagram in datagrams:
            self.client.endpoint.receive(datagram, SERVER, self.now)
            for kind, observation, message in events(self.client.endpoint):
                self.told.append(bytes(message.payload) or message.code)
                if kind == coap.NOTIFICATION:
                    observation.accept(message, self.now)
        return self.carry()

    def carry(self):
        """What the client says goes to the server, and its answers come back; gives those, as they are outside."""
        out = []
        while True:
            said = sent(self.client.endpoint)
            for datagram in said:
                self.server.endpoint.receive(datagram, CLIENT, self.now)
            answers = self.serve()
            if not said and not answers:
                return out
            out += [decode(each) for each in answers]
            for datagram in answers:
                self.client.endpoint.receive(datagram, SERVER, self.now)
                for _, _, message in events(self.client.endpoint):
                    self.told.append(bytes(message.payload) or message.code)


def number(datagram):
    """The Partial IV of a notification: the OSCORE option is its length (1) and itself."""
    value = decode(datagram).option(coap.OSCORE)
    equal((len(value), value[0]), (2, 1))
    return value[1]


def test_each_has_a_partial_iv_of_its_own():
    scene = Scene()
    numbers = []
    for value in (b"1", b"2", b"3"):
        scene.now += 5000
        (datagram,) = scene.change(value)
        # outside: 2.05 and Observe, whatever it says inside (section 4.1.3.5.2)
        message = decode(datagram)
        equal((message.code, message.option(coap.OBSERVE) is None), (coap.CONTENT, False))
        numbers.append(number(datagram))
        scene.hear([datagram])
    equal(scene.told, [b"0", b"1", b"2", b"3"])
    equal(numbers, sorted(set(numbers)))


def test_the_first_response_has_none():
    scene = Scene()
    scene.observation.register(scene.get(), 0)
    (answer,) = scene.carry()
    equal((answer.option(coap.OSCORE), answer.type), (b"", coap.ACK))


def test_a_newer_one_in_place_of_a_retransmission():
    # The same nonce must not serve for two texts: another Partial IV
    scene = Scene()
    (first,) = scene.change(b"1")
    equal(scene.change(b"2"), [])
    scene.now = 3000
    scene.server.endpoint.poll(3000)
    (second,) = scene.serve()
    assert number(second) > number(first)
    assert first[2:4] != second[2:4]
    scene.hear([second])
    equal(scene.told, [b"0", b"2"])
    # the first one comes late: it verifies, and is old
    scene.hear([first])
    equal(scene.told, [b"0", b"2"])


def test_what_is_sent_again_is_the_same_octets():
    scene = Scene()
    first = scene.change(b"1")
    scene.server.endpoint.poll(3000)
    equal(scene.serve(), first)


def test_registered_anew_it_belongs_to_the_newer_request():
    scene = Scene()
    scene.observation.register(scene.get(), 0)
    scene.carry()
    equal(len(scene.list), 1)
    scene.hear(scene.change(b"1"))
    equal(scene.told, [b"0", b"0", b"1"])


def test_an_error_is_inside_and_the_last():
    scene = Scene()
    (datagram,) = scene.change(b"", coap.NOT_FOUND)
    equal(decode(datagram).code, coap.CONTENT)
    scene.hear([datagram])
    equal((scene.told, len(scene.list)), ([b"0", coap.NOT_FOUND], 0))


def test_who_has_no_key_ends_nothing():
    scene = Scene()
    token = scene.observation.token
    for value in (b"\x01", b""):
        bare = coap.Message(coap.GET, options=[(coap.OBSERVE, value)] + coap.path_options("/t"))
        scene.server.endpoint.receive(coap.encode(bare, coap.CON, 0x7777 + len(value), token), CLIENT, 0)
        equal([decode(each).code for each in scene.serve()], [coap.UNAUTHORIZED])
    equal(len(scene.list), 1)
    scene.hear(scene.change(b"1"))
    equal(scene.told, [b"0", b"1"])


def test_who_may_ask_without_a_key_is_somebody_else():
    # The token of a request can be read by anyone on the path, and an address be forged
    scene = Scene(plain=("/t",))
    token = scene.observation.token
    for number, value, count in ((1, b"\x01", 1), (2, b"", 2), (3, b"", 2), (4, b"\x01", 1)):
        bare = coap.Message(coap.GET, options=[(coap.OBSERVE, value)] + coap.path_options("/t"))
        scene.server.endpoint.receive(coap.encode(bare, coap.CON, 0x7777 + number, token), CLIENT, 0)
        equal([decode(each).code for each in scene.serve()], [coap.CONTENT])
        equal(len(scene.list), count)
    scene.hear(scene.change(b"1"))
    equal(scene.told, [b"0", b"1"])


def test_a_key_has_no_more_places_from_many_ports_than_from_one():
    scene = Scene()
    scene.server.endpoint.security = Keyring([context(b"", b"\x01"), context(b"", b"\x02")])
    other = Party(SERVER, b"\x02", b"")
    scene.list = Observers(scene.server.endpoint, 0, Count())
    observe_0 = coap.path_options("/t") + [(coap.OBSERVE, b"")]
    for port in range(20):
        client = other if port == 19 else scene.client
        client.endpoint._exchanges.clear()
        (datagram,) = client.ask(scene.server, code=coap.GET, options=observe_0)
        scene.server.endpoint.receive(datagram, ("192.0.2.9", port), 0)
        scene.serve()
    equal([each.peer[1] for each in scene.list._entries], [0, 1, 2, 3, 4, 5, 6, 7, 19])


def test_numbers_begin_anew_with_a_key_that_is_made_anew():
    client, server = Renewable(CLIENT, b"\x01", b""), Renewable(SERVER, b"", b"\x01")
    talk(client, server, client.ask(server))
    scene = Scene(parties=(client, server))
    for value in (b"1", b"2", b"3"):
        scene.hear(scene.change(value))
    scene.client.security.context.renew()
    scene.observation.register(scene.get(), 0)
    scene.carry()
    scene.told.clear()
    for value in (b"4", b"5"):
        datagrams = scene.change(value)
        scene.hear(datagrams)
    equal(
        len(datagrams), 1
    )  # the request that came again has another token, and the old one was answered by Reset
    equal((number(datagrams[0]), scene.told), (1, [b"4", b"5"]))  # 0 is the first number of a key


def test_observe_1_cancels():
    scene = Scene()
    scene.observation.cancel(scene.get(), 0)
    scene.carry()
    equal(len(scene.list), 0)
    equal(scene.change(b"1"), [])


def test_a_storage_that_fails_sends_nothing():
    scene = Scene()
    scene.hear(scene.change(b"1"))
    replace = scene.server.storage.replace

    def full(name, octets):
        raise OSError(28)

    scene.server.storage.replace = full
    for _ in range(200):  # some numbers are there without a write
        scene.now += 5000
        scene.list.changed("/t", scene.now)
        ((_, observer, _),) = events(scene.server.endpoint)
        try:
            scene.list.respond(observer, coap.Message(coap.CONTENT, b"2"), scene.now)
        except OSError:
            break
        scene.hear(sent(scene.server.endpoint))
    else:
        raise AssertionError("the storage was never asked")
    equal(sent(scene.server.endpoint), [])
    raises(OSError, scene.list.respond, observer, coap.Message(coap.CONTENT, b"3"), scene.now)
    scene.server.storage.replace = replace
    scene.list.respond(observer, coap.Message(coap.CONTENT, b"4"), scene.now)
    scene.hear(sent(scene.server.endpoint))
    equal(scene.told[-1], b"4")
