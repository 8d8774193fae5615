# SPDX-License-Identifier: MIT
"""The Gateway UE's decisions with a clock that the test moves: no socket, no waiting."""

import json
import random

from host_tests.gateway.scripted import SERVICE
from tools.gateway.function.function import GatewayFunction
from tools.gateway.function.settings import FunctionSettings
from tools.store.store import Store
from tools.wire.answers import Request
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


def own(msg_type, ue, **members):
    return {"msgIden": SERVICE, "msgType": msg_type, "oriAddr": {"oriAddrType": "UE", "addr": ue}} | members
