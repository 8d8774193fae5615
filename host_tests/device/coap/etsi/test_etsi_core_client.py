# SPDX-License-Identifier: MIT
"""The CoAP plugtest list (ETSI, TD_COAP_CORE_*) with our endpoint as client, octet by octet.

What the other side says is written by hand here; `host_tests/interop` has the same list against aiocoap. Request 1 has
message ID 1 and token aa; b4 "test" is Uri-Path "test" (11 << 4 | 4).
"""

import coap
from coap_scene import PEER, answer, endpoint, octets, one_event, run, sent
from common import equal

TEST = "b4" + b"test".hex()
SEPARATE = "b8" + b"separate".hex()
TEXT = "c0 ff" + b"text".hex()  # Content-Format 0 (12, no octet) and payload


def client(code, expected, path="/test", payload=b"", type=coap.CON, token=b"\xaa", options=()):
    """Sends the request; it must be these octets."""
    device = endpoint()
    message = coap.Message(code, payload, coap.path_options(path) + list(options), type, token=token)
    device.request(message, PEER, 0)
    equal(sent(device), [octets(expected)])
    return device


def done(device, code, payload=b""):
    """The response has come, once, and nothing is left to do. Returns its options."""
    kind, _, message = one_event(device)
    equal((kind, coap.code_text(message.code), bytes(message.payload)), (coap.RESPONSE, code, payload))
    equal(sent(device), [])
    equal(device.next_deadline(), None)
    return message.options


def test_td_coap_core_01_client():
    # GET, CON: 2.05 piggybacked with the same message ID and token
    device = client(coap.GET, "41 01 0001 aa" + TEST)
    equal(answer(device, "61 45 0001 aa" + TEXT), [])
    done(device, "2.05", b"text")


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


def test_td_coap_core_05_client():
    # GET, NON: the reply is NON with a message ID of its own and the same token
    device = client(coap.GET, "51 01 0001 aa" + TEST, type=coap.NON)
    equal(answer(device, "51 45 7001 aa" + TEXT), [])
    done(device, "2.05", b"text")


def test_td_coap_core_06_client():
    # DELETE, NON
    device = client(coap.DELETE, "51 04 0001 aa" + TEST, type=coap.NON)
    equal(answer(device, "51 42 7001 aa"), [])
    done(device, "2.02")


def test_td_coap_core_07_client():
    # PUT, NON: 2.04 or 2.01
    for code, text in (("44", "2.04"), ("41", "2.01")):
        device = client(
            coap.PUT,
            "51 03 0001 aa" + TEST + "10 ff 31",
            payload=b"1",
            type=coap.NON,
            options=[(coap.CONTENT_FORMAT, b"")],
        )
        equal(answer(device, "51 " + code + " 7001 aa"), [])
        done(device, text)


def test_td_coap_core_08_client():
    # POST, NON
    device = client(coap.POST, "51 02 0001 aa" + TEST + "ff 31", payload=b"1", type=coap.NON)
    equal(answer(device, "51 44 7001 aa"), [])
    done(device, "2.04")


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


def test_td_coap_core_13_client():
    # several Uri-Path options: b4 seg1, then 04 (delta 0) twice
    path = "b4" + b"seg1".hex() + "04" + b"seg2".hex() + "04" + b"seg3".hex()
    device = client(coap.GET, "41 01 0001 aa" + path, "/seg1/seg2/seg3")
    equal(answer(device, "61 45 0001 aa" + TEXT), [])
    done(device, "2.05", b"text")


def test_td_coap_core_14_client():
    # several Uri-Query options: 15 - 11 is a delta of 4, then 0
    query = "47" + b"first=1".hex() + "08" + b"second=2".hex() + "07" + b"third=3".hex()
    queries = [(coap.URI_QUERY, each) for each in (b"first=1", b"second=2", b"third=3")]
    device = client(coap.GET, "41 01 0001 aa b5" + b"query".hex() + query, "/query", options=queries)
    equal(answer(device, "61 45 0001 aa" + TEXT), [])
    done(device, "2.05", b"text")


def test_td_coap_core_15_client():
    # lossy, piggybacked. The request is lost, or the response is: to the client both are silence, so it sends the
    # same octets again
    device = client(coap.GET, "41 01 0001 aa" + TEST)
    equal(run(device, 2000), [(2000, octets("41 01 0001 aa" + TEST))])
    equal(answer(device, "61 45 0001 aa" + TEXT, 2100), [])
    done(device, "2.05", b"text")


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


def test_td_coap_core_17_client():
    # NON, and the response takes its time: nothing is repeated and nothing acknowledged
    device = client(coap.GET, "51 01 0001 aa" + SEPARATE, "/separate", type=coap.NON)
    equal(run(device, 20000), [])
    equal(answer(device, "51 45 7001 aa" + TEXT, 20000), [])
    done(device, "2.05", b"text")


