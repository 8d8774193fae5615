# SPDX-License-Identifier: MIT
"""No-Response (RFC 7967) at both ends: 2 for no 2.xx, 8 for no 4.xx, 16 for no 5.xx, in option 258."""

import coap
from coap_scene import PEER, answer, endpoint, events, octets, one_event, respond, run, sent
from common import equal, raises

PATH = "b1 61"  # Uri-Path "a"
NOTHING, NO_SUCCESS, ALL = b"", b"\x02", b"\x1a"
# 258 - 11 = 247, less 13: ea; of one octet
OPTION = "d1 ea %02x"
SUCCESS, CLIENT, SERVER = coap.CHANGED, coap.BAD_REQUEST, coap.INTERNAL_SERVER_ERROR


def asked(value, confirmable=True):
    """An endpoint that such a PUT has come to."""
    device = endpoint()
    head = "41" if confirmable else "51"
    equal(answer(device, head + " 03 1234 aa " + PATH + OPTION % value), [])
    return device


def test_a_server_says_nothing_of_the_classes_that_nobody_wants():
    # section 2.1: the values of table 2
    for value in (2, 8, 16, 24, 26, 10, 18):
        for code, bit in ((SUCCESS, 2), (CLIENT, 8), (SERVER, 16)):
            device = asked(value, False)
            respond(device, code)
            equal(sent(device), [] if value & bit else [bytes((0x51, code, 0, 1, 0xAA))])
            equal(device.next_deadline(), None)


def test_a_confirmable_request_is_acknowledged_all_the_same():
    # "at the messaging layer": an empty acknowledgement in place of the response
    device = asked(26)
    respond(device, SUCCESS)
    equal(sent(device), [octets("60 00 1234")])
    equal(device.next_deadline(), None)
    equal(run(device, 300000), [])


def test_one_that_was_acknowledged_already_gets_no_more():
    device = asked(26)
    equal(run(device, 1000), [(250, octets("60 00 1234"))])
    respond(device, SUCCESS, now=1000)
    equal(sent(device), [])
    equal(device.next_deadline(), None)


def test_a_request_that_comes_again_runs_once():
    device = asked(26)
    respond(device, SUCCESS)
    sent(device)
    equal(answer(device, "41 03 1234 aa " + PATH + OPTION % 26, 2000), [octets("60 00 1234")])
    equal(events(device), [])
    device = asked(26, False)
    respond(device, SUCCESS)
    equal(answer(device, "51 03 1234 aa " + PATH + OPTION % 26, 2000), [])
    equal(events(device), [])


def test_who_wants_all_responses_gets_them():
    # an empty option: interested in all
    device = endpoint()
    equal(answer(device, "41 03 1234 aa " + PATH + "d0 ea"), [])
    respond(device, SUCCESS)
    equal(sent(device), [octets("61 44 1234 aa")])


def test_bits_that_the_rfc_does_not_have_say_nothing():
    # section 2.1: 2, 8 and 16 alone
    for value in (1, 4, 32, 64, 128, 0xE5):
        for code in (SUCCESS, CLIENT, SERVER):
            device = asked(value)
            respond(device, code)
            equal(sent(device), [bytes((0x61, code, 0x12, 0x34, 0xAA))])


def test_a_refusal_is_no_response_to_what_was_wanted():
    # an unknown critical option: the request did not run, and its sender must know
    refused = answer(
        endpoint(), "41 03 1234 aa " + PATH + "21 78 d1 e8 1a"
    )  # 13 is critical, and nobody knows it
    equal(refused, [octets("61 82 1234 aa ff") + b"option 13"])


def test_a_block_is_acknowledged_by_2_31():
    # without it the next block would not come; the response to the last is what nobody wants
    device = endpoint()
    # Block1 27 - 11 = 16: d1 03; 0/1/16 = 08; then 258 - 27 = 231, less 13: da
    (out,) = answer(device, "41 03 1234 aa " + PATH + "d1 03 08 d1 da 1a ff" + "61" * 16)
    equal(out[1], coap.CONTINUE)
    equal(answer(device, "41 03 1235 aa " + PATH + "d1 03 10 d1 da 1a ff" + "62" * 16), [])
    respond(device, SUCCESS)
    equal(sent(device), [octets("60 00 1235")])


