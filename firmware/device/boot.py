# SPDX-License-Identifier: MIT
"""From power-on to the application. What keeps a device from starting is said in one sentence on the console."""

import os
import sys

from msgin5g import ConfigError

from .links import Unsupported
from .log import log

_APP = "app.py"


def main():
    """Runs the application; without one, a client that prints what it receives."""
    path = sys.argv[1] if len(sys.argv) > 1 else _APP
    try:
        if len(sys.argv) > 1 or _exists(path):
            with open(path) as file:
                code = compile(file.read(), path, "exec")
            exec(code, {"__name__": "__main__"})
        else:
            log("no %s here: printing what comes in", _APP)
            import asyncio

            asyncio.run(_listen())
    except ConfigError as error:
        log("cannot start, msgin5g.json is wrong: %s", error)
        _give_up()
    except Unsupported as error:
        log("cannot start: %s", error)
        _give_up()
    except KeyboardInterrupt:
        if not sys.argv:
            raise  # on a board: to the REPL, and at once
        _interrupted()


def _give_up():
    # A board has no command line and nobody for an exit code: SystemExit would start it anew, for ever. Its REPL is
    # where the user can put things right.
    if sys.argv:
        sys.exit(2)


def _interrupted():
    """Ctrl-C where there is a command line: in good order, unless it is pressed again."""
    import asyncio

    try:
        asyncio.run(_stop())
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
    from .runner import start

    client = await start()
    async for message in client.messages():
        text = message.payload if message.size < 256 else "%d octets" % message.size
        log("from %s: %s", message.sender, text)
