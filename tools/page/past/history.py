# SPDX-License-Identifier: MIT
"""What became of each message, and when each device was last heard: made of the events, of what the transports send and
of what is answered. In memory, bounded (`lives`), and gone with the program.

Each change has a number, which grows: who has seen the page as it was at one asks for what came after it (`live`).
"""

import collections

from tools.page.past import lives
from tools.page.past.lives import Lives
from tools.server.delivery.pushes import DONE, LATER, REFUSED
from tools.wire import payload as payloads
from tools.wire.bodies import same

RING = 4096  # changes that are remembered
EACH, REFUSALS = 50, 20  # messages, refusals of one device
DEVICES = 20_000  # that something is remembered of, the longest silent go first
SETS = 5000  # of segments on their way
_STATES = {DONE: "answered", REFUSED: "refused", LATER: "not taken"}


class Bounded(dict):
    """A dict of so many keys: the one that was put longest ago goes."""

    def __init__(self, most):
        super().__init__()
        self._most = most

    def put(self, key, value):
        self.pop(key, None)
        self[key] = value
        if len(self) > self._most:
            del self[next(iter(self))]
        return value

    def made(self, key, make):
        """What is there, or what `make()` gives."""
        found = self.get(key)
        return self.put(key, make()) if found is None else found


def role(service_id, type_=None):
    """What a picture calls whoever has this service ID: "device" or "as"."""
    if type_ is None:
        return "as" if service_id.startswith("as:") else "device"
    return "as" if type_ == "AS" else "device"


