# SPDX-License-Identifier: MIT
"""When a UE can be reached, as it says itself: `cliProfile.comAvail` of TS 24.538 clause 7.3.3.1 (TS 23.554 table
8.2.1-3), and the windows that follow from it.

The schema has `durTime` and `periInterval` as date-time, though both are lengths. They are read as numbers of seconds,
as durations of ISO 8601 ("PT10M"), and as date-times: of the end of the first window, of the beginning of the second
one. A date-time of 1970 is the length of time that 1970 has lasted then. As `schTime` the beginning of 1970 stands for
the receipt of the registration: a device without a clock has no other.
"""

import math
import re
from dataclasses import dataclass

from tools.wire import bodies
from tools.wire.bodies import Malformed
from tools.wire.outside import LAST

SHORTEST, LONGEST = (
    1,
    2**31,
)  # s, of a window and between two: no time can be told from the next with much less
_LONG = 400  # characters of a duration: far more than any has
_1970 = 365 * 86400
_UNITS = {"W": 604800, "D": 86400, "H": 3600, "M": 60, "S": 1}
_DURATION = re.compile(
    r"P(?:(?P<W>\d+)W)?(?:(?P<D>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<H>\d+)H)?(?:(?P<M>\d+)M)?(?:(?P<S>\d+(?:[.,]\d+)?)S)?)?",
    re.ASCII,
)


@dataclass(frozen=True)
class Schedule:
    """Windows of `duration` seconds: one at `start`, and one more every `interval` seconds where that is no None.
    `start` is a moment, or None for the receipt of the registration."""

    start: float | None
    duration: float
    interval: float | None

    def window(self, now, since):
        """(beginning, end) of the window that is open now or opens next; both `math.inf` where none does any more.
        `since`: when the registration came."""
        first = since if self.start is None else self.start
        if self.interval is None:
            return (first, first + self.duration) if now < first + self.duration else (math.inf, math.inf)
        if self.duration >= self.interval:
            return first, math.inf
        number = max(0, math.floor((now - first) / self.interval))
        while now >= first + number * self.interval + self.duration:
            number += 1
        begin = first + number * self.interval
        return begin, begin + self.duration


def read(profile):
    """The Schedule of a `cliProfile`, None where it has none. Raises Malformed."""
    said = bodies.record(profile, "comAvail")
    try:
        bodies.text(said, "dataSize", "")
        if said.get("schTime") is None and said.get("durTime") is None:
            return None
        start = _moment(said, "schTime")
        duration = _length(said, "durTime", start)
        periodic = bodies.flag(said, "periIndi")
        interval = _length(said, "periInterval", start) if periodic else None
    except Malformed as error:
        raise Malformed("comAvail." + error.member, error.reason) from error
    return Schedule(start or None, duration, interval)


def opted_out(profile):
    """Clause 6.3.1.1.1, "Store and forward option": the client does not want it for what comes in."""
    available = profile.get("comAvail")
    try:
        return isinstance(available, dict) and bodies.mark(available, "storeForward")
    except Malformed:  # whatever it is, it is said
        return True


def _moment(said, member):
    value = said.get(member)
    if value is None:
        raise Malformed(member, "missing")
    if isinstance(value, str) and not value.isdecimal():
        return bodies.moment(value, member)
    return bodies.number(said, member, 0, LAST)


def _length(said, member, start):
    """Seconds. `start`: the moment of `schTime`."""
    value = said.get(member)
    if value is None:
        raise Malformed(member, "missing")
    if not isinstance(value, str) or value.isdecimal():
        return bodies.number(said, member, SHORTEST, LONGEST)
    found = _DURATION.fullmatch(value) if 1 < len(value) <= _LONG else None
    if found:
        length = sum(float(found[unit].replace(",", ".")) * _UNITS[unit] for unit in _UNITS if found[unit])
    else:
        try:
            length = bodies.moment(value, member)
        except Malformed:
            raise Malformed(member, "neither seconds nor a duration such as PT10M") from None
        if length >= _1970:
            length -= start
    if not SHORTEST <= length <= LONGEST:
        raise Malformed(member, "not a length of time from %d to %d seconds" % (SHORTEST, LONGEST))
    return length
