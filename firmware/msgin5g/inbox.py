# SPDX-License-Identifier: MIT
"""The inbox of either role: received messages until the application takes them, and when their reports are owed.

A message is acknowledged once it is in the inbox; its report goes out when the application takes it (`reports` =
"taken") or at once ("arrival").
"""

_VANISHED = "the device's storage lost it"


class Inbox:
    """See the module. A subclass has `_report(message, why)`, which tells the sender that the message was delivered,
    or for `why` it was not. `failed(message, why)` is called for one that the application will never have."""

    def __init__(self, config, ledger, stats, failed):
        self.inbox = ledger.inbox
        self._config = config
        self._ledger = ledger
        self._stats = stats
        self._failed = failed
        self._most = config.inbox["messages"]
        self._taken = None  # the message that the application holds, as far as it lies in the storage

    def resume(self, now):
        """Goes on with what an earlier run left."""

    def stored_octets(self):
        """What whole messages take up in the storage."""
        return sum([message.stored_octets for message in self.inbox])

    def deliver(self, message, value):
        """Puts a message in. `value` is its `payload` member, None where it `keep`s a row. Raises OSError."""
        self._record(message, value)
        self._arrived(message)

    def _record(self, message, value):
        at_once = self._config.reports == "arrival" and message.report_requested
        self._ledger.received(message, value, at_once)

    def _arrived(self, message):
        self.inbox.append(message)
        self._stats["received"] += 1
        if message.report_owed:
            self._report(message)

    def take(self):
        """The oldest message, now the application's, or None. The one before it is closed."""
        while self.inbox:
            if self._taken is not None:
                self._taken.close()
            message = self.inbox[0]
            try:
                message.load()
            except OSError:
                self._vanished(message)
                continue
            self._taken = message
            self.inbox.pop(0)
            if self._config.reports == "taken" and message.report_requested:
                message.report_owed = True
                self._report(message)
            self._ledger.taken(message)
            return message
        return None

    def _vanished(self, message):
        """The storage lost a message that was acknowledged: it is told to the sender and counted."""
        self.inbox.remove(message)
        self._stats["vanished"] += 1
        self._ledger.taken(message)
        self._failed(message, _VANISHED)
        if message.report_requested:
            self._report(message, _VANISHED)
