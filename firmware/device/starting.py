# SPDX-License-Identifier: MIT
"""start(): from the configuration to a client that runs."""

import asyncio
import time

from coap.compat import const
from msgin5g import Config

from . import health, runner
from .client import RunningClient
from .log import log

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Board

_CONFIG = const("msgin5g.json")
_STOPPING = const(6000)  # ms that start() waits for one that stops


def _clock():
    """Return seconds since 1970, or None where the clock was never set."""
    seconds = time.time()
    year = time.gmtime(seconds)[0]
    if year < 2024:
        return None
    # some ports count from 2000
    return seconds + (946684800 if time.gmtime(0)[0] == 2000 else 0)


def _goes_on(client, config):
    """Return whether the running client is for this configuration; else close it, or raise ClientError."""
    if client.stopping or not client.again():
        client.abandon()
    elif client.core.config.__dict__ == config.__dict__:
        return True
    elif client.left:
        client.abandon()
    else:
        from msgin5g import ClientError

        raise ClientError("%r runs already: await its stop() before another one starts" % client.core.config)
    return False


def _tell(journal):
    """Say what the start found in the storage, where there is something to say."""
    if journal.unread is not None or journal.damaged or journal.unknown or journal.newer:
        from .findings import findings

        for words in findings(journal):
            log("%s", words)


async def start(
    config: "Config | dict[str, Any] | str | None" = None, board: "Board | None" = None
) -> RunningClient:
    """Return a running client, at once: the link and the registration come up in the background, for ever.

    `config` is a Config, a dict or a path (default: msgin5g.json); `board` a Board (default: this board's).
    A board has one client, since its storage, its sequence numbers and its link have one owner. Where one runs with
    the same configuration, a second call returns that one. A client that has a fault is closed, and a new one takes
    over; so is one with another configuration whose application has ended. Raise msgin5g.ConfigError,
    device.links.Unsupported for a `peer` that the board has no link for, ClientError where a client with another
    configuration runs.
    """
    if config is None or isinstance(config, str):
        config = Config.load(config or _CONFIG)
    elif isinstance(config, dict):
        config = Config(config)
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
    # Only the role that this device has is imported.
    if config.role == "client":
        from msgin5g import Client as Core
    else:
        from msgin5g import ApplicationClient as Core  # type: ignore[no-redef]
    core = Core(config, board.storage, clock=_clock, lent=runner.lent)
    _tell(core.journal)
    health.look(board)
    # after the core: reading the storage may take longer than a watchdog waits
    health.watch(board, config.watchdog, runner.fault)
    return RunningClient(core, link, board.storage)
