# SPDX-License-Identifier: MIT
"""Servers that are peers of each other (MSGin5G-8), and one that is played by aiohttp."""

import asyncio
import json

import aiohttp
from aiohttp import web

from host_tests.gateway.scripted import LONG, new_id
from tools.programs.patience import patience
from tools.store.server.peertables import SERVER, PeerServer

DELIVERY = "/msgs-msgdelivery/v1/deliver-"
EVENT = "/msgs-topiclistevent/v1/"


def introduce(store, domain, uri, own="", token=None, topics="no"):
    """As `peer add` does; the token that this peer speaks with."""
    with store.transaction():
        store.set_peer(PeerServer(domain, uri, token, own, topics))
        return store.add_peer_token(SERVER, domain)[0]


def pair(one, other, topics="no", names=("a.example", "b.example")):
    """Makes two running gateways peers."""
    uris = ["http://127.0.0.1:%d" % each.http_port for each in (one, other)]
    token = introduce(one.store, names[1], uris[1], names[0], topics=topics)
    its = introduce(other.store, names[0], uris[0], names[1], token, topics)
    with one.store.transaction():
        one.store.set_peer(PeerServer(names[1], uris[1], its, names[0], topics))


class RawServer:
    """An MSGin5G Server of b.example by aiohttp: `inbox` holds (path, body, headers) of what was posted to it, each
    answered by `answer(path, body)`: a status, or a status and a JSON object."""

    def __init__(self, gateway, domain="b.example", topics="no", own="a.example"):
        self.gateway, self.domain, self.topics, self.own = gateway, domain, topics, own
        self.inbox = asyncio.Queue()
        self.answer = lambda path, body: 204

    async def __aenter__(self):
        app = web.Application()
        app.router.add_post("/{path:.*}", self._in)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.uri = "http://127.0.0.1:%d" % self._runner.addresses[0][1]
        self.token = introduce(self.gateway.store, self.domain, self.uri, self.own, "our token", self.topics)
        self.http = aiohttp.ClientSession("http://127.0.0.1:%d" % self.gateway.http_port)
        return self

    async def __aexit__(self, *exception):
        await self.http.close()
        await self._runner.cleanup()

    async def _in(self, request):
        body = await request.json()
        answer = self.answer(request.path, body)
        self.inbox.put_nowait((request.path, body, request.headers))
        if isinstance(answer, int):
            return web.Response(status=answer)
        status, said, *headers = answer
        return web.json_response(said, status=status, headers=headers[0] if headers else None)

    async def next(self):
        async with patience(LONG):
            return await self.inbox.get()

    async def post(self, path, body, token=None):
        """(status, JSON body or None, headers); the path as in a URI of the gateway's."""
        headers = {"Authorization": "Bearer " + (self.token if token is None else token)}
        path = path.removeprefix("http://127.0.0.1:%d" % self.gateway.http_port)
        async with self.http.post(path, json=body, headers=headers if token != "" else None) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None, response.headers

    def message(self, from_, to, payload="1", to_type="UE", from_type="UE", **members):
        return {
            "oriAddr": {"addrType": from_type, "addr": from_},
            "destAddr": {"addrType": to_type, "addr": to},
            "msgId": new_id(),
            "stoAndFwInd": False,
            "payload": payload,
        } | members
