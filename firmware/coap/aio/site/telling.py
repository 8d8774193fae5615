# SPDX-License-Identifier: MIT
"""Exceptions of handlers, told to who reads the console: each once a minute, since a peer can cause them at will."""

from ...compat import const, ticks_diff
from ..waiting import now

_MINUTE = const(60000)  # ms
_KEPT = const(8)  # told in a minute, at most


class Told:
    """Which exceptions were told lately. One is known by its type and the pattern of the route."""

    def __init__(self) -> None:
        # [pattern, type, tick when it was told, how often it came since then], the oldest first
        self._lately: list = []

    def failed(self, pattern: str, error: Exception) -> None:
        """Tell of an exception that a handler raised, or count it. Raise MemoryError."""
        tick = now()
        lately = self._lately
        times = 0
        for entry in lately:
            if entry[0] == pattern and entry[1] is type(error):
                if _is_lately(entry, tick):
                    entry[3] += 1
                    return
                times = entry[3]
                lately.remove(entry)
                break
        if len(lately) >= _KEPT:
            if _is_lately(lately[0], tick):
                return
            lately.pop(0)
        lately.append([pattern, type(error), tick, 0])
        from ..errors import tell

        more = ", %d more since it was told last" % times if times else ""
        print("%s: an exception, answered with an error%s" % (pattern, more))
        tell(error)


def _is_lately(entry, tick):
    return 0 <= ticks_diff(tick, entry[2]) < _MINUTE
