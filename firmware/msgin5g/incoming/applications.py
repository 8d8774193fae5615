# SPDX-License-Identifier: MIT
"""Several applications behind one Client: TS 24.538 clause 6.4.1.1.6 b. Imported when the first of them is opened.

The inbox stays one list. A message goes to each open application that its Application ID names, once to each; what
names none of them goes to the client's own. A message for several stays in the inbox, and on flash, for those that have
not taken it; its report goes out with the first that has.

An application that does not take its messages must not hold up the others: of the room in the inbox each has an equal
share, the client's own too. Whoever has used it up makes senders come again later (5.03), and once it has taken
nothing for a minute they are told that it will not (4.13): a sender keeps to the order of what waits for a device.
"""

from coap import numbers
from coap.compat import const

from ..rules.refusals import Refusal, later
from ..store.message import Message
from ..timing import Countdown

MAX_APPLICATIONS = const(8)
_SLOW = const(60000)  # ms without a message taken


class Lent(Message):
    """A message for several applications, as one of them holds it. Its payload goes when all have let go of it."""

    def __init__(self, message):
        super().__init__(
            message.sender,
            message.sender_type,
            message.to,
            message.to_type,
            message.message_id,
            message.app_id,
            message.priority,
            message.report_requested,
        )
        self.original = message
        message.lend(self)

    def close(self):
        """Let go of the payload."""
        self._stored = self._value = None


class Applications:
    """The applications that are open, by their IDs, None for the client's own inbox: what waits for each, and what each
    holds."""

    def __init__(self, inbox, messages, stats):
        self.names = []
        self._inbox = inbox  # the list of all that was received
        self._messages = messages  # that it may hold
        self._stats = stats
        self._held = {None: None}  # by all of the names, so that `hold` wants no memory
        self._full = {}  # name: Countdown since its share was used up

    def open(self, name):
        """Have messages with this Application ID go there. Raise ValueError."""
        octets = name.encode() if isinstance(name, str) else b""
        if not 1 <= len(octets) <= 255:
            raise ValueError("application: must be a string of 1 to 255 octets")
        if name not in self.names:
            if len(self.names) >= MAX_APPLICATIONS:
                raise ValueError("application: %d are open, more are not possible" % MAX_APPLICATIONS)
            self._held[name] = None
            self.names.append(name)

    def waiting(self, message):
        """Return the names of those that the message waits for."""
        named = message.app_id
        found = []
        for name in named if isinstance(named, tuple) else (named,):
            if name in self.names and name not in found:
                found.append(name)
        return found or [None]

    def first(self, name):
        """Return the oldest message that waits for an application, or None."""
        for message in self._inbox:
            if name in self.waiting(message):
                return message
        return None

    def others(self, message, name):
        """Return the names of the others that it waits for."""
        return [each for each in self.waiting(message) if each != name]

    def is_lent(self, message):
        """Return whether an application holds it that is not the last of those that it is for."""
        return any([isinstance(each, Lent) and each.original is message for each in self._held.values()])

    def let_go(self, name):
        """Take note that an application asks for its next message: the one before it is closed."""
        self._full.pop(name, None)
        message = self._held.get(name)
        if message is None:
            return
        self._held[name] = None
        message.close()
        if isinstance(message, Lent):
            original = message.original
            if original not in self._inbox and not self.is_lent(original):
                original.close()

    def hold(self, name, message):
        """Take note that an application has a message now. Want no memory: the message counts as taken already."""
        self._held[name] = message

    def expect_room(self, messages, now):
        """Raise the Refusal of messages for an application that has used up its share."""
        share = max(1, self._messages // (len(self.names) + 1))
        waiting = [name for message in self._inbox + messages for name in self.waiting(message)]
        for message in messages:
            for name in self.waiting(message):
                if waiting.count(name) > max(share, len(messages)):
                    self._refuse(name, now)

    def _refuse(self, name, now):
        who = "the application" if name is None else "application " + name
        since = self._full.get(name)
        if since is None:
            since = self._full[name] = Countdown(_SLOW, now)
        since.advance(now)
        self._stats["refused"] += 1
        if since.left(now) <= 0:
            raise Refusal(numbers.REQUEST_ENTITY_TOO_LARGE, who + " does not take its messages")
        raise later(who + " has not taken its messages yet")
