# SPDX-License-Identifier: MIT
"""An Endpoint with OSCORE: what its application sees, and what is on the link."""

import coap
from coap import message
from coap.oscore import Keyring
from coap_pair import Seekable
from coap_scene import run
from common import equal, raises
from oscore_scene import CLIENT, SERVER, context, pair, talk


def decoded(octets):
    return message.decode(octets)


def test_exchange():
    client, server = pair()
    seen = talk(client, server, client.ask(server, b"text"))
    equal([way for way, _ in seen], ["out", "in"])
    equal(
        (server.got[0].code, server.got[0].path, bytes(server.got[0].payload)),
        (coap.POST, "/msgin5g", b"text"),
    )
    kind, _, response = client.events[0]
    equal((kind, response.code), (coap.RESPONSE, coap.CHANGED))
    request, answer = [decoded(octets) for _, octets in seen]
    # Only the outer code, the token and OSCORE's own fields are to be seen: flags 0x09, Partial IV 0, kid 0x01.
    equal((request.code, request.options), (coap.POST, [(coap.OSCORE, b"\x09\x00\x01")]))
    equal((answer.code, answer.options), (coap.CHANGED, [(coap.OSCORE, b"")]))
    # The plain message is the code, Uri-Path with its head, the marker and the text; a tag of 8 comes behind.
    equal(len(request.payload), 1 + 8 + 1 + 4 + 8)
    equal(len(answer.payload), 1 + 8)


def conditional(*options, forged=()):
    """The If-Match that reaches the application of a server, and the outer codes and options of its request."""
    client, server = pair()
    server.endpoint.understands = (coap.IF_MATCH, coap.IF_NONE_MATCH)
    path = coap.path_options("/x")
    (datagram,) = client.ask(server, b"x", code=coap.PUT, options=path + list(options))
    outer = decoded(datagram)
    equal([number for number, _ in outer.options], [coap.OSCORE])
    outer.options = outer.options + list(forged)
    talk(client, server, [message.encode(outer)])
    equal([(kind, each.code) for kind, _, each in client.events], [(coap.RESPONSE, coap.CHANGED)])
    return [each for each in server.got[0].options if each[0] != coap.URI_PATH]


def test_conditions_are_protected():
    # RFC 8613 section 4.1 and figure 5: If-Match and If-None-Match are of class E, so outer ones do not count
    for option in ((coap.IF_MATCH, b"v1"), (coap.IF_MATCH, b""), (coap.IF_NONE_MATCH, b"")):
        equal(conditional(option), [option])
        equal(conditional(forged=[option]), [])
    equal(conditional((coap.IF_MATCH, b"v1"), forged=[(coap.IF_MATCH, b"v2")]), [(coap.IF_MATCH, b"v1")])


def test_a_condition_that_the_server_does_not_evaluate():
    # RFC 7252 section 5.4.1: 4.02, protected as the request was
    client, server = pair()
    options = coap.path_options("/x") + [(coap.IF_MATCH, b"v1")]
    seen = talk(client, server, client.ask(server, b"x", code=coap.PUT, options=options))
    equal(decoded(seen[-1][1]).option(coap.OSCORE), b"")
    equal([each.code for _, _, each in client.events], [coap.BAD_OPTION])
    equal(server.got, [])


def test_sequence_numbers_count():
    client, server = pair()
    for number in range(300):
        client.events.clear()
        server.got.clear()
        seen = talk(client, server, client.ask(server))
        option = decoded(seen[0][1]).option(coap.OSCORE)
        size = 1 if number < 256 else 2
        equal(option, bytes((8 | size,)) + number.to_bytes(size, "big") + b"\x01")
        equal((len(server.got), len(client.events)), (1, 1))


def test_retransmissions_are_the_same_octets():
    client, server = pair()
    (first,) = client.ask(server, b"text")
    again = [octets for _, octets in run(client.endpoint, 45000)]
    equal(again, [first] * 4)


def test_a_duplicate_gets_the_same_answer_and_runs_once():
    client, server = pair()
    (request,) = client.ask(server, b"text")
    answers = [server.take(request, CLIENT) for _ in range(3)]
    equal(answers[1:], [answers[0]] * 2)
    equal(len(server.got), 1)
    equal(server.security.stats["replayed"], 0)


def test_separate_response():
    client, server = pair()
    (request,) = client.ask(server, b"text")
    equal(server.take(request, CLIENT, answer=None), [])
    event = server.endpoint
    event.poll(1000)  # the handler is slow: acknowledged first
    ((acknowledgement, _),) = server.out()
    equal(len(acknowledgement), 4)
    client.take(acknowledgement, SERVER, 1000)
    incoming = server.endpoint._incoming[0]
    server.endpoint.respond(incoming, coap.Message(coap.CONTENT, b"late"), 2000)
    ((response, _),) = server.out()
    # Nothing says that the request's nonce was used before, so no Partial IV
    equal(decoded(response).option(coap.OSCORE), b"")
    out = client.take(response, SERVER, 2000)
    equal([decoded(octets).type for octets, _ in out], [coap.ACK])
    equal(bytes(client.events[0][2].payload), b"late")


def test_non_confirmable():
    client, server = pair()
    seen = talk(client, server, client.ask(server, b"text", type=coap.NON))
    equal([decoded(octets).type for _, octets in seen], [coap.NON, coap.NON])
    equal(client.events[0][0], coap.RESPONSE)


def test_uri_host_is_outside_all_else_inside():
    client, server = pair()
    options = [(coap.URI_HOST, b"server.example"), (coap.URI_PORT, b"\x10"), (coap.CONTENT_FORMAT, b"\x32")]
    options += coap.path_options("/msgin5g") + [(coap.ACCEPT, b"\x32")]
    seen = talk(client, server, client.ask(server, b"{}", options=options))
    outside = [number for number, _ in decoded(seen[0][1]).options]
    equal(sorted(outside), [coap.URI_HOST, coap.URI_PORT, coap.OSCORE])
    equal(sorted(server.got[0].options), sorted(options))


