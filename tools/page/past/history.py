# SPDX-License-Identifier: MIT
"""What became of each message, made of the events and of what goes out (`sent`). In memory, bounded (`lives`, `known`),
and gone with the program.

Each change has a number, which grows: who has seen the page as it was at one asks for what came after it (`live`). A
program begins with the microseconds since 1970: what was seen of an earlier one is older than all of this one.
"""

import collections
import time

from tools.page.past import lives
from tools.page.past.known import DEVICES, EACH, Bounded, Known
from tools.page.past.lives import Lives
from tools.wire import payload as payloads
from tools.wire.bodies import same

RING = 4096  # changes that are remembered
SETS = 5000  # of segments on their way


def devices_of(record):
    """Whom an event is about."""
    if "from" in record:
        return (record["from"], record["to"]) if "to" in record else (record["from"],)
    return (record["ue"],) if "ue" in record else (record["to"],) if "to" in record else ()


def role(service_id, type_=None):
    """What a picture calls whoever has this service ID: "device" or "as"."""
    if type_ is None:
        return "as" if service_id.startswith("as:") else "device"
    return "as" if type_ == "AS" else "device"


class History:
    """`events`: an Events, which it watches; `here`: what the program is in a picture, "server" or "gateway"; `at`: the
    number before that of the first change."""

    def __init__(self, events, here="server", at=None):
        self.lives = Lives()
        self.at = int(time.time() * 1e6) if at is None else at  # the number of the last change
        # (number, devices, key of a Life or None, record or None); None for the devices that the record names
        self.ring = collections.deque(maxlen=RING)
        self.known = Known()
        # device: of its last request, where that is a step, (life, step); the key of a life where that is the first one
        self._said = Bounded(DEVICES)
        self.sets = Bounded(SETS)  # (device, segId): key of the life
        self.here = here
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
            "passed": self._passed,
            "segment-recovery-asked": self._asked_again,
            "segment-confirmed": self._confirmed,
            "quarantined": self._aside,
            "refused": self._refused,
            "registered": self._registered,
            "rebound": self._registered,
        }
        events.watch = self.hear

    # ---- changes -----------------------------------------------------------------------------------------------------

    def note(self, devices=(), key=None, record=None):
        """One more change: of these devices, of the message whose Life has this key, told by this event."""
        self.at += 1
        self.ring.append((self.at, devices, key, record))
        for each in self.changed:
            each()

    def hear(self, record, item, told=True):
        """An event. `item`: what it is about, for this program alone; `told`: whether people are told."""
        feed = self._feeds.get(record["event"])
        life = feed(record, item) if feed else None
        key = life if life is None or type(life) is tuple else life.key
        if told:
            self.note(None, key, record)
        else:
            self.note(devices_of(record), key)

    def alive(self, target, now):
        """A request of a recipient has come."""
        if target.type == "UE":
            self.known.heard(target.id, now)
            self._said.pop(target.id, None)

    def came_again(self, peer):
        """A request from this address came once more: of its device the last one, since it waits for the answer."""
        ue = self.known.at(str(peer))
        if ue is None:
            return
        self.known.count("repeated", ue)
        key = None
        said = self._said.get(ue)
        if said is not None:
            life, step = said
            if type(life) is str:
                life = self.lives.at(said)
                step = life.steps[0] if life and life.steps else None
            if step is not None:
                step["count"] += 1
                key = life.key
        self.note((ue,), key)

    def messages_of(self, ue):
        """The last ones of a device, the newest first."""
        found = self.lives.of(ue, self.known.messages(ue), EACH)
        return [life.item(direction) for life, direction in found]

    # ---- what the events tell ----------------------------------------------------------------------------------------

    def _life(self, record):
        """Of an event about a MSG; None of others, and where it is not said whose it is."""
        if record.get("kind", "MSG") != "MSG" or "from" not in record or not record.get("msgId"):
            return None
        return self.opened(record["from"], record["msgId"], record["to"], record["time"])

    def opened(self, origin, msg_id, to, time):
        """The Life of this message, of this program's if there was none."""
        return self.lives.open(origin, msg_id, to, time)

    def _accepted(self, record, item):
        """`item`: the Item; of a message of a UE that has one part, that part. Its Life, or the key of one that nobody
        needs yet: each message comes here, so few of the calls below are made for it."""
        if type(item) is not str:
            life = self._accepted_more(record, role(record["from"], item and item.origin.type))
            if item is not None:
                self._carries(life, item)
            return life
        origin, msg_id = record["from"], record["msgId"]
        key = origin, msg_id.lower()
        if not self.lives.begin(key, msg_id, record["to"], record["time"], self.here, record["octets"], item):
            life = self._accepted_more(record, "device")
            self._keep(life, (item,))
            return life
        self.known.count("sent", origin)
        self._said.put(origin, key)
        return key

    def _accepted_more(self, record, who):
        """Of one that some of was known before, or that has more in it."""
        life = self._life(record)
        life.state, life.size, life.to = lives.ACCEPTED, record.get("octets"), record["to"]
        self.known.count("sent", record["from"])
        step = life.last(who, self.here, "MSG")
        if step is None:
            step = life.step(record["time"], who, self.here, "MSG", lives.ACCEPTED)
        step["state"], step["until"] = lives.ACCEPTED, record["time"]
        self._said.put(record["from"], (life, step))
        return life

    def _carries(self, life, item):
        """Keeps what the message carries, and begins the lives of the elements of an aggregated one."""
        listed = item.head.get("msgList", ())
        for element in listed:
            if same(element["msgId"]) != same(life.msg_id):
                one = self.opened(life.origin, element["msgId"], life.to, life.time)
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
        if parts:
            self.lives.keep_payload(life, parts, sum(map(payloads.content_size, parts)))

    def _segment(self, record, _):
        life = self._life(record)
        if life.state != lives.ACCEPTED or not life.steps:
            life.state = lives.ARRIVING
        self.sets.put((record["from"], same(record["segId"])), life.key)
        step = life.last("device", self.here, "MSG")
        if step is None:
            step = life.step(record["time"], "device", self.here, "MSG", lives.ARRIVING)
        step["segments"] = {"done": record["done"], "of": record["of"]}
        step["until"] = record["time"]
        self._said.put(record["from"], (life, step))
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
        self.known.count("received", record["to"])
        if record["to"] != life.to:
            self.known.has(record["to"], life.key)
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
            self.known.count("failed", record["from"])
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
            who, status = role(record["from"]), record["status"]
            step = life.step(record["time"], who, self.here, "IMDN", status, record["cause"])
            self._said.put(record["from"], (life, step))
        return life

    def _reported(self, record, _):
        return self.lives.get(record["to"], record["msgId"])

    def _passed(self, record, _):
        """Of a gateway apart from its server: a request has gone by, and was answered."""
        down, code, ue = record["down"], record["code"], record["ue"]
        if record["kind"] == "REG" and code[:1] == "2":
            self.known.is_at(ue, record["peer"])
            self.known.count("registered", ue)
        if not down:
            self.known.heard(ue, record["time"])
        if "msgId" not in record:
            return None
        if record["kind"] == "IMDN":
            life = self.lives.get(record["to"], record["msgId"])
        else:
            life = self.opened(record["from"], record["msgId"], record["to"], record["time"])
            life.state = lives.PASSED
            life.size = record.get("octets", life.size)
        if life is not None:
            if record["kind"] == "IMDN":
                life.report = record["status"]
            way = ("server", "gateway", "device") if down else ("device", "gateway", "server")
            life.step(record["time"], *way[:2], record["kind"], "accepted")
            state = "answered" if code[:1] == "2" else "refused"
            life.step(record["time"], *way[1:], record["kind"], state, code)
        return life

    def _asked_again(self, record, _):
        life = self.of_set(record["to"], record["segId"])
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

    def of_set(self, ue, set_id):
        """The Life that goes from, or to, a device in these segments; or None."""
        key = self.sets.get((ue, same(set_id)))
        return key and self.lives.get(*key)

    def _aside(self, record, _):
        life = self._life(record) if "to" in record else None
        if life is not None:
            life.state = lives.ASIDE
            life.step(record["time"], self.here, self.here, "end", lives.ASIDE, record["reason"])
        return life

    def _refused(self, record, _):
        words = (
            record.get("kind", ""),
            record.get("code", ""),
            record.get("reason", ""),
            record.get("peer", ""),
        )
        self.known.refused(
            record.get("ue"), record.get("peer"), record["time"], "%s: %s %s (from %s)" % words
        )

    def _registered(self, record, _):
        if "via" not in record:
            self.known.is_at(record["ue"], record["peer"])
        if record["event"] == "registered":
            self.known.count("registered", record["ue"])
        self.known.heard(record["ue"], record["time"])


_HOW = (("confirmed", "confirmed"), ("reported", "by its report"))
