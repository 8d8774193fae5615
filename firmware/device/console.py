# SPDX-License-Identifier: MIT
"""One line each for a person at the REPL: `from device import console`, then `console.send("ue:x@example.org", "hi")`.

    console.start()                 the client of msgin5g.json; the calls below do that too
    console.send(to, payload, ...)  sends, and says what becomes of it; options as for client.send, and wait=60 seconds
    console.inbox()                 takes what has come in, and prints it
    console.wait(seconds=60)        the same, once something has come
    console.outbox()                what waits, and what became of the last ones
    console.status()                registration, counters, memory, starts
    console.stop()                  de-registers and closes the link

On a board the client runs on in the background, between the keys that are typed: a timer lets the event loop do what is
due. Where there is no such timer (the unix port), it runs while one of these calls does.
"""

import asyncio
import gc
import time

from board import Board
from coap.compat import const

from . import health, runner
from .links import Unsupported
from .log import log

_PERIOD = const(25)  # ms; a line of 115200 baud brings 288 octets meanwhile
_REGISTER = const(10)  # seconds that start() waits for the registration
_SHOWN = const(400)  # characters of a payload that are printed

client = None  # the running one
_board = None
_timer = None
_busy = False  # the event loop runs in one of the calls: the timer leaves it alone
_ended = 0  # the tick when the timer's last step ended


def start():
    """The running client, registered if that takes no more than some seconds.

    What an interrupted application had running is closed first, without ceremony, as a power cut would: its messages
    are in the storage, and its tasks do not go on.
    """
    global client, _board, _timer
    if client is None or client not in runner.running:
        _board = _board or Board()
        health.attend(_board)
        asyncio.core.cur_task = None  # that of Ctrl-C is still there
        for left in runner.running[:]:
            left.abandon()
        asyncio.new_event_loop()
        gc.collect()
        client = None
        client = _run(runner.start(board=_board))
        try:
            _timer = _timer or _board.every(1, _PERIOD, _step)
        except Unsupported:
            log("console: the client runs while a call of the console waits, not in between")
        _run(_until(lambda: client.registered, _REGISTER))
    return client


def stop():
    """De-registers, where the peer can be reached within 5 s, and closes the link."""
    global client, _timer
    if client is not None:
        _run(client.stop())
        client = None
    if _timer is not None:
        _timer.deinit()
        _timer = None


def send(to, payload, wait=60, **options):
    """Sends, and waits so many seconds for the end: the report where one is asked for, else the acceptance."""
    running = start()
    outgoing = _run(running.send(to, payload, **options))
    _run(_until(lambda: outgoing.final or outgoing.state == "stored", wait))
    _tell(outgoing)


def inbox():
    """Takes all messages that have come in; where they asked for a report, it goes out."""
    running = start()
    if not _run(_until(lambda: running.core.inbox, 0.1)):
        print("nothing")
    while running.core.inbox:
        _show(_run(running.receive()))
    _run(_until(lambda: running.core.idle, 5))


def wait(seconds=60):
    """The same, once something has come."""
    running = start()
    if _run(_until(lambda: running.core.inbox, seconds)):
        inbox()
    else:
        print("nothing came within %d s" % seconds)


def outbox():
    """The messages that wait, in order, then the last that ended, over restarts too."""
    found = start().outbox()
    for outgoing in found:
        _tell(outgoing)
    if not found:
        print("nothing")


def status():
    """How the device fares. It does not start a client."""
    global _board
    running = client if client in runner.running else None
    _board = _board or Board()
    starts = health.look(_board)
    print("start %d, reset cause %s" % (starts.boots, starts.cause))
    if starts.words:
        print("last words:", starts.words.strip())
    gc.collect()
    print("heap: %d octets free of %d" % (gc.mem_free(), gc.mem_free() + gc.mem_alloc()))
    if running is None:
        print("no client runs; console.start() does")
        return
    config = running.core.config
    registration = running.core.registration
    cause = ": " + registration.cause if registration.cause else ""
    print("%s at %s: %s%s" % (config.ue_service_id, config.peer, registration.state, cause))
    core = running.core
    print("inbox %d; outbox %d" % (len(core.inbox), len(core.outbox.queue) + len(core.outbox.waiting)))
    told = [name + " %d" % count for name, count in sorted(core.stats.items()) if count]
    print(", ".join(told) or "no messages yet")


def _tell(outgoing):
    print("%s %s%s" % (outgoing.message_id, outgoing.state, ": " + outgoing.cause if outgoing.cause else ""))


def _show(message):
    if message.size > _SHOWN:
        text = "%d octets" % message.size
    else:
        text = message.payload
    print("from %s: %s" % (message.sender, text))


async def _until(condition, seconds):
    """Whether it came true in time."""
    begun = time.ticks_ms()
    while not condition():
        if time.ticks_diff(time.ticks_ms(), begun) > seconds * 1000:
            return False
        await asyncio.sleep_ms(20)
    return True


def _run(coroutine):
    """Runs the event loop, with all the client's tasks, until this has ended. Ctrl-C ends it too."""
    global _busy
    _busy = True
    asyncio.core.cur_task = None
    task = asyncio.create_task(coroutine)
    try:
        return asyncio.core.run_until_complete(task)
    except KeyboardInterrupt:
        asyncio.core.cur_task = None
        task.cancel()
        raise
    finally:
        _busy = False


def _step(timer):
    """The timer's call: all tasks that are due run once."""
    global _ended
    # A step that took longer than the period finds the next calls waiting already.
    if _busy or asyncio.core.cur_task is not None or time.ticks_diff(time.ticks_ms(), _ended) < _PERIOD // 2:
        return
    try:
        asyncio.run(_pass())
    except KeyboardInterrupt:
        log("console: interrupted in the background")
    finally:
        asyncio.core.cur_task = None
        _ended = time.ticks_ms()


async def _pass():
    await asyncio.sleep_ms(0)
