# SPDX-License-Identifier: MIT
"""The page of a gateway that runs, asked as a browser asks it; and a device whose datagrams are made by hand."""

import asyncio
import contextlib
import json
import socket
from urllib.parse import quote

import aiocoap
import aiohttp

from host_tests.gateway.scripted import SERVICE, ApplicationServer, Ue, gateway
from tools.programs.patience import patience
from tools.store.server.bundletables import StoredBundle
from tools.store.server.updatetables import Plan

SENSOR, WEATHER = "ue:sensor-1@example.org", "as:weather@example.org"
AWAY = "ue:sensor-2@example.org"  # known, and not registered
LONG = 20  # seconds until a test that waits for an event has failed


class Page:
    """`async with Page(gateway) as page:`"""

    def __init__(self, gateway):
        self._url = "http://127.0.0.1:%d" % gateway.http_port

    async def __aenter__(self):
        self.http = await aiohttp.ClientSession(self._url).__aenter__()
        return self

    async def __aexit__(self, *exception):
        await self.http.close()

    async def get(self, path, status=200):
        """The JSON of an answer."""
        async with self.http.get(path) as response:
            assert response.status == status, await response.text()
            return json.loads(await response.read())

    async def device(self, ue):
        return await self.get("/api/devices/" + quote(ue, safe=""))

    async def life(self, origin, msg_id):
        return await self.get("/api/messages/%s/%s" % (quote(origin, safe=""), msg_id))

    async def payload(self, origin, msg_id):
        """(status, octets)"""
        async with self.http.get(
            "/api/messages/%s/%s/payload" % (quote(origin, safe=""), msg_id)
        ) as response:
            return response.status, await response.read()

    async def send(self, **body):
        async with self.http.post("/api/send", json=body) as response:
            assert response.status == 202, await response.text()
            return await response.json()

    @contextlib.asynccontextmanager
    async def live(self, after=None, **headers):
        """An async iterator of (event, data, id or None); heartbeats are ("", None, None)."""
        query = "" if after is None else "?after=%d" % after
        async with self.http.get("/live" + query, headers=headers) as response:
            assert response.status == 200 and response.content_type == "text/event-stream"
            yield _frames(response.content)


async def _frames(content):
    async with patience(LONG):
        while octets := await content.readuntil(b"\n\n"):
            lines = [line.partition(": ") for line in octets.decode().splitlines() if line]
            fields = {name: value for name, _, value in lines}
            if "retry" in fields:
                continue
            data = json.loads(fields["data"]) if "data" in fields else None
            number = int(fields["id"]) if "id" in fields else None
            yield fields.get("event", ""), data, number


@contextlib.asynccontextmanager
async def three():
    """A gateway and who is there: (it, SENSOR, AWAY, WEATHER)"""
    async with (
        gateway() as g,
        Ue(g, SENSOR) as ue,
        Ue(g, AWAY) as away,
        ApplicationServer(g, WEATHER) as as_,
    ):
        await ue.register()
        await away.register()
        assert await away.code(away.own("DEREG")) == "2.04"
        await as_.register()
        yield g, ue, away, as_


def sent_update(g, ues=(SENSOR, AWAY), now=1_796_050_000.5, name="garden"):
    """The number of an update of these devices, which has not begun: the server does nothing by itself."""
    g.server.updates.work, store = lambda now, pushes: None, g.store
    bundle = StoredBundle("5f2b09c41d8e73a6", "app", name, "1.4", 1_796_000_000, 600, 20480)
    with store.transaction():
        store.add_bundle(bundle, b"manifest", b"signature", bytes(20480), now)
        return store.add_update(bundle, ues, Plan(), now)


def update_goes_on(g, job, ue, state, cause="", have=0, now=1_796_050_010.5):
    """What a server writes, and tells, when it hears from a device."""
    with g.store.transaction():
        g.store.change_update_device(job, ue, state=state, cause=cause, have=have, changed=now)
    g.events.emit("update", job=job, ue=ue, state=state, cause=cause, have=have, of=20480)


def steps(life):
    """(who, to, what, state) of each step."""
    return [(step["who"], step["to"], step["what"], step["state"]) for step in life["steps"]]


class Bare:
    """A device that says what the test says. `await hear()` gives the next request to it."""

    def __init__(self, gateway, name):
        self.name = name
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", gateway.coap_port))
        self._socket.setblocking(False)
        self._mid = 100

    def close(self):
        self._socket.close()

    def say(self, octets):
        self._socket.send(octets)

    async def read(self):
        async with patience(LONG):
            octets = await asyncio.get_running_loop().sock_recv(self._socket, 2048)
        return aiocoap.Message.decode(octets)

    async def hear(self):
        """The next request; what answers requests of ours is passed over."""
        while True:
            message = await self.read()
            if message.code.is_request():
                return message

    async def post(self, body):
        """The octets of a POST of this body, which was answered with 2.04."""
        self._mid += 1
        # RFC 7252 section 3: version 1, CON, a token of 1 octet; POST; message ID; Uri-Path "msgin5g"
        head = bytes([0x41, 0x02, 0, self._mid, 7, 0xB7]) + b"msgin5g"
        octets = head + b"\xff" + json.dumps(body).encode()
        self.say(octets)
        while (await self.read()).code is not aiocoap.CHANGED:
            pass  # a request that came before the answer
        return octets

    async def register(self):
        body = {"msgIden": SERVICE, "msgType": "REG", "oriAddr": {"oriAddrType": "UE", "addr": self.name}}
        return await self.post(body)

    def acknowledge(self, request, code=0x44):
        """A piggybacked 2.04, or with code 0 an empty ACK."""
        token = request.token if code else b""
        self.say(bytes([0x60 | len(token), code]) + request.mid.to_bytes(2, "big") + token)

    def respond(self, request, mid=9):
        """A separate 2.04, non-confirmable."""
        self.say(bytes([0x50 | len(request.token), 0x44]) + mid.to_bytes(2, "big") + request.token)
