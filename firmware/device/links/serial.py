# SPDX-License-Identifier: MIT
"""The serial line of a configuration: CoAP datagrams or L3 messages in slipmux frames (coap/aio/serial.py).

`board.py` opens the line and says how, `link()` makes the rest. docs/serial.md has the wiring.
"""

import coap.aio.slipmux as slipmux
from coap.aio.serial import SerialLink

from ..health import log


def link(config, open_line, storage):
    """Return the SerialLink that `config.peer` asks for: "coap+uart://..." or "l3+uart://...".

    `open_line()` gives a stream that does not block (machine.UART, a file), or raises OSError. Frames that are
    too long for a buffer come into files of `storage`.
    """
    host = config.peer_host
    if config.peer_scheme == "coap+uart":
        # coap.Endpoint wants a datagram in one piece; it answers one that is too long, if it can see that
        made = SerialLink(open_line, slipmux.COAP, config.coap["max_datagram"] + 1, host)
    else:
        made = SerialLink(open_line, slipmux.L3, config.serial["max_frame"], host, spool(storage))
    made.tell = log
    return made


def spool(storage):
    """Where frames go that are too long for a buffer: gives a new StoredFile of `storage` each time it is called."""
    from msgin5g.store.stored_file import StoredFile  # a line with CoAP has no memory for it

    numbers = [0]

    def new_file():
        # Messages of an earlier run may lie in files of theirs until the application takes them.
        taken = storage.names()
        while True:
            numbers[0] += 1
            name = "in-%d" % numbers[0]
            if name not in taken:
                return StoredFile(storage, name)

    return new_file
