# SPDX-License-Identifier: MIT
"""Words and times that somebody else chose, made such that all that is done with them later can be done.

A reason phrase in Latin-1, half a surrogate pair, a moment that no calendar has: what cannot be written again must not
come in, or it fails where it stops others.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

FIRST, LAST = (
    0,
    253402300799,
)  # 1970-01-01T00:00:00Z, 9999-12-31T23:59:59Z: all that RFC 3339 writes and SQLite keeps
_EPOCH = datetime(1970, 1, 1)
_DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)


def clean(text, longest=1024):
    """The text with "?" for each character that is not printable (controls, surrogates, marks that turn the line
    around), cut to `longest` octets of UTF-8."""
    text = "".join(character if character.isprintable() else "?" for character in text[:longest])
    return text.encode()[:longest].decode(errors="ignore")


def utf8(text):
    """Its octets, or None where it has none."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None


def encodable(text):
    """The text with "?" for what UTF-8 does not have."""
    return text.encode("utf-8", "replace").decode()


def _since_1970(when):
    return (when.replace(tzinfo=None) - _EPOCH - (when.utcoffset() or timedelta())).total_seconds()


def read_date_time(text):
    """Seconds since 1970 of RFC 3339 section 5.6: either case of its letters, a leap second at the end of a day in UTC;
    without a zone it is read as UTC. ValueError or TypeError for anything else."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError("not like 2026-11-28T18:00:00Z")
    date, minute, second, fraction, zone = match.groups()
    leap = second == "60"
    when = datetime.fromisoformat("%sT%s:%s" % (date, minute, "59" if leap else second))
    if zone not in (None, "Z", "z"):  # fromisoformat takes offsets that are none, "+00:99"
        hours, minutes = int(zone[1:3]), int(zone[4:])
        if hours > 23 or minutes > 59:
            raise ValueError("no such offset: %s" % zone)
        offset = timedelta(hours=hours, minutes=minutes)
        when = when.replace(tzinfo=timezone(-offset if zone[0] == "-" else offset))
    seconds = _since_1970(when) + leap
    if leap and seconds % 86400:
        raise ValueError("a leap second is the last one of a day")
    return capped(seconds + float("0." + (fraction or "0")[:9]))


def capped(seconds):
    return min(max(seconds, FIRST), LAST)


def date_time(seconds):
    """RFC 3339, in UTC, of any number of seconds since 1970."""
    return datetime.fromtimestamp(int(capped(seconds)), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
