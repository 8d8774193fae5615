# SPDX-License-Identifier: MIT
"""Cutting a payload into segments and putting segments together (TS 24.538 clause 6.5).

Pure: time is passed in, nothing is kept but what an Assembly is given.
"""

import re
from dataclasses import dataclass, field

from tools.wire import payload as payloads
from tools.words import counted

MAX_SEGMENTS = 65535  # segments of one message: far above what --max-message needs, small enough for a list

_SHORT_ESCAPES = '"\\\b\f\n\r\t'


class CannotCut(ValueError):
    """The limits leave no room for even the smallest segment."""


def escaped_size(character):
    """Octets of one character in a JSON string that escapes only what JSON must (RFC 8259 section 7)."""
    if character in _SHORT_ESCAPES:
        return 2
    return 6 if character < " " else len(character.encode())


def cut(value, limit, room):
    """Payload values of the segments: each at most `limit` octets, and at most `room` octets once escaped.

    Octets are cut in multiples of 3, so that only the last segment carries base64 padding, and each segment has a
    `data:;base64,` head of its own. Text is cut at character borders.
    """
    if payloads.is_octets(value):
        step = (min(limit, room) - len(payloads.HEAD)) // 4 * 3
        if step < 3:
            raise CannotCut("no room for octets in %s" % counted(min(limit, room), "octet"))
        octets = payloads.to_octets(value)
        return [payloads.from_octets(octets[at : at + step]) for at in range(0, max(len(octets), 1), step)]
    pieces, start, plain, escaped = [], 0, 0, 0
    for at, character in enumerate(value):
        plain_more, escaped_more = len(character.encode()), escaped_size(character)
        if plain_more > limit or escaped_more > room:
            raise CannotCut("no room for one character in %s" % counted(min(limit, room), "octet"))
        if plain + plain_more > limit or escaped + escaped_more > room:
            pieces.append(value[start:at])
            start, plain, escaped = at, 0, 0
        plain += plain_more
        escaped += escaped_more
    pieces.append(value[start:])
    return pieces


def tidy(parts):
    """Segments as received, in the one form that is sent. ValueError when they make no payload.

    Segment 1 decides: with the head all are octets, and a later one without it is bare base64; without it all are
    text, and a later head is just text.
    """
    if not parts or not payloads.is_octets(parts[0]):
        text = "".join(parts)
        return [payloads.from_text(text)] if payloads.is_octets(text) else list(parts)
    try:
        return [payloads.from_octets(payloads.to_octets(part)) for part in parts]
    except ValueError:
        # A sender that cut its base64 where it liked: only the whole of it can be read.
        joined = "".join(part.removeprefix(payloads.HEAD) for part in parts)
        return [payloads.from_octets(payloads.to_octets(joined))]


def join(parts):
    """One payload value of all segments."""
    parts = tidy(parts)
    if len(parts) > 1 and payloads.is_octets(parts[0]):
        return payloads.from_octets(b"".join(map(payloads.to_octets, parts)))
    return "".join(parts)


def write_ranges(numbers):
    """The `segNoList` of clause 7.3.6.2: [5, 6, 7, 10] gives "(5-7, 10-10)"."""
    ranges = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return "(%s)" % ", ".join("%d-%d" % (first, last) for first, last in ranges)


def read_ranges(text):
    """The (first, last) pairs of a `segNoList`; a lone number is a range of one. ValueError when it is none."""
    inner = text.strip().removeprefix("(").removesuffix(")")
    ranges = []
    for item in inner.split(","):
        match = re.fullmatch(r"\s*\(?\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?\)?\s*", item, re.ASCII)
        if not match:
            raise ValueError("not a list of ranges")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last:
            raise ValueError("not a list of ranges")
        ranges.append((first, last))
    return ranges


class Contradiction(ValueError):
    """A segment that says something else than those before it."""


@dataclass
class Assembly:
    """What is there of a segment set, and when something must be asked for."""

    progress: float  # when the last new segment came, or recovery was last asked for
    total: int | None = None
    have: set = field(default_factory=set)
    asked: int = 0  # recoveries in a row without a new segment

    def feed(self, number, total, last, now):
        """True for a new segment, False for one that is there. The total may come in any segment or in none."""
        total = number if last and total is None else total
        known = self.total if total is None else total
        if self.total is not None and known != self.total:
            raise Contradiction("says %s, others say %d" % (counted(known, "segment"), self.total))
        if known is not None and max(self.have | {number}) > known:
            raise Contradiction("is beyond the last one, %d" % known)
        if last and number != known:
            raise Contradiction("is called the last of %d" % known)
        self.total = known
        if number in self.have:
            return False
        self.have.add(number)
        self.progress, self.asked = now, 0
        return True

    @property
    def whole(self):
        return self.total is not None and len(self.have) == self.total

    def missing(self):
        """Numbers to ask for. Without a known end the one after the highest is asked for."""
        end = self.total or max(self.have, default=0) + 1
        return [number for number in range(1, end + 1) if number not in self.have]
