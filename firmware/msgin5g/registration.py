# SPDX-License-Identifier: MIT
"""Registration with the gateway service and the server: TS 24.538 clauses 6.3.1, 6.3.4.2, 6.3.5.

The device never gives up: every failure is tried again, ever more rarely.
"""

from coap import numbers
from coap.compat import const, earliest, random_octets, ticks_diff

from . import bodies
from .errors import BodyError
from .timing import Backoff, Countdown, jittered

_DEFAULT_LIFETIME = const(3600)  # s, where the server grants without saying how long
_LONGEST_REFRESH = const(200000)  # s, within what ticks can compare
_GRACE = const(10000)  # ms beyond the expected time in which a REGRESP may still come


class Registration:
    """The registration of one UE Service ID. `state` is one of

    "stopped", "registering", "waiting" (the gateway bulks it and will answer by itself), "registered",
    "refused" (`cause` says why), "unreachable" (`cause` says how the last try ended).
    `registered` stays true while a refresh is under way.
    """

    def __init__(self, config, profile, random=random_octets):
        self.registered = False
        self.state = "stopped"
        self.cause = None
        self._config = config
        self._profile = profile
        self._random = random
        self._retry = Backoff(2000, 300000, random)
        self._refusal = Backoff(60000, 3600000, random)
        self._step = None
        self._due = None
        self._busy = False
        self._stopping = False
        self._expires = None
        self._lifetime = None

    # --- what the client calls ----------------------------------------------------------------------

    def start(self, now):
        self._stopping = False
        self.state = "registering"
        self._begin(now)

    def stop(self, now):
        """De-registers where that makes sense; `state` becomes "stopped", at the latest when DEREG timed out."""
        self._stopping = True
        if not self._busy:
            self._stop(now)

    def required(self, now):
        """The server does not know us any more (4.01, or an MSGRESP that says so): register at once."""
        if self.registered and not self._busy and not self._stopping:
            self._lost("the server asked for a registration", "registering")
            self._begin(now)

    def next(self, now):
        """The body to send now as (item, body, confirmable), or None."""
        if self._busy or self._due is None or ticks_diff(now, self._due) < 0:
            return None
        self._busy = True
        return None, self._body(), True

    def answered(self, item, message, now):
        self._busy = False
        if self._stopping:
            self.registered = self._step == "DEREG" or message.code >> 5 == 2
            self._stop(now)
            return
        try:
            if message.code >> 5 == 2:
                self._read(bodies.Body.read(message.payload), now)
                return
        except BodyError as error:
            self._failed("answer not understood, %s" % error, None, now)
            return
        cause = bodies.failure(message)
        if message.code == numbers.FORBIDDEN:
            self._refused(cause, message.uint(numbers.MAX_AGE), now)
        else:
            self._failed(cause, message.uint(numbers.MAX_AGE), now)

    def unanswered(self, item, now):
        self._busy = False
        if self._stopping:
            self._stop(now)
        else:
            self._failed("no answer from %s" % self._config.peer, None, now)

    def pushed(self, body, now):
        """REGRESP and DEREGRESP, which a gateway sends by itself (clauses 6.3.4.2.3 and 6.3.4.2.4)."""
        if body.text("msgType") == "DEREGRESP":
            self._lost("the gateway de-registered this device")
        elif not self._stopping:
            self._read(body, now)

    def poll(self, now):
        if self.registered and self._expires.left(now) <= 0:
            self._lost("the registration expired")

    def next_deadline(self, now):
        deadline = None
        # one that is over waits for its turn on the air
        if self._due is not None and ticks_diff(self._due, now) > 0 and not self._busy:
            deadline = self._due
        if self.registered:
            deadline = earliest(deadline, self._expires.deadline(now))
        return deadline

    # --- how it goes on -----------------------------------------------------------------------------

    def _begin(self, now):
        self._step = "GWREG" if self._config.gateway_service else "REG"
        self._due = now

    def _body(self):
        config = self._config
        service = config.service_identifier
        addr = config.ue_service_id
        lifetime = config.registration["lifetime"]
        if self._step == "GWREG":
            return bodies.gateway_registration(service, addr, config.ue_id, lifetime)
        if self._step == "DEREG":
            return bodies.deregistration(service, addr)
        urgent = True if config.gateway_service and config.registration["urgent"] else None
        return bodies.registration(service, addr, self._profile, urgent, lifetime)

    def _read(self, body, now):
        result = body.flag("result", None)
        if result is False:
            self._refused(body.cause() or "no cause given", None, now)
        elif self._step == "GWREG":
            self._lifetime = body.integer("acceptedTime", None)
            self._step = "REG"
            self._due = now
        elif result is True:
            self._granted(body.integer("regExpTime", _DEFAULT_LIFETIME, 1), now)
        elif "expectedTime" in body:
            self.state = "registered" if self.registered else "waiting"
            self._due = now + min(body.integer("expectedTime"), _LONGEST_REFRESH) * 1000 + _GRACE
        else:
            raise BodyError("result", "missing")

    def _granted(self, lifetime, now):
        self.registered = True
        self.state = "registered"
        self.cause = None
        self._retry.reset()
        self._refusal.reset()
        if self._lifetime:  # what the gateway service granted
            lifetime = min(lifetime, self._lifetime)
        self._expires = Countdown(lifetime * 1000, now)
        self._begin(now)
        self._due = now + jittered(min(lifetime * 4 // 5, _LONGEST_REFRESH) * 1000, 5, self._random)

    def _refused(self, cause, max_age, now):
        self._lost(cause, "refused")
        self._again(self._refusal, max_age, now)

    def _failed(self, cause, max_age, now):
        self.cause = cause
        if not self.registered:
            self.state = "unreachable"
        self._again(self._retry, max_age, now)

    def _again(self, backoff, max_age, now):
        backoff.failed(now, max_age)
        self._begin(now)
        self._due = backoff.deadline

    def _lost(self, cause, state="unreachable"):
        self.registered = False
        self.state = state
        self.cause = cause

    def _stop(self, now):
        if self.registered and self._step != "DEREG":
            self._step = "DEREG"
            self._due = now
            return
        self.registered = False
        self.state = "stopped"
        self._step = self._due = None
