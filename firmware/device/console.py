# SPDX-License-Identifier: MIT
"""One line each for a person at the REPL: `from device import console`, then `console.send("ue:x@example.org", "hi")`.

    console.start()                 the client of msgin5g.json; the calls below do that too
    console.send(to, payload, ...)  sends, and says what becomes of it; options as for client.send, and wait=60 seconds
    console.inbox()                 takes what has come in, and prints it
    console.wait(seconds=60)        the same, once something has come
    console.outbox()                what waits, and what became of the last ones
    console.status()                registration, counters, memory, starts
    console.trace(True)             notes from now on what is said and heard, False: no more; trace() prints it
    console.stop()                  de-registers and closes the link

On a board the client runs on in the background, between the keys that are typed: a timer lets the event loop do what is
due. Where there is no such timer (the unix port), it runs while one of these calls does.
"""

import asyncio
import gc
import sys
import time

import msgin5g
from board import Board
from coap.compat import const, printable

from . import findings, health, runner
from . import start as start_client
from .health import log
from .starts import look

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Board

    from .client import RunningClient

_PERIOD = const(25)  # ms; a line of 115200 baud brings 288 octets meanwhile
_REGISTER = const(10)  # seconds that start() waits for the registration
_CALM = const(500)  # ms after Ctrl-C until the client goes on
_DEAD = const(15000)  # ms after which an event loop that does not serve the client is not running
_SHOWN = const(400)  # characters of a payload that are printed

client: "Any" = None  # the running one
_board = None
_timer = None
_busy = False  # one of the calls runs the event loop, or mends it: the timer leaves it alone
_torn = False  # a call of the event loop was left by Ctrl-C, or is running now
_seized = None  # a current task of asyncio that nobody runs any more
_ended = 0  # the tick when the timer's last step ended


def start() -> "RunningClient":
    """Return the running client, registered if that takes no more than some seconds.

    The client of an interrupted application is closed first, at once, as by a power cut: its messages are in the
    storage, and its tasks do not go on.
    """
    global client
    fresh = client is None or client not in runner.running
    if fresh:
        client = None
        _alone(_renew)
    elif _torn or client.fault() is not None:
        _alone(_mend)
    # Also of one that runs: what came after its start, in the call that made it, may have failed.
    if not _background() and fresh:
        log("console: the client runs while a call of the console waits, not in between")
    if fresh:
        _run(_until(lambda: client.registered, _REGISTER))
    return client


def adopt(board: "Board") -> None:
    """Go on with the client of an application that has ended in order and left it running."""
    global client, _board
    client = runner.running[0]
    client.left = True
    _board = board
    _background()


def _background():
    """Have the client run between the keys; False where the board cannot."""
    global _timer
    try:
        _timer = _timer or _board.every(1, _PERIOD, _step)
    except msgin5g.Unsupported:
        return False
    return True


def _alone(function):
    """Call it while the timer looks on: in the middle it would find things torn, and begin the same beside it."""
    global _busy
    before = _busy
    _busy = True
    try:
        function()
    finally:
        _busy = before


def _renew():
    """Start a client on a new event loop, which takes the place of all that run."""
    global client, _board
    _board = _board or Board()
    health.attend(_board)
    for left in runner.running[:]:
        left.abandon()
    _loop()
    gc.collect()
    client = _run(start_client(board=_board))
    if _trace() is not None:
        sys.modules["device.tracing"].begin(client)  # before it says its first word


def _loop():
    """Begin a new event loop: nobody knows what Ctrl-C left of the old one."""
    asyncio.core.cur_task = None  # that of Ctrl-C is still there
    asyncio.new_event_loop()


def _mend():
    """After Ctrl-C: the client goes on, or a new one in its place where Ctrl-C hit it in the middle of something."""
    global _torn
    _loop()
    if client not in runner.running or not client.again():
        _renew()
    _torn = False


def stop() -> None:
    """De-register, where the peer can be reached within 5 s, and close the link."""
    global client, _timer
    if client is not None:
        if _torn:
            _alone(_mend)
        _run(client.stop())
        client = None
        if _trace() is not None:
            _trace().leave()
    if _timer is not None:
        _timer.deinit()
        _timer = None


def send(to: str, payload: "Any", wait: float = 60, **options: "Any") -> None:
    """Send, and wait so many seconds for the end: the report where one is asked for, else the acceptance."""
    running = start()
    outgoing = _run(running.send(to, payload, **options))
    _run(_until(lambda: outgoing.final or outgoing.state == "stored", wait))
    _tell(outgoing)


