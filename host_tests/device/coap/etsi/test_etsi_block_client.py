# SPDX-License-Identifier: MIT
"""The CoAP plugtest list (ETSI, TD_COAP_BLOCK_*) with our endpoint as client, octet by octet.

What the server says is written by hand. Block2 is 23: behind Uri-Path 11 `c1 value`, alone in a response `d1 0a value`.
Block1 is 27: behind Uri-Path `d1 03 value`, alone `d1 0e value`; behind Location-Path 8 `d1 06 value`. The value is
number << 4 | more << 3 | SZX. Message IDs count from 1, and tokens too, the Request-Tag (292) of a body being one
before: `d4 db tag` behind Size1 (60, `d1 14 size`), `d4 fc tag` behind Block1.
"""

import coap
from coap_pair import Seekable, pattern
from coap_scene import PEER, answer, endpoint, octets, one_event, sent
from common import equal

LARGE = pattern(150)


def asked(code, path, payload=b"", options=()):
    device = endpoint()
    device.request(coap.Message(code, payload, coap.path_options(path) + list(options)), PEER, 0)
    return device, sent(device)


def done(device, code):
    kind, _, message = one_event(device)
    equal((kind, coap.code_text(message.code)), (coap.RESPONSE, code))
    equal((sent(device), device.next_deadline()), ([], None))
    return message


def part(start, size, body=LARGE):
    return "ff" + body[start : start + size].hex()


def test_td_coap_block_01_client():
    # early negotiation: 0/0/64 is 02; the server takes it, or 32 (0/1/32 is 09)
    path = "b5" + b"large".hex()
    for size, szx in ((64, 2), (32, 1)):
        device, out = asked(coap.GET, "/large", options=[(coap.BLOCK2, b"\x02")])
        equal(out, [octets("44 01 0001 00000001" + path + "c1 02")])
        number = 0
        while (number + 1) * size < 150:
            text = "64 45 %04x %08x d1 0a %02x" % (number + 1, number + 1, number << 4 | 8 | szx)
            out = answer(device, text + part(number * size, size))
            number += 1
            wanted = "44 01 %04x %08x %s c1 %02x" % (number + 1, number + 1, path, number << 4 | szx)
            equal(out, [octets(wanted)])
        text = "64 45 %04x %08x d1 0a %02x" % (number + 1, number + 1, number << 4 | szx)
        equal(answer(device, text + part(number * size, size)), [])
        equal(bytes(done(device, "2.05").payload), LARGE)


def test_td_coap_block_02_client():
    # late negotiation: the request has no Block2, the response is in blocks of 64, and the next is number 1 of them
    path = "b5" + b"large".hex()
    device, out = asked(coap.GET, "/large")
    equal(out, [octets("44 01 0001 00000001" + path)])
    out = answer(device, "64 45 0001 00000001 d1 0a 0a" + part(0, 64))
    equal(out, [octets("44 01 0002 00000002" + path + "c1 12")])
    out = answer(device, "64 45 0002 00000002 d1 0a 1a" + part(64, 64))
    equal(out, [octets("44 01 0003 00000003" + path + "c1 22")])
    equal(answer(device, "64 45 0003 00000003 d1 0a 22" + part(128, 22)), [])
    equal(bytes(done(device, "2.05").payload), LARGE)


