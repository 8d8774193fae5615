# SPDX-License-Identifier: MIT
"""Configurations of many UEs in one request (TS 24.538 clause 6.2.3).

A UE's request is stored and answered with how long it takes; then the server is asked for many at once, and each UE
gets what came for it as one more response to its request. One that does not take it finds it with its next request. One
whose time ran out before the server answered asks again, and that goes on by itself.
"""

import hashlib
import json
import math
from dataclasses import dataclass

from tools.gateway.function.asks import REFUSED, TAKEN, content, reason, verdict
from tools.gateway.function.settings import ALL
from tools.server.delivery.pushes import DONE, Push
from tools.store.gateway.fetchtables import HELD, KEPT, MISSED, READY, Fetch
from tools.store.server.configtables import UeConfiguration
from tools.store.states import FETCH
from tools.store.tables import CONTROL
from tools.wire import bodies, seal, ueconfig
from tools.wire.answers import Answer, Request
from tools.wire.bodies import Address, Malformed
from tools.wire.outside import clean
from tools.wire.ueconfig import COLLECTION, ROOT

MARGIN = 2  # s before a UE's time is over, for the server's answer
KEPT_FOR = 600  # s, for the next request of the UE
MAX_AGE = 86400  # s
MOST = 100  # UE IDs of one request
_ENVELOPE = len('{"bulkFlag":true,"ueIds":[]}')
JSON = 50
KIND = "UE configuration"


@dataclass(frozen=True)
class _Asked:
    ids: tuple[int, ...]
    ue_ids: tuple[str, ...]


