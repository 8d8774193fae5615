# SPDX-License-Identifier: MIT
"""Options that are not as their definition says, and paths: RFC 7252 sections 5.4, 5.8 to 5.10, 6.4 and 6.5.

What an option may be is table 4 of section 5.10, for blocks table 1 of RFC 7959, for Observe section 2 of RFC 7641, for
Echo section 2.2.1 of RFC 9175. An elective one that is otherwise is ignored, a critical one refused.
"""

import coap
from coap_scene import PEER, answer, endpoint, events, octets, one_event, sent
from common import equal, raises

# number, the longest that is legal, and one octet more
ELECTIVE = (
    (coap.ETAG, 8),
    (coap.OBSERVE, 3),
    (coap.CONTENT_FORMAT, 2),
    (coap.SIZE2, 4),
    (coap.SIZE1, 4),
    (coap.ECHO, 40),
)
OF_RESPONSES = ((coap.LOCATION_PATH, 255), (coap.MAX_AGE, 4), (coap.LOCATION_QUERY, 255))
CRITICAL_OF_REQUESTS = ((coap.URI_HOST, b"h"), (coap.URI_PORT, b"\x16\x33"), (coap.URI_PATH, b"a"))
CRITICAL_OF_REQUESTS += ((coap.URI_QUERY, b"a"), (coap.ACCEPT, b"\x32"))


def request(*options, code=coap.GET):
    return coap.encode(coap.Message(code, options=options, mid=0x1234, token=b"\xaa"))


def seen(*options):
    """The options of a request as the application gets them."""
    device = endpoint()
    device.receive(request(*options), PEER, 0)
    kind, _, message = one_event(device)
    equal(kind, coap.REQUEST)
    return message.options


def test_an_elective_option_that_is_too_long_is_ignored():
    for number, longest in ELECTIVE:
        equal(seen((number, bytes(longest))), [(number, bytes(longest))])
        equal(seen((number, bytes(longest + 1)), (2000, b"x")), [(2000, b"x")])


def test_an_elective_option_that_is_too_short_is_ignored():
    for number in (coap.ETAG, coap.ECHO):  # at least one octet
        equal(seen((number, b"")), [])


def test_an_elective_option_that_comes_too_often_counts_once():
    # section 5.4.5: each that is too much is like an unrecognized one
    equal(seen((12, b"\x32"), (12, b"\x00")), [(12, b"\x32")])
    equal(seen((4, b"a"), (4, b"b")), [(4, b"a"), (4, b"b")])  # ETag is repeatable in a request


def test_an_option_of_responses_is_ignored_in_a_request():
    for number, _ in OF_RESPONSES:
        equal(seen((number, b"a")), [])


def test_an_option_that_is_not_known_stays():
    equal(seen((2, bytes(300))), [(2, bytes(300))])


def response(options, first="ack"):
    """What becomes of our request when the response has these options: (what goes out, events)."""
    device = endpoint()
    device.request(coap.Message(coap.GET, token=b"\xaa"), PEER, 0)
    sent(device)
    kind, mid = (coap.ACK, 1) if first == "ack" else (coap.CON, 0x1234)
    datagram = coap.encode(coap.Message(coap.CONTENT, b"1", options, kind, mid, b"\xaa"))
    device.receive(datagram, PEER, 0)
    return sent(device), events(device)


def test_a_critical_option_of_requests_in_a_response_refuses_it():
    # section 5.4: not defined for this code is not recognized; 5.4.1: a response is rejected then
    for option in CRITICAL_OF_REQUESTS:
        equal(response([option], "con"), ([octets("70 00 1234")], []))
        equal(response([option]), ([], []))


def test_an_elective_option_of_wrong_length_in_a_response_is_ignored():
    for number, longest in ELECTIVE + OF_RESPONSES:
        _, ((kind, _, message),) = response([(number, bytes(longest + 1))])
        equal((kind, message.options, bytes(message.payload)), (coap.RESPONSE, [], b"1"))
        _, ((_, _, message),) = response([(number, bytes(longest))])
        equal(message.options, [(number, bytes(longest))])


def test_a_max_age_that_is_too_long_is_the_default():
    _, ((_, _, message),) = response([(coap.MAX_AGE, bytes(4) + b"\x01")])
    equal(message.uint(coap.MAX_AGE, 60), 60)


