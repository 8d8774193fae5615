# SPDX-License-Identifier: MIT
"""A Context: what it sends, how its calls end, many at once, and what does not end its tasks."""

import asyncio
import gc

import coap
from aio_scene import PEER, URI, Link, answering, ended, quick, reply, run, turns
from coap.aio import Closed, Context, Incomplete, NoAnswer, Refused, Response
from coap.aio import context as module
from common import Skip, equal, raises


def test_each_method_sends_its_code():
    """RFC 7252 section 12.1.1, RFC 8132 section 6."""

    async def act(context, link):
        for name, code in (
            ("get", 1),
            ("post", 2),
            ("put", 3),
            ("delete", 4),
            ("fetch", 5),
            ("patch", 6),
            ("ipatch", 7),
        ):
            answer = await getattr(context, name)(URI + "a/b?c")
            equal((answer.code, answer.text, answer.peer), (coap.CONTENT, "/a/b", PEER))
            sent = link.out[-1]
            equal((sent.code, sent.type), (code, coap.CON))
            equal(sent.options, [(coap.URI_PATH, b"a"), (coap.URI_PATH, b"b"), (coap.URI_QUERY, b"c")])

    run(act)


def test_keywords_are_options():
    async def act(context, link):
        more = [(coap.URI_QUERY, b"x")]
        await context.put(
            URI,
            "\u20ac",
            accept=50,
            content_format=0,
            etag=b"1",
            if_match=[b"2", b"3"],
            if_none_match=True,
            hop_limit=3,
            no_response=2,
            options=more,
            confirmable=False,
        )
        sent = link.out[-1]
        equal((sent.type, bytes(sent.payload)), (coap.NON, b"\xe2\x82\xac"))
        equal(
            sent.options,
            [
                (1, b"2"),
                (1, b"3"),
                (4, b"1"),
                (5, b""),
                (12, b""),
                (15, b"x"),
                (16, b"\x03"),
                (17, b"2"),
                (258, b"\x02"),
            ],
        )
        equal(more, [(coap.URI_QUERY, b"x")])
        before = len(link.out)
        for keywords, part in (
            ({"accept": -1}, "accept"),
            ({"content_format": 65536}, "content_format"),
            ({"hop_limit": 256}, "hop_limit"),
            ({"hop_limit": 0}, "hop_limit"),  # RFC 8768 section 3
            ({"no_response": 256}, "no_response"),
            ({"accept": "text/plain"}, "accept"),
            ({"timeout": "5"}, "timeout"),  # "5" * 1000 would be a time, too
            ({"timeout": "5", "block": 64}, "timeout"),
            ({"into": "name"}, "into"),
            ({"into": "name", "block": 64}, "into"),
            ({"options": [5]}, "options"),
            ({"options": [(15, "text")]}, "options"),
            ({"options": {15: b""}}, "options"),
            ({"etag": b"123456789"}, "ETag"),
            ({"if_match": [b"", b"123456789"]}, "ETag"),
        ):
            error = await ended(context.get(URI, **keywords))
            equal((type(error), part in str(error)), (ValueError, True))
        for uri in ("coap+uart://0/", "coaps://192.0.2.1/", "", "coap://", None):
            equal(
                type(await ended(context.get(uri))) in ((Response,) if uri is None else (ValueError,)), True
            )
        equal(len(link.out), before + 1)

    run(act)


def test_the_message_of_the_caller_stays_as_it_was():
    async def act(context, link):
        options = [(coap.ACCEPT, b"")]
        message = coap.Message(coap.GET, options=options)
        for _ in range(2):
            await context.request(message, URI + "a")
        equal((message.token, message.mid, message.options, options), (b"", 0, options, [(coap.ACCEPT, b"")]))
        equal(link.out[0].token == link.out[1].token, False)

    run(act)


def test_a_response_says_what_is_in_it():
    async def act(context, link):
        answer = await context.post(URI)
        equal((answer.ok, answer.json(), answer.etag, answer.content_format), (True, {"a": 1}, b"t", 50))
        equal((answer.location, answer.uint(coap.MAX_AGE)), ("/new/1", 7))
        bad = await context.get(URI)
        equal((bad.ok, bad.code, bad.text, bad.etag, bad.location), (False, coap.NOT_FOUND, "", None, None))

    def answer(request):
        if request.code == coap.GET:
            return reply(request, coap.NOT_FOUND)
        options = [(4, b"t"), (8, b"new"), (8, b"1"), (12, b"\x32"), (14, b"\x07")]
        return reply(request, coap.CREATED, b'{"a":1}', options)

    run(act, lambda: answering(Link(), answer))


