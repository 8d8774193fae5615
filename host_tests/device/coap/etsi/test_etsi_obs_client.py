# SPDX-License-Identifier: MIT
"""The CoAP plugtest list (ETSI, TD_COAP_OBS_*) with our endpoint as client, octet by octet.

The request is GET /obs with Observe 0. A notification with sequence number n has option 6, `61 n`, its payload stands
behind `ff`.
"""

import coap
from coap.observe import observe
from coap_scene import OTHER, PEER, answer, endpoint, events, octets, one_event, run, sent
from common import Random, equal
from observe_scene import CANCEL, REGISTER, Air, Served, Watch, Watcher, ack, get, reset


def test_td_coap_obs_01_client():
    # confirmable notifications: each is acknowledged and told
    watch = Watch()
    equal(watch.notify(3, "7001"), [[ack("7001")], b"1"])
    equal(watch.notify(4, "7002", "32"), [[ack("7002")], b"2"])


def test_td_coap_obs_02_client():
    # non-confirmable ones are told and not acknowledged
    watch = Watch()
    equal(watch.notify(3, "7001", type=5), [[], b"1"])
    equal(watch.notify(4, "7002", "32", type=5), [[], b"2"])


def test_td_coap_obs_04_client():
    # Max-Age 20 s passes: the layer above is told once, and registers again with the same token
    watch = Watch("81 14")
    device = watch.device
    # RFC 7641 section 3.3.1: a random time between 5 and 15 s after that; chance is at its least here
    equal(device.next_deadline(), 25000)
    run(device, 24999)
    equal(events(device), [])
    run(device, 60000)
    equal(events(device), [(coap.STALE, watch.observation, None)])
    watch.observation.register(get(), 60000)
    equal(sent(device), [octets("44 01 0002" + watch.token + REGISTER)])
    # the server began anew, at 1: what has a lower number than before is new all the same
    equal(answer(device, "64 45 0002" + watch.token + "61 01 81 14 ff 35", 60000), [])
    equal(one_event(device)[0], coap.RESPONSE)
    equal(watch.notify(2, "7001", now=61000), [[ack("7001")], b"1"])
    # without Max-Age it is 60 s (RFC 7252 section 5.10.5), counted from the last one
    equal(device.next_deadline(), 126000)


def test_td_coap_obs_05_client():
    # switched off in the middle: what nobody takes note of is not acknowledged
    watch = Watch()
    equal(watch.notify(3, "7001")[1], b"1")
    for now in (2000, 4000, 8000):
        equal(watch.notify(4, "7002", accept=False, now=now)[0], [])


def test_td_coap_obs_06_client():
    # forgotten without a word: the next notification gets Reset
    watch = Watch()
    watch.observation.forget()
    equal(watch.device.next_deadline(), None)
    equal(watch.notify(3, "7001"), [[reset("7001")], None])
    equal(watch.notify(4, "7002", type=5), [[reset("7002")], None])
    equal(watch.device.observations, [])


def test_td_coap_obs_07_client():
    # the resource was deleted: 4.04 without Observe ends it
    watch = Watch()
    equal(watch.notify(None, "7001", code="84"), [[ack("7001")], b"1"])
    equal(watch.observation.established, False)
    equal(watch.notify(4, "7002"), [[reset("7002")], None])


def test_td_coap_obs_08_client():
    # another Content-Format: 4.06 without Observe ends it
    watch = Watch()
    equal(watch.notify(None, "7001", code="86"), [[ack("7001")], b"1"])
    equal(watch.observation.established, False)
    equal(watch.device.observations, [])


def test_td_coap_obs_09_client():
    # the resource changes under way: what is told is what it is in the end
    watch = Watch()
    told = [watch.notify(n, "70%02x" % n, "3%d" % n)[1] for n in range(3, 8)]
    equal(told, [b"3", b"4", b"5", b"6", b"7"])


def test_td_coap_obs_10_client():
    # a GET without Observe has another token, and the observation goes on
    watch = Watch()
    equal(watch.notify(3, "7001")[1], b"1")
    watch.device.request(get(), PEER, 1000)
    equal(sent(watch.device), [octets("44 01 0002 00000002 b3 6f6273")])
    equal(answer(watch.device, "64 45 0002 00000002 ff 31", 1000), [])
    equal(one_event(watch.device)[0], coap.RESPONSE)
    equal(watch.notify(4, "7002", "32"), [[ack("7002")], b"2"])


