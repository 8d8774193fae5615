# SPDX-License-Identifier: MIT
"""What an endpoint does with datagrams that are wrong: RFC 7252 sections 3, 4.2, 4.3, 5.4.

A confirmable message with a format error is rejected with Reset, all else that is malformed meets silence, and
nothing of it is kept.
"""

import coap
from coap_scene import PEER, answer, endpoint, events, octets, one_event, respond, run, sent
from common import equal


def answers(text):
    """What a fresh endpoint answers; it must keep nothing of the datagram and tell nobody."""
    device = endpoint()
    out = answer(device, text)
    equal(events(device), [])
    equal(device.next_deadline(), None)
    return [each.hex() for each in out]


def malformed(text, *expected):
    device = endpoint()
    answer(device, text)
    equal(device.stats["malformed"], 1)
    equal(answers(text), list(expected))


# Reset of MID 0x1234: version 1, type 3 -> 0x70
RESET = "70001234"


def test_an_empty_datagram_is_ignored():
    malformed("")


def test_datagrams_shorter_than_a_header_are_ignored():
    malformed("40")
    malformed("40 01")
    malformed("40 01 12")


def test_other_versions_are_silently_ignored():
    # section 3: "Messages with unknown version numbers MUST be silently ignored"
    malformed("00 01 1234")
    malformed("80 01 1234")
    malformed("c0 01 1234")


def test_token_lengths_9_to_15_are_a_format_error():
    for length in range(9, 16):
        malformed("4%x 01 1234" % length + "00" * length, RESET)
        malformed("5%x 01 1234" % length + "00" * length)  # non-confirmable: silence


def test_a_token_past_the_end_is_a_format_error():
    malformed("44 01 1234 010203", RESET)
    malformed("54 01 1234 010203")
    malformed("64 45 1234 010203")


def test_delta_15_without_marker_is_a_format_error():
    malformed("40 01 1234 f0", RESET)
    malformed("50 01 1234 f0")


def test_length_15_is_a_format_error():
    malformed("40 01 1234 0f", RESET)


def test_extended_delta_or_length_past_the_end():
    malformed("40 01 1234 d0", RESET)
    malformed("40 01 1234 e0 00", RESET)
    malformed("40 01 1234 0d", RESET)
    malformed("40 01 1234 0e 00", RESET)
    malformed("40 01 1234 ed 00 00", RESET)


def test_an_option_value_past_the_end():
    malformed("40 01 1234 b2 61", RESET)
    malformed("40 01 1234 3e ffff 00", RESET)


def test_option_numbers_above_65535_by_summing():
    # e0 fef2 -> 65535; one more
    malformed("40 01 1234 e0 fef2 10", RESET)
    # one delta alone: ffff + 269 = 65804
    malformed("40 01 1234 e0 ffff", RESET)


def test_a_marker_without_payload_is_a_format_error():
    malformed("40 01 1234 ff", RESET)
    malformed("40 01 1234 b1 61 ff", RESET)
    malformed("60 45 1234 ff")


def test_code_classes_1_6_and_7_are_reserved():
    for code in ("20", "3f", "c0", "df", "e0", "e1", "ff"):
        malformed("40 " + code + " 1234", RESET)
        malformed("50 " + code + " 1234")
        malformed("60 " + code + " 1234")


def test_an_empty_message_with_anything_behind_its_header():
    # section 4.1: "If there are any bytes, they MUST be processed as a message format error"
    malformed("41 00 1234 01", RESET)
    malformed("41 00 1234", RESET)  # a token length without a token
    malformed("40 00 1234 ff 61", RESET)
    malformed("40 00 1234 b1 61", RESET)
    malformed("60 00 1234 00")
    malformed("70 00 1234 00")


def test_types_that_cannot_carry_the_code():
    # table 1: NON is never empty, ACK never a request, RST always empty
    malformed("50 00 1234")
    malformed("60 01 1234")
    malformed("70 01 1234")
    malformed("70 45 1234")


def test_more_options_than_are_read():
    malformed("40 01 1234 b0" + "00" * 32, RESET)


def test_an_unknown_critical_option_in_a_request():
    # option 9, odd: 4.02 with its number in words, section 5.4.1
    equal(answers("41 01 1234 aa 90"), [(octets("61 82 1234 aa ff") + b"option 9").hex()])
    equal(answers("50 01 1234 90"), [RESET])  # non-confirmable: rejected


def test_an_unknown_elective_option_is_ignored():
    # option 2, even, and 65534 (e0 fef1 - 2 more: delta 65532 = 269 + 65263 = 0xfeef)
    device = endpoint()
    answer(device, "40 01 1234 21 61 e0 feef")
    kind, _, message = one_event(device)
    equal((kind, message.options), (coap.REQUEST, [(2, b"a"), (65534, b"")]))