def test_how_a_call_can_fail():
    async def act(context, link):
        error = await ended(context.get(URI))
        equal((type(error), isinstance(error, OSError), error.errno), (NoAnswer, True, 110))
        equal([each.type for each in link.out], [coap.CON] * 3)
        link.sent = lambda message: link.come(bytes((0x70, 0, message.mid >> 8, message.mid & 255)))
        error = await ended(context.get(URI))
        equal((type(error), isinstance(error, OSError), error.errno), (Refused, True, 104))
        equal(await context.ping(URI), None)
        equal((link.out[-1].code, link.out[-1].type), (0, coap.CON))
        # blocks of which the second has another ETag (RFC 7959 section 2.4)
        answering(
            link,
            lambda request: reply(
                request,
                payload=b"x" * 16,
                options=[
                    (4, request.option(coap.BLOCK2, b"\x00")),
                    (
                        23,
                        request.option(coap.BLOCK2, b"\x00")[:0]
                        or bytes(((request.uint(23, 0) & 0xF0) | 8,)),
                    ),
                ],
            ),
        )
        error = await ended(context.get(URI))
        equal(type(error), Incomplete)
        equal(context.endpoint._exchanges, [])

    run(act, Link, endpoint=quick())


def test_a_ping_without_an_answer():
    async def act(context, link):
        equal(type(await ended(context.ping(URI))), NoAnswer)

    run(act, Link, endpoint=quick())


def test_more_calls_than_exchanges_take_turns():
    """One after the other to one peer (NSTART), MAX_EXCHANGES open, the rest in the order of the calls."""

    async def act(context, link):
        tasks = [asyncio.create_task(context.get(URI + str(number))) for number in range(24)]
        await turns()
        equal((len(context.endpoint._exchanges), len(context._turns), len(link.out)), (8, 16, 1))
        answering(link)
        link.come(reply(link.out[0], payload=b"/0"))
        equal([each.text for each in await asyncio.gather(*tasks)], ["/%d" % number for number in range(24)])
        equal([each.path for each in link.out], ["/%d" % number for number in range(24)])
        equal((context.endpoint._exchanges, context._turns, context._calls), ([], [], []))

    run(act, Link)


def test_calls_that_wait_are_bounded():
    async def act(context, link):
        tasks = [asyncio.create_task(ended(context.get(URI + str(number)))) for number in range(8 + 16)]
        await turns()
        for call in (context.get(URI), context.ping(URI)):
            equal(type(await ended(call)), coap.BusyError)
        equal(len(context._turns), 16)
        answering(link)
        link.come(reply(link.out[0], payload=b"/0"))
        equal([each.text for each in await asyncio.gather(*tasks)], ["/%d" % number for number in range(24)])

    run(act, Link)


def test_a_cancelled_call_leaves_nothing():
    async def act(context, link):
        tasks = [asyncio.create_task(ended(context.get(URI + str(number)))) for number in range(12)]
        await turns()
        for number in (0, 3, 8, 9):  # on the air, queued, waiting for a turn, the first of these
            tasks[number].cancel()
        await turns()
        equal((len(context.endpoint._exchanges), len(context._turns)), (8, 0))
        answering(link)
        for each in link.out[1:]:
            link.come(reply(each, payload=each.path.encode()))
        left = [number for number in range(12) if number not in (0, 3, 8, 9)]
        equal(
            [each.text for each in await asyncio.gather(*[tasks[number] for number in left])],
            ["/%d" % number for number in left],
        )
        equal((context.endpoint._exchanges, context._calls, context._turns), ([], [], []))

    run(act, Link)


def test_a_call_with_a_time():
    async def act(context, link):
        for call in (context.get, context.ping):
            error = None
            try:
                await call(URI, timeout=0.02)
            except asyncio.TimeoutError as caught:
                error = caught
            equal((error is None, context.endpoint._exchanges, context._calls), (False, [], []))
        answering(link)
        equal((await context.get(URI + "a", timeout=50)).text, "/a")

    run(act, Link)


def test_closing_ends_all_that_waits():
    async def main():
        link = Link()
        context = Context(link)
        async with context:
            tasks = [asyncio.create_task(ended(context.get(URI))) for _ in range(10)]
            tasks.append(asyncio.create_task(ended(context.serve())))
            await turns()
        for each in tasks:
            error = await each
            equal((type(error), str(error).count("closed")), (Closed, 1))
        for call in (context.get(URI), context.serve(), context.ping(URI)):
            equal(type(await ended(call)), Closed)
        equal((link.closed, context._calls, context._turns, context._tasks), (1, [], [], []))
        answering(link)
        async with context:  # it may be opened again; what is left of before is not sent
            equal((await context.get(URI + "again")).text, "/again")

    asyncio.run(main())


