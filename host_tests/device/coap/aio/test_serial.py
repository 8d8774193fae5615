# SPDX-License-Identifier: MIT
"""CoAP on a line: a Context whose link is a SerialLink, one at either end."""

import asyncio

import coap
from aio_scene import ended, turns
from coap.aio import Closed, Context, SerialLink, slipmux
from common import equal
from line_scene import line


class Site:
    def prepare(self, endpoint):
        pass

    async def handle(self, context, incoming, message):
        context.respond(incoming, coap.Message(coap.CONTENT, message.path.encode() + bytes(message.payload)))


async def play(act, name=""):
    ends = line()
    server = SerialLink(lambda: ends[1])
    async with Context(server, site=Site()), Context(SerialLink(lambda: ends[0], name=name)) as context:
        await act(context, server, ends)


def test_requests_over_a_line():
    async def act(context, server, ends):
        answer = await context.get("coap+uart:///a/b")
        equal((answer.code, answer.text, answer.peer), (coap.CONTENT, "/a/b", ""))
        octets = bytes([0xC0, 0xDB]) * 200  # each is escaped
        equal(bytes((await context.put("coap+uart:///c", octets)).payload), b"/c" + octets)
        equal(await context.ping("coap+uart:///"), None)
        many = await asyncio.gather(*[context.get("coap+uart:///%d" % number) for number in range(10)])
        equal([each.text for each in many], ["/%d" % number for number in range(10)])
        equal((server.stats["frames"], server.stats["damaged"], server.lost), (13, 0, 0))

    asyncio.run(asyncio.wait_for(play(act), 60))


class Overwritten(SerialLink):
    """Whose octets are overwritten as soon as the next are waited for; `full` of them have no room."""

    seen = bytearray()
    full = 0

    async def receive(self):
        self.seen[:] = b"Z" * len(self.seen)
        octets, peer = await SerialLink.receive(self)
        if self.full:
            self.full -= 1
            return TooLarge(), peer
        self.seen = bytearray(octets)
        return memoryview(self.seen), peer


class TooLarge:
    def __iter__(self):  # where bytes() begins to copy
        raise MemoryError


def test_what_comes_in_is_kept_until_it_is_handled():
    async def act():
        ends = line()
        link = Overwritten(lambda: ends[1])
        link.full = 1
        async with Context(link, site=Site()) as server, Context(SerialLink(lambda: ends[0])) as context:
            asked = [context.put("coap+uart:///%d" % number, b"%d" % number * 300) for number in range(4)]
            answers = await asyncio.gather(*asked)
            equal([bytes(each.payload) for each in answers], [b"/%d" % n + b"%d" % n * 300 for n in range(4)])
            equal(server.endpoint.stats["failed"], 1)  # counted, and sent again

    asyncio.run(asyncio.wait_for(act(), 60))


def test_uris_of_a_line_that_has_a_name():
    async def act(context, server, ends):
        for uri in ("coap+uart:///a", "coap+uart://ttyACM0/a", "COAP+UART://TTYacm0/a"):
            equal((await context.get(uri)).text, "/a")
        for uri, part in (("coap+uart://1/a", "ttyACM0"), ("coap://192.0.2.1/a", "coap+uart")):
            error = await ended(context.get(uri))
            equal((type(error), part in str(error)), (ValueError, True))

    asyncio.run(asyncio.wait_for(play(act, "ttyACM0"), 60))


def test_other_frames_and_noise_pass_by():
    async def act(context, server, ends):
        for octets in (
            b"noise\xc0",
            b"".join(slipmux.encode(slipmux.TEXT, (b"boot",))),
            b"\xc0\xa9half\xdb\xc0",
        ):
            ends[0].write(octets)
        equal((await context.get("coap+uart:///a")).text, "/a")
        equal(server.text("hello"), True)
        equal((await context.get("coap+uart:///b")).text, "/b")

    asyncio.run(asyncio.wait_for(play(act), 60))


