# SPDX-License-Identifier: MIT
"""Messages to octets and back: RFC 7252 section 3. The octets come from the RFC or are worked out beside them."""

import coap
from coap_scene import octets
from common import equal, raises

# RFC 7252 figure 16: CON GET, MID 0x7d34, Uri-Path "temperature", no token. Version 1 (01), type 0 (00), TKL 0 -> 0x40;
# option delta 11 and length 11 -> 0xbb
GET_TEMPERATURE = octets("40 01 7d34 bb") + b"temperature"
# Its answer: type 2 -> 0x60, 2.05 = 2 << 5 | 5 = 0x45
TEMPERATURE = octets("60 45 7d34 ff") + b"22.3 C"


def one_option(number, value):
    """The octets behind the header of a message with this option alone."""
    return bytes(coap.encode(coap.Message(coap.GET, options=[(number, value)])))[4:]


def both_ways(number, length, head):
    """`head` is what comes before an option value of this length, and reads back as number and length."""
    value = b"v" * length
    encoded = one_option(number, value)
    equal(encoded[: len(encoded) - length], octets(head))
    equal(encoded[len(encoded) - length :], value)
    equal(coap.decode(octets("40 01 0001") + encoded).options, [(number, value)])


def test_the_request_of_figure_16_encodes():
    message = coap.Message(coap.GET, options=coap.path_options("/temperature"), mid=0x7D34)
    equal(bytes(coap.encode(message)), GET_TEMPERATURE)


def test_the_request_of_figure_16_decodes():
    message = coap.decode(GET_TEMPERATURE)
    equal((message.type, message.code, message.mid, message.token), (coap.CON, coap.GET, 0x7D34, b""))
    equal(message.options, [(coap.URI_PATH, b"temperature")])
    equal(message.path, "/temperature")
    equal(bytes(message.payload), b"")


def test_the_response_of_figure_16_both_ways():
    message = coap.decode(TEMPERATURE)
    equal((message.type, message.code, message.mid), (coap.ACK, coap.CONTENT, 0x7D34))
    equal(bytes(message.payload), b"22.3 C")
    equal(bytes(coap.encode(coap.Message(coap.CONTENT, b"22.3 C", type=coap.ACK, mid=0x7D34))), TEMPERATURE)


def test_the_token_of_figure_17_both_ways():
    # the same with token 0x20: TKL 1 -> 0x41, the token behind the header
    datagram = octets("41 01 7d35 20 bb") + b"temperature"
    equal(coap.decode(datagram).token, b"\x20")
    message = coap.Message(coap.GET, options=coap.path_options("/temperature"), mid=0x7D35, token=b"\x20")
    equal(bytes(coap.encode(message)), datagram)


def test_tokens_of_each_length():
    # TKL 0 to 8 in the low half of the first octet
    token = octets("d0 d1 d2 d3 d4 d5 d6 d7")
    for size in range(9):
        datagram = bytes((0x50 | size, 1, 0x12, 0x34)) + token[:size]
        message = coap.decode(datagram)
        equal((message.type, message.mid, message.token), (coap.NON, 0x1234, token[:size]))
        equal(bytes(coap.encode(message)), datagram)


def test_a_token_of_nine_octets_is_refused():
    raises(coap.MessageError, coap.encode, coap.Message(coap.GET, token=b"123456789"))


def test_each_type_and_empty_messages():
    # an empty message is a header alone (section 4.1): ping 40, ACK 60, RST 70
    for type, first in ((coap.CON, 0x40), (coap.ACK, 0x60), (coap.RST, 0x70)):
        datagram = bytes((first, 0, 0xFF, 0xFF))
        message = coap.decode(datagram)
        equal((message.type, message.code, message.mid), (type, coap.EMPTY, 0xFFFF))
        equal(bytes(coap.encode(coap.Message(coap.EMPTY, type=type, mid=0xFFFF))), datagram)


def test_option_lengths_at_each_border():
    # Number 3 -> delta nibble 3. Length 0..12 in the nibble; 13..268 as nibble 13 and length - 13 in one octet;
    # from 269 as nibble 14 and length - 269 in two (section 3.1)
    both_ways(3, 0, "30")
    both_ways(3, 12, "3c")
    both_ways(3, 13, "3d 00")
    both_ways(3, 268, "3d ff")  # 268 - 13 = 255
    both_ways(3, 269, "3e 0000")
    both_ways(3, 270, "3e 0001")
    both_ways(3, 600, "3e 014b")  # 600 - 269 = 331 = 0x014b


def test_option_deltas_at_each_border():
    # length 1 -> low nibble 1; the delta's octets come first
    both_ways(0, 1, "01")
    both_ways(12, 1, "c1")
    both_ways(13, 1, "d1 00")
    both_ways(268, 1, "d1 ff")
    both_ways(269, 1, "e1 0000")
    both_ways(65535, 1, "e1 fef2")  # 65535 - 269 = 65266 = 0xfef2