class Configuration:
    """`asks`: what is under way to the server; `service`: who may have it held."""

    def __init__(self, core, asks, service):
        self._core = core
        self._store = core.store
        self._settings = core.settings
        self._isolation = core.isolation
        self._emit = core.isolation.emit
        self._turns = core.turns
        self._asks = asks
        self._service = service
        self._path = (*ROOT, core.settings.service, COLLECTION)

    def takes(self, request):
        """Whether it is a request that may be held."""
        return (
            self._settings.bulk_configuration
            and request.code == "GET"
            and bool(request.back)
            and request.path == self._path
            and request.accept in (None, JSON)
            and request.observe is None
        )

    def receive(self, peer, request, now):
        """The Answer to a request of a UE; None where it goes on. Raises Malformed, Refusal."""
        wanted = ueconfig.read(request)
        if wanted.ue_id is None or wanted.vendor or wanted.type:
            return None  # a bulk request says nothing of vendor and type, which may decide
        stranger = self._service.serves_id(peer, wanted.ue_id, now) is None
        if stranger and not self._may_come(peer, wanted.ue_id):
            return None
        if self._settings.apart:
            self._core.configures(peer, wanted.ue_id)
        id_ = self._store.fetch_of(wanted.ue_id)
        if id_ is None:
            if self._is_full(peer, stranger):
                return None
        else:
            row = self._isolation.run(FETCH, id_, now, self._store.fetch, id_)
            if isinstance(row, Fetch) and not _same(peer, row.peer):
                return None  # somebody else, whom the server may refuse
            if not isinstance(row, Fetch) or row.state in (KEPT, MISSED):
                self._store.drop_fetch(id_)
                return _answer(row) if isinstance(row, Fetch) and row.state == KEPT else None
        wait = math.ceil(self._settings.bulk_wait)
        due, until = now + max(min(wait - MARGIN, self._settings.bulk_interval), 0), now + wait
        self._store.hold_fetch(wanted.ue_id, request.path, request.local, peer, request.back, due, until)
        self._emit("held", ue=wanted.ue_id, kind=KIND, seconds=wait)
        return Answer("2.05", {"maxConfTime": wait}, max_age=0)

    def _may_come(self, peer, ue_id):
        """Whether a UE that is not registered to the gateway service may have its request held. Out of the box it has
        no UE Service ID to register with."""
        return self._settings.bulk_configuration == ALL and self._core.why_not_configured(peer, ue_id) is None

    def _is_full(self, peer, stranger):
        """Whether there is no room for one more. A key has its own UE IDs only; without one a host may say any."""
        if self._store.count_fetches() >= self._settings.gateway_ues:
            return True
        unproved = stranger and getattr(peer, "identity", None) is None
        return unproved and self._store.count_fetches_of(peer.host) >= self._settings.strangers

    # ---- asking ------------------------------------------------------------------------------------------------------

    def work(self, now, out):
        for id_, ue_id, state in self._store.fetches_over(now):
            self._over(id_, ue_id, state, now)
        self._ask_all(now, out)
        for id_, _ in self._store.fetches(READY):
            push = self._isolation.run(FETCH, id_, now, self._push, id_, now)
            if isinstance(push, Push):
                out.append(push)

    def _over(self, id_, ue_id, state, now):
        """Past its time a UE is sent nothing."""
        if state in (KEPT, MISSED):
            self._store.drop_fetch(id_)
            return
        self._store.set_fetch(id_, MISSED if state == HELD else KEPT, now + KEPT_FOR)
        cause = "no configuration came in time" if state == HELD else "it could not be told in time"
        self._emit("held-over", ue=ue_id, kind=KIND, cause=cause)

    def _idle(self, now):
        """(id, due) of those that are not under way and do not rest."""
        asked = {id_ for what in self._asks.under_way(self) for id_ in what.ids}
        rests = self._isolation.rests
        held = self._store.fetches(HELD)
        return [each for each in held if each[0] not in asked and not rests(FETCH, each[0], now)]

    def _ask_all(self, now, out):
        if not self._asks.may_begin(now):  # however much is held meanwhile
            return
        idle = self._idle(now)
        if not self._is_due(idle, now):
            return
        rows = [self._isolation.run(FETCH, id_, now, self._store.fetch, id_) for id_, _ in idle]
        for some in self._lists([row for row in rows if isinstance(row, Fetch)]):
            self._store.hasten_fetches([row.id for row in some], now)
            if self._asks.may_begin(now):
                out.append(self._ask(some, now))

    def _is_due(self, idle, now):
        return any(due <= now for _, due in idle) or len(idle) >= self._settings.bulk_max

    def _lists(self, rows):
        """Those that came to one address together, as many as fit a datagram."""
        path = sum(len(segment.encode()) + 2 for segment in self._path)
        room = self._settings.room - path - _ENVELOPE
        lists = {}
        for row in rows:
            size = len(bodies.encode(row.ue_id)) + 1
            of_one = lists.setdefault(row.local, [[0, []]])
            if of_one[-1][1] and (of_one[-1][0] + size > room or len(of_one[-1][1]) >= MOST):
                of_one.append([0, []])
            of_one[-1][0] += size
            of_one[-1][1].append(row)
        return [some for of_one in lists.values() for _, some in of_one]

    def _ask(self, rows, now):
        """A GET with a payload, as the clause prints it; a server may want FETCH, which ours takes as well."""
        payload = bodies.encode({"bulkFlag": True, "ueIds": [row.ue_id for row in rows]})
        local = rows[0].local
        request = Request("GET", self._path, payload=payload, content_format=JSON, accept=JSON, local=local)
        self._emit("bulk-asked", kind=KIND, count=len(rows))
        asked = _Asked(tuple(row.id for row in rows), tuple(row.ue_id for row in rows))
        return self._asks.begin(self, asked, request, [row.peer for row in rows], now)

    # ---- the answer --------------------------------------------------------------------------------------------------

    def answered(self, asked, answer, now):
        """The server's answer, None for silence; `asked`: what was under way."""
        what = verdict(answer)
        if what == TAKEN:
            self._taken(asked, answer, now)
        elif what == REFUSED:
            self._asks.well()
            for id_ in asked.ids:  # each asks again, and that goes on by itself
                self._store.set_fetch(id_, MISSED, now + KEPT_FOR)
            self._emit("bulk-refused", kind=KIND, count=len(asked.ids), reason=reason(answer))
        else:
            self._asks.later(KIND, reason(answer), now, answer and answer.max_age)

    def _taken(self, asked, answer, now):
        left = list(zip(asked.ids, asked.ue_ids, strict=True))
        try:
            entries = content(answer).get("confList")
            if not isinstance(entries, list):
                raise Malformed("confList", "not a list")
        except Malformed as error:
            self._asks.later(KIND, "answer not understood, %s" % error, now)
            return
        self._asks.well()
        for entry in entries:
            ue_id = entry.get("ueId") if isinstance(entry, dict) else None
            match = next((each for each in left if each[1] == ue_id), None)
            if match and self._isolation.run(FETCH, match[0], now, self._settle, match[0], entry) is True:
                left.remove(match)
        if left:
            self._asks.later(KIND, "%d of %d were not answered" % (len(left), len(asked.ids)), now)

    def _settle(self, id_, entry):
        """Whether the entry says something of the request."""
        row = self._store.fetch(id_)
        if row is None or row.state != HELD:
            return True
        try:
            code, text = self._content(row, entry)
        except Malformed:
            return False
        self._store.answer_fetch(id_, code, text)
        return True

    def _content(self, row, entry):
        if entry.get("cause") is not None:
            return "4.04", clean(bodies.text(entry, "cause", longest=1024))
        ue = bodies.text(entry, "ueServiceId")
        server = bodies.text(entry, "serverAddr")
        if not bodies.is_service_id(ue):
            raise Malformed("ueServiceId", "not a UE service ID")
        size = bodies.number(entry, "segSize", 0, 2**31)
        name = hashlib.sha256(row.ue_id.encode()).hexdigest()[:16]
        configuration = UeConfiguration(row.ue_id, ue, server, size, document=name)
        if self._settings.apart:
            self._core.learn(row.peer, row.ue_id, ue)
        document = ueconfig.document(configuration, self._settings.service, server, False)
        return "2.05", bodies.encode([document]).decode()

    # ---- to the UE ---------------------------------------------------------------------------------------------------

    def _push(self, id_, now):
        row = self._store.fetch(id_)
        target = Address("UE", self._service.serves_id(row.peer, row.ue_id, now) or row.ue_id)
        if not self._turns.may_send(target, CONTROL, now):
            return None
        answer = _answer(row)
        if answer.octets is not None and len(answer.octets) > self._settings.room:
            self._store.set_fetch(id_, KEPT, now + KEPT_FOR)  # in blocks, when it asks again
            return None
        about = (FETCH, id_)
        push = Push(target, row.peer, KIND, CONTROL, {}, of=self, about=about, back=row.back, answer=answer)
        return self._turns.begin(push)

    def outcome(self, push, outcome, now):
        self._turns.release(push)
        id_ = push.about[1]
        found = self._store.fetch(id_)
        if found is None or found.state != READY:
            return  # it has asked anew, or its time was over
        if outcome.verdict == DONE:
            self._store.drop_fetch(id_)
            self._emit("responded", ue=found.ue_id, kind=KIND, result=push.answer.code == "2.05")
        else:
            self._store.set_fetch(id_, KEPT, now + KEPT_FOR)
            self._emit("response-dropped", ue=found.ue_id, kind=KIND, cause=clean(outcome.detail))

    def deadline(self, now):
        times = [self._store.fetch_deadline()]
        idle = self._idle(now) if self._asks.may_begin(now) else ()
        if idle:
            due = now if self._is_due(idle, now) else min(due for _, due in idle)
            times.append(self._asks.when(due, now))
        elif times[0] is not None:
            times.append(self._asks.when(now, now))
        if self._store.fetches(READY):
            times.append(self._turns.deadline())
        return min((time for time in times if time is not None), default=None)


def _same(one, other):
    """Whether two Peers are one device: by its key, else by its host."""
    keys = [getattr(each, "identity", None) for each in (one, other)]
    return keys[0] == keys[1] and (keys[0] is not None or one.host == other.host)


def _answer(row):
    """The Answer that a row holds."""
    code, text = row.answer
    if code != "2.05":
        return Answer(code, None, text)
    _, content_format, etag = seal.representation(json.loads(text), None)
    return Answer(code, max_age=MAX_AGE, octets=text.encode(), content_format=content_format, etag=etag)
