# SPDX-License-Identifier: MIT
"""Decisions that ask the server in the middle, without knowing whether that is in the same process."""

import functools
import inspect


def asking(steps):
    """A method that asks the server in the middle, as a generator: it yields (peer, content format, octets) and is
    sent the Answer. Called, it asks the server in the same process, in one event. Its `steps` are for a program whose
    server is elsewhere."""

    @functools.wraps(steps)
    def at_once(self, *arguments):
        running = steps(self, *arguments)
        now = arguments[-1]
        try:
            question = next(running)
            while True:
                question = running.send(self._request(*question, now))
        except StopIteration as end:
            return end.value

    at_once.steps = steps
    return at_once


async def asked_elsewhere(event, send, method, arguments):
    """The result of a method that is `asking`, of a program whose server is elsewhere: each piece of it is an event by
    itself, and between two of them the server is asked.

    `event(function)` runs one, `await send(question)` gives the Answer.
    """
    running = None

    def piece(answer, now):
        nonlocal running
        if running is None:
            running = method.steps(method.__self__, *arguments, now)
        try:
            return False, running.send(answer)
        except StopIteration as end:
            return True, end.value

    answer = None
    while True:
        done, what = event(piece, answer)
        if done:
            return what
        answer = await send(what)


async def settled(value):
    """The value, which may have to be awaited."""
    return await value if inspect.isawaitable(value) else value


def at_once(coroutine):
    """The result of a coroutine that in fact waits for nothing: all that it asks is in the same process."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise RuntimeError("it waits")
