# SPDX-License-Identifier: MIT
"""What any server does with what comes, before its application sees it: RFC 7252, clause by clause."""

import coap
from coap_scene import PEER, answer, endpoint, events, octets, one_event, respond, sent
from common import equal


def seen(text, **named):
    """What goes out at once for a datagram, and whether the application gets a request."""
    device = endpoint(**named)
    return answer(device, text), [kind for kind, _, _ in events(device)]


SILENCE = ([], [])
RUNS = ([], [coap.REQUEST])


def reset(mid="1234"):
    return [octets("70 00 " + mid)], []


def test_section_3_the_header():
    # version: "MUST be silently ignored"; token lengths 9 to 15: "MUST be processed as a message format error"
    for version in (0, 0x80, 0xC0):
        equal(seen("%02x 01 1234" % version), SILENCE)
    for length in range(9, 16):
        equal(seen("4%x 01 1234" % length + "00" * length), reset())
        equal(seen("5%x 01 1234" % length + "00" * length), SILENCE)
    # a marker with nothing behind it; the reserved delta and length 15
    for text in ("ff", "f0 00", "0f"):
        equal(seen("40 01 1234" + text), reset())
        equal(seen("50 01 1234" + text), SILENCE)
    equal(seen("40 01 1234 ff 61"), RUNS)
    equal(seen(""), SILENCE)
    equal(seen("40 01 12"), SILENCE)


def test_section_4_1_empty_messages():
    # "The Token Length field MUST be set to 0 and bytes of data MUST NOT be present after the Message ID field."
    equal(seen("40 00 1234"), reset())  # section 4.3: a ping
    equal(seen("41 00 1234 aa"), reset())
    equal(seen("40 00 1234 ff 61"), reset())
    for kind in ("50", "60", "70"):
        equal(seen(kind + "00 1234"), SILENCE)
        equal(seen(kind + "00 1234 61"), SILENCE)


def test_sections_4_2_and_4_3_types_and_codes():
    # a request in an acknowledgement, a Reset that is not empty: ignored
    for text in ("60 01 1234", "61 01 1234 aa", "70 01 1234", "70 45 1234", "71 00 1234 aa"):
        equal(seen(text), SILENCE)
    # section 4.2: reserved code classes 1, 6 and 7 are rejected; 4.3: where they are non-confirmable, ignored
    for code in (0x20, 0x3F, 0xC0, 0xDF, 0xE0, 0xFF):
        equal(seen("40 %02x 1234" % code), reset())
        for kind in (0x50, 0x60, 0x70):
            equal(seen("%02x %02x 1234" % (kind, code)), SILENCE)
    # a response that belongs to nothing is rejected, in an acknowledgement or where it is non-confirmable ignored
    for code in (0x40, 0x45, 0x84, 0xA0, 0xBF):
        equal(seen("41 %02x 1234 aa" % code), reset())
        equal(seen("51 %02x 1234 aa" % code), SILENCE)
        equal(seen("61 %02x 1234 aa" % code), SILENCE)


def test_section_5_8_methods():
    # "A request with an unrecognized or unsupported Method Code MUST generate a 4.05": by who knows the resources
    for code in range(1, 32):
        device = endpoint()
        equal(answer(device, "41 %02x 1234 aa" % code), [])
        respond(device, coap.METHOD_NOT_ALLOWED)
        equal(sent(device), [octets("61 85 1234 aa")])


def test_section_5_4_1_options_that_are_not_known():
    # elective: ignored. critical: 4.02 "SHOULD include a human-readable diagnostic payload"; non-confirmable: rejected
    for number in (2, 18, 258, 2048, 65534):
        equal(seen(coap.encode(coap.Message(1, options=[(number, b"x")], mid=0x1234)).hex()), RUNS)
    for number in (9, 13, 19, 2049, 65535):
        request = coap.Message(1, options=[(number, b"x")], mid=0x1234, token=b"\xaa")
        out, came = seen(coap.encode(request).hex())
        equal((out, came), ([octets("61 82 1234 aa ff") + b"option %d" % number], []))
        request.type = coap.NON
        equal(seen(coap.encode(request).hex()), reset())


def test_section_5_4_5_options_that_come_too_often():
    # "any subsequent occurrences of the option MUST be treated like an unrecognized option"
    for number, value in ((3, b"h"), (5, b""), (7, b"\x16\x33"), (17, b"")):
        request = coap.Message(1, options=[(number, value)] * 2, mid=0x1234, token=b"\xaa")
        device = endpoint()
        device.understands = (5,)
        (out,) = answer(device, coap.encode(request).hex())
        equal(out, octets("61 82 1234 aa ff") + b"option %d" % number)


def test_section_5_10_1_where_a_request_goes():
    # a server may take requests for whatever name and port it was found by; that is for its application to see
    device = endpoint()
    request = coap.Message(1, options=[(3, b"example.com"), (7, b"\x16\x33"), (11, b"a")], mid=0x1234)
    equal(answer(device, coap.encode(request).hex()), [])
    equal(one_event(device)[2].options, request.options)


def test_section_5_10_2_who_is_no_proxy_says_so():
    # "MUST return a 5.05 (Proxying Not Supported) response"
    for option in ((35, b"coap://h/"), (39, b"coap")):
        request = coap.Message(1, options=[option], mid=0x1234, token=b"\xaa")
        equal(seen(coap.encode(request).hex()), ([octets("61 a5 1234 aa")], []))
        request.type = coap.NON
        equal(seen(coap.encode(request).hex()), ([octets("51 a5 0001 aa")], []))


def test_section_5_3_1_tokens_come_back():
    for size in range(9):
        token = b"\x01\x02\x03\x04\x05\x06\x07\x08"[:size]
        for kind in (coap.CON, coap.NON):
            device = endpoint()
            device.receive(coap.encode(coap.Message(1, mid=0x1234, token=token, type=kind)), PEER, 0)
            respond(device)
            (out,) = sent(device)
            equal(coap.decode(out).token, token)


def test_section_4_5_a_request_that_comes_again_runs_once():
    for kind, again in (("41", [octets("61 45 1234 aa")]), ("51", [])):
        device = endpoint()
        equal(answer(device, kind + "01 1234 aa"), [])
        respond(device)
        sent(device)
        equal(answer(device, kind + "01 1234 aa", 1000), again)
        equal(events(device), [])
        # within EXCHANGE_LIFETIME, 247 s, or NON_LIFETIME, 145 s, and not after it
        lifetime = 247000 if kind == "41" else 145000
        equal((answer(device, kind + "01 1234 aa", lifetime - 1), events(device)), (again, []))
        equal(answer(device, kind + "01 1234 aa", lifetime + 1), [])
        equal(one_event(device)[0], coap.REQUEST)
