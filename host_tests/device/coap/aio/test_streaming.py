# SPDX-License-Identifier: MIT
"""Handlers that read a body while it comes (stream=True), and those that answer with a file: on a link in memory."""

import asyncio

import coap
from coap.aio import Context, Failure, Incomplete, Site
from coap.blockwise import ANYWHERE
from coap_pair import File
from coap_scene import PEER
from common import equal

PIECE = bytes(range(64))
LIFETIME = 25  # ms of `quick`: 10 * (2 - 1) * 1.5 + 10


class Wire:
    """A link whose other end is in the test's hands."""

    peer = PEER
    dropped = 0

    def __init__(self):
        self.sent = []
        self._inbox = []
        self._came = asyncio.Event()
        self._went = asyncio.Event()

    async def open(self):
        pass

    async def receive(self):
        while not self._inbox:
            self._came.clear()
            await self._came.wait()
        return self._inbox.pop(0), PEER

    def send(self, octets, address):
        self.sent.append(bytes(octets))
        self._went.set()
        return True

    def close(self):
        pass

    def give(self, message):
        self._inbox.append(bytes(coap.encode(message)))
        self._came.set()

    async def answer(self):
        """The next message that is no empty acknowledgement."""
        while True:
            while not self.sent:
                self._went.clear()
                await asyncio.wait_for(self._went.wait(), 5)
            message = coap.decode(self.sent.pop(0))
            if message.code:
                return message

    async def ask(self, number, more, payload=PIECE, path="/s", mid=None):
        self.give(block(number, more, payload, path, mid))
        return await self.answer()


def block(number, more, payload=PIECE, path="/s", mid=None):
    value = coap.uint_octets(number << 4 | more << 3 | 2)
    options = coap.path_options(path) + [(coap.BLOCK1, value)]
    return coap.Message(coap.PUT, payload, options, mid=mid or number + 1, token=b"\xaa")


def quick():
    parameters = coap.Parameters(10, 1.5, 1)
    parameters.MAX_LATENCY = 0
    return coap.Endpoint(parameters)


def run(site, talk, endpoint=None):
    async def main():
        wire = Wire()
        async with Context(wire, site=site, endpoint=endpoint) as context:
            await talk(wire, context)
            equal((context.endpoint.bodies, context._handlers, context.stats["raised"]), ([], [], 0))

    asyncio.run(main())


def collecting(**named):
    site = Site()
    site.got = []

    @site.put("/s", stream=named.pop("stream", True), **named)
    async def upload(request):
        site.got.append(request.offset)
        equal(bytes(request.payload), b"")
        try:
            async for piece in request:
                site.got.append(piece)
        except Incomplete as error:
            site.got.append("incomplete")
            raise error
        return coap.CREATED

    return site


def test_a_body_comes_piece_by_piece():
    site = collecting()

    async def talk(wire, context):
        for number in range(2):
            message = await wire.ask(number, 1)
            equal((message.code, message.uint(coap.BLOCK1)), (coap.CONTINUE, number << 4 | 10))
        message = await wire.ask(2, 0, b"end")
        equal((message.code, message.uint(coap.BLOCK1)), (coap.CREATED, 0x22))
        equal(site.got, [0, PIECE, PIECE, b"end"])

    run(site, talk)


def test_a_body_in_one_message():
    site = collecting()

    async def talk(wire, context):
        equal((await wire.ask(0, 0, b"x")).code, coap.CREATED)
        wire.give(coap.Message(coap.PUT, b"y", coap.path_options("/s"), mid=7))
        equal((await wire.answer()).code, coap.CREATED)
        wire.give(coap.Message(coap.PUT, b"", coap.path_options("/s"), mid=8))
        equal((await wire.answer()).code, coap.CREATED)

    # what came whole has a payload, too
    site.routes.clear()

    @site.put("/s", stream=True)
    async def upload(request):
        equal(request.offset, 0)
        async for piece in request:
            equal(piece, bytes(request.payload))
            site.got.append(piece)
        return coap.CREATED

    run(site, talk)
    equal(site.got, [b"x", b"y"])


def test_the_next_block_is_asked_for_when_the_handler_is_ready():
    site = Site()
    gate = []

    @site.put("/s", stream=True)
    async def upload(request):
        async for _piece in request:
            await gate[0].wait()
        return 3  # which is no code: 5.00

    async def talk(wire, context):
        gate.append(asyncio.Event())
        wire.give(block(0, 1))
        await asyncio.sleep(0.35)
        equal([coap.decode(each).code for each in wire.sent], [coap.EMPTY])  # acknowledged, no 2.31
        gate[0].set()
        message = await wire.answer()
        equal((message.code, message.type), (coap.CONTINUE, coap.CON))
        wire.give(coap.Message(coap.EMPTY, type=coap.ACK, mid=message.mid))
        equal((await wire.ask(1, 0, b"end")).code, coap.INTERNAL_SERVER_ERROR)

    site.got = []
    run(site, talk)


