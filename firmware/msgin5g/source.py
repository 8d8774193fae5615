# SPDX-License-Identifier: MIT
"""What an application gives as a payload, as something that can be read again and again while it goes out."""

from . import payload
from .storage import OctetsSource, StoredSource


def source_of(given, check, storage, name):
    """The source of str, octets, a binary file, or (binary file, size); a file is copied to the row `name`.

    `check(size)` raises where there is no room. Raises ValueError for what is none of these, OSError of the storage.
    """
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
        check(size)
        return StoredSource(storage, name, given, size)
    text, octets = payload.as_octets(given)
    check(len(octets))
    return OctetsSource(octets, text)
