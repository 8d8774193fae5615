# SPDX-License-Identifier: MIT
"""Updates: new code and configuration that a server sends, signed, tried first, and taken back by the device itself
(docs/application.md, "Updates").

Imported where the configuration has `update`, and by an application that wants to have a say.
"""

import sys

from coap.compat import const

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

_updates: "Any" = None


def begin(client: "Any") -> "Callable[[], Any]":
    """Return the task of this running client that takes updates; the same where its tasks begin anew."""
    global _updates
    if _updates is None or _updates.client is not client:
        from .. import health
        from .driving import Updates

        _updates = Updates(client, health.board)
        _updates.on_end = _let_go
    return _updates.run


def _let_go(updates):
    """Forget what belongs to a client that was stopped: the next one wants its memory."""
    global _updates
    if updates is _updates:
        _updates = None


def confirm() -> None:
    """Have the update that is on trial stay; nothing where there is none. Raise OSError: call it again then."""
    if "base" in sys.modules:
        from .slot import keep

        keep()


def restart() -> None:
    """Have the board start with the update that was verified, once all that waits has gone out, within a minute."""
    if _updates is not None:
        _updates.restart()


def folder() -> str:
    """Return the folder that the files of the application that runs lie in: of an update "slots/a/app"."""
    base = sys.modules.get("base")
    return base.folder + "/app" if base is not None and base.folder else "."


def due() -> bool:
    """Return whether there is something to do that a device which is registered has not got to yet."""
    return _updates is not None and _updates.due()


def status() -> "dict[str, Any]":
    """Return what is known of the update that came last: `id`, `kind`, `state`, `cause`, `have` of `of` octets."""
    return {} if _updates is None else _updates.status()
