# SPDX-License-Identifier: MIT
"""Observing a resource (RFC 7641 section 3), octet by octet; the plugtest list stands in `etsi`.

The request is GET /obs with Observe 0 and token aa, message ID 1: option 6 is `60` (no octet is 0), Uri-Path is
delta 5 from there, `53 6f6273`. A notification with sequence number n and Max-Age m (option 14, delta 8):
`61 n 81 m`, its payload behind `ff`.
"""

import coap
from coap.observe import MAX_OBSERVATIONS, observe
from coap_pair import Seekable
from coap_scene import OTHER, PEER, answer, endpoint, events, octets, one_event, run, sent
from common import Random, equal, raises
from observe_scene import CANCEL, REGISTER, Watch, ack, get, reset


def test_a_cancellation_without_an_answer_ends_it_too():
    watch = Watch(stale=False)
    watch.observation.cancel(get(), 0)
    run(watch.device, 100000)
    equal(one_event(watch.device)[0], coap.TIMEOUT)
    equal(watch.device.observations, [])


def test_a_notification_that_is_not_accepted_comes_again():
    watch = Watch()
    equal(watch.notify(3, "7001", accept=False), [[], b"1"])
    equal(watch.notify(3, "7001", now=3000), [[ack("7001")], b"1"])
    # and once it is accepted, its repetition is acknowledged and not told
    equal(watch.notify(3, "7001", now=4000), [[ack("7001")], None])
    equal(watch.device.stats["duplicates"], 1)


def test_older_notifications_are_not_told():
    # section 3.4: newer is up to 2**23 - 1 ahead, modulo 2**24
    watch = Watch()
    equal(watch.notify(100, "7001")[1], b"1")
    equal(watch.notify(99, "7002"), [[ack("7002")], None])
    equal(watch.notify(100, "7003", type=5), [[], None])
    equal(watch.notify(100 + 2**23, "7004")[1], None)
    equal(watch.notify(99 + 2**23, "7005")[1], b"1")
    equal(watch.notify(2**24 - 1, "7006")[1], b"1")
    equal(watch.notify(0, "7007")[1], b"1")  # around the end


def test_of_events_older_ones_are_told_too():
    watch = Watch(ordered=False)
    equal(watch.notify(100, "7001"), [[ack("7001")], b"1"])
    equal(watch.notify(99, "7002"), [[ack("7002")], b"1"])
    equal(watch.notify(99, "7002"), [[ack("7002")], None])  # a duplicate


def test_128_seconds_later_all_is_newer():
    watch = Watch(stale=False)
    equal(watch.notify(100, "7001", now=1000)[1], b"1")
    equal(watch.notify(50, "7002", now=129000)[1], None)
    equal(watch.notify(50, "7003", now=129001)[1], b"1")


def test_after_days_without_a_word_all_is_newer():
    # Nothing but next_deadline() says when to poll, and a tick comes round again after 6.2 days
    for days in (1, 3, 4, 5, 6, 6.2, 7, 13):
        watch = Watch(stale=False)
        equal(watch.notify(100, "7001", now=1000)[1], b"1")
        now = 1000 + int(days * 86400000)
        run_on(watch.device, 1000, now)
        equal(watch.notify(99, "7002", now=now & 0x1FFFFFFF), [[ack("7002")], b"1"])


def run_on(device, now, until):
    """As run(), over more than half a period of the tick."""
    while now < until:
        now = min(now + 3600000, until)
        run(device, now & 0x1FFFFFFF)


