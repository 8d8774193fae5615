# SPDX-License-Identifier: MIT
"""What the service asks of a board's storage.

A storage keeps named files of octets. Names are short, of letters, digits and "-". Each call is complete
when it returns: what was appended or replaced survives a power cut from then on. OSError says that the
storage failed (full, read-only, gone).

    append(name, octets)        adds at the end, makes the file where it is new; gives its length where that is known
    append(name, octets, True)  the same, but a power cut may take it, and all or some of what was so appended before,
                                until the file is appended to without True (also of no octets)
    read(name, offset, size)    up to size octets from offset; b"" past the end and for a file that is not there
    replace(name, octets)       all of the old, or all of the new, also after a power cut
    remove(name)                a file that is not there is no error
    names()                     a list of all names
"""

import json

from coap.compat import const

_MAX_DEPTH = const(256)  # brackets that nothing has that we wrote


def discard(storage, name):
    """Remove a file that nothing needs any more. A storage that fails now is asked again at the next start."""
    try:
        storage.remove(name)
    except (OSError, MemoryError):
        pass


def loads(octets):
    """Return the value of JSON. Raise ValueError where it is none, or fills stack or heap with lists in lists."""
    try:
        return json.loads(str(octets, "utf-8"))
    except RuntimeError:  # of CPython's stack
        raise ValueError("too deep")
    except MemoryError:
        if octets.count(b"[") + octets.count(b"{") < _MAX_DEPTH:
            raise
        raise ValueError("too deep")