class Site:
    """Answers with the path, after what a test has put in the way."""

    def __init__(self):
        self.asked = []
        self.hold = asyncio.Event()

    def prepare(self, endpoint):
        pass

    async def handle(self, context, incoming, message):
        self.asked.append(message.path)
        if message.path == "/wrong":
            raise ValueError("as a handler may")
        if message.path == "/hold":
            await self.hold.wait()
        context.respond(incoming, coap.Message(coap.CONTENT, message.path.encode()))


def ask(link, path, mid, peer=None):
    message = coap.Message(coap.GET, options=coap.path_options(path))
    link.come(coap.encode(message, coap.CON, mid, b"t"), peer)


def quiet(context):
    """Have it count what handlers and callbacks raise, and print nothing."""
    raised = []
    context._raised = raised.append
    return raised


def test_requests_of_peers_go_to_the_site():
    async def act(context, link):
        raised = quiet(context)
        for mid, path in enumerate(("/a", "/wrong", "/b")):
            ask(link, path, mid)
        await turns(20)
        equal(context.site.asked, ["/a", "/wrong", "/b"])
        equal([(each.mid, each.code, each.type) for each in link.out], [(0, 69, 2), (1, 160, 2), (2, 69, 2)])
        equal(([type(each) for each in raised], context._handlers), ([ValueError], []))

    async def without(context, link):
        ask(link, "/a", 1)
        await turns(20)
        equal([(each.mid, each.code, each.type) for each in link.out], [(1, coap.NOT_FOUND, 2)])

    async def main(act, site):
        link = Link()
        async with Context(link, site=site and site()) as context:
            await act(context, link)

    asyncio.run(main(act, Site))
    asyncio.run(main(without, None))


def test_a_handler_that_takes_long_is_a_separate_response():
    """RFC 7252 section 5.2.2, without a word of the handler."""

    async def main():
        site, link = Site(), Link()
        endpoint = coap.Endpoint()
        endpoint.ACK_DELAY = 5
        async with Context(link, site=site, endpoint=endpoint):
            ask(link, "/hold", 7)
            while not link.out:
                await asyncio.sleep(0.005)
            equal([(each.mid, each.code, each.type) for each in link.out], [(7, 0, coap.ACK)])
            site.hold.set()
            await turns(20)
            equal([(each.code, each.type, each.token) for each in link.out[1:]], [(69, coap.CON, b"t")])

    asyncio.run(main())


def test_handlers_that_never_end_are_bounded():
    async def main():
        site, link = Site(), Link()
        endpoint = coap.Endpoint()
        endpoint.MAX_INCOMING = endpoint.MAX_INCOMING_PER_PEER = 100
        async with Context(link, site=site, endpoint=endpoint) as context:
            for mid in range(20):
                ask(link, "/hold", mid)
            await turns(30)
            equal((len(context._handlers), len(site.asked)), (16, 16))
            equal([(each.mid, each.code) for each in link.out], [(mid, 163) for mid in range(16, 20)])
            site.hold.set()
            await turns(30)
            equal((len(context._handlers), len(link.out)), (0, 20))

    asyncio.run(main())


def test_a_callback_that_raises_ends_nothing():
    async def act(context, link):
        raised = quiet(context)

        def wrong(kind, exchange, message):
            raise KeyError("as a callback may")

        context.endpoint.request(coap.Message(coap.GET), PEER, 0, wrong)
        equal((await context.get(URI + "a")).text, "/a")
        equal([type(each) for each in raised], [KeyError])

    run(act)


def test_a_link_that_fails_is_tried_again():
    async def main():
        link = answering(Link())
        link.failures = [("open", MemoryError()), ("send", OSError(113, "no route")), ("send", MemoryError())]
        async with Context(link, endpoint=quick(150)) as context:
            while len(link.failures) > 2:
                await asyncio.sleep(0.01)
            equal((await context.get(URI + "a")).text, "/a")
            equal((context.stats["unsent"], context.stats["no_memory"], link.failures), (2, 1, []))
            link.failures = [("receive", MemoryError())]
            equal((await context.get(URI + "b")).text, "/b")
            equal((context.stats["no_memory"], link.failures), (2, []))

    asyncio.run(main())


def test_a_link_that_is_busy_gets_it_later():
    async def act(context, link):
        link.busy = 2
        equal((await context.get(URI + "a")).text, "/a")
        equal((len(link.out), link.busy, context.endpoint.stats["sent"]), (1, 0, 1))

    run(act)


