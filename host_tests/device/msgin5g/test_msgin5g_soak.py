# SPDX-License-Identifier: MIT
# heap: 512k, two devices, their server and their flash lie in it
"""Two devices and a server between them, over links that lose, double and reorder, for days of virtual time.

The server is a script: it accepts, keeps what it must pass on, and passes it on in order. For CoAP it uses the same
endpoint as the devices; what is looked at here is the service above.
"""

import gc

import coap
from coap.compat import earliest, ticks_diff
from common import Random, equal
from msgin5g import CHANGED, Client, MemoryStorage
from msgin5g_scene import HOUR, MINUTE, SECOND, TICKS, configuration

SERVER = ("192.0.2.1", 65401)
NAMES = ("ue:a@x", "ue:b@x")
REPORTED = 3  # every third message wants a report
LARGE = 10  # every tenth goes in segments
PENDING = 3  # messages that a device has in its outbox at once


class Device:
    def __init__(self, number, random):
        config = configuration(
            ue_service_id=NAMES[number], outbox={"messages": 8}, coap={"max_datagram": 512}
        )
        self.address = ("192.0.2.%d" % (10 + number), 40000)
        self.storage = MemoryStorage()
        self.client = Client(config, self.storage, random.bytes)
        self.open = {}  # message ID -> which message, until its end
        self.sent = 0
        self.ends = {}
        self.got = bytearray()
        self.polls = 0


class Server:
    """`known` are the addresses of registered devices; `waiting` holds (body) for each device, in order."""

    def __init__(self, random):
        self.endpoint = coap.Endpoint(random=random.bytes)
        self.known = {}
        self.waiting = ([], [])
        self.on_air = [False, False]
        self.again = [None, None]

    def work(self, now):
        while True:
            event = self.endpoint.next_event()
            if event is None:
                break
            kind, subject, message = event
            if kind == coap.REQUEST:
                code, payload = self.serve(bytes(message.payload), subject.peer)
                self.endpoint.respond(subject, coap.Message(code, payload), now)
                continue
            number = subject.tag
            self.on_air[number] = False
            if kind == coap.RESPONSE and message.code >> 5 in (2, 4):
                self.waiting[number].pop(0)
            else:
                self.again[number] = now + 10 * SECOND
        for number in (0, 1):
            if self.again[number] is not None and ticks_diff(now, self.again[number]) >= 0:
                self.again[number] = None
            ready = self.waiting[number] and not self.on_air[number] and self.again[number] is None
            if ready and number in self.known:
                self.on_air[number] = True
                request = coap.Message(coap.POST, self.waiting[number][0], coap.path_options("/msgin5g"))
                self.endpoint.request(request, self.known[number], now, number)

    def serve(self, body, peer):
        number = peer[0] == "192.0.2.11"
        if b'"msgType":"REG"' in body:
            self.known[number] = peer
            return coap.CHANGED, b'{"result":true,"regExpTime":1800}'
        if number not in self.known:
            return coap.UNAUTHORIZED, b""
        if len(self.waiting[not number]) >= 12:
            return coap.SERVICE_UNAVAILABLE, b""
        self.waiting[not number].append(body)
        return coap.CHANGED, b""

    def next_deadline(self):
        deadline = self.endpoint.next_deadline()
        for again in self.again:
            deadline = earliest(deadline, again)
        return deadline


