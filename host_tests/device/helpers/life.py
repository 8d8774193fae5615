# SPDX-License-Identifier: MIT
"""A scripted life of a device in virtual time: messages in and out, with the power cut at a chosen write.

The server here is a stand-in of the tests: it answers as docs/wire-profile.md says, remembers what it
accepted, and pushes what it has until the device answers 2.04. application_life.py has the same for MSGin5G-5.
"""

import json
import sys

import coap
from coap.compat import earliest, ticks_diff
from coap.message import decode
from common import Random, next_deadline
from msgin5g import CHANGED, Client, Config, MemoryStorage

PEER = ("192.0.2.1", 65401)
UE = "ue:sensor-1@example.org"
BEFORE, TORN, AFTER = 0, 1, 2  # where within a write the power goes
_SHORT = 9  # octets that more follows: a cut before them leaves what a cut within the rest of the record does
STRIDE = 1 if sys.implementation.name == "cpython" else 11  # MicroPython cuts at a sample of the writes


class PowerCut(BaseException):
    """Nothing may catch it: after it, nothing of the program runs."""


class CutStorage:
    """Rows that outlive the device. The power goes at write number `at`; from then on every call fails.

    With it go the octets that more was to follow: all of them, half, or, AFTER, none.
    """

    def __init__(self, files):
        self.files = files
        self.writes = 0
        self.at = None
        self.how = None
        self._dead = False
        self._loose = {}  # by file: octets of it that no cut takes, where it has others too

    def plan(self, at, how):
        self.at = at
        self.how = how

    def restore_power(self):
        self._dead = False
        self.at = None

    def _write(self, whole, torn):
        """`whole` does the write, `torn` as much of it as a cut in the middle does."""
        if self._dead:
            raise PowerCut()
        self.writes += 1
        if self.writes - 1 != self.at:
            whole()
            return
        self._dead = True
        if self.how == AFTER:
            whole()
        elif self.how == TORN:
            torn()
        for name, safe in self._loose.items():
            octets = self.files.read(name, 0, 1 << 20)
            kept = (safe, (safe + len(octets)) // 2, len(octets))[self.how]
            if kept:
                self.files.replace(name, octets[:kept])
            else:
                self.files.remove(name)
        self._loose = {}
        raise PowerCut()

    def append(self, name, octets, more=False):
        if more and name not in self._loose:
            self._loose[name] = len(self.files.read(name, 0, 1 << 20))
        if more and len(octets) < _SHORT and not self._dead:
            self.files.append(name, octets)
            return
        half = octets[: len(octets) // 2]
        self._write(lambda: self.files.append(name, octets), lambda: self.files.append(name, half))
        if not more:
            self._loose.pop(name, None)

    def replace(self, name, octets):
        self._write(lambda: self.files.replace(name, octets), lambda: None)

    def remove(self, name):
        self._write(lambda: self.files.remove(name), lambda: None)
        self._loose.pop(name, None)

    def read(self, name, offset, size):
        if self._dead:
            raise PowerCut()
        return self.files.read(name, offset, size)

    def names(self):
        return self.files.names()


class Server:
    """Answers, remembers what it accepted, pushes what it has until the device takes it.

    `accept(message_id, value)` is told of each new message, `reported(message_id)` of each IMDN;
    `lost(now)` says of a datagram whether it is lost.
    """

    RETRY = 4000
    REMEMBERED = 512  # message IDs

    def __init__(self, accept, reported, lost):
        self.repeated = 0
        self.aggregates = []  # (message ID, those of its elements) as they came
        self.pushes = []  # bodies that wait, oldest first
        self._accept = accept
        self._reported = reported
        self._lost = lost
        self._known = []  # IDs of messages accepted, oldest first
        self._sets = {}
        self._reports = []  # segmented messages whose report is wanted
        self._held = {}  # segments pushed, by set ID
        self._mid = 0
        self._open = None  # message ID of the push that is not answered
        self._again = None  # when it goes out again

    def push(self, *members):
        body = {"msgIden": "urn:3gpp:msgin5g"}
        body.update(members)
        self.pushes.append(body)

    def message(self, message_id, value, report):
        """A MSG to the device, in segments where `value` is a list."""
        head = (
            ("msgType", "MSG"),
            ("oriAddr", {"oriAddrType": "AS", "addr": "as:x"}),
            ("destAddr", {"destAddrType": "UE", "addr": UE}),
            ("msgId", message_id),
            ("isDelivStatReq", report),
        )
        if not isinstance(value, list):
            self.push(*(head + (("payload", value),)))
            return
        bodies = []
        for number, part in enumerate(value):
            parameters = {"segId": "set" + message_id, "segNumb": number + 1, "totalSegCount": len(value)}
            bodies.append(head + (("isSegmented", True), ("segParams", parameters), ("payload", part)))
        self._held["set" + message_id] = bodies
        for members in bodies:
            self.push(*members)

    def step(self, device, now):
        """One round of datagrams; True where something moved."""
        moved = False
        while True:
            item = device.outgoing()
            if item is None:
                break
            moved = True
            if not self._lost(now):
                self._hear(item[0], device, now)
        if self.pushes and (self._again is None or ticks_diff(now, self._again) >= 0):
            moved = True
            self._mid = self._mid + 1 & 0xFFFF
            self._open = self._mid
            self._again = now + self.RETRY
            if not self._lost(now):
                self._push(self.pushes[0], device, now)
        return moved

    def _hear(self, octets, device, now):
        message = decode(bytes(octets))
        if 0 < message.code < 32:
            code, answer = self._serve(json.loads(str(message.payload, "utf-8")))
            reply = coap.Message(code, answer, type=coap.ACK, mid=message.mid, token=message.token)
            device.prepare()
            if not self._lost(now):
                device.receive(bytes(coap.encode(reply)), PEER, now)
        elif message.mid == self._open and message.code:
            self._answered(self._taken(message), now)

    def _push(self, body, device, now):
        options = coap.path_options("/msgin5g")
        request = coap.Message(coap.POST, json.dumps(body).encode(), options, mid=self._mid, token=b"p")
        device.receive(bytes(coap.encode(request)), PEER, now)

    def _taken(self, answer):
        """Whether the device has what was pushed."""
        return answer.code == coap.CHANGED

    def _answered(self, taken, now):
        self._open = None
        self._again = now + self.RETRY
        if taken:
            self.pushes.pop(0)
            self._again = None

    @property
    def expects(self):
        """Whether segments are here, and not all of their message."""
        return bool(self._sets)

    def restarted(self, storage):
        """The device starts anew."""

    def next_deadline(self):
        return self._again if self.pushes else None

    def _serve(self, body):
        kind = body["msgType"]
        if kind == "REG":
            return coap.CHANGED, b'{"result":true,"regExpTime":3600}'
        if kind == "MSG":
            self._take_all(body)
        elif kind == "IMDN":
            for element in body.get("msgList", (body,)):  # clause 6.4.1.1.5: several may come as one
                self._reported(element["msgId"])
        elif kind == "SEGREC":
            for each in body["segNoList"].strip("()").split(","):
                first, _, last = each.partition("-")
                for number in range(int(first), int(last) + 1):
                    self.push(*self._held[body["segId"]][number - 1])
        elif kind == "SEGCONFIR":
            self._held.pop(body["segId"], None)
        return coap.CHANGED, b""

    def _take_all(self, body):
        """One message, or the elements of an aggregated one, which say for themselves what they want."""
        if "msgList" not in body:
            self._take(body)
            return
        assert body["totalMsgCount"] == len(body["msgList"]) > 1 and "payload" not in body
        self.aggregates.append((body["msgId"], [element["msgId"] for element in body["msgList"]]))
        for element in body["msgList"]:
            single = {"destAddr": body["destAddr"]}
            single.update(element)
            self._take(single)

    def _take(self, body):
        message_id = body["msgId"]
        report = body.get("isDelivStatReq", False)
        value = body["payload"]
        if "segParams" in body:
            parameters = body["segParams"]
            set_id = parameters["segId"]
            if report:  # only the first segment says it
                self._reports.append(message_id)
            parts = self._sets.get(set_id, {})
            parts[parameters["segNumb"]] = value
            if message_id not in self._known:
                self._sets[set_id] = parts
                if len(parts) < parameters["totalSegCount"]:
                    return
                value = "".join([parts[number + 1] for number in range(len(parts))])
                report = message_id in self._reports
                self._sets.pop(set_id)
            self.push(("msgType", "SEGCONFIR"), ("segId", set_id), ("result", True))
        if self._once(message_id, value) and report:
            for reporter in self._reporters(body["destAddr"]["addr"]):
                self.push(
                    ("msgType", "IMDN"),
                    ("oriAddr", reporter),
                    ("destAddr", {"destAddrType": "UE", "addr": UE}),
                    ("msgId", message_id),
                    ("DelSta", "success"),
                )

    def _reporters(self, addr):
        """Who has a message to this address."""
        return ({"oriAddrType": "AS", "addr": addr},)

    def _once(self, message_id, value):
        """Accepts a message; False where it came before."""
        if message_id in self._known:
            self.repeated += 1
            return False
        self._known.append(message_id)
        if len(self._known) > self.REMEMBERED:
            self._known.pop(0)
        self._accept(message_id, value)
        return True


class Life:
    """`steps` messages out and in, one each STEP, and the application's memory of them.

    `sent` maps message ID -> Sent of what send() took, `order` has their IDs; `unsure` are payloads whose send() the
    cut interrupted; `taken` lists the (message ID, payload) that take() gave, and `unsure_taken` the IDs whose take()
    the cut interrupted.
    """

    KEPT = ()  # files that stay
    STEP = 1000  # ms
    SEGMENT = 8192  # of the journal; where it is smaller, files are cleaned more often
    report_may_vanish = False  # nothing answers a report to the device: two cuts may cost it

    def __init__(self, steps, seed=1, storage=None):
        self.storage = storage or CutStorage(MemoryStorage())
        self.accepted = {}  # message ID -> payload, at the server
        self.arrivals = []  # their IDs
        self.reports = {}  # message ID -> how often its report came there
        self.server = self._new_server()
        self.sent = {}
        self.order = []
        self.unsure = []
        self.taken = []
        self.unsure_taken = []
        self.pushed = {}
        self.wanted = []  # of these a report is wanted
        self.restarts = 0
        self.overlapped = 0  # pieces copied while segments were out already
        self.next_cut = None  # after a cut: gives the (write, how) of the next one
        self.finals = {}
        self.attentive = True  # whether the application takes what comes
        self._last = None  # Message that it took last
        self._ended = []
        self._seed = seed
        self._random = Random(seed)
        self._steps = steps
        self._boots = 0
        self.now = 0
        self._config = Config(self._settings())
        self.device = None
        self._boot()

    # --- what this life is about; application_life.py has others ---------------------------------------

    def _settings(self):
        return {
            "role": "client",
            "ue_service_id": UE,
            "peer": "coap://192.0.2.1",
            "security": {"mode": "none"},
            "coap": {"max_datagram": 640},  # segments without large payloads
        }

    def _new_server(self):
        return Server(self._accept, self._report, lambda now: False)

    def _new_device(self, random):
        return Client(self._config, self.storage, random)

    def _inbound(self, step):
        """(message ID, payload, in a list where it comes in segments; whether a report is wanted)."""
        value = "value %d " % step + "x" * self._random.below(40)
        if step % 10 == 5:
            value = [value + "%d" % part + "y" * 200 for part in range(4)]
        return "in-%d" % step, value, step % 4 == 1

    def _outbound(self, step):
        """The Sent that is to be."""
        payload = "message %d " % step + "z" * self._random.below(40)
        if step % 10 == 4:
            payload += "w" * 1300
        return Sent("as:x", payload, to_type="AS", report=step % 4 == 0)

    # --- how it goes -----------------------------------------------------------------------------------

    def _accept(self, message_id, value):
        self.accepted[message_id] = value
        self.arrivals.append(message_id)

    def _report(self, message_id):
        self.reports[message_id] = self.reports.get(message_id, 0) + 1

    def _boot(self):
        while True:
            try:
                # a message ID sequence of its own for each boot, as the hardware's random numbers give it
                self._boots += 1
                self.device = self._new_device(Random(1000 + self._boots).bytes)
                for message_id, _, _, state, _ in self.device.outbox.history():
                    # as an application does that wants to know what became of its messages
                    self.finals.setdefault(message_id, [state])
                self.device.journal.SEGMENT = self.SEGMENT
                self.server.restarted(self.storage)
                self.device.start(self.now)
                return
            except PowerCut:
                self._cut()

    def _cut(self):
        self.storage.restore_power()
        self.restarts += 1
        if self.next_cut is not None:
            self.storage.plan(*self.next_cut(self.storage.writes))

    def run(self):
        for step in range(self._steps):
            self._until((step + 1) * self.STEP)
            try:
                self._step(step)
            except PowerCut:
                self._cut()
                self._boot()
        self.settle()

    def settle(self, ms=400000):
        """Everything has its time to arrive: retries, gaps and holds included."""
        self.attentive = True
        self._until(self.now + ms)

    def _step(self, step):
        if step % 2:
            message_id, value, report = self._inbound(step)
            self.pushed[message_id] = "".join(value) if isinstance(value, list) else value
            if report:
                self.wanted.append(message_id)
            self.server.message(message_id, value, report)
            return
        sent = self._outbound(step)
        self.unsure.append(sent.payload)
        outgoing = self._send(sent)
        self.unsure.pop()
        self.sent[outgoing.message_id] = sent
        self.order.append(outgoing.message_id)

    def _send(self, sent):
        return self.device.send(sent.to, sent.payload, self.now, **sent.named)

    def _until(self, end):
        while True:
            try:
                while self.server.step(self.device, self.now):
                    self._take()
                self._take()
                self._events()
                deadline = earliest(next_deadline(self.device), self.server.next_deadline())
                if deadline is None or ticks_diff(deadline, end) >= 0:
                    self.now = end
                    self.device.poll(end)
                    return
                self.now = max(deadline, self.now)
                self.device.poll(self.now)
            except PowerCut:
                self._cut()
                self._boot()

    def _take(self):
        while self.attentive:
            inbox = self.device.inbox
            first = inbox[0].message_id if inbox else None
            try:
                message = self.device.take(self.now)
            except PowerCut:
                self.unsure_taken.append(first)
                raise
            if message is None:
                return
            self._last = message
            self.taken.append((message.message_id, message.payload))

    def _events(self):
        while True:
            event = self.device.next_event()
            if event is None:
                return
            outgoing = event[1]
            # an event names the message, not its state then: several may find it at its end
            if event[0] == CHANGED and outgoing.final and outgoing not in self._ended:
                self._ended.append(outgoing)
                self.finals.setdefault(outgoing.message_id, []).append(outgoing.state)

    # --- what must have come of it ---------------------------------------------------------------------

    def check(self):
        """The promises of docs/wire-profile.md and the README, after everything had its time."""
        self._check_storage()
        # What the journal says now is what happened: after one more start nothing comes or goes again.
        self._boot()
        self.settle(60000)
        self._check_storage()
        for message_id, sent in self.sent.items():
            self._check_sent(message_id, sent)
        known = [sent.payload for sent in self.sent.values()]
        for payload in self.accepted.values():
            assert payload in known or payload in self.unsure, "never sent: %s" % payload
        assert len(set(self.accepted.values())) == len(self.accepted), "the same payload twice"
        taken = [message_id for message_id, payload in self.taken]
        assert len(set(taken)) == len(taken), "delivered twice: %s" % taken
        for message_id, payload in self.taken:
            assert payload == self.pushed[message_id], message_id
        for message_id in self.pushed:
            assert message_id in taken or message_id in self.unsure_taken, "lost on its way in: " + message_id
            assert (message_id in self.reports) == (message_id in self.wanted), "report of " + message_id
        assert not self.server.pushes, self.server.pushes
        assert not self.device.outbox.queue and not self.device.outbox.waiting

    def _check_sent(self, message_id, sent):
        payload = self.accepted.get(message_id)
        states = self.finals.get(message_id, [])
        if sent.volatile and self.restarts and not states:
            assert payload in (None, sent.payload), message_id
            return
        arrives = sent.end in ("accepted", "delivered")
        assert payload == (sent.payload if arrives else None), "%s: %s" % (sent.end, message_id)
        # A cut between the end and its record lets the end come once more, and it is the same one.
        assert len(states) == 1 or (self.restarts and len(set(states)) == 1), (message_id, states)
        vanished = self.report_may_vanish and self.restarts > 1 and sent.end == "delivered"
        assert states[0] == sent.end or (vanished and states[0] == "accepted"), (message_id, states, sent.end)

    def _check_storage(self):
        if self._last is not None:
            self._last.close()
        files = [name for name in self.storage.names() if name[:4] != "log-" and name not in self.KEPT]
        assert not files, "left behind: %s" % files
        assert self.device.journal.damaged == 0


class Sent:
    """A message of the application: what it says to send(), and the state in which it must `end`."""

    def __init__(self, to, payload, end=None, **named):
        self.to = to
        self.payload = payload
        self.named = named
        self.volatile = named.get("volatile", False)
        self.large = False  # whether it goes out while it is copied
        self.end = end or ("delivered" if named["report"] else "accepted")


def cut_each(how, kind, steps, writes):
    """Live `kind(steps)` once for each of so many writes, cut there: BEFORE, TORN or AFTER."""
    for at in range(0, writes, STRIDE):
        life = kind(steps)
        life.storage.plan(at, how)
        life.run()
        assert life.restarts == 1, at
        try:
            life.check()
        except AssertionError as error:
            raise AssertionError("cut %d of write %d: %s" % (how, at, error))
