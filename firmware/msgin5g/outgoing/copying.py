# SPDX-License-Identifier: MIT
"""The part of a client for messages that are copied to the storage, and for who waits until they are. Imported with the
first of them, by the client."""

from coap.compat import const

_TYPING = const(False)
if _TYPING:
    from typing import Any, BinaryIO

    from ..store.outgoing import Outgoing


class Copying:
    """Methods of BaseClient, whose attributes they use."""

    def send(
        self: "Any",
        to: str,
        payload: "str | bytes | BinaryIO | tuple[BinaryIO, int]",
        now: int,
        to_type: str = "UE",
        app_id: str | list[str] | None = None,
        report: bool = False,
        priority: str = "NORMAL",
        store_forward: bool = False,
        expires: float | None = None,
        volatile: bool = False,
    ) -> "Outgoing":
        """Put a message in the outbox and return its Outgoing (clause 6.4.1.1.2). It is on flash then.

        `to` is a service ID (str of 1 to 255 octets); `to_type` "UE", "AS", "GROUP", "TOPIC" or "BC".
        `payload` is str, octets, a binary file, or (binary file, size); `app_id` str, a list of them, or None.
        `report` asks the recipient for a delivery report; `priority` is "HIGH", "NORMAL" or "LOW".
        `store_forward` has the server keep it for a recipient that cannot be reached; `expires` is in seconds from
        now, None for never. A `volatile` message stays in the heap, and its file must stay open until it ends.
        Raise ValueError for what can never be sent, OutboxFull when there is no room now, StorageError where the
        storage failed; then the message was not taken.
        """
        self._stale = True  # what fails half way may have changed something, too
        if self.builder is None:
            self.procedure("sender")
        if not isinstance(payload, str) and not isinstance(payload, bytes):
            self.sender.drop  # noqa: B018  # as in `offer`
        outgoing = self.builder.add(
            to, payload, now, to_type, app_id, report, priority, store_forward, expires, volatile
        )
        while outgoing.spool is not None:
            self._copy(outgoing, now)
        self._work(now)
        if outgoing.prefetched is not None:  # else it is an attribute that is new, and wants memory
            outgoing.prefetched = None  # what waits is made anew in its turn
        return outgoing

    def _copy(self, outgoing, now):
        self._stale = True
        spool = outgoing.spool
        try:
            if spool.copied < spool.size:
                spool.copy()
            else:
                self.outbox.spooled(outgoing)
        except Exception:
            self.drop(outgoing, now)
            raise

    def drop(self: "Any", outgoing: "Outgoing", now: int) -> None:
        """Take back a message whose `spool` has not come to its end."""
        if outgoing.spool is not None:
            self.sender.drop(outgoing, now)
            self._work(now)
