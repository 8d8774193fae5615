# SPDX-License-Identifier: MIT
"""TS 24.538 clauses 6.2.2 and 6.3.3, configuration and registration through a Relay UE, which relays and does no more:
raw aiocoap as the device and as the server."""

import contextlib
import json

import aiocoap
from aiocoap import resource

from tools.gateway.running.relay.relay import Options, Relay
from tools.page.events import Events
from tools.programs.patience import patience, run

REG = {
    "msgIden": "urn:3gpp:msgin5g",
    "msgType": "REG",
    "oriAddr": {"oriAddrType": "UE", "addr": "ue:a@example.org"},
}
DOCUMENTS = [{"ueConfigDocId": "3f2a", "ueConfigs": []}]


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


def test_6_2_2_the_get_of_the_configuration_and_its_answer_pass():
    path = ("su-uc", "v1", "val-services", "urn:3gpp:msgin5g", "ue-configurations")

    async def story():
        content = aiocoap.Message(
            code=aiocoap.CONTENT, payload=json.dumps(DOCUMENTS).encode(), content_format=50, etag=b"12345678"
        )
        async with relayed(path, content) as (server, ask):
            answer = await ask(
                aiocoap.Message(code=aiocoap.GET, uri_query=("ue-uri=urn:imei:35",), accept=50)
            )
            (asked,) = server.asked
            assert asked.code == aiocoap.GET  # at that path, which aiocoap takes off
            assert asked.opt.uri_query == ("ue-uri=urn:imei:35",) and asked.opt.accept == 50
            assert (answer.code, answer.opt.content_format) == (aiocoap.CONTENT, 50)
            assert answer.opt.etag == b"12345678"
            assert json.loads(answer.payload) == DOCUMENTS

    run(story())


def test_6_2_2_a_refusal_of_the_configuration_passes():
    path = ("su-uc", "v1", "val-services", "urn:3gpp:msgin5g", "ue-configurations")

    async def story():
        for code in (aiocoap.FORBIDDEN, aiocoap.NOT_FOUND):
            async with relayed(path, aiocoap.Message(code=code, payload=b"why")) as (_, ask):
                answer = await ask(aiocoap.Message(code=aiocoap.GET, uri_query=("ue-uri=x",)))
                assert (answer.code, answer.payload) == (code, b"why")

    run(story())


def test_6_3_3_the_registration_and_its_answer_pass():
    async def story():
        granted = {"oriAddr": REG["oriAddr"], "result": True, "regExpTime": 3600}
        changed = aiocoap.Message(
            code=aiocoap.CHANGED, payload=json.dumps(granted).encode(), content_format=50
        )
        async with relayed(("msgin5g",), changed) as (server, ask):
            answer = await ask(
                aiocoap.Message(code=aiocoap.POST, payload=json.dumps(REG).encode(), content_format=50)
            )
            (asked,) = server.asked
            assert json.loads(asked.payload) == REG and asked.opt.content_format == 50
            assert (answer.code, json.loads(answer.payload)) == (aiocoap.CHANGED, granted)

    run(story())
