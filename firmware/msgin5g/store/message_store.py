# SPDX-License-Identifier: MIT
"""What the service must not forget over a power cut, as records of a journal.

    S  a message was sent to the outbox: its header, and its payload where it is short
    A  it was accepted, and waits for a report            P  which of its segments were acknowledged
    E  it ended                                           N  how many of many recipients reported
    J  messages went out as one
    O  a set of segments was opened                       C  it was given up
    R  a message was received: its header, and its payload where it came whole
    T  the application took it                            Q  its report was accepted
    K  checkpoint: what outlives the log segments before it

Writes are few, since flash wears: a message costs one (S) when it is taken and one (E) when it ends, a
received one R and T. A, C and Q go with the next of these; a cut that loses them makes the device repeat
something that the other side knows to be a repeat.
"""

import hashlib

from coap.compat import const, json_octets
from coap.submodule import unload

from .journal import Journal, RecordSource
from .outgoing import AWAITING, Outgoing

_SENT = const(0x53)
_ACCEPTED = const(0x41)
_PROGRESS = const(0x50)
_ENDED = const(0x45)
_OPENED = const(0x4F)
_CLOSED = const(0x43)
_RECEIVED = const(0x52)
_TAKEN = const(0x54)
_REPORTED = const(0x51)
_COUNTED = const(0x4E)
_JOINED = const(0x4A)
_CHECKPOINT = const(0x4B)

_MAX_SEEN = const(64)  # message IDs of whole messages remembered (docs/wire-profile.md, "Answers")
_DIGEST = const(8)  # octets of each: a digest, so that 64 of them cost half a kilobyte
_MAX_HISTORY = const(16)  # messages that ended, for an application that restarted
_SET = const("\n")  # before a set ID among the message IDs
_MAX_CAUSE = const(80)  # characters of the cause of each: all are in the checkpoint of every log segment


def _pack(header, payload=b""):
    text = json_octets(header)
    return len(text).to_bytes(2, "big") + text + payload


