# SPDX-License-Identifier: MIT
"""What the Gateway UE asks the server on its own account: few requests at a time, and a pause after each in vain."""

import itertools
from dataclasses import dataclass

from tools.server.delivery.pushes import FINAL
from tools.wire import bodies
from tools.wire.answers import Request
from tools.wire.bodies import Malformed
from tools.wire.identity import Peer

FIRST, LONGEST = 2, 60  # s, the pause after a request in vain; doubled each time
_LONGEST_ASKED = 3600  # s: a Max-Age beyond it is not obeyed to the end
_AT_ONCE = 4
_LOST = 300  # s: more than an exchange of CoAP lasts; of an Ask that is out longer, nobody will say anything

# What an answer means for what was asked.
TAKEN, LATER, REFUSED, UNREGISTERED = "taken", "later", "refused", "unregistered"


@dataclass(frozen=True)
class Ask:
    """One request to the server. Its answer comes to `GatewayFunction.asked`, exactly once.

    `peers`: whom each element of a bulk request came from, in the order of its list; of a request for one device, that
    one. A server in the same process takes each element as its own device's.
    """

    id: int
    request: Request
    peers: tuple[Peer, ...] = ()


class Asks:
    """Those that are under way. `what` belongs to the procedure that asks, whose `answered(what, answer, now)` hears
    the answer."""

    def __init__(self, store, emit):
        self._emit = emit
        self._numbers = itertools.count(1)
        self._out = store.kept()  # by the number of an Ask: (its procedure, what, when it began)
        self._until = None  # when the pause is over
        self._delay = FIRST

    def begin(self, procedure, what, request, peers, now):
        ask = Ask(next(self._numbers), request, tuple(peers))
        self._out[ask.id] = procedure, what, now
        return ask

    def end(self, ask):
        """(procedure, what), once; then None."""
        found = self._out.pop(ask.id, None)
        return found and found[:2]

    def work(self, now, out):
        """Forgets those whose end nobody could tell, as where the store took nothing just then."""
        for id_ in [id_ for id_, (_, _, began) in self._out.items() if began + _LOST <= now]:
            del self._out[id_]
            self.later("request", "nobody said what became of it", now)

    def under_way(self, procedure):
        return [what for of, what, _ in self._out.values() if of is procedure]

    def may_begin(self, now):
        return len(self._out) < _AT_ONCE and (self._until is None or self._until <= now)

    def well(self):
        """The server has answered as it should."""
        self._until, self._delay = None, FIRST

    def later(self, kind, reason, now, max_age=None):
        """Nothing is asked for a while."""
        seconds = max(self._delay, min(max_age or 0, _LONGEST_ASKED))
        self._delay = min(self._delay * 2, LONGEST)
        self._until = max(self._until or now, now + seconds)
        self._emit("upstream-retry", kind=kind, reason=reason, seconds=seconds)

    def registered(self):
        """The gateway has registered at the server: nothing waits because of what was before."""
        self.well()

    def when(self, due, now):
        """When what is due then can be asked: after the pause; None where the next answer is what it waits for."""
        if self._until is not None and self._until > now:
            return max(due, self._until)
        return due if self.may_begin(now) else None

    def deadline(self, now):
        """When one is out too long, or None."""
        return min((began + _LOST for _, _, began in self._out.values()), default=None)

    def clock_set(self, seconds):
        for id_, (procedure, what, began) in list(self._out.items()):
            self._out[id_] = procedure, what, began + seconds
        if self._until is not None:
            self._until += seconds


def verdict(answer):
    """TAKEN, LATER, REFUSED for good, or UNREGISTERED: the server does not know the gateway. None is silence."""
    if answer is None:
        return LATER
    if answer.code.startswith("2."):
        return TAKEN
    if answer.code == "4.01":
        return UNREGISTERED
    return REFUSED if answer.code in FINAL else LATER


def reason(answer):
    """In words, for an event or a cause."""
    return "no answer" if answer is None else ("%s %s" % (answer.code, said(answer))).strip()


def said(answer):
    """The diagnostic of an Answer, made here or come from a server."""
    if answer.octets is None or answer.content_format is not None:
        return answer.diagnostic
    return answer.octets.decode(errors="replace")[:200]


def content(answer):
    """The JSON object in an Answer. Raises Malformed."""
    if answer.octets is not None:
        return bodies.parse(answer.octets)
    if not isinstance(answer.body, dict):
        raise Malformed("body", "not a JSON object")
    return answer.body