class World:
    def __init__(self, seed, loss, double):
        self.random = Random(seed)
        self.loss = loss
        self.double = double
        self.now = TICKS - MINUTE
        self.down_until = None
        self.devices = [Device(0, self.random), Device(1, self.random)]
        self.server = Server(self.random)
        self.air = []  # (when it arrives, datagram, from, to)
        for device in self.devices:
            device.client.start(self.tick)
            self.flush()

    @property
    def tick(self):
        return self.now % TICKS

    def flush(self):
        self.server.work(self.tick)
        for device in self.devices:
            self.put(device.client, device.address)
            self.listen(device)
        self.put(self.server.endpoint, SERVER)

    def put(self, source, address):
        while True:
            item = source.outgoing()
            if item is None:
                return
            if self.down_until is not None or self.random.chance(self.loss):
                continue
            to = item[1]
            for _ in range(2 if self.random.chance(self.double) else 1):
                self.air.append((self.now + 20 + self.random.below(300), bytes(item[0]), address, to))

    def listen(self, device):
        client = device.client
        while True:
            event = client.next_event()
            if event is None:
                break
            if event[0] == CHANGED and event[1].final and event[1].message_id in device.open:
                outgoing = event[1]
                number = device.open.pop(outgoing.message_id)
                device.ends[outgoing.state] = device.ends.get(outgoing.state, 0) + 1
                self.check(device, number, outgoing)
        while True:
            message = client.take(self.tick)
            if message is None:
                return
            number = int(message.payload.split(" ")[0])
            equal(message.size, len(str(number)) + 1 + size_of(number))
            while len(device.got) <= number:
                device.got.append(0)
            device.got[number] += 1

    def check(self, device, number, outgoing):
        other = self.devices[device is self.devices[0]]
        times = other.got[number] if number < len(other.got) else 0
        if outgoing.state == "delivered":
            equal(times, 1)
        elif outgoing.state == "failed":
            # SEGCONFIR says so, and the report of the receiver, whichever is there first
            causes = ("the receiver gave up waiting for segments", "segments are missing")
            assert number % LARGE == 0 and outgoing.cause in causes, outgoing
            equal(times, 0)

    def produce(self, count):
        """Each device has some messages in its outbox, as long as there are any left to send."""
        for index, device in enumerate(self.devices):
            while device.sent < count and len(device.open) < PENDING:
                number = device.sent
                report = number % REPORTED == 0
                outgoing = device.client.send(NAMES[1 - index], text_of(number), self.tick, report=report)
                device.open[outgoing.message_id] = number
                device.sent += 1

    def step(self, end):
        """To the next thing that happens; False where there is none before `end`."""
        wait = end - self.now
        sources = [device.client for device in self.devices] + [self.server]
        for source in sources:
            deadline = source.next_deadline()
            if deadline is not None:
                wait = min(wait, max(0, ticks_diff(deadline, self.tick)))
        arrival = min(self.air) if self.air else None
        if arrival and arrival[0] <= self.now + wait:
            self.now = arrival[0]
            self.air.remove(arrival)
            _, datagram, source, to = arrival
            for device in self.devices:
                if device.address == to:
                    device.client.receive(datagram, source, self.tick)
            if to == SERVER:
                self.server.endpoint.receive(datagram, source, self.tick)
        else:
            self.now += wait
            if self.now >= end:
                return False
            for device in self.devices:
                deadline = device.client.next_deadline()
                if deadline is not None and ticks_diff(deadline, self.tick) <= 0:
                    device.client.poll(self.tick)
                    device.polls += 1
            self.server.endpoint.poll(self.tick)
        self.flush()
        return True

    def run(self, ms, count=0):
        end = self.now + ms
        while self.step(end):
            if count:
                self.produce(count)
                if not [device for device in self.devices if device.sent < count or device.open]:
                    break


def text_of(number):
    return "%d %s" % (number, "x" * size_of(number))


def size_of(number):
    return 500 if number % LARGE == 0 else 3


def alloc(world):
    """The heap without what lies in flash on a board, of which there may be 8 KB more or less at any moment."""
    gc.collect()
    flash = sum(
        [sum(map(len, pieces)) for device in world.devices for pieces in device.storage._files.values()]
    )
    return gc.mem_alloc() - flash if hasattr(gc, "mem_alloc") else 0


def soak(seed, loss, double, count, outages):
    if hasattr(gc, "threshold"):
        # Three endpoints in one board's heap: collected often, so that what stays does not lie in between.
        gc.threshold(65536)
    world = World(seed, loss, double)
    used = None
    for part in range(1, 11):
        if outages:
            world.run(world.random.below(60) * SECOND, count * part // 10)
            world.down_until = True
            world.run(world.random.below(180) * SECOND, count * part // 10)
            world.down_until = None
            if part % 4 == 0:
                world.server.known.clear()  # it was restarted
        world.produce(count * part // 10)
        world.run(50 * HOUR, count * part // 10)
        # what is still on its way, from both sides
        world.run(20 * MINUTE)
        if part == 2:
            used = alloc(world)
    grown = alloc(world) - used
    for device in world.devices:
        other = world.devices[device is world.devices[0]]
        equal((device.sent, len(device.open), sum(device.ends.values())), (count, 0, count))
        equal(len(other.got), count)
        failed = device.ends.get("failed", 0)
        equal((max(other.got), other.got.count(b"\0")), (1, failed))
        equal([name for name in device.storage.names() if name[:4] != "log-"], [])
    # `got` grows by an octet a message, and each of the three endpoints may keep up to 4 KB of answers for repeats
    assert grown < 2 * count + 3 * 4096, grown
    # nothing to do but to stay registered, for 1800 s each: a few polls an hour
    for device in world.devices:
        device.polls = 0
    world.loss = world.double = 0
    world.run(10 * HOUR)
    for device in world.devices:
        assert device.polls < 10 * 12, device.polls
    print([device.ends for device in world.devices], "heap", grown, "after", (world.now - TICKS) // HOUR, "h")


def test_clean_links():
    soak(1, 0, 0, 400, False)


def test_lossy_links():
    soak(2, 10, 5, 400, False)


def test_very_lossy_links():
    soak(3, 25, 20, 200, False)


def test_outages_and_restarts():
    soak(4, 5, 5, 400, True)
