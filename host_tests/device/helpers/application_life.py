# SPDX-License-Identifier: MIT
"""The scripted life of life.py for an Application Client: over L3 with its large messages, and over CoAP and JSON.

The gateways here are stand-ins of the tests, which keep TS 24.538 Annex A as docs/annex-a.md decides it. They write
and read L3 messages with the firmware's own l3.py, whose octets test_l3_messages.py works by hand.
"""

import json

import coap
from application_scene import REGISTRATION_ID, joined
from coap.aio import slipmux
from coap.compat import earliest, ticks_diff
from device.links.serial import spool
from life import Life, Sent, Server
from msgin5g import ApplicationClient
from msgin5g.wire import causes, l3
from msgin5g.wire.identifiers import id_octets, id_text
from msgin5g.wire.l3_target import target

NEAR = ("a.example.org", "b.example.org")
GONE = "gone.example.org"  # the gateway's table has no such target
BUSY = "busy.example.org"  # never takes a message
CAUSES = {GONE: causes.UNKNOWN_DEVICE, BUSY: causes.CONGESTION}

REPORT_WAY = 500  # ms until the recipient's report is at the gateway
REPORT_GAP = 2000  # ms between the two copies of a report over L3
LOST = 7  # of so many answers the gateway's line loses one
CHUNK = 64  # octets that a device reads from its line at a time


def _report_id(message_id):
    """A report has a Message ID of its own."""
    return bytes([255 ^ octet for octet in id_octets(message_id)])


class Gateway(Server):
    """What both formats have in common: what becomes of a message, and a request that is repeated to a device that
    started anew, though it was answered.

    It is the last but one: the last may not come again, or a device that answered before it wrote would get away.
    """

    RETRY = 2000

    def __init__(self, *hooks):
        super().__init__(*hooks)
        self._done = []  # the last two that the device took

    def message(self, message_id, value, report):
        self.pushes.append((message_id, value, report))

    def restarted(self, storage):
        self._open = self._again = None
        if len(self._done) > 1:
            self.pushes.insert(0, self._done.pop(0))

    def _answered(self, taken, now):
        if taken:
            self._done = self._done[-1:] + self.pushes[:1]
        super()._answered(taken, now)

    def _sending(self, message_id, name, value, report, now):
        """MESSAGE SENDING REQUEST: the cause of a refusal, or None."""
        cause = CAUSES.get(name)
        if cause is None and self._once(message_id, value) and report:
            self._report_to_device(message_id, now)
        return cause


class L3Gateway(Gateway):
    """One line with slipmux frames. The device's end of it, with its log segment for large frames, starts anew with it.

    Reports to the device have no answer: each comes twice, and as a cut may take one of the two, the line takes none.
    """

    def __init__(self, *hooks):
        super().__init__(*hooks)
        self._names = [(target(name)[1], name) for name in NEAR + (GONE, BUSY)]
        self._line = None
        self._on_peer_alive = []  # Message IDs of the reports that came
        self._due = []  # (tick, parts) of reports to the device
        self._answers = 0

    def restarted(self, storage):
        super().restarted(storage)
        self._line = slipmux.Decoder(4096, spool(storage))

    def step(self, device, now):
        moved = super().step(device, now)
        for each in self._due[:]:
            if ticks_diff(now, each[0]) >= 0:
                moved = True
                self._due.remove(each)
                self._say(each[1], device, now)
        return moved

    def next_deadline(self):
        deadline = super().next_deadline()
        for each in self._due:
            deadline = earliest(deadline, each[0])
        return deadline

    def _say(self, parts, device, now):
        line = b"".join(slipmux.encode(slipmux.L3, parts))
        for offset in range(0, len(line), CHUNK):
            for _, frame in self._line.feed(line[offset : offset + CHUNK]):
                device.receive(frame, device.peer, now)

    def _push(self, pushed, device, now):
        message_id, value, report = pushed
        values = {"message_id": id_octets(message_id), "payload": value, "originator": b"ue:x"}
        if report:
            values["report"] = 1
        self._say(l3.encode(l3.RECEIVED_REQUEST, values), device, now)

    def _hear(self, octets, device, now):
        type, values = l3.decode(joined(octets))
        answer = None
        if type == l3.REGISTRATION_REQUEST:
            answer = b"\x08" + REGISTRATION_ID
        elif type == l3.SENDING_REQUEST:
            answer = self._serve_sending(values, now)
        elif type == l3.RECEIVED_RESPONSE:
            if self._open is not None:
                self._answered(values["result"] == l3.SUCCESS, now)
        elif type == l3.REPORT_SENDING_REQUEST:
            report = bytes(values["message_id"])
            if report not in self._on_peer_alive:
                self._on_peer_alive.append(report)
                self._reported(id_text(values["reply_to"]))
        else:
            raise AssertionError("L3 message of type %d" % type)
        if answer is None:
            return
        self._answers += 1
        if self._answers % LOST and not self._lost(now):
            self._say([answer], device, now)

    def _serve_sending(self, values, now):
        octets = bytes(values["target"][1])
        (name,) = [name for each, name in self._names if each == octets]
        message_id, payload = id_text(values["message_id"]), bytes(values["payload"])
        cause = self._sending(message_id, name, payload, values.get("report"), now)
        # MESSAGE SENDING RESPONSE: Result, and Failure Reason with its IEI where it failed
        return b"\x02\x01" if cause is None else bytes((2, 0, 0x58, cause))

    def _report_to_device(self, message_id, now):
        values = {
            "delivery_status": l3.SUCCESS,
            "message_id": _report_id(message_id),
            "reply_to": id_octets(message_id),
        }
        parts = l3.encode(l3.REPORT_RECEIVED_REQUEST, values)
        self._due.append((now + REPORT_WAY, parts))
        self._due.append((now + REPORT_WAY + REPORT_GAP, parts))


