# SPDX-License-Identifier: MIT
"""The CoAP plugtest list (ETSI, TD_COAP_CORE_*) with the device as client and as server, octet by octet.

What the other side says is written by hand here; `host_tests/interop` has the same list against aiocoap. Request 1 of
the device as client has message ID 1 and token aa; b4 "test" is Uri-Path "test" (11 << 4 | 4).
"""

import coap
from coap_scene import OTHER, PEER, answer, endpoint, events, octets, one_event, respond, run, sent
from common import equal

TEST = "b4" + b"test".hex()
SEPARATE = "b8" + b"separate".hex()
TEXT = "c0 ff" + b"text".hex()  # Content-Format 0 (12, no octet) and payload


def client(code, expected, path="/test", payload=b"", type=coap.CON, token=b"\xaa"):
    """Sends the request; it must be these octets."""
    device = endpoint()
    device.request(coap.Message(code, payload, coap.path_options(path), type, token=token), PEER, 0)
    equal(sent(device), [octets(expected)])
    return device


def done(device, code, payload=b""):
    """The response has come, once, and nothing is left to do."""
    kind, _, message = one_event(device)
    equal((kind, coap.code_text(message.code), bytes(message.payload)), (coap.RESPONSE, code, payload))
    equal(sent(device), [])
    equal(device.next_deadline(), None)


def server(request, response, code=coap.CONTENT, payload=b"", options=()):
    """The request comes in and is answered with these octets."""
    device = endpoint()
    equal(answer(device, request), [])
    respond(device, code, payload, options=options)
    equal(sent(device), [octets(response)])
    equal(device.next_deadline(), None)
    return device


PLAIN = [(coap.CONTENT_FORMAT, b"")]


def test_td_coap_core_01_client():
    # GET, CON: 2.05 piggybacked with the same message ID and token
    device = client(coap.GET, "41 01 0001 aa" + TEST)
    equal(answer(device, "61 45 0001 aa" + TEXT), [])
    done(device, "2.05", b"text")


def test_td_coap_core_01_server():
    server("41 01 1234 bb" + TEST, "61 45 1234 bb" + TEXT, payload=b"text", options=PLAIN)


def test_td_coap_core_02_client():
    # DELETE, CON: 2.02 = 42
    device = client(coap.DELETE, "41 04 0001 aa" + TEST)
    equal(answer(device, "61 42 0001 aa"), [])
    done(device, "2.02")


def test_td_coap_core_03_client():
    # PUT, CON: 2.04 = 44 or 2.01 = 41
    for code, text in (("44", "2.04"), ("41", "2.01")):
        device = client(coap.PUT, "41 03 0001 aa" + TEST + "ff 31", payload=b"1")
        equal(answer(device, "61 " + code + " 0001 aa"), [])
        done(device, text)


def test_td_coap_core_04_client():
    # POST, CON: 2.01 or 2.04
    for code, text in (("44", "2.04"), ("41", "2.01")):
        device = client(coap.POST, "41 02 0001 aa" + TEST + "ff 31", payload=b"1")
        equal(answer(device, "61 " + code + " 0001 aa"), [])
        done(device, text)


def test_td_coap_core_04_server():
    server("41 02 1234 bb" + TEST + "ff 31", "61 44 1234 bb", coap.CHANGED)


def test_td_coap_core_05_client():
    # GET, NON: the reply is NON with a message ID of its own and the same token
    device = client(coap.GET, "51 01 0001 aa" + TEST, type=coap.NON)
    equal(answer(device, "51 45 7001 aa" + TEXT), [])
    done(device, "2.05", b"text")


def test_td_coap_core_05_server():
    server("51 01 1234 bb" + TEST, "51 45 0001 bb" + TEXT, payload=b"text", options=PLAIN)


def test_td_coap_core_08_client():
    # POST, NON
    device = client(coap.POST, "51 02 0001 aa" + TEST + "ff 31", payload=b"1", type=coap.NON)
    equal(answer(device, "51 44 7001 aa"), [])
    done(device, "2.04")


def test_td_coap_core_08_server():
    server("51 02 1234 bb" + TEST + "ff 31", "51 44 0001 bb", coap.CHANGED)


def test_td_coap_core_09_client():
    # GET with a separate response: empty ACK, then CON 2.05, which is acknowledged
    device = client(coap.GET, "41 01 0001 aa" + SEPARATE, "/separate")
    equal(answer(device, "60 00 0001"), [])
    equal(answer(device, "41 45 7001 aa" + TEXT, 3000), [octets("60 00 7001")])
    done(device, "2.05", b"text")


def test_td_coap_core_09_client_other_order():
    # the response overtakes the ACK
    device = client(coap.GET, "41 01 0001 aa" + SEPARATE, "/separate")
    equal(answer(device, "41 45 7001 aa" + TEXT), [octets("60 00 7001")])
    equal(answer(device, "60 00 0001"), [])
    done(device, "2.05", b"text")


def test_td_coap_core_10_client():
    # tokens of 1 to 8 octets come back
    for size in range(1, 9):
        token = octets("0102030405060708")[:size]
        device = client(coap.GET, "4%d 01 0001 %s %s" % (size, token.hex(), TEST), token=token)
        equal(answer(device, "6%d 45 0001 %s %s" % (size, token.hex(), TEXT)), [])
        done(device, "2.05", b"text")


