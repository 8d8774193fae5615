# SPDX-License-Identifier: MIT
"""Notifications under OSCORE: RFC 8613 sections 4.1.3.5, 7.4.1 and 8.4.2. The server is a bare security context."""

import coap
from coap.message import decode, encode
from coap.observe import observe
from coap_scene import events, one_event, sent
from common import equal
from oscore_scene import SERVER, context, pair


class Server:
    """Answers registrations and makes notifications of them, each with the request that they belong to."""

    def __init__(self):
        self.client, _ = pair()
        self.context = context(b"", b"\x01")
        self.mid = 0x7000

    def request(self, datagram):
        """(the plain request, its binding)."""
        outer = decode(datagram)
        equal(outer.code, coap.FETCH)  # section 4.2: what is observed is not to be seen
        return self.context.unprotect_request(outer, outer.option(coap.OSCORE)[1:-1])

    def answer(self, plain, binding, payload=b"0"):
        inner = coap.Message(
            coap.CONTENT, payload, [(coap.OBSERVE, b"\x05")], coap.ACK, plain.mid, plain.token
        )
        self.receive(self.context.protect_response(inner, binding))

    def notification(self, plain, binding, payload, code=coap.CONTENT, options=((coap.OBSERVE, b"\x01"),)):
        """The datagram. Its outer Observe never grows: what is newer, the Partial IV alone says."""
        self.mid += 1
        inner = coap.Message(code, payload, list(options), coap.CON, self.mid, plain.token)
        return encode(self.context.protect_response(inner, binding))

    def receive(self, message):
        self.client.endpoint.receive(
            encode(message) if isinstance(message, coap.Message) else message, SERVER, 0
        )

    def told(self, datagram, accept=True):
        """[what the client says at once, the payload that it is told or None]."""
        self.receive(datagram)
        out = sent(self.client.endpoint)
        told = None
        for kind, observation, message in events(self.client.endpoint):
            equal(kind, coap.NOTIFICATION)
            told = bytes(message.payload)
            if accept:
                observation.accept(message, 0)
                out += sent(self.client.endpoint)
        return [[decode(each).type for each in out], told]

    def registered(self):
        """(observation, plain request, binding) of a registration that was answered."""
        endpoint = self.client.endpoint
        message = coap.Message(coap.GET, options=coap.path_options("/t"))
        observation = observe(endpoint, message, SERVER, 0, stale=False)
        plain, binding = self.request(sent(endpoint)[0])
        equal((plain.code, plain.uint(coap.OBSERVE)), (coap.GET, 0))
        self.answer(plain, binding)
        equal(one_event(endpoint)[0], coap.RESPONSE)
        equal(observation.established, True)
        return observation, plain, binding


ACKED = [coap.ACK]


def test_notifications_are_verified_with_the_request_that_they_belong_to():
    server = Server()
    _, plain, binding = server.registered()
    for payload in (b"1", b"2", b"3"):
        equal(server.told(server.notification(plain, binding, payload)), [ACKED, payload])


def test_one_that_is_not_accepted_may_come_again():
    server = Server()
    _, plain, binding = server.registered()
    first = server.notification(plain, binding, b"1")
    equal(server.told(first, accept=False), [[], b"1"])
    equal(server.told(first), [ACKED, b"1"])
    equal(server.told(first), [ACKED, None])


def test_an_older_one_is_acknowledged_and_not_told():
    # The peer may wait for that with all that it has for us (RFC 7252 section 4.7, NSTART 1). Nothing is kept of it: it
    # may have been recorded, and have a message ID of its own, which anyone on the path can give it.
    server = Server()
    _, plain, binding = server.registered()
    first = server.notification(plain, binding, b"1")
    second = server.notification(plain, binding, b"2")
    equal(server.told(second), [ACKED, b"2"])
    equal(server.told(first), [ACKED, None])
    again = decode(second)
    entries = len(server.client.endpoint.seen()._entries)
    for mid in range(100):
        again.mid = mid
        equal(server.told(encode(again)), [ACKED, None])
    again.type = coap.NON
    again.mid = 100
    equal(server.told(encode(again)), [[], None])
    equal(len(server.client.endpoint.seen()._entries), entries)
    equal(server.told(server.notification(plain, binding, b"3")), [ACKED, b"3"])