def test_known_critical_options_in_wrong_shape_are_unrecognized():
    # sections 5.4.3 and 5.4.5: Uri-Host of no octet, Uri-Port of three or twice, Uri-Path of 256, Accept of three
    for options, number in (
        ("30", 3),
        ("73 010203", 7),
        ("71 01 01 01", 7),
        ("bd f3" + "61" * 256, 11),
        ("d3 04 010203", 17),
    ):
        equal(answers("40 01 1234" + options), [(octets("60 82 1234 ff") + b"option %d" % number).hex()])


def test_a_proxy_request_is_refused_as_such():
    # Proxy-Uri 35: d1 16 (35 - 13 = 22); Proxy-Scheme 39: d1 1a. 5.05 = 0xa5, section 5.10.2
    equal(answers("40 01 1234 d1 16 78")[0][:8], "60a51234")
    equal(answers("40 01 1234 d1 1a 78")[0][:8], "60a51234")


def test_an_acknowledgement_for_an_unknown_message_is_ignored():
    equal(answers("60 00 1234"), [])
    equal(answers("61 45 1234 aa"), [])


def test_a_reset_for_an_unknown_message_is_ignored():
    equal(answers("70 00 1234"), [])


def test_a_confirmable_response_for_an_unknown_token_is_reset():
    equal(answers("41 45 1234 aa"), [RESET])


def test_a_non_confirmable_response_for_an_unknown_token_is_ignored():
    equal(answers("51 45 1234 aa"), [])


def test_a_response_with_an_unknown_critical_option_is_rejected():
    # section 5.4.1: confirmable -> Reset, in an acknowledgement -> ignored, so the request goes on
    device = endpoint()
    device.request(coap.Message(coap.GET, token=b"\xaa"), PEER, 0)
    equal(sent(device), [octets("41 01 0001 aa")])
    equal(answer(device, "61 45 0001 aa 90"), [])
    equal(answer(device, "41 45 1234 aa 90"), [octets(RESET)])
    equal(events(device), [])
    assert device.next_deadline() is not None


def test_the_same_response_twice_is_delivered_once_and_acknowledged_twice():
    device = endpoint()
    device.request(coap.Message(coap.GET, token=b"\xaa"), PEER, 0)
    sent(device)
    for _ in range(2):
        equal(answer(device, "41 45 1234 aa ff 31"), [octets("60 00 1234")])
    kind, _, message = one_event(device)
    equal((kind, bytes(message.payload)), (coap.RESPONSE, b"1"))


def test_a_reset_to_a_non_confirmable_response_is_ignored():
    device = endpoint()
    answer(device, "51 01 1234 aa")
    respond(device)
    # ours: NON 2.05, MID 1
    equal(sent(device), [octets("51 45 0001 aa")])
    equal(answer(device, "70 00 0001"), [])
    equal(events(device), [])


def test_a_datagram_of_the_longest_size_is_taken_and_one_octet_more_is_not():
    device = endpoint(max_datagram=64)
    # CON POST with token, marker and payload: 4 + 1 + 1 + 58 = 64
    answer(device, "41 02 1234 aa ff" + "61" * 58)
    equal(len(one_event(device)[2].payload), 58)
    device = endpoint(max_datagram=1152)
    # 4.13 = 0x8d and Size1 (60: delta 13 + 47 = 0x2f) 4096 = 0x1000, which are taken in blocks
    equal(answer(device, "41 02 1234 aa ff" + "61" * 1147), [octets("61 8d 1234 aa d2 2f 1000")])
    equal(events(device), [])


def test_a_datagram_that_is_too_long_and_no_confirmable_request_is_dropped():
    for first in ("41 45", "41 00", "41 c0", "4f 02", "51 02", "61 45", "81 02"):
        device = endpoint()
        equal(answer(device, first + "1234 aa ff" + "61" * 1147), [])
        equal(device.stats["refused"], 1)


def test_a_request_that_nobody_answers_is_forgotten():
    # its empty acknowledgement after 250 ms promises an answer (section 5.2.2): when it is given up after 247 s more,
    # that is 5.00 (a0), once, since nobody may wait for it any more
    device = endpoint()
    answer(device, "41 01 1234 aa")
    equal(run(device, 1000000), [(250, octets("60 00 1234")), (247250, octets("51 a0 0001 aa"))])
    equal(device.stats["abandoned"], 1)
    equal(device.next_deadline(), None)
