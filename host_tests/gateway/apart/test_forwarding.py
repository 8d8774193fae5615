# SPDX-License-Identifier: MIT
"""A Gateway UE hands on what is not its own, either way, unchanged (docs/gateway.md). Devices are aiocoap's."""

import json

import aiocoap

from host_tests.gateway.apart.scene import GATEWAY, both
from host_tests.gateway.scripted import ApplicationServer, Ue, code_of, run

A, B = "ue:a@example.org", "ue:b@example.org"
AS = "as:weather@example.org"


def test_the_gateway_registers_and_its_devices_through_it():
    async def play():
        async with both((A, B)) as (gateway, server), Ue(gateway, A) as a, Ue(gateway, B) as b:
            assert (await a.register())["result"] is True
            await b.register()
            registered = server.journal.find("registered", ue=A)[0]
            assert registered["via"] == GATEWAY
            msg_id = await a.send(B, "hello", isDelivStatReq=True)
            got = await b.next("MSG")
            assert (got["msgId"], got["payload"], got["oriAddr"]["addr"]) == (msg_id, "hello", A)
            assert await b.report(got) == "2.04"
            assert (await a.next("IMDN"))["msgId"] == msg_id
            assert json.loads((await a.post(a.own("DEREG"))).payload)["result"] is True
            await server.journal.wait("deregistered", ue=A)

    run(play())


def test_codes_and_words_of_the_server_and_of_the_device_come_through():
    async def play():
        async with both((A, B)) as (gateway, server), Ue(gateway, A) as a, Ue(gateway, B) as b:
            answer = await a.post(a.msg(B, "not registered yet"))
            assert code_of(answer) == "4.01"
            await a.register()
            await b.register()
            answer = await a.post(a.msg(B, "x", msgId="no uuid"))
            assert code_of(answer) == "4.00" and b"msgId" in answer.payload
            assert code_of(await a.post(a.msg(B, "x"), path="elsewhere")) == "4.04"
            # the device refuses for good: its originator hears the device's own words
            b.answer = lambda body: aiocoap.Message(code=aiocoap.BAD_REQUEST, payload=b"no taste for it")
            msg_id = await a.send(B, "hello", sfFlag=False)
            response = await a.next("MSGRESP")
            assert (response["msgId"], response["DelSta"]) == (msg_id, "failure")
            assert "4.00 no taste for it" in response["Cause"]

    run(play())


def test_an_application_server_reaches_a_device_behind_the_gateway():
    async def play():
        async with (
            both((A,)) as (gateway, server),
            Ue(gateway, A) as a,
            ApplicationServer(server, AS) as upper,
        ):
            await upper.register()
            await a.register()
            await upper.deliver(upper.message(A, "open the valve", delivStReqInd=True))
            got = await a.next("MSG")
            assert got["payload"] == "open the valve"
            await a.report(got)
            assert (await upper.next())["delivSt"] == "REPT_DELY_SUCCESS"
            await a.send(AS, "it is open", "AS")
            assert (await upper.next())["payload"] == "it is open"

    run(play())
