# SPDX-License-Identifier: MIT
"""The Gateway UE's own registration at its server (TS 24.538 clause 6.3.1.1): when it is due, and what came of it.

Nothing but the server's silence or refusal ends it: a gateway that is killed is expected back.
"""

import random

from tools.wire import bodies
from tools.wire.answers import Request
from tools.wire.bodies import Address, Malformed

PATH = ("msgin5g",)
JSON = 50
RENEW = 0.8  # of the lifetime
FIRST, LONGEST = 2.0, 300.0  # s between two tries
DOUBT = 10.0  # s: the server is not asked more often whether it still knows us, whoever says that it does not
JOINING, JOINED, LOST, REFUSED = "registering", "registered", "unreachable", "refused"


class Membership:
    """`ue`: the gateway's UE Service ID. Times are of `now`."""

    def __init__(self, ue, service, lifetime, rng=None):
        self.ue = ue
        self.state, self.cause = JOINING, ""
        self._lifetime = int(lifetime)
        self._service = service
        self._rng = rng or random.Random()
        self._delay = 0.0
        self._due = None
        self._asked = None

    def request(self, now):
        """The REG."""
        self._asked = now
        body = {
            "msgIden": self._service,
            "msgType": "REG",
            "oriAddr": bodies.origin(Address("UE", self.ue)),
            "regExpTime": self._lifetime,
        }
        return Request("POST", PATH, payload=bodies.encode(body), content_format=JSON)

    def answered(self, answer, now):
        """Takes the Answer to it; None for silence. Says whether the gateway is registered now."""
        body = answer.body if answer is not None and isinstance(answer.body, dict) else {}
        answered = answer is not None and answer.code.startswith("2.")  # 2.01 or 2.04: clause 6.3.1.2.1
        try:
            granted = answered and bodies.succeeded(body, True)
        except Malformed as error:
            return self._later(LOST, "answer not understood, %s" % error, None, now)
        if granted:
            lifetime = _seconds(body) or self._lifetime
            self.state, self.cause, self._delay = JOINED, "", 0.0
            self._due = now + RENEW * min(lifetime, self._lifetime)
            return True
        passing = answer is None or answer.code[0] == "5" or answer.code == "4.29"
        return self._later(LOST if passing else REFUSED, _why(answer, body), answer and answer.max_age, now)

    def _later(self, state, cause, max_age, now):
        self.state, self.cause = state, cause
        self._delay = min(max(2 * self._delay, FIRST), LONGEST)
        pause = self._delay * self._rng.uniform(0.75, 1.0)
        if max_age:
            pause = max(pause, min(max_age, LONGEST))
        self._due = now + pause
        return False

    def doubted(self, now):
        """Somebody was told that the gateway is not registered. Says whether it is worth asking now."""
        if self._asked is not None and now - self._asked < DOUBT:
            return False
        self._due = now
        return True

    def due(self, now):
        """Seconds until the next REG."""
        return 0.0 if self._due is None else max(self._due - now, 0.0)


def _seconds(body):
    """How long the registration holds; None where it does not say."""
    try:
        return bodies.number(body, "regExpTime", 1, 2**31)
    except Malformed:
        return None


def _why(answer, body):
    if answer is None:
        return "no answer"
    said = body.get("cause") if answer.code.startswith("2.") else answer.diagnostic
    return ("%s %s" % (answer.code, said or "")).strip()