def test_td_coap_core_10_server():
    for size in range(1, 9):
        token = octets("0102030405060708")[:size].hex()
        server("4%d 01 1234 %s %s" % (size, token, TEST), "6%d 45 1234 %s" % (size, token))


def test_td_coap_core_11_client():
    # a token with a separate response
    device = client(coap.GET, "44 01 0001 01020304" + SEPARATE, "/separate", token=octets("01020304"))
    equal(answer(device, "60 00 0001"), [])
    equal(answer(device, "44 45 7001 01020304" + TEXT), [octets("60 00 7001")])
    done(device, "2.05", b"text")


def test_td_coap_core_12_client():
    # The list asks for an empty token. The device always puts one in (section 5.3.1 allows it), so here it is its own.
    device = client(coap.GET, "44 01 0001 00000001" + TEST, token=b"")
    equal(answer(device, "64 45 0001 00000001" + TEXT), [])
    done(device, "2.05", b"text")


def test_td_coap_core_12_server():
    server("40 01 1234" + TEST, "60 45 1234" + TEXT, payload=b"text", options=PLAIN)


def test_td_coap_core_13_client():
    # several Uri-Path options: b4 seg1, then 04 (delta 0) twice
    path = "b4" + b"seg1".hex() + "04" + b"seg2".hex() + "04" + b"seg3".hex()
    device = client(coap.GET, "41 01 0001 aa" + path, "/seg1/seg2/seg3")
    equal(answer(device, "61 45 0001 aa" + TEXT), [])
    done(device, "2.05", b"text")


def test_td_coap_core_13_server():
    device = endpoint()
    answer(device, "41 01 1234 bb b4" + b"seg1".hex() + "04" + b"seg2".hex() + "04" + b"seg3".hex())
    equal(one_event(device)[2].path, "/seg1/seg2/seg3")


def test_td_coap_core_15_client():
    # lossy, piggybacked. The request is lost, or the response is: to the client both are silence, so it sends the
    # same octets again
    device = client(coap.GET, "41 01 0001 aa" + TEST)
    equal(run(device, 2000), [(2000, octets("41 01 0001 aa" + TEST))])
    equal(answer(device, "61 45 0001 aa" + TEXT, 2100), [])
    done(device, "2.05", b"text")


def test_td_coap_core_15_server():
    # the response is lost: the same request gets the same octets, and runs once
    device = server("41 01 1234 bb" + TEST, "61 45 1234 bb" + TEXT, payload=b"text", options=PLAIN)
    equal(answer(device, "41 01 1234 bb" + TEST, 2000), [octets("61 45 1234 bb" + TEXT)])
    equal(events(device), [])


def separate_client():
    return client(coap.GET, "41 01 0001 aa" + SEPARATE, "/separate")


RESPONSE = "41 45 7001 aa" + TEXT
RESPONSE_ACK = octets("60 00 7001")


def test_td_coap_core_16_client():
    # lossy, separate: each of the four messages in turn
    request = octets("41 01 0001 aa" + SEPARATE)
    # 1 the request is lost: it goes out again
    device = separate_client()
    equal(run(device, 2000), [(2000, request)])
    equal(answer(device, "60 00 0001", 2100), [])
    equal(answer(device, RESPONSE, 4000), [RESPONSE_ACK])
    done(device, "2.05", b"text")
    # 2 the ACK is lost: the response stops the retransmissions
    device = separate_client()
    equal(run(device, 2000), [(2000, request)])
    equal(answer(device, RESPONSE, 3000), [RESPONSE_ACK])
    done(device, "2.05", b"text")
    equal(run(device, 100000), [])
    # 3 the response is lost: no request again, the server repeats its own message
    device = separate_client()
    equal(answer(device, "60 00 0001", 100), [])
    equal(run(device, 5000), [])
    equal(answer(device, RESPONSE, 5000), [RESPONSE_ACK])
    done(device, "2.05", b"text")
    # 4 the ACK of the response is lost: it is acknowledged again and delivered once
    device = separate_client()
    equal(answer(device, "60 00 0001", 100), [])
    equal(answer(device, RESPONSE, 3000), [RESPONSE_ACK])
    equal(answer(device, RESPONSE, 5000), [RESPONSE_ACK])
    done(device, "2.05", b"text")


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


def test_td_coap_core_17_client():
    # a separate response in NON: no ACK
    device = client(coap.GET, "41 01 0001 aa" + SEPARATE, "/separate")
    equal(answer(device, "60 00 0001"), [])
    equal(answer(device, "51 45 7001 aa" + TEXT, 3000), [])
    done(device, "2.05", b"text")


def test_td_coap_core_31_client():
    # ping: four octets, answered with RST
    device = endpoint()
    exchange = device.ping(PEER, 0)
    equal(sent(device), [octets("40 00 0001")])
    equal(answer(device, "70 00 0001"), [])
    equal(one_event(device), (coap.RESET, exchange, None))
    equal(device.next_deadline(), None)


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
