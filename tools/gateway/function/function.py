# SPDX-License-Identifier: MIT
"""The MSGin5G Gateway Client of TS 24.538 clause 5.1.2: which requests of devices it handles itself, and which go on to
the server as they are.

No socket, no clock. Requests and time come in; `request` says what is answered here, `work` what is to be sent, to the
server (Ask) or to a UE (Push); `asked` and `outcome` hear what came of it. Each call is one event: who drives it makes
a transaction of the store of it, and an answer leaves when that is committed.
"""

import collections
import contextlib
import random

from tools.gateway.function import documents
from tools.gateway.function.asks import Asks, content
from tools.gateway.function.bulk import Bulk
from tools.gateway.function.configuration import Configuration
from tools.gateway.function.core import Core
from tools.gateway.function.fanout import FanOut
from tools.gateway.function.held import Holding
from tools.gateway.function.passed import passed
from tools.gateway.function.service import Service
from tools.gateway.function.vouching import CONFIGURATION, Vouching
from tools.gateway.function.ways import Ways
from tools.server.counters import Counters
from tools.server.delivery.turns import Turns
from tools.server.flood import Flood
from tools.server.isolation import RESTS, Isolation, place_of, reason_of
from tools.store.faults import store_failed
from tools.wire import bodies, ueconfig
from tools.wire.answers import Answer, Refusal
from tools.wire.bodies import Malformed
from tools.wire.identity import AddressBinding

