# SPDX-License-Identifier: MIT
"""Handlers as tasks of a Context: slow ones, some that never end, more than there is room for, and what is left."""

import asyncio

import coap
from aio_scene import PEER, Link, run, turns
from coap.aio import Context, Site
from common import equal


class Brief(coap.Parameters):
    """Times in which a request is given up soon after it was acknowledged."""

    MAX_LATENCY = 0

    def __init__(self):
        super().__init__(ack_timeout=40, ack_random_factor=1, max_retransmit=0)


def endpoint(**named):
    made = coap.Endpoint(Brief(), **named)
    made.ACK_DELAY = 20
    return made


class Waiting:
    """A site whose GET / waits until it is told to go on."""

    def __init__(self):
        self.site = Site()
        self.begun = 0
        self.ended = []
        self.go = None
        self.site.get("/")(self.handler)
        self.site.get("/stubborn")(self.stubborn)
        self.site.get("/now")(lambda request: "now")

    async def handler(self, request):
        self.begun += 1
        self.go = self.go or asyncio.Event()
        try:
            await self.go.wait()
            self.ended.append("done")
            return "at last"
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise

    async def stubborn(self, request):
        self.begun += 1
        first = True
        while self.go is None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if first:
                    self.ended.append("goes on")
                first = False


def get(path="/", mid=1, type=coap.CON):
    options = coap.path_options(path)
    return coap.encode(coap.Message(coap.GET, b"", options, type, mid, b"t%d" % mid))


async def until(condition):
    while not condition():
        await asyncio.sleep(0.002)


def wire(link):
    return [(each.type, each.code) for each in link.out]


def serve(act, site, **named):
    run(act, Link, site=site, endpoint=endpoint(**named))


def test_a_handler_that_is_quick_is_piggybacked():
    async def act(context, link):
        link.come(get("/now"))
        await until(lambda: link.out)
        equal(wire(link), [(coap.ACK, coap.CONTENT)])
        await turns()
        equal(context._handlers, [])

    serve(act, Waiting().site)


def test_one_that_is_slow_is_answered_separately():
    # RFC 7252 section 5.2.2
    waiting = Waiting()

    async def act(context, link):
        link.come(get())
        await until(lambda: link.out)
        waiting.go.set()
        await until(lambda: len(link.out) == 2)
        equal(wire(link), [(coap.ACK, coap.EMPTY), (coap.CON, coap.CONTENT)])
        equal(waiting.ended, ["done"])

    serve(act, waiting.site)


def test_one_that_never_ends_is_cancelled_when_its_request_is_given_up():
    waiting = Waiting()

    async def act(context, link):
        link.come(get())
        await until(lambda: waiting.ended)
        equal(waiting.ended, ["cancelled"])
        equal(wire(link), [(coap.ACK, coap.EMPTY), (coap.NON, coap.INTERNAL_SERVER_ERROR)])
        equal(context.endpoint.stats["abandoned"], 1)
        await turns()
        equal(context._handlers, [])
        link.come(get("/now", 2))
        await until(lambda: len(link.out) == 3)
        equal(wire(link)[2], (coap.ACK, coap.CONTENT))

    serve(act, waiting.site)


def test_a_request_that_comes_again_has_one_handler():
    waiting = Waiting()

    async def act(context, link):
        for _ in range(3):
            link.come(get())
        await until(lambda: link.out)
        waiting.go.set()
        await until(lambda: waiting.ended)
        equal((waiting.begun, waiting.ended), (1, ["done"]))

    serve(act, waiting.site)


def test_handlers_are_as_many_as_an_endpoint_lets_in():
    waiting = Waiting()

    async def act(context, link):
        for mid in range(20):
            link.come(get(mid=mid), ("192.0.2.%d" % (mid + 1), 5683))
        await until(lambda: len(link.out) >= 12)
        equal(waiting.begun, context.endpoint.MAX_INCOMING)
        codes = [code for _, code in wire(link)]
        equal(codes.count(coap.TOO_MANY_REQUESTS), 20 - context.endpoint.MAX_INCOMING)
        waiting.go.set()
        await until(lambda: len(waiting.ended) == context.endpoint.MAX_INCOMING)

    serve(act, waiting.site)


def test_handlers_that_do_not_end_when_they_are_cancelled_are_bounded():
    waiting = Waiting()

    async def act(context, link):
        mid = 0
        while waiting.begun < 16:
            mid += 1
            link.come(get("/stubborn", mid))
            given_up = len(waiting.ended)
            await until(lambda count=given_up: len(waiting.ended) > count)
        link.come(get("/stubborn", 99))
        sent = len(link.out)
        await until(lambda: len(link.out) > sent)
        equal(wire(link)[-1], (coap.ACK, coap.SERVICE_UNAVAILABLE))
        equal((waiting.begun, len(context._handlers)), (16, 16))
        waiting.go = True

    serve(act, waiting.site)


def test_a_context_that_is_closed_cancels_its_handlers():
    waiting = Waiting()

    async def main():
        link = Link()
        async with Context(link, site=waiting.site) as context:
            link.come(get())
            await until(lambda: waiting.begun)
        await turns()
        equal(waiting.ended, ["cancelled"])
        equal((len(link.out), context._handlers), (0, []))

    asyncio.run(main())


def test_a_handler_that_ends_as_if_it_were_cancelled_is_5_00():
    # as one does that waits for a task which somebody has cancelled
    site = Site()

    @site.get("/")
    async def handler(request):
        raise asyncio.CancelledError

    async def act(context, link):
        link.come(get())
        await until(lambda: link.out)
        equal(wire(link), [(coap.ACK, coap.INTERNAL_SERVER_ERROR)])
        equal(context._handlers, [])

    run(act, Link, site=site)


def test_conditions_reach_the_site():
    site = Site()
    site.put("/", etag=lambda request: b"v1")(lambda request: None)

    async def act(context, link):
        for mid, option, code in (
            (1, (coap.IF_MATCH, b"v1"), coap.CHANGED),
            (2, (coap.IF_MATCH, b"v2"), coap.PRECONDITION_FAILED),
            (3, (coap.IF_NONE_MATCH, b""), coap.PRECONDITION_FAILED),
            (4, (9999, b""), coap.BAD_OPTION),
        ):
            link.come(coap.encode(coap.Message(coap.PUT, b"x", [option], coap.CON, mid, b"t")))
            await until(lambda count=mid: len(link.out) == count)
            equal((option, link.out[-1].code), (option, code))

    serve(act, site)


def test_without_a_site_nothing_is_found():
    async def act(context, link):
        link.come(get(), PEER)
        await until(lambda: link.out)
        equal(wire(link), [(coap.ACK, coap.NOT_FOUND)])

    run(act, Link)
