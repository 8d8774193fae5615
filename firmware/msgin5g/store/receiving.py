# SPDX-License-Identifier: MIT
"""The part of the message store for messages on their way in. Imported with the first of them, by the store."""

import hashlib

from coap.compat import const

from .journal import framed, pack

_OPENED = const(0x4F)
_CLOSED = const(0x43)
_RECEIVED = const(0x52)
_TAKEN = const(0x54)
_REPORTED = const(0x51)
_SET = const("\n")  # before a set ID among the message IDs
_MAX_SEEN = const(64)  # message IDs of whole messages remembered (docs/wire-profile.md, "Answers")
_DIGEST = const(8)  # octets of each: a digest, so that 64 of them cost half a kilobyte


class Receiving:
    """Methods of MessageStore, whose attributes they use."""

    def seen(self, sender, message_id, set_id=None):
        """Return whether a whole message of this sender and ID came before (the last 64 are remembered); with
        `set_id` also one whose segments had IDs of their own."""
        if set_id is not None and self._known(_digest(sender, _SET + set_id)):
            return True
        if self.unnamed and self._known(_sha256(message_id.encode())):
            return True
        return self._known(_digest(sender, message_id))

    def _known(self, digest):
        position = self.digests.find(digest)
        while (
            position > 0 and position % _DIGEST
        ):  # no more than the end of one and the beginning of the next
            position = self.digests.find(digest, position + 1)
        return position >= 0

    def received(self, message, value, report):
        """Write record R: the message may be acknowledged when this returns. `value` is the `payload` member of one
        that came whole, in UTF-8, `report` whether its report is owed already. Raise OSError."""
        self.order += 1
        message.order = self.order
        message.report_owed = report
        seen = self.digests_with(message)
        octets = bytes(value or b"")
        ref = self.journal.write([(_RECEIVED, pack(self.message_header(message), octets), message)])
        message.attach_record(self.journal, ref, len(octets))
        self.remember_seen(seen)
        self.journal.compact()  # not before: a checkpoint without this ID would hide the record from `recover`

    def taken(self, message):
        """Write record T: the application has the message."""
        owed = message.report_owed
        message.taken = True  # this may write its record again, and that must say it
        try:
            header = (b"[%d,true]" if owed else b"[%d,false]") % message.order
            self.write(_TAKEN, framed(header), None if owed or message.ref is None else message)
        except Exception:
            message.taken = False
            raise

    def shared(self, message):
        """Write record R again: one of the applications that it waits for has the message."""
        before = message.ref
        try:
            ref = self.journal.write([self.rewrite(before) + (message,)])
        except OSError:
            ref = before  # the device goes on; after a restart before the next write it waits for all of them again
        message.move_record(ref)
        if ref is not before:
            self.journal.release(before)
            self.journal.compact()

    def reported(self, message):
        self.journal.defer(_REPORTED, framed(b"[%d]" % message.order))
        message.report_owed = False
        if message.taken and message.ref is not None:
            self.journal.release(message.ref)
            message.ref = None

    def opened(self, segments):
        """Take note that a set of segments begins, or is known better: from now on a restart goes on with it. Raise
        OSError."""
        before = segments.ref
        segments.ref = self.journal.append(_OPENED, pack(self.set_header(segments)), segments)
        self.journal.release(before)

    def closed(self, segments):
        """Take note that it was given up, or it became a message (whose own record says so)."""
        if segments.ref is not None:
            self.journal.defer(_CLOSED, pack([segments.key[0], segments.set_id]))
            self.journal.release(segments.ref)
            segments.ref = None

    def set_header(self, segments):
        return [
            segments.key[0],
            segments.set_id,
            segments.payload.file,
            self.message_header(segments.header),
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

    def message_header(self, message):
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


def _digest(sender, message_id):
    # No sender has a control character. IDs are UUIDs, which RFC 4122 section 3 reads in either case.
    return _sha256(sender.encode() + b"\n" + message_id.lower().encode())


def _sha256(octets):
    return hashlib.sha256(octets).digest()[:_DIGEST]