PATH = ("msgin5g",)
JSON = 50
LARGEST = 8192  # octets of what the gateway handles itself: a profile has half of it at most
_ASK = "ask"  # a unit of `isolation`
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
        self._flood = Flood(settings.rate)
        self._told = Flood(_TOLD, burst=_TOLD_BURST)
        self.refusals = collections.Counter()  # by code
        self.counters = Counters(store.kept())
        own_turns = turns or Turns(store, settings, self._emit, rng or random.Random())
        self.windows = own_turns.windows
        core = Core(
            store, settings, self.isolation, binding or AddressBinding(store), own_turns, self._emit_refused
        )
        self._core = core
        self._asks = Asks(store, self._emit)
        self._ways = Ways(core)
        self._service = Service(core)
        self._fanout = FanOut(core)
        self._holding = Holding(core, self._service, self._fanout)
        self._vouching = Vouching(core, self._ways)
        bulk = Bulk(core, self._asks, self._fanout, self._ways)
        self._configuration = Configuration(core, self._asks, self._service)
        # In the order in which they do what is due.
        self._procedures = {
            "gateway service": self._service,
            "ways": self._ways,
            "requests to the server": self._asks,
            "held requests": self._holding,
            "bulk requests": bulk,
            "configurations": self._configuration,
            "responses": self._fanout,
        }
        self._on = {"GWREG": self._service, "REG": self._holding, "DEREG": self._holding}
        # A server in the same process sets the clock of what it has lent.
        self._clocks = (self.isolation, self._flood, self._told, self._asks, self.counters)
        self._clocks += () if turns else (own_turns,)

    # ---- requests of devices -----------------------------------------------------------------------------------------

    def request(self, peer, request, now):
        """The Answer to a request of a device; None where it goes on to the server unchanged. Raises only what says
        that the store as a whole has failed (`faults.store_failed`)."""
        try:
            if self._has_nothing_to_do_with(request):
                return None
            return self.isolation.answer(now, self._request, peer, request, now)
        except Exception as error:
            if store_failed(error):
                raise
            reason, place = reason_of(error), place_of(error)
            self._emit("error", kind="request", peer=str(peer), code="5.00", reason=reason, place=place)
            return Answer("5.00", None, "an error of the gateway's own; it is told there")

    def _has_nothing_to_do_with(self, request):
        """What nearly all is: a body for the server, in the same program, of a UE that the gateway keeps nothing of."""
        kind, body = ("", None) if self._settings.apart else self._read(request)
        if body is None or kind in self._on:
            return False
        try:
            return self._store.held_peer(bodies.address(body, "oriAddr", ("UE",)).id) is None
        except Malformed:  # the server says what is wrong with it
            return True

    def _request(self, peer, request, now):
        if self._settings.apart and not self._flood.allows(self._core.source(peer, now), now):
            return Answer("4.29", None, "too many requests", max_age=1)
        kind, body = self._read(request)
        try:
            if self._configuration.takes(request):
                answer = self._configuration.receive(peer, request, now)
            else:
                answer = self._own(kind, peer, body, now)
            if answer is None and self._settings.apart:
                answer = self._vouching.check(peer, request, now)
            if answer is None and body is not None:
                self._goes_on(kind, peer, body, now)
            return answer
        except Malformed as error:
            answer = Answer("4.00", None, str(error))
        except Refusal as refusal:
            answer = refusal.answer
        self._emit_refused(peer, now, kind=kind, code=answer.code, reason=answer.diagnostic)
        return answer

    def count(self, peer, request, now):
        """The Answer to a `Request` below `counters`, of a gateway apart from its server."""
        return self.isolation.answer(now, self._count, peer, request, now)

    def _count(self, peer, request, now):
        if not self._flood.allows(self._core.source(peer, now), now):
            return Answer("4.29", None, "too many requests", max_age=1)
        try:
            return self.counters.take(self._core.registered(peer, now), request, now)
        except Malformed as error:
            answer = Answer("4.00", None, str(error))
        except Refusal as refusal:
            answer = refusal.answer
        self._emit_refused(peer, now, kind="counters", code=answer.code, reason=answer.diagnostic)
        return answer

    @staticmethod
    def _read(request):
        """(msgType, body) of what the gateway may have to do with; ("", None) of the rest, of which the server says
        what is wrong with it."""
        known = request.code == "POST" and request.path == PATH and request.content_format in (None, JSON)
        if known and len(request.payload) <= LARGEST:
            try:
                body = bodies.parse(request.payload)
                return bodies.text(body, "msgType", "").upper(), body
            except Malformed:
                pass
        return "", None

    def _own(self, kind, peer, body, now):
        """What the gateway answers by itself, or None."""
        procedure = self._on.get(kind)
        if procedure is None:
            return None
        if bodies.text(body, "msgIden") != self._settings.service:
            raise Malformed("msgIden", "is not %s" % self._settings.service)
        return procedure.receive(kind, peer, body, now)

    def _goes_on(self, kind, peer, body, now):
        """What a UE says to the server may be news for the gateway."""
        try:
            ue = bodies.address(body, "oriAddr", ("UE",)).id
        except Malformed:
            return
        if kind in ("REG", "DEREG") and self._core.why_not(peer, ue) is None:
            self._holding.supersede(ue)
        else:
            self._fanout.heard(peer, ue, now)

    def forwarded(self, peer, request, answer, now):
        """What the server answered to a request that went on to it: after a registration the UE's way is known."""
        if self._settings.apart and request.path[:1] == (CONFIGURATION,):
            self._configured(peer, request, answer)
            return
        if not self._settings.apart:
            return
        kind, body = self._read(request)
        told = body and passed(body, peer, answer.code)
        if told:
            self._emit("passed", **told)
        if not answer.code.startswith("2."):
            return
        if kind not in ("REG", "DEREG"):
            return
        try:
            said = content(answer)
            ue = bodies.address(body, "oriAddr", ("UE",)).id
            if not bodies.succeeded(said, True):
                return
            if kind == "REG":
                self._ways.learn(ue, peer, now, bodies.number(said, "regExpTime", 1, 2**31))
            else:
                self._ways.end(ue)
        except Malformed as error:
            self._emit("error", kind="forwarded", peer=str(peer), reason=str(error), place="")

    def _configured(self, peer, request, answer):
        """A device that has a UE ID and its key only is known by its UE Service ID from now on."""
        with contextlib.suppress(Malformed, Refusal):
            ue_id = ueconfig.read(request).ue_id
            ue = documents.ue_of(answer, ue_id) if answer.code == "2.05" else None
            if ue is not None:
                self._core.learn(peer, ue_id, ue)

    def downstream(self, body, now):
        """The Peer that a request of the server goes to. Raises Refusal 4.04 where nobody is known for it, Malformed
        where it names nobody."""
        return self.recipient(body, now)[1]

    def recipient(self, body, now):
        """As `downstream`, with the UE Service ID: (ue, Peer)."""
        return self._ways.downstream(body, now)

    @property
    def refused(self):
        """How many requests were refused."""
        return self.refusals.total()

    def _emit_refused(self, peer, now, **fields):
        """All refusals are counted, the first of each host are told: nobody fills the disk with them."""
        self.refusals[fields["code"]] += 1
        if self._told.allows(peer.host, now):
            self._emit("refused", peer=str(peer), **fields)

    # ---- time, and what is to be sent --------------------------------------------------------------------------------

    def start(self, now):
        """Before the first request: what was unfinished goes on with the first `work`."""

    def registered(self, now):
        """The gateway itself has registered at the server: what waited for that is due."""
        self._asks.registered()

    def work(self, now):
        """Does what is due by now; the Asks and Pushes to begin."""
        out = []
        for name, each in self._procedures.items():
            self.isolation.step(name, now, each.work, now, out)
        return out

    def asked(self, ask, answer, now):
        """What the server answered to an Ask; None for silence. Each Ask gets one."""
        found = self._asks.end(ask)
        if found is None:
            return
        procedure, what = found
        if self.isolation.attempt(_ASK, ask.id, now, procedure.answered, what, answer, now) is RESTS:
            self._asks.later(_ASK, "an error of the gateway's own", now)

    def outcome(self, push, outcome, now):
        """What came of a Push; each Push gets one."""
        if self.isolation.attempt(*push.unit, now, push.of.outcome, push, outcome, now) is RESTS:
            self._core.turns.release(push)

    def deadline(self, now):
        """When `work`, last done at `now`, is next needed even if nothing comes in, or None."""
        parts = (self.isolation, *self._procedures.values())
        times = [time for time in (part.deadline(now) for part in parts) if time is not None]
        return min((time if time > now else now + 1 for time in times), default=None)

    def changed(self):
        """Another process has written into the store: the next `work` looks at everything."""
        self._fanout.look_again()

    def clock_set(self, seconds):
        """The clock was set, and with it all times in the store: the ones in memory are, too."""
        for part in self._clocks:
            part.clock_set(seconds)