def test_td_coap_block_03_client():
    # PUT in blocks of 64 (0/1/64 is 0a): 2.31, or 2.04 of a server that takes each for itself (M = 0); and a server
    # that wants 32: the next is number 64 / 32 = 2
    path = "bc" + b"large-update".hex()
    for first, later in (("5f", 8), ("44", 0)):
        device, out = asked(coap.PUT, "/large-update", Seekable(LARGE), [(coap.BLOCK1, b"\x02")])
        equal(out, [octets("44 03 0001 00000002" + path + "d1 03 0a d1 14 96 d4 db 00000001" + part(0, 64))])
        out = answer(device, "64 %s 0001 00000002 d1 0e %02x" % (first, later | 2))
        equal(out, [octets("44 03 0002 00000003" + path + "d1 03 1a d4 fc 00000001" + part(64, 64))])
        out = answer(device, "64 %s 0002 00000003 d1 0e %02x" % (first, 0x10 | later | 2))
        equal(out, [octets("44 03 0003 00000004" + path + "d1 03 22 d4 fc 00000001" + part(128, 22))])
        equal(answer(device, "64 44 0003 00000004 d1 0e 22"), [])
        done(device, "2.04")
    device, _ = asked(coap.PUT, "/large-update", Seekable(LARGE), [(coap.BLOCK1, b"\x02")])
    out = answer(device, "64 5f 0001 00000002 d1 0e 09")
    for number in range(2, 5):
        mid = number
        more = 8 if number < 4 else 0
        head = "44 03 %04x %08x %s d1 03 %02x d4 fc 00000001"
        equal(
            out,
            [octets(head % (mid, mid + 1, path, number << 4 | more | 1) + part(number * 32, 32))],
        )
        code = "5f" if more else "44"
        out = answer(device, "64 %s %04x %08x d1 0e %02x" % (code, mid, mid + 1, number << 4 | more | 1))
    equal(out, [])
    done(device, "2.04")


def test_td_coap_block_04_client():
    # POST that creates: 2.31 ... 2.01 with Location-Path "large-create", "1", which is fetched then
    path = "bc" + b"large-create".hex()
    device, out = asked(coap.POST, "/large-create", Seekable(LARGE), [(coap.BLOCK1, b"\x03")])
    equal(out, [octets("44 02 0001 00000002" + path + "d1 03 0b d1 14 96 d4 db 00000001" + part(0, 128))])
    out = answer(device, "64 5f 0001 00000002 d1 0e 0b")
    equal(out, [octets("44 02 0002 00000003" + path + "d1 03 13 d4 fc 00000001" + part(128, 22))])
    location = "8c" + b"large-create".hex() + "01 31"
    equal(answer(device, "64 41 0002 00000003" + location + "d1 06 13"), [])
    message = done(device, "2.01")
    created = [value for number, value in message.options if number == coap.LOCATION_PATH]
    equal(created, [b"large-create", b"1"])
    device.request(coap.Message(coap.GET, options=[(coap.URI_PATH, each) for each in created]), PEER, 0)
    equal(sent(device), [octets("44 01 0003 00000004" + path + "01 31")])


def test_td_coap_block_05_client():
    # POST both ways: the last block is answered by the first of the response (Block2 0/1/64 and Block1 1/0/128); then
    # the same options but Block1, no payload
    path = "ba" + b"large-post".hex()
    device, _ = asked(coap.POST, "/large-post", Seekable(LARGE), [(coap.BLOCK1, b"\x03")])
    out = answer(device, "64 5f 0001 00000002 d1 0e 0b")
    equal(out, [octets("44 02 0002 00000003" + path + "d1 03 13 d4 fc 00000001" + part(128, 22))])
    out = answer(device, "64 44 0002 00000003 d1 0a 0a 41 13" + part(0, 64))
    equal(out, [octets("44 02 0003 00000004" + path + "c1 12 e4 0000 00000001")])
    out = answer(device, "64 44 0003 00000004 d1 0a 1a" + part(64, 64))
    equal(out, [octets("44 02 0004 00000005" + path + "c1 22 e4 0000 00000001")])
    equal(answer(device, "64 44 0004 00000005 d1 0a 22" + part(128, 22)), [])
    equal(bytes(done(device, "2.04").payload), LARGE)


def test_td_coap_block_06_client():
    # blocks of 16: 0/0/16 has no octet
    path = "b5" + b"large".hex()
    body = LARGE[:40]
    device, out = asked(coap.GET, "/large", options=[(coap.BLOCK2, b"")])
    equal(out, [octets("44 01 0001 00000001" + path + "c0")])
    out = answer(device, "64 45 0001 00000001 d1 0a 08" + part(0, 16, body))
    equal(out, [octets("44 01 0002 00000002" + path + "c1 10")])
    out = answer(device, "64 45 0002 00000002 d1 0a 18" + part(16, 16, body))
    equal(out, [octets("44 01 0003 00000003" + path + "c1 20")])
    equal(answer(device, "64 45 0003 00000003 d1 0a 20" + part(32, 16, body)), [])
    equal(bytes(done(device, "2.05").payload), body)
