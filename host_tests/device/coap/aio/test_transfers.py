# SPDX-License-Identifier: MIT
"""Bodies in blocks as a Context has them: into a file, from an octet on, of a size, as a stream, from a file."""

import asyncio

import coap
from aio_scene import PEER, URI, Link, ended, run
from coap.aio import Incomplete
from coap_pair import File, Seekable, Sink, pattern
from common import equal

BODY = pattern(3000)


class Server:
    """An endpoint at the other end of a link, which serves `body` and keeps what is put there."""

    def __init__(self, body=BODY, etag=b"1", **named):
        self.body = body
        self.etag = etag
        self.got = []
        self.blocks = []  # (Block1, Block2) of each request
        self.error = None
        self._endpoint = coap.Endpoint(**named)

    def link(self):
        link = Link()
        link.send = lambda octets, address: self._take(link, octets)
        return link

    def _take(self, link, octets):
        now = len(self.blocks)
        message = coap.decode(bytes(octets))
        self.blocks.append((message.option(coap.BLOCK1), message.option(coap.BLOCK2)))
        self._endpoint.receive(bytes(octets), PEER, now)
        while True:
            event = self._endpoint.next_event()
            if event is None:
                break
            self._endpoint.respond(event[1], self._serve(event[2]), now)
        while True:
            item = self._endpoint.outgoing()
            if item is None:
                return True
            link.come(item[0])

    def _serve(self, message):
        if self.error:
            return coap.Message(self.error, b"why")
        if message.code == coap.GET:
            return coap.Message(coap.CONTENT, self.body, [(coap.ETAG, self.etag)])
        self.got.append(bytes(message.payload))
        return coap.Message(coap.CHANGED, self.body)


def talk(act, server, **options):
    run(act, server.link, **options)


def test_a_body_into_a_file():
    server = Server()

    async def act(context, link):
        sink = Sink()
        answer = await context.get(URI + "a", into=sink)
        equal((answer.code, answer.payload, answer.length, answer.etag), (coap.CONTENT, b"", 3000, b"1"))
        equal((sink.octets == BODY, sink.writes), (True, 3))
        # of any length, where else 4096 are taken
        server.body = pattern(9000)
        sink = Sink()
        answer = await context.get(URI + "a", into=sink)
        equal((sink.octets == server.body, answer.length), (True, 9000))
        error = await ended(context.get(URI + "a"))
        equal(type(error), Incomplete)
        assert "max_body" in str(error), error
        server.error = coap.NOT_FOUND
        sink = Sink()
        answer = await context.get(URI + "a", into=sink)
        equal((answer.code, answer.text, sink.octets), (coap.NOT_FOUND, "why", b""))
        server.error = None
        error = await ended(context.get(URI + "a", into=Sink(fails=1)))
        equal(type(error), Incomplete)
        assert "28" in str(error), error

    talk(act, server)


def test_from_an_octet_on():
    body = pattern(1300)
    server = Server(body)

    async def act(context, link):
        for offset in (0, 1, 15, 16, 1000, 1023, 1024, 1100, 1299):
            for block in (None, 16, 100, 5000):
                if block == 16 and offset < 1000:
                    continue
                answer = await context.get(URI + "a", offset=offset, block=block)
                equal((answer.code, bytes(answer.payload) == body[offset:]), (coap.CONTENT, True))
                equal(answer.length, 1300 - offset)
                sink = Sink(short=100)
                answer = await context.get(URI + "a", offset=offset, block=block, into=sink)
                equal((answer.length, sink.octets == body[offset:]), (1300 - offset, True))
        # behind the end: what the server says
        answer = await context.get(URI + "a", offset=5000)
        equal(answer.code, coap.BAD_REQUEST)
        for keywords, part in (({"offset": -1}, "offset"), ({"block": 15}, "block"), ({"block": 0}, "block")):
            error = await ended(context.get(URI + "a", **keywords))
            equal((type(error), part in str(error)), (ValueError, True))
        error = await ended(context.put(URI + "a", b"", block=1))
        equal(type(error), ValueError)

    talk(act, server)


def test_from_an_octet_on_of_a_server_that_has_no_blocks():
    """Its 2.05 without Block2 is the whole."""
    from aio_scene import answering, reply

    async def act(context, link):
        answer = await context.get(URI + "a", offset=3)
        equal((bytes(answer.payload), answer.length), (b"defg", 4))

    run(act, lambda: answering(Link(), lambda message: reply(message, payload=b"abcdefg")))


