# SPDX-License-Identifier: MIT
"""Registration with the gateway service and the server: TS 24.538 clauses 6.3.1, 6.3.4.2, 6.3.5.

The device never gives up: every failure is tried again, ever more rarely.
"""

from coap.compat import const, earliest, later, whole

from ..rules import policy
from ..rules.requests import Registering
from ..timing import MAX_WAIT, Countdown, jittered, lifetime
from ..wire import bodies
from ..wire.identifiers import BodyError

_MAX_AGE = const(14)  # of coap.numbers
_DEFAULT_LIFETIME = const(3600)  # s, where the server grants without saying how long
_EXPECTED = const(300)  # s until a gateway that bulks has an answer, where nobody says how long
_RESERVE = const(448)  # octets of a datagram that are not payload, in what the device tells others to send
# What a device needs that is not registered at the first try, or ends its registration
_UNREGISTERED = const(
    "msgin5g.procedures.unregistered Unregistered _bulked _deregistered _leave _put_off busy on_unregistered prepared"
    " receive renew retry_now stop"
)
_TICKS = const((1 << 29) - 1)
_AHEAD = const(1 << 28)  # ms: what lies less far ahead has not come
_ANY = const(1 << 60)  # a time of the peer: each is bounded where it is used, none is too long to be read


class Registration(Registering):
    """The registration of one UE Service ID."""

    gateways = None  # the procedure that found the one that is registered with: it may know another one
    announcing = ()  # procedures whose `profile()` gives pairs of cliProfile

    def __init__(self, config, random):
        super().__init__()
        self._config = config
        self._random = random
        self._retry = policy.backoff("REG", random)
        self._refusal = policy.named("refusal", random)
        self._step = None
        self._due = None  # Countdown to the next request
        self._on_air = None  # the step that waits for its answer
        self._known = None  # what `next_deadline` said, until it has come, or anything has changed
        # Whether the server asked us to register, and has accepted nothing but the registration since. Then the
        # grant does not reset the back-off `_retry`: a server may grant and ask again, in a loop. It is no state:
        # it outlives each of them, and changes none.
        self._doubted = False
        self.expires = None
        self._lifetime = None
        self._urgent = config.registration["urgent"]  # for the next REG
        self._leaves = None  # the urgency of DEREG, where there is one
        self._former = None  # the UE Service ID that was given up, while it is registered

    def __getattr__(self, name):
        later(Registration, name, _UNREGISTERED)
        return getattr(self, name)

    # --- what the client calls ----------------------------------------------------------------------

    def start(self, now):
        """Begin, and go on for ever."""
        if self._on("start"):
            self._begin(0, now)

    def on_accepted(self):
        """Take note that the server accepted something of us."""
        if self._doubted:
            self._doubted = False
            self._retry.reset()

    def next(self, now):
        """Return the body to send now as (step, body, confirmable), or None."""
        if self._known is not None and 0 < ((self._known - now) & _TICKS) < _AHEAD:
            return None  # as in `poll`
        if self._on_air or self._due is None or self._due.left(now) > 0:
            return None
        job = self._step, self.body(self._step), True
        self._known = None
        self._on_air = self._step
        return job

    def answered(self, step, message, now):
        self._on_air = self._known = None
        if step == "DEREG":
            self._deregistered(now)
            return
        verdict = policy.verdict(message.code, "REG")
        if self.stopping:
            if verdict == policy.DONE:
                self._on("granted", self.cause)
            self._leave(now)
            return
        try:
            if verdict == policy.DONE:
                self._read(bodies.Body.read(message.payload), step, now)
                return
        except BodyError as error:
            self._put_off("failed", "answer not understood, %s" % error, None, now)
            return
        event = "refused" if verdict == policy.REFUSED else "failed"
        self._put_off(event, bodies.failure(message), message.uint(_MAX_AGE), now)

    def unanswered(self, step, now, why=None, silent=True):
        self._on_air = self._known = None
        if step == "DEREG":
            self._deregistered(now)
        elif self.stopping:
            self._leave(now)
        else:
            self._put_off("failed", why or "no answer from %s" % self._config.peer, None, now)

    def unsendable(self, step, why, now):
        self._on_air = self._known = None
        if self.stopping:
            self._leave(now)
        else:
            self._put_off("refused", why, None, now)

    def poll(self, now):
        # as ticks_diff, whose call would take more than that
        if self._known is not None and 0 < ((self._known - now) & _TICKS) < _AHEAD:
            return  # nothing is due, and the tick has not come round
        self._known = None
        if self._due is not None:
            self._due.advance(now)
        if self.stands != "registered":
            return
        if self.expires.advance(now) <= 0 and self._on("expired", "the registration expired"):
            if not self._on_air and self._due.left(now) > self._retry.max_ms:
                self._begin(0, now)

    def next_deadline(self, now):
        if self._known is not None:
            return self._known
        deadline = None
        over = False
        if self._due is not None and not self._on_air:
            deadline = self._due.waits(now)
            over = deadline is None  # it waits for its turn on the air, for which `next` is asked
        if self.stands == "registered":
            deadline = earliest(deadline, self.expires.waits(now) or now)
        if not over:
            self._known = deadline
        return deadline

    # --- how it goes on -----------------------------------------------------------------------------

    def _begin(self, wait, now):
        self._step = "GWREG" if self._config.gateway_service else "REG"
        self._known = None
        self._due = Countdown(wait, now)

    def body(self, step):
        """Return what "GWREG", "REG" or "DEREG" sends."""
        config = self._config
        service = config.service_identifier
        addr = config.ue_service_id
        lifetime = config.registration["lifetime"]
        if step == "GWREG":
            return bodies.gateway_registration(service, addr, config.ue_id, lifetime)
        if step == "DEREG":
            wait = None if self._leaves is None else config.registration["wait"]
            return bodies.deregistration(service, self._former or addr, self._leaves, wait)
        urgent = self._urgent if config.gateway_service else None
        wait = config.registration["wait"] if urgent is False else None
        largest = min(config.segments["size"], config.coap["max_datagram"] - _RESERVE)
        profile = (("maxSegSize", largest),)
        if config.segments["window"] > 1:
            profile += (("segWindow", config.segments["window"]),)
        for procedure in self.announcing:
            profile += procedure.profile()
        return bodies.registration(service, addr, profile, urgent, lifetime, wait)

    def _read(self, body, step, now):
        result = body.flag("result", None)
        if result is False:
            self._put_off("refused", body.cause() or "no cause given", None, now)
        elif step == "GWREG":
            self._lifetime = body.integer("acceptedTime", None, 0, _ANY)
            self._step = "REG"
            self._known = None
            self._due = Countdown(0, now)
        elif result is True:
            self._granted(body.integer("regExpTime", _DEFAULT_LIFETIME, 0, _ANY), now)
        elif self._due.left(now) > 0:
            pass  # REGRESP was quicker than this answer, and has said what is next
        elif "expectedTime" in body or not self._urgent:
            wait = body.integer("expectedTime", self._config.registration["wait"] or _EXPECTED, 0, _ANY)
            self._bulked(min(wait, MAX_WAIT) * 1000, now)
        else:
            raise BodyError("result", "missing")

    def _granted(self, seconds, now):
        if self._lifetime:  # what the gateway service granted
            seconds = min(seconds, self._lifetime)
        seconds = lifetime(seconds, self._config.registration["lifetime"])
        expires = Countdown(seconds * 1000, now)
        self._begin(jittered(seconds * 800, 5, self._random), now)
        self._known = None
        self.expires = expires
        self._urgent = self._config.registration["urgent"]
        self._on("granted")
        if not self._doubted:
            self._retry.reset()
        self._refusal.reset()


whole(Registration, _UNREGISTERED)


def start(client):
    """Return the Registration of a Client."""
    return Registration(client.config, client.random)