def test_a_line_that_ends_is_opened_again():
    async def main():
        from coap.aio import serial

        said, ends, later = [], line(), line()
        opened = [ends[0], OSError("unplugged"), later[0]]

        def open_line():
            end = opened.pop(0)
            if isinstance(end, OSError):
                raise end
            return end

        real = serial.sleep_ms
        serial.sleep_ms = lambda ms: real(0)
        try:
            link = SerialLink(open_line, name="0")
            link.tell = lambda text, *values: said.append(text % values)
            async with Context(SerialLink(lambda: later[1]), site=Site()), Context(link) as context:
                await asyncio.sleep(0)
                ends[1].close()
                while opened:
                    await asyncio.sleep(0.001)
                equal((await context.get("coap+uart://0/a")).text, "/a")
                equal((link.lost, said), (1, ["0: the line ended", "0 is back"]))
            equal(type(await ended(context.get("coap+uart://0/a"))), Closed)
        finally:
            serial.sleep_ms = real

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_link_may_be_used_in_one_event_loop_after_the_other():
    ends = line(), line()
    near = SerialLink(lambda: ends[len(played)][0])
    far = SerialLink(lambda: ends[len(played)][1])
    played = []

    async def main():
        async with Context(far, site=Site()), Context(near) as opened:
            await turns()
            for _ in range(2):
                equal((await opened.get("coap+uart:///a", timeout=20)).text, "/a")

    while len(played) < 2:
        asyncio.run(asyncio.wait_for(main(), 60))
        played.append(True)


class Out:
    """The half of a line that is written to."""

    def __init__(self):
        self.octets = b""
        self.writes = 0
        self.closed = False

    def write(self, octets):
        self.writes += 1
        self.octets += bytes(octets)
        return len(octets)

    def close(self):
        self.closed = True


def halves(reads, writes):
    return lambda: (reads, writes)


def test_a_frame_that_was_made_ahead_goes_out_at_once():
    async def act():
        for octets in (b"a datagram", bytes(range(256)) * 4):
            frame = b"".join(slipmux.encode(slipmux.COAP, (octets,)))
            ends, out = line(), Out()
            link = SerialLink(halves(ends[0], out))
            await link.open()
            link.prepare(octets)
            equal(out.octets, b"")
            equal(link.send(octets, ""), True)
            equal((out.octets, out.writes), (frame, 1))  # before any task has its turn
            link.prepare(octets)
            link.send(b"another", "")
            await turns()
            equal(out.octets, frame + b"".join(slipmux.encode(slipmux.COAP, (b"another",))))
            link.close()
            equal(out.closed, True)
            ends[1].close()

    asyncio.run(asyncio.wait_for(act(), 60))


def test_the_rest_of_a_frame_made_ahead_keeps_its_place():
    async def act():
        ends = line()
        link = SerialLink(lambda: ends[0])
        await link.open()
        octets = bytes(range(256)) * 4
        link.send(b"one", "")
        link.prepare(octets)
        link.send(octets, "")  # the line has one before it
        link.send(b"three", "")
        await turns()
        frames = [slipmux.encode(slipmux.COAP, (each,)) for each in (b"one", octets, b"three")]
        equal(ends[1].read(4096), b"".join([b"".join(frame) for frame in frames]))
        link.close()
        ends[1].close()

    asyncio.run(asyncio.wait_for(act(), 60))


def test_a_half_of_a_line_that_is_full_takes_the_rest_later():
    async def act():
        ends = line()
        if not hasattr(ends[0], "other"):
            return  # of MicroPython: CPython waits for what the system knows
        octets = bytes(range(256)) * 4
        frame = b"".join(slipmux.encode(slipmux.COAP, (octets,)))
        ends[0].most = 100
        link = SerialLink(lambda: ends[0])
        await link.open()
        link.prepare(octets)
        link.send(octets, "")
        got = b""
        while len(got) < len(frame):
            await turns()
            got += ends[1].read(4096) or b""
        equal(got, frame)
        link.close()

    asyncio.run(asyncio.wait_for(act(), 60))
