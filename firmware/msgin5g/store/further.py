# SPDX-License-Identifier: MIT
"""The part of the message store for messages that take more than their being sent and accepted: cut anew, in segments,
to many, joined, or moved to another log segment. Imported with the first of them, by the store."""

from coap.compat import const

from .journal import framed, pack
from .outgoing import AWAITING, Outgoing, counts

_PROGRESS = const(0x50)
_COUNTED = const(0x4E)
_JOINED = const(0x4A)
_RECEIVED = const(0x52)
_OPENED = const(0x4F)
_SENT = const(0x53)


class Further:
    """Methods of MessageStore, whose attributes they use."""

    def sent_again(self, outgoing):
        """Write record S again, since the message is cut in another way. Raise OSError."""
        before = outgoing.ref
        outgoing.ref = self.journal.write([self.rewrite(before) + (outgoing,)])
        if outgoing.source.file is None:
            outgoing.source.ref = outgoing.ref
        self.journal.release(before)
        self.journal.compact()

    def progress(self, outgoing):
        """Write record P: which segments were acknowledged, so that a restart goes on there."""
        outgoing.progress = outgoing.segments.progress()
        self.write(_PROGRESS, pack([outgoing.message_id, outgoing.progress]), None)

    def counted(self, outgoing):
        """Keep how many of many recipients reported a failure, as long as none reported success."""
        self.journal.defer(_COUNTED, pack([outgoing.message_id] + counts(outgoing)))

    def joined(self, aggregate):
        """Write record J, before the messages go out as one, or as this is known better. Raise OSError."""
        before = aggregate.ref
        aggregate.ref = self.journal.append(_JOINED, pack(aggregate.composition()), aggregate)
        self.journal.release(before)

    def rewrite(self, ref):
        """Return (kind, body) of a live record as it would be written now."""
        owner = ref.owner
        if isinstance(owner, Outgoing):
            payload = b""
            if owner.stands not in AWAITING and owner.source.file is None:
                payload = owner.source.read(0, owner.size)
            return _SENT, framed(owner.header(), payload)
        if hasattr(owner, "composition"):
            return _JOINED, pack(owner.composition())
        if isinstance(owner, tuple):  # of an earlier run, until the sender takes it up
            return _JOINED, pack(owner)
        from .message import Message  # loaded with the first one that came in

        if isinstance(owner, Message):
            return _RECEIVED, pack(self.message_header(owner), b"" if owner.taken else owner.octets())
        if isinstance(owner, list):  # of a device that was a client and is an application client now
            return _OPENED, pack(owner[:3] + [self.message_header(owner[3])] + owner[5:])
        return _OPENED, pack(self.set_header(owner))
