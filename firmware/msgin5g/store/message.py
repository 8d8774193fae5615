# SPDX-License-Identifier: MIT
"""A received message, as the application gets it."""

from coap.compat import const, whole

from ..wire import payload

_TYPING = const(False)


class Message:
    """A received message. `payload` is str for text and bytes for octets, `size` its octets (UTF-8).

    A message that came in segments lies in the board's storage: `payload` reads all of it into memory,
    `chunks()` gives it piece by piece, and both work until the next message is taken, or `close()`.
    """

    if _TYPING:
        payload: str | bytes  # the whole of it; ValueError is raised once it is closed

    set_id = None  # where its segments had message IDs of their own

    def __init__(
        self,
        sender: str,
        sender_type: str | None,
        to: str,
        to_type: str,
        message_id: str,
        app_id: str | int | tuple | None,
        priority: str | None,
        report_requested: bool,
    ) -> None:
        self.sender = sender
        self.sender_type = sender_type
        self.to = to
        self.to_type = to_type
        self.message_id = message_id
        self.app_id = app_id
        self.priority = priority
        self.report_requested = report_requested
        self.size = 0
        self._value = None
        self._stored = None
        # What the message store keeps of it
        self.order = 0
        self.taken = False
        self.report_owed = False
        self.file = None  # of the segments
        self.ref = None
        self._journal = None
        self._length = 0

    def __repr__(self):
        return "<Message %s from %s, size %d>" % (self.message_id, self.sender, self.size)

    def __getattr__(self, name):
        if name != "payload":
            raise AttributeError(name)
        return self._held() if self._stored is None else self._stored.whole()

    def chunks(self):
        """Return the payload in pieces of up to 2048 octets: str for text, bytes for octets."""
        if self._stored is not None:
            return self._stored.chunks()
        return iter((self._held(),))

    def close(self) -> None:
        """Free what the storage holds of a message that came in segments."""
        if self._stored is not None:
            self._stored.remove()
            self._stored = None

    def _held(self):
        if self._value is None:
            raise ValueError("the message was closed; read it before the next one is taken")
        return self._value

    # --- on its way in ------------------------------------------------------------------------------

    def merge(self, other, number, set_id):
        """Segment `number` of the same message: the first names the whole, and it alone says whether a report is
        wanted. Return whether there is anything new in it."""
        new = False
        if other.message_id.lower() != self.message_id.lower():
            new = self.set_id is None
            self.set_id = set_id
        if other.report_requested and not self.report_requested:
            self.report_requested = new = True
        if number == 1:
            known = (self.message_id, self.app_id, self.priority)
            if known != (other.message_id, other.app_id, other.priority):
                self.message_id, self.app_id, self.priority = other.message_id, other.app_id, other.priority
                new = True
        return new

    def hold(self, value):
        """Set the payload from the whole `payload` member, in UTF-8. Raise BodyError."""
        octets = payload.has_head(value)
        self._value = payload.read_octets(value) if octets else str(value, "utf-8")
        self.size = len(self._value if octets else value)

    def keep(self, stored):
        """Set the payload from the segments in their file."""
        self._stored = stored
        self.size = stored.size
        self.file = stored.file

    def is_in(self, inbox: list) -> bool:
        """Return whether it is there, or the same message as the storage gave it back."""
        for message in inbox:
            if (message.sender, message.message_id) == (self.sender, self.message_id):
                return True
        return False

    def stored_octets(self):
        """Return the octets that its segments take in the storage."""
        return 0 if self._stored is None else self._stored.length

    def attach_record(self, journal, ref, length):
        """Its `payload` member is the last `length` octets of this record, and need not stay in the heap."""
        self._journal = journal
        self.ref = ref
        self._length = length
        self._value = None

    def move_record(self, ref):
        """Its record was written again, and is this one now."""
        self.ref = ref
        self._value = None

    def lend(self, other):
        """Give another Message the payload, too."""
        other.size = self.size
        other._value, other._stored = self._value, self._stored  # noqa: SLF001

    def octets(self):
        """Return the `payload` member as the journal holds it."""
        return self._journal.read(self.ref, self.ref.length - self._length, self._length)

    def load(self):
        """Read the payload back before the application gets the message."""
        if self._stored is None and self._journal is not None:
            self.hold(self.octets())


whole(Message, asked="payload")
