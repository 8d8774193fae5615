# SPDX-License-Identifier: MIT
"""What a Context promises when memory ends, for each allocation in turn (starving.py): no event is lost on its way to
who waits for it, no request of a peer stays without an answer, and nothing ends the tasks.
"""

import asyncio
import gc

import coap
from aio_scene import PEER, URI, Link, quick, reply
from coap.aio import Context, serving
from coap.aio.call import Call
from common import equal
from site_scene import finished
from starving import each


class Site:
    def prepare(self, endpoint):
        pass

    async def handle(self, context, incoming, message):
        pass


class Tasks:
    """In the place of asyncio: what makes tasks, and runs none."""

    def create_task(self, coroutine):
        coroutine.close()
        return [None]


class Opened:
    """An open context without its tasks, and what it raised."""

    def __init__(self):
        self.link = Link()
        self.raised = []
        self.context = Context(self.link, site=Site(), endpoint=quick())
        self.context.begin = lambda coroutine: coroutine.close()
        self.context._raised = self.raised.append
        finished(self.context.__aenter__())
        self.context._up.set()

    def come(self, octets):
        """What the reader task does with a datagram; `flush` raises nothing."""
        self.context.endpoint.receive(octets, PEER, 0)
        self.context.flush()


def play(prepare, act, check):
    async def main():
        return each(prepare, act, check)

    return asyncio.run(main())


def test_a_response_reaches_its_call():
    def prepare():
        opened = Opened()
        opened.call = Call()
        opened.call.exchange = opened.context.endpoint.request(coap.Message(coap.GET), PEER, 0, opened.call)
        opened.context.flush()
        opened.answer = reply(opened.link.out[0], payload=b"it")
        return opened

    def act(opened):
        opened.come(opened.answer)

    def check(opened, raised):
        assert not raised
        done = opened.call.ended.is_set()
        opened.context._flush()  # as the timer task does
        failed = opened.context.endpoint.stats["failed"]
        if not opened.call.ended.is_set():
            assert failed or opened.raised, "lost on its way"
            opened.come(opened.answer)  # it comes again
        equal((opened.call.kind, opened.call.result().text), (coap.RESPONSE, "it"))
        return done and not failed and not opened.raised

    assert play(prepare, act, check) > 3


def test_a_request_has_a_handler_or_an_answer():
    def prepare():
        opened = Opened()
        message = coap.Message(coap.GET, options=coap.path_options("/a"), mid=7, token=b"t")
        opened.asked = coap.encode(message)
        return opened

    def act(opened):
        opened.come(opened.asked)

    def check(opened, raised):
        assert not raised
        context = opened.context
        context._flush()
        if not context._handlers and not opened.link.out:
            assert context.endpoint.stats["failed"] or context.stats["unsent"], (
                "neither a handler nor an answer"
            )
            opened.come(opened.asked)
        codes = [each.code for each in opened.link.out]
        handled = len(context._handlers)
        assert (
            handled == 1 and not codes or codes[0] in (coap.SERVICE_UNAVAILABLE, coap.INTERNAL_SERVER_ERROR)
        )
        equal(context._owed, None)
        return handled == 1 and not opened.raised and not context.endpoint.stats["failed"]

    real = serving.asyncio
    serving.asyncio = Tasks()
    try:
        assert play(prepare, act, check) > 3
    finally:
        serving.asyncio = real


def test_a_call_that_cannot_begin_has_sent_nothing():
    def prepare():
        opened = Opened()
        opened.error = None
        return opened

    def act(opened):
        call = opened.context.get(URI + "a")
        try:
            call.send(None)  # until it waits for the answer
        except StopIteration:
            pass
        except MemoryError as error:
            opened.error = error
            raise
        call.close()

    def check(opened, raised):
        context = opened.context
        equal((context._calls, context._turns), ([], []))
        equal(context.endpoint._exchanges, [])
        if raised:
            # what was put on the way before memory ended is one message at most, whose answer is then unmatched
            assert len(opened.link.out) <= 1
        return not raised and len(opened.link.out) == 1 and not context.stats["unsent"]

    assert play(prepare, act, check) > 3


class Ended:
    """A task, a call, a socket: how often each was told to end."""

    def __init__(self):
        self.times = 0
        self.ended = self

    def end(self):
        self.times += 1

    cancel = set = close = end


def test_closing_needs_no_memory():
    def prepare():
        opened = Opened()
        opened.parts = [Ended() for _ in range(7)]
        context = opened.context
        context._tasks = opened.parts[:2]
        context._handlers = [[None, opened.parts[2]]]
        context._calls = [opened.parts[3]]
        context._turns = [opened.parts[4]]
        context._sockets = [opened.parts[5], None, opened.parts[6]]
        return opened

    def act(opened):
        opened.context._end()
        opened.context._close()

    def check(opened, raised):
        if hasattr(gc, "mem_alloc"):  # CPython takes some for each loop and each call
            assert not raised
        if not raised:
            equal([each.times for each in opened.parts], [1] * 7)
            equal((opened.context._sockets, opened.link.closed), ([None, None], 1))
        return not raised

    play(prepare, act, check)
