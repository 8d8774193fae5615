# SPDX-License-Identifier: MIT
"""The CoAP plugtest list (ETSI, TD_COAP_OBS_*) with our endpoint as server, octet by octet.

The request is GET /obs with Observe 0, message ID 7001 and token aa. The resource is text/plain: Content-Format 0 is
`60` behind Observe, `c0` without it. Its first sequence number is 2; the first message ID of ours is 1.
"""

import coap
from coap.exchange import SENT
from coap_scene import OTHER, PEER, endpoint, octets
from common import Random, equal
from observe_scene import CANCEL, REGISTER, Air, Served, Watcher

PLAIN = [(coap.CONTENT_FORMAT, b"")]


def observed(unconfirmed=0):
    """/obs is observed, and has changed twice; so far each notification was acknowledged, after 10 ms."""
    served = Served(unconfirmed=unconfirmed)
    served.options = PLAIN
    equal(served.register(), [octets("61 45 7001 aa 61 02 60 ff 30")])
    equal(served.change(b"1", 5000), [octets("41 45 0001 aa 61 03 60 ff 31")])
    equal(served.hear("60 00 0001", 5010), [])
    if not unconfirmed:
        equal(served.change(b"2", 10000), [octets("41 45 0002 aa 61 04 60 ff 32")])
        equal(served.hear("60 00 0002", 10010), [])
    return served


def silent(served, now):
    """Nobody observes any more."""
    equal(len(served.list), 0)
    equal(served.change(b"9", now), [])
    equal(served.run(now + 400000), [])


def test_td_coap_obs_01_server():
    served = observed()
    equal(served.change(b"3", 15000), [octets("41 45 0003 aa 61 05 60 ff 33")])


def test_td_coap_obs_02_server():
    # a non-confirmable request has a non-confirmable response. The first notification is confirmable, which the list
    # allows now and then
    served = Served()
    served.options = PLAIN
    equal(served.register(type="51"), [octets("51 45 0001 aa 61 02 60 ff 30")])
    equal(served.change(b"1", 5000), [octets("41 45 0002 aa 61 03 60 ff 31")])
    equal(served.hear("60 00 0002", 5010), [])
    for number in range(5):
        equal(
            served.change(b"2", 10000 + 5000 * number),
            [octets("51 45 000%d aa 61 0%d 60 ff 32" % (3 + number, 4 + number))],
        )


def test_td_coap_obs_04_server():
    # restarted: no notifications any more, and the same token registers anew
    observed()
    served = Served()
    served.options = PLAIN
    equal(served.change(b"3", 15000), [])
    equal(served.register("7002", now=80000), [octets("61 45 7002 aa 61 02 60 ff 33")])
    equal(served.change(b"4", 85000), [octets("41 45 0001 aa 61 03 60 ff 34")])


def test_td_coap_obs_05_server():
    # the client is off: repeated with a new Observe value each time that it has changed, then no more
    served = observed()
    out = [(15000, each) for each in served.change(b"3", 15000)]
    for number in range(4, 40):
        out += served.run(15000 + 5000 * (number - 3))
        served.value = b"%d" % number
        served.list.changed("/obs", 15000 + 5000 * (number - 3))
        served.answer(15000 + 5000 * (number - 3))
    # after 2, 4, 8, 16 s; each time the newest state, with a message ID of its own where it is another one
    equal([tick for tick, _ in out], [15000, 17000, 21000, 29000, 45000])
    equal([each[-1:] for _, each in out], [b"3", b"3", b"4", b"5", b"8"])
    equal([each[2:4] for _, each in out], [b"\0\x03", b"\0\x03", b"\0\x04", b"\0\x05", b"\0\x06"])
    equal([each[6] for _, each in out], [5, 5, 6, 7, 8])
    silent(served, 300000)


def test_td_coap_obs_06_server():
    served = observed()
    equal(len(served.change(b"3", 15000)), 1)
    equal(served.hear("70 00 0003", 15010), [])
    silent(served, 20000)


