# SPDX-License-Identifier: MIT
"""Brings bundles to devices, as the Application Server `Settings.updates` within this server.

A device that is registered is offered its bundle and pulls the pieces that it wants, each a message in its queue like
those of anybody else: what is away, asleep or slow is waited for there. What it answers is routed here, and taken in
the transaction of its request. Where nothing is heard, it is offered once more, which asks it how it stands.
"""

import collections
import uuid
from dataclasses import replace

from tools.server.delivery.pushes import Item
from tools.server.procedures.procedure import Procedure
from tools.server.procedures.updates import words
from tools.server.procedures.updates.jobs import Jobs
from tools.store.engine.noticing import Touched
from tools.store.messages.messagetables import octets_of
from tools.store.server.updatetables import (
    CONFIRMED,
    FAILED,
    LOADING,
    OFFERED,
    PAUSED,
    RUNNING,
    STOPPED,
    TRYING,
    VERIFIED,
    WAITING,
)
from tools.store.states import FAILED as NOT_QUEUED
from tools.store.states import QUEUED, STORED, UPDATE
from tools.wire import aggregates, bodies, segments
from tools.wire import payload as payloads
from tools.wire.answers import Refusal
from tools.wire.bodies import Address, Malformed
from tools.words import counted

SLOTS = 50  # devices that are served at once; one that is silent for SERVED makes room
SERVED = 300  # s
PORTION = 100  # devices that something is said to, in one round of work
FIRST, LONGEST = 300, 21600  # s, until a device that is silent is asked; doubled each time
# s, the least of that, where the device itself has something to do.
_LEAST = {LOADING: 900, VERIFIED: 3600}
NOT_BUSY = 40  # s, after which one that was busy is offered it once more; doubled each time
FULL = 10  # s, after which there may be room in the queues
MOST_TRIES = 12  # that are counted
MOST_KEPT = 4  # messages for one device that wait for it, or that it has not said to be put together
BEHIND = 600  # s, that another job is waited for, unless its end is seen
NO_ANSWER = "no answer to %s: is the key of updates in its configuration?"
_ENDS = (CONFIRMED, *FAILED, STOPPED)
_LATE = (TRYING, *_ENDS)  # what counts of a device after its end here
_LOOK, _GO = "look", "go"
_OFFERS, _STOPS, _IN_VAIN = -1, -2, -3  # in `sent`, in the place of an offset: what it is, but a piece


