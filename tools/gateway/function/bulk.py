# SPDX-License-Identifier: MIT
"""Registrations and de-registrations of many UEs in one request (TS 24.538 clauses 6.3.4.3.2 and 6.3.4.3.5).

All that is held goes as soon as one of them must, or when there are enough. A list is no longer than what one datagram
has room for. The server answers each by itself; those that it does not answer are asked for again, and where it takes
no list they go singly.
"""

from dataclasses import dataclass

from tools.gateway.function.asks import LATER, REFUSED, TAKEN, UNREGISTERED, content, reason, verdict
from tools.store.states import HELD_REQUEST
from tools.wire import bodies
from tools.wire.answers import Request
from tools.wire.bodies import Address, Malformed

JSON = 50
PATH = ("msgin5g",)
MOST = 100  # elements of one list


@dataclass(frozen=True)
class _Form:
    """How a bulk request is written. De-registration is a DEREG with a list (6.3.4.3.5 d): BDEREG is in no table."""

    kind: str
    count: str
    list: str


FORMS = {
    "REG": _Form("BREG", "totalRegCount", "regList"),
    "DEREG": _Form("DEREG", "totalDeregCount", "deregList"),
}


@dataclass(frozen=True)
class _Asked:
    """What is under way: the held requests of one kind, by their id, and whose they are."""

    kind: str
    ids: tuple[int, ...]
    ues: tuple[str, ...]
    single: bool


def _body(settings, kind, elements):
    form = FORMS[kind]
    return {
        "msgIden": settings.service,
        "msgType": form.kind,
        "oriAddr": bodies.origin(Address("UE", settings.ue)),
        form.count: len(elements),
        form.list: elements,
    }


def envelope(settings):
    """Octets of a bulk request without its elements, at most."""
    return len(bodies.encode(_body(settings, "DEREG", []))) + 2


