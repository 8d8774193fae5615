# SPDX-License-Identifier: MIT
"""A device's Client and its peer in virtual time; each step is a tuple of plain values, so that a sequence that fails
can be printed as a program and run again.

What the device acknowledged, its application gets once, over restarts; what the application sent ends once.
"""

import json
import sys
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for _folder in (
    ROOT / "firmware",
    ROOT / "host_tests/device/helpers",
):  # as conftest does, for a program of its own
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))

from common import Random  # noqa: E402
from host_tests.properties.gateway_world import put  # noqa: E402
from msgin5g import Client, OutboxFull  # noqa: E402
from msgin5g_scene import PEER, UE, Scene, agree, configuration  # noqa: E402

# docs/wire-profile.md, "Answers", and 4.02 and 4.08 of RFC 7252 and 7959
CODES = {"2.04", "4.00", "4.02", "4.03", "4.04", "4.05", "4.08", "4.13", "4.15", "4.29", "5.01", "5.03"}
SENDERS = ("ue:b@x", "ue:c@x", "as:x")
STRANGER = ("198.51.100.7", 5683)


def code_of(message):
    return "%d.%02d" % (message.code >> 5, message.code & 31)


class World(Scene):
    def __init__(self):
        self.answers = [None]
        self.turn = 0
        self.joined = {}  # msgId of an aggregate: those of its elements
        super().__init__(self._answer)
        self.steps = []
        self.numbers = 0
        self.posted = []
        self.sent = []
        self.acknowledged = {}  # (sender, msgId): payload
        self.taken = {}
        self.start()

    def _answer(self, asked):
        """By the last step "answers": "ok" for all that is well, a code, (code, text), None for silence, "reset"."""
        self.turn += 1
        if asked.kind == "MSG" and "msgList" in asked.body:
            body = asked.body
            elements = [element["msgId"] for element in body["msgList"]]
            assert len(elements) == body["totalMsgCount"] > 1
            assert self.joined.setdefault(body["msgId"], elements) == elements, "joined in another way"
        said = self.answers[self.turn % len(self.answers)]
        if said == "ok":
            return agree(asked)
        if isinstance(said, tuple | list):
            return (said[0], said[1].encode())
        return said

    def step(self, name, *arguments):
        self.steps.append((name, *arguments))
        getattr(self, "do_" + name)(*arguments)

    # ---- steps -------------------------------------------------------------------------------------------------------

    def do_answers(self, answers):
        self.answers = answers

    def do_run(self, seconds):
        self.run(seconds * 1000)

    def do_restart(self, wait=0):
        config = configuration(aggregation={"wait": wait})
        self.client = Client(config, self.storage, Random(len(self.steps)).bytes)
        self.client.start(self.tick)
        self._pump()

    def do_send(self, to, size, options):
        self.numbers += 1
        try:
            outgoing = self.send(to, "%d %s" % (self.numbers, "x" * size), **options)
        except OutboxFull:
            return
        self.sent.append(outgoing.message_id)

    def do_take(self, count):
        for _ in range(count):
            message = self.take()
            if message is None:
                return
            key = (message.sender, message.message_id.lower())
            assert key not in self.taken, "%s twice" % (key,)
            self.taken[key] = message.payload
            message.close()

    def do_message(self, sender, size, members):
        self._deliver(self._msg(sender, "m" * size) | members)

    def do_segments(self, sender, pieces, order, own_ids, members):
        body = self._msg(sender, "")
        params = {"segId": "%016x" % self.numbers, "totalSegCount": pieces}
        codes = []
        for place in order:
            number = place % pieces + 1
            segment = {
                "isSegmented": True,
                "segParams": params | {"segNumb": number},
                "payload": "%d " % number,
            }
            one = body | segment | members
            if own_ids and number > 1:
                one["msgId"] = str(uuid.uuid5(uuid.UUID(body["msgId"]), str(number)))
            codes.append(self._post(one))
        if {place % pieces for place in order} == set(range(pieces)) and set(codes) == {"2.04"}:
            whole = "".join("%d " % number for number in range(1, pieces + 1))
            self.acknowledged.setdefault((sender, body["msgId"].lower()), whole)

    def do_aggregate(self, sender, count):
        body = self._msg(sender, None)
        del body["payload"]
        body["msgList"] = [
            {"msgId": str(uuid.uuid5(uuid.UUID(body["msgId"]), "e%d" % n)), "payload": "e%d" % n}
            for n in range(count)
        ]
        if self._post(body) == "2.04":
            for element in body["msgList"]:
                self.acknowledged.setdefault((sender, element["msgId"]), element["payload"])

    def do_again(self, back):
        if self.posted:
            self._deliver(self.posted[-1 - back % len(self.posted)])

    def do_changed(self, back, place, value):
        if self.posted:
            self._post(put(self.posted[-1 - back % len(self.posted)], place, value))

    def do_body(self, octets, path, format, code):
        reply = self.post(octets, path=path, format=format, code=code)
        assert reply is not None and code_of(reply) in CODES, reply and code_of(reply)

    def do_about(self, kind, back, members):
        """A response, report or confirmation about something that the device sent, or did not."""
        asked = [each.body for each in self.of("MSG")]
        body = {"msgIden": "urn:3gpp:msgin5g", "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": UE}}
        if asked:
            about = asked[-1 - back % len(asked)]
            body["msgId"] = about["msgId"]
            body["segId"] = about.get("segParams", {}).get("segId", "s")
            if kind == "IMDN":
                body["oriAddr"]["addr"] = about["destAddr"]["addr"]
        self._post(body | members)

    def do_datagram(self, octets, stranger):
        self.client.receive(octets, STRANGER if stranger else PEER, self.tick)
        self._pump()

    # ---- account -----------------------------------------------------------------------------------------------------

    def _msg(self, sender, payload):
        self.numbers += 1
        return {
            "msgIden": "urn:3gpp:msgin5g",
            "msgType": "MSG",
            "oriAddr": {"oriAddrType": "AS" if sender[:2] == "as" else "UE", "addr": sender},
            "destAddr": {"destAddrType": "UE", "addr": UE},
            "msgId": str(uuid.UUID(int=self.numbers << 64 | 0x40008000000000000000)),
            "payload": payload,
        }

    def _post(self, body):
        self.posted.append(body)
        reply = self.post(json.dumps(body, ensure_ascii=False).encode())
        assert reply is not None, "no answer to %s" % body
        code = code_of(reply)
        assert code in CODES, (code, body)
        assert code in ("2.04", "4.13") or reply.payload, (code, body)  # 4.13 has Size1
        return code

    def _deliver(self, body):
        """A message that may be whole: what is acknowledged is the application's."""
        code = self._post(body)
        if code == "2.04" and set(body) == {"msgIden", "msgType", "oriAddr", "destAddr", "msgId", "payload"}:
            if body["msgType"] == "MSG" and body["destAddr"] == {"destAddrType": "UE", "addr": UE}:
                key = (str(body["oriAddr"].get("addr")), str(body["msgId"]).lower())
                self.acknowledged.setdefault(key, body["payload"])

    def end(self):
        """All is well from now on."""
        self.answers = ["ok"]
        for _ in range(5):
            self.step("take", 100)
            self.step("run", 86400)
        for key, payload in self.acknowledged.items():
            assert key in self.taken, "lost: %s" % (key,)
            assert isinstance(payload, str) and self.taken[key] in (payload, payload.encode()), key
        assert not self.client.outbox.queue and not self.client.inbox
        left = set(self.sent) - set(self.ended)
        assert not left, "never ended: %s" % left
        assert self.files == [], self.files
        assert self.client.journal.octets < 65536


def run(steps):
    world = World()
    for step in steps:
        world.step(*step)
    world.end()
    return world
