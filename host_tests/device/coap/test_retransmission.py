# SPDX-License-Identifier: MIT
"""Times of the message layer in virtual time: RFC 7252 sections 4.2, 4.7 and 4.8."""

import coap
from coap.compat import earliest, ticks_diff
from coap_scene import OTHER, PEER, answer, endpoint, events, octets, one_event, run, sent
from common import equal

SLOWEST = b"\xff\xff"  # random factor 1.5; the first message ID is then 0


def ask(device, now=0, peer=PEER, type=coap.CON):
    return device.request(coap.Message(coap.GET, type=type), peer, now)


def schedule(device, start=0):
    """The ticks, counted from `start`, of each transmission, and the tick of the time-out."""
    exchange = ask(device, start)
    first = sent(device)
    equal(len(first), 1)
    out = run(device, start + 200000)
    for _, each in out:
        equal(each, first[0])  # the same octets each time, message ID and all
    end = one_event(device)
    equal(end, (coap.TIMEOUT, exchange, None))
    equal(device.next_deadline(), None)
    return [0] + [ticks_diff(tick, start) for tick, _ in out]


def test_retransmissions_with_random_factor_1():
    # 2 s doubled each time: 2, 2 + 4, 6 + 8, 14 + 16; given up 32 s after that
    device = endpoint()
    equal(schedule(device), [0, 2000, 6000, 14000, 30000])
    equal(device.stats["retransmitted"], 4)
    equal(device.stats["timeouts"], 1)


def test_retransmissions_with_random_factor_1_5():
    # MAX_TRANSMIT_SPAN, section 4.8.2: 2 * (2**4 - 1) * 1.5 = 45 s
    equal(schedule(endpoint(SLOWEST)), [0, 3000, 9000, 21000, 45000])


def test_giving_up():
    # MAX_TRANSMIT_WAIT: 2 * (2**5 - 1) * 1.5 = 93 s; 62 s with factor 1
    for pair, end in ((b"\x00\x00", 62000), (SLOWEST, 93000)):
        device = endpoint(pair)
        ask(device)
        run(device, end - 1)
        equal(events(device), [])
        equal(device.next_deadline(), end)
        device.poll(end)
        equal(one_event(device)[0], coap.TIMEOUT)


def test_a_poll_before_the_deadline_does_nothing():
    device = endpoint()
    ask(device)
    sent(device)
    for now in (0, 1, 1000, 1999):
        device.poll(now)
        equal(sent(device), [])
    device.poll(2000)
    equal(len(sent(device)), 1)


def test_a_late_poll_sends_once_and_counts_from_then():
    # a board that slept must not send what it missed in one burst
    device = endpoint()
    ask(device)
    sent(device)
    device.poll(50000)
    equal(len(sent(device)), 1)
    equal(device.next_deadline(), 54000)


def test_each_exchange_draws_its_own_factor():
    # section 4.2: ACK_TIMEOUT * (1 .. 1.5), a random number for each
    draws = [b"\x00\x00", b"\x80\x00", b"\xff\xff"]
    device = coap.Endpoint(random=lambda size: draws.pop() if size == 2 and draws else bytes(size))
    # the first draw (ffff) is the message ID; 0x8000 / 65535 of 1000 ms is 500 ms
    ask(device, peer=PEER)
    equal(device.next_deadline(), 2500)


def test_parameters_are_used():
    # 500 ms, twice more: 500, 1500, given up at 3500
    device = endpoint(parameters=coap.Parameters(ack_timeout=500, ack_random_factor=1, max_retransmit=2))
    equal(schedule(device), [0, 500, 1500])
    device = endpoint(parameters=coap.Parameters(max_retransmit=0))
    equal(schedule(device), [0])


def test_derived_values_by_default():
    # the table of section 4.8.2
    parameters = coap.Parameters()
    equal(parameters.max_transmit_span, 45000)
    equal(parameters.max_transmit_wait, 93000)
    equal(parameters.MAX_LATENCY, 100000)
    equal(parameters.processing_delay, 2000)
    equal(parameters.exchange_lifetime, 247000)
    equal(parameters.non_lifetime, 145000)


def test_derived_values_follow_the_parameters():
    # ACK_TIMEOUT 1, factor 2, MAX_RETRANSMIT 3: span 1 * 7 * 2 = 14, wait 1 * 15 * 2 = 30,
    # lifetime 14 + 2 * 100 + 1 = 215, NON 14 + 100 = 114
    parameters = coap.Parameters(1000, 2, 3)
    equal(parameters.max_transmit_span, 14000)
    equal(parameters.max_transmit_wait, 30000)
    equal(parameters.exchange_lifetime, 215000)
    equal(parameters.non_lifetime, 114000)


