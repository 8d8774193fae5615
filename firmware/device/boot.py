# SPDX-License-Identifier: MIT
"""From power-on to the application, or to a safe boot without it. The reason why a device cannot start is one
sentence on the console.
"""

import gc
import os
import sys
import time

import msgin5g
from board import Board
from coap.compat import const

from . import health
from .health import log
from .starts import GOOD, look, traceback

_APP = const("app.py")
_PAUSE = const(10)  # seconds for a person to break in, before a board whose application failed is reset
_OURS = const(("__main__", "asyncio", "base", "board", "coap", "device", "main", "msgin5g"))
_SAFE = const(1800)  # seconds until a safe boot is over: a device in the field has nobody who ends it


def main():
    """Run the application; without one, a client that prints what it receives."""
    path = _application()
    board = Board()
    starts = look(board)
    health.unattended = True
    scope = {"__name__": "__main__"}
    try:
        try:
            starts.begin(health.now())
            _work(board, starts, path, scope)
            starts.good()
        except KeyboardInterrupt:
            starts.good()
            if not sys.argv:
                raise  # on a board: to the REPL, and at once
            _interrupted()
        except SystemExit:
            starts.good()
            raise
        except Exception as error:
            if health.begun or starts.trial or not _hinders(error):
                raise  # begun: there was a good one before, so the device was well, and nobody is at the REPL
            starts.good()
            _give_up(error)
    except BaseException as error:  # BaseException, since CancelledError is no Exception
        # The application may have taken the last octet: up to _drop nothing here takes memory, not even for a tuple.
        if isinstance(error, KeyboardInterrupt) or isinstance(error, SystemExit):
            health.attend(board)
            raise
        if sys.argv:
            starts.failed(_words(error), health.now())
            raise
        _failed(board, scope, path, error)
    health.attend(board)
    if not sys.argv:
        _go_on(board)


def _work(board, starts, path, scope):
    """Do what this start is for, until it ends."""
    if starts.safe:
        _run(_safe(starts, path))
        board.reset()
    elif len(sys.argv) > 1 or _exists(path):
        # The application's frame lies below all that the client does, so nothing of ours is between
        if path.endswith(".mpy"):
            __import__("app")
        elif _marked(path):
            with open(path, "rb") as file:
                exec(compile(file.read()[3:], path, "exec"), scope)
        else:
            execfile(path, scope)  # noqa: F821
    else:
        log("no %s here: printing what comes in", _APP)
        _run(_listen())


def _application():
    """Return the path of the application: of the slot that this start runs, else what the command line names, else of
    what was flashed."""
    base = sys.modules.get("base")
    if base is not None and base.folder:
        for name in ("/app/app.py", "/app/app.mpy"):
            if _exists(base.folder + name):
                return base.folder + name
    return sys.argv[1] if len(sys.argv) > 1 else _APP


def _go_on(board):
    """Go on beside the REPL with the client that an application has left running when it ended in order."""
    runner = sys.modules.get("device.runner")
    if runner is not None and runner.running:
        from . import console

        console.adopt(board)


def _marked(path):
    """Return whether a file begins with the mark of some editors, which the interpreter's own importer takes for a part
    of the first name. All else that reads: in pieces, in any encoding."""
    with open(path, "rb") as file:
        return file.read(3) == b"\xef\xbb\xbf"


def _run(coroutine):
    import asyncio

    asyncio.run(coroutine)


def _hinders(error):
    """Return whether it says that this configuration makes no client on this board, which a person has to mend.

    Such an error exists only where its module is loaded. To load it here might fail: the application may have taken
    all memory.
    """
    errors = sys.modules.get("msgin5g.errors")
    return errors is not None and (
        isinstance(error, errors.ConfigError) or isinstance(error, errors.Unsupported)
    )


def _give_up(error):
    """Say why there can be no client, and how to mend it."""
    wrong = isinstance(error, msgin5g.ConfigError)
    log("cannot start, msgin5g.json is wrong: %s" if wrong else "cannot start: %s", error)
    # A board has no command line and nobody for an exit code: SystemExit would start it anew, for ever. Its REPL is
    # where the user can put things right.
    if sys.argv:
        sys.exit(2)
    if wrong:
        log("make it on the computer: msgin5g provision --ue ue:NAME@DOMAIN --peer URI --port PORT")


def _failed(board, scope, path, error):
    """On a board, tell the error, wait for a person to look at it, and start anew. The new start comes even where
    one of these fails."""
    try:
        _drop(scope)
        health.starts.failed(_words(error), health.now())
        sys.print_exception(error)
        log("%s failed; the board is reset in %d s, Ctrl-C keeps it at the REPL", path, _PAUSE)
        health.attend(board)
        time.sleep(_PAUSE)
    except KeyboardInterrupt:
        health.attend(board)
        raise
    except BaseException as failure:
        log("%r", failure)
    board.reset()


def _words(error):
    try:
        return traceback(error)
    except MemoryError:
        return "MemoryError, and none to say more\n"


def _drop(scope):
    """Give back what the application took: it may have been all of the memory."""
    scope.clear()
    for name in list(sys.modules):
        if name.split(".")[0] not in _OURS:
            del sys.modules[name]
    runner = sys.modules.get("device.runner")
    if runner is not None:
        for client in runner.running[:]:
            client.abandon()
        runner.asyncio.new_event_loop()  # and with it all tasks, and what they hold
        runner.asyncio.core.cur_task = None
    gc.collect()


def _interrupted():
    """Ctrl-C where there is a command line: in good order, unless it is pressed again."""
    try:
        _run(_stop())
    except KeyboardInterrupt:
        pass
    sys.exit(130)


async def _stop():
    from .runner import running

    for client in running[:]:
        await client.stop()


def _exists(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


async def _listen():
    from . import start

    client = await start()
    async for message in client.messages():
        text = message.payload if message.size < 256 else "%d octets" % message.size
        log("from %s: %s", message.sender, text)


async def _safe(starts, path):
    """REPL and link: the device registers, takes in what is sent to it, and leaves it for a later start."""
    import asyncio

    from . import start

    log("safe boot: %d starts in a row failed within %d s, so %s is not run", starts.bad, GOOD, path)
    log(
        "safe boot: the device registers and keeps what it is sent; to look: Ctrl-C, from device import console"
    )
    log("safe boot: a reset tries %s once more; it comes by itself in %d min", path, _SAFE // 60)
    await start()
    await asyncio.sleep(_SAFE)
