# SPDX-License-Identifier: MIT
"""A Message belongs to who made it: to send it changes nothing in it, so one may serve for many requests, and one that
never changes may answer all."""

import coap
from coap.observe import observe
from coap_scene import OTHER, PEER, endpoint, events, octets, one_event, sent
from common import equal, raises
from oscore_scene import pair


def look(message):
    """All that can be seen of a Message."""
    options = [(number, bytes(value)) for number, value in message.options]
    return message.type, message.code, message.mid, message.token, options, bytes(message.payload)


def test_one_message_for_two_requests():
    device = endpoint()
    message = coap.Message(coap.GET, options=coap.path_options("/a"))
    before = look(message)
    first = device.request(message, PEER, 0)
    second = device.request(message, OTHER, 0)
    third = device.request(message, PEER, 0)
    equal(look(message), before)
    equal(len({exchange.token for exchange in (first, second, third)}), 3)
    equal(len({exchange.mid for exchange in (first, second, third)}), 3)
    equal(sent(device), [octets("44 01 0001 00000001 b1 61"), octets("44 01 0002 00000002 b1 61")])
    # each gets what is its own: the token 2 is that of the second
    device.receive(octets("64 45 0002 00000002 ff 32"), OTHER, 0)
    kind, exchange, response = one_event(device)
    equal((kind, exchange is second, bytes(response.payload)), (coap.RESPONSE, True, b"2"))


def test_a_constant_message_may_have_constant_options():
    device = endpoint()
    device.request(coap.Message(coap.GET, options=((coap.URI_PATH, b"a"),)), PEER, 0)
    equal(sent(device), [octets("44 01 0001 00000001 b1 61")])


def serve(device, response, request, now=0):
    device.receive(octets(request), PEER, now)
    _, incoming, _ = one_event(device)
    device.respond(incoming, response, now)
    return sent(device)


def test_a_constant_response():
    device = endpoint()
    response = coap.Message(coap.CONTENT, b"1", ((coap.CONTENT_FORMAT, b""),))
    before = look(response)
    equal(serve(device, response, "41 01 1234 aa"), [octets("61 45 1234 aa c0 ff 31")])
    equal(serve(device, response, "51 01 1235 bb"), [octets("51 45 0001 bb c0 ff 31")])
    # separate: acknowledged after 250 ms
    device.receive(octets("41 01 1236 cc"), PEER, 0)
    _, incoming, _ = one_event(device)
    device.poll(250)
    device.respond(incoming, response, 300)
    equal(sent(device), [octets("60 00 1236"), octets("41 45 0002 cc c0 ff 31")])
    equal(look(response), before)


def test_a_constant_response_in_blocks():
    # Block2 asked for as 0/0/32 (01), 1/0/32 (11), behind the end (31), whole again. 4.00 = 80
    device = endpoint()
    response = coap.Message(coap.CONTENT, b"a" * 32 + b"bb")
    before = look(response)
    # ETag 4: how the SHA-256 of it begins
    tag = "44" + "2227403e" + "d1 06"
    equal(serve(device, response, "40 01 0001 d1 0a 01"), [octets("60 45 0001" + tag + "09 ff") + b"a" * 32])
    equal(serve(device, response, "40 01 0002 d1 0a 11"), [octets("60 45 0002" + tag + "11 ff") + b"bb"])
    equal(serve(device, response, "40 01 0003 d1 0a 31")[0][:2], octets("60 80"))
    equal(serve(device, response, "40 01 0004"), [octets("60 45 0004 ff") + b"a" * 32 + b"bb"])
    equal(look(response), before)


def test_what_is_no_request_is_not_sent():
    # section 12.1.1: methods are 0.01 to 0.31; section 4: a request is confirmable or not
    device = endpoint()
    for message, named in (
        (coap.Message(coap.CONTENT), "2.05"),
        (coap.Message(404), "12.20"),
        (coap.Message(-1), "code"),
        (coap.Message(coap.GET, type=coap.ACK), "type 2"),
        (coap.Message(coap.GET, type=5), "type 5"),
    ):
        assert named in str(raises(coap.MessageError, device.request, message, PEER, 0))
    equal((sent(device), device.next_deadline()), ([], None))


def test_what_is_no_response_is_not_sent():
    # section 12.1.2: responses are 2.00 to 5.31; the request stays open
    device = endpoint()
    device.receive(octets("41 01 1234 aa"), PEER, 0)
    _, incoming, _ = one_event(device)
    for code, named in ((coap.EMPTY, "0.00"), (coap.GET, "0.01"), (33, "1.01"), (404, "12.20"), (-1, "code")):
        assert named in str(raises(coap.MessageError, device.respond, incoming, coap.Message(code), 0))
    equal(sent(device), [])
    device.respond(incoming, coap.Message(coap.CONTENT), 0)
    equal(sent(device), [octets("61 45 1234 aa")])


def test_an_option_whose_number_is_none_is_not_sent():
    device = endpoint()
    for number in (-1, -65536, 65536):
        for options in ([(number, b"1")], [(coap.URI_PATH, b"a"), (number, b"1")]):
            error = raises(coap.MessageError, device.request, coap.Message(coap.GET, b"", options), PEER, 0)
            assert str(number) in str(error)
    equal((sent(device), device.next_deadline()), ([], None))


def test_one_message_for_an_observation_again_and_again():
    device = endpoint()
    message = coap.Message(coap.GET, options=coap.path_options("/a"))
    before = look(message)
    observation = observe(device, message, PEER, 0)
    sent(device)
    for _ in range(2):
        device.cancel(observation.exchange, 0)
        observation.register(message, 0)
        # one Observe of no octet: 60 before the path 51
        equal(sent(device)[0][8:], octets("60 51 61"))
    device.cancel(observation.exchange, 0)
    observation.cancel(message, 0)
    equal(sent(device)[0][8:], octets("61 01 51 61"))
    equal(look(message), before)


def test_under_oscore_too():
    client, server = pair()
    message = coap.Message(coap.POST, b"1", coap.path_options("/a"))
    response = coap.Message(coap.CONTENT, b"2", [(coap.CONTENT_FORMAT, b"")])
    before = look(message), look(response)
    tokens = set()
    for _ in range(2):
        exchange = client.endpoint.request(message, "server", 0)
        tokens.add(exchange.token)
        ((datagram, _),) = client.out()
        server.endpoint.receive(datagram, "client", 0)
        server.endpoint.respond(one_event(server.endpoint)[1], response, 0)
        ((answer, _),) = server.out()
        client.endpoint.receive(answer, "server", 0)
        kind, same, got = one_event(client.endpoint)
        equal((kind, same is exchange, bytes(got.payload)), (coap.RESPONSE, True, b"2"))
    equal((look(message), look(response)), before)
    equal(len(tokens), 2)
    equal(events(client.endpoint), [])
