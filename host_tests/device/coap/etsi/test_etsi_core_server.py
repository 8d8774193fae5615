# SPDX-License-Identifier: MIT
"""The CoAP plugtest list (ETSI, TD_COAP_CORE_*) with our endpoint as server, octet by octet, and what of it wants loss
between two endpoints.

What the other side says is written by hand here; `host_tests/interop` has the same list against aiocoap. b4 "test" is
Uri-Path "test" (11 << 4 | 4).
"""

import coap
from coap.endpoint import conditions
from coap_scene import OTHER, PEER, answer, endpoint, events, octets, one_event, respond, run, sent
from common import equal

TEST = "b4" + b"test".hex()
SEPARATE = "b8" + b"separate".hex()
TEXT = "c0 ff" + b"text".hex()  # Content-Format 0 (12, no octet) and payload
PLAIN = [(coap.CONTENT_FORMAT, b"")]


def server(request, response, code=coap.CONTENT, payload=b"", options=(), later=0):
    """The request comes in and is answered, after a while, with these octets."""
    device = endpoint()
    equal(answer(device, request), [])
    equal(run(device, later), [])
    respond(device, code, payload, later, options)
    equal(sent(device), [octets(response)])
    equal(device.next_deadline(), None)
    return device


def test_td_coap_core_01_server():
    server("41 01 1234 bb" + TEST, "61 45 1234 bb" + TEXT, payload=b"text", options=PLAIN)


def test_td_coap_core_02_server():
    server("41 04 1234 bb" + TEST, "61 42 1234 bb", coap.DELETED)


def test_td_coap_core_03_server():
    for code, reply in ((coap.CHANGED, "44"), (coap.CREATED, "41")):
        server("41 03 1234 bb" + TEST + "10 ff 31", "61 " + reply + " 1234 bb", code)


def test_td_coap_core_04_server():
    server("41 02 1234 bb" + TEST + "ff 31", "61 44 1234 bb", coap.CHANGED)


def test_td_coap_core_05_server():
    server("51 01 1234 bb" + TEST, "51 45 0001 bb" + TEXT, payload=b"text", options=PLAIN)


def test_td_coap_core_06_server():
    server("51 04 1234 bb" + TEST, "51 42 0001 bb", coap.DELETED)


def test_td_coap_core_07_server():
    for code, reply in ((coap.CHANGED, "44"), (coap.CREATED, "41")):
        server("51 03 1234 bb" + TEST + "10 ff 31", "51 " + reply + " 0001 bb", code)


def test_td_coap_core_08_server():
    server("51 02 1234 bb" + TEST + "ff 31", "51 44 0001 bb", coap.CHANGED)


def separate(token=b"\xbb"):
    """An empty ACK, and after 2 s the response in a CON of its own, which the client acknowledges."""
    device = endpoint()
    size = len(token)
    equal(answer(device, "4%d 01 1234 %s %s" % (size, token.hex(), SEPARATE)), [])
    equal(run(device, 2000), [(250, octets("60 00 1234"))])
    respond(device, payload=b"text", now=2000, options=PLAIN)
    equal(sent(device), [octets("4%d 45 0001 %s %s" % (size, token.hex(), TEXT))])
    equal(answer(device, "60 00 0001", 2100), [])
    equal(device.next_deadline(), None)


def test_td_coap_core_09_server():
    separate()


def test_td_coap_core_10_server():
    for size in range(1, 9):
        token = octets("0102030405060708")[:size].hex()
        server("4%d 01 1234 %s %s" % (size, token, TEST), "6%d 45 1234 %s" % (size, token))


def test_td_coap_core_11_server():
    for size in range(1, 9):
        separate(octets("0102030405060708")[:size])


def test_td_coap_core_12_server():
    server("40 01 1234" + TEST, "60 45 1234" + TEXT, payload=b"text", options=PLAIN)


def test_td_coap_core_13_server():
    device = endpoint()
    answer(device, "41 01 1234 bb b4" + b"seg1".hex() + "04" + b"seg2".hex() + "04" + b"seg3".hex())
    equal(one_event(device)[2].path, "/seg1/seg2/seg3")


def test_td_coap_core_14_server():
    device = endpoint()
    query = "47" + b"first=1".hex() + "08" + b"second=2".hex()
    equal(answer(device, "41 01 1234 bb b5" + b"query".hex() + query), [])
    _, incoming, request = one_event(device)
    found = [value for number, value in request.options if number == coap.URI_QUERY]
    equal(found, [b"first=1", b"second=2"])
    device.respond(incoming, coap.Message(coap.CONTENT, b"text", PLAIN), 0)
    equal(sent(device), [octets("61 45 1234 bb" + TEXT)])