def test_td_coap_obs_07_server():
    # deleted: 4.04 without Observe
    served = observed()
    served.code, served.options = coap.NOT_FOUND, ()
    equal(served.change(b"", 15000), [octets("41 84 0003 aa")])
    equal(served.hear("60 00 0003", 15010), [])
    silent(served, 20000)


def test_td_coap_obs_08_server():
    # another Content-Format, 50: 4.06 without Observe
    served = observed()
    served.options = [(coap.CONTENT_FORMAT, b"\x32")]
    equal(served.change(b"{}", 15000), [octets("41 86 0003 aa")])
    equal(served.hear("60 00 0003", 15010), [])
    silent(served, 20000)


def test_td_coap_obs_09_server():
    # changed by somebody, the next notification has the new value
    served = observed()
    equal(served.change(b"by hand", 15000), [octets("41 45 0003 aa 61 05 60 ff") + b"by hand"])


def test_td_coap_obs_10_server():
    served = observed()
    equal(served.hear("41 01 7002 bb b3 6f6273", 12000), [octets("61 45 7002 bb c0 ff 32")])
    equal(served.change(b"3", 15000), [octets("41 45 0003 aa 61 05 60 ff 33")])


def test_td_coap_obs_11_server():
    # lossy: never two notifications to acknowledge at a time
    for seed in range(5):
        served = Served(unconfirmed=0)
        watcher = Watcher(endpoint(b"\x10\x00"), PEER)
        air = Air({PEER: served, OTHER: watcher}, Random(100 + seed), loss=20, latency=(20, 400))
        most = 0
        for number in range(300):
            if number % 10 == 0:
                served.value = b"%d" % number
                served.list.changed("/obs", air.now)
            air.run(air.now + 500)
            on_air = [each for each in served.device._exchanges if each.state == SENT]
            most = max(most, len(on_air))
        equal(most, 1)
        air.run(air.now + 100000)
        equal(watcher.value, b"290")


def test_td_coap_obs_12_server():
    served = observed()
    equal(served.hear("41 01 7002 aa" + CANCEL, 12000), [octets("61 45 7002 aa c0 ff 32")])
    silent(served, 15000)


def large(size):
    """/obs is observed in blocks of 16, and has `size` octets; 1/0/16 is `c1 10` behind Uri-Path in a request."""
    served = Served(unconfirmed=0)
    served.value = b"a" * size
    return served


def test_td_coap_obs_13_server():
    # Block2 0/0/16 is delta 12 from Uri-Path, empty: `c0`. What is larger has its first block in the notification, and
    # the rest is asked for without Observe
    served = large(18)
    (first,) = served.hear("41 01 7001 aa" + REGISTER + "c0")
    message = coap.decode(first)
    equal(
        (message.uint(coap.OBSERVE), message.option(coap.BLOCK2), bytes(message.payload)),
        (2, b"\x08", b"a" * 16),
    )
    (rest,) = served.hear("41 01 7002 bb b3 6f6273 c1 10")
    message = coap.decode(rest)
    equal(
        (message.uint(coap.OBSERVE), message.option(coap.BLOCK2), bytes(message.payload)),
        (None, b"\x10", b"aa"),
    )
    (first,) = served.change(b"b" * 17 + b"c", 5000)
    message = coap.decode(first)
    equal((message.type, message.uint(coap.OBSERVE)), (coap.CON, 3))
    equal((message.option(coap.BLOCK2), bytes(message.payload)), (b"\x08", b"b" * 16))
    served.hear("60 00 0001", 5010)
    (rest,) = served.hear("41 01 7003 bb b3 6f6273 c1 10", 5020)
    equal(bytes(coap.decode(rest).payload), b"bc")


def test_td_coap_obs_14_server():
    # of variable size: one block, and no more follows, where it is small
    served = large(18)
    served.hear("41 01 7001 aa" + REGISTER + "c0")
    for number, size, block in ((1, 5, b""), (2, 40, b"\x08"), (3, 16, b"")):
        (datagram,) = served.change(b"b" * size, 5000 * number)
        message = coap.decode(datagram)
        equal((message.option(coap.BLOCK2), len(message.payload)), (block, min(size, 16)))
        served.hear("60 00 000%d" % number, 5000 * number + 10)