class Bulk:
    """`asks`: what is under way to the server; `fanout`: what the UEs are owed; `ways`: where they are."""

    def __init__(self, core, asks, fanout, ways):
        self._store = core.store
        self._settings = core.settings
        self._isolation = core.isolation
        self._emit = core.isolation.emit
        self._asks = asks
        self._fanout = fanout
        self._ways = ways

    # ---- asking ------------------------------------------------------------------------------------------------------

    def work(self, now, out):
        if not self._asks.may_begin(now):  # however much is held meanwhile
            return
        idle = self._idle(now)
        if not self._is_due(idle, now):
            return
        lists = [each for kind in FORMS for each in self._lists(kind, idle, now)]
        for kind, rows, single in lists:
            # Also of what is asked for now: it may have to be asked for again.
            self._store.hasten_held([row.id for row in rows], now)
            if self._asks.may_begin(now):
                out.append(self._ask(kind, rows, single, now))

    def _lists(self, kind, idle, now):
        """(kind, held requests, whether it is one by itself) of each request that is to go."""
        singles, together = ([each[0] for each in idle if each[1] == kind and each[3] == by] for by in (1, 0))
        yield from ((kind, [row], True) for row in self._rows(singles, now))
        yield from ((kind, rows, False) for rows in self._cut(self._rows(together, now)))

    def _idle(self, now):
        """What of the held requests is not under way and does not rest, as of `Store.holds`."""
        asked = {id_ for what in self._asks.under_way(self) for id_ in what.ids}
        rests = self._isolation.rests
        return [
            each
            for each in self._store.holds()
            if each[0] not in asked and not rests(HELD_REQUEST, each[0], now)
        ]

    def _is_due(self, idle, now):
        due = sum(1 for each in idle if each[2] <= now or each[3])
        return bool(due) or len(idle) >= self._settings.bulk_max

    def _rows(self, ids, now):
        """Those that can be read; another one rests, and is given up when its time is over."""
        rows = [self._isolation.run(HELD_REQUEST, id_, now, self._store.held, id_) for id_ in ids]
        return [row for row in rows if hasattr(row, "body")]

    def _cut(self, rows):
        """In lists that fit a datagram."""
        room, used, lists = self._settings.room - envelope(self._settings), 0, []
        for row in rows:
            size = len(bodies.encode(row.body)) + 1
            if not lists or used + size > room or len(lists[-1]) >= MOST:
                lists.append([])
                used = 0
            lists[-1].append(row)
            used += size
        return lists

    def _ask(self, kind, rows, single, now):
        body = rows[0].body if single else _body(self._settings, kind, [row.body for row in rows])
        request = Request("POST", PATH, payload=bodies.encode(body), content_format=JSON)
        asked = _Asked(kind, tuple(row.id for row in rows), tuple(row.ue for row in rows), single)
        self._emit("bulk-asked", kind=bodies.text(body, "msgType"), count=len(rows))
        return self._asks.begin(self, asked, request, [row.peer for row in rows], now)

    # ---- the answer --------------------------------------------------------------------------------------------------

    def answered(self, asked, answer, now):
        """The server's answer, None for silence; `asked`: what was under way."""
        what, kind = verdict(answer), FORMS[asked.kind].kind
        if what == TAKEN:
            self._taken(asked, answer, now)
        elif what == REFUSED and asked.single:
            self._asks.well()
            (id_,) = asked.ids
            self._run(id_, now, (False, None, reason(answer)))
        elif what == REFUSED:
            self._asks.well()
            self._store.part_held(asked.ids)
            self._emit("bulk-refused", kind=kind, count=len(asked.ids), reason=reason(answer))
        elif what in (LATER, UNREGISTERED):
            self._asks.later(kind, reason(answer), now, answer and answer.max_age)

    def _taken(self, asked, answer, now):
        left = list(zip(asked.ids, asked.ues, strict=True))
        try:
            elements = self._elements(asked, content(answer))
        except Malformed as error:
            self._asks.later(FORMS[asked.kind].kind, "answer not understood, %s" % error, now)
            return
        for element in elements:
            found = _result(element)
            match = found and next((each for each in left if each[1] == found[0]), None)
            if match:
                left.remove(match)
                self._run(match[0], now, found[1:])
        self._asks.well()
        if left:
            reason_ = "%d of %d were not answered" % (len(left), len(asked.ids))
            self._asks.later(FORMS[asked.kind].kind, reason_, now)

    @staticmethod
    def _elements(asked, body):
        if asked.single:
            return [body]
        name = FORMS[asked.kind].list
        if not isinstance(body.get(name), list):
            raise Malformed(name, "not a list")
        return body[name]

    def _run(self, id_, now, result):
        self._isolation.run(HELD_REQUEST, id_, now, self._settle, id_, result, now)

    def _settle(self, id_, result, now):
        """The UE hears what became of its request, unless it has said something newer since."""
        row = self._store.held(id_)
        if row is None:
            return
        done, lifetime, cause = result
        self._store.drop_held(id_)
        if done and self._settings.apart:
            if row.kind == "REG":
                self._ways.learn(row.ue, row.peer, now, lifetime)
            else:
                self._ways.end(row.ue)
        self._fanout.add(row.kind + "RESP", row.ue, row.peer, now, done, cause, lifetime)

    def deadline(self, now):
        if not self._asks.may_begin(now):
            return self._asks.when(now, now) if self._store.holds_any() else None
        idle = self._idle(now)
        if not idle:
            return None
        return self._asks.when(now if self._is_due(idle, now) else min(each[2] for each in idle), now)


def _result(element):
    """(ue, done, lifetime or None, cause) of the answer to one request; None for one that cannot be read."""
    try:
        if not isinstance(element, dict):
            return None
        ue = bodies.address(element, "oriAddr", ("UE",)).id
        done = bodies.succeeded(element, True)  # true by default (clause 7.3.3.4)
        cause = next((name for name in ("cause", "Cause") if element.get(name) is not None), "cause")
        return (
            ue,
            done,
            bodies.number(element, "regExpTime", 1, 2**31),
            bodies.text(element, cause, "", longest=1024),
        )
    except Malformed:
        return None
