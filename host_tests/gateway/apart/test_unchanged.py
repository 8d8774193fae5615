# SPDX-License-Identifier: MIT
"""TS 24.538 clauses 6.3.4.3.1, 6.3.4.3.4, 6.2.3.2: what the Gateway UE forwards, it forwards without any change, and so
it brings what comes back. The server here is aiocoap as it is, and so is the device."""

import asyncio
import contextlib
import json

import aiocoap

from host_tests.conformance.raw import LONG, Peer
from host_tests.gateway.apart.raw_server import SERVICE, A, Server, body, json_of, own
from host_tests.gateway.apart.scene import gateway
from tools.programs.patience import patience, run


@contextlib.asynccontextmanager
async def stage(**options):
    """(device, server), with the gateway between them, which has registered."""
    async with Server() as server, gateway(server.port, **options) as lower:
        await server.request("REG")
        server.heard.clear()
        async with Peer(lower.coap_port) as device:
            assert (await device.ask(own("GWREG", expiredTime=600))).code is aiocoap.CHANGED
            yield device, server


async def registered(device, server):
    server.answer = lambda request: json_of(aiocoap.CHANGED, oriAddr=own("")["oriAddr"], result=True)
    assert (await device.ask(own("REG", urgentTag=True))).code is aiocoap.CHANGED


def test_an_urgent_registration_is_forwarded_without_any_change():
    async def play():
        async with stage() as (device, server):
            server.answer = lambda request: json_of(
                aiocoap.CREATED, oriAddr=own("")["oriAddr"], result=True, regExpTime=77, extra="kept"
            )
            asked = json.dumps(own("REG", urgentTag=True, cliProfile={"x": 1}), indent=2).encode()
            answer = await device.ask(asked, uri_host="server.example.org")
            came = await server.request("REG")
            assert (came.code, came.mtype) == (aiocoap.POST, aiocoap.CON)
            assert came.payload == asked
            assert came.opt.uri_path == ("msgin5g",)
            assert came.opt.content_format == 50
            assert came.opt.uri_host == "server.example.org"
            # and so is the answer
            assert answer.code is aiocoap.CREATED
            assert (answer.opt.content_format, body(answer)["extra"]) == (50, "kept")

    run(play())


def test_message_id_and_token_toward_the_server_are_the_gateways_own():
    """Two devices may have the same ones; each gets its own answer, with its own Message ID and Token."""

    async def play():
        async with stage() as (device, server):
            await registered(device, server)
            async with Peer(device.port) as other:
                await other.ask(own("GWREG"))
                answers = await asyncio.gather(
                    *(each.ask(own("REG", urgentTag=True, n=n)) for n, each in enumerate((device, other)))
                )
            assert [each.code for each in answers] == 2 * [aiocoap.CHANGED]
            keys = [(each.mid, each.token) for each in server.heard]
            assert len(set(keys)) == len(keys) == 3

    run(play())


def test_a_refusal_of_the_server_reaches_the_ue():
    async def play():
        async with stage() as (device, server):
            await registered(device, server)
            server.answer = lambda request: aiocoap.Message(
                code=aiocoap.REQUEST_ENTITY_TOO_LARGE, payload=b"a megabyte at most", size1=1 << 20
            )
            text = {"destAddr": {"destAddrType": "UE", "addr": "ue:b"}, "payload": "x"}
            answer = await device.ask(own("MSG", msgId="6d1b1a4e-6d0f-4b9d-8f0e-0d6a1f6c2a11", **text))
            assert answer.code is aiocoap.REQUEST_ENTITY_TOO_LARGE
            assert (answer.payload, answer.opt.size1) == (b"a megabyte at most", 1 << 20)

    run(play())


def test_a_request_for_a_configuration_is_forwarded_without_any_change():
    """Clause 6.2.3.2: where the gateway does not ask for many at once."""

    async def play():
        async with stage() as (device, server):
            etag = b"\x01\x02\x03\x04\x05\x06\x07\x08"
            response = aiocoap.Message(code=aiocoap.CONTENT, payload=b'[{"ueConfigDocId":"1"}]', max_age=60)
            response.opt.content_format, response.opt.etag = 50, etag
            server.answer = lambda request: response
            path = ("su-uc", "v1", "val-services", SERVICE, "ue-configurations")
            query = ("ue-uri=urn:imei:35-209900-176148-1", "ue-vendor=x")
            answer = await device.request(aiocoap.GET, path, uri_query=query, accept=50, etags=[b"old"])
            came = await server.request(aiocoap.GET)
            assert (came.opt.uri_path, came.opt.uri_query) == (path, query)
            assert (came.opt.accept, tuple(came.opt.etags), came.payload) == (50, (b"old",), b"")
            assert answer.code is aiocoap.CONTENT
            assert (answer.payload, answer.opt.etag, answer.opt.max_age) == (response.payload, etag, 60)

    run(play())


def test_a_request_of_the_server_goes_to_the_ue_and_its_answer_back():
    """Clause 6.4.1.2.7 through a gateway: by the socket that it registered from."""

    async def play():
        async with stage() as (device, server):
            await registered(device, server)
            message = own("MSG", destAddr={"destAddrType": "UE", "addr": A}, msgId="x", payload="down")
            message["oriAddr"]["addr"] = "ue:b"
            pushed = aiocoap.Message(code=aiocoap.POST, payload=json.dumps(message).encode())
            pushed.remote, pushed.opt.uri_path = server.heard[-1].remote.as_response_address(), ("msgin5g",)
            pushed.opt.content_format = 50
            device.code = aiocoap.BAD_REQUEST
            async with patience(LONG):
                answer = await server.context.request(pushed, handle_blockwise=False).response
            assert await device.next() == message
            assert answer.code is aiocoap.BAD_REQUEST

    run(play())


def test_nobody_but_the_server_is_heard_there():
    async def play():
        async with stage() as (device, server):
            await registered(device, server)
            message = own("MSG", destAddr={"destAddrType": "UE", "addr": A}, msgId="x", payload="down")
            pushed = aiocoap.Message(code=aiocoap.POST, payload=json.dumps(message).encode())
            pushed.remote, pushed.opt.uri_path = server.heard[-1].remote.as_response_address(), ("msgin5g",)
            other = await aiocoap.Context.create_client_context(transports=["udp6"])
            try:
                # a Reset: there is nobody for it
                failed = await asyncio.wait(
                    [other.request(pushed, handle_blockwise=False).response], timeout=LONG
                )
                error = failed[0].pop().exception()
                assert isinstance(error, aiocoap.error.MessageError), error
            finally:
                await other.shutdown()
            assert device.inbox.empty()

    run(play())