def test_delta_octets_come_before_length_octets():
    # delta 300: 14, 300 - 269 = 31 = 0x001f; length 13: nibble 13, 0
    both_ways(300, 13, "ed 001f 00")


def test_an_option_value_that_no_length_can_say_is_refused():
    raises(coap.MessageError, coap.encode, coap.Message(coap.GET, options=[(3, bytearray(65805))]))


def test_an_option_number_above_65535_is_refused():
    raises(coap.MessageError, coap.encode, coap.Message(coap.GET, options=[(65536, b"")]))


def test_options_are_sorted_and_repeated_ones_keep_their_order():
    # 11 "b" -> b1 62; 11 "a" -> delta 0 -> 01 61; 11 "" -> 00; 60 -> delta 49 = 13 + 36 -> d1 24 07
    options = [(60, b"\x07"), (11, b"b"), (11, b"a"), (11, b"")]
    encoded = coap.encode(coap.Message(coap.GET, options=options))
    equal(bytes(encoded[4:]), octets("b1 62 01 61 00 d1 24 07"))
    equal(coap.decode(encoded).options, [(11, b"b"), (11, b"a"), (11, b""), (60, b"\x07")])


def test_the_payload_is_a_view_of_the_datagram():
    # no second copy of a body in a small heap
    datagram = bytearray(TEMPERATURE)
    message = coap.decode(datagram)
    assert isinstance(message.payload, memoryview)
    datagram[5] = 0x39
    equal(bytes(message.payload), b"92.3 C")


def test_any_buffer_decodes():
    for buffer in (GET_TEMPERATURE, bytearray(GET_TEMPERATURE), memoryview(GET_TEMPERATURE)):
        equal(coap.decode(buffer).path, "/temperature")


def test_any_buffer_is_a_payload():
    for payload in (b"22.3 C", bytearray(b"22.3 C"), memoryview(b"22.3 C")):
        message = coap.Message(coap.CONTENT, payload, type=coap.ACK, mid=0x7D34)
        equal(bytes(coap.encode(message)), TEMPERATURE)


def test_a_payload_may_hold_the_marker():
    # only the first 0xff is a marker
    equal(bytes(coap.decode(octets("40 02 0001 ff ff ff")).payload), b"\xff\xff")


def test_uint_values_take_the_fewest_octets():
    # section 3.2: 0 is no octet at all
    for value, text in ((0, ""), (1, "01"), (255, "ff"), (256, "0100"), (65535, "ffff"), (0x10000, "010000")):
        equal(coap.uint_octets(value), octets(text))


def test_uint_options_are_read_with_leading_zeros():
    # section 3.2: a recipient must be ready for them
    message = coap.Message(coap.GET, options=[(coap.MAX_AGE, octets("00 3c")), (coap.SIZE1, b"")])
    equal(message.uint(coap.MAX_AGE), 60)
    equal(message.uint(coap.SIZE1), 0)
    equal(message.uint(coap.OBSERVE), None)
    equal(message.uint(coap.OBSERVE, 7), 7)


def test_option_gives_the_first_of_its_number():
    message = coap.Message(coap.GET, options=[(15, b"a"), (15, b"b")])
    equal(message.option(15), b"a")
    equal(message.option(12), None)
    equal(message.option(12, b"x"), b"x")


def test_path_options_follow_the_uri():
    # section 6.4 steps 8: each segment is an option, a lone slash is none. Appendix B has coap://.../%2F//
    equal(coap.path_options("/.well-known/core"), [(11, b".well-known"), (11, b"core")])
    equal(coap.path_options("/"), [])
    equal(coap.path_options(""), [])
    equal(coap.path_options("//a/"), [(11, b""), (11, b"a"), (11, b"")])


def test_the_path_reads_back():
    for path in ("/", "/msgin5g", "//a/", "/\u3053\u3093"):
        equal(coap.Message(coap.GET, options=coap.path_options(path)).path, path)


def test_a_path_that_is_not_utf8_is_none():
    equal(coap.Message(coap.GET, options=[(11, b"\xff\xfe")]).path, None)


def test_more_than_32_options_are_refused():
    # 1,100 empty ones would fit a datagram of 1152 octets; 32 still pass
    equal(len(coap.decode(octets("40 01 0001 b0") + bytes(31)).options), 32)
    raises(coap.MessageError, coap.decode, octets("40 01 0001 b0") + bytes(32))


def test_codes_read_as_people_write_them():
    # 4.13 = 4 << 5 | 13 = 141
    equal(coap.code_text(141), "4.13")
    equal(repr(coap.decode(TEMPERATURE)), "<Message ACK 2.05 mid=32052, size 6>")
