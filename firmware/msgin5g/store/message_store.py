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

from coap.compat import const, later, unload, whole

from ..wire.identifiers import escaped
from .journal import Journal, RecordSource, framed, pack

_SENT = const(0x53)
_ACCEPTED = const(0x41)
_ENDED = const(0x45)
_CHECKPOINT = const(0x4B)

# How names of files begin whose records and payloads a start reads
_RECOVERED = const(("log", "out", "set", "in"))
# What a device needs that receives, and one whose messages take more than two steps
_PARTS = const(
    "msgin5g.store.receiving Receiving closed digests_with message_header opened received remember_seen reported"
    " seen set_header shared taken\n"
    "msgin5g.store.further Further counted joined progress rewrite sent_again"
)


_MAX_HISTORY = const(16)  # messages that ended, for an application that restarted
_MAX_CAUSE = const(80)  # characters of the cause of each: all are in the checkpoint of every log segment


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
        self.journal = Journal(storage, self._checkpoint, lambda ref: self.rewrite(ref))

    def __getattr__(self, name):
        later(MessageStore, name, _PARTS)
        return getattr(self, name)

    # --- messages on their way out ------------------------------------------------------------------

    def sent(self, outgoing, octets):
        """Write record S: the message is in the outbox when this returns. `octets` is a short payload, None for one
        that lies in a file; the source then reads them from flash. Raise OSError."""
        if not outgoing.order:
            self.number(outgoing)
        source = outgoing.source
        if octets is not None:
            source = RecordSource(self.journal, None, len(octets), source.text)
        body = framed(outgoing.header(), octets or b"")
        outgoing.ref = None  # an attribute that is new wants memory, and behind the write nothing may
        outgoing.ref = ref = self.journal.write([(_SENT, body, outgoing)])
        if octets is not None:
            source.ref = ref
            outgoing.source = source
        self.journal.compact()

    def number(self, outgoing):
        """Give a message its place among all."""
        self.order += 1
        outgoing.order = self.order

    def accepted(self, outgoing):
        """Take note that the body is not needed any more. Return whether it may be removed."""
        body = framed(b'["%s"]' % outgoing.message_id.encode())
        if outgoing.source.file is None:
            self.journal.defer(_ACCEPTED, body)
            return True
        return self.write(_ACCEPTED, body, None)  # the file must not go before this is safe

    def ended(self, outgoing, state, cause):
        """Write record E. Return whether the body may be removed."""
        finished = (outgoing.message_id, outgoing.to, outgoing.to_type, state, cause and cause[:_MAX_CAUSE])
        self.remember(finished)
        if outgoing.ref is None and outgoing.spool is None:
            return True
        if finished[4] is None:
            names = finished[0].encode(), escaped(outgoing.to), finished[2].encode(), state.encode()
            body = framed(b'["' + b'","'.join(names) + b'",null]')
        else:
            body = pack(finished)
        return self.write(_ENDED, body, outgoing)

    def remember(self, finished):
        if self.history and self.history[-1][0] == finished[0]:
            self.history.pop()  # an earlier try ended here, for want of memory
        self.history.append(finished)
        if len(self.history) > _MAX_HISTORY:
            self.history.pop(0)

    def write(self, kind, body, ended):
        """Write a record; return whether it is safe. `ended` owns a record that is needed until this one is
        written, or is None."""
        safe = True
        try:
            self.journal.write([(kind, body, None)])
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

    def flush(self):
        """Write the deferred records."""
        try:
            self.journal.flush()
        except OSError:
            pass  # counted by the journal, and they go on waiting

    # --- after a restart ----------------------------------------------------------------------------

    def recover(self):
        """Read the journal into the lists, and remove what nothing refers to any more. Whatever octets are there, this
        raises nothing; where the storage cannot even say which files it has, `journal.unread` is set."""
        if self.lent is None and not any([name.split("-")[0] in _RECOVERED for name in self.journal.names()]):
            return
        from . import recovery

        recovery.Recovery(self, self._storage).run()
        unload(recovery.__name__)  # a running device has no use for it
        unload("msgin5g.store.records")

    def new_file(self, prefix):
        """Return the name of a file that is not there yet: "out-" or "set-" and a number. Raise StorageError."""
        self.journal.check()
        self.file += 1
        return prefix + str(self.file)

    # --- what the journal asks for --------------------------------------------------------------------

    def _checkpoint(self):
        return _CHECKPOINT, pack([self.order, self.history, self.foreign, self.unnamed], self.digests)


whole(MessageStore, _PARTS)
