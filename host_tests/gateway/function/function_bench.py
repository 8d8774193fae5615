# SPDX-License-Identifier: MIT
"""The Gateway UE's decisions with a clock that the test moves: no socket, no waiting."""

import json
import random

from host_tests.gateway.scripted import SERVICE
from tools.gateway.function.asks import Ask
from tools.gateway.function.function import GatewayFunction
from tools.gateway.function.settings import FunctionSettings
from tools.server.delivery.pushes import Outcome, Push
from tools.store.store import Store
from tools.wire.answers import Answer, Refusal, Request
from tools.wire.identity import Peer

GW, A, B = "ue:gw@example.org", "ue:a@example.org", "ue:b@example.org"
HERE, THERE = Peer("192.0.2.1", 40000), Peer("192.0.2.2", 40000)


class FunctionBench:
    """A Gateway UE whose server is elsewhere, and what it told. `path` of its store, for restarts."""

    def __init__(self, path=":memory:", ue=GW, open=True, **settings):
        self.now = 1_000_000.0
        self.told = []
        self.path = str(path)
        self.settings = FunctionSettings(ue=ue, open=open, **settings)
        self.store = None
        self.restart()

    def restart(self):
        """The program ends and begins anew: what is in a file stays."""
        if self.path != ":memory:" or self.store is None:
            if self.store:
                self.store.close()
            self.store = Store(self.path)
        self.function = GatewayFunction(self.store, self.settings, self._emit, random.Random(1))
        with self.store.transaction():
            self.function.start(self.now)

    def _emit(self, event, **fields):
        self.told.append((event, fields))

    def events(self, event):
        return [fields for name, fields in self.told if name == event]

    def ask(self, peer, body, content_format=50):
        """The Answer to a POST, or None where it goes on to the server."""
        octets = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request(
            peer, Request("POST", ("msgin5g",), payload=octets, content_format=content_format)
        )

    def request(self, peer, request):
        with self.store.transaction():
            return self.function.request(peer, request, self.now)

    def work(self, later=0.0):
        self.now += later
        with self.store.transaction():
            return self.function.work(self.now)

    # ---- the server, and the UEs ------------------------------------------------------------------------------------

    def asks(self, later=0.0):
        """What is to be asked of the server now."""
        return [each for each in self.work(later) if isinstance(each, Ask)]

    def one_ask(self, later=0.0):
        (ask,) = self.asks(later)
        return ask

    def answer(self, ask, code="2.04", body=None, **fields):
        """The server answers, with a code of None not at all."""
        with self.store.transaction():
            self.function.asked(ask, code and Answer(code, body, **fields), self.now)

    def take_all(self, ask, **members):
        """The server does what each element of a list asks for."""
        body = json.loads(ask.request.payload)
        name, count = ("regList", "totalRegCount") if "regList" in body else ("deregList", "totalDeregCount")
        done = [{"oriAddr": each["oriAddr"], "result": True} | members for each in body[name]]
        self.answer(ask, "2.04", {count: len(done), name: done})

    def pushes(self, later=0.0):
        return [each for each in self.work(later) if isinstance(each, Push)]

    def outcome(self, push, code="2.04", diagnostic="", max_age=None):
        """What came of a Push: a response code, "RST", or None for silence."""
        if code == "RST":
            outcome = Outcome("later", "RST")
        elif code is None:
            outcome = Outcome("later", "no answer", None, False)
        else:
            outcome = Outcome.of_coap(code, diagnostic, max_age)
        with self.store.transaction():
            self.function.outcome(push, outcome, self.now)

    def forwarded(self, peer, body, code="2.04", answer=None):
        """A request goes on to the server, which answers."""
        assert self.ask(peer, body) is None
        request = Request("POST", ("msgin5g",), payload=json.dumps(body).encode(), content_format=50)
        with self.store.transaction():
            self.function.forwarded(peer, request, Answer(code, answer), self.now)

    def join(self, ue, peer, lifetime=3600):
        """A UE is registered to the gateway service, and through the gateway at the server."""
        assert self.ask(peer, own("GWREG", ue)).body["result"] is True
        ori = {"oriAddrType": "UE", "addr": ue}
        done = {"oriAddr": ori, "result": True, "regExpTime": lifetime}
        self.forwarded(peer, own("REG", ue, urgentTag=True), answer=done)

    def where(self, body):
        """Where a body of the server's goes: a Peer, or the code of the refusal."""
        with self.store.transaction():
            try:
                return self.function.downstream(body, self.now)
            except Refusal as refusal:
                return refusal.answer.code


def own(msg_type, ue, **members):
    return {"msgIden": SERVICE, "msgType": msg_type, "oriAddr": {"oriAddrType": "UE", "addr": ue}} | members
