# SPDX-License-Identifier: MIT
"""As test_coap_memory.py, for requests that want silence (RFC 7967) and those to a group (RFC 7252 section 8)."""

import coap
from coap.endpoint.multicast import LEISURE
from coap_scene import PEER, endpoint, events, octets, run, sent
from common import equal
from starving import each

GROUP = ("224.0.1.187", 5683)
ASKED = octets("51 01 1234 aa b1 61")
QUIET = octets("41 03 1234 aa b1 61 d1 ea 1a ff 31")


def requests(device):
    return [event for event in events(device) if event[0] == coap.REQUEST]


# --- a server


def from_many(device):
    device.receive(ASKED, PEER, 0, LEISURE)


def check_from_many(device, raised):
    assert not raised
    equal(sent(device), [])  # nobody is told of it, whatever failed
    came = requests(device)
    complete = len(came) == 1
    if not came:
        equal((device._incoming, device.seen()._entries), ([], []))
        assert device.stats["failed"]
        device.receive(ASKED, PEER, 100, LEISURE)
        came = requests(device)
    ((_, incoming, _),) = came
    # what was let in goes out at its leisure, and an error not at all
    equal((incoming.quiet, incoming.leisure is None), (25, False))
    device.respond(incoming, coap.Message(coap.CONTENT, b"1"), 200)
    equal([out[-2:] for _, out in run(device, 10000)], [b"\xff1"])
    return complete


def test_a_request_from_who_asks_many():
    assert each(lambda: endpoint(b"\x40\x00"), from_many, check_from_many) >= 8


def confirmable_from_many(device):
    device.receive(octets("41 01 1234 aa b1 61"), PEER, 0, LEISURE)


def check_refused(device, raised):
    # section 8.1: it is refused in silence, whatever failed
    assert not raised
    equal((sent(device), events(device), device._incoming), ([], [], []))
    return not device.stats["failed"]


def test_a_confirmable_request_from_who_asks_many():
    assert each(lambda: endpoint(b"\x40\x00"), confirmable_from_many, check_refused) >= 4


def asked_by_many():
    device = endpoint(b"\x40\x00")
    device.receive(ASKED, PEER, 0, LEISURE)
    return device, requests(device)[0][1]


def answer_many(subject):
    device, incoming = subject
    device.respond(incoming, coap.Message(coap.CONTENT, b"1"), 0)


def check_answered(subject, raised):
    device, incoming = subject
    complete = not raised
    if raised:
        device.respond(incoming, coap.Message(coap.CONTENT, b"1"), 100)
    equal([out[-2:] for _, out in run(device, 10000)], [b"\xff1"])
    equal(device.next_deadline(), None)
    return complete


def test_an_answer_at_leisure():
    assert each(asked_by_many, answer_many, check_answered) >= 2


def asked_for_silence():
    device = endpoint()
    device.receive(QUIET, PEER, 0)
    return device, requests(device)[0][1]


def check_silence(subject, raised):
    device, incoming = subject
    if raised:
        equal(sent(device), [])
        device.respond(incoming, coap.Message(coap.CONTENT, b"1"), 100)
    out = sent(device)
    equal(out, [] if device.stats["dropped"] else [octets("60 00 1234")])
    equal(device.next_deadline(), None)
    device.receive(QUIET, PEER, 2000)
    equal((sent(device), events(device)), ([octets("60 00 1234")], []))
    return not raised and len(out) == 1


def test_a_response_that_nobody_wants():
    assert each(asked_for_silence, answer_many, check_silence) >= 1


# --- a client


def asking():
    device = endpoint()
    device.request(coap.Message(coap.GET, type=coap.NON, token=b"\xaa"), GROUP, 0, many=LEISURE)
    sent(device)
    return device


def one_of_many(first):
    datagram = octets(first + "45 7001 aa ff 31")

    def act(device):
        device.receive(datagram, PEER, 0)

    def check(device, raised):
        assert not raised
        came = events(device)
        out = sent(device)
        complete = len(came) == 1
        if not came:
            assert device.stats["failed"]
            equal(out, [])  # not acknowledged: it comes again
            act(device)
            came = events(device)
        ((kind, _, message),) = came
        equal((kind, message.peer, bytes(message.payload)), (coap.RESPONSE, PEER, b"1"))
        sent(device)
        act(device)
        equal(events(device), [])
        return complete

    return act, check


def test_a_response_of_many():
    assert each(asking, *one_of_many("51")) >= 5
    assert each(asking, *one_of_many("41")) >= 5


def ask(type, number, value, many):
    message = coap.Message(coap.PUT, b"1", [(number, value)], type)

    def act(device):
        device.request(message, PEER, 0, "tag", many=many)

    def check(device, raised):
        out = sent(device)
        complete = not raised and len(out) == 1
        if raised:
            equal((out, device.next_deadline(), device._exchanges), ([], None, []))
            act(device)
        elif not out and not device.stats["dropped"]:  # it waits for memory to be put on the air
            device.poll(1000)
            equal(len(sent(device)), 1)
        (exchange,) = device._exchanges
        equal(exchange.many, many is not None)
        return complete

    return act, check


def test_a_request_that_wants_no_response():
    assert each(endpoint, *ask(coap.CON, coap.NO_RESPONSE, b"\x1a", None)) >= 5


def test_a_request_to_many():
    assert each(endpoint, *ask(coap.NON, coap.URI_PATH, b"a", LEISURE)) >= 5
