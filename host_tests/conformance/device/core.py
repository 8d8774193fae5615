# SPDX-License-Identifier: MIT
"""The firmware's core in the time of a test, and a peer made by hand: aiocoap's codec reads what the core sends and
writes what it is told; the bodies are a test's. Nothing of it runs by itself."""

import json
import sys
from pathlib import Path

import aiocoap
from aiocoap.numbers.types import Type

ROOT = Path(__file__).resolve().parents[3]
if str(ROOT / "firmware") not in sys.path:
    sys.path.append(str(ROOT / "firmware"))

import msgin5g  # noqa: E402

SERVICE = "urn:3gpp:msgin5g"
UE, OTHER = "ue:s1@example.org", "ue:b@example.org"
PEER = ("192.0.2.1", 65401)
MSG_ID = "0e4a8ac6-54a9-4d2c-8a6c-000000000001"
JSON = 50


def own(kind, ue=UE, **members):
    return {"msgIden": SERVICE, "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": ue}} | members


def message(number=1, **members):
    """MSG from the other UE to this one."""
    to = {"destAddr": {"destAddrType": "UE", "addr": UE}, "msgId": MSG_ID[:-1] + str(number)}
    return own("MSG", OTHER, **to | {"payload": "hi"} | members)


def body(request):
    return json.loads(request.payload)


class Core:
    """`next(kind)` is the next request that it sends, `answer` says what comes back to it, `post` sends it one."""

    def __init__(self, role="client", clock=None, **config):
        given = {"role": role, "ue_service_id": UE, "peer": "coap://192.0.2.1", "security": {"mode": "none"}}
        made = msgin5g.Client if role == "client" else msgin5g.ApplicationClient
        more = {} if clock is None else {"clock": clock}
        self.client = made(msgin5g.Config(given | config), msgin5g.MemoryStorage(), **more)
        self.tick = 0
        self.requests = []
        self._answers = {}  # by message ID
        self._mid = 4000
        self.client.start(0)
        self._drain()

    def _drain(self):
        while True:
            sent = self.client.outgoing()
            if sent is None:
                return
            octets, peer = sent
            assert peer == PEER
            found = aiocoap.Message.decode(bytes(octets))
            if found.code.is_request():
                if found.mid not in [each.mid for each in self.requests]:  # it may come again
                    self.requests.append(found)
            else:
                self._answers[found.mid] = found

    @property
    def state(self):
        return self.client.registration.state

    @property
    def cause(self):
        return self.client.registration.cause

    def run(self, seconds):
        """Lets this time go by, in which nothing comes."""
        end = self.tick + round(seconds * 1000)
        while self.tick < end:
            due = self.client.next_deadline()
            self.tick = end if due is None else min(end, max(due, self.tick + 1))
            self.client.poll(self.tick)
            self._drain()

    def of(self, kind):
        """The requests of this msgType, None for those without one."""
        return [
            each for each in self.requests if (body(each).get("msgType") if each.payload else None) == kind
        ]

    def next(self, kind):
        """The request that it sends now; nothing else goes out before it."""
        self._drain()
        request = self.requests.pop(0)
        assert body(request).get("msgType") == kind, body(request)
        return request

    def answer(self, request, said=None, code=aiocoap.CHANGED, **options):
        """A response on the acknowledgement, with a body where there is one."""
        payload = said if isinstance(said, bytes) else b"" if said is None else json.dumps(said).encode()
        found = aiocoap.Message(code=code, payload=payload, **options)
        if isinstance(said, dict):
            found.opt.content_format = JSON
        found.mtype, found.mid, found.token = Type.ACK, request.mid, request.token
        self.client.receive(found.encode(), PEER, self.tick)
        self._drain()

    def post(self, said):
        """What it answers a request with, at once."""
        self._mid += 1
        found = aiocoap.Message(code=aiocoap.POST, payload=json.dumps(said).encode(), uri_path=("msgin5g",))
        found.opt.content_format = JSON
        found.mtype, found.mid, found.token = Type.CON, self._mid, b"\x77"
        self.client.receive(found.encode(), PEER, self.tick)
        self._drain()
        answer = self._answers.pop(self._mid)
        assert (answer.mtype, answer.token) == (Type.ACK, b"\x77")
        return answer

    def code(self, said):
        return self.post(said).code.dotted

    def send(self, payload="21.5", **more):
        found = self.client.send(OTHER, payload, self.tick, **more)
        self._drain()
        return found

    def stop(self, **how):
        self.client.stop(self.tick, **how)
        self._drain()


def registered(**config):
    """A Core that is registered for an hour."""
    found = Core(**config)
    if config.get("gateway_service"):
        found.answer(found.next("GWREG"), granted(acceptedTime=3600))
    found.answer(found.next("REG"), granted())
    assert found.client.registered
    return found


def granted(**members):
    return {"oriAddr": {"oriAddrType": "UE", "addr": UE}, "result": True} | members


UE_ID = "urn:imei:35-209900-176148-1"


def documents(data, **more):
    """What the server says, by TS 24.546 clause C.4, with this text as configData."""
    document = {"ueConfigDocId": "1", "valServiceDomain": "example.org", "valUeIds": {"uris": [UE_ID]}} | more
    return [document | {"ueConfigs": [{"configType": "ON_NETWORK", "configData": data}]}]


def configured(said, **config):
    """A Core that knows its UE ID, and was answered this when it asked for its configuration."""
    core = Core(ue_service_id=None, ue_id=UE_ID, **config)
    (request,) = core.requests
    core.requests.clear()
    payload = said if isinstance(said, bytes) else json.dumps(said).encode()
    core.answer(request, payload, aiocoap.CONTENT, content_format=JSON)
    return core
