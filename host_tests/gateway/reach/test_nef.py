# SPDX-License-Identifier: MIT
"""The emulated exposure function of `tools/demo`, and a gateway that asks it."""

import asyncio
import json

import aiohttp

from host_tests.conformance.server.messages.reach.moved import udp_port
from host_tests.gateway.scripted import Ue, gateway, run
from tools.demo.nef import Nef
from tools.programs.patience import patience

UE_ID, NUMBER = "device-7@example.org", "4915112345678"


async def away(ue, ue_id, port):
    await ue.register(cliProfile={"triInfo": {"ueId": ue_id, "cliPort": str(port)}})
    assert await ue.code(ue.own("DEREG")) == "2.04"


def test_a_trigger_is_brought_to_the_device_as_a_datagram():
    async def main():
        with udp_port() as (heard, port):
            async with (
                Nef({UE_ID: "127.0.0.1", NUMBER: "127.0.0.1"}) as nef,
                gateway(exposure=nef.uri) as g,
                Ue(g, "ue:a") as a,
                Ue(g, "ue:b") as b,
                Ue(g, "ue:c") as c,
            ):
                await a.register()
                for ue, ue_id in ((b, UE_ID), (c, "tel:+" + NUMBER)):
                    await away(ue, ue_id, port)
                    await a.send(ue.name, "while you are away", sfFlag=True)
                    async with patience(20):
                        octets = await asyncio.get_running_loop().sock_recv(heard, 2048)
                    assert json.loads(octets) == {"msgIden": "urn:3gpp:msgin5g", "purpose": "register"}
                    await g.journal.wait("triggered", ue=ue.name, by="exposure")
                    assert (await g.journal.wait("trigger-reported", ue=ue.name))["result"] == "SUCCESS"
                    await ue.register()
                    assert (await ue.next("MSG"))["payload"] == "while you are away"

    run(main())


def test_a_device_that_can_be_reached_is_reported_and_gets_what_waits():
    async def main():
        async with (
            Nef({UE_ID: "127.0.0.1"}) as nef,
            gateway(exposure=nef.uri, retry_min=300, retry_max=300) as g,
            Ue(g, "ue:a") as a,
            Ue(g, "ue:b") as b,
        ):
            await a.register()
            await b.register(cliProfile={"triInfo": {"ueId": UE_ID, "cliPort": "4711"}})
            b.answer = lambda body: None
            await a.send("ue:b", "in your silence")
            link = (await g.journal.wait("monitored", ue="ue:b"))["at"]
            assert link.startswith(nef.uri)
            assert g.snapshot()["monitored"] == [{"ue": "ue:b", "at": link}]
            b.answer = Ue(g, "x").answer
            await nef.is_reachable(UE_ID)
            assert (await b.next("MSG"))["payload"] == "in your silence"
            assert g.snapshot()["monitored"] == []

    run(main())


def test_it_knows_who_is_in_its_network_and_ends_what_it_is_told_to():
    async def main():
        async with Nef({UE_ID: "127.0.0.1"}) as nef, aiohttp.ClientSession(nef.uri) as http:
            for path in (
                "/3gpp-device-triggering/v1/x/transactions",
                "/3gpp-monitoring-event/v1/x/subscriptions",
            ):
                async with http.post(path, json={"externalId": "nobody@example.org"}) as response:
                    assert response.status == 404
            body = {"externalId": UE_ID, "notificationDestination": "http://127.0.0.1:9/"}
            async with http.post("/3gpp-monitoring-event/v1/x/subscriptions", json=body) as response:
                link = response.headers["Location"]
            for status in (204, 404):
                async with http.delete(link) as response:
                    assert response.status == status
            await nef.is_reachable(UE_ID)  # nobody is told any more

    run(main())


GOOD = {
    "externalId": UE_ID,
    "applicationPortId": 4711,
    "triggerPayload": "e30=",
    "notificationDestination": "http://127.0.0.1:9/",
}


def test_what_it_cannot_do_is_answered_with_4xx():
    wrong = [b"{", b"[]", b"7", b"\xff"]
    for member, values in {
        "externalId": [7, [], None],
        "applicationPortId": [0, 65536, 2**70, "x", None, True, 1.5],
        "triggerPayload": [5, "%", None, {}],
        "notificationDestination": [None, 5, "no URI"],
    }.items():
        wrong += [json.dumps(GOOD | {member: value}).encode() for value in values]

    async def main():
        async with Nef({UE_ID: "127.0.0.1"}) as nef, aiohttp.ClientSession(nef.uri) as http:
            for octets in wrong:
                async with http.post("/3gpp-device-triggering/v1/x/transactions", data=octets) as response:
                    assert response.status in (400, 404), octets
            for octets in wrong[:4]:
                async with http.post("/3gpp-monitoring-event/v1/x/subscriptions", data=octets) as response:
                    assert response.status == 400
            # Who asked is not there any more: the trigger went out all the same.
            async with http.post("/3gpp-device-triggering/v1/x/transactions", json=GOOD) as response:
                assert response.status == 201

    run(main())
