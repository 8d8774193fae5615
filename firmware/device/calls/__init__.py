# SPDX-License-Identifier: MIT
"""Calls of a running client, and of a message on its way, that not every application makes: each module is imported
with the first of its calls, which all become methods then (coap.compat.later). In the class from the beginning they
would cost each device heap.
"""

from msgin5g.timing import Countdown

from .. import health


def countdown(seconds):
    """Return a Countdown of so many seconds, of any length; None for no limit."""
    return None if seconds is None else Countdown(int(seconds * 1000), health.now())


def left(limit):
    """Return milliseconds that are left of a Countdown, at least 0; None where there is none."""
    if limit is None:
        return None
    now = health.now()
    limit.advance(now)
    return max(0, limit.left(now))