def test_a_wrapping_clock_changes_nothing():
    # MicroPython's ticks wrap at 2**30 on 32-bit ports and at 2**62 on 64-bit ones
    for period in (1 << 29, 1 << 30, 1 << 62):
        device = endpoint()
        now = period - 5000
        ask(device, now)
        sent(device)
        instants = []
        while device.next_deadline() is not None:
            wait = ticks_diff(device.next_deadline(), now)
            assert 0 < wait <= 32000, wait
            now = (now + wait - 1) % period
            device.poll(now)
            equal(sent(device), [])  # one ms early
            now = (now + 1) % period
            device.poll(now)
            if sent(device):
                instants.append((now + 5000) % period)
        equal(instants, [2000, 6000, 14000, 30000])
        equal(one_event(device)[0], coap.TIMEOUT)


def test_tick_arithmetic():
    equal(ticks_diff(5, 3), 2)
    equal(ticks_diff(3, 5), -2)
    equal(ticks_diff(4, (1 << 30) - 6), 10)
    equal(earliest(None, None), None)
    equal(earliest(None, 7), 7)
    equal(earliest(7, None), 7)
    equal(earliest(9, 7), 7)
    equal(earliest(4, (1 << 30) - 6), (1 << 30) - 6)  # the one before the wrap


def test_message_ids_count_up_and_wrap():
    device = endpoint(b"\xff\xfe")
    for peer, mid in ((PEER, "ffff"), (OTHER, "0000"), (("192.0.2.3", 5683), "0001")):
        ask(device, peer=peer)
        equal(sent(device)[0][2:4], octets(mid))


def test_a_non_confirmable_request_is_sent_once():
    # nothing says how long its answer may take: NON_LIFETIME, 145 s
    device = endpoint()
    ask(device, type=coap.NON)
    equal(len(sent(device)), 1)
    equal(run(device, 144999), [])
    equal(events(device), [])
    equal(run(device, 145000), [])
    equal(one_event(device)[0], coap.TIMEOUT)


def test_who_sends_it_confirmable_then_waits_for_less():
    # section 4.7 leaves open how long; what is known by its message ID is so for NON_LIFETIME all the same
    parameters = coap.Parameters()
    parameters.non_timeout = 4000
    equal(parameters.non_lifetime, 145000)
    device = endpoint(parameters=parameters)
    ask(device, type=coap.NON)
    equal(len(sent(device)), 1)
    equal(run(device, 3999), [])
    equal(events(device), [])
    run(device, 4000)
    equal(one_event(device)[0], coap.TIMEOUT)


def test_an_acknowledged_request_is_not_sent_again():
    # the response comes separately; it is waited for as long as the whole exchange could last, 93 s
    device = endpoint()
    ask(device)
    sent(device)
    equal(answer(device, "60 00 0001", 1000), [])
    equal(run(device, 93999), [])
    equal(events(device), [])
    run(device, 94000)
    equal(one_event(device)[0], coap.TIMEOUT)


def test_a_separate_response_is_repeated_like_any_confirmable_message():
    device = endpoint()
    answer(device, "41 01 1234 aa")
    kind, incoming, _ = one_event(device)
    equal(run(device, 250), [(250, octets("60 00 1234"))])
    device.respond(incoming, coap.Message(coap.CONTENT), 1000)
    response = octets("41 45 0001 aa")
    equal(sent(device), [response])
    equal(run(device, 200000), [(tick, response) for tick in (3000, 7000, 15000, 31000)])
    equal(events(device), [])  # nobody waits for its end
    equal(device.next_deadline(), None)


def test_nstart_1_sends_one_after_the_other():
    # section 4.7: the second waits until the first has its acknowledgement
    device = endpoint()
    ask(device)
    second = ask(device)
    equal([each[2:4] for each in sent(device)], [octets("0001")])
    equal(answer(device, "60 00 0001", 500), [octets("44 01 0002 00000002")])
    equal(device.next_deadline(), 2500)  # counted from when it went out
    device.cancel(second, 600)


def test_nstart_frees_its_place_at_each_end():
    # response, reset, time-out, cancel: each lets the next one out
    def two():
        device = endpoint()
        first = ask(device)
        ask(device)
        equal(len(sent(device)), 1)
        return device, first

    device, _ = two()
    equal(len(answer(device, "64 45 0001 00000001")), 1)
    device, _ = two()
    equal(len(answer(device, "70 00 0001")), 1)
    device, _ = two()
    equal([tick for tick, each in run(device, 62000) if each[3] == 2], [62000])
    device, first = two()
    device.cancel(first, 0)
    equal(len(sent(device)), 1)


def test_nstart_counts_for_each_peer():
    device = endpoint()
    ask(device, peer=PEER)
    ask(device, peer=OTHER)
    equal(len(sent(device)), 2)


def test_nstart_2_sends_two():
    device = endpoint(parameters=coap.Parameters(nstart=2))
    for _ in range(3):
        ask(device)
    equal(len(sent(device)), 2)
