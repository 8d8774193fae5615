# SPDX-License-Identifier: MIT
"""Reports to one address that wait go out as one: TS 24.538 clause 6.4.1.1.5. Loaded where two of them wait."""

from coap.compat import const

from ..rules import policy
from ..security import room
from ..wire import aggregates

_MOST = const(16)


class Joined:
    """Reports as one notice. They share a back-off, so that they are due together."""

    kind = "IMDN"
    tries = 0

    def __init__(self, parts, backoff):
        self.parts = parts
        self.backoff = backoff

    @property
    def on_air(self):
        return self.parts[0].on_air

    @on_air.setter
    def on_air(self, value):
        for part in self.parts:
            part.on_air = value

    @property
    def backoff(self):
        return self.parts[0].backoff

    @backoff.setter
    def backoff(self, value):
        for part in self.parts:
            part.backoff = value

    def body(self, config):
        return aggregates.join(_head(config, self.parts[0]), [_element(part) for part in self.parts])

    def over(self, receiver, message, verdict, now):
        """Take an answer that is final: it is for each of them, and after an error each goes out singly, or one that
        is bad would take the rest along."""
        for part in self.parts:
            if verdict == policy.DONE:
                receiver.answered(part, message, now)
            else:
                part.alone = True
                part.backoff = None


def join(notices, first, config, now):
    """Return the report `first` with those among `notices` that go with it, or itself where there is none."""
    parts = [first]
    backoff = first.backoff
    left = None
    for notice in notices:
        if (
            notice is first
            or notice.kind != "IMDN"
            or notice.alone
            or first.alone
            or notice.on_air
            or notice.arguments[:2] != first.arguments[:2]
            or not (notice.backoff is None or notice.backoff.ready(now))
        ):
            continue
        if left is None:
            left = room(config) - len(_head(config, first)) - aggregates.BETWEEN - len(_element(first))
        left -= 1 + len(_element(notice))
        if left < 0:
            break
        parts.append(notice)
        backoff = backoff or notice.backoff
        if len(parts) == _MOST:
            break
    return first if len(parts) == 1 else Joined(parts, backoff)


def _head(config, first):
    # clause 7.3.4.2 wants a msgId outside, where it means nothing: that of the first
    return type(first)("IMDN", first.arguments[:3] + (None,)).body(config)


def _element(notice):
    return aggregates.report(*notice.arguments[2:])
