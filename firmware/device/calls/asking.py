# SPDX-License-Identifier: MIT
"""What an application seldom asks its client for: topics, a trigger, what waits and what was counted, a promise to be
heard of. Imported with the first of these calls.
"""

from coap.compat import const
from msgin5g import FinishedMessage

from .. import health
from . import countdown
from .granted import subscribed

_TYPING = const(False)
if _TYPING:
    from typing import Any


class Asking:
    """Methods of RunningClient, whose attributes they use."""

    async def subscribe(self: "Any", topic: str, timeout_s: float | None = 60) -> None:
        """Subscribe to a Messaging Topic (str), and return when the server has granted it: from then on, over restarts
        too, messages to the topic are received (TS 24.538 clause 6.6.2.1).

        Raise msgin5g.SubscriptionError where it refuses, or has not answered within `timeout_s` seconds (and then the
        device goes on trying); ValueError for what can be no topic, and for the ninth; msgin5g.StorageError.
        """
        await subscribed(self, self._call(self.core.subscribe, topic, health.now()), timeout_s)

    async def unsubscribe(self: "Any", topic: str, timeout_s: float | None = 60) -> None:
        """End a subscription, and return when the server has ended it, at once where there was none (clause 6.6.2.2).

        Raise as `subscribe` does.
        """
        await subscribed(self, self._call(self.core.unsubscribe, topic, health.now()), timeout_s)

    def triggered(self: "Any", octets: bytes) -> bool:
        """Take a trigger (TS 23.554 clause 8.9.3) that the board's modem was sent, and return whether anything is done
        for it: not where it is none, or comes too soon behind another. Raise msgin5g.StoppedError after `stop`.
        """
        return self.call("triggers", "triggered", octets)

    def call(self: "Any", name: str, method: str, *arguments: "Any") -> "Any":
        """Call a method of the procedure `name` of a Client, at once, and return what it returned: for a procedure that
        has no call of its own here. The method's last argument, the tick, is added.

        Raise KeyError where there is no such procedure, what the method raises, msgin5g.StoppedError after `stop`.
        """
        return self._call(self.core.call, name, method, *arguments, health.now())

    def outbox(self: "Any") -> "list[Any]":
        """Return the messages, over restarts too: those that wait, in order, then the last that ended."""
        outbox = self.core.outbox
        ended = [FinishedMessage(*each) for each in outbox.history()]
        waiting = [core for core in outbox.waiting if not core.final]  # some are only counted for
        return [self.outgoing(self, core) for core in outbox.queue + waiting + ended]

    def alive(self: "Any", seconds: float | None) -> None:
        """Promise to call this again within so many seconds. If the call does not come, a running watchdog is not
        fed any more. None ends the promise.
        """
        self._promise = countdown(seconds)

    @property
    def ended(self: "Any") -> bool:
        """Whether an error ended it: its next call raises that."""
        return self._ended is not None

    @property
    def stats(self: "Any") -> dict[str, "int | str"]:
        """Counters of the service; "journal_", "link_" and "coap_" begin those of the layers below. "boots" counts the
        starts of the board, "reset_cause" is why it started last.
        """
        stats: dict[str, int | str] = dict(self.core.stats)
        stats["boots"] = health.starts.boots
        stats["reset_cause"] = health.starts.cause
        journal = self.core.journal
        for name in ("failed", "torn", "damaged", "unknown", "newer"):
            stats["journal_" + name] = getattr(journal, name)
        stats["journal_unread"] = int(journal.unread is not None)
        stats["link_dropped"] = self._link.dropped
        security = getattr(self.core.endpoint, "security", None)
        for prefix, layer in (("coap_", self.core.endpoint), ("oscore_", security), ("link_", self._link)):
            for name, value in getattr(layer, "stats", {}).items():  # L3 has no CoAP, UDP no frames
                stats[prefix + name] = value
        return stats