def test_a_handler_that_ends_early():
    site = Site()

    @site.put("/s", stream=True)
    async def upload(request):
        async for _piece in request:
            return coap.CHANGED

    @site.put("/nothing", stream=True)
    def nothing(request):
        return coap.CHANGED

    @site.put("/raises", stream=True)
    async def raises(request):
        async for _piece in request:
            raise Failure(coap.FORBIDDEN, "enough")

    async def talk(wire, context):
        for path, code in (("/s", coap.CHANGED), ("/nothing", coap.CHANGED), ("/raises", coap.FORBIDDEN)):
            # no Block1: the rest is not wanted
            message = await wire.ask(0, 1, path=path, mid=len(path))
            equal((message.code, message.option(coap.BLOCK1)), (code, None))
            equal((await wire.ask(1, 1, path=path, mid=100 + len(path))).code, coap.REQUEST_ENTITY_INCOMPLETE)
            equal(context.endpoint.bodies, [])

    run(site, talk)


def test_a_handler_that_waits_no_longer():
    # its answer goes to the block that comes then
    site = Site()

    @site.put("/s", stream=True)
    async def upload(request):
        pieces = request.__aiter__()
        await pieces.__anext__()
        try:
            await asyncio.wait_for(pieces.__anext__(), 0.05)
        except asyncio.TimeoutError:
            raise Failure(coap.SERVICE_UNAVAILABLE)

    async def talk(wire, context):
        equal((await wire.ask(0, 1)).code, coap.CONTINUE)
        await asyncio.sleep(0.15)
        equal((await wire.ask(1, 1)).code, coap.SERVICE_UNAVAILABLE)

    run(site, talk)


def test_an_answer_that_no_block_comes_for_is_closed():
    site = Site()
    file = File(b"an answer")

    @site.put("/s", stream=True)
    async def upload(request):
        pieces = request.__aiter__()
        await pieces.__anext__()
        try:
            await asyncio.wait_for(pieces.__anext__(), 0.001)
        except asyncio.TimeoutError:
            return file

    async def talk(wire, context):
        equal((await wire.ask(0, 1)).code, coap.CONTINUE)
        await asyncio.sleep(LIFETIME * 4 / 1000)
        equal((wire.sent, file.closed), ([], 1))

    run(site, talk, quick())


def test_what_is_fetched_is_closed_with_the_context():
    site = collecting()
    file = File(bytes(3000))

    @site.get("/file")
    def get(request):
        return file

    async def main():
        wire = Wire()
        async with Context(wire, site=site) as context:
            wire.give(coap.Message(coap.GET, options=coap.path_options("/file"), mid=9))
            equal(len((await wire.answer()).payload), 1024)
            equal((await wire.ask(0, 1)).code, coap.CONTINUE)
            equal((len(context.endpoint.bodies), file.closed), (2, 0))
        equal((context.endpoint.bodies, file.closed), ([], 1))

    asyncio.run(main())


def test_a_peer_that_goes_silent():
    site = collecting()

    async def talk(wire, context):
        equal((await wire.ask(0, 1)).code, coap.CONTINUE)
        await asyncio.sleep(LIFETIME * 4 / 1000)
        equal(site.got, [0, PIECE, "incomplete"])
        equal(wire.sent, [])

    run(site, talk, quick())
    equal(site.stats["failed"], 1)


def test_a_peer_that_begins_anew():
    site = collecting()

    async def talk(wire, context):
        for number in range(2):
            equal((await wire.ask(number, 1)).code, coap.CONTINUE)
        equal((await wire.ask(0, 1, b"b" * 64, mid=9)).code, coap.CONTINUE)
        equal((await wire.ask(1, 0, b"end", mid=10)).code, coap.CREATED)
        got = [each for each in site.got if each != "incomplete"]
        equal((got, len(site.got)), ([0, PIECE, PIECE, 0, b"b" * 64, b"end"], 7))

    run(site, talk)


def test_a_handler_that_hangs_is_cancelled():
    site = Site()
    ended = []

    @site.put("/s", stream=True)
    async def upload(request):
        try:
            async for _piece in request:
                await asyncio.sleep(60)
        finally:
            ended.append(1)

    async def talk(wire, context):
        wire.give(block(0, 1))
        equal((await wire.answer()).code, coap.INTERNAL_SERVER_ERROR)
        await asyncio.sleep(0.02)
        equal(ended, [1])

    run(site, talk, quick())


def test_an_upload_that_is_resumed():
    async def refused(wire, context):
        equal((await wire.ask(4, 1)).code, coap.REQUEST_ENTITY_INCOMPLETE)

    run(collecting(), refused)
    site = collecting(stream=ANYWHERE)

    async def talk(wire, context):
        equal((await wire.ask(4, 1)).code, coap.CONTINUE)
        equal((await wire.ask(5, 0, b"end")).code, coap.CREATED)
        equal(site.got, [256, PIECE, b"end"])

    run(site, talk)


def test_what_is_refused_before_the_handler_runs():
    # 4.15 at the first block
    site = collecting(consumes=(60,))

    async def talk(wire, context):
        message = block(0, 1)
        message.options.append((coap.CONTENT_FORMAT, b"\x32"))
        wire.give(message)
        equal((await wire.answer()).code, coap.UNSUPPORTED_CONTENT_FORMAT)
        equal(site.got, [])

    run(site, talk)
