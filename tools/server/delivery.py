# SPDX-License-Identifier: MIT
"""What goes out: one queue a recipient, in order, one request at a time, until it is taken, refused or over.

TS 24.538 clauses 6.4.1.2.1 and 6.4.1.2.6 to .9: sending to clients and Application Servers, store and forward, and the
server as Message Sender of segments (6.5.3). It decides; `work` says what to send, `outcome` hears what came of it.
"""

from dataclasses import dataclass
from typing import NamedTuple

from tools.server.fitting import Fitting
from tools.server.isolation import RESTS, SET_ASIDE
from tools.store.quotatables import SETS
from tools.store.states import HELD, MESSAGE, QUEUED, RECIPIENT, SEGMENT_SET, STORED
from tools.store.tables import CONTROL, DATA
from tools.wire import bodies, rest, segments
from tools.wire import payload as payloads
from tools.wire.answers import Refusal
from tools.wire.bodies import Address, Segment
from tools.wire.outside import clean

# Answers that will be the same next time: the message ends as failed (4.00, 4.02 to 4.06, 4.13, 4.15, 4.22, 5.01).
FINAL = {"4.00", "4.02", "4.03", "4.04", "4.05", "4.06", "4.13", "4.15", "4.22", "5.01"}
DONE, REFUSED, LATER = "done", "refused", "later"
BROKEN = "broken"  # sending it raised something that no peer can be blamed for
TRIES = 2  # that a message may break before it is set aside
LONGEST_WAIT = 3600  # a Max-Age beyond it is not obeyed to the end
LITTLE = 20  # who has less than this part of a quota waiting may use the last tenth of the room


@dataclass(frozen=True)
class Item:
    """A whole message that the server answers for."""

    origin: Address
    target: Address
    head: dict
    parts: list
    store_forward: bool = False
    expires: float | None = None
    origin_set: str = ""
    peer: str = ""  # where it came from over HTTP, for events


class Outcome(NamedTuple):
    """What came of a Push: DONE, REFUSED for good, LATER, or BROKEN, which is LATER until it is once too often."""

    verdict: str
    detail: str = ""
    max_age: float | None = None
    answered: bool = True

    @classmethod
    def of_coap(cls, code, diagnostic="", max_age=None):
        """From a response code such as "2.04"."""
        verdict = DONE if code.startswith("2.") else REFUSED if code in FINAL else LATER
        return cls(verdict, ("%s %s" % (code, diagnostic)).strip(), max_age)


@dataclass(frozen=True)
class Push:
    """One request to be sent: to a UE's Peer, or to the target URI of an Application Server."""

    target: Address
    where: object
    kind: str
    lane: int
    body: dict
    row: int | None = None
    part: int | None = None
    segment_set: int | None = None  # of a SEGREC: the set on its way in

    @property
    def unit(self):
        """What of `isolation` it belongs to."""
        return (SEGMENT_SET, self.segment_set) if self.kind == "SEGREC" else (MESSAGE, self.row)


@dataclass
class Wait:
    until: float
    delay: float  # the least of the next one
    answered: bool  # False: it was silent, and any sign of life ends the wait


class Broken(Exception):
    """Sending the message raised again; the words say what."""


