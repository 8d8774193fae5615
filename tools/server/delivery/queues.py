# SPDX-License-Identifier: MIT
"""What goes out: one queue a recipient, in order, until it is taken, refused or over; one request at a time, or one of
each originator.

TS 24.538 clauses 6.4.1.2.1 and 6.4.1.2.6 to .9: sending to clients and Application Servers; in segments where the
message does not fit its recipient (6.5.3). It decides; `work` says what to send, `outcome` hears what came of it.
"""

import heapq
from dataclasses import replace

from tools.server.delivery.abreast import Abreast
from tools.server.delivery.ends import Ends, about
from tools.server.delivery.fitting import WINDOW, Fitting
from tools.server.delivery.joining import Joining
from tools.server.delivery.pushes import BROKEN, DONE, LATER, NOT_FOUND, REFUSED, TOO_LARGE, Push
from tools.server.delivery.quotas import Quotas
from tools.server.delivery.responses import Responses
from tools.server.delivery.served import Served
from tools.server.delivery.turns import ABREAST, Turns
from tools.server.isolation import RESTS, SET_ASIDE
from tools.store.engine.noticing import Touched
from tools.store.states import HELD, MESSAGE, QUEUED, RECIPIENT
from tools.store.tables import CONTROL, DATA
from tools.wire import bodies, rest, segments
from tools.wire.bodies import Address, Segment
from tools.wire.outside import clean

_NAMING = {"MSG", "IMDN", "MSGRESP"}  # a gateway knows by the body itself who it is for
TRIES = 2  # that a message may break before it is set aside
# What lets something begin to a recipient beside what `turns` knows of: (change, columns of an Address).
_UE, _AS, _TARGET = "'UE', %s.ue", "'AS', %s.id", "%s.target_type, %s.target"
_QUEUE = _TARGET + ", %s.lane, %s.origin_type, %s.origin"
_CHANGES = (
    ("INSERT ON message", _QUEUE),
    ("DELETE ON message", _TARGET),  # the one behind it is the first one now
    ("UPDATE OF state, expires, head ON message", _QUEUE),
    *(("%s ON device" % each, _UE) for each in ("INSERT", "DELETE")),
    *(
        ("%s ON registration" % each, _UE)
        for each in ("INSERT", "DELETE", "UPDATE OF live, expires, host, port")
    ),
    *(("%s ON application_server" % each, _AS) for each in ("INSERT", "DELETE", "UPDATE OF target_uri")),
    *(("%s ON availability" % each, _UE) for each in ("INSERT", "DELETE", "UPDATE OF since, start, opened")),
)
# Who is reached by whom: few rows, which a command changes.
_WAYS = ("message_gateway", "message_gateway_ue", "peer")


class Broken(Exception):
    """Sending the message raised again; the words say what."""