class MessageStore:
    """See the module. After `recover` the four lists hold what an earlier run left behind."""

    compositions = ()  # [message ID, orders, whether it is dissolved, RecordRef] of messages that went out as one

    def __init__(self, storage, lent=None):
        self.queue = []
        self.waiting = []
        self.inbox = []
        self.reports = []
        self.sets = []  # [sender, set ID, file, Message of the header, RecordRef, total, octets]
        self.history = []  # (message ID, to, to_type, state, cause), oldest first
        self._storage = storage
        self.lent = lent  # a message that was taken in an earlier life of the client, and is still read
        self.file = 0
        self.digests = bytearray()  # of the messages that were seen, the oldest first
        self.unnamed = 0  # messages still to come until no digest of version 0, without a sender, is left
        self.foreign = 0  # payload files up to this number may belong to log segments of a newer version
        self.order = 0
        self.journal = Journal(storage, self._checkpoint, self.rewrite)

    # --- messages on their way out ------------------------------------------------------------------

    def sent(self, outgoing, octets):
        """Write record S: the message is in the outbox when this returns. `octets` is a short payload, None for one
        that lies in a file; the source then reads them from flash. Raise OSError."""
        if not outgoing.order:
            self.number(outgoing)
        source = outgoing.source
        if octets is not None:
            source = RecordSource(self.journal, None, len(octets), source.text)
        header = self._outgoing_header(outgoing)
        source.ref = outgoing.ref = self.journal.write(_SENT, _pack(header, octets or b""), outgoing)
        outgoing.source = source
        self.journal.compact()

    def number(self, outgoing):
        """Give a message its place among all."""
        self.order += 1
        outgoing.order = self.order

    def sent_again(self, outgoing):
        """Write record S again, since the message is cut in another way. Raise OSError."""
        before = outgoing.ref
        outgoing.ref = self.journal.write(*self.rewrite(before), outgoing)
        if outgoing.source.file is None:
            outgoing.source.ref = outgoing.ref
        self.journal.release(before)
        self.journal.compact()

    def accepted(self, outgoing):
        """Take note that the body is not needed any more. Return whether it may be removed."""
        body = _pack([outgoing.message_id])
        if outgoing.source.file is None:
            self.journal.defer(_ACCEPTED, body)
            return True
        return self._write(_ACCEPTED, body)  # the file must not go before this is safe

    def progress(self, outgoing):
        """Write record P: which segments were acknowledged, so that a restart goes on there."""
        outgoing.progress = outgoing.segments.progress()
        self._write(_PROGRESS, _pack([outgoing.message_id, outgoing.progress]))

    def counted(self, outgoing):
        """Keep how many of many recipients reported a failure, as long as none reported success."""
        self.journal.defer(_COUNTED, _pack([outgoing.message_id] + _counts(outgoing)))

    def joined(self, aggregate):
        """Write record J, before the messages go out as one, or as this is known better. Raise OSError."""
        before = aggregate.ref
        aggregate.ref = self.journal.append(_JOINED, _pack(aggregate.composition()), aggregate)
        self.journal.release(before)

    def ended(self, outgoing, state, cause):
        """Write record E. Return whether the body may be removed."""
        finished = (outgoing.message_id, outgoing.to, outgoing.to_type, state, cause and cause[:_MAX_CAUSE])
        self.remember(finished)
        if outgoing.ref is None and outgoing.spool is None:
            return True
        return self._write(_ENDED, _pack(finished), outgoing)

    def remember(self, finished):
        if self.history and self.history[-1][0] == finished[0]:
            self.history.pop()  # an earlier try ended here, for want of memory
        self.history.append(finished)
        if len(self.history) > _MAX_HISTORY:
            self.history.pop(0)

    def _write(self, kind, body, ended=None):
        """Write a record; return whether it is safe. `ended` owns a record that is needed until this one is
        written."""
        safe = True
        try:
            self.journal.write(kind, body)
        except OSError:
            # The device goes on; a restart before the next write repeats what the other side knows already.
            self.journal.defer(kind, body)
            safe = False
        if ended is not None:
            self.journal.release(ended.ref)
            ended.ref = None
        if safe:
            self.journal.compact()
        return safe

    def _outgoing_header(self, outgoing):
        left = None
        if outgoing.expires is not None and outgoing.stands not in AWAITING:
            left = outgoing.expires.last
        source = outgoing.source  # None once it is accepted
        header = [  # in the order of recovery.OUTGOING, which has the names
            outgoing.order,
            outgoing.message_id,
            outgoing.to,
            outgoing.to_type,
            outgoing.app_id,
            outgoing.report,
            outgoing.priority,
            outgoing.store_forward,
            left,
            outgoing.expire_time,
            source is not None and source.text,
            outgoing.size,
            source and source.file,
            outgoing.segmentation,
            outgoing.progress,
            outgoing.stands in AWAITING,
        ]
        if outgoing.reports and outgoing.reports["failure"]:
            header += _counts(outgoing)
        return header

    def flush(self):
        """Write the deferred records."""
        try:
            self.journal.flush()
        except OSError:
            pass  # counted by the journal, and they go on waiting

    # --- messages on their way in -------------------------------------------------------------------

    def seen(self, sender, message_id, set_id=None):
        """Return whether a whole message of this sender and ID came before (the last 64 are remembered); with
        `set_id` also one whose segments had IDs of their own."""
        if set_id is not None and self._known(_digest(sender, _SET + set_id)):
            return True
        if self.unnamed and self._known(_sha256(message_id)):
            return True
        return self._known(_digest(sender, message_id))

    def _known(self, digest):
        seen = self.digests
        for position in range(0, len(seen), _DIGEST):
            if seen[position : position + _DIGEST] == digest:
                return True
        return False

    def received(self, message, value, report):
        """Write record R: the message may be acknowledged when this returns. `value` is the `payload` member of one
        that came whole, `report` whether its report is owed already. Raise OSError."""
        self.order += 1
        message.order = self.order
        message.report_owed = report
        seen = self.digests_with(message)
        octets = b"" if value is None else value.encode()
        ref = self.journal.write(_RECEIVED, _pack(self._message_header(message), octets), message)
        message.attach_record(self.journal, ref, len(octets))
        self.remember_seen(seen)
        self.journal.compact()  # not before: a checkpoint without this ID would hide the record from `recover`

    def taken(self, message):
        """Write record T: the application has the message."""
        owed = message.report_owed
        message.taken = True  # this may write its record again, and that must say it
        try:
            self._write(
                _TAKEN, _pack([message.order, owed]), None if owed or message.ref is None else message
            )
        except MemoryError:
            message.taken = False
            raise

    def shared(self, message):
        """Write record R again: one of the applications that it waits for has the message."""
        before = message.ref
        try:
            ref = self.journal.write(*self.rewrite(before), message)
        except OSError:
            ref = before  # the device goes on; after a restart before the next write it waits for all of them again
        message.move_record(ref)
        if ref is not before:
            self.journal.release(before)
            self.journal.compact()

    def reported(self, message):
        self.journal.defer(_REPORTED, _pack([message.order]))
        message.report_owed = False
        if message.taken and message.ref is not None:
            self.journal.release(message.ref)
            message.ref = None

    def opened(self, segments):
        """Take note that a set of segments begins, or is known better: from now on a restart goes on with it. Raise
        OSError."""
        before = segments.ref
        segments.ref = self.journal.append(_OPENED, _pack(self._set_header(segments)), segments)
        self.journal.release(before)

    def closed(self, segments):
        """Take note that it was given up, or it became a message (whose own record says so)."""
        if segments.ref is not None:
            self.journal.defer(_CLOSED, _pack([segments.key[0], segments.set_id]))
            self.journal.release(segments.ref)
            segments.ref = None

    def _set_header(self, segments):
        return [
            segments.key[0],
            segments.set_id,
            segments.payload.file,
            self._message_header(segments.header),
            segments.payload.total or 0,
            segments.expected,
        ]

    def remember_seen(self, digests):
        """One more message: `digests` is what digests_with() made of it."""
        self.digests = digests
        if self.unnamed:
            self.unnamed -= 1

    def digests_with(self, message):
        seen = self.digests + _digest(message.sender, message.message_id)
        if message.set_id is not None:
            seen += _digest(message.sender, _SET + message.set_id)
        return seen[-_MAX_SEEN * _DIGEST :]

    def _message_header(self, message):
        header = [  # in the order of recovery.MESSAGE
            message.order,
            message.sender,
            message.sender_type,
            message.to,
            message.to_type,
            message.message_id,
            message.app_id,
            message.priority,
            message.report_requested,
            message.report_owed,
            message.taken,
            message.file,
        ]
        return header if message.set_id is None else header + [message.set_id]

    # --- after a restart ----------------------------------------------------------------------------

    def recover(self):
        """Read the journal into the lists, and remove what nothing refers to any more. Whatever octets are there, this
        raises nothing; where the storage cannot even say which files it has, `journal.unread` is set."""
        from . import recovery

        recovery.Recovery(self, self._storage).run()
        unload(recovery.__name__)  # a running device has no use for it

    def new_file(self, prefix):
        """Return the name of a file that is not there yet: "out-" or "set-" and a number. Raise StorageError."""
        self.journal.check()
        self.file += 1
        return prefix + str(self.file)

    # --- what the journal asks for --------------------------------------------------------------------

    def _checkpoint(self):
        return _CHECKPOINT, _pack([self.order, self.history, self.foreign, self.unnamed], self.digests)

    def rewrite(self, ref):
        """Return (kind, body) of a live record as it would be written now."""
        owner = ref.owner
        if isinstance(owner, Outgoing):
            payload = b""
            if owner.stands not in AWAITING and owner.source.file is None:
                payload = owner.source.read(0, owner.size)
            return _SENT, _pack(self._outgoing_header(owner), payload)
        if hasattr(owner, "composition"):
            return _JOINED, _pack(owner.composition())
        if isinstance(owner, tuple):  # of an earlier run, until the sender takes it up
            return _JOINED, _pack(owner)
        from .message import Message  # loaded with the first one that came in

        if isinstance(owner, Message):
            return _RECEIVED, _pack(self._message_header(owner), b"" if owner.taken else owner.octets())
        if isinstance(owner, list):  # of a device that was a client and is an application client now
            return _OPENED, _pack(owner[:3] + [self._message_header(owner[3])] + owner[5:])
        return _OPENED, _pack(self._set_header(owner))


def _digest(sender, message_id):
    # No sender has a control character. IDs are UUIDs, which RFC 4122 section 3 reads in either case.
    return _sha256(sender + "\n" + message_id.lower())


def _sha256(text):
    return hashlib.sha256(text.encode()).digest()[:_DIGEST]


def _counts(outgoing):
    cause = outgoing.cause and outgoing.cause[:_MAX_CAUSE]
    return [outgoing.reports["success"], outgoing.reports["failure"], cause]
