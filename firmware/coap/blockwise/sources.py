# SPDX-License-Identifier: MIT
"""Payloads of messages that are read while they go out: binary files and what else has `read(n)`. One with `seek` is
read at any place, one that has not from its beginning to its end. Never more than a block of it is in memory.
"""


def length(source):
    """Return the octets of a source; None where nobody knows. What has a length says it with len(), others by
    seeking to their end."""
    if hasattr(source, "__len__"):
        return len(source)
    return source.seek(0, 2) if hasattr(source, "seek") else None


def read(source, size):
    """Return so many octets, fewer only at the end of the source."""
    octets = source.read(size) or b""
    while len(octets) < size:
        more = source.read(size - len(octets))
        if not more:
            break
        octets += more
    return octets


def read_at(source, start, size):
    """Return so many octets from `start` on, fewer only at the end of the source."""
    source.seek(start)
    return read(source, size)


def close(source):
    """Close a source that can be closed. Raise nothing: its octets have been read, or nobody wants them."""
    if hasattr(source, "close"):
        try:
            source.close()
        except Exception:
            pass
