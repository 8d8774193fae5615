# SPDX-License-Identifier: MIT
"""What a start found in the storage, in words. Imported where there is something to say, and by the console."""

from coap.compat import const

_TYPING = const(False)
if _TYPING:
    from typing import Any


def findings(journal: "Any") -> "list[str]":
    """Return what a person should know of what the last start found in the storage, a sentence each
    (docs/flash-format.md)."""
    found = []
    if journal.unread is not None:
        found.append(
            "the storage failed (%s): what it holds is not known, and nothing is kept before the next start"
            % OSError(*journal.unread)
        )
    for count, what in (
        (journal.damaged, "damaged places, passed over"),
        (journal.unknown, "records that this firmware does not know, passed over"),
        (journal.newer, "segments of newer firmware, left alone"),
    ):
        if count:
            found.append("journal: %s: %d" % (what, count))
    return found
