# SPDX-License-Identifier: MIT
"""The protocol as a running device, on asyncio: `client = await start()` (docs/application.md, "The calls")."""

from coap.compat import const, quick, submodule, unload

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Board
    from msgin5g import Config

    from .client import RunningClient


async def start(
    config: "Config | dict[str, Any] | str | None" = None, board: "Board | None" = None
) -> "RunningClient":
    """Return a running client, at once: the link and the registration come up in the background, for ever.

    `config` is a Config, a dict or a path (default: msgin5g.json); `board` a Board (default: this board's).
    A board has one client, since its storage, its sequence numbers and its link have one owner. Where one runs with
    the same configuration, a second call returns that one. A client that has a fault is closed, and a new one takes
    over; so is one with another configuration whose application has ended. Raise msgin5g.ConfigError,
    device.links.Unsupported for a `peer` that the board has no link for, ClientError where a client with another
    configuration runs.
    """
    import msgin5g  # noqa: F401  # from wherever it lies

    starting = quick(submodule, "device", "starting")
    try:
        return await starting.running(config, board)
    finally:
        unload("device.starting")  # what runs has no use for it


def __getattr__(name):
    if name == "__version__":
        from coap.version import VERSION

        return VERSION
    return submodule("device", name)
