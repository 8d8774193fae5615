# SPDX-License-Identifier: MIT
"""Requests to observe, acknowledgements and resets, true and mutated, of many peers in any order: no exception, and the
list of observers keeps its bounds and ends empty.
"""

import coap
from coap.observe.server import Observer
from coap_scene import events, octets, sent
from common import Random, equal
from observe_scene import Served

PEERS = [("192.0.2.%d" % host, 5683) for host in range(1, 8)]
OBS = "53 6f6273"
CORPUS = [
    octets("41 01 7001 aa 60" + OBS),  # Observe 0
    octets("41 01 7002 bb 60" + OBS + "c0"),  # in blocks of 16
    octets("51 01 7003 cc 60" + OBS),
    octets("44 01 7004 01020304 60" + OBS + "41 78"),  # with a query
    octets("41 05 7005 dd 60" + OBS + "ff 31"),  # FETCH
    octets("41 01 7006 aa 61 01" + OBS),  # Observe 1
    octets("41 01 7007 aa b3 6f6273 c1 10"),  # the second block
    octets("60 00 0001"),
    octets("60 00 0001"),
    octets("70 00 0001"),
]


def mutated(random):
    data = bytearray(random.choice(CORPUS))
    if random.below(4) == 0:
        for _ in range(1 + random.below(3)):
            at = random.below(len(data))
            if random.below(3) == 0:
                data = data[:at] + data[at + 1 :]
            elif random.below(2):
                data[at] ^= 1 << random.below(8)
            else:
                data[at] = random.below(256)
            if not data:
                return bytearray(1)
    return data


def check_bounds(served):
    device = served.device
    entries = served.list._entries
    assert len(entries) <= 6, len(entries)
    for peer in PEERS:
        mine = [each for each in entries if each.peer == peer]
        assert len(mine) <= 2
        on_air = [each for each in device._exchanges if each.peer == peer and each.state]
        assert len(on_air) <= device.parameters.nstart
    for each in entries:
        assert len(each.mids) <= 4
        assert each.exchange is None or device.is_open(each.exchange)
    assert len(device._queue) <= device.MAX_QUEUE
    assert len(device._events) <= 6 + device.MAX_INCOMING


def work(served, now, random):
    """Answers some of what came in, now or later."""
    for kind, incoming, _ in events(served.device):
        equal(kind, coap.REQUEST)
        if random.below(20):
            served.open.append((now + random.choice((0, 0, 0, 100, 1000, 300000)), incoming))
    for each in served.open[:]:
        if each[0] <= now:
            served.open.remove(each)
            code = coap.NOT_FOUND if not random.below(50) else coap.CONTENT
            payload = b"x" * random.choice((1, 10, 40, 2000))
            served.list.respond(each[1], coap.Message(code, payload), now)


def test_mutated_datagrams():
    random = Random(7641)
    served = Served(device=coap.Endpoint(random=random.bytes), most=6, most_each=2)
    served.open = []
    now = 0
    last = []  # message IDs that went out, and to whom
    asked = 0
    for step in range(15000):
        now += random.choice((0, 1, 20, 300, 3000))
        data, peer = mutated(random), random.choice(PEERS)
        if len(data) >= 4:
            if data[1] == 0 and last and random.below(3):
                mid, peer = random.choice(last)
                data[2:4] = mid
            else:
                data[2:4] = bytes((step >> 8 & 255, step & 255))
        served.device.receive(data, peer, now)
        if random.below(3) == 0:
            served.list.changed("/obs", now, not random.below(4))
        if random.below(2):
            served.device.poll(now)
        work(served, now, random)
        while True:
            item = served.device.outgoing()
            if item is None:
                break
            if item[1] not in PEERS[:3] and coap.decode(bytes(item[0])).type < coap.ACK:  # those are silent
                last = last[-9:] + [(bytes(item[0][2:4]), item[1])]
        asked += len([each for each in served.open if isinstance(each[1], Observer)])
        check_bounds(served)
    stats = served.list.stats
    for name in ("registered", "full", "notified", "skipped", "reset", "silent", "failed"):
        assert stats[name] > 5, stats
    assert asked > 100
    # nobody is there any more: a day and 93 s later nothing is left
    until = now + 2 * 86400000
    while now < until:
        now += 10000 if served.device.next_deadline() is None else 2000
        if served.device.next_deadline() is not None and served.device.next_deadline() > now:
            now = served.device.next_deadline()
        served.device.poll(now)
        work(served, now, random)
        sent(served.device)
    equal(len(served.list), 0)
    equal(served.device.observations, [served.list])
    equal(served.device._exchanges, [])
