# SPDX-License-Identifier: MIT
"""From the configuration to a client that runs: the work of `device.start`, which unloads this when it is done."""

import asyncio
import sys

import msgin5g
from coap.compat import const, quick
from msgin5g import Config

from . import health, runner, starts
from .client import RunningClient
from .health import log

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Board

_CONFIG = const("msgin5g.json")
_LOOK = const(2000)  # ms between looks at the parts, at most: of health
_STOPPING = const(6000)  # ms that start() waits for one that stops


def _goes_on(client, config):
    """Return whether the running client is for this configuration; else close it, or raise ClientError."""
    if client.stopping or not client.again():
        client.abandon()
    elif (client.core.config.given or client.core.config.__dict__) == config.__dict__:
        return True
    elif client.left:
        client.abandon()
    else:
        from msgin5g import ClientError

        raise ClientError("%r runs already: await its stop() before another one starts" % client.core.config)
    return False


def _path(path):
    """Return the path of the configuration: where that of the device is asked for, the one that is on trial."""
    base = sys.modules.get("base")
    return base.config if base is not None and path in (None, _CONFIG) else path or _CONFIG


def _tell(journal):
    """Say what the start found in the storage, where there is something to say."""
    if journal.unread is not None or journal.damaged or journal.unknown or journal.newer:
        from .findings import findings

        for words in findings(journal):
            log("%s", words)


def _core(config, storage):
    # Only the role that this device has is imported.
    if config.role == "client":
        from msgin5g import Client as Core
    else:
        from msgin5g import ApplicationClient as Core  # type: ignore[no-redef]
    if config.security["mode"] != "none":
        # Here, since the imports of a module within a module go deep, and so does the core that would ask for it.
        from coap.oscore import Context, Security  # noqa: F401
    return Core(config, storage, clock=health.clock, lent=runner.lent)


def _check_updates():
    """Raise Unsupported where what takes updates was left out: the application would get the offers."""
    try:
        import device.update  # noqa: F401
    except ImportError as error:
        raise msgin5g.Unsupported(
            "update: the image of this board has nothing that takes updates (%s)" % error
        )


def _watch(board, seconds):
    """Begin to look at the parts: `runner.fault` says in words what is wrong with one.

    With `seconds` the board's watchdog is started, but only where main.py runs the application: nothing stops it, and
    a person at the REPL would be reset under their hands. Raise ConfigError for a time that the board does not have.
    """
    if health.unattended and not health.begun:
        health.starts.tell()
    health.board = board
    if seconds and health.unattended:
        try:
            health.watchdog = board.watchdog(int(seconds * 1000))
            health.watching = True
            health.period = min(_LOOK, int(seconds * 250))
            if health.timer is not None:
                health.timer.deinit()
                health.timer = None
        except ValueError as error:
            raise msgin5g.ConfigError("watchdog", "the board refuses %s s: %s" % (seconds, error))
        except msgin5g.Unsupported as error:
            log("no watchdog: %s", error)
    health.begun = health.unattended  # not before: where the time is refused, the configuration is at fault
    health.keep(runner.fault)


async def running(config: "Config | dict[str, Any] | str | None", board: "Board | None") -> RunningClient:
    """Return the running client of `device.start`, which says what the arguments are."""
    if config is None or isinstance(config, str):
        config = quick(Config.load, _path(config))
    elif isinstance(config, dict):
        config = quick(Config, config)
    patience = _STOPPING
    while runner.running and runner.running[0].stopping and patience > 0:
        await asyncio.sleep_ms(50)  # type: ignore[attr-defined]  # it de-registers
        patience -= 50
    for client in runner.running[:]:
        if _goes_on(client, config):
            return client
    if board is None:
        from board import Board

        board = Board()
    link = board.links(config)
    if config.security["mode"] == "none":
        log('warning: security.mode is "none": anyone on the path can read, change and forge messages')
    if config.update is not None:
        _check_updates()
    core = quick(_core, config, board.storage)
    if config.update is not None:
        # before the application takes a message
        core.call("receiver", "open", "msgin5g.update", health.now())
    _tell(core.journal)
    starts.look(board)
    # after the core: reading the storage may take longer than a watchdog waits
    _watch(board, config.watchdog)
    return RunningClient(core, link, board.storage)