def test_an_observe_of_four_octets_is_no_observe():
    from coap.observe import observe

    device = endpoint()
    observation = observe(device, coap.Message(coap.GET), PEER, 0)
    sent(device)
    device.receive(octets("64 45 0001 00000001 64 00000001 ff 31"), PEER, 0)
    equal((one_event(device)[0], observation.established), (coap.RESPONSE, False))


def test_a_slash_in_an_option_is_no_separator():
    # section 6.5: what would mean something else in a URI is escaped
    one = coap.Message(coap.GET, options=[(11, b"a/b")])
    equal(one.path, "/a%2Fb")
    equal(coap.Message(coap.GET, options=[(11, b"100%"), (11, b"?#")]).path, "/100%25/%3F%23")
    for options in ([(11, b"a/b")], [(11, b"%2F")], [(11, b""), (11, b"?"), (11, b"#1")]):
        equal(coap.path_options(coap.Message(coap.GET, options=options).path), options)


def test_path_options_are_those_of_section_6_4():
    equal(coap.path_options("/a/b?x=1"), [(11, b"a"), (11, b"b"), (15, b"x=1")])
    equal(coap.path_options("/?a&b=c"), [(15, b"a"), (15, b"b=c")])
    equal(coap.path_options("/caf%C3%A9%20%2f"), [(11, b"caf\xc3\xa9 /")])
    equal(coap.path_options("/a+b"), [(11, b"a+b")])  # no space: that is of HTML forms
    # appendix B: coap://198.51.100.1:61616//%2F//?%2F%2F&?%26
    equal(
        coap.path_options("//%2F//?%2F%2F&?%26"),
        [(11, b""), (11, b"/"), (11, b""), (11, b""), (15, b"//"), (15, b"?&")],
    )


def test_what_is_no_path_is_refused_by_name():
    for path, named in (
        ("hello", "hello"),
        ("hello/x", "hello/x"),
        ("?x", None),
        ("coap://host/a", "coap://host/a"),
        ("/a#b", "#"),
        ("/a?b#c", "#"),
        ("/a/%", "%"),
        ("/a/%4", "%4"),
        ("/a/%zz", "%zz"),
        ("/a/%-1", "%-1"),
        ("/a?%+1", "%+1"),
        ("/a/../b", ".."),
        ("/./b", "."),
        ("/a/%2e%2E", ".."),
        ("/" + "a" * 256, "255"),
        ("/a?" + "b" * 256, "255"),
    ):
        if named is None:
            equal(coap.path_options(path), [(15, b"x")])  # an empty path is the root
            continue
        error = raises(ValueError, coap.path_options, path)
        assert named in str(error), (path, str(error))
    equal(coap.path_options("/" + "a" * 255), [(11, b"a" * 255)])


def test_a_negative_number_is_no_option_value():
    raises(ValueError, coap.uint_octets, -1)


def test_size1_of_a_datagram_that_is_too_long_says_what_is_taken():
    # section 5.9.2.9: "the maximum size of request entity that the server is able and willing to handle": in blocks
    # 4096 = 0x1000 here; where blocks are not understood, what a datagram holds beside 64 octets of head and options
    long = "41 02 1234 aa ff" + "61" * 1147
    equal(answer(endpoint(), long), [octets("61 8d 1234 aa d2 2f 1000")])
    equal(answer(endpoint(max_body=0), long), [octets("61 8d 1234 aa d2 2f 0440")])
    equal(answer(endpoint(max_datagram=256), long), [octets("61 8d 1234 aa d2 2f 1000")])
    equal(answer(endpoint(max_datagram=32, max_body=0), long), [octets("61 8d 1234 aa d0 2f")])


def test_a_block_that_is_larger_than_a_datagram_is_asked_for_in_the_size_that_fits():
    # RFC 7959 section 2.9.3: a smaller size in the Block1 option of 4.13. 64 octets of 128 are for head and options:
    # exponent 2. 4.13 = 8d, Block1 27 alone: d1 0e, Size1 60 behind it: d2 14 1000
    device = endpoint(max_datagram=128)
    out = answer(device, "41 03 1234 aa b1 61 d1 03 0c ff" + "61" * 256)  # 0/1/256
    equal(out, [octets("61 8d 1234 aa d1 0e 02 d2 14 1000")])