def test_td_coap_core_15_server():
    # the response is lost: the same request gets the same octets, and runs once
    device = server("41 01 1234 bb" + TEST, "61 45 1234 bb" + TEXT, payload=b"text", options=PLAIN)
    equal(answer(device, "41 01 1234 bb" + TEST, 2000), [octets("61 45 1234 bb" + TEXT)])
    equal(events(device), [])


def test_td_coap_core_16_server():
    request = "41 01 1234 bb" + SEPARATE
    acknowledgement = octets("60 00 1234")
    response = octets("41 45 0001 bb" + TEXT)

    def separate(lost_ack=False):
        device = endpoint()
        equal(answer(device, request), [])
        equal(run(device, 250), [(250, acknowledgement)])
        if lost_ack:
            equal(answer(device, request, 2000), [acknowledgement])
        respond(device, payload=b"text", now=3000, options=PLAIN)
        equal(sent(device), [response])
        return device

    # 1 the request is lost: nothing to see here. 2 the ACK is lost: it is sent again, the request runs once
    device = separate(True)
    equal(answer(device, "60 00 0001", 3100), [])
    equal(device.next_deadline(), None)
    # 3 the response is lost: it goes out again until it is acknowledged
    device = separate()
    equal(run(device, 9000), [(5000, response), (9000, response)])
    equal(answer(device, "60 00 0001", 9100), [])
    equal(device.next_deadline(), None)
    # 4 the ACK of the response is lost: the same to the server; the late ACKs of both copies are harmless
    device = separate()
    equal(run(device, 5000), [(5000, response)])
    equal(answer(device, "60 00 0001", 5100), [])
    equal(answer(device, "60 00 0001", 5200), [])
    equal(device.next_deadline(), None)
    equal(events(device), [])


def test_td_coap_core_17_server():
    # NON: no ACK, however long it takes
    server("51 01 1234 bb" + SEPARATE, "51 45 0001 bb" + TEXT, payload=b"text", options=PLAIN, later=20000)


def test_td_coap_core_18_server():
    places = (b"location1", b"location2", b"location3")
    server(
        "41 02 1234 bb" + TEST + "10 ff 31",
        "61 41 1234 bb 89 %s 09 %s 09 %s" % tuple([each.hex() for each in places]),
        coap.CREATED,
        options=[(coap.LOCATION_PATH, each) for each in places],
    )


def test_td_coap_core_19_server():
    server(
        "41 02 1234 bb bd 01" + b"location-query".hex() + "10 ff 31",
        "61 41 1234 bb d7 07" + b"first=1".hex() + "08" + b"second=2".hex(),
        coap.CREATED,
        options=[(coap.LOCATION_QUERY, b"first=1"), (coap.LOCATION_QUERY, b"second=2")],
    )


def serve(device, request, resource, now=0):
    """What answers a request, where `resource` is {"etag": octets or None, "payload": octets}."""
    equal(answer(device, request, now), [])
    _, incoming, message = one_event(device)
    code = conditions.unmet(message, resource["etag"])
    options, payload = [], b""
    if code is None and message.code == coap.PUT:
        code = coap.CREATED if resource["etag"] is None else coap.CHANGED
        resource["payload"] = bytes(message.payload)
        resource["etag"] = bytes((resource["etag"][0] + 1,)) if resource["etag"] else b"\x01"
    elif code is None:
        code, payload = coap.CONTENT, resource["payload"]
    if coap.is_success(code) and message.code == coap.GET:
        options = [(coap.ETAG, resource["etag"])]
    device.respond(incoming, coap.Message(code, payload, options), now)
    (out,) = sent(device)
    return out


def conditional():
    device = endpoint()
    device.understands = conditions.OPTIONS
    return device


def test_td_coap_core_20_server():
    # Accept (17 - 11 is a delta of 6) 0, then 41: application/xml
    device = endpoint()
    path = "bc" + b"multi-format".hex()
    for mid, accept, reply in (
        (1, "60", "c0 ff" + b"text".hex()),
        (2, "61 29", "c1 29 ff" + b"<xml/>".hex()),
    ):
        equal(answer(device, "41 01 120%d bb" % mid + path + accept), [])
        _, incoming, request = one_event(device)
        wanted = request.uint(coap.ACCEPT)
        payload = {0: b"text", 41: b"<xml/>"}[wanted]
        options = [(coap.CONTENT_FORMAT, coap.uint_octets(wanted))]
        device.respond(incoming, coap.Message(coap.CONTENT, payload, options), 0)
        equal(sent(device), [octets("61 45 120%d bb" % mid + reply)])


