# SPDX-License-Identifier: MIT
"""A gateway's server, three UEs and two Application Servers around it, in virtual time; each step is a tuple of plain
values, so that a sequence that fails can be printed as a program and run again.

The UEs take what is pushed to them as the step says, put segments together, and keep account: nothing that was accepted
is lost, nothing comes twice, all in order.
"""

import json
import uuid

from host_tests.gateway.server.test_decisions import Bench, own
from tools.server.delivery.pushes import DONE, LATER, REFUSED, Outcome
from tools.wire.answers import Refusal
from tools.wire.bodies import Malformed
from tools.wire.identity import Peer

UES = ("ue:a", "ue:b", "ue:c")
SERVERS = ("as:x", "as:y")
TOPICS = ("alerts", "weather")
CODES = {
    "2.04",
    "2.05",
    "4.00",
    "4.01",
    "4.03",
    "4.04",
    "4.13",
    "4.15",
    "4.29",
    "5.01",
    "5.03",
}  # docs/gateway.md
FAULTS = {"error", "quarantined", "store-error"}
SETTINGS = {"keep": 1e7, "pending_each": 40, "remembered": 200, "max_message": 20000}


def peer(ue):
    return Peer("192.0.2.%d" % (1 + UES.index(ue) if ue in UES else 9), 40000)


def put(body, place, value):
    """The body with another value in its `place`-th member, counted through all objects and lists in it."""
    body = json.loads(json.dumps(body))
    places = []

    def walk(inner):
        for name, each in list(inner.items()) if isinstance(inner, dict) else list(enumerate(inner)):
            places.append((inner, name))
            if isinstance(each, dict | list):
                walk(each)

    walk(body)
    inner, name = places[place % len(places)]
    inner[name] = value
    return body


