# SPDX-License-Identifier: MIT
"""The inbox of either role: received messages until the application takes them, and when their reports are owed.

A message is acknowledged once it is in the inbox; its report goes out when the application takes it (`reports` =
"taken") or at once ("arrival").
"""

from ..rules.requests import Source


class Inbox(Source):
    """See the module. A subclass has `_reports`, a list of reports that wait to go out, and `_report(message,
    why)`, which makes one: that the message was delivered, or with a `why` that it was not. `client.failed(message,
    why)` is called for one that the application will never have, `client.came()` for one that came.
    """

    applications = None  # Applications, once one was opened

    def __init__(self, client):
        self.inbox = client.store.inbox
        self._config = client.config
        self._store = client.store
        self._stats = client.stats
        self._failed = client.failed
        self._came = client.came
        self._max_messages = client.config.inbox["messages"]
        self._taken = None  # the message that the application holds, as far as it lies in the storage

    def resume(self, now):
        """Go on with what an earlier run left."""

    def settle(self):
        """Have no power cut take what was acknowledged."""

    def _restore(self, storage):
        """Find the payloads that an earlier run left in files, whatever role it had."""
        for message in self.inbox[:]:
            file = message.file
            if file is None:
                continue
            if isinstance(file, list):
                from ..store.stored_file import StoredFile

                stored = StoredFile(storage, *file)
                try:
                    whole = not stored.size or stored.read(stored.size - 1, 1)
                except OSError:
                    whole = False
            else:
                from .reassembly import StoredPayload

                stored = StoredPayload(storage, file)
                stored.restore()
                whole = len(stored) == stored.total
            message.keep(stored)
            if not whole:
                self._vanished(message)

    def stored_octets(self):
        """Return what whole messages take up in the storage."""
        return sum([message.stored_octets() for message in self.inbox])

    def deliver(self, message, value):
        """Put a message in. `value` is its `payload` member in UTF-8, None where it `keep`s a file. Raise OSError,
        MemoryError; then it is not in."""
        at_once = self._config.reports == "arrival" and message.report_requested
        message.report_owed = at_once
        report = self._report(message) if at_once else None
        self.inbox.append(message)
        try:
            if at_once:
                self._reports.append(report)
            self._store.received(message, value, at_once)
        except Exception:
            self.inbox.remove(message)
            if report in self._reports:
                self._reports.remove(report)
            raise
        self._stats["received"] += 1
        self._came()

    def open(self, name, now):
        """Open the application with this Application ID: what names it waits for `take(name)`. Raise ValueError."""
        from .applications import Applications

        applications = self.applications or Applications(self.inbox, self._max_messages, self._stats)
        applications.open(name)
        self.applications = applications

    def first(self, name=None):
        """Return the oldest message for an application (None: for the client's own inbox), or None."""
        if self.applications is not None:
            return self.applications.first(name)
        return self.inbox[0] if self.inbox else None

    def take(self, name=None):
        """Return the oldest message, now the application's, or None. The one before it is closed."""
        applications = self.applications
        while True:
            message = self.first(name)
            if message is None:
                return None
            if applications is not None:
                applications.let_go(name)
            if name is None and self._taken is not None:
                self._taken.close()
            try:
                message.load()
            except (OSError, ValueError):  # gone, or not what was written
                self._vanished(message)
                continue
            return self._given(message, name)

    def _given(self, message, name):
        """Return a message as the application has it: itself, or what it shares with others. Raise MemoryError,
        OSError, and then it is still here."""
        applications = self.applications
        others = applications.others(message, name) if applications is not None else ()
        given = message
        if others or (applications is not None and applications.is_lent(message)):
            from .applications import Lent

            given = Lent(message)
        before = message.report_owed, message.report_requested, message.app_id
        report = None
        try:
            if self._config.reports == "taken" and message.report_requested:
                message.report_owed = True
                report = self._report(message)
                self._reports.append(report)
            if others:
                message.report_requested = False  # one report for all
                message.app_id = tuple(others)
                self._store.shared(message)
            else:
                self._store.taken(message)
        except Exception:
            message.report_owed, message.report_requested, message.app_id = before
            if report in self._reports:
                self._reports.remove(report)
            raise
        if applications is not None:
            applications.hold(name, given)
        if name is None:
            self._taken = message
        if not others:
            self.inbox.remove(message)
        return given

    def _vanished(self, message):
        """Take note that the storage lost a message that was acknowledged: it is told to the sender and counted."""
        why = "the device's storage lost it"
        if message.report_requested:
            self._reports.append(self._report(message, why))
        self._failed(message, why)
        self._store.taken(message)
        self.inbox.remove(message)
        self._stats["vanished"] += 1