class JsonGateway(Gateway):
    def message(self, message_id, value, report):
        self.push(
            ("msgType", "MESSAGE RECEIVED REQUEST"),
            ("msgId", message_id),
            ("oriAddr", "ue:x"),
            ("isDelivStatReq", report),
            ("payload", value),
        )

    def _taken(self, answer):
        return answer.code == coap.CHANGED or b'"SUCCESS"' in bytes(answer.payload)

    def _serve(self, body):
        kind = body["msgType"]
        if kind == "REG":
            return coap.CHANGED, b'{"result":true,"registration ID":"0a0b0c0d0e0f"}'
        if kind == "DELIVERY REPORT SENDING REQUEST":
            self._reported(body["reply2msgId"])
            return coap.CHANGED, b""
        report = body.get("isDelivStatReq")
        cause = self._sending(body["msgId"], body["destAddr"]["addr"], body["payload"], report, None)
        answer = {"msgType": "MESSAGE SENDING RESPONSE", "result": "SUCCESS"}
        if cause is not None:
            answer.update({"result": "FAILED", "failReason": causes.text(cause)})
        return coap.CONTENT, json.dumps(answer).encode()

    def _report_to_device(self, message_id, now):
        self.push(
            ("msgType", "DELIVERY REPORT RECEIVED REQUEST"),
            ("msgId", id_text(_report_id(message_id))),
            ("reply2msgId", message_id),
            ("deliveryStatus", "SUCCESS"),
        )


class ApplicationLife(Life):
    """As Life; the application looks for what came every third second, and the link loses some of what it carries.

    Among what goes out to two destinations are volatile messages, some that the gateway refuses, and some that expire.
    """

    DARK = (
        20300,
        21800,
    )  # ms; shorter than the gap between two copies of a report, of which one gets through
    LOST = 7  # of so many datagrams one is lost

    def _settings(self):
        return {
            "role": "application client",
            "ue_service_id": "ue:meter-7@example.org",
            "peer": "coap://192.0.2.1",
            "security": {"mode": "none"},
            "application": {"app_id": 258, "credential": "deadbeef"},
            "report_timeout": 300,
            "reports": "arrival" if self._seed % 2 else "taken",
        }

    def _new_server(self):
        self._datagrams = 0
        return JsonGateway(self._accept, self._report, self._lost)

    def _lost(self, now):
        self._datagrams += 1
        return self._dark(now) or self._datagrams % self.LOST == 0

    def _dark(self, now):
        return self.DARK[0] <= now < self.DARK[1]

    def _new_device(self, random):
        return ApplicationClient(self._config, self.storage, random)

    def _step(self, step):
        self.attentive = step % 3 == 2
        super()._step(step)

    def _inbound(self, step):
        number = step // 2
        message_id = "00000000-0000-4000-8000-%012x" % step
        return message_id, self._payload("value", step, number % 5 == 2), number % 2 == 0

    def _outbound(self, step):
        number = step // 2
        payload = self._payload("message", step, number % 8 == 3)
        report = number % 3 == 0
        if number % 12 == 7:
            return Sent(BUSY, payload, "expired", report=report, expires=20)
        if number % 12 == 10:
            return Sent(GONE, payload, "failed", report=report)
        if number % 8 == 5:
            return Sent(NEAR[number % 2], payload, report=report, volatile=True)
        return Sent(NEAR[number % 2], payload, report=report, expires=None if number % 4 else 3600)

    def _payload(self, word, step, large):
        return "%s %d " % (word, step) + "z" * self._random.below(40)

    def check(self):
        super().check()
        for to in NEAR:
            mine = [message_id for message_id in self.order if self.sent[message_id].to == to]
            came = [message_id for message_id in self.arrivals if message_id in mine]
            assert came == [message_id for message_id in mine if message_id in came], "out of order: " + to
        assert self.device.stats["malformed"] == 0


class L3Life(ApplicationLife):
    report_may_vanish = True

    def _settings(self):
        settings = super()._settings()
        settings.update({"peer": "l3+uart:///dev/ttyS9", "serial": {"max_frame": 4096}})
        settings["reports"] = "taken" if self._seed % 2 else "arrival"
        return settings

    def _new_server(self):
        return L3Gateway(self._accept, self._report, self._dark)

    def _payload(self, word, step, large):
        octets = super()._payload(word, step, large).encode()
        # each octet of a frame's edge is among them, so that some are escaped
        return octets + bytes(range(250)) * (6 + step % 5) if large else octets
