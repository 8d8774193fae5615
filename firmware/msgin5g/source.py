# SPDX-License-Identifier: MIT
"""Where the octets of a message come from: what an application may give as a payload, for both roles."""

from coap.compat import const

from . import payload
from .storage import FileSource, OctetsSource, RowSource, copy_to_row

_INLINE = const(1024)  # octets; a longer payload has a row of its own


def source_of(given, volatile, storage, ledger, outbox):
    """(source, the octets that go into the message's own record or None) of a payload.

    Raises ValueError for what is no payload or never fits, OutboxFull, StorageError.
    """

    def spool(read, size, text):
        row = ledger.new_row("out-")
        copy_to_row(storage, row, read, size)
        return RowSource(storage, row, size, text)

    size = None
    if isinstance(given, tuple) and len(given) == 2 and hasattr(given[0], "read"):
        given, size = given
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            raise ValueError("payload: the size in (file, size) must be an integer of at least 0")
    if hasattr(given, "read"):
        if size is None:
            if not hasattr(given, "seek"):
                raise ValueError("payload: this file does not tell its size; give (file, size)")
            start = given.tell()
            size = given.seek(0, 2) - start
            given.seek(start)
        outbox.check(size)
        if volatile:
            return FileSource(given, size), None
        return spool(lambda offset, piece: given.read(piece), size, False), None
    text, octets = payload.as_octets(given)
    outbox.check(len(octets))
    if volatile or len(octets) <= _INLINE:
        return OctetsSource(octets, text), octets
    view = memoryview(octets)
    return spool(lambda offset, piece: view[offset : offset + piece], len(octets), text), None