def test_the_size_of_blocks():
    server = Server(body=b"")

    async def act(context, link):
        await context.put(URI + "a", pattern(200), block=100)
        equal(server.blocks, [(b"\x0a", None), (b"\x1a", None), (b"\x2a", None), (b"\x32", b"\x02")])
        equal(server.got, [pattern(200)])
        server.blocks = []
        server.body = pattern(100)
        answer = await context.get(URI + "a", block=64)
        equal(bytes(answer.payload), pattern(100))
        equal(server.blocks, [(None, b"\x02"), (None, b"\x12")])

    talk(act, server)


def test_a_link_of_small_datagrams_asks_for_small_blocks():
    server = Server()

    async def act(context, link):
        equal((await context.get(URI + "a")).payload == BODY, True)
        equal(server.blocks[0], (None, b"\x02"))
        server.body = b"done"
        await context.put(URI + "a", BODY)
        equal(server.got == [BODY], True)
        server.body = BODY
        sink = Sink()
        await context.post(URI + "a", BODY, into=sink)
        equal(sink.octets == BODY, True)

    talk(act, server, endpoint=coap.Endpoint(max_datagram=160))


def test_files_as_payloads():
    server = Server(body=b"")

    async def act(context, link):
        for payload in (File(BODY), Seekable(BODY), BODY, bytearray(BODY), memoryview(BODY)):
            answer = await context.put(URI + "a", payload)
            equal((answer.code, server.got[-1] == BODY), (coap.CHANGED, True))
        await context.put(URI + "a", "text")
        equal(server.got[-1], b"text")
        error = await ended(context.put(URI + "a", File("a text file")))
        equal((type(error), "bytes" in str(error)), (ValueError, True))

    talk(act, server)


def test_a_file_may_be_sent_again():
    server = Server(body=b"")
    take = server._take

    async def act(context, link):
        for body in (BODY, b"short"):
            for block in (None, 64):
                file = Seekable(b"head" + body)
                file.seek(4)
                # refused, too late, cancelled, failed in the middle
                server.error = coap.SERVICE_UNAVAILABLE
                equal((await context.put(URI + "a", file, block=block)).code, coap.SERVICE_UNAVAILABLE)
                equal(file.at, 4)
                server.error = None
                link.send = lambda octets, address: True
                error = await ended(context.put(URI + "a", file, block=block, timeout=0.01))
                equal((type(error) is asyncio.TimeoutError, file.at), (True, 4))
                task = asyncio.create_task(context.put(URI + "a", file, block=block))
                await asyncio.sleep(0.01)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                equal((file.at, context.endpoint._exchanges), (4, []))
                link.send = lambda octets, address: take(link, octets)
                answer = await context.put(URI + "a", file, block=block)
                equal((answer.code, server.got[-1] == body), (coap.CHANGED, True))

    talk(act, server)


def test_a_file_that_becomes_shorter_is_not_sent_as_the_whole():
    class Shrinking(Seekable):
        def read(self, size):
            if self.at > 1024:
                self.octets = self.octets[:2500]
            return super().read(size)

    server = Server(body=b"")

    async def act(context, link):
        error = await ended(context.put(URI + "a", Shrinking(BODY)))
        equal((type(error), server.got), (Incomplete, []))
        assert "shorter" in str(error), error

    talk(act, server)


def test_what_is_no_payload_and_no_etag():
    async def act(context, link):
        for payload in (None, 5, {"a": 1}, [1, 2]):
            error = await ended(context.put(URI + "a", payload))
            equal((type(error), "payload" in str(error)), (ValueError, True))
        # RFC 7252 table 4: ETag has 1 to 8 octets, If-Match none to 8
        for keywords in (
            {"etag": b""},
            {"etag": "1"},
            {"etag": [b"1", "2"]},
            {"etag": bytes(9)},
            {"if_match": bytes(9)},
        ):
            error = await ended(context.get(URI + "a", **keywords))
            equal((type(error), "ETag" in str(error)), (ValueError, True))
        equal(server.blocks, [])
        server.error = coap.FORBIDDEN
        equal((await context.put(URI + "a", b"x", if_match=b"")).code, coap.BAD_OPTION)

    server = Server()
    talk(act, server)