class World(Bench):
    def __init__(self):
        super().__init__(**SETTINGS)
        self.steps = []
        self.numbers = 0
        self.sent = []  # (peer, body) of what was sent, to be sent again
        self.accepted = []  # keys of messages in order
        self.targets = {}  # key: (type, id)
        self.elements = {}  # (originator, outer msgId): keys of its elements
        self.came = {}  # key: who has got it
        self.order = {}  # (recipient, originator): keys
        self.told = []
        self.failed = set()
        self.attach_record = set()
        self.sets = {}  # (ue, segId): {number: payload}, or True once it is whole
        self.registrations = {}

    # ---- steps -------------------------------------------------------------------------------------------------------

    def step(self, name, *arguments):
        self.steps.append((name, *arguments))
        getattr(self, "do_" + name)(*arguments)
        for event, fields in self.told:
            assert event not in FAULTS, (event, fields)
            if event == "accepted":
                self._accepted(fields)
        self.told.clear()

    def do_register(self, ue, **members):
        self._post(ue, own("REG", ue, **members))

    def do_leave(self, ue):
        self._post(ue, own("DEREG", ue))

    def do_bulk(self, gateway, kind, elements):
        """One UE asks for others, as a Gateway UE does; who has a text for its name is such a UE."""
        count, listed = ("totalRegCount", "regList") if kind == "BREG" else ("totalDeregCount", "deregList")
        one = "REG" if kind == "BREG" else "DEREG"
        elements = [own(one, each) if isinstance(each, str) else each for each in elements]
        self._post(gateway, own(kind, gateway, **{count: len(elements), listed: elements}))

    def do_send(self, ue, target, size, members):
        kind, to = target
        body = self._msg(ue, kind, to) | members
        body["payload"] = self._text(size)
        self._post(ue, body)

    def do_segments(self, ue, to, pieces, order, set_id, own_ids):
        body = self._msg(ue, "UE", to)
        text = self._text(pieces * 9)
        cut = [text[n * 9 : n * 9 + 9] for n in range(pieces - 1)] + [text[(pieces - 1) * 9 :]]
        for place in order:
            number = place % pieces + 1
            params = {"segId": set_id or "%016x" % self.numbers, "segNumb": number, "totalSegCount": pieces}
            one = body | {"isSegmented": True, "segParams": params, "payload": cut[number - 1]}
            if own_ids:
                one["msgId"] = str(uuid.uuid5(uuid.UUID(body["msgId"]), str(number)))
            self._post(ue, one)

    def do_aggregate(self, ue, to, count, members):
        listed = []
        for _ in range(count):
            self.numbers += 1
            listed.append({"msgId": self._id(), "payload": "e%d" % self.numbers})
        self.numbers += 1
        body = self._msg(ue, "UE", to) | {"totalMsgCount": count, "msgList": listed} | members
        self._post(ue, body)

    def do_again(self, back):
        if self.sent:
            self._ask(*self.sent[-1 - back % len(self.sent)])

    def do_changed(self, back, place, value, ue):
        """Something that was sent before, with another value somewhere in it."""
        if self.sent:
            self._ask(peer(ue), put(self.sent[-1 - back % len(self.sent)][1], place, value))

    def do_raw(self, ue, octets, content_format):
        answer = self.server.request(peer(ue), content_format, octets, self.now)
        assert answer.code in CODES

    def do_body(self, ue, body):
        self._ask(peer(ue), body)

    def do_report(self, ue, back, delivered):
        """On a message that it got, or on one that it never saw."""
        if self.accepted:
            key = self.accepted[-1 - back % len(self.accepted)]
            if ue not in self.came.get(key, ()):  # it says so of what it came with, too
                self.attach_record.update([key], *(keys for keys in self.elements.values() if key in keys))
            kind = "AS" if key[0] in SERVERS else "UE"
            to = {"destAddrType": kind, "addr": key[0]}
            self._post(
                ue, own("IMDN", ue, destAddr=to, msgId=key[1], DelSta="success" if delivered else "failure")
            )

    def do_about_sets(self, ue, recover=True):
        """It says of each set whether it has it, or asks for segments anew; of sets that are no business of its it says
        what would do harm."""
        for whose, set_id in list(self.sets):
            about = {"msgIden": "urn:3gpp:msgin5g", "segId": set_id}
            if whose != ue:
                self._ask(peer(ue), about | {"msgType": "SEGCONFIR", "result": False})
            elif self.sets[whose, set_id] is True:
                self._ask(peer(ue), about | {"msgType": "SEGCONFIR", "result": True})
            elif recover:
                self._ask(peer(ue), about | {"msgType": "SEGREC", "segNoList": "(1-3), (5-70)"})

    def do_topic(self, ue, topic, observe, octets):
        octets = (
            json.dumps({"oriAddr": {"oriAddrType": "UE", "addr": ue}}).encode() if octets is None else octets
        )
        answer = self.server.topic(peer(ue), topic, observe, 50, octets, self.now)
        assert answer.code in CODES, answer

    def do_server(self, as_, there):
        if there:
            body = {"asSvcId": as_, "targetUri": "http://127.0.0.1:9/%s" % as_}
            self.registrations[as_] = self._http(self.server.application_servers.register, body)[0]
        elif as_ in self.registrations:
            self._http(self.server.application_servers.deregister, self.registrations.pop(as_))

    def do_deliver(self, as_, target, size, members):
        kind, to = target
        self.numbers += 1
        body = {
            "oriAddr": {"addrType": "AS", "addr": as_},
            "destAddr": {"addrType": kind, "addr": to},
            "msgId": self._id(),
            "stoAndFwInd": bool(size % 2),
            "payload": self._text(size),
        } | members
        ack = self._http(self.server.application_servers.message, body)
        if isinstance(ack, dict) and ack.get("status") == "DELY_FAILED":
            self.failed.add((as_, body["msgId"]))

    def do_as_report(self, as_, back, delivered):
        keys = [key for key in self.accepted if as_ in self.came.get(key, ())]
        if keys:
            key = keys[-1 - back % len(keys)]
            body = {
                "oriAddr": {"addrType": "AS", "addr": as_},
                "destAddr": {"addrType": "UE", "addr": key[0]},
                "msgId": key[1],
                "delivSt": "REPT_DELY_SUCCESS" if delivered else "REPT_DELY_FAILED",
            }
            self._http(self.server.application_servers.report, body)

    def do_http(self, method, body):
        self._http(getattr(self.server.application_servers, method), body)

    def do_wait(self, seconds, answers):
        """Time passes; what is pushed is answered with these codes in turn, "" for silence."""
        self.now += seconds
        for push in self.server.work(self.now):
            code = answers[self.numbers % len(answers)]
            self.numbers += 1
            outcome = (
                Outcome.of_coap(code, "as the step says")
                if code
                else Outcome(LATER, "no answer", None, False)
            )
            if outcome.verdict == DONE:
                self._take(push)
            elif outcome.verdict == REFUSED:
                self._refuse(push)
            self.server.outcome(push, outcome, self.now)

    def do_restart(self):
        self.restart()

    # ---- what is said ------------------------------------------------------------------------------------------------

    def _id(self):
        return str(uuid.UUID(int=self.numbers << 64 | 0x40008000000000000000))

    def _text(self, size):
        return ("%d " % self.numbers) + "x" * size

    def _msg(self, ue, kind, to):
        self.numbers += 1
        return own("MSG", ue, destAddr={"destAddrType": kind, "addr": to}, msgId=self._id(), sfFlag=False)

    def _post(self, ue, body):
        self.sent.append((peer(ue), body))
        self._ask(peer(ue), body)

    def _ask(self, where, body):
        if isinstance(body, dict) and isinstance(body.get("msgList"), list):
            listed = [
                e["msgId"] for e in body["msgList"] if isinstance(e, dict) and isinstance(e.get("msgId"), str)
            ]
            origin = body.get("oriAddr")
            addr = origin.get("addr") if isinstance(origin, dict) else None
            key = (str(addr), str(body.get("msgId")))
            self.elements.setdefault(key, [(str(addr), msg_id.lower()) for msg_id in listed])
        answer = self.ask(where, body)
        assert answer.code in CODES, (answer, body)
        assert answer.code[0] == "2" or answer.diagnostic, answer

    def _http(self, function, *arguments):
        try:
            return function(*arguments, self.now)
        except Malformed as error:
            assert error.member
        except Refusal as refusal:
            assert refusal.answer.code in ("4.03", "4.13", "4.29", "5.03"), refusal
        return None

    # ---- account -----------------------------------------------------------------------------------------------------

    def _keys(self, origin, msg_id):
        """Of a message, or of the elements of an aggregated one."""
        return self.elements.get((origin, msg_id), [(origin, msg_id.lower())])

    def _accepted(self, fields):
        for key in self._keys(fields["from"], fields["msgId"]):
            if key not in self.targets:
                self.accepted.append(key)
                self.targets[key] = fields["to"]

    def _take(self, push):
        if push.kind != "MSG":
            if push.kind in ("MSGRESP", "IMDN"):
                self._told_of(push)
            return
        body, to = push.body, push.target.id
        origin = body["oriAddr"]["addr"]
        if push.target.type == "UE" and "segParams" in body:
            params, key = body["segParams"], (to, body["segParams"]["segId"])
            have = self.sets.setdefault(key, {})
            if have is True:
                return
            have[params["segNumb"]] = body["payload"]
            if len(have) < params["totalSegCount"]:
                return
            self.sets[key] = True
        for msg_id in [each["msgId"] for each in body.get("msgList", ())] or [body["msgId"]]:
            key = (origin, msg_id.lower())
            got = self.came.setdefault(key, [])
            assert to not in got, "%s got %s twice" % (to, key)
            got.append(to)
            before = self.order.setdefault((to, origin), [])
            before.append(self.accepted.index(key))
            assert len(before) == 1 or before[-2] < before[-1], "%s got %s out of order" % (to, key)

    def _told_of(self, push):
        body = push.body
        if body.get("DelSta") == "failure" or body.get("delivSt") == "REPT_DELY_FAILED":
            self.failed.update(self._keys(push.target.id, body["msgId"]))

    def _refuse(self, push):
        if push.kind in ("MSGRESP", "IMDN"):
            self._told_of(push)

    # ---- the end -----------------------------------------------------------------------------------------------------

    def end(self):
        """All is well from now on: what was accepted arrives, or its originator hears why not."""
        self.fresh = self.now
        for ue in UES:
            self.step("register", ue)
        for as_ in SERVERS:
            self.step("server", as_, True)
        for _ in range(1000):
            if not self._rows("message") and not self._rows("segment_set"):
                break
            self.step("wait", 0, ["2.04"])
            for ue in UES:
                self.step("about_sets", ue, False)
            self.sets = {key: have for key, have in self.sets.items() if have is not True}
            self.now = max(self.now, min(self.server.deadline(self.now) or 0, self.now + 1000))
            if self.steps[-1][0] != "register" and self.now > self.fresh + 3000:
                for ue in UES:
                    self.step("register", ue)
                self.fresh = self.now
        for key in self.accepted:
            got = self.came.get(key, [])
            if self.targets[key] in UES + SERVERS and key not in self.attach_record:
                assert got or key in self.failed, "lost: %s to %s" % (key, self.targets[key])
                assert not (got and key in self.failed and key[0] in UES and self._whole(key)), "both: %s" % (
                    key,
                )
        count = {
            table: self._rows(table)
            for table in ("message", "part", "segment_set", "segment", "segment_msg_id")
        }
        assert not any(count.values()), count
        assert self._rows("seen") <= 200 * 60

    def _whole(self, key):
        """Whether nobody reported a failure of it, which is no failure to deliver."""
        return not any(
            step[0] in ("report", "as_report", "body", "changed", "again", "http") for step in self.steps
        )

    def _rows(self, table):
        return self.store._db.execute("SELECT count(*) FROM %s" % table).fetchone()[0]


def run(steps):
    world = World()
    for step in steps:
        world.step(*step)
    world.end()
    return world