class History:
    """`events`: an Events, which it watches; `here`: what the program is in a picture, "server" or "gateway"."""

    def __init__(self, events, clock, here="server"):
        self.lives = Lives()
        self.at = 0  # the number of the last change
        self.ring = collections.deque(maxlen=RING)  # (number, devices, Life or None, record or None)
        self.silent = Bounded(DEVICES)  # device: since when it has not answered
        self.heard_at = Bounded(DEVICES)
        self.unnoted = {}  # device: when it was heard, of those that the store does not know yet
        self._of = Bounded(DEVICES)  # device: its last messages, as (key of the life, direction)
        self._counts = Bounded(DEVICES)
        self._refusals = Bounded(DEVICES)
        self._at = Bounded(DEVICES)  # address: device
        self._sets = Bounded(SETS)  # (device, segId): key of the life
        self._out = {}  # address: steps that wait for an answer
        self._clock, self.here = clock, here
        self.changed = []  # called after each change
        self._feeds = {
            "accepted": self._accepted,
            "segment": self._segment,
            "repeated": self._repeated,
            "stored": self._stored,
            "delivered": self._delivered,
            "failed": self._failed,
            "discarded": self._discarded,
            "updated": self._updated,
            "reported": self._reported,
            "report-taken": self._report_taken,
            "segment-recovery-asked": self._asked_again,
            "segment-confirmed": self._confirmed,
            "quarantined": self._aside,
            "refused": self._refused,
            "registered": self._registered,
            "rebound": self._registered,
        }
        events.watch = self.hear

    # ---- changes -----------------------------------------------------------------------------------------------------

    def note(self, devices=(), life=None, record=None):
        """One more change: of these devices, of this message, told by this event."""
        self.at += 1
        self.ring.append((self.at, devices, life, record))
        for each in self.changed:
            each()

    def hear(self, record, item, told=True):
        """An event. `item`: what it is about, for this program alone; `told`: whether people are told."""
        feed = self._feeds.get(record["event"])
        life = feed(record, item) if feed else None
        devices = tuple(record[name] for name in ("ue", "from", "to") if isinstance(record.get(name), str))
        self.note(devices, life, record if told else None)

    def alive(self, target, now):
        """A device has sent something."""
        if target.type == "UE":
            self.heard(target.id, now)

    def heard(self, ue, now):
        """As `alive`, by its UE Service ID."""
        self.heard_at.put(ue, now)
        if len(self.unnoted) < DEVICES or ue in self.unnoted:
            self.unnoted[ue] = now
        self.silent.pop(ue, None)

    def clock_set(self, seconds):
        for times in (self.heard_at, self.silent, self.unnoted):
            for ue in times:
                times[ue] += seconds

    # ---- one device --------------------------------------------------------------------------------------------------

    def messages_of(self, ue):
        """Its last ones, the newest first."""
        found = []
        for key, direction in reversed(self._of.get(ue, ())):
            life = self.lives.get(*key)
            if life is not None:
                found.append(life.item(direction))
        return found

    def stats_of(self, ue):
        return dict(self._counts.get(ue, ()))

    def refusals_of(self, ue):
        return list(reversed(self._refusals.get(ue, ())))

    def _mine(self, ue, life, direction):
        mine = self._of.made(ue, lambda: collections.deque(maxlen=EACH))
        entry = (life.key, direction)
        if entry not in mine:
            mine.append(entry)

    def _count(self, what, *devices):
        for ue in devices:
            self._counts.made(ue, collections.Counter)[what] += 1

    # ---- what the events tell ----------------------------------------------------------------------------------------

    def _life(self, record):
        """Of an event about a MSG; None of others, and where it is not said whose it is."""
        if record.get("kind", "MSG") != "MSG" or "from" not in record or not record.get("msgId"):
            return None
        return self._opened(record["from"], record["msgId"], record["to"], record["time"])

    def _opened(self, origin, msg_id, to, time):
        life = self.lives.open(origin, msg_id, to, time)
        if not life.steps:
            self._mine(origin, life, "out")
            self._mine(to, life, "in")
        return life

    def _accepted(self, record, item):
        life = self._life(record)
        life.state, life.size, life.to = lives.ACCEPTED, record.get("octets"), record["to"]
        self._count("sent", record["from"])
        who = role(record["from"], item and item.origin.type)
        step = life.last(who, self.here, "MSG")
        if step is None:
            step = life.step(record["time"], who, self.here, "MSG", lives.ACCEPTED)
        step["state"], step["until"] = lives.ACCEPTED, record["time"]
        if item is not None:
            self._carries(life, item)
        return life

    def _carries(self, life, item):
        """Keeps what the message carries, and begins the lives of the elements of an aggregated one."""
        listed = item.head.get("msgList", ())
        for element in listed:
            if same(element["msgId"]) != same(life.msg_id):
                one = self._opened(life.origin, element["msgId"], life.to, life.time)
                detail = "one of %d in %s" % (len(listed), life.msg_id)
                one.step(
                    life.time, role(life.origin, item.origin.type), self.here, "MSG", lives.ACCEPTED, detail
                )
            else:
                one = life
            self._keep(one, (element.get("payload"),))
        if not listed:
            self._keep(life, item.parts)

    def _keep(self, life, parts):
        parts = [part for part in parts if isinstance(part, str)]
        if parts and sum(map(payloads.content_size, parts)) <= lives.PAYLOAD:
            self.lives.keep_payload(life, b"".join(map(payloads.to_plain, parts)))

    def _segment(self, record, _):
        life = self._life(record)
        if life.state != lives.ACCEPTED or not life.steps:
            life.state = lives.ARRIVING
        self._sets.put((record["from"], same(record["segId"])), life.key)
        step = life.last("device", self.here, "MSG")
        if step is None:
            step = life.step(record["time"], "device", self.here, "MSG", lives.ARRIVING)
        step["segments"] = {"done": record["done"], "of": record["of"]}
        step["until"] = record["time"]
        return life

    def _repeated(self, record, _):
        life = self.lives.get(record["from"], record["msgId"])
        step = life and life.last("device", self.here, "MSG")
        if step:
            step["count"] += 1
        return life

    def _stored(self, record, _):
        life = self._life(record)
        if life is not None:
            life.state = lives.STORED
            life.step(
                record["time"],
                self.here,
                self.here,
                "store",
                lives.STORED,
                "until %s is there" % record["to"],
            )
        return life

    def _delivered(self, record, _):
        life = self._life(record)
        if life is None:
            return None
        self._count("received", record["to"])
        if record["to"] != life.to:
            self._mine(record["to"], life, "in")
        life.state = lives.DELIVERED
        if life.size is None:
            life.size = record.get("octets")
        if not life.steps or "answer" not in record:
            how = next((words for name, words in _HOW if record.get(name) is not None), "")
            life.step(record["time"], role(record["to"]), self.here, "delivery", lives.DELIVERED, how)
        return life

    def _failed(self, record, _):
        life = self._life(record)
        if life is not None:
            life.state = lives.FAILED
            self._count("failed", record["from"])
            life.step(record["time"], self.here, self.here, "end", lives.FAILED, record["cause"])
        return life

    def _discarded(self, record, _):
        """Of a copy for one of many it is not said whose it is."""
        life = self._life(record)
        if life is not None:
            life.state = lives.DISCARDED
            life.step(record["time"], self.here, self.here, "end", lives.DISCARDED, record["cause"])
        return life

    def _updated(self, record, _):
        life = self._life(record)
        if life is not None:
            detail = "waits for %s s at most now" % record["seconds"]
            life.step(record["time"], role(life.origin), self.here, "MSGUPD", "updated", detail)
        return life

    def _report_taken(self, record, _):
        """Of a message of `to`, whose recipient is `from`."""
        life = self.lives.get(record["to"], record["msgId"])
        if life is not None:
            life.report = record["status"]
            life.step(
                record["time"], role(record["from"]), self.here, "IMDN", record["status"], record["cause"]
            )
        return life

    def _reported(self, record, _):
        return self.lives.get(record["to"], record["msgId"])

    def _asked_again(self, record, _):
        life = self._of_set(record["to"], record["segId"])
        if life is not None:
            detail = "segments %s" % record["segments"]
            life.step(record["time"], "device", self.here, "SEGREC", "%d again" % record["found"], detail)
        return life

    def _confirmed(self, record, _):
        """By the recipient; or to the sender, which is a step when it goes out."""
        life = self._life(record)
        if life is not None and "kind" in record:
            state = "whole" if record["result"] else "given up"
            life.step(record["time"], "device", self.here, "SEGCONFIR", state)
        elif life is not None and not record["result"]:
            life.state = lives.FAILED
            life.step(record["time"], self.here, self.here, "end", lives.FAILED, record.get("cause", ""))
        return life

    def _of_set(self, ue, set_id):
        key = self._sets.get((ue, same(set_id)))
        return key and self.lives.get(*key)

    def _aside(self, record, _):
        life = self._life(record) if "to" in record else None
        if life is not None:
            life.state = lives.ASIDE
            life.step(record["time"], self.here, self.here, "end", lives.ASIDE, record["reason"])
        return life

    def _refused(self, record, _):
        ue = record.get("ue") or self._at.get(record.get("peer"))
        if ue:
            text = "%s: %s %s" % (record.get("kind", ""), record.get("code", ""), record.get("reason", ""))
            mine = self._refusals.made(ue, lambda: collections.deque(maxlen=REFUSALS))
            mine.append({"time": record["time"], "text": text.strip()})
            self._count("refused", ue)
        return None

    def _registered(self, record, _):
        if "via" not in record:
            self._at.put(record["peer"], record["ue"])
        if record["event"] == "registered":
            self._count("registered", record["ue"])
        self.heard(record["ue"], record["time"])

    # ---- what goes out -----------------------------------------------------------------------------------------------

    def sent(self, push):
        """A Push goes out."""
        for life in self._carried(push):
            where = "gateway" if push.via is not None else role(push.target.id, push.target.type)
            body, now = push.body, self._clock()
            peer = push.target.id if push.target.id != life.to else None
            step = life.last(self.here, where, push.kind, peer)
            if step is not None and (step["state"] in ("sent", "not taken") or "segments" in step):
                step["count"] += step["state"] == "not taken"
            else:
                step = life.step(now, self.here, where, push.kind, "sent", **({"peer": peer} if peer else {}))
            step["state"] = "sent"
            params = body.get("segParams")
            if push.kind == "MSG" and params:
                done = step.get("segments", {}).get("done", 0)
                step["segments"] = {"done": done, "of": params.get("totalSegCount")}
                self._sets.put((push.target.id, same(params["segId"])), life.key)
            elif push.kind == "SEGREC":
                step["detail"] = "segments %s" % body.get("segNoList", "")
            elif push.kind == "MSGRESP":
                step["detail"] = str(body.get("delSta", body.get("DelSta", "")))
            self._out.setdefault(str(push.where), []).append(step)
            self.note((), life)

    def answered(self, push, outcome):
        """What came of it."""
        now = self._clock()
        if push.target.type == "UE":
            if outcome.answered and outcome.verdict != LATER or outcome.verdict == DONE:
                self.heard(push.target.id, now)
            elif outcome.verdict == LATER and not outcome.answered:
                self.silent.made(push.target.id, lambda: now)
                self._count("unanswered", push.target.id)
        waiting = self._out.pop(str(push.where), [])
        for life in self._carried(push):
            where = "gateway" if push.via is not None else role(push.target.id, push.target.type)
            peer = push.target.id if push.target.id != life.to else None
            step = life.last(self.here, where, push.kind, peer)
            if step is None:
                continue
            waiting = [each for each in waiting if each is not step]
            step["state"], step["until"] = _STATES.get(outcome.verdict, outcome.verdict), now
            if push.kind in ("MSG", "IMDN") or outcome.verdict != DONE:
                step["detail"] = outcome.detail
            if outcome.verdict == DONE and "segments" in step:
                step["segments"]["done"] += 1
            self.note((push.target.id,), life)
        if waiting:
            self._out[str(push.where)] = waiting

    def sent_again(self, peer):
        """A request to this address was retransmitted."""
        for step in self._out.get(str(peer), ())[-1:]:
            step["count"] += 1
            self.note()

    def _carried(self, push):
        """The Lives that a Push belongs to."""
        body, found = push.body, []
        if push.kind in ("SEGREC", "SEGCONFIR"):
            found.append(self._of_set(push.target.id, body.get("segId", "")))
        elif push.kind in ("MSG", "PUSH", "IMDN", "MSGRESP"):
            origin = push.target.id if push.kind in ("IMDN", "MSGRESP") else push.origin and push.origin.id
            listed = body.get("msgList") or ()
            for msg_id in (body.get("msgId"), *(each.get("msgId") for each in listed)):
                if origin and isinstance(msg_id, str):
                    life = self.lives.get(origin, msg_id)
                    if life is None and push.kind == "MSG":  # of before a restart
                        life = self._opened(origin, msg_id, push.target.id, self._clock())
                    found.append(life)
        return [life for life in found if life is not None]


_HOW = (("confirmed", "confirmed"), ("reported", "by its report"))
