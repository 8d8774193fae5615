# SPDX-License-Identifier: MIT
"""How a Context begins and ends: at odd moments, without memory, and again in another event loop."""

import asyncio

import coap
from aio_scene import URI, Link, answering, ended, turns
from coap.aio import Context, SerialLink, context
from common import equal, raises
from line_scene import line


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
            context.asyncio, real = Full(), context.asyncio
            try:
                raises(MemoryError, opened.begin, opened.serve())
            finally:
                context.asyncio = real
            equal(opened._tasks, before)
            equal((await opened.get(URI + "a")).text, "/a")

    asyncio.run(main())


def test_one_that_cannot_be_opened_is_closed():
    async def main():
        link = answering(Link())
        opened = Context(link)
        context.asyncio, real = Full(), context.asyncio
        try:
            equal(type(await ended(opened.__aenter__())), MemoryError)
        finally:
            context.asyncio = real
        equal((link.closed, opened._tasks, opened._open), (1, [], False))
        async with opened:
            equal((await opened.get(URI + "a")).text, "/a")

    asyncio.run(main())


class Site:
    def prepare(self, endpoint):
        pass

    async def handle(self, context, incoming, message):
        context.respond(incoming, coap.Message(coap.CONTENT, b"it"))


def test_a_link_may_be_used_in_one_event_loop_after_the_other():
    ends = line(), line()
    near = SerialLink(lambda: ends[len(played)][0])
    far = SerialLink(lambda: ends[len(played)][1])
    played = []

    async def main():
        async with Context(far, site=Site()), Context(near) as opened:
            await turns()
            for _ in range(2):
                equal((await opened.get("coap+uart:///a", timeout=20)).text, "it")

    while len(played) < 2:
        asyncio.run(asyncio.wait_for(main(), 60))
        played.append(True)
