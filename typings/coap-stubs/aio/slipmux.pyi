# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Slipmux framing (draft-bormann-t2trg-slipmux): SLIP frames whose first octet says what they hold.

`encode` makes the octets of a frame, `Decoder` finds frames in whatever comes in. No frame is ever lost to noise
before it: each begins and ends with END, and the frame check sequence of RFC 1662 tells the whole from the damaged.
"""
from typing import Final
COAP: Final = 169
L3: Final = 197
TEXT: Final = 10

class Decoder:
    """Finds frames in a stream of octets. `max_frame` is the longest content, without first octet and check.

    Content beyond `buffer` octets goes piece by piece to the object that `spool()` returns, which has
    append(octets) and remove(). Without `spool` the buffer takes all. Only frames of `kind` are spooled: nobody
    would take and remove the others.
    """
    stats: dict
    def __init__(self, max_frame, spool=None, buffer=1024, kind=...): ...
    def feed(self, octets):
        """Yield (kind, content) of each frame that ends in these octets (bytes).

        The content is a view that the next frame overwrites, or the spool, which is the caller's from then on.
        """
    def reset(self):
        """Forget a frame that is half there: the line was lost."""
def fcs(octets, low=255, high=255):
    """FCS-16 register (RFC 1662 appendix C.2) as (low, high) octets; over a whole good frame it is (0xB8, 0xF0)."""
def encode(kind, parts):
    """Yield the octets of a frame for the line, piece by piece.

    A part is a buffer, or has len() and read(offset, size), which may come from storage. Where it gives less than
    its length, the frame is aborted: the receiver drops it.
    """