def test_a_stream():
    server = Server()

    async def act(context, link):
        pieces = []
        stream = context.stream(URI + "a")
        equal(server.blocks, [])
        async for piece in stream:
            pieces.append(piece)
            # the next block is asked for when it is wanted, and nothing is open meanwhile
            equal((len(server.blocks), context.endpoint._exchanges), (len(pieces), []))
        equal(([len(piece) for piece in pieces], b"".join(pieces) == BODY), ([1024, 1024, 952], True))
        equal((stream.position, stream.size, stream.etag), (3000, 3000, b"1"))
        equal(stream.response.code, coap.CONTENT)
        async for _ in stream:
            raise AssertionError("there is no more")

    talk(act, server)


def test_a_stream_from_an_octet_on():
    server = Server()

    async def act(context, link):
        for offset in (1, 1000, 1024, 2999):
            for block in (None, 64):
                got = b""
                async for piece in context.stream(URI + "a", offset=offset, block=block):
                    got += piece
                equal(got == BODY[offset:], True)

    talk(act, server)


def test_a_stream_that_changes_or_fails():
    server = Server()

    async def rest(stream):
        got = b""
        async for piece in stream:
            got += piece
            server.etag = b"2"
        return got

    async def act(context, link):
        stream = context.stream(URI + "a")
        error = await ended(rest(stream))
        equal((type(error), stream.position), (Incomplete, 1024))
        assert "changed" in str(error), error
        equal(error.response.etag, b"2")
        # going on where it was broken off, if it is still the same
        stream = context.stream(URI + "a", offset=1024, etag=b"1")
        equal(type(await ended(rest(stream))), Incomplete)
        stream = context.stream(URI + "a", offset=1024, etag=b"2")
        equal((await rest(stream)) == BODY[1024:], True)
        server.error = coap.NOT_FOUND
        error = await ended(rest(context.stream(URI + "a")))
        equal((type(error), error.response.code), (Incomplete, coap.NOT_FOUND))
        for keywords in ({"offset": -1}, {"block": 8}, {"accept": -1}):
            try:
                context.stream(URI + "a", **keywords)
            except ValueError:
                continue
            raise AssertionError(keywords)

    talk(act, server)


def test_a_short_stream_and_an_empty_one():
    async def act(context, link):
        for body in (b"", b"x", pattern(1024)):
            server.body = body
            got = b""
            async for piece in context.stream(URI + "a"):
                assert piece
                got += piece
            equal(got, body)

    server = Server()
    talk(act, server)


def test_several_at_once():
    server = Server()

    async def stream(context):
        got = b""
        async for piece in context.stream(URI + "a"):
            got += piece
        return got == BODY

    async def act(context, link):
        sinks = [Sink() for _ in range(3)]
        jobs = [context.get(URI + "a", into=sink) for sink in sinks]
        jobs += [stream(context) for _ in range(3)]
        answers = await asyncio.gather(*jobs)
        equal([sink.octets == BODY for sink in sinks] + answers[3:], [True] * 6)

    talk(act, server)


class Repeater(Server):
    """Answers with 3000 times what it was sent; `tags` are the Request-Tags."""

    def _serve(self, message):
        self.tags.append(message.option(coap.REQUEST_TAG))
        return coap.Message(coap.CHANGED, bytes(message.payload) * 3000)


def test_responses_in_blocks_to_one_method_are_not_mixed():
    server = Repeater()
    server.tags = []

    async def act(context, link):
        bodies = [b"a" * 3000, b"b" * 3000]  # a server of ours keeps two of a peer
        for method in (context.post, context.fetch, context.put):
            answers = await asyncio.gather(*[method(URI + "a", letter) for letter in ("a", "b")])
            equal([bytes(answer.payload) for answer in answers] == bodies, True)
        equal([tag is None for tag in server.tags], [True, False] * 3)
        # into something, too; and one by one there is no need of it
        sinks = [Sink(), Sink()]
        await asyncio.gather(*[context.post(URI + "a", "ab"[n], into=sinks[n]) for n in range(2)])
        equal([sink.octets for sink in sinks] == bodies, True)
        server.tags = []
        for _ in range(2):
            await context.post(URI + "a", "a")
        equal(server.tags, [None, None])

    talk(act, server)


def test_a_time_out_takes_all_of_it():
    server = Server()
    server._take = lambda link, octets: True

    async def act(context, link):
        for made in (
            context.get(URI, into=Sink(), timeout=0.01),
            context.put(URI, File(BODY), timeout=0.01),
            context.stream(URI, timeout=0.01).__anext__(),
        ):
            error = await ended(made)
            equal(type(error) is asyncio.TimeoutError, True)
        equal(context.endpoint._exchanges, [])

    talk(act, server)