def test_max_age_0_is_no_order_to_ask_without_pause():
    # RFC 7641 section 3.3.1: between 5 and 15 s after Max-Age, at random; a server that says 0 each time, for an hour
    device = endpoint()
    device.random = Random(7).bytes
    observation = observe(device, get(), PEER, 0)
    now = asked = 0
    waits = []
    while now < 3600000 and asked < 1000:
        (request,) = sent(device)
        asked += 1
        answer(device, "6445" + request[2:8].hex() + "60 80 ff 30", now)  # Observe 0, Max-Age 0
        equal([kind for kind, _, _ in events(device)], [coap.RESPONSE])
        deadline = device.next_deadline()
        while True:
            device.poll(deadline)
            if events(device):
                break
            deadline = device.next_deadline()
        waits.append(deadline - now)
        now = deadline
        observation.register(get(), now)
    assert 5000 <= min(waits) < 6000 and 14000 < max(waits) <= 15000, (min(waits), max(waits))
    assert 240 <= asked <= 720, asked


def test_the_peer_is_part_of_the_match():
    watch = Watch()
    equal(answer(watch.device, "44 45 7001" + watch.token + "61 03 ff 31", 0, OTHER), [reset("7001")])
    equal(events(watch.device), [])
    equal(watch.device.stats["unmatched"], 1)


def test_no_observe_in_the_response_means_that_nothing_is_observed():
    device = endpoint()
    observation = observe(device, get(), PEER, 0)
    sent(device)
    equal(answer(device, "64 45 0001 00000001 ff 30"), [])
    equal(one_event(device)[0], coap.RESPONSE)
    equal((observation.established, device.observations), (False, []))


def test_a_registration_that_fails_leaves_nothing():
    for response in ("70 00 0001", "64 84 0001 00000001"):
        device = endpoint()
        observe(device, get(), PEER, 0)
        sent(device)
        answer(device, response)
        equal(device.observations, [])
        equal(len(events(device)), 1)
    device = endpoint()
    observe(device, get(), PEER, 0)
    run(device, 200000)
    equal(one_event(device)[0], coap.TIMEOUT)
    equal(device.observations, [])


def test_a_renewal_without_an_answer_keeps_it():
    watch = Watch(stale=False)
    watch.observation.register(get(), 0)
    run(watch.device, 100000)
    equal(one_event(watch.device)[0], coap.TIMEOUT)
    equal(watch.notify(3, "7001", now=100001)[1], b"1")


def test_the_response_to_a_renewal_may_come_separately():
    watch = Watch(stale=False)
    watch.observation.register(get(), 0)
    sent(watch.device)
    equal(answer(watch.device, "60 00 0002", 0), [])
    equal(answer(watch.device, "44 45 7001" + watch.token + "61 09 ff 39", 0), [ack("7001")])
    equal(one_event(watch.device)[0], coap.RESPONSE)
    equal(watch.notify(10, "7002")[1], b"1")


def test_the_response_to_a_renewal_whose_acknowledgement_was_lost():
    # RFC 7252 section 5.2.2: it acknowledges the request as well, which is not said again
    for kind, said in (("44", [ack("7001")]), ("54", [])):
        watch = Watch(stale=False)
        exchange = watch.observation.register(get(), 0)
        equal(len(sent(watch.device)), 1)
        equal(answer(watch.device, kind + "45 7001" + watch.token + "61 09 ff 39", 100), said)
        told, which, message = one_event(watch.device)
        equal((told, which, bytes(message.payload)), (coap.RESPONSE, exchange, b"9"))
        equal((run(watch.device, 200000), events(watch.device)), ([], []))
        equal(watch.notify(10, "7002", now=200000)[1], b"1")


def test_a_renewal_that_waits_for_its_turn_has_no_response_yet():
    watch = Watch(stale=False)
    watch.device.request(coap.Message(coap.GET), PEER, 0)  # NSTART is 1
    watch.observation.register(get(), 0)
    equal(len(sent(watch.device)), 1)
    equal(watch.notify(3, "7001"), [[ack("7001")], b"1"])


def test_what_comes_while_a_cancellation_is_acknowledged_is_told():
    # The answer to Observe 1 has no Observe (RFC 7641 section 3.6), so that this is none
    watch = Watch()
    watch.observation.cancel(get(), 1000)
    sent(watch.device)
    equal(answer(watch.device, "60 00 0002", 1000), [])
    equal(watch.notify(3, "7001"), [[ack("7001")], b"1"])
    equal(answer(watch.device, "44 45 7002" + watch.token + "ff 31", 1000), [ack("7002")])
    equal(one_event(watch.device)[0], coap.RESPONSE)
    equal(watch.device.observations, [])