class Deliveries:
    """Each message is a unit of `isolation`, and each recipient. What is kept in memory goes back with the store."""

    def __init__(self, store, settings, isolation, chance):
        self._store = store
        self._settings = settings
        self._isolation = isolation
        self._tell = isolation.tell
        self._chance = chance
        self._changed = False  # whether something came into a queue since `work` last looked
        self._busy = store.kept()  # target: the Push that is out
        self._waits = store.kept()  # (target, lane): Wait
        self._fitting = Fitting(store, settings)
        self._broken = {}  # message id: how often in a row sending it raised

    def release(self, push):
        """Its outcome could not be handled: the recipient is free for others."""
        if self._busy.get(push.target) is push:
            del self._busy[push.target]

    def forget(self, kind, key):
        """A message is not in its queue any more."""
        if kind == MESSAGE:
            self._fitting.forget(key)
            self._broken.pop(key, None)

    # ---- into the queues ---------------------------------------------------------------------------------------------

    def refuse_full(self, target, origin):
        """Refuses a message that would be one too many: for its recipient, of its originator, or of all together. Who
        does not take its reports and responses sends no more, as each message leaves another one for it."""
        settings, store = self._settings, self._store
        if store.pending(target) >= settings.pending_each:
            raise _full("too many messages wait for the recipient")
        if store.pending(origin, CONTROL) >= settings.pending_each:
            raise _full("take the reports and responses that wait for you")
        waiting = [store.load(lane, origin) for lane in (DATA, SETS)]
        messages, octets = waiting[0][0], waiting[0][1] + waiting[1][1]
        most = max(settings.quota_octets, 4 * settings.max_message)
        if messages >= settings.quota or octets >= most:
            raise _full("too many of your own messages wait")
        # The last tenth is for those of whom little waits, so that some who fill their shares shut out no one else.
        little = messages < settings.quota / LITTLE and octets < most / LITTLE
        share = 1 if little else 0.9
        waiting = [store.load(lane) for lane in (DATA, SETS)]
        if (
            waiting[0][0] >= share * settings.pending_all
            or waiting[0][1] + waiting[1][1] >= share * settings.pending_octets
        ):
            raise _full("too many messages wait")

    def refuse_report(self, origin, target, msg_id):
        """A report on a message that its recipient sent is owed, and gets in: there is no more of them than messages.
        Of others the reporter has a quota, and they leave room for those that are owed."""
        if self._store.seen(target.key, msg_id) is not None:
            return
        settings = self._settings
        if self._store.pending(target, CONTROL) >= settings.pending_each / 2:
            raise _full("too many reports wait for the recipient")
        if self._store.load(CONTROL, origin)[0] >= settings.quota:
            raise _full("too many of your own reports wait")

    def refuse_large(self, value):
        limit = self._settings.max_message
        if value is not None and payloads.content_size(value) > limit:
            raise Refusal("4.13", "larger than %d octets" % limit, size1=limit)

    def control(self, target, kind, body, now, origin=None, origin_set=""):
        """A report, response or confirmation: waits for its recipient as long as a message does."""
        self._changed = True
        expires = now + self._settings.keep
        self._store.add(CONTROL, kind, target, origin, body, [], QUEUED, expires, origin_set=origin_set)

    def notify(self, message, stored, cause, now):
        """Tells the originator what became of its message: a MSGRESP (clause 7.3.4.3) to a UE. TS 29.538 has no such
        call toward an Application Server; a failure goes there as DeliveryStatusReport in the recipient's name."""
        service, msg_id = self._settings.service, message.head.get("msgId")
        if message.origin is None or "oriDestAddr" in message.head:  # one copy of many
            return
        if message.origin.type == "UE":
            status = "stored for deferred delivery" if stored else "failure"
            body = bodies.msgresp(service, message.origin, msg_id, status, cause, message.origin_set)
            self.control(message.origin, "MSGRESP", body, now)
        elif not stored and self.first_report(message.target, message.origin, msg_id):
            body = bodies.imdn(service, message.target, message.origin, msg_id, False, cause)
            self.control(message.origin, "IMDN", body, now, message.target)

    def first_report(self, from_, to, msg_id):
        """False for a report that went out already: reports are repeated, recipients want them once."""
        key, what = "IMDN %s %s" % from_, "%s %s" % (msg_id, to.id.encode().hex())
        if self._store.seen(key, what) is not None:
            return False
        self._store.remember(key, what, "", self._settings.remembered)
        return True

    def proved(self, recipient, originator, msg_id):
        """The recipient reports on it to its originator, so it has it, and only its answer to the message was lost."""
        id_ = self._store.next_id(recipient, DATA)  # order is kept: no other one can have been sent to it
        row = id_ and self._store.message(id_)
        if row is None or row.kind != "MSG" or row.origin != originator:
            return
        ids = [row.head["msgId"], *(item["msgId"] for item in row.head.get("msgList", ()))]
        if bodies.same(msg_id) in map(bodies.same, ids):
            self._delivered(row, reported=True)

    def fail(self, row, cause, now):
        """The end of a message that will not arrive."""
        self._remove(row)
        if row.kind == "MSG":
            self.notify(row, False, cause, now)
        self._tell("failed", **about(row), cause=cause)

    def _remove(self, row):
        self._store.remove(row.id)
        self.forget(MESSAGE, row.id)

    def _delivered(self, row, **more):
        self._remove(row)
        self._tell("delivered", **about(row), **more)

    # ---- a recipient comes and goes ----------------------------------------------------------------------------------

    def available(self, target, where):
        """What was stored for it is due, and nothing waits for an older address."""
        self.moved(target, where)
        self._store.release(target)
        for lane in (CONTROL, DATA):
            self._waits.pop((target, lane), None)

    def moved(self, target, where):
        """What is out to an older address is sent anew to this one; its own outcome will no longer matter."""
        if target in self._busy and self._busy[target].where != where:
            del self._busy[target]

    def alive(self, target):
        """It spoke: what waited because it was silent is due again. Max-Age is still obeyed."""
        for lane in (CONTROL, DATA):
            wait = self._waits.get((target, lane))
            if wait and not wait.answered:
                del self._waits[target, lane]

    def unavailable(self, target, now, cause):
        """Store and forward for those that asked for it, failure for the others (clause 6.4.1.2.6)."""
        for id_ in self._store.ids(target, QUEUED):
            self._isolation.run(MESSAGE, id_, now, self._unavailable, id_, now, cause)

    def _unavailable(self, id_, now, cause):
        row = self._store.message(id_)
        if row.store_forward:
            self._store.set_state(row.id, STORED)
            self.notify(row, True, "", now)
            self._tell("stored", **about(row))
        else:
            self.fail(row, cause, now)

    def overdue(self, now):
        for id_ in self._store.overdue(now):
            self._isolation.run(MESSAGE, id_, now, self._over, id_, now)

    def _over(self, id_, now):
        row = self._store.message(id_)
        if row.state == HELD:
            self._delivered(row, confirmed=False)
        else:
            self.fail(row, "message expired", now)

    def fail_all(self, target, cause, now):
        """The recipient will not be back."""
        for id_ in self._store.ids(target, QUEUED):
            self._isolation.run(
                MESSAGE, id_, now, lambda id_: self.fail(self._store.message(id_), cause, now), id_
            )

    # ---- segments to a UE: the server is Message Sender --------------------------------------------------------------

    def recover(self, set_id, ranges, ues):
        """A SEGREC: marks the named segments to go again. None when nothing of that set is held."""
        row = self._store.message_by_set(set_id, ues)
        if row is None:
            return None
        count = self._store.parts_again(row.id, ranges)
        if count:
            self._store.set_state(row.id, QUEUED)
        return row, count

    def confirmed(self, set_id, result, ues, now):
        """A SEGCONFIR; one for a set that is no longer held changes nothing."""
        row = self._store.message_by_set(set_id, ues)
        if row is None:
            return
        self._tell("segment-confirmed", **about(row), segId=set_id, result=result)
        if result:
            self._delivered(row, confirmed=True)
        else:
            self.fail(row, "the recipient could not put the segments together", now)

    # ---- out of the queues -------------------------------------------------------------------------------------------

    def may_send(self, target, lane, now):
        wait = self._waits.get((target, lane))
        return target not in self._busy and (wait is None or wait.until <= now)

    def begin(self, push):
        self._busy[push.target] = push
        return push

    def work(self, now, pushes):
        """Adds the Pushes to begin now, at most one a recipient."""
        self._changed = True
        while self._changed:
            # A message that ends here leaves a response, perhaps for a target that was looked at already.
            self._changed = False
            targets = self._store.waiting_targets()
            for target in targets:
                if target not in self._busy:
                    push = self._isolation.run(RECIPIENT, target.key, now, self._next, target, now)
                    if isinstance(push, Push):
                        pushes.append(push)
        waiting = set(targets) | set(self._busy)
        over = [key for key, wait in self._waits.items() if key[0] not in waiting and wait.until <= now]
        for key in over:
            del self._waits[key]

    def _next(self, target, now):
        stuck = self._isolation.stuck(MESSAGE, now)
        for lane in (CONTROL, DATA):
            while self.may_send(target, lane, now):
                id_ = self._store.next_id(target, lane, stuck)
                if id_ is None:
                    break
                push = self._isolation.run(MESSAGE, id_, now, self._push, id_, now)
                if push is RESTS:
                    stuck = self._isolation.stuck(MESSAGE, now)
                    if id_ not in stuck:  # the store failed: order is kept, those behind it wait
                        break
                elif push is not True and push is not SET_ASIDE:  # it ended or was split: look again
                    return push
        return None

    def _push(self, id_, now):
        """The Push of a message; True for one that ended, None for one whose recipient is not there."""
        row = self._store.message(id_)
        push = (self._to_ue if row.target.type == "UE" else self._to_as)(row, now)
        return self.begin(push) if isinstance(push, Push) else push

    def _to_ue(self, row, now):
        registration = self._store.registration(row.target.id, now)
        if registration is None:
            return None
        if row.kind != "MSG":
            return Push(row.target, registration.peer, row.kind, row.lane, row.head, row.id)
        try:
            if not self._fitting.fit(row, registration.max_segment):
                self.forget(MESSAGE, row.id)
                return True
        except segments.CannotCut as error:
            self.fail(row, "does not fit the recipient: %s" % error, now)
            return True
        row = self._store.message(row.id)
        number, value = self._store.next_part(row.id) or (1, None)
        segment = None
        if row.set_id:
            total = self._store.count_parts(row.id)
            segment = Segment(row.set_id, number, total, number == total)
        body = bodies.msg(row.head, value, segment)
        return Push(row.target, registration.peer, row.kind, row.lane, body, row.id, number)

    def _to_as(self, row, now):
        server = self._store.application_server(row.target.id)
        if server is None or not server.target_uri:
            self.fail(row, rest.UNREACHABLE if server else "unknown recipient", now)
            return True
        if row.kind == "IMDN":
            body = rest.status_report(row.head)
        else:
            body = rest.ue_message(row, self._store.parts(row.id))
        return Push(row.target, server.target_uri, row.kind, row.lane, body, row.id)

    def outcome(self, push, outcome, now):
        """Hears what came of a Push; the caller gives each begun Push exactly one outcome."""
        outcome = outcome._replace(detail=clean(outcome.detail))  # a peer's words
        if not self.settle(push, outcome, now):
            return
        if outcome.verdict == BROKEN:
            self._broken[push.row] = self._broken.get(push.row, 0) + 1
            if self._broken[push.row] >= TRIES:
                raise Broken(outcome.detail)
            return
        self._broken.pop(push.row, None)
        if outcome.verdict == LATER:
            return
        row = self._store.message(push.row)
        if row is None:  # it ended meanwhile, by expiry or by its SEGCONFIR
            return
        try:
            self._settled(row, push, outcome, now)
        except Exception as error:
            if outcome.verdict == DONE and not row.set_id:
                error.taken = True  # nobody must be told that it was not
            raise

    def _settled(self, row, push, outcome, now):
        if outcome.verdict == REFUSED:
            self.fail(row, outcome.detail, now)
        elif row.set_id and row.kind == "MSG" and row.target.type == "UE":
            self._store.part_done(row.id, push.part)
            if self._store.next_part(row.id) is None:
                self._store.set_state(row.id, HELD, now + self._settings.hold)
        elif row.kind == "IMDN":
            self._remove(row)
            self._tell("reported", **about(row), status=row.head["DelSta"])
        elif row.kind in ("MSG", "PUSH"):
            self._delivered(row, answer=outcome.detail)
        else:
            self._remove(row)

    def settle(self, push, outcome, now):
        """Frees the recipient. When to try again: doubled each time, with jitter, or at Max-Age where that is later; a
        Max-Age that is long enough by itself does not lengthen the next pause.
        False for a Push that was given up when its recipient moved."""
        if self._busy.get(push.target) is not push:
            return False
        del self._busy[push.target]
        key = (push.target, push.lane)
        if outcome.verdict not in (LATER, BROKEN):
            self._waits.pop(key, None)
            return True
        settings, before = self._settings, self._waits.get(key)
        delay = min(before.delay, settings.retry_max) if before else settings.retry_min
        pause = max(settings.retry_min, delay * self._chance.uniform(0.75, 1.25))
        asked = min(outcome.max_age or 0, LONGEST_WAIT)
        if asked > delay:
            pause = asked
        else:
            delay *= 2
        self._waits[key] = Wait(now + pause, delay, outcome.answered)
        self._tell("retry", to=push.target.id, kind=push.kind, reason=outcome.detail, seconds=round(pause, 3))
        return True

    def clock_set(self, seconds):
        for wait in self._waits.values():
            wait.until += seconds

    def deadline(self, now):
        """When `work` has something to do that no event will announce."""
        times = [self._store.deadline()]
        times += [
            wait.until for key, wait in self._waits.items() if key[0] not in self._busy and wait.until > now
        ]
        return min((time for time in times if time is not None), default=None)


def _full(why):
    return Refusal("5.03", why + "; try again later", max_age=10)


def about(row):
    """What the events say of a message."""
    fields = {
        "kind": row.kind,
        "msgId": row.head.get("msgId", ""),
        "to": row.target.id,
        "octets": row.octets,
    }
    if row.origin:
        fields["from"] = row.origin.id
    return fields