def test_a_link_whose_peer_comes_late():
    async def main():
        link = answering(Link())
        link.peer = None
        opened = asyncio.Event()

        async def opening():
            await opened.wait()
            link.peer = PEER

        link.open = opening
        async with Context(link) as context:
            task = asyncio.create_task(context.request(coap.Message(coap.GET)))
            await turns()
            equal(link.out, [])
            opened.set()
            equal(((await task).peer, len(link.out)), (PEER, 1))

    asyncio.run(main())


def test_a_link_that_never_opens_is_no_answer():
    class Never(Link):
        async def open(self):
            raise OSError(19, "no such device")

    async def main():
        async with Context(Never(), endpoint=quick()) as context:
            error = await ended(context.get(URI))
            equal((type(error), "not open" in str(error)), (NoAnswer, True))
            task = asyncio.create_task(ended(context.get(URI)))
            await turns()
        equal(type(await task), Closed)

    asyncio.run(main())


def test_hundreds_of_requests_leave_the_heap_as_it_was():
    """Both ways: those that are asked, in the clear and cancelled, and those of many peers that are answered."""
    if not hasattr(gc, "mem_alloc"):
        raise Skip("this interpreter does not say how much of its heap is taken")

    async def main():
        taken = []
        link = answering(Link())
        site = Site()
        async with Context(link, site=site) as context:
            for round in range(7):
                for number in range(60):
                    if number % 10 == 0:
                        task = asyncio.create_task(context.get(URI))
                        await turns(2)
                        task.cancel()
                    equal((await context.get(URI + "a")).text, "/a")
                    ask(link, "/b", round * 60 + number, ("192.0.2.%d" % (number % 200), 5683))
                    await turns(2)
                    del link.out[:], site.asked[:]
                gc.collect()
                taken.append(gc.mem_alloc())
        # five rounds fill the endpoint's tables: 32 message IDs with their answers, 256 without
        equal(max(taken[5:]) - taken[4] < 1000, True)

    asyncio.run(main())


def test_what_does_not_go_together_is_said():
    for options, part in (
        ({"link": Link(), "host": "::"}, "host"),
        ({"link": Link(), "port": 1}, "port"),
        ({"endpoint": coap.Endpoint(), "security": object()}, "security"),
    ):
        try:
            Context(**options)
            raise AssertionError("%r was taken" % (options,))
        except ValueError as error:
            equal(part in str(error), True)

    async def twice():
        async with Context(Link()) as context:
            equal(type(await ended(context.__aenter__())), RuntimeError)

    asyncio.run(twice())


def test_who_wants_no_response_gets_none():
    """RFC 7967: a NON ends when it is sent, a CON with its acknowledgement."""

    def acknowledge(request):
        return coap.encode(coap.Message(0), coap.ACK, request.mid)

    async def act(context, link):
        equal(await context.put(URI, "1", no_response=26), None)
        link.sent = lambda request: None
        equal(await context.put(URI, "1", no_response=26, confirmable=False), None)
        equal([each.type for each in link.out], [coap.CON, coap.NON])

    run(act, lambda: answering(Link(), acknowledge))


class Full:
    """In the place of asyncio: it has no memory for a task."""

    def __init__(self):
        self.Event = asyncio.Event

    def create_task(self, coroutine):
        coroutine.close()
        raise MemoryError


class Task:
    def __init__(self):
        self.cancelled = 0

    def cancel(self):
        self.cancelled += 1


def test_its_tasks_end_whatever_moment_it_is_closed_in():
    """asyncio.wait_for of CPython 3.11 forgets a cancellation when what it waits for has just ended."""

    async def main():
        for moment in range(6):
            async with Context(answering(Link())) as opened:
                await turns()
                tasks = list(opened._tasks)
                equal(len(tasks), 2)
                opened._kick.set()
                await turns(moment)
            await turns()
            equal([task.done() for task in tasks], [True, True])

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_task_that_cannot_begin_is_not_kept():
    async def main():
        async with Context(answering(Link())) as opened:
            before = list(opened._tasks)
            module.asyncio, real = Full(), module.asyncio
            try:
                raises(MemoryError, opened.begin, opened.serve())
            finally:
                module.asyncio = real
            equal(opened._tasks, before)
            equal((await opened.get(URI + "a")).text, "/a")

    asyncio.run(main())


def test_one_that_cannot_be_opened_is_closed():
    async def main():
        link = answering(Link())
        opened = Context(link)
        module.asyncio, real = Full(), module.asyncio
        try:
            equal(type(await ended(opened.__aenter__())), MemoryError)
        finally:
            module.asyncio = real
        equal((link.closed, opened._tasks, opened._open), (1, [], False))
        async with opened:
            equal((await opened.get(URI + "a")).text, "/a")

    asyncio.run(main())