def test_a_notification_in_blocks_is_refused():
    # Block2 (23, delta 17 from 6) is `d1 04 08`: number 0, more to come
    watch = Watch()
    equal(watch.notify(3, "7001", more="d1 04 08"), [[reset("7001")], None])
    equal(watch.device.observations, [])


def test_a_notification_in_blocks_for_who_takes_them():
    watch = Watch(blocks=True)
    equal(watch.notify(3, "7001", more="d1 04 08"), [[ack("7001")], b"1"])
    equal(watch.observation.established, True)


# What is observed may come in blocks (RFC 7959 section 2.6): the first response has Observe and the token that
# notifications will have, the requests for the rest have neither. 16 octets a block: Block2 0/1/16 is `d1 04 08`
# behind Observe, 1/0/16 alone `d1 0a 10`; the request's 1/0/16 is 12 behind Uri-Path.
def in_blocks():
    device = endpoint()
    observation = observe(device, get(), PEER, 0, "tag", blocks=True)
    equal(sent(device), [octets("44 01 0001 00000001" + REGISTER)])
    rest = answer(device, "64 45 0001 00000001 61 02 d1 04 08 ff" + "61" * 16)
    equal(rest, [octets("44 01 0002 00000002 b3 6f6273 c1 10")])
    return device, observation


def test_what_is_observed_may_come_in_blocks():
    device, observation = in_blocks()
    equal(answer(device, "64 45 0002 00000002 d1 0a 10 ff 6262"), [])
    kind, _, message = one_event(device)
    equal((kind, bytes(message.payload)), (coap.RESPONSE, b"a" * 16 + b"bb"))
    equal(observation.established, True)
    answer(device, "44 45 7001 00000001 61 03 ff 31", 1000)
    kind, same, message = one_event(device)
    equal((kind, same is observation, bytes(message.payload)), (coap.NOTIFICATION, True, b"1"))
    observation.accept(message, 1000)
    equal(sent(device), [ack("7001")])
    observation.cancel(get(), 2000)  # with the same token: RFC 7641 section 3.6
    equal(sent(device), [octets("44 01 0003 00000001" + CANCEL)])


def test_a_change_while_the_blocks_come():
    # It is not refused, which would end the observation at the peer; nor acknowledged: it comes again.
    device, observation = in_blocks()
    equal(answer(device, "44 45 7001 00000001 61 03 ff 31", 1000), [])
    equal(events(device), [])
    answer(device, "64 45 0002 00000002 d1 0a 10 ff 6262", 1500)
    equal(one_event(device)[0], coap.RESPONSE)
    answer(device, "44 45 7001 00000001 61 03 ff 31", 3000)
    equal(one_event(device)[0], coap.NOTIFICATION)


def test_a_change_while_the_blocks_of_a_renewal_come():
    device, observation = in_blocks()
    answer(device, "64 45 0002 00000002 d1 0a 10 ff 6262")
    one_event(device)
    observation.register(get(), 5000)
    equal(sent(device), [octets("44 01 0003 00000001" + REGISTER)])
    rest = answer(device, "64 45 0003 00000001 61 05 d1 04 08 ff" + "61" * 16, 5000)
    equal(rest, [octets("44 01 0004 00000003 b3 6f6273 c1 10")])
    answer(device, "44 45 7001 00000001 61 06 ff 31", 5500)
    equal(one_event(device)[0], coap.NOTIFICATION)
    answer(device, "64 45 0004 00000003 d1 0a 10 ff 6262", 6000)
    equal(one_event(device)[0], coap.RESPONSE)
    equal((observation.established, observation.token), (True, octets("00000001")))