def test_both_ends_ask():
    client, server = pair()
    talk(client, server, client.ask(server, b"one"))
    talk(server, client, server.ask(client, b"two"))
    equal(bytes(client.got[0].payload), b"two")
    equal(server.events[0][0], coap.RESPONSE)


def test_blocks_are_inside():
    client, server = pair()
    body = bytes(range(256)) * 2
    (first,) = client.ask(
        server, code=coap.GET, options=coap.path_options("/large") + [(coap.BLOCK2, b"\x02")]
    )
    equal([n for n, _ in decoded(first).options], [coap.OSCORE])
    waiting = [first]
    while waiting:
        out = server.take(waiting.pop(0), CLIENT, answer=coap.CONTENT, payload=body)
        for octets, _ in out:
            waiting += [again for again, _ in client.take(octets, SERVER)]
    equal(len(server.got), 8)  # 512 octets in parts of 64
    kind, _, response = client.events[0]
    equal((kind, bytes(response.payload)), (coap.RESPONSE, body))


def test_body_in_blocks_from_the_peer():
    client, server = pair()
    body = bytes(range(100))
    options = coap.path_options("/msgin5g") + [(coap.BLOCK1, b"\x02")]
    seen = talk(client, server, client.ask(server, Seekable(body), options=options))
    # outside, whatever it is inside: POST and 2.04 with nothing but OSCORE
    equal([decoded(octets).code for _, octets in seen], [coap.POST, coap.CHANGED] * 2)
    equal({number for _, octets in seen for number, _ in decoded(octets).options}, {coap.OSCORE})
    equal([event[2].code for event in client.events], [coap.CHANGED])
    equal([bytes(each.payload) for each in server.got], [body])


def test_blocks_fit_a_datagram_when_protected():
    # 1024 octets, 10 options of 10: in the clear they fit 1152, protected they do not, so the blocks are smaller
    for count in (1, 10):
        client, server = pair()
        body = bytes(range(250)) * 10
        options = [(coap.URI_PATH, b"1234567890")] * count
        seen = talk(client, server, client.ask(server, body, options=options))
        assert max([len(octets) for _, octets in seen]) <= 1152
        equal(len(seen) // 2, 3 if count == 1 else 5)
        equal([bytes(each.payload) for each in server.got], [body])


def test_unknown_critical_option_inside_is_refused_protected():
    client, server = pair()
    seen = talk(client, server, client.ask(server, options=[(9001, b"x")]))
    equal(decoded(seen[1][1]).code, coap.CHANGED)
    equal(client.events[0][2].code, coap.BAD_OPTION)
    equal(server.got, [])


def test_too_large_when_protected():
    client, server = pair()
    room = 1152 - 4 - 4 - 4 - 1 - 1 - 8 - 1 - 8  # header, token, option, marker, code, path, marker, tag
    client.ask(server, bytes(room))
    try:
        client.ask(server, bytes(room + 1), alone=True)
    except coap.MessageError:
        pass
    else:
        raise AssertionError("longer than max_datagram")


def test_no_response_is_inner():
    # RFC 8613 section 4.1.3.6: the server heeds the inner option alone, and an outer one is not there
    for kind, seen_back in ((coap.NON, []), (coap.CON, [b"\x60\x00"])):
        client, server = pair()
        options = coap.path_options("/a") + [(coap.NO_RESPONSE, b"\x1a")]
        seen = talk(client, server, client.ask(server, b"1", options=options, type=kind))
        equal([number for number, _ in decoded(seen[0][1]).options], [coap.OSCORE])
        equal([datagram[:2] for way, datagram in seen if way == "in"], seen_back)
        equal(len(server.got), 1)
        client.endpoint.poll(0)
        ended, _, response = client.endpoint.next_event()
        equal((ended, response), (coap.RESPONSE, None))


def test_a_request_to_many_is_not_protected():
    client, _ = pair()
    request = coap.Message(coap.GET, type=coap.NON)
    raises(coap.MessageError, lambda: client.endpoint.request(request, SERVER, 0, many=5000))
    equal((client.out(), client.events), ([], []))


def test_a_request_to_many_goes_where_it_may_be_plain():
    group = ("224.0.1.187", 5683)
    ends = []
    for ids in ((b"\x01", b""), (b"", b"\x01")):
        ends.append(coap.Endpoint(security=Keyring([context(*ids)], plain=("/.well-known/core",))))
    client, server = ends
    options = coap.path_options("/.well-known/core")
    exchange = client.request(coap.Message(coap.GET, b"", options, coap.NON), group, 0, many=6000)
    datagram, _ = client.outgoing()
    server.receive(datagram, CLIENT, 0, 5000)
    _, incoming, request = server.next_event()
    equal((request.options, incoming.binding), (options, None))
    server.respond(incoming, coap.Message(coap.CONTENT, b"</a>"), 0)
    ((tick, answer),) = run(server, 5000)
    client.receive(answer, SERVER, tick)
    kind, ended, response = client.next_event()
    equal((kind, ended, response.peer, bytes(response.payload)), (coap.RESPONSE, exchange, SERVER, b"</a>"))
    # what is not plain is neither asked so nor let in
    raises(ValueError, lambda: client.request(coap.Message(coap.GET, type=coap.NON), group, 0, many=6000))
    server.receive(coap.encode(coap.Message(coap.GET, mid=9), coap.NON, 9, b"\xaa"), CLIENT, 0, 5000)
    equal((server.next_event(), server.outgoing()), (None, None))
