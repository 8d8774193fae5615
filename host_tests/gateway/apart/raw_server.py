# SPDX-License-Identifier: MIT
"""A server that knows nothing of MSGin5G: aiocoap as it is, in the place of the one that a Gateway UE registers at."""

import asyncio
import json

import aiocoap
from aiocoap import resource

from host_tests.conformance.raw import LONG
from host_tests.gateway.apart.scene import GATEWAY
from tools.programs.patience import patience

A = "ue:a@example.org"
SERVICE = "urn:3gpp:msgin5g"


class Server(resource.Resource):
    """`heard` holds aiocoap's requests, each path and method; `answer(body)` makes the response."""

    def __init__(self):
        super().__init__()
        self.heard = []
        self.changed = asyncio.Event()
        self.answer = lambda request: aiocoap.Message(code=aiocoap.CHANGED)

    async def __aenter__(self):
        self.context = await aiocoap.Context.create_server_context(
            self, bind=("127.0.0.1", 0), transports=["udp6"]
        )
        interface = self.context.request_interfaces[0].token_interface.message_interface
        self.port = interface.transport.get_extra_info("socket").getsockname()[1]
        return self

    async def __aexit__(self, *exception):
        await self.context.shutdown()

    async def render(self, request):
        self.heard.append(request)
        self.changed.set()
        if body(request).get("oriAddr", {}).get("addr") == GATEWAY:
            return json_of(aiocoap.CHANGED, oriAddr=body(request)["oriAddr"], result=True, regExpTime=600)
        return self.answer(request)

    async def request(self, kind):
        """The first one of that msgType, or code."""
        async with patience(LONG):
            while True:
                for each in self.heard:
                    if kind in (body(each).get("msgType"), each.code):
                        return each
                self.changed.clear()
                await self.changed.wait()


def body(message):
    return json.loads(message.payload) if message.payload else {}


def json_of(code, **members):
    message = aiocoap.Message(code=code, payload=json.dumps(members).encode())
    message.opt.content_format = 50
    return message


def own(kind, **members):
    head = {"msgIden": SERVICE, "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": A}}
    return head | members
