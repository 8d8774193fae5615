# SPDX-License-Identifier: MIT
"""A message gateway of TS 29.538 that knows nothing of our code: aiohttp that keeps what it is posted, and the data
types of that specification written down once more."""

import asyncio
import contextlib
import json

import aiohttp
from aiohttp import web

from host_tests.conformance.raw import LONG, Peer
from host_tests.conformance.server.registering import GW, A, own, provisioned
from host_tests.gateway.scripted import Journal
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.page.events import Events
from tools.programs.patience import patience
from tools.server.settings import Settings

PHONE, METER = "ue:phone@sms.example.org", "ue:meter@lwm2m.example.org"
AREA, AS = "area:town", "as:weather@example.org"
ID = "0b5b5f38-3c0a-4dd7-8a44-1d2f3a4b5c%02x"
ASK = "/msgs-msgdelivery/v1/"

ADDRESS = {"addrType!": ("UE", "AS", "GROUP", "BC", "TOPIC"), "addr!": str}
SEGMENT = {"segId": str, "totalSegCount": int, "segNumb": int, "lastSegFlag": bool}
# L3gMessageDelivery, N3gMessageDelivery: "!" is required.
DELIVERY = {
    "oriAddr!": ADDRESS,
    "destAddr!": ADDRESS,
    "msgId!": str,
    "appId": str,
    "delivStReqInd": bool,
    "payload": str,
    "segInd": bool,
    "segParams": SEGMENT,
}
BROADCAST = DELIVERY | {"priority": ("HIGH", "MIDDLE", "LOW")}
REPORT = {
    "oriAddr!": ADDRESS,
    "destAddr!": ADDRESS,
    "msgId!": str,
    "delivSt!": ("REPT_DELY_SUCCESS", "REPT_DELY_FAILED"),
    "failureCause": str,
}
TYPES = {
    "/msgg-l3gdelivery/v1/deliver-message": DELIVERY,
    "/msgg-n3gdelivery/v1/deliver-message": DELIVERY,
    "/msgg-l3gdelivery/v1/deliver-report": REPORT,
    "/msgg-n3gdelivery/v1/deliver-report": REPORT,
    "/msgg-bgdelivery/v1/deliver-message": BROADCAST,
}


def fits(value, type_):
    """Whether a JSON value is of one of these types, with no other members than they name."""
    if isinstance(type_, tuple):
        return value in type_
    if not isinstance(type_, dict):
        return type(value) is type_
    members = {name.rstrip("!"): each for name, each in type_.items()}
    needed = {name[:-1] for name in type_ if name.endswith("!")}
    return (
        isinstance(value, dict)
        and needed <= value.keys() <= members.keys()
        and all(fits(each, members[name]) for name, each in value.items())
    )


class Stub:
    """`inbox`: (path, body) of each POST; `answers`: the responses to the next ones, then 204."""

    def __init__(self):
        self.inbox = asyncio.Queue()
        self.answers = []

    async def __aenter__(self):
        app = web.Application(client_max_size=1 << 22)
        app.router.add_route("*", "/{path:.*}", self._posted)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.uri = "http://127.0.0.1:%d/api" % self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exception):
        await self._runner.cleanup()

    async def _posted(self, request):
        assert request.method == "POST"
        assert request.headers["Content-Type"] == "application/json"
        self.inbox.put_nowait((request.path.removeprefix("/api"), await request.json()))
        status, body = self.answers.pop(0) if self.answers else (204, None)
        if body is None:
            return web.Response(status=status)
        return web.json_response(body, status=status, content_type="application/problem+json")

    async def next(self):
        """(path, body) of the next POST, once it is what TS 29.538 says."""
        async with patience(LONG):
            path, body = await self.inbox.get()
        assert fits(body, TYPES[path]), (path, body)
        return path, body


def address(kind, id_):
    return {"addrType": kind, "addr": id_}


def problem(status, detail):
    return status, {"title": "none", "status": status, "detail": detail}


class Scene:
    def __init__(self, server, journal, gateway, display, stub, session, tokens):
        self.server, self.journal, self.stub = server, journal, stub
        self.gateway, self.display = gateway, display  # UEs that are registered: GW and A
        self._http = session
        self._tokens = tokens

    async def post(self, path, body, by="L3G"):
        """(status, JSON) of a POST to the server with the token of this one."""
        headers = {"Content-Type": "application/json"}
        if by:
            headers["Authorization"] = "Bearer " + self._tokens[by]
        url = "http://127.0.0.1:%d%s" % (self.server.http_port, path)
        async with self._http.post(url, data=json.dumps(body), headers=headers) as response:
            return response.status, await response.json(content_type=None)

    def message(self, to, number=1, kind="UE", origin=PHONE, **members):
        """UEMessageDelivery."""
        body = {"oriAddr": address("UE", origin), "destAddr": address(kind, to), "msgId": ID % number}
        return body | {"stoAndFwInd": False, "payload": "hello"} | members


@contextlib.asynccontextmanager
async def scene(folder, **more):
    """A server with UEs GW and A, which are registered, and one Stub for all its message gateways."""
    path, _ = provisioned(folder, "none")
    async with contextlib.AsyncExitStack() as stack:
        stub = await stack.enter_async_context(Stub())
        settings = Settings(retry_min=0.05, retry_max=0.2, broadcast_gateways=((AREA, stub.uri),), **more)
        events = Events()
        journal = Journal(events)
        options = Options(
            settings, ("127.0.0.1", 0), ("127.0.0.1", 0), path, ack_timeout=0.2, security="none"
        )
        server = await stack.enter_async_context(ServerProgram(options, events))
        tokens = {}
        with server.store.transaction():
            for kind, domain in (("L3G", "@sms.example.org"), ("N3G", "@lwm2m.example.org")):
                server.store.add_message_gateway(kind, "mgw:" + kind, stub.uri, [domain])
                tokens[kind], _ = server.store.add_peer_token(kind, "mgw:" + kind)
            server.store.add_broadcaster(GW)
        peers = []
        for ue in (GW, A):
            peers.append(await stack.enter_async_context(Peer(server.coap_port)))
            answer = await peers[-1].ask(own("REG", ue))
            assert json.loads(answer.payload)["result"] is True
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield Scene(server, journal, *peers, stub, session, tokens)
