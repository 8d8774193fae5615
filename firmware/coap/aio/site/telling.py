# SPDX-License-Identifier: MIT
"""Exceptions of handlers, told to who reads the console: each once a minute, since a peer can cause them at will."""

from ...compat import const, printable, ticks_diff
from ..waiting import now

_MINUTE = const(60000)  # ms
_KEPT = const(8)


class Told:
    """Which exceptions were told lately. One is known by its type and the path of the request."""

    def __init__(self) -> None:
        self._lately: list = []  # [path, type, tick when it was told, how often it came since then]

    def failed(self, message, error):
        """Tell of an exception that the handler of a request raised, or count it. Raise MemoryError."""
        path = message.path
        tick = now()
        times = 0
        for entry in self._lately:
            if entry[0] == path and entry[1] is type(error):
                if 0 <= ticks_diff(tick, entry[2]) < _MINUTE:
                    entry[3] += 1
                    return
                times = entry[3]
                self._lately.remove(entry)
                break
        self._lately.append([path, type(error), tick, 0])
        if len(self._lately) > _KEPT:
            self._lately.pop(0)
        more = ", %d times since it was told last" % times if times else ""
        from ..errors import tell

        print("%s: an exception, answered with an error%s" % (printable(path or "?"), more))
        tell(error)