def test_the_first_response_is_no_notification():
    # it has no Partial IV; said again as a notification it is refused
    server = Server()
    endpoint = server.client.endpoint
    observe(endpoint, coap.Message(coap.GET), SERVER, 0)
    plain, binding = server.request(sent(endpoint)[0])
    inner = coap.Message(coap.CONTENT, b"0", [(coap.OBSERVE, b"")], coap.ACK, plain.mid, plain.token)
    first = server.context.protect_response(inner, binding)
    server.receive(first)
    equal(one_event(endpoint)[0], coap.RESPONSE)
    first.type = coap.CON
    first.mid = 0x6666
    equal(server.told(first), [[], None])


def test_what_does_not_verify_changes_nothing():
    server = Server()
    _, plain, binding = server.registered()
    forged = decode(server.notification(plain, binding, b"1"))
    forged.payload = bytes(len(forged.payload))
    for mid in range(20):
        forged.mid = mid
        equal(server.told(forged), [[], None])
        if mid % 4 == 0:
            payload = b"%d" % mid
            equal(server.told(server.notification(plain, binding, payload)), [ACKED, payload])
    bare = coap.Message(coap.CONTENT, b"1", [(coap.OBSERVE, b"\x09")], coap.CON, 0x5555, plain.token)
    equal(server.told(bare), [[], None])


def test_a_renewal_has_a_binding_of_its_own():
    # 4.1.3.5.1: notifications then belong to the newest request; until it is answered, to the one before
    server = Server()
    observation, plain, binding = server.registered()
    observation.register(coap.Message(coap.GET, options=[]), 0)
    newer, new_binding = server.request(sent(server.client.endpoint)[0])
    equal(newer.token, plain.token)
    equal(server.told(server.notification(plain, binding, b"1")), [ACKED, b"1"])
    server.answer(newer, new_binding)
    equal(one_event(server.client.endpoint)[0], coap.RESPONSE)
    equal(server.told(server.notification(newer, new_binding, b"2")), [ACKED, b"2"])


def renewed(server, observation, now):
    """(plain request, binding) of a renewal that was answered."""
    observation.register(coap.Message(coap.GET, options=[]), now)
    plain, binding = server.request(sent(server.client.endpoint)[0])
    server.answer(plain, binding)
    equal(one_event(server.client.endpoint)[0], coap.RESPONSE)
    return plain, binding


def test_what_was_lost_before_a_renewal_is_taken_when_it_is_repeated():
    # The server repeats the notification with the octets of before, up to MAX_TRANSMIT_WAIT (RFC 7252 section 4.2)
    server = Server()
    observation, plain, binding = server.registered()
    equal(server.told(server.notification(plain, binding, b"1")), [ACKED, b"1"])
    lost = server.notification(plain, binding, b"2")
    newer, new_binding = renewed(server, observation, 0)
    server.client.endpoint.poll(92999)
    equal(server.told(lost), [ACKED, b"2"])
    again = decode(lost)
    again.mid = 0x6666
    equal(server.told(encode(again)), [ACKED, None])  # and once only
    equal(server.told(server.notification(newer, new_binding, b"3")), [ACKED, b"3"])


def test_older_than_what_the_renewal_brought():
    server = Server()
    observation, plain, binding = server.registered()
    lost = server.notification(plain, binding, b"1")
    newer, new_binding = renewed(server, observation, 0)
    equal(server.told(server.notification(newer, new_binding, b"2")), [ACKED, b"2"])
    equal(server.told(lost), [ACKED, None])  # told, it would be the newest state


def test_several_renewals_one_after_the_other():
    server = Server()
    observation, plain, binding = server.registered()
    lost = server.notification(plain, binding, b"1")
    for _ in range(4):
        renewed(server, observation, 0)
    equal(server.told(lost), [ACKED, b"1"])
    for _ in range(20):
        renewed(server, observation, 0)
    equal(len(observation._bindings), 5)


