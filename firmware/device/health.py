# SPDX-License-Identifier: MIT
"""How the device fares: one line an event on the console, and a watchdog that is fed after a look at each part
(docs/health.md)."""

import asyncio
import time

import msgin5g
from coap.aio.waiting import cancel, loop, now
from coap.compat import const, printable, ticks_diff

_TYPING = const(False)
if _TYPING:
    from typing import Any

_LOOK = const(2000)  # ms between looks at the parts, at most
_ATTEND = const(1000)  # ms between the timer's feeds, while somebody is at the REPL

_TURN = const(5)  # ms in which every task has had its turn
_FAULTY = const(60000)  # ms that a fault may last where no watchdog waits for its end

starts: "Any" = None  # the Starts of this board, as starts.look has made them
unattended = False  # main.py runs the application: nobody is at the REPL
watching = False  # the task below feeds the watchdog
watchdog: "Any" = None  # nothing stops it once it runs
board: "Any" = None
_task = _queue = None
period = _LOOK  # ms between looks
begun = False  # a client was started where main.py runs the application
timer: "Any" = None  # that feeds it while somebody is at the REPL


def log(text, *arguments):
    """Print one line about an event on the console, "msgin5g: " and `text % arguments`. Raise nothing: a failure to
    print must not stop the work."""
    try:
        print("msgin5g:", printable(text % arguments if arguments else text))
    except Exception:
        pass  # no memory for the line; nobody reads any more


def clock():
    """Return seconds since 1970, or None where the clock was never set."""
    seconds = time.time()
    year = time.gmtime(seconds)[0]
    if year < 2024:
        return None
    # some ports count from 2000
    return seconds + (946684800 if time.gmtime(0)[0] == 2000 else 0)


def keep(fault):
    """Begin the task that looks, anew where there was one: an interrupt may have dropped it out of the event loop."""
    global _queue, _task
    if _task is not None:
        cancel(_task, _queue)
    _queue = loop()
    _task = asyncio.create_task(_keep(fault))


async def _keep(fault):
    told = began = None
    while True:
        try:
            # Tasks that are due, or have something to read, run first: otherwise they would all look late after an
            # application that computed for long.
            await asyncio.sleep_ms(_TURN)
            if starts.due(now()) == 0:
                starts.good()
            why = fault()
            if why is None:
                began = None
                feed()
            elif why != told:
                log("the watchdog is not fed any more: %s" if watching else "fault: %s", why)
                if unattended:
                    starts.note(why)
            told = why
            if why is not None and unattended and not watching:
                # There is no watchdog to do it.
                began = now() if began is None else began
                if ticks_diff(now(), began) > _FAULTY:
                    board.reset()
        except MemoryError:
            pass  # the application has taken all memory
        due = starts.due(now())  # in time: an application may reset the board each minute
        await asyncio.sleep_ms(period if due is None else min(period, due))


def feed():
    """Feed the watchdog before something that blocks for seconds, so that it has the watchdog's whole time."""
    if watching:
        watchdog.feed()


def attend(board):
    """Have a timer feed the watchdog at a REPL with somebody at it, where no task runs, if it was started."""
    global timer, unattended, watching
    unattended = watching = False
    if watchdog is not None and timer is None:
        try:
            timer = board.every(0, _ATTEND, lambda _: watchdog.feed())
        except msgin5g.Unsupported as error:
            log("the watchdog will reset the board: %s", error)
