# SPDX-License-Identifier: MIT
"""From what an application gives to a message in the outbox, for both roles."""

from ..store.outgoing import Outgoing
from ..timing import Countdown
from ..wire import identifiers, payload


class OctetsSource:
    """Octets in the heap, read like a file. `text` says whether they are UTF-8 text."""

    file = None

    def __init__(self, octets, text):
        self.size = len(octets)
        self.text = text
        self._octets = octets

    def read(self, offset, size):
        return self._octets[offset : offset + size]

    def remove(self):
        self._octets = b""


def source_of(given, volatile, storage, store, outbox):
    """Return (source, the octets that go into the message's own record or None) of a payload. Of a file it is a Spool
    that has copied nothing yet.

    Raise ValueError for what is no payload or never fits, OutboxFull, StorageError.
    """

    if isinstance(given, (str, bytes, bytearray, memoryview)):
        text, octets = payload.as_octets(given)
        outbox.check(len(octets))
        if volatile or len(octets) <= 1024:  # a longer payload has a file of its own
            return OctetsSource(octets, text), octets
        from ..store.sources import spool_of_octets

        return spool_of_octets(octets, text, storage, store), None
    from ..store.sources import source_of_file

    return source_of_file(given, volatile, storage, store, outbox), None


def ending(expires, now):
    """Return the Countdown to the end of what lives for `expires` seconds. Raise ValueError."""
    if isinstance(expires, bool) or not (isinstance(expires, (int, float)) and 0 < expires < 1e9):
        raise ValueError("expires must be a number of seconds above 0 and below 1e9")
    return Countdown(max(1, int(expires * 1000)), now)


class MessageBuilder:
    """Makes messages of what an application gives. A subclass has `_check(to_type, app_id, priority, store_forward)`,
    which raises ValueError, and `_finish(outgoing, expires)`, which does too where the message is too large."""

    def __init__(self, config, storage, store, outbox, random):
        self._config = config
        self._storage = storage
        self._store = store
        self._outbox = outbox
        self._random = random

    def add(
        self,
        to,
        given,
        now,
        to_type="UE",
        app_id=None,
        report=False,
        priority="NORMAL",
        store_forward=False,
        expires=None,
        volatile=False,
    ):
        """Put a message in the outbox; return its Outgoing. Raise as `BaseClient.send` does.

        Where one that goes in segments comes from a file, its payload is still to be copied: `spool` is not None.
        """
        why = identifiers.service_id_error(to)
        if why:
            raise ValueError("to: " + why)
        self._check(to_type, app_id, priority, store_forward)
        end = None if expires is None else ending(expires, now)
        source, octets = source_of(given, volatile, self._storage, self._store, self._outbox)
        try:
            outgoing = Outgoing(
                identifiers.id_text(identifiers.new_id(self._random)),
                to,
                to_type,
                source,
                app_id,
                True if report else False,
                priority,
                True if store_forward else False,
                True if volatile else False,
            )
            if end is not None:
                outgoing.expires = end
            copies = octets is None and not volatile
            config = self._config
            if copies and source.size <= max(config.segments["size"], config.coap["max_datagram"]):
                source.fill()  # it may fit a datagram, and is looked at for that
            self._finish(outgoing, expires)
            if copies and source.copied < source.size:
                if outgoing.segmentation is None:
                    source.fill()
                else:
                    outgoing.spool = source
            self._outbox.add(outgoing, octets)
        except Exception:
            source.remove()
            raise
        return outgoing