def test_the_request_of_before_is_forgotten_after_max_transmit_wait():
    server = Server()
    observation, plain, binding = server.registered()
    lost = server.notification(plain, binding, b"1")
    newer, new_binding = renewed(server, observation, 0)
    endpoint = server.client.endpoint
    endpoint.poll(93000)
    equal(server.told(lost), [[], None])
    equal(server.told(server.notification(newer, new_binding, b"2")), [ACKED, b"2"])


def test_while_a_renewal_is_acknowledged_notifications_still_come():
    server = Server()
    observation, plain, binding = server.registered()
    observation.register(coap.Message(coap.GET, options=[]), 0)
    newer, new_binding = server.request(sent(server.client.endpoint)[0])
    server.receive(coap.Message(0, b"", (), coap.ACK, newer.mid))
    equal(server.told(server.notification(plain, binding, b"1")), [ACKED, b"1"])
    inner = coap.Message(coap.CONTENT, b"0", [(coap.OBSERVE, b"")], coap.CON, 0x5000, newer.token)
    server.receive(server.context.protect_response(inner, new_binding))
    equal(one_event(server.client.endpoint)[0], coap.RESPONSE)
    sent(server.client.endpoint)
    equal(server.told(server.notification(newer, new_binding, b"2")), [ACKED, b"2"])


def test_the_response_to_a_renewal_whose_acknowledgement_was_lost():
    # RFC 7252 section 5.2.2
    server = Server()
    observation, plain, binding = server.registered()
    observation.register(coap.Message(coap.GET, options=[]), 0)
    endpoint = server.client.endpoint
    newer, new_binding = server.request(sent(endpoint)[0])
    inner = coap.Message(coap.CONTENT, b"0", [(coap.OBSERVE, b"")], coap.CON, 0x5000, newer.token)
    server.receive(server.context.protect_response(inner, new_binding))
    equal([decode(each).type for each in sent(endpoint)], ACKED)
    equal(one_event(endpoint)[0], coap.RESPONSE)
    for now in range(0, 200000, 1000):
        endpoint.poll(now)
    equal((sent(endpoint), events(endpoint)), ([], []))


def test_a_server_that_restarted_asks_for_an_echo_first():
    # RFC 8613 appendix B.1.2: the request goes again, with a token of its own, and that is the observation's
    server = Server()
    endpoint = server.client.endpoint
    observation = observe(endpoint, coap.Message(coap.GET, options=[]), SERVER, 0)
    plain, binding = server.request(sent(endpoint)[0])
    challenge = coap.Message(
        coap.UNAUTHORIZED, b"", [(coap.ECHO, b"12345678")], coap.ACK, plain.mid, plain.token
    )
    server.receive(server.context.protect_response(challenge, binding))
    again, binding = server.request(sent(endpoint)[0])
    equal((again.option(coap.ECHO), again.uint(coap.OBSERVE)), (b"12345678", 0))
    assert again.token != plain.token
    server.answer(again, binding)
    equal(one_event(endpoint)[0], coap.RESPONSE)
    equal(observation.established, True)
    equal(server.told(server.notification(again, binding, b"1")), [ACKED, b"1"])


def test_an_error_ends_it():
    server = Server()
    observation, plain, binding = server.registered()
    equal(server.told(server.notification(plain, binding, b"gone", coap.NOT_FOUND, ())), [ACKED, b"gone"])
    equal(observation.established, False)
    equal(server.client.endpoint.observations, [])


def test_cancelled():
    server = Server()
    observation, _, _ = server.registered()
    observation.cancel(coap.Message(coap.GET, options=[]), 0)
    plain, binding = server.request(sent(server.client.endpoint)[0])
    equal(plain.uint(coap.OBSERVE), 1)
    inner = coap.Message(coap.CONTENT, b"0", (), coap.ACK, plain.mid, plain.token)
    server.receive(server.context.protect_response(inner, binding))
    equal(one_event(server.client.endpoint)[0], coap.RESPONSE)
    equal(server.client.endpoint.observations, [])
