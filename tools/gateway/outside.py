# SPDX-License-Identifier: MIT
"""Words and times that somebody else chose, made such that all that is done with them later can be done.

A reason phrase in Latin-1, half a surrogate pair, a moment that no calendar has: what cannot be written again must not
come in, or it fails where it stops others.
"""

from datetime import UTC, datetime, timedelta

FIRST, LAST = (
    0,
    253402300799,
)  # 1970-01-01T00:00:00Z, 9999-12-31T23:59:59Z: all that RFC 3339 writes and SQLite keeps
_EPOCH = datetime(1970, 1, 1)


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


def seconds_of(when):
    """Seconds since 1970 of a datetime (UTC where it says nothing else), from FIRST to LAST."""
    passed = when.replace(tzinfo=None) - _EPOCH - (when.utcoffset() or timedelta())
    return capped(passed.total_seconds())


def capped(seconds):
    return min(max(seconds, FIRST), LAST)


def date_time(seconds):
    """RFC 3339, in UTC, of any number of seconds since 1970."""
    return datetime.fromtimestamp(int(capped(seconds)), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