def test_td_coap_core_17_client_asked_with_con():
    # a separate response in NON: no ACK
    device = client(coap.GET, "41 01 0001 aa" + SEPARATE, "/separate")
    equal(answer(device, "60 00 0001"), [])
    equal(answer(device, "51 45 7001 aa" + TEXT, 3000), [])
    done(device, "2.05", b"text")


def test_td_coap_core_18_client():
    # 2.01 with Location-Path (8) three times
    device = client(coap.POST, "41 02 0001 aa" + TEST + "ff 31", payload=b"1")
    places = (b"location1", b"location2", b"location3")
    equal(answer(device, "61 41 0001 aa 89 %s 09 %s 09 %s" % tuple([each.hex() for each in places])), [])
    equal(done(device, "2.01"), [(coap.LOCATION_PATH, each) for each in places])


def test_td_coap_core_19_client():
    # 2.01 with Location-Query (20: d and 7 more than 13) twice
    device = client(
        coap.POST, "41 02 0001 aa bd 01" + b"location-query".hex() + "ff 31", "/location-query", b"1"
    )
    query = "d7 07" + b"first=1".hex() + "08" + b"second=2".hex()
    equal(answer(device, "61 41 0001 aa" + query), [])
    equal(done(device, "2.01"), [(coap.LOCATION_QUERY, b"first=1"), (coap.LOCATION_QUERY, b"second=2")])


def test_td_coap_core_20_client():
    # Accept (17 - 11 is a delta of 6) 0, then 41: application/xml
    path = "bc" + b"multi-format".hex()
    for accept, expected, reply, payload in (
        (b"", "60", "c0", b"text"),
        (b"\x29", "61 29", "c1 29", b"<xml/>"),
    ):
        options = [(coap.ACCEPT, accept)]
        device = client(coap.GET, "41 01 0001 aa" + path + expected, "/multi-format", options=options)
        equal(answer(device, "61 45 0001 aa" + reply + "ff" + payload.hex()), [])
        equal(done(device, "2.05", payload), [(coap.CONTENT_FORMAT, accept)])


VALIDATE = b"validate".hex()
ONE, TWO = [(coap.ETAG, b"\x01")], [(coap.ETAG, b"\x02")]


def test_td_coap_core_21_client():
    # ETag (4) of the first response is sent with the next request: 2.03 without payload, then 2.05 with another ETag
    device = client(coap.GET, "41 01 0001 aa b8" + VALIDATE, "/validate")
    equal(answer(device, "61 45 0001 aa 41 01 ff 31"), [])
    equal(done(device, "2.05", b"1"), ONE)
    device = client(coap.GET, "41 01 0001 aa 41 01 78" + VALIDATE, "/validate", options=ONE)
    equal(answer(device, "61 43 0001 aa 41 01"), [])
    equal(done(device, "2.03"), ONE)
    device = client(coap.GET, "41 01 0001 aa 41 01 78" + VALIDATE, "/validate", options=ONE)
    equal(answer(device, "61 45 0001 aa 41 02 ff 32"), [])
    equal(done(device, "2.05", b"2"), TWO)


def test_td_coap_core_22_client():
    # If-Match (1) with the ETag that came: 2.04, and 4.12 once another client has changed the resource
    for etag, reply, code in (("01", "44", "2.04"), ("02", "8c", "4.12")):
        options = [(coap.IF_MATCH, octets(etag))]
        request = "41 03 0001 aa 11 " + etag + "a8" + VALIDATE + "ff 33"
        device = client(coap.PUT, request, "/validate", b"3", options=options)
        equal(answer(device, "61 " + reply + " 0001 aa"), [])
        done(device, code)


def test_td_coap_core_23_client():
    # If-None-Match (5), which is empty: 2.01, and 4.12 once it is there
    for reply, code in (("41", "2.01"), ("8c", "4.12")):
        request = "41 03 0001 aa 50 67" + b"create1".hex() + "ff 31"
        device = client(coap.PUT, request, "/create1", b"1", options=[(coap.IF_NONE_MATCH, b"")])
        equal(answer(device, "61 " + reply + " 0001 aa"), [])
        done(device, code)


def test_td_coap_core_31_client():
    # ping: four octets, answered with RST
    device = endpoint()
    exchange = device.ping(PEER, 0)
    equal(sent(device), [octets("40 00 0001")])
    equal(answer(device, "70 00 0001"), [])
    equal(one_event(device), (coap.RESET, exchange, None))
    equal(device.next_deadline(), None)
