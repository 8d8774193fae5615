# SPDX-License-Identifier: MIT
"""Segments at the server, which receives them from one side and sends them to the other: TS 24.538 clause 6.5.3.

As Message Receiver (6.5.1.2) it keeps a set on disk segment by segment. After a gap the missing ones are asked for with
SEGREC; the set ends with SEGCONFIR, true when it is whole and safe, false when it is given up. As Message Sender it
hears SEGREC and SEGCONFIR of recipients, for messages that the queues have sent in segments.
"""

from tools.server.delivery.ends import about
from tools.server.delivery.pushes import BROKEN, DONE, LATER, Push
from tools.server.isolation import RESTS
from tools.server.procedures.procedure import Procedure
from tools.store.engine.noticing import Touched
from tools.store.states import QUEUED, SEGMENT_SET
from tools.store.tables import CONTROL
from tools.wire import bodies, segments
from tools.wire import payload as payloads
from tools.wire.answers import Refusal
from tools.wire.bodies import Address, Malformed
from tools.wire.outside import clean

# A segment costs a row however small it is: so many of any size, then one for each so many octets of the set.
_TINY, _LEAST = 1024, 16


class Segments(Procedure):
    """Each unfinished set is a unit of `isolation`."""

    def __init__(self, core):
        super().__init__(core)
        self._touched = Touched(
            core.store, core.store.set_ids
        )  # ids of sets that something is to be done for
        self._waiting = core.store.kept()  # sender that cannot be asked now: ids of its sets
        core.deliveries.first_looks.append(self._sender_is_free)
        core.deliveries.served.on_came.append(self._came)
        self._notice()

    def _notice(self):
        for number, change in enumerate(("INSERT", "UPDATE OF progress")):
            columns = ("'UE'", "NEW.originator", "NEW.id", "NEW.progress")
            name, change = "segments_%d" % number, change + " ON segment_set"
            self._store.notice(name, change, self._moved, *columns, whose="owner")
        columns = ("'UE'", "OLD.originator", "OLD.id")
        self._store.notice("segments_out", "DELETE ON segment_set", self._gone, *columns, whose="owner")

    def receive(self, kind, peer, body, now):
        (self._on_recovery if kind == "SEGREC" else self._on_confirmation)(peer, body, now)

    # ---- the server is Message Sender --------------------------------------------------------------------------------

    def _on_recovery(self, peer, body, now):
        """A SEGREC: the named segments go again."""
        ues = self._speakers.ues(peer, now)
        set_id = bodies.text(body, "segId")
        listed = bodies.text(body, "segNoList", longest=65535)
        try:
            ranges = segments.read_ranges(listed)
        except ValueError as error:
            raise Malformed("segNoList", str(error)) from error
        row = self._store.message_by_set(set_id, ues)
        if row is None:
            raise Refusal("4.04", "nothing is held of this segment set")
        self._deliveries.turns.windows.spoke(row.target, now)  # behind a gateway it was not heard before
        count = self._store.parts_again(row.id, ranges)
        if count:
            self._store.set_state(row.id, QUEUED)
        self._emit("segment-recovery-asked", segId=set_id, to=row.target.id, segments=listed, found=count)

    def _on_confirmation(self, peer, body, now):
        """A SEGCONFIR; one for a set that is no longer held changes nothing."""
        ues = self._speakers.ues(peer, now)
        set_id = bodies.text(body, "segId")
        if body.get("result") is None:
            raise Malformed("result", "missing")
        result = bodies.flag(body, "result")
        row = self._store.message_by_set(set_id, ues)
        if row is None:
            return
        self._deliveries.turns.windows.spoke(row.target, now)
        self._emit("segment-confirmed", **about(row), segId=set_id, result=result)
        if result:
            self._deliveries.ends.delivered(row, confirmed=True)
        else:
            self._deliveries.ends.fail(row, "the recipient could not put the segments together", now)

    # ---- the server is Message Receiver ------------------------------------------------------------------------------

    def segment(self, originator, body, segment, value, now):
        """Takes one segment of a MSG; raises Refusal or Malformed for one that cannot be taken."""
        value = value or ""
        set_ = self._set_of(originator, body, segment, value)
        assembly = self._store.assembly(set_.id) if set_ else segments.Assembly(now)
        try:
            new = assembly.feed(segment.number, segment.total, segment.last, now)
        except segments.Contradiction as error:
            raise Malformed("segParams.segNumb", str(error)) from error
        if set_ is None:
            set_ = self._store.open_set(originator, segment.set_id, body["msgId"], body, now)
        self._store.add_segment_msg_id(set_.id, body["msgId"], segment.number)
        if not new:
            self._store.save_assembly(set_.id, assembly)  # it may have told the total
            return
        self._expect_room(set_, assembly, value, now)
        kept = body if segment.number == 1 else set_.body
        if set_.body.get("isDelivStatReq") or body.get("isDelivStatReq"):
            # only the first has it from us, any may have it from others
            kept = kept | {"isDelivStatReq": True}
        self._store.add_segment(set_.id, segment.number, value, kept, now)
        self._store.save_assembly(set_.id, assembly)
        self._emit("segment", **_about(set_), done=len(assembly.have), of=assembly.total)
        if assembly.whole:
            self._finish(self._store.get_set(set_.id), now)

    def _set_of(self, originator, body, segment, value):
        """The set that a segment belongs to, None for the first one of it; raises Refusal or Malformed."""
        set_ = self._store.find_set(originator, segment.set_id)
        if set_ is not None and self._store.is_aside(SEGMENT_SET, set_.id):
            raise Malformed("segParams.segId", "this set was given up")
        if set_ is not None and self._is_of_another(set_, body, segment, value):
            self._store.remove_set(set_.id)
            self._emit("discarded", **_about(set_), kind="MSG", cause="its segId is used for another message")
            set_ = None
        if set_ is None:
            self._refuse_early(originator, segment, value)
        elif body["destAddr"] != set_.body["destAddr"]:
            raise Malformed("destAddr", "is not that of the other segments")
        return set_

    def _expect_room(self, set_, assembly, value, now):
        """Gives a set up that becomes too large, or is cut too small, and raises Refusal."""
        octets = set_.octets + payloads.content_size(value)
        if octets > self._settings.max_message:
            self._give_up(set_, "larger than --max-message", now)
            raise self._deliveries.quotas.too_large()
        if len(assembly.have) > _TINY + octets // _LEAST:
            self._give_up(set_, "too many segments for so few octets", now)
            raise Refusal("4.13", "cut the message into larger segments")

    def _is_of_another(self, set_, body, segment, value):
        """Whether a segment belongs to a later message, under a segId that its sender chose anew (after a restart).

        A sender gives all its segments one msgId, or each its own: neither changes in the middle of a set.
        """
        held = self._store.segment_payload(set_.id, segment.number)
        if held is not None:
            return held != value
        ids = self._store.segment_msg_ids(set_.id) or [bodies.same(set_.msg_id)]
        if bodies.same(body["msgId"]) in ids:
            return len(ids) > 1
        return len(ids) == 1 and len(self._store.assembly(set_.id).have) > 1

    def _refuse_early(self, originator, segment, value):
        settings = self._settings
        # All but the last segment are as large as this one, unless this one is the last.
        if ((segment.total or 1) - 1) * payloads.content_size(
            value
        ) > settings.max_message and not segment.last:
            raise self._deliveries.quotas.too_large()
        self._deliveries.quotas.refuse_sets(Address("UE", originator))

    def _finish(self, set_, now):
        try:
            parts = segments.tidy(self._store.segments(set_.id))
        except ValueError as error:
            self._give_up(set_, str(error), now)
            return
        self._core.procedures["messages"].whole(set_, parts, now)
        self._store.remove_set(set_.id)
        self.confirm(set_.originator, set_.set_id, True, now)
        self._emit("segment-confirmed", **_about(set_), result=True)

    def confirm(self, originator, set_id, result, now):
        """A SEGCONFIR on its way, unless one is. A sender that takes none gets no more: each duplicate asks anew."""
        full = self._store.pending(Address("UE", originator), CONTROL) >= self._settings.pending_each
        if not full and not self._store.confirmation_waits(originator, set_id):
            body = bodies.segconfir(self._settings.service, set_id, result)
            self._deliveries.responses.control(
                Address("UE", originator), "SEGCONFIR", body, now, origin_set=set_id
            )

    def _give_up(self, set_, cause, now):
        self._store.remove_set(set_.id)
        self.confirm(set_.originator, set_.set_id, False, now)
        self._emit("segment-confirmed", **_about(set_), result=False, cause=cause)

    def resume(self, now):
        """The clocks of unfinished sets start anew."""
        self._store.resume_sets(now)

    def _moved(self, type_, originator, id_, progress):
        """Its last new segment came then, or recovery was last asked for."""
        self._forget(id_, originator)
        self._touched.at(id_, SEGMENT_SET, progress + self._settings.segment_gap)

    def _gone(self, type_, originator, id_):
        self._forget(id_, originator)
        self._touched.not_at(id_, SEGMENT_SET)

    def _forget(self, id_, originator):
        """It does not wait for its sender."""
        sender = Address("UE", originator)
        ids = self._waiting.get(sender, ())
        if id_ in ids:
            others = tuple(each for each in ids if each != id_)
            if others:
                self._waiting[sender] = others
            else:
                del self._waiting[sender]

    def _came(self, ue):
        """Its sets, and those of who is behind it, are looked after by this node from now on."""
        for id_ in self._store.sets_at(ue):
            self._touched.touch(id_)

    def work(self, now, pushes):
        """Adds the SEGRECs to send now. A request that cannot be delivered does not count; a sender that is away is
        waited for as long as senders hold a message."""
        try:
            for id_ in self._touched.take(now):
                pushes += self._look(id_, now)
        except Exception:
            self._touched.touch_all()
            raise

    def _sender_is_free(self, sender, now):
        """It may be asked now, or may not yet: its sets wait for that."""
        ids = self._waiting.pop(sender) if sender in self._waiting else ()
        return [push for id_ in ids for push in self._look(id_, now)]

    def _look(self, id_, now):
        done = self._isolation.run(SEGMENT_SET, id_, now, self._look_after, id_, now)
        if done is RESTS:
            self._touched.at(id_, SEGMENT_SET, self._isolation.until(SEGMENT_SET, id_) or now + 1)
        return [done] if isinstance(done, Push) else []

    def _look_after(self, id_, now):
        settings, set_ = self._settings, self._store.get_set(id_)
        if set_ is None or self._store.is_aside(SEGMENT_SET, id_):
            return None
        target = Address("UE", set_.originator)
        if not self._deliveries.served.here(target, now):
            return self._look_after_others(set_, now)
        if now < set_.progress + settings.segment_gap:
            self._touched.at(id_, SEGMENT_SET, set_.progress + settings.segment_gap)
            return None
        if set_.asked >= settings.recoveries or now >= self._patience(set_.fresh):
            return self._give_up(set_, "segments are missing", now)
        self._touched.at(id_, SEGMENT_SET, self._patience(set_.fresh))
        self._forget(id_, set_.originator)
        self._waiting[target] = (*self._waiting.get(target, ()), id_)
        registration = self._store.registration(set_.originator, now)
        turns = self._deliveries.turns
        if registration is None:
            return None
        if registration.peer is None:
            turns.wait_for(registration.through, target)
            return None
        through = registration.through
        if not (turns.may_send(target, CONTROL, now) and turns.may_send_through(through, target, now)):
            return None
        missing = self._store.assembly(set_.id).missing()
        body = bodies.segrec(settings.service, set_.set_id, self._as_fit(missing))
        unit = (SEGMENT_SET, set_.id)
        push = Push(
            target,
            registration.peer,
            "SEGREC",
            CONTROL,
            body,
            of=self,
            about=unit,
            via=registration.via,
            until=turns.windows.closes(target, now),
        )
        return turns.begin(push)

    def _look_after_others(self, set_, now):
        """Of a set whose sender was heard by another node last: that one asks for what is missing, and gives it up in
        the end; the leader, where there is no such node any more."""
        self._forget(set_.id, set_.originator)
        end = self._patience(set_.fresh) + self._settings.hold
        if not self._store.leads:
            self._touched.not_at(set_.id, SEGMENT_SET)
        elif now >= end:
            self._give_up(set_, "segments are missing", now)
        else:
            self._touched.at(set_.id, SEGMENT_SET, end)

    def _as_fit(self, missing):
        """A list so scattered that it does not fit a datagram is cut; the rest is asked for later."""
        while len(segments.write_ranges(missing)) > self._settings.room // 2:
            missing = missing[: len(missing) // 2]
        return missing

    def _patience(self, fresh):
        settings = self._settings
        return fresh + max(settings.hold, (settings.recoveries + 1) * settings.segment_gap)

    def outcome(self, push, outcome, now):
        """What came of a SEGREC."""
        outcome = outcome._replace(detail=clean(outcome.detail))
        if not self._deliveries.turns.finish(push, outcome, now):
            return
        set_ = self._store.get_set(push.unit[1])
        if set_ is None or outcome.verdict in (LATER, BROKEN):
            return
        if outcome.verdict == DONE:
            assembly = self._store.assembly(set_.id)
            assembly.progress, assembly.asked = now, assembly.asked + 1
            self._store.save_assembly(set_.id, assembly)
            self._emit(
                "segment-recovery", **_about(set_), segments=push.body["segNoList"], attempt=assembly.asked
            )
        else:
            self._give_up(set_, "the sender answered %s" % outcome.detail, now)

    def deadline(self, now):
        return self._touched.first()

    def look_again(self):
        self._touched.touch_all()

    def clock_set(self, seconds):
        self._touched.clock_set(seconds)


def _about(set_):
    return {
        "msgId": set_.msg_id,
        "from": set_.originator,
        "to": set_.body["destAddr"]["addr"],
        "segId": set_.set_id,
        "octets": set_.octets,
    }
