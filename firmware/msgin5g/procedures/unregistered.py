# SPDX-License-Identifier: MIT
"""The part of a registration that is not there at the first try, or ends: refused, put off, asked for again, granted or
ended by the gateway, given up. TS 24.538 clauses 6.3.1, 6.3.4.2, 6.3.5. Imported by the registration then, and by a
client that is stopped.
"""

from coap.compat import const

from ..timing import MAX_WAIT, Countdown

_DEFAULT_LIFETIME = const(3600)  # s, where the server grants without saying how long
_ANY = const(1 << 60)  # a time of the peer: each is bounded where it is used, none is too long to be read
_GRACE = const(10000)  # ms beyond the expected time in which a REGRESP may still come

_TYPING = const(False)
if _TYPING:
    from typing import Any


class Leaving:
    """Methods of BaseClient, whose attributes they use."""

    def flush(self: "Any") -> None:
        """Have the storage keep all that waits for that, before a planned power-off: deferred records, and segments
        that were acknowledged."""
        self.store.flush()
        if self._receiver is not None:
            self._receiver.settle()

    def stop(self: "Any", now: int, urgent: bool = True) -> None:
        """Begin to de-register (clause 6.3.1.1.2). It is over when `registration.state` is "stopped". Where it is not
        `urgent`, a gateway may take its time for it (clause 6.3.4.2.2)."""
        if self.sender is not None:
            self.sender.hold_back(now)
        self.registration.stop(now, urgent)
        self._work(now)


class Unregistered:
    """Methods of Registration, whose attributes they use."""

    def receive(self, kind, body, now):
        """REGRESP and DEREGRESP, which a gateway sends by itself (clauses 6.3.4.2.3 and 6.3.4.2.4)."""
        from ..rules.refusals import expect_own

        expect_own(body, "oriAddr", self._config)
        if self.stopping:
            return
        if kind == "REGRESP":
            if body.flag("result", True):  # the default of clause 7.3.3.4
                self._granted(body.integer("regExpTime", _DEFAULT_LIFETIME, 0, _ANY), now)
            else:
                self._put_off("refused", body.cause() or "no cause given", None, now)
        elif body.flag("result", True):
            self._on("deregistered", "the gateway de-registered this device")
            self._begin(self._retry.failed(now), now)

    def stop(self, now, urgent=True):
        """De-register where that makes sense; `state` becomes "stopped", at the latest when DEREG timed out. Not
        `urgent`: a gateway may bulk it, and the device does not wait for the end of that."""
        self._leaves = None if urgent else False
        if self._on("stop", self.cause) and not self._on_air:
            self._leave(now)

    def retry_now(self, now):
        """Try at once what silence put off."""
        if self.stands == "unreachable" and not self._on_air:
            self._begin(0, now)

    def prepared(self, event, now, cause=None):
        """Take an event of what comes before the registration: "discover", "configure" where it begins, "ready" where
        it is done, "refused", "failed" where it was not, and is tried again."""
        if (self._on(event, cause) or self.stands == "registered") and event == "ready":
            self._begin(0, now)

    @property
    def busy(self):
        """Whether a request is on the air, or has to go out before the device is what its configuration says."""
        return self._on_air is not None or self.stands in ("leaving", "de-registering")

    def renew(self, now, why=None, former=None):
        """Register anew under what the configuration says now: another UE Service ID than `former`, which is
        de-registered first, another server (`why` says so), or another limit. The registration must not be `busy`."""
        if self.stopping:
            return
        if self.registered and former is not None:
            self._former = former
        if why is not None:
            self._on("required", why)
        self._begin(0, now)
        if self._former is not None:
            self._step = "DEREG"

    def on_unregistered(self, now):
        """Take note that the server does not know us any more (4.01, or an MSGRESP that says so): register at once.

        A server that says so again as soon as we are registered is asked ever more rarely.
        """
        if not self._on("required", "the server asked for a registration"):
            return
        if self._on_air:
            pass  # its answer decides
        elif self._doubted:
            self._begin(self._retry.failed(now), now)
        else:
            self._begin(0, now)
        self._doubted = True

    def _bulked(self, wait, now):
        """Take note that the gateway keeps the registration for a while (clause 6.3.4.3.1). Where it has not
        answered by then, the registration goes out again as urgent."""
        self._on("bulked")
        self._urgent = True
        self._step = "REG"
        wait = max(wait, self._retry.failed(now)) + _GRACE
        self._known = None
        self._due = Countdown(min(wait, MAX_WAIT * 1000), now)

    def _put_off(self, event, cause, max_age, now):
        """Take the event "refused" or "failed", and try again when the back-off of that says."""
        self._on(event, cause)
        if self.gateways is not None and self.gateways.turn(event, max_age, now):
            self._begin(0, now)
            return
        backoff = self._refusal if event == "refused" else self._retry
        self._begin(backoff.failed(now, max_age), now)

    def _leave(self, now):
        """Nothing is on the air: DEREG goes out, or there is nothing to de-register."""
        self._known = None
        if self.registered:
            self._step = "DEREG"
            self._due = Countdown(0, now)
        else:
            self._on("left", self.cause)
            self._step = self._due = None

    def _deregistered(self, now):
        self._former = self._known = None
        if self.stopping:
            self._on("left", self.cause)
            self._step = self._due = None
        else:  # started again meanwhile
            self._begin(0, now)
