# SPDX-License-Identifier: MIT
"""Which members of a body may be left out: each is, and whoever gets it is asked whether it understands the rest."""

import functools
import itertools
import json
import uuid

import aiocoap

from tools.project.worked.devices import NOON, Client, Config, MemoryStorage
from tools.server.server import Server
from tools.server.settings import Settings
from tools.store.store import Store
from tools.wire.identity import Peer

JSON = 50
HERE = Peer("192.0.2.1", 40000)
BAD = "4.00"  # what a body without a member gets that it needs


def optional(shown):
    """The members that may be left out of the request of a Shown, in order, as "cliProfile.comAvail"; those that stand
    in one that may be left out, too. None where the request is no body of clause 7.3."""
    message = aiocoap.Message.decode(shown.request)
    if int(message.code) != int(aiocoap.POST) or message.opt.uri_path != ("msgin5g",):
        return None
    body = json.loads(message.payload)
    if body["msgType"] == "GWREG" or " " in body["msgType"] or "appId" in body and "oriAddr" not in body:
        return None
    understands = _server(body) if shown.recipient in ("gateway", "server") else _device(body)
    if understands is None or not understands(body):
        return None
    return [".".join(path) for path in _paths(body) if understands(_without(body, path))]


def _paths(value, before=()):
    for name, each in value.items():
        yield (*before, name)
        if isinstance(each, dict):
            yield from _paths(each, (*before, name))


def _without(body, path):
    made = json.loads(json.dumps(body))
    inner = made
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return made


@functools.cache
def _a_server():
    server = Server(Store(":memory:"), Settings(open=True, rate=1e9), lambda event, **about: None)
    server.start(NOON)
    return server


def _server(body):
    """Whether a server that knows all who take part understands another body; each time it is another message."""
    names = {
        body.get("oriAddr", {}).get("addr", "ue:a@example.org"),
        body.get("destAddr", {}).get("addr"),
    } - {None}

    def understands(changed):
        for name in sorted(names):  # the one before may have been a DEREG
            ask(
                {
                    "msgIden": "urn:3gpp:msgin5g",
                    "msgType": "REG",
                    "oriAddr": {"oriAddrType": "UE", "addr": name},
                }
            )
        if "msgId" in changed:
            changed = changed | {"msgId": str(uuid.uuid4())}
        return ask(changed) != BAD

    def ask(asked):
        return _a_server().request(HERE, JSON, json.dumps(asked).encode(), NOON).code

    return understands


def _device(body):
    """The same of the device that it is for."""
    to = body.get("destAddr") or body.get("oriAddr") or {}  # REGRESP and MSGRESP name the UE that asked
    name = "ue:a@example.org" if to.get("destAddrType") == "BC" else to.get("addr", "ue:a@example.org")

    config = {
        "role": "client",
        "ue_service_id": name,
        "peer": "coap://192.0.2.1",
        "security": {"mode": "none"},
    }
    client = Client(Config(config), MemoryStorage(), bytes)
    count = itertools.count(1)

    def understands(changed):
        if "msgId" in changed:
            changed = changed | {"msgId": str(uuid.uuid4())}
        request = aiocoap.Message(code=aiocoap.POST, payload=json.dumps(changed).encode())
        request.mtype, request.mid = aiocoap.CON, next(count)
        request.opt.uri_path, request.opt.content_format = ("msgin5g",), JSON
        client.receive(request.encode(), ("192.0.2.1", 65401), 0)
        answer = aiocoap.Message.decode(bytes(client.outgoing()[0]))
        return "%d.%02d" % divmod(int(answer.code), 32) != BAD

    return understands
