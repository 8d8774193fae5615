# SPDX-License-Identifier: MIT
"""Conditional requests (RFC 7252 sections 5.10.6.2 and 5.10.8), and options whose condition must not be passed over by
a server that does not know it (5.4.1)."""

import coap
from coap.endpoint import conditions
from coap_scene import PEER, answer, endpoint, octets, one_event, sent
from common import equal

PATH = "b1 61"  # Uri-Path "a"
IF_MATCH, IF_NONE_MATCH = (1, b"\x01"), (5, b"")


def outcome(*options, code=coap.PUT, understands=()):
    """What a request with these options meets: its options with the application, or the octets that answer it."""
    device = endpoint()
    device.understands = understands
    message = coap.Message(code, options=options, mid=0x1234, token=b"\xaa")
    device.receive(coap.encode(message), PEER, 0)
    out = sent(device)
    return out[0] if out else one_event(device)[2].options


def bad_option(number):
    return octets("61 82 1234 aa ff") + b"option %d" % number


def test_who_does_not_evaluate_conditions_does_not_run_the_request():
    equal(outcome(IF_MATCH), bad_option(1))
    equal(outcome(IF_NONE_MATCH), bad_option(5))
    equal(outcome(IF_NONE_MATCH, understands=(1,)), bad_option(5))
    equal(outcome((2049, b"x"), understands=conditions.OPTIONS), bad_option(2049))


def test_who_evaluates_them_gets_them():
    equal(outcome(IF_MATCH, understands=conditions.OPTIONS), [IF_MATCH])
    equal(outcome(IF_NONE_MATCH, understands=conditions.OPTIONS), [IF_NONE_MATCH])
    equal(outcome((1, b""), (1, bytes(8)), understands=conditions.OPTIONS), [(1, b""), (1, bytes(8))])
    # any other critical option that an application knows
    equal(outcome((2049, b"x"), understands=(2049,)), [(2049, b"x")])


def test_a_condition_of_a_wrong_form_is_not_understood():
    # table 4: If-Match 0 to 8 octets, repeatable; If-None-Match none, once
    equal(outcome((1, bytes(9)), understands=conditions.OPTIONS), bad_option(1))
    equal(outcome((5, b"x"), understands=conditions.OPTIONS), bad_option(5))
    equal(outcome(IF_NONE_MATCH, IF_NONE_MATCH, understands=conditions.OPTIONS), bad_option(5))


def test_a_non_confirmable_one_is_rejected():
    # section 5.4.1: Reset
    equal(answer(endpoint(), "51 03 1234 aa 11 01 a1 61"), [octets("70 00 1234")])


def test_a_condition_in_a_response_rejects_it():
    device = endpoint()
    device.understands = conditions.OPTIONS
    device.request(coap.Message(coap.GET, token=b"\xaa"), PEER, 0)
    sent(device)
    equal(answer(device, "41 45 1234 aa 11 01"), [octets("70 00 1234")])


def code(*options, method=coap.PUT, etag=b"\x01"):
    return conditions.unmet(coap.Message(method, options=options), etag)


def test_if_match():
    # 5.10.8.1: one of them is the current ETag; an empty one: it exists at all
    equal(code((1, b"\x01")), None)
    equal(code((1, b"\x02")), coap.PRECONDITION_FAILED)
    equal(code((1, b"\x02"), (1, b"\x01")), None)
    equal(code((1, b"")), None)
    equal(code((1, b""), etag=None), coap.PRECONDITION_FAILED)
    equal(code((1, b"\x01"), etag=None), coap.PRECONDITION_FAILED)
    equal(code((1, b"\x01"), method=coap.DELETE, etag=b"\x02"), coap.PRECONDITION_FAILED)
    # a resource that exists without an ETag: b""
    equal(code((1, b""), etag=b""), None)
    equal(code((1, b"\x01"), etag=b""), coap.PRECONDITION_FAILED)


def test_if_none_match():
    # 5.10.8.2: it does not exist yet
    equal(code((5, b"")), coap.PRECONDITION_FAILED)
    equal(code((5, b""), etag=b""), coap.PRECONDITION_FAILED)
    equal(code((5, b""), etag=None), None)


def test_without_a_condition_it_runs():
    equal(code(), None)
    equal(code(etag=None), None)
    equal(code((4, b"\x01")), None)  # ETag of a PUT says nothing


def test_an_etag_that_is_current_is_valid():
    # 5.10.6.2, RFC 8132 section 2.3 for FETCH: 2.03 in place of the representation
    for method in (coap.GET, coap.FETCH):
        equal(code((4, b"\x02"), (4, b"\x01"), method=method), coap.VALID)
        equal(code((4, b"\x02"), method=method), None)
        equal(code((4, b"\x01"), method=method, etag=None), None)
    # a condition that does not hold comes first
    equal(code((1, b"\x02"), (4, b"\x01"), method=coap.GET), coap.PRECONDITION_FAILED)


def test_forms_of_the_options_of_later_rfcs():
    # RFC 7967 section 2: No-Response, one octet at most; RFC 8768 section 3: Hop-Limit, one octet; RFC 9175 section
    # 3.2: Request-Tag, 8 octets at most, repeatable. All elective, all of requests: what is otherwise is ignored
    for number, value in (
        (258, b""),
        (258, b"\x1a"),
        (16, b"\x01"),
        (16, b"\xff"),
        (292, b""),
        (292, bytes(8)),
    ):
        equal(outcome((number, value)), [(number, value)])
    equal(outcome((292, b"1"), (292, b"2")), [(292, b"1"), (292, b"2")])
    for number, value in ((258, b"\x01\x02"), (16, b""), (16, b"\x01\x00"), (292, bytes(9))):
        equal(outcome((number, value)), [])
    device = endpoint()
    device.request(coap.Message(coap.GET, token=b"\xaa"), PEER, 0)
    options = [(16, b"\x01"), (258, b"\x02"), (292, b"1")]
    device.receive(coap.encode(coap.Message(coap.CONTENT, b"", options, coap.ACK, 1, b"\xaa")), PEER, 0)
    equal(one_event(device)[2].options, [])


def test_a_hop_limit_of_0_is_a_bad_request():
    # RFC 8768 section 3: "0" is rejected with 4.00
    equal(outcome((16, b"\x00")), octets("61 80 1234 aa"))


def test_codes_of_later_rfcs():
    # RFC 8132 section 6, RFC 8768 section 6
    equal([coap.code_text(each) for each in (coap.PATCH, coap.IPATCH)], ["0.06", "0.07"])
    equal([coap.code_text(each) for each in (coap.CONFLICT, coap.HOP_LIMIT_REACHED)], ["4.09", "5.08"])
    for method in (coap.FETCH, coap.PATCH, coap.IPATCH):
        equal(outcome((11, b"a"), code=method), [(11, b"a")])