def inbox() -> None:
    """Take all messages that have come in; where they asked for a report, it goes out."""
    running = start()
    if not _run(_until(running.core.first, 0.1)):
        print("nothing")
    while running.core.first():
        _show(_run(running.receive()))
    _run(_until(lambda: running.core.idle, 5))


def wait(seconds: float = 60) -> None:
    """Do the same once something has come, within so many seconds."""
    running = start()
    if _run(_until(running.core.first, seconds)):
        inbox()
    else:
        print("nothing came within %d s" % seconds)


def outbox() -> None:
    """Print the messages that wait, in order, then the last that ended, over restarts too."""
    found = start().outbox()
    for outgoing in found:
        _tell(outgoing)
    if not found:
        print("nothing")


def status() -> None:
    """Print how the device fares. This starts no client."""
    global _board
    running = client if client in runner.running else None
    _board = _board or Board()
    starts = look(_board)
    print("start %d, reset cause %s" % (starts.boots, starts.cause))
    if starts.words:
        print("last words:", starts.words.strip())
    gc.collect()
    free, taken = gc.mem_free(), gc.mem_alloc()  # type: ignore[attr-defined]
    print("heap: %d octets free of %d" % (free, free + taken))
    if running is None:
        print("no client runs; console.start() does")
        return
    config = running.core.config
    registration = running.core.registration
    cause = ": " + registration.cause if registration.cause else ""
    _say("%s at %s: %s%s" % (config.ue_service_id or config.ue_id, config.peer, registration.state, cause))
    core = running.core
    print("inbox %d; outbox %d" % (len(core.inbox), len(core.outbox.queue) + len(core.outbox.waiting)))
    told = [name + " %d" % count for name, count in sorted(core.stats.items()) if count]
    print(", ".join(told) or "no messages yet")
    for words in findings.findings(core.journal):
        print(words)


def trace(on: bool | None = None) -> None:
    """Begin to note what is said and heard (True), and start the client where none runs; end that (False), and give its
    memory back; or print what was noted, for a person or for `msgin5g trace --from FILE`."""
    if on:
        from . import tracing

        tracing.begin(client if client in runner.running else None)
        start()
    elif _trace() is None:
        print("nothing is traced; console.trace(True) begins")
    elif on is None:
        for line in _trace().lines():
            print(line)
    else:
        sys.modules["device.tracing"].end()


def _trace():
    """Return the Trace that is kept, by whomever, or None: then its module is not loaded."""
    return getattr(sys.modules.get("device.tracing"), "trace", None)


def _tell(outgoing):
    _say("%s %s%s" % (outgoing.message_id, outgoing.state, ": " + outgoing.cause if outgoing.cause else ""))


def _show(message):
    if message.size > _SHOWN:
        text = "%d octets" % message.size
    else:
        text = message.payload
    _say("from %s: %s" % (message.sender, text))


def _say(text):
    """Print text that a peer may have written."""
    print(printable(text))


async def _until(condition, seconds):
    """Return whether the condition came true in time."""
    begun = time.ticks_ms()
    while not condition():
        if time.ticks_diff(time.ticks_ms(), begun) > seconds * 1000:
            return False
        await asyncio.sleep_ms(20)
    return True


def _run(coroutine):
    """Run the event loop, with all the client's tasks, until this has ended. Ctrl-C ends it too."""
    global _busy, _torn
    before = _busy
    _busy = True
    try:
        _torn = True
        asyncio.core.cur_task = None
        try:
            result = asyncio.core.run_until_complete(asyncio.create_task(coroutine))
        except Exception:
            _torn = False  # its own
            raise
        _torn = False
        return result
    finally:
        _busy = before


def _step(timer):
    """Run all tasks that are due once: the timer calls this."""
    global _busy, _ended, _seized, _torn
    # A step that took longer than the period finds the next calls waiting already. Ctrl-C seldom comes alone.
    since = time.ticks_diff(time.ticks_ms(), _ended)
    if _busy or since < (_CALM if _torn else _PERIOD // 2):
        return
    left = asyncio.core.cur_task
    if left is not None and left is not _seized:
        # Somebody runs the event loop, and this call came in between; or Ctrl-C ended that, and nobody does any more.
        if client is None or client.idle_ms() < _DEAD:
            return
        _seized = left
    _busy = True
    try:
        if _torn or (client in runner.running and client.ended):
            _mend()
        _torn = True
        asyncio.run(_pass())
        _torn = False
    except KeyboardInterrupt:
        log("console: interrupted in the background")
    except Exception as error:
        log("console: %r", error)  # asyncio itself fails, after a Ctrl-C in the middle of it
    finally:
        asyncio.core.cur_task = left
        _busy = False
        _ended = time.ticks_ms()


async def _pass():
    await asyncio.sleep_ms(0)
