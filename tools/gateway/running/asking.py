# SPDX-License-Identifier: MIT
"""Decisions that ask the server in the middle, without knowing whether that is in the same process."""

import functools


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

    `await event(function)` runs one, `await send(question)` gives the Answer.
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
        done, what = await event(piece, answer)
        if done:
            return what
        answer = await send(what)
