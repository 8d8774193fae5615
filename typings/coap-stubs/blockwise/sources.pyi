# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Payloads of messages that are read while they go out: binary files and what else has `read(n)`. One with `seek` is
read at any place, one that has not from its beginning to its end. Never more than a block of it is in memory.
"""
def length(source):
    """Return the octets of a source; None where nobody knows. What has a length says it with len(), others by
    seeking to their end.
    """
def read(source, size):
    """Return so many octets, fewer only at the end of the source."""
def read_at(source, start, size):
    """Return so many octets from `start` on, fewer only at the end of the source."""
def close(source):
    """Close a source that can be closed. Raise nothing: its octets have been read, or nobody wants them."""
