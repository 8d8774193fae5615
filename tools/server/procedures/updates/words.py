# SPDX-License-Identifier: MIT
"""What goes from the server to a device that is to be updated, and back: messages with an Application ID of their own.

To the device go octets, from it comes a small JSON object (docs/updates.md).
"""

import re
import struct
from dataclasses import dataclass

from tools.store.server.updatetables import (
    CONFIRMED,
    LOADING,
    REFUSED,
    ROLLED_BACK,
    STOPPED,
    TRYING,
    VERIFIED,
)
from tools.wire import bodies
from tools.wire.bodies import Malformed
from tools.wire.outside import clean

APPLICATION = "msgin5g.update"
UNKNOWN = "none"  # what a device says of a bundle that it does not know
BUSY = "busy"  # the cause of a refusal that is none for good

LARGEST = 1024  # octets of what a device says
LONGEST_CAUSE = 200
PIECES = 2  # that a device may ask for at once
LARGEST_PIECE = 16384

_OFFER, _PIECE, _STOP = b"O", b"P", b"X"
_AGAIN = 1  # of the flags of an offer: even if it was rolled back before
_STATES = (UNKNOWN, LOADING, VERIFIED, TRYING, CONFIRMED, REFUSED, ROLLED_BACK, STOPPED)
_ID = re.compile(r"[0-9a-f]{16}")


def offer(manifest, signature, again=False):
    """The octets that offer a bundle."""
    flags = _AGAIN if again else 0
    return _OFFER + struct.pack(">BI", flags, len(manifest)) + manifest + signature


def piece(id_, offset, octets):
    """Those that bring a piece of its contents."""
    return _PIECE + bytes.fromhex(id_) + struct.pack(">I", offset) + octets


def stop(id_):
    """Those that stop it."""
    return _STOP + bytes.fromhex(id_)


@dataclass(frozen=True)
class Said:
    """What a device has said: of which bundle, how it stands there, why, how many octets it has; and which pieces it
    wants, as [offset, length]."""

    id: str
    state: str
    cause: str
    have: int
    wants: list

    @property
    def is_busy(self):
        """Whether it refused this time only."""
        return self.state == REFUSED and self.cause.partition(":")[0] == BUSY


def read(octets):
    """The Said in a message of a device. Raises Malformed."""
    if len(octets) > LARGEST:
        raise Malformed("body", "more than %d octets" % LARGEST)
    body = bodies.parse(octets, strictly=True)
    id_, state = bodies.text(body, "id"), bodies.text(body, "state")
    if not _ID.fullmatch(id_):
        raise Malformed("id", "not 16 hexadecimal digits")
    if state not in _STATES:
        raise Malformed("state", "not one of %s" % ", ".join(_STATES))
    cause = clean(bodies.text(body, "cause", "", longest=LARGEST), LONGEST_CAUSE)
    have = bodies.number(body, "have", 0, 2**32)
    wants = body.get("get")
    wants = [] if wants is None else wants
    if not isinstance(wants, list) or len(wants) > PIECES or not all(map(_is_range, wants)):
        raise Malformed("get", "not up to %d pairs of offset and length" % PIECES)
    return Said(id_, state, cause, have or 0, wants)


def _is_range(each):
    return (
        isinstance(each, list)
        and len(each) == 2
        and all(type(number) is int for number in each)
        and 0 <= each[0] < 2**32
        and 0 < each[1] <= LARGEST_PIECE
    )