def request(device, value, type=coap.NON, now=0, **named):
    message = coap.Message(coap.PUT, b"1", [(coap.NO_RESPONSE, value)], type, token=b"\xaa")
    exchange = device.request(message, PEER, now, **named)
    out = sent(device)
    equal(len(out), 1)
    return exchange


def test_a_client_does_not_wait_for_what_it_does_not_want():
    device = endpoint()
    exchange = request(device, ALL)
    device.poll(0)
    equal(one_event(device), (coap.RESPONSE, exchange, None))
    equal((device.next_deadline(), device.stats["timeouts"]), (None, 0))
    # what comes all the same belongs to nothing; it is rejected where it is confirmable (RFC 7252 section 4.2)
    equal(answer(device, "51 44 7001 aa"), [])
    equal(answer(device, "41 44 7002 aa"), [octets("70 00 7002")])
    equal(events(device), [])


def test_a_confirmable_one_ends_with_its_acknowledgement():
    device = endpoint()
    exchange = request(device, ALL, coap.CON)
    equal(events(device), [])
    equal(run(device, 2000), [(2000, octets("41 03 0001 aa d1 f5 1a ff 31"))])
    equal(answer(device, "60 00 0001", 2100), [])
    device.poll(2100)
    equal(one_event(device), (coap.RESPONSE, exchange, None))
    equal(device.next_deadline(), None)


def test_a_confirmable_one_without_acknowledgement_times_out():
    device = endpoint()
    exchange = request(device, ALL, coap.CON)
    run(device, 100000)
    equal(one_event(device), (coap.TIMEOUT, exchange, None))


def test_a_response_that_a_server_sends_all_the_same_is_one():
    device = endpoint()
    exchange = request(device, ALL, coap.CON)
    equal(answer(device, "61 44 0001 aa"), [])
    kind, ended, message = one_event(device)
    equal((kind, ended, message.code), (coap.RESPONSE, exchange, coap.CHANGED))


def test_where_a_class_is_wanted_its_response_has_time_to_come():
    # RFC 7252 section 4.8.2: NON_LIFETIME 145 s; 93 s after an acknowledgement as always
    device = endpoint()
    exchange = request(device, NO_SUCCESS)
    equal(device.next_deadline(), 145000)
    equal(answer(device, "51 80 7001 aa", 1000), [])
    kind, ended, message = one_event(device)
    equal((kind, ended, message.code), (coap.RESPONSE, exchange, coap.BAD_REQUEST))
    exchange = request(device, NO_SUCCESS, now=2000)
    device.poll(147000)
    equal(one_event(device), (coap.RESPONSE, exchange, None))
    exchange = request(device, NO_SUCCESS, coap.CON, 200000)
    equal(answer(device, "60 00 0003", 200100), [])
    equal(device.next_deadline(), 293100)
    device.poll(293100)
    equal(one_event(device), (coap.RESPONSE, exchange, None))


def test_an_empty_option_changes_nothing():
    device = endpoint()
    exchange = request(device, NOTHING)
    device.poll(145000)
    equal(one_event(device), (coap.TIMEOUT, exchange, None))


def test_what_is_observed_is_answered():
    from coap.observe import observe

    device = endpoint()
    message = coap.Message(coap.GET, options=[(coap.NO_RESPONSE, ALL)])
    raises(coap.MessageError, observe, device, message, PEER, 0)
    equal((sent(device), events(device), device.next_deadline()), ([], [], None))


def test_two_ends():
    here, there = endpoint(), endpoint(b"\x20\x00")
    for type in (coap.CON, coap.NON):
        message = coap.Message(coap.PUT, b"1", [(coap.NO_RESPONSE, ALL)], type)
        exchange = here.request(message, PEER, 0)
        for datagram in sent(here):
            there.receive(datagram, PEER, 0)
        respond(there, SUCCESS)
        for datagram in sent(there):
            here.receive(datagram, PEER, 0)
        here.poll(0)
        equal(one_event(here), (coap.RESPONSE, exchange, None))
        equal((here.next_deadline(), there.next_deadline()), (None, None))
