# SPDX-License-Identifier: MIT
"""Waiting, in virtual time, with the ticks of a 32-bit board: they can be added to up to half of their period."""

import asyncio

import idf
import virtual
from coap.aio import waiting
from common import equal

waiting.mend()  # as the device does

DAY = 86400000
HALF = 1 << 29  # ms: time.ticks_add of MicroPython's 32-bit ports raises OverflowError from here on


def play(act):
    core = asyncio.core
    add = core.ticks_add

    def of_32_bits(ticks, ms):
        if not -HALF < ms < HALF:
            raise OverflowError("ticks interval overflow")
        return add(ticks, ms)

    core.ticks_add = of_32_bits
    try:
        virtual.run(act())
    finally:
        core.ticks_add = add


async def timed(awaitable):
    """Milliseconds that it took, and whether it ran out."""
    begun = idf.now()
    try:
        await awaitable
        over = False
    except asyncio.TimeoutError:  # noqa: UP041
        over = True
    return idf.now() - begun, over


def test_weeks():
    async def act():
        never = asyncio.Event()
        equal(await timed(asyncio.sleep(8 * 86400)), (8 * DAY, False))
        equal(await timed(asyncio.sleep_ms(30 * DAY + 1)), (30 * DAY + 1, False))
        equal(await timed(asyncio.wait_for(never.wait(), 9 * 86400)), (9 * DAY, True))
        equal(await timed(asyncio.wait_for_ms(never.wait(), 20 * DAY + 7)), (20 * DAY + 7, True))
        equal(await timed(asyncio.wait_for(asyncio.sleep(10 * 86400), 11 * 86400)), (10 * DAY, False))

    play(act)


def test_a_result_in_the_last_moment_is_a_result():
    """The task and its time end in one turn of the event loop, in either order."""

    async def late(wait, result):
        await asyncio.sleep_ms(wait)
        return result

    async def act():
        for wait in (9, 10, 11):
            for made in (lambda coroutine: coroutine, asyncio.create_task):
                try:
                    equal(await asyncio.wait_for_ms(made(late(wait, "it")), 10), "it")
                    came = True
                except asyncio.TimeoutError:  # noqa: UP041
                    came = False
                if wait != 10:
                    equal(came, wait < 10)

    play(act)


def test_an_error_and_a_cancellation_pass():
    async def wrong():
        raise ValueError("own")

    async def act():
        try:
            await asyncio.wait_for(wrong(), 9)
        except ValueError as error:
            equal(str(error), "own")
        else:
            raise AssertionError
        ended = []

        async def inner():
            try:
                await asyncio.wait_for(asyncio.Event().wait(), 9)
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

        task = asyncio.create_task(inner())
        await asyncio.sleep_ms(1)
        task.cancel()
        equal(await timed(asyncio.sleep(20)), (20000, False))
        equal(ended, ["cancelled"])  # and the time that was over meanwhile hit nobody

    play(act)


async def _noted(ended, awaitable):
    """Says how it ended, and waits again, as a task does that goes on after a time-out."""
    for _ in range(9):
        try:
            await awaitable()
            ended.append("result")
        except asyncio.TimeoutError:  # noqa: UP041
            ended.append("time-out")
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise


def _bare():
    return asyncio.wait_for_ms(asyncio.Event().wait(), 10)


def _task():
    return asyncio.wait_for_ms(asyncio.create_task(asyncio.Event().wait()), 10)


def _nested():
    return asyncio.wait_for_ms(asyncio.wait_for_ms(asyncio.Event().wait(), 1000), 10)


def _within():
    return asyncio.wait_for_ms(asyncio.wait_for_ms(asyncio.Event().wait(), 10), 1000)


def test_a_cancellation_in_the_last_moment_is_one():
    """CPython's asyncio.timeout(): only its own cancellation becomes a TimeoutError. It and that by somebody else come
    in one turn of the event loop, in either order.
    """

    async def act():
        for waits in (_bare, _task, _nested, _within):
            for first in (True, False):
                ended = []

                async def end():
                    await asyncio.sleep_ms(10)
                    task.cancel()  # noqa: B023

                task = asyncio.create_task(_noted(ended, waits))
                if first:
                    ender = asyncio.create_task(end())
                else:
                    await asyncio.sleep_ms(0)
                    ender = asyncio.create_task(end())
                await asyncio.sleep_ms(15)
                assert ender.done()
                equal((ended, task.done()), (["cancelled"], True))

    play(act)


def test_two_times_that_are_over_in_one_moment():
    """The outer one ends all; where the inner one came first, the outer one comes behind it."""

    async def act():
        for first in (9, 10, 11):
            ended = []
            outer = asyncio.wait_for_ms(
                _noted(ended, lambda: asyncio.wait_for_ms(asyncio.Event().wait(), first)),  # noqa: B023
                10,
            )
            begun = idf.now()
            equal((await timed(outer))[1], True)
            assert idf.now() - begun <= 11
            assert ended in (["cancelled"], ["time-out", "cancelled"]), ended
            if first == 11:
                equal(ended, ["cancelled"])

    play(act)


def test_a_sleep_that_ctrl_c_left_does_not_end_all_others():
    async def act():
        asyncio.sleep_ms(5)  # begun, and never awaited
        equal(await timed(asyncio.sleep_ms(7)), (7, False))
        waiting.cancel(asyncio.core.cur_task, asyncio.core._task_queue)  # oneself: nothing

    play(act)
