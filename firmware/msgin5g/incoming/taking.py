# SPDX-License-Identifier: MIT
"""The part of a client that has to do with messages to it. Imported with the first of them, by the client."""

from coap.compat import const

from ..events import FAILED

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from ..store.message import Message


class Taking:
    """Methods of BaseClient, whose attributes they use."""

    def first(self, application=None):
        """Return the message that `take` would take, or None."""
        return self._receiver and self._receiver.first(application)

    def take(self: "Any", now: int, application: str | None = None) -> "Message | None":
        """Return the oldest received Message, or None; it is the caller's from now on, and its report goes out.

        `application` is the Application ID of one that was opened, None for all that goes to none of these. The one
        taken before it is closed. Raise MemoryError where none was taken for want of memory.
        """
        self._stale = True
        message = self._receiver and self._receiver.take(application)
        if message is not None:
            self._work(now)
        return message

    # --- for the sources ----------------------------------------------------------------------------

    def failed(self, message, why):
        """Tell of a message that was on its way in, or in the inbox, and that nobody will have."""
        self.events.append((FAILED, (message.sender, message.message_id, why)))

    def expected(self, found):
        """Count what came about a message that is not held here."""
        if not found:
            self.stats["unexpected"] += 1
