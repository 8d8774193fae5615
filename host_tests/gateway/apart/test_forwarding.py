# SPDX-License-Identifier: MIT
"""A Gateway UE hands on what is not its own, either way, unchanged (docs/gateway.md). Devices are aiocoap's."""

import json

import aiocoap

from host_tests.gateway.apart import scene
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


def test_a_device_discards_what_waits_at_the_server():
    async def play():
        async with both((A, B)) as (gateway, server), Ue(gateway, A) as a, Ue(gateway, B) as b:
            await a.register()
            await b.register()
            await b.post(b.own("DEREG"))
            msg_id = await a.send(B, "never", sfFlag=True)
            assert (await a.next("MSGRESP"))["DelSta"] == "stored for deferred delivery"
            assert code_of(await a.post(a.own("MSGUPD", msgId=msg_id))) == "2.04"
            assert server.journal.find("discarded", msgId=msg_id)
            assert code_of(await a.post(a.own("MSGUPD", msgId=msg_id))) == "4.04"

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


def test_64_kib_each_way_and_a_segment_that_is_missing():
    """SEGREC and SEGCONFIR name no UE: the gateway knows whose segments they are about."""

    async def play():
        whole = "".join("%07d " % number for number in range(8192))  # 64 KiB
        async with (
            both((A, B)) as (gateway, server),
            Ue(gateway, A) as a,
            ApplicationServer(server, AS) as upper,
        ):
            await upper.register()
            async with Ue(gateway, B) as b:  # another device, which has nothing to do with it
                await b.register()
                await a.register()
                pieces = [whole[at : at + 800] for at in range(0, len(whole), 800)]
                segments = a.segments(AS, pieces, "AS")
                for segment in segments[:40] + segments[41:]:
                    assert await a.code(segment) == "2.04"
                recovery = await a.next("SEGREC")
                assert recovery["segId"] == segments[0]["segParams"]["segId"]
                assert await a.code(segments[40]) == "2.04"
                assert (await upper.next())["payload"] == whole
                assert (await a.next("SEGCONFIR"))["result"] is True
                assert b.inbox.empty()

                await upper.deliver(upper.message(A, whole, delivStReqInd=True))
                got = await a.next("MSG")
                parts = {1: got["payload"]}
                while len(parts) < got["segParams"]["totalSegCount"]:
                    got = await a.next("MSG")
                    parts[got["segParams"]["segNumb"]] = got["payload"]
                assert "".join(parts[number] for number in sorted(parts)) == whole
                set_id = got["segParams"]["segId"]
                # of another device's segments nobody says that they have come
                assert await b.about_set("SEGCONFIR", set_id, result=True) == "4.03"
                assert await a.about_set("SEGCONFIR", set_id, result=True) == "2.04"
                await server.journal.wait("delivered", to=A, confirmed=True)

    run(play())


def test_ways_and_sets_are_known_after_a_restart(tmp_path):
    async def play():
        store = str(tmp_path / "gateway.db")
        async with scene.server(ues=(A, B)) as server:
            async with scene.gateway(server.coap_port, store) as gateway, Ue(gateway, A) as a:
                await a.register()
                segments = a.segments(B, ["one", "two", "three"])
                for segment in (segments[0], segments[2]):
                    assert await a.code(segment) == "2.04"
                south = ("127.0.0.1", gateway.coap_port)
                await gateway.stop()
                async with scene.gateway(server.coap_port, store, south) as gateway:
                    await gateway.journal.wait("upstream-registered")
                    # what the server asks for goes to the device that sent it, before that has said anything
                    assert (await a.next("SEGREC"))["segId"] == segments[0]["segParams"]["segId"]
                    async with Ue(gateway, B) as b:
                        await b.register()
                        assert await a.code(segments[1]) == "2.04"
                        got = [await b.next("MSG")]
                        assert got[0]["payload"] in ("onetwothree", "one")

    run(play())
