# SPDX-License-Identifier: MIT
"""The Gateway UE's decisions: which requests of devices it handles itself, and which go on to the server as they are.

No socket, no clock. Requests and time come in; `request` says what is answered here, `work` what is to be sent, to the
server (Ask) or to a UE (Push); `asked` and `outcome` hear what came of it. Each call is one event: who drives it makes
a transaction of the store of it, and an answer leaves when that is committed.
"""

import random

from tools.gateway.function.core import Core
from tools.gateway.function.service import Service
from tools.server.delivery.turns import Turns
from tools.server.flood import Flood
from tools.server.isolation import Isolation, place_of, reason_of
from tools.store.transactions import store_failed
from tools.wire import bodies
from tools.wire.answers import Answer, Refusal
from tools.wire.bodies import Malformed
from tools.wire.identity import AddressBinding

PATH = ("msgin5g",)
JSON = 50
_TOLD, _TOLD_BURST = (
    5,
    20,
)  # refusals of one host that are told: a second, and how many seconds' worth at once


class GatewayFunction:
    """`emit(event, **fields)` hears what happens. `binding` says who may speak as whom; `turns` are those of a server
    in the same process, so that a UE gets one request at a time of both."""

    def __init__(
        self, store, settings, emit=lambda event, **fields: None, rng=None, binding=None, turns=None
    ):
        self._store = store
        self._settings = settings
        self.isolation = Isolation(store, settings, emit)
        self._emit = self.isolation.emit
        self._told = Flood(_TOLD, burst=_TOLD_BURST)
        self.refused = 0
        turns = turns or Turns(store, settings, self._emit, rng or random.Random())
        core = Core(
            store, settings, self.isolation, binding or AddressBinding(store), turns, self._emit_refused
        )
        self._service = Service(core)
        self._procedures = {"gateway service": self._service}
        self._on = {"GWREG": self._service}

    # ---- requests of devices -----------------------------------------------------------------------------------------

    def request(self, peer, request, now):
        """The Answer to a request of a device; None where it goes on to the server unchanged. Raises only what says
        that the store as a whole has failed (`transactions.store_failed`)."""
        try:
            return self.isolation.answer(now, self._request, peer, request, now)
        except Exception as error:
            if store_failed(error):
                raise
            reason, place = reason_of(error), place_of(error)
            self._emit("error", kind="request", peer=str(peer), code="5.00", reason=reason, place=place)
            return Answer("5.00", None, "an error of the gateway's own; it is told there")

    def _request(self, peer, request, now):
        if request.code != "POST" or request.path != PATH or request.content_format not in (None, JSON):
            return None
        try:
            body = bodies.parse(request.payload)
            kind = bodies.text(body, "msgType", "").upper()
        except Malformed:
            return None  # the server says what is wrong with it
        procedure = self._on.get(kind)
        if procedure is None:
            return None
        try:
            if bodies.text(body, "msgIden") != self._settings.service:
                raise Malformed("msgIden", "is not %s" % self._settings.service)
            return procedure.receive(kind, peer, body, now)
        except Malformed as error:
            answer = Answer("4.00", None, str(error))
        except Refusal as refusal:
            answer = refusal.answer
        self._emit_refused(peer, now, kind=kind, code=answer.code, reason=answer.diagnostic)
        return answer

    def forwarded(self, peer, request, answer, now):
        """What the server answered to a request that went on to it."""

    def downstream(self, body, now):
        """The Peer that a request of the server goes to. Raises Refusal 4.04 where nobody is known for it."""
        raise Refusal("4.04", "no such UE here")

    def _emit_refused(self, peer, now, **fields):
        """All refusals are counted, the first of each host are told: nobody fills the disk with them."""
        self.refused += 1
        if self._told.allows(peer.host, now):
            self._emit("refused", peer=str(peer), **fields)

    # ---- time, and what is to be sent --------------------------------------------------------------------------------

    def start(self, now):
        """Before the first request: what was unfinished goes on with the first `work`."""

    def registered(self, now):
        """The gateway itself has registered at the server: what waited for that is due."""

    def work(self, now):
        """Does what is due by now; the Asks and Pushes to begin."""
        out = []
        for name, each in self._procedures.items():
            self.isolation.step(name, now, each.work, now, out)
        return out

    def asked(self, ask, answer, now):
        """What the server answered to an Ask; None for silence. Each Ask gets one."""

    def outcome(self, push, outcome, now):
        """What came of a Push; each Push gets one."""

    def deadline(self, now):
        """When `work`, last done at `now`, is next needed even if nothing comes in, or None."""
        parts = (self.isolation, *self._procedures.values())
        times = [time for time in (part.deadline(now) for part in parts) if time is not None]
        return min((time if time > now else now + 1 for time in times), default=None)

    def clock_set(self, seconds):
        """The clock was set, and with it all times in the store: the ones in memory are, too."""
        for part in (self.isolation, self._told):
            part.clock_set(seconds)
