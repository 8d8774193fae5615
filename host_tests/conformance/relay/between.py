# SPDX-License-Identifier: MIT
"""A relay between raw aiocoap as a device and raw aiocoap as the server."""

import contextlib

import aiocoap
from aiocoap import resource

from tools.gateway.running.relay.relay import Options, Relay
from tools.page.events import Events
from tools.programs.patience import patience


class Server(resource.Resource):
    """What it was asked, and what it answers."""

    def __init__(self, answer):
        super().__init__()
        self.asked = []
        self._answer = answer

    async def render(self, request):
        self.asked.append(request)
        return self._answer


@contextlib.asynccontextmanager
async def relayed(path, answer):
    """(server, ask(Message) through the relay)"""
    site, server = resource.Site(), Server(answer)
    site.add_resource(path, server)
    there = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", 0), transports=["udp6"])
    port = there.request_interfaces[0].token_interface.message_interface._local_port()
    device = await aiocoap.Context.create_client_context(transports=["udp6"])
    try:
        async with Relay(Options(("127.0.0.1", 0), ("127.0.0.1", port)), Events()) as relay:

            async def ask(message):
                message.unresolved_remote = "127.0.0.1:%d" % relay.port
                message.opt.uri_path = path
                async with patience(20):
                    return await device.request(message).response

            yield server, ask
    finally:
        await device.shutdown()
        await there.shutdown()
