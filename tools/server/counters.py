# SPDX-License-Identifier: MIT
"""What devices have counted themselves, as they told it last: POST /counters (docs/wire-profile.md). No part of TS
24.538, and nothing is decided by it. In memory, bounded, and gone with the program.
"""

import re
from dataclasses import dataclass

from tools.server.flood import Flood
from tools.wire import bodies
from tools.wire.answers import Answer, Refusal
from tools.wire.bodies import Malformed

PATH = "counters"
OCTETS, MEMBERS, LARGEST = 512, 40, 2**53
DEVICES = 20_000  # that something is remembered of: the one that told longest ago goes
SECONDS, AT_ONCE = 10, 3  # from one of a device to the next, and how many before that
_JSON = 50
_NAME = re.compile("[a-z_]{1,32}")


@dataclass(frozen=True)
class Told:
    time: float  # when it came
    counters: dict  # {name: number}

    @property
    def whole(self):
        """As programs see it."""
        return {"time": self.time, "counters": self.counters}


class Counters:
    """Of devices, by their UE Service IDs: what each told last, and before that. `told`: an empty dict for it, where
    a change is undone with the transaction that it was made in: what is not committed is told once more."""

    def __init__(self, told):
        self._told = told  # ue: (Told, the Told before it or None)
        self._often = Flood(1 / SECONDS, DEVICES, SECONDS * AT_ONCE)

    def of(self, ue):
        """{"time", "counters", "earlier"}, None for one that told nothing."""
        last, earlier = self._told.get(ue, (None, None))
        return last and last.whole | {"earlier": earlier and earlier.whole}

    def at(self, ue):
        """When it told them last, or None."""
        return self._told[ue][0].time if ue in self._told else None

    def take(self, ues, request, now):
        """The Answer to a request of who is registered as these UEs. Raises Malformed, Refusal."""
        if request.code != "POST":
            raise Refusal("4.05", "only POST")
        if not all([self._often.allows(ue, now) for ue in ues]):
            raise Refusal("4.29", "counters come more than once in %d s" % SECONDS, max_age=SECONDS)
        if request.content_format not in (None, _JSON):
            raise Refusal("4.15", "the body must be application/json (50)")
        if len(request.payload) > OCTETS:
            raise Refusal("4.13", "counters have %d octets at most" % OCTETS, size1=OCTETS)
        told = Told(now, _read(request.payload))
        for ue in ues:
            before, _ = self._told.pop(ue, (None, None))
            self._told[ue] = told, before
            if len(self._told) > DEVICES:
                del self._told[next(iter(self._told))]
        return Answer("2.04", observable=False, about=frozenset(ues))

    def clock_set(self, seconds):
        """The clock was set."""
        self._often.clock_set(seconds)
        for ue, both in self._told.items():
            self._told[ue] = tuple(each and Told(each.time + seconds, each.counters) for each in both)


def _read(octets):
    """{name: number}. Raises Malformed."""
    body = bodies.parse(octets, strictly=True)
    if len(body) > MEMBERS:
        raise Malformed("body", "more than %d counters" % MEMBERS)
    for name, value in body.items():
        if not _NAME.fullmatch(name):
            raise Malformed("body", "a counter is named by 1 to 32 of a to z and _")
        if type(value) is not int or not 0 <= value <= LARGEST:
            raise Malformed(name, "not an integer from 0 to %d" % LARGEST)
    return body