class Deliveries:
    """The queues, and what belongs to them: `turns`, `quotas`, `responses`, `ends`. `elsewhere` is an Elsewhere.

    Each message is a unit of `isolation`, and each recipient.
    """

    def __init__(self, store, settings, isolation, elsewhere, rng):
        self._store = store
        self._settings = settings
        self._isolation = isolation
        self._elsewhere = elsewhere
        self._emit = isolation.emit
        self.turns = Turns(store, settings, isolation.emit, rng)
        self.served = Served(store, elsewhere, self.turns)
        self._abreast = Abreast(
            store, settings, isolation, elsewhere, self.turns, self._push, self._touch_rested
        )
        self.quotas = Quotas(store, settings)
        self.responses = Responses(store, settings, elsewhere)
        self._touched = Touched(store, self._all)  # recipients
        self.turns.watched.append(self._touched)
        self._notice()
        self.first_looks = []  # called with (recipient, now) before its queue is looked at: they give Pushes
        self.joining = joining = Joining(store, settings, self.turns.windows, self._wait_for_others)
        self.ends = Ends(store, isolation, self.turns, self.responses, self.forget, joining.went_with)
        self._fitting = Fitting(store, settings)
        self.split = self._fitting.split
        self._broken = {}  # message id: how often in a row sending it raised
        self._failed = store.kept()  # message id: how often it was not taken, where its way bounds that
        self._looked = 0  # the last id of those that `forget_gone` has looked at
        self._missed = set()  # ids of messages whose recipient was not at its gateway

    def forget(self, kind, key):
        """A message is not in its queue any more."""
        if kind == MESSAGE:
            self._fitting.forget(key)
            self.joining.forget(key)
            self._broken.pop(key, None)
            self._failed.pop(key, None)
            self._missed.discard(key)

    def release(self, push):
        """The outcome of a Push could not be handled: its recipient is free for others."""
        self._abreast.release(push, self.turns.release(push))

    def forget_gone(self, most):
        """Messages that went without a word: those of a topic or a group that their recipient has left. Looks at
        `most`; whether there are more to look at."""
        known = {*self._broken, *self._failed, *self._missed, *self._fitting.known, *self.joining.known}
        ids = heapq.nsmallest(most, (id_ for id_ in known if id_ > self._looked))
        for id_ in ids:
            if not self._store.is_there(id_):
                self.forget(MESSAGE, id_)
        self._looked = ids[-1] if len(ids) == most else 0
        if not self._looked:
            self.joining.forget_gone()
        return len(ids) == most

    # ---- out of the queues -------------------------------------------------------------------------------------------

    def _notice(self):
        for number, (change, columns) in enumerate(_CHANGES):
            row = "OLD" if change.startswith("DELETE") else "NEW"
            columns = columns.replace("%s", row).split(", ")
            function = self._arrived if len(columns) > 2 else self._noticed
            self._store.notice("queues_%d" % number, change, function, *columns, whose="owner")
        for table in _WAYS:
            for change in ("INSERT", "DELETE", "UPDATE"):
                name = "queues_%s_%s" % (table, change)
                self._store.notice(name, "%s ON %s" % (change, table), self.turns.look_again)

    def _all(self):
        self._abreast.look_again()
        return {*self.turns.unpark_all(), *self._store.waiting_targets()}

    def _noticed(self, type_, id_):
        self._touched.touch(Address(type_, id_))

    def _arrived(self, type_, id_, lane, *originator):
        """A message is in a queue, or may be."""
        target = Address(type_, id_)
        self._touched.touch(target)
        self._abreast.arrived(target, lane, *originator)

    def _wait_for_others(self, target, until):
        self._touched.at(target, "others", until)

    def work(self, now, pushes):
        """Adds the Pushes to begin now."""
        for target in self.turns.windows.due(now) if self._store.leads else ():
            self._isolation.run(RECIPIENT, target.key, now, self.ends.on_window, target, now)
        try:
            # A message that ends here leaves a response, perhaps for a target that was looked at already.
            while targets := self._touched.take(now):
                for target in sorted(targets, key=self.turns.before):
                    pushes += self._turn_of(target, now)
                    for other in self.turns.behind(target, now):
                        pushes += self._turn_of(other, now)
        except Exception:
            self.turns.look_again()  # what was taken is not done
            raise

    def _turn_of(self, target, now):
        """The Pushes that begin to this recipient now; it is a unit of `isolation`."""
        begun = self._isolation.run(RECIPIENT, target.key, now, self._look, target, now)
        if not isinstance(begun, list):
            self._touch_rested(target, RECIPIENT, target.key, now)
            return []
        return begun

    def _look(self, target, now):
        if not self.served.here(target, now):
            self.served.leave(target)
            return []
        waits = self._store.is_waited_for(target)
        if not waits:
            self.turns.unpark(target)
            self._abreast.is_empty(target)
        begun = [push for look in self.first_looks for push in look(target, now)]
        self.turns.forget_silence(target, now)
        if not waits:
            self.turns.forget(target, now)
        elif self.turns.is_free(target, now):
            begun += self._begin(target, now)
        return begun

    def _touch_rested(self, target, kind, key, now):
        """A unit of its queue rests."""
        until = self._isolation.until(kind, key)
        self._touched.at(target, (kind, key), now + 1 if until is None else until)

    def _begin(self, target, now):
        """The Pushes that go to it now."""
        if target.type in ABREAST:
            return self._abreast.begin(target, now)
        begun = []
        while (push := self._next(target, now)) is not None:
            begun.append(push)
            if push.window == 1:
                break
        return begun

    def _next(self, target, now):
        out = self.turns.unfilled(target)
        if out is not None:
            push = self._isolation.run(MESSAGE, out, now, self._beside, out, now)
            return push if isinstance(push, Push) else None
        stuck = self._isolation.stuck(MESSAGE, now)
        for lane in (CONTROL, DATA):
            while self.turns.may_send(target, lane, now):
                id_ = self._store.next_id(target, lane, stuck)
                if id_ is None:
                    break
                push = self._isolation.run(MESSAGE, id_, now, self._push, id_, now)
                if push is RESTS:
                    self._touch_rested(target, MESSAGE, id_, now)
                    stuck = self._isolation.stuck(MESSAGE, now)
                    if id_ not in stuck:  # the store failed: order is kept, those behind it wait
                        break
                elif push is not True and push is not SET_ASIDE:  # it ended or was split: look again
                    return push
        return None

    def _push(self, id_, now, behind=0):
        """The Push of a message; True for one that ended, None for one whose recipient is not there. `behind`: as of
        Push."""
        row = self._store.message(id_)
        way = self._elsewhere.way_to(row.target)
        if "msgList" in row.head and (way is not None or row.target.type == "AS"):
            self._fitting.singly(row)  # TS 29.538 has no aggregated messages and reports
            return True
        if way is not None:
            push = self._by(way, row, now)
        elif row.target.type == "UE" and self._store.known(row.target.id):
            push = self._to_ue(row, now)
        else:
            push = self._to_as(row, now)
        if not isinstance(push, Push):
            return push
        return self._begun(push, row, now, behind)

    def _begun(self, push, row, now, behind=0):
        until = self.turns.windows.closes(row.target, now)
        return self.turns.begin(replace(push, origin=row.origin, until=until, behind=behind))

    def may_go(self, push):
        """Whether a Push that was behind another one, and is the first one now, is still to be sent."""
        return self.turns.is_out(push) and self._store.is_there(push.row)

    def _to_ue(self, row, now):
        registration = self._store.registration(row.target.id, now)
        if registration is None:
            return None
        if registration.peer is None:
            self.turns.wait_for(registration.through, row.target)
            return None
        where, via = registration.peer, registration.via
        if not self.turns.may_send_through(registration.through, row.target, now):
            return None
        if row.kind == "MSG":
            return self._msg_to_ue(row, registration, now)
        if row.kind == "IMDN" and "msgList" in row.head:
            if not self._fitting.fit_reports(row, registration.max_segment):
                return True
        body = row.head if row.kind == "PUSH" else self._fitting.shortened(row.head)
        return Push(row.target, where, row.kind, row.lane, body, row.id, via=via)

    def _msg_to_ue(self, row, registration, now):
        """As `_push`; None also while it waits for others."""
        where, via = registration.peer, registration.via
        chosen = self.joining.choose(row, registration.max_segment, now)
        if chosen is None:
            return None
        rows, body = chosen
        if body is not None:
            ids = tuple(each.id for each in rows)
            body = _addressed(body, via)
            return Push(row.target, where, row.kind, row.lane, body, row.id, via=via, joined=ids)
        try:
            if not self._fitting.fit(row, registration.max_segment):
                self.forget(MESSAGE, row.id)
                return True
        except segments.CannotCut as error:
            self.ends.fail(row, "does not fit the recipient: %s" % error, now)
            return True
        row = self._store.message(row.id)
        return self._part(row, registration, self._store.next_part(row.id) or (1, None))

    def _part(self, row, registration, part):
        """One part of a message: a segment, or all of it."""
        where, via = registration.peer, registration.via
        number, value = part
        segment, window = None, 1
        if row.set_id:
            total = self._store.count_parts(row.id)
            segment = Segment(row.set_id, number, total, number == total)
            window = _window(row, registration)
        body = _addressed(bodies.msg(row.head, value, segment), via)
        return Push(row.target, where, row.kind, row.lane, body, row.id, number, via=via, window=window)

    def _beside(self, id_, now):
        """The next segment of a message that has some out to a UE which takes several; None where there is none, or
        something that must not wait comes first."""
        row, out = self._store.message(id_), ()
        registration = row and self._store.registration(row.target.id, now)
        if registration and row.state == QUEUED and self._fitting.is_fit(row, registration.max_segment):
            out = self.turns.out(row.target)
        if not out or len(out) >= _window(row, registration):
            return None
        if registration.peer != out[0].where or self._store.next_id(row.target, CONTROL) is not None:
            return None
        part = self._store.next_part(id_, after=max(push.part for push in out))
        return part and self._begun(self._part(row, registration, part), row, now)

    def _by(self, way, row, now):
        """To who is reached over HTTP by this Way."""
        where = way.uri_for(row.kind, row.origin)
        if where is None:
            self.ends.remove(row)
            return True
        if not self.turns.may_send_through(way.through, row.target, now):
            return None
        body = way.body(row, self._store.parts(row.id))
        return Push(row.target, where, row.kind, row.lane, body, row.id, way=way)

    def _to_as(self, row, now):
        """To an Application Server; a message for who is not known any more ends here, whoever it was."""
        server = None if row.target.type != "AS" else self._store.application_server(row.target.id)
        if server is None or not server.target_uri:
            self.ends.fail(row, rest.UNREACHABLE if server else "unknown recipient", now)
            return True
        if row.kind == "IMDN":
            body = rest.status_report(row.head)
        else:
            body = rest.ue_message(row, self._store.parts(row.id))
        return Push(row.target, server.target_uri, row.kind, row.lane, body, row.id)

    # ---- what came of it ---------------------------------------------------------------------------------------------

    def outcome(self, push, outcome, now):
        """Hears what came of a Push; the caller gives each begun Push exactly one outcome."""
        if push.way is not None:
            outcome = push.way.meaning(outcome)
            if outcome.verdict == LATER and self._is_over(push):
                outcome = outcome._replace(verdict=REFUSED)
        outcome = outcome._replace(detail=clean(outcome.detail))  # a peer's words
        was_out = self.turns.is_out(push)
        heard = self.turns.finish(push, outcome, now)
        if was_out:
            self._abreast.ended(push, outcome.verdict in (DONE, REFUSED))
        if not heard:
            return
        if push.joined and outcome.verdict != LATER:
            self._settled_together(push, outcome, now)
            return
        if outcome.verdict == BROKEN:
            if self.turns.carries(push.target, push.row):
                return  # the last one of its segments counts
            self._broken[push.row] = self._broken.get(push.row, 0) + 1
            if self._broken[push.row] >= TRIES:
                raise Broken(outcome.detail)
            return
        self._broken.pop(push.row, None)
        if outcome.verdict == LATER:
            return
        self._settle(push.row, push, outcome, now)

    def _settled_together(self, push, outcome, now):
        """What came of messages that were sent as one: where that is not taken, each is sent by itself."""
        astray = push.via and outcome.says(NOT_FOUND)
        self.joining.answered(push.target, push.joined, alone=outcome.verdict != DONE)
        if outcome.verdict == DONE:
            for id_ in push.joined:
                self._isolation.run(MESSAGE, id_, now, self._settle, id_, push, outcome, now)
        elif astray and self._missed.isdisjoint(push.joined):
            self._missed.update(push.joined)
            self._not_behind(push, now)

    def _settle(self, id_, push, outcome, now):
        row = self._store.message(id_)
        if row is None:  # it ended meanwhile, by expiry or by its SEGCONFIR
            return
        try:
            self._settled(row, push, outcome, now)
        except Exception as error:
            if outcome.verdict == DONE and not row.set_id:
                error.taken = True  # nobody must be told that it was not
            raise

    def _is_over(self, push):
        """Whether a message that was not taken is not tried again."""
        if push.way.tries is None:
            return False
        self._failed[push.row] = self._failed.get(push.row, 0) + 1
        return self._failed[push.row] >= push.way.tries

    def _settled(self, row, push, outcome, now):
        astray = push.via and row.kind in _NAMING and outcome.says(NOT_FOUND)
        if astray and row.id not in self._missed:
            self._missed.add(row.id)
            self._not_behind(push, now)
        elif outcome.verdict == REFUSED and outcome.says(TOO_LARGE) and "msgList" in row.head:
            self._fitting.singly(row)  # not for it: its inbox may hold fewer
            self.forget(MESSAGE, row.id)
        elif outcome.verdict == REFUSED:
            self.ends.fail(row, outcome.detail, now)
        elif row.set_id and row.kind == "MSG" and row.target.type == "UE":
            self._store.part_done(row.id, push.part)
            if self._store.next_part(row.id) is None:
                self._store.set_state(row.id, HELD, now + self._settings.hold)
        elif row.kind == "IMDN":
            self.ends.remove(row)
            for one in row.head.get("msgList", (row.head,)):
                self._emit("reported", **about(row) | {"msgId": one["msgId"]}, status=one["DelSta"])
        elif row.kind in ("MSG", "PUSH"):
            if outcome.stored:
                self.ends.stored_there(row, now)
            self.ends.delivered(row, answer=outcome.detail)
        else:
            self.ends.remove(row)

    def _not_behind(self, push, now):
        """Its gateway knows no such UE: the registration that was made there is over, and what waits for the UE is
        stored, kept or fails as when it goes by itself. Once for each message: the next time it is the message that
        is refused, so that one which its recipient answers so ends no registration again and again."""
        registration = self._store.registration(push.target.id, now)
        if registration is not None and registration.via == push.via:
            self._store.end_registration(push.target.id)
            self._emit("lost", ue=push.target.id, via=push.via)
            self.ends.on_unavailable(push.target, now, "the recipient is not at its gateway any more")

    # ---- time --------------------------------------------------------------------------------------------------------

    def deadline(self, now):
        """When `work` has something to do that no event will announce."""
        leads = self._store.leads
        times = (
            self._store.deadline() if leads else None,
            self._touched.first(),
            self.turns.windows.deadline() if leads else None,
        )
        return min((time for time in times if time is not None), default=None)


def _window(row, registration):
    """How many segments of this message its UE takes at once: behind a gateway, and of copies, which may be
    notifications, one."""
    if registration.via is not None or "oriDestAddr" in row.head:
        return 1
    asked = registration.profile.get("segWindow")  # an earlier program kept whatever a UE said
    return asked if asked in range(1, WINDOW + 1) else 1


def _addressed(body, via):
    """A MSG of a broadcast is for its area alone (TS 23.554 table 8.3.3-1 has no recipient then), but where a Gateway
    UE (`via`) has to find the UE by its name."""
    many = body.get("oriDestAddr")
    if via is not None or not many or many["destAddrType"] != "BC":
        return body
    return {
        name: many if name == "destAddr" else value for name, value in body.items() if name != "oriDestAddr"
    }