def test_td_coap_obs_11_client():
    # lossy: what is told is never older than what was told before, and in the end it is what is there
    for seed in range(5):
        served = Served(unconfirmed=0)
        watcher = Watcher(endpoint(b"\x10\x00"), PEER)
        air = Air({PEER: served, OTHER: watcher}, Random(seed), loss=20, latency=(20, 400))
        for number in range(30):
            served.value = b"%d" % number
            served.list.changed("/obs", air.now)
            air.run(air.now + 5000)
        air.run(air.now + 100000)
        equal(watcher.value, b"29")
        told = [int(value) for value in watcher.told]
        equal(told, sorted(told))
        assert len(told) > 15, told


def test_td_coap_obs_12_client():
    # a GET with Observe 1 and the same token; what comes before its answer is still told
    watch = Watch()
    watch.observation.cancel(get(), 1000)
    equal(sent(watch.device), [octets("44 01 0002" + watch.token + CANCEL)])
    equal(watch.notify(3, "7001"), [[ack("7001")], b"1"])
    equal(answer(watch.device, "64 45 0002" + watch.token + "ff 31", 1000), [])
    kind, _, message = one_event(watch.device)
    equal((kind, bytes(message.payload)), (coap.RESPONSE, b"1"))
    equal(watch.device.observations, [])
    equal(watch.device.next_deadline(), None)
    equal(watch.notify(4, "7002"), [[reset("7002")], None])


def test_td_coap_obs_13_client():
    # a large resource: first response and notifications have their first block, Block2 0/1/16 is `d1 04 08` behind
    # Observe; the rest is asked for without Observe and under another token. 1/0/16 alone is `d1 0a 10`, in a request
    # behind Uri-Path `c1 10`
    device = endpoint()
    observation = observe(device, get(), PEER, 0, blocks=True)
    equal(sent(device), [octets("44 01 0001 00000001" + REGISTER)])
    rest = answer(device, "64 45 0001 00000001 61 02 d1 04 08 ff" + "61" * 16)
    equal(rest, [octets("44 01 0002 00000002 b3 6f6273 c1 10")])
    equal(answer(device, "64 45 0002 00000002 d1 0a 10 ff 6262"), [])
    equal(bytes(one_event(device)[2].payload), b"a" * 16 + b"bb")
    # it changes: the first block is told, and `register` fetches the whole anew
    equal(answer(device, "44 45 7001 00000001 61 03 d1 04 08 ff" + "63" * 16, 1000), [])
    kind, _, message = one_event(device)
    equal((kind, bytes(message.payload)), (coap.NOTIFICATION, b"c" * 16))
    observation.accept(message, 1000)
    equal(sent(device), [ack("7001")])
    observation.register(get(), 1000)
    equal(sent(device), [octets("44 01 0003 00000001" + REGISTER)])
    answer(device, "64 45 0003 00000001 61 04 d1 04 08 ff" + "63" * 16, 1100)
    equal(sent(device), [])
    answer(device, "64 45 0004 00000003 d1 0a 10 ff 6464", 1200)
    equal(bytes(one_event(device)[2].payload), b"c" * 16 + b"dd")


def test_td_coap_obs_14_client():
    # of variable size: in blocks, then in one datagram, then in blocks
    device = endpoint()
    observation = observe(device, get(), PEER, 0, blocks=True)
    sent(device)
    answer(device, "64 45 0001 00000001 61 02 d1 04 08 ff" + "61" * 16)
    answer(device, "64 45 0002 00000002 d1 0a 10 ff 6262")
    equal(len(bytes(one_event(device)[2].payload)), 18)
    for number, more, size in ((3, "", 5), (4, "d1 04 08", 16), (5, "", 2)):
        answer(device, "44 45 700%d 00000001 61 0%d %s ff" % (number, number, more) + "63" * size, 1000)
        _, _, message = one_event(device)
        equal((len(message.payload), message.option(coap.BLOCK2) is not None), (size, bool(more)))
        observation.accept(message, 1000)
        equal(sent(device), [ack("700%d" % number)])
