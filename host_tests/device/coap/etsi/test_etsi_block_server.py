# SPDX-License-Identifier: MIT
"""The CoAP plugtest list (ETSI, TD_COAP_BLOCK_*) with our endpoint as server, octet by octet, and with the loss of each
datagram.

What the client says is written by hand here; `host_tests/interop` has the same list against aiocoap. Block2 is 23 and
Block1 27; behind Uri-Path 11 they are c1 (delta 12) and d1 03 (delta 16 = 13 + 3). Exponent 2 is 64 octets, 0 is 16.
A response in several blocks has ETag 4, which begins the SHA-256 of the whole; Block2 behind it is d1 06 (delta 19).
"""

from hashlib import sha256

import coap
from coap_scene import PEER, answer, endpoint, events, octets, one_event, respond, sent
from common import equal

LARGE = "b5" + b"large".hex()
UPDATE = "bc" + b"large-update".hex()
CREATE = "bc" + b"large-create".hex()
POST = "ba" + b"large-post".hex()
BODY = bytes([32 + i % 90 for i in range(150)])  # 64 + 64 + 22
TAG = "44" + sha256(BODY).digest()[:4].hex()


def got(device, request, response, body=BODY, code=coap.CONTENT):
    """A GET, or the last block of a request: its handler runs, and this goes out."""
    equal(answer(device, request), [])
    respond(device, code, body)
    equal(sent(device), [octets(response)])


def part(number, size=64):
    return "ff" + BODY[number * size : (number + 1) * size].hex()


def test_td_coap_block_01_server():
    # early negotiation: Block2 0/0/64 = 02 in the first request; 0/1/64 = 0a, 1/1/64 = 1a, 2/0/64 = 22
    device = endpoint()
    for mid, asked, given in ((0, "02", "0a"), (1, "12", "1a"), (2, "22", "22")):
        got(
            device,
            "41 01 123%d bb %s c1 %s" % (mid, LARGE, asked),
            "61 45 123%d bb %s d1 06 %s %s" % (mid, TAG, given, part(mid)),
        )
    equal((device.next_deadline(), device.bodies), (None, []))


def test_td_coap_block_02_server():
    # late negotiation: the server turns to blocks of 1024 (0/1/1024 = 0e), the client to 64: octet 1024 is block 16
    device = endpoint()
    body = BODY * 8  # 1200 octets
    tag = "44" + sha256(body).digest()[:4].hex()
    got(
        device,
        "41 01 1234 bb " + LARGE,
        "61 45 1234 bb %s d1 06 0e ff %s" % (tag, body[:1024].hex()),
        body,
    )
    for number, more in ((16, 1), (17, 1), (18, 0)):
        got(
            device,
            "41 01 12%02x bb %s c2 %04x" % (number, LARGE, number << 4 | 2),
            "61 45 12%02x bb %s d2 06 %04x ff %s"
            % (number, tag, number << 4 | more << 3 | 2, body[number * 64 : number * 64 + 64].hex()),
            body,
        )


def put(device, method, path, respond_with, final):
    """Three blocks, 2.31 (5f) for two of them: 0/1/64 = 0a, 1/1/64 = 1a, 2/0/64 = 22."""
    for mid, value in ((0, "0a"), (1, "1a")):
        equal(
            answer(device, "41 %s 123%d bb %s d1 03 %s %s" % (method, mid, path, value, part(mid))),
            [octets("61 5f 123%d bb d1 0e %s" % (mid, value))],
        )
        equal(events(device), [])
    equal(answer(device, "41 %s 1232 bb %s d1 03 22 %s" % (method, path, part(2))), [])
    kind, incoming, message = one_event(device)
    equal((kind, bytes(message.payload)), (coap.REQUEST, BODY))
    device.respond(incoming, respond_with, 0)
    equal(sent(device), [octets(final)])


def test_td_coap_block_03_server():
    device = endpoint()
    put(device, "03", UPDATE, coap.Message(coap.CHANGED), "61 44 1232 bb d1 0e 22")
    equal(device.bodies, [])


def test_td_coap_block_04_server():
    # 2.01 (41) with two Location-Path options (8): 8c, 01; Block1 behind them: delta 19 = 13 + 6
    location = [(coap.LOCATION_PATH, b"large-create"), (coap.LOCATION_PATH, b"1")]
    device = endpoint()
    put(
        device,
        "02",
        CREATE,
        coap.Message(coap.CREATED, b"", location),
        "61 41 1232 bb 8c " + b"large-create".hex() + "01 31 d1 06 22",
    )


def test_td_coap_block_05_server():
    # up in blocks of 64, down in blocks of 1024, then of 64: octet 1024 is block 16. Both options: Block2 23 (d1 0a),
    # Block1 behind it delta 4
    device = endpoint()
    back = BODY * 8
    put(
        device,
        "02",
        POST,
        coap.Message(coap.CHANGED, back),
        "61 44 1232 bb d1 0a 0e 41 22 ff" + back[:1024].hex(),
    )
    for number, more in ((16, 1), (17, 1), (18, 0)):
        equal(
            answer(device, "41 02 12%02x bb %s c2 %04x" % (number + 16, POST, number << 4 | 2)),
            [
                octets(
                    "61 44 12%02x bb d2 0a %04x ff %s"
                    % (number + 16, number << 4 | more << 3 | 2, back[number * 64 : number * 64 + 64].hex())
                )
            ],
        )
        equal(events(device), [])  # its handler ran once


def test_td_coap_block_06_server():
    # as 01, with blocks of 16 octets: 150 are nine, and 6. The value of 0/0/16 is no octet
    device = endpoint()
    for number in range(10):
        asked = "c0" if not number else "c1 %02x" % (number << 4)
        given = number << 4 | (number < 9) << 3
        got(
            device,
            "41 01 12%02x bb %s %s" % (number, LARGE, asked),
            "61 45 12%02x bb %s d1 06 %02x %s" % (number, TAG, given, part(number, 16)),
        )


def test_each_datagram_of_a_transfer_may_be_lost():
    """BLOCK_05 again, each datagram lost in turn: the client says the same after 2 s, and the handler runs once."""
    back = BODY * 8
    requests = []
    for mid, value in ((0, "0a"), (1, "1a"), (2, "22")):
        requests.append("41 02 123%d bb %s d1 03 %s %s" % (mid, POST, value, part(mid)))
    for number in (16, 17, 18):
        requests.append("41 02 12%02x bb %s c2 %04x" % (number + 16, POST, number << 4 | 2))
    usual = None
    for lost in [None] + list(range(2 * len(requests))):
        device = endpoint()
        heard, ran, count, now = [], 0, 0, 0
        for text in requests:
            reply = []
            while not reply:
                arrives = count != lost
                count += 1
                if arrives:
                    device.receive(octets(text), PEER, now)
                    for _, incoming, message in events(device):
                        equal(bytes(message.payload), BODY)
                        device.respond(incoming, coap.Message(coap.CHANGED, back), now)
                        ran += 1
                    reply = sent(device)
                    equal(len(reply), 1)
                    if count == lost:
                        reply = []
                    count += 1
                now += 2000
            heard += reply
        usual = usual or heard
        equal((lost, ran, heard), (lost, 1, usual))