VALIDATE = b"validate".hex()


def test_td_coap_core_21_server():
    # the ETag of the first response comes with the next request: 2.03, and 2.05 once the resource has changed
    device, resource = conditional(), {"etag": b"\x01", "payload": b"1"}
    equal(serve(device, "41 01 1201 bb b8" + VALIDATE, resource), octets("61 45 1201 bb 41 01 ff 31"))
    again = "bb 41 01 78" + VALIDATE
    equal(serve(device, "41 01 1202" + again, resource), octets("61 43 1202 bb 41 01"))
    equal(serve(device, "41 03 1203 bb b8" + VALIDATE + "ff 32", resource), octets("61 44 1203 bb"))
    equal(serve(device, "41 01 1204" + again, resource), octets("61 45 1204 bb 41 02 ff 32"))


def test_td_coap_core_22_server():
    # If-Match with the current ETag: 2.04, and 4.12 once another client has changed it
    device, resource = conditional(), {"etag": b"\x01", "payload": b"1"}
    put = "41 03 120%d bb %s" + VALIDATE + "ff 3%d"
    equal(serve(device, put % (1, "11 01 a8", 2), resource), octets("61 44 1201 bb"))
    equal(serve(device, "41 01 1202 bb b8" + VALIDATE, resource), octets("61 45 1202 bb 41 02 ff 32"))
    equal(serve(device, put % (3, "b8", 3), resource), octets("61 44 1203 bb"))
    equal(serve(device, put % (4, "11 02 a8", 4), resource), octets("61 8c 1204 bb"))
    equal(resource["payload"], b"3")


def test_td_coap_core_23_server():
    # If-None-Match: 2.01, and 4.12 once it is there
    device, resource = conditional(), {"etag": None, "payload": b""}
    put = "41 03 120%d bb 50 67" + b"create1".hex() + "ff 3%d"
    equal(serve(device, put % (1, 1), resource), octets("61 41 1201 bb"))
    equal(serve(device, put % (2, 2), resource), octets("61 8c 1202 bb"))
    equal(resource["payload"], b"1")


def test_td_coap_core_31_server():
    device = endpoint()
    equal(answer(device, "40 00 1234"), [octets("70 00 1234")])
    equal(events(device), [])


def play(separate, lost):
    """Two endpoints and a link of 50 ms that loses the messages with these numbers; gives how many were sent."""
    ends = {PEER: endpoint(b"\x10\x00"), OTHER: endpoint(b"\x20\x00")}  # `OTHER` serves
    exchange = ends[PEER].request(coap.Message(coap.GET), OTHER, 0)
    count = handled = 0
    responses = []
    on_air = []  # (tick, from, to, octets)
    waiting = []  # (tick, incoming)
    now = 0
    while True:
        for here in ends:
            while True:
                item = ends[here].outgoing()
                if item is None:
                    break
                if count not in lost:
                    on_air.append((now + 50, here, item[1], item[0]))
                count += 1
        ticks = [each[0] for each in on_air + waiting]
        ticks += [end.next_deadline() for end in ends.values() if end.next_deadline() is not None]
        if not ticks:
            break
        now = min(ticks)
        for each in [each for each in on_air if each[0] == now]:
            on_air.remove(each)
            ends[each[2]].receive(each[3], each[1], now)
        for each in [each for each in waiting if each[0] == now]:
            waiting.remove(each)
            ends[OTHER].respond(each[1], coap.Message(coap.CONTENT, b"text"), now)
        for end in ends.values():
            end.poll(now)
        for _, incoming, _ in events(ends[OTHER]):
            handled += 1
            waiting.append((now + (1000 if separate else 0), incoming))
        responses += events(ends[PEER])
    equal(handled, 1)
    equal([(kind, same is exchange) for kind, same, _ in responses], [(coap.RESPONSE, True)])
    return count


def test_td_coap_core_15_device_against_device():
    # two messages; with any one or two of the first lost, the request runs once and its response comes once
    equal(play(False, ()), 2)
    for first in range(4):
        equal(play(False, (first,)), {0: 3, 1: 4}.get(first, 2))
        for second in range(first + 1, 6):
            play(False, (first, second))


def test_td_coap_core_16_device_against_device():
    # four messages: request, ACK, response, ACK
    equal(play(True, ()), 4)
    for first in range(8):
        play(True, (first,))
        for second in range(first + 1, 8):
            play(True, (first, second))