def test_blocks_that_do_not_end_end_the_observation():
    device, observation = in_blocks()
    # the second block is number 2
    answer(device, "64 45 0002 00000002 d1 0a 20 ff 6262")
    equal(one_event(device)[0], coap.INCOMPLETE)
    equal((observation.stands, device.observations), ("ended", []))
    equal(answer(device, "44 45 7001 00000001 61 03 ff 31", 1000), [reset("7001")])


def test_a_resource_that_changes_while_its_blocks_come():
    device, observation = in_blocks()
    # the second block has another ETag: it begins again, and the first token is still that of the observation
    out = answer(device, "64 45 0002 00000002 41 01 d1 06 10 ff 6262")
    equal(out, [octets("44 01 0003 00000003 b3 6f6273 c0")])
    answer(device, "64 45 0003 00000003 41 01 d1 06 08 ff" + "63" * 16)
    answer(device, "64 45 0004 00000004 41 01 d1 06 10 ff 6464")
    kind, _, message = one_event(device)
    equal((kind, bytes(message.payload)), (coap.RESPONSE, b"c" * 16 + b"dd"))
    equal((observation.established, observation.token), (True, octets("00000001")))


def test_no_more_than_so_many():
    device = endpoint()
    for number in range(MAX_OBSERVATIONS):
        observe(device, get(bytes((number,))), PEER, 0)
        mid = "%04x" % (number + 1)
        sent(device)
        equal(answer(device, "61 45" + mid + "%02x" % number + "61 02 ff 30"), [])
    raises(coap.BusyError, observe, device, get(), PEER, 0)
    equal(len(device.observations), MAX_OBSERVATIONS)


def test_what_it_knows_is_not_taken_for_a_new_token():
    device = endpoint()
    device.random.count = -1  # the next tokens are 0, 1, ...
    observe(device, get(b"\x00\x00\x00\x00"), PEER, 0)
    sent(device)
    answer(device, "64 45 0001 00000000 61 02 ff 30")
    device.request(get(), PEER, 0)
    equal(sent(device), [octets("44 01 0002 00000001 b3 6f6273")])


def test_a_fetch_in_blocks_is_observed_by_its_last_one():
    # RFC 8132 section 2.4; what the request asks for is known with its last block. Separate answers, so that all that
    # has the token of the observation is seen.
    device = endpoint()
    options = [(coap.BLOCK1, b"")]
    observation = observe(device, coap.Message(coap.FETCH, Seekable(bytes(20)), options), PEER, 0)
    equal([each[4:8] for each in sent(device)], [octets("00000002")])
    answer(device, "60 00 0001")
    out = answer(device, "44 5f 7001 00000002 d1 0e 08")
    equal(out[0], octets("60 00 7001"))
    block = coap.decode(out[1])
    equal(
        (block.option(coap.BLOCK1), block.option(coap.OBSERVE), block.token),
        (b"\x10", b"", octets("00000003")),
    )
    answer(device, "64 45 0002 00000003 61 05 d1 08 10 ff 31")
    kind, _, message = one_event(device)
    equal((kind, bytes(message.payload)), (coap.RESPONSE, b"1"))
    equal((observation.established, observation.token), (True, octets("00000003")))
    equal(answer(device, "54 45 7002 00000003 61 06 ff 32"), [])
    equal(one_event(device)[0], coap.NOTIFICATION)
    # a renewal has the token of the observation in each of its blocks
    observation.register(coap.Message(coap.FETCH, Seekable(bytes(20)), options), 5000)
    equal([each[4:8] for each in sent(device)], [octets("00000003")])
    out = answer(device, "64 5f 0003 00000003 d1 0e 08", 5000)
    equal([each[4:8] for each in out], [octets("00000003")])
    answer(device, "64 45 0004 00000003 61 07 d1 08 10 ff 33", 5000)
    equal(one_event(device)[0], coap.RESPONSE)
    equal((observation.established, observation.token), (True, octets("00000003")))
