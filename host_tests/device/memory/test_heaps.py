# SPDX-License-Identifier: MIT
"""Bodies in blocks, and requests, in a heap that is really used up: host_tests/properties/test_coap_small_heaps.py
runs these in heaps of 112, 128 and 192 KB. What single allocations do when they fail is in test_coap_memory.py.
"""

import gc

import coap
from coap_scene import PEER, endpoint, events, sent
from common import Random, equal

SIZE = 4096
STEP = 64
REQUEST = coap.REQUEST  # here: the module of the kinds takes memory


def block(mid, at, code=coap.POST):
    more = at + STEP < SIZE
    option = coap.uint_octets(at // STEP << 4 | more << 3 | 2)
    payload = bytes((at // STEP & 255,)) * STEP
    return coap.encode(coap.Message(code, payload, [(coap.BLOCK1, option)], mid=mid, token=b"\xaa"))


def transfer(device, mid):
    """One body, each block once; gives the code of the answer that ended it, 2.04 where the body came whole."""
    for at in range(0, SIZE, STEP):
        device.receive(block(mid + at // STEP, at), PEER, mid)
        for _, incoming, message in events(device):
            equal(len(message.payload), SIZE)
            pieces = getattr(message.payload, "pieces", None) or [message.payload]
            equal((sum([len(piece) for piece in pieces]), pieces[0][0]), (SIZE, 0))
            equal(pieces[-1][-1], SIZE // STEP - 1)
            device.respond(incoming, coap.Message(coap.CHANGED), mid)
        assert len(device.seen()._entries) <= device.MAX_DUPLICATES
        (answer,) = sent(device)
        if answer[1] != coap.CONTINUE:
            return answer[1]
    raise AssertionError("the last block was answered with 2.31")


def bodies(threshold):
    if hasattr(gc, "threshold"):
        gc.threshold(threshold)
    device = endpoint()
    for count in range(12):
        # what applications do: garbage, and some of it lives on
        kept = [bytes(count * 7 + i) for i in range(100)]
        equal(transfer(device, 1 + count * 100), coap.CHANGED)
        assert len(kept) == 100
        kept = None  # before the next ones are made
    equal(device.stats["failed"], 0)


def test_bodies():
    bodies(16384)


def test_bodies_without_a_threshold():
    bodies(-1)


def let_go(chain):
    """Takes a chain apart: a word that some part of the interpreter left on its stack holds one piece of it then, and
    not all that hangs on that."""
    while chain is not None:
        chain[0], chain = None, chain[0]


def scatter(size):
    """All of the heap taken in pieces of this size, and every second one given back: there is memory, and none of it in
    a file. Gives what must be held."""
    held = given_back = None
    if not hasattr(gc, "mem_free"):
        return None
    gc.collect()
    try:
        while True:
            held = [held, bytearray(size)]
            given_back = [given_back, bytearray(size)]
    except MemoryError:
        let_go(given_back)
        given_back = None
    gc.collect()
    return held


def scattered(threshold):
    if hasattr(gc, "threshold"):
        gc.threshold(threshold)
    device = endpoint()
    transfer(device, 1)
    for size in (600, 1200, 2400):
        held = scatter(size)
        # pieces of 512 octets find their place where there are gaps for them and for all else, with 4096 in a row
        # nowhere; else the sender is told
        for count in range(3):
            code = transfer(device, 1000 + 100 * count)
            assert code == coap.CHANGED or code == coap.SERVICE_UNAVAILABLE and size < 1000, (size, code)
        let_go(held)
        held = None
        gc.collect()
        assert held is None
        equal(transfer(device, 5000), coap.CHANGED)
        device.poll(300000 + 5000)
        equal((device.bodies, device._incoming), ([], []))


def test_bodies_where_no_two_pieces_lie_side_by_side():
    scattered(16384)


def test_bodies_where_no_two_pieces_lie_side_by_side_without_a_threshold():
    scattered(-1)


def starved(threshold):
    """From nothing to 12 KB free: floods of requests, bodies, responses, our own requests."""
    if hasattr(gc, "threshold"):
        gc.threshold(threshold)
    random = Random(4096)
    device = endpoint()
    datagrams = [bytes(block(i, i % 8 * STEP)) for i in range(40)]
    datagrams += [bytes(coap.encode(coap.Message(coap.POST, bytes(200), mid=100 + i))) for i in range(20)]
    answer = coap.Message(coap.CONTENT, bytes(300))
    question = coap.Message(coap.GET)
    now = 0
    failed = 0
    refused = (MemoryError, coap.BusyError)  # here: a tuple takes memory
    for free in range(0, 12000, 500):
        full = fill(free)
        for _ in range(20):
            now += 50
            device.receive(random.choice(datagrams), PEER, now)
            device.poll(now)
            try:
                device.request(question, PEER, now)
            except refused:
                failed += 1
            event = device.next_event()
            if event and event[0] == REQUEST:
                try:
                    device.respond(event[1], answer, now)
                except MemoryError:
                    failed += 1
            device.outgoing()
        let_go(full)
        full = None
        gc.collect()
        assert full is None and len(device.seen()._entries) <= device.MAX_DUPLICATES
    events(device)
    # all is well again once there is memory and everything old is over
    for _ in range(200):
        deadline = device.next_deadline()
        if deadline is None:
            break
        now = max(now, deadline)
        device.poll(now)
    sent(device)
    events(device)
    device.poll(now + 300000)
    equal((device._exchanges, device._incoming, device.bodies), ([], [], []))
    equal((device.seen()._entries, device.seen()._ids), ([], {}))
    equal(transfer(device, now + 300000 & 0xFF00), coap.CHANGED)


def fill(free):
    """Takes the heap but for so many octets; gives what must be held."""
    if not hasattr(gc, "mem_free"):
        return None
    gc.collect()
    full = None
    for size in (1000, 100, 1):
        try:
            while gc.mem_free() > free + size:
                full = [full, bytearray(size)]
        except MemoryError:
            pass
    return full


def test_a_heap_that_is_used_up():
    starved(16384)


def test_a_heap_that_is_used_up_without_a_threshold():
    starved(-1)
