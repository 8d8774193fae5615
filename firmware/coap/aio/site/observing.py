# SPDX-License-Identifier: MIT
"""Resources of a Site that notify. Imported with the first request to observe one."""

import os
import time

from ...compat import const
from ...observe.sequence import Clock, Stored
from ...observe.server import Observers
from ..waiting import now

_TYPING = const(False)
if _TYPING:
    from typing import Any

_FILE = const("coap-observe")
_NEW = const(".new")
_YEAR = const(2025)  # a clock that says less was not set since the power came


def begin(context: "Any", sequence: "Any") -> None:
    """Give a context its list of observers, where it has none."""
    if context.endpoint.observers is None:
        Observers(context.endpoint, now(), sequence or _sequence())


def _sequence():
    """Return what gives numbers that rise over a restart; None where there is nothing to tell them by. Numbers of the
    clock are none that go on behind those of a file, so who has that goes on with it."""
    if time.gmtime()[0] >= _YEAR and not _File().read(_FILE, 0, 1):
        return Clock(lambda: int(time.time() * 1000))
    try:
        stored = Stored(_File(), _FILE)
        stored.next_number()  # writes, if that can be done
        return stored
    except OSError:
        return None


class _File:
    """The two calls of a storage that a sequence needs. A power cut leaves the old file or the new one."""

    def read(self, name, offset, size):
        """Return octets of a file, none where there is none."""
        for each in (name, name + _NEW):
            try:
                with open(each, "rb") as file:
                    file.seek(offset)
                    return file.read(size) or b"\0"  # an empty one is damaged
            except OSError:
                pass
        return b""

    def replace(self, name, octets):
        """Write a file anew. Raise OSError."""
        with open(name + _NEW, "wb") as file:
            file.write(octets)
        try:
            os.rename(name + _NEW, name)
        except OSError:  # FAT does not replace
            os.remove(name)
            os.rename(name + _NEW, name)