class Updates(Procedure):
    """Each device of a job is a unit of `isolation`. `ignored`: by the reason, how many messages said nothing that
    counts."""

    of_leader = True

    def __init__(self, core):
        super().__init__(core)
        self._own = Address("AS", core.settings.updates)
        self._jobs = Jobs(core.store, self._emit)
        self._touched = Touched(core.store, lambda: (_LOOK, _GO))
        self.ignored = collections.Counter()
        core.routing.within[self._own.id] = self._taken
        core.deliveries.responses.within[self._own.id] = self._lost
        core.store.told["updates"] = lambda payload, node: self._noticed()
        core.store.notice(
            "updates",
            "UPDATE OF ready, due ON update_device",
            self._noticed,
            when="NEW.ready IS NOT NULL OR NEW.due IS NOT NULL",
            whose="leader",
        )
        # Its UE is removed: whoever does that, the next stage may begin.
        core.store.notice(
            "updates_ended",
            "UPDATE OF state ON update_device",
            self._ended_elsewhere,
            when="NEW.state='stopped' AND OLD.state<>'stopped'",
            whose="leader",
        )

    # ---- when --------------------------------------------------------------------------------------------------------

    def _noticed(self):
        self._touched.touch(_GO)

    def _ended_elsewhere(self):
        self._touched.touch(_LOOK)

    def look_again(self):
        self._touched.touch_all()

    def deadline(self, now):
        return self._touched.first()

    def clock_set(self, seconds):
        self._touched.clock_set(seconds)

    def work(self, now, pushes):
        taken = self._touched.take(now)
        if not taken:
            return
        try:
            if _LOOK in taken:
                self._jobs.look(now)
            self._work(now)
        except Exception:
            self._touched.touch_all()  # what was taken is not done
            raise

    def _work(self, now):
        for job, ue in self._store.updates_due(now, PORTION):
            self._run(self._due, job, ue, now)
        free = SLOTS - self._store.count_slots(now)
        for job, ue in self._store.updates_ready(min(free, PORTION)) if free > 0 else ():
            self._run(self._ready, job, ue, now)
        then = self._store.next_update(now, SLOTS)
        if then is None:
            self._touched.not_at(_GO, "next")
        else:
            self._touched.at(_GO, "next", max(then, now + 1))

    def _run(self, function, job, ue, now):
        self._isolation.run(UPDATE, "%d of %s" % (job, ue), now, function, job, ue, now)

    def _ready(self, job, ue, now):
        """It waits for its offer, and may have it."""
        device, state = self._store.update_device(job, ue), self._store.update(job).state
        if device.state != WAITING or state != RUNNING or not self._is_here(ue, now):
            self._store.change_update_device(job, ue, ready=None)
        elif self._store.other_update_of(ue, job) is not None:
            self._store.change_update_device(job, ue, ready=None, due=now + BEHIND)
        else:
            self._offer(device, now)

    def _due(self, job, ue, now):
        """Something is to be said to it."""
        device, state = self._store.update_device(job, ue), self._store.update(job).state
        if device.state == STOPPED:
            self._stop(device, now)
        elif device.state == WAITING:
            self._store.change_update_device(job, ue, due=None, ready=now)
        elif not self._is_here(ue, now) or state == PAUSED and device.state != TRYING:
            # Its registration, or who resumes the job, has it looked at again.
            self._store.change_update_device(job, ue, due=None, slot=None)
        elif device.wants:
            self._serve(device, now)
        else:
            self._offer(device, now)

    def _is_here(self, ue, now):
        return self._store.registration(ue, now) is not None

    # ---- to the device -----------------------------------------------------------------------------------------------

    def _send(self, ue, octets, now):
        """Its msgId; None where there is no room for it in the queues."""
        target, msg_id = Address("UE", ue), str(uuid.uuid4())
        members = {"msgId": msg_id, "appId": words.APPLICATION}
        head = bodies.head(self._settings.service, self._own, target, members)
        item = Item(self._own, target, head, [payloads.from_octets(octets)], store_forward=True)
        try:
            self._deliveries.quotas.refuse_full(target, self._own)
        except Refusal:
            return None
        state, _ = self._core.routing.accept(item, now)
        return None if state == NOT_QUEUED else msg_id

    def _offer(self, device, now):
        """Offers the bundle, or asks how it stands; not as long as the last offer or a piece waits for it."""
        (kept, waits), cause = self._kept(device), device.cause
        bundle = self._store.update(device.job).bundle
        sent = any(offset != _IN_VAIN for _, offset, _ in waits)
        if not sent and len(kept) < MOST_KEPT:
            if device.state == OFFERED and words.BUSY not in cause:
                cause = NO_ANSWER % counted(device.tries, "offer")
            msg_id = self._send(device.ue, words.offer(*self._store.bundle_head(bundle), device.again), now)
            sent = msg_id is not None
            kept += [[msg_id, _OFFERS, 0]] * sent
        pause = min((FIRST if sent else FULL) * 2**device.tries, LONGEST)
        state = OFFERED if device.state == WAITING and sent else device.state
        self._change(
            device,
            now,
            state=state,
            cause=cause,
            ready=None,
            due=now + max(pause, _LEAST.get(state, 0)),
            tries=min(device.tries + 1, MOST_TRIES),
            slot=now + SERVED if sent and state in (OFFERED, LOADING) else None,
            sent=kept,
        )

    def _serve(self, device, now):
        """Sends the pieces that it wants, but for those that wait for it already; no more of them wait than a device
        asks for at once, whatever this one asks for."""
        bundle = self._store.update(device.job).bundle
        sent, waits = self._kept(device)
        there, left = {offset for _, offset, _ in waits if offset >= 0}, []
        for offset, length in device.wants:
            if offset in there or offset >= device.total:
                continue
            msg_id = None
            if len(there) < words.PIECES and len(sent) < MOST_KEPT:
                octets = self._store.bundle_piece(bundle, offset, min(length, device.total - offset))
                msg_id = self._send(device.ue, words.piece(bundle, offset, octets), now)
            if msg_id is None:
                left.append([offset, length])
            else:
                there.add(offset)
                sent.append([msg_id, offset, length])
        due = now + (min(FULL * 2**device.tries, LONGEST) if left else _LEAST[LOADING])
        tries = min(device.tries + bool(left), MOST_TRIES)
        self._store.change_update_device(device.job, device.ue, wants=left, sent=sent, due=due, tries=tries)

    def _lost(self, target, names, now):
        """Messages to it did not arrive: it did not put segments together, or refused them. They go once more."""
        for device in self._store.updates_to(target.id):
            left = [each for each in device.sent if each[0] not in names]
            again = [each[1:] for each in left] + device.wants  # it has asked for these once more itself
            lost = [each[1:] for each in device.sent if each[0] in names and each[1] >= 0]
            lost = [each for each in lost if each not in again]
            if len(left) < len(device.sent):
                self._store.change_update_device(
                    device.job,
                    device.ue,
                    sent=left,
                    wants=device.wants + lost,
                    tries=min(device.tries + 1, MOST_TRIES),
                    due=now + min(FULL * 2**device.tries, LONGEST),
                )

    def _kept(self, device):
        """What of `sent` is in the store: (all, those that were not sent yet or not taken)."""
        found = [(self._store.state_on_its_way(device.ue, each[0]), each) for each in device.sent]
        kept = [each for state, each in found if state is not None]
        return kept, [each for state, each in found if state in (QUEUED, STORED)]

    def _stop(self, device, now):
        """Tells it, once: where that is lost, it hears it with the next piece that it asks for."""
        bundle = self._store.update(device.job).bundle
        told = [each for each in self._kept(device)[0] if each[1] == _STOPS]
        if self._is_here(device.ue, now) and not told:
            told = [[self._send(device.ue, words.stop(bundle), now), _STOPS, 0]]
        self._change(device, now, due=None, sent=told)

    # ---- from the device ---------------------------------------------------------------------------------------------

    def _taken(self, item, now):
        """A message for this Application Server has come."""
        fields = {"kind": "MSG", "msgId": item.head["msgId"], "from": item.origin.id, "to": item.target.id}
        self._emit("delivered", **fields, octets=octets_of(item.head, item.parts))
        if "msgList" in item.head:
            for head, value in aggregates.singles(item.head, item.head["msgList"]):
                self._hear(item.origin, head, value or "", now)
        else:
            self._hear(item.origin, item.head, segments.join(item.parts), now)
        return QUEUED, ""

    def _hear(self, origin, head, value, now):
        if origin.type != "UE" or head.get("appId") != words.APPLICATION:
            return self._ignore("no device")
        try:
            said = words.read(payloads.to_plain(value))
        except (Malformed, ValueError):
            return self._ignore("malformed")
        device = self._store.update_of(origin.id, said.id)
        if device is None:
            return self._ignore("unknown")
        self._said(device, said, now)

    def _ignore(self, reason):
        self.ignored[reason] += 1

    def _said(self, device, said, now):
        if device.state == CONFIRMED or device.state in _ENDS and said.state not in _LATE:
            self._ignore("late")
            if device.state == STOPPED and said.state in (LOADING, VERIFIED):
                self._store.change_update_device(device.job, device.ue, due=now)  # it has not heard it
        elif said.state == words.UNKNOWN:
            # It has lost what it had, or the offer: it gets one, unless that waits for it.
            kept, waits = self._kept(device)
            offered = any(offset == _OFFERS for _, offset, _ in waits)
            self._change(
                device,
                now,
                due=now + min(FULL * 2**device.tries, LONGEST) * offered,
                wants=[],
                sent=[[msg_id, offset if offset < 0 else _IN_VAIN, 0] for msg_id, offset, _ in kept],
                tries=min(device.tries + 1, MOST_TRIES) * offered,
            )
        elif said.is_busy:
            pause = min(NOT_BUSY * 2 ** max(0, device.tries - 1), LONGEST)
            self._change(device, now, cause=said.cause, due=now + pause, slot=None)
        elif said.state in _ENDS:
            self._ended(device, said, now)
        else:
            self._goes_on(device, said, now)

    def _goes_on(self, device, said, now):
        """It loads, or has all of it."""
        loads = said.state == LOADING
        job = self._store.update(device.job)
        trial = self._store.bundle(job.bundle).trial + FIRST
        wants = said.wants if loads else []
        device = self._change(
            device,
            now,
            state=said.state,
            stage=max(device.stage, 1),  # it may have begun in an earlier job with the same bundle
            cause=said.cause,
            have=min(said.have, device.total) if loads else device.total,
            ready=None,
            due=now + _LEAST.get(said.state, trial),
            tries=0,
            slot=now + SERVED if loads else None,
            wants=wants,
        )
        if wants and job.state != PAUSED:
            self._serve(device, now)

    def _ended(self, device, said, now):
        before = device.state
        have = device.total if said.state == CONFIRMED else device.have
        device = self._change(
            device,
            now,
            state=said.state,
            cause=said.cause,
            have=have,
            ready=None,
            due=None,
            tries=0,
            slot=None,
            wants=[],
            sent=[],
        )
        if said.state in FAILED and before not in FAILED:
            self._jobs.failed(device.job, device)
        self._store.next_update_of(device.ue, now)
        self._jobs.go_on(device.job, now)
        self._touched.touch(_GO)  # there may be room for another one
        if not self._store.leads:
            self._store.tell("updates", [])

    def _change(self, device, now, **columns):
        """Writes these columns, and tells it where that is worth it; the UpdateDevice that is there now."""
        after = replace(
            device, **{name: value for name, value in columns.items() if name not in _MOMENTS}, changed=now
        )
        if _worth(after) != _worth(device):
            columns["changed"] = now
            fields = {"have": after.have, "of": after.total, "cause": after.cause}
            self._emit("update", job=device.job, ue=device.ue, state=after.state, **fields)
        self._store.change_update_device(device.job, device.ue, **columns)
        return after


_MOMENTS = ("ready", "due", "slot")


def _worth(device):
    """What of a device is told: each tenth of what it loads."""
    return device.state, device.cause, device.have * 10 // max(1, device.total)
