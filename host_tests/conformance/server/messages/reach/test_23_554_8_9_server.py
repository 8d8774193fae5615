# SPDX-License-Identifier: MIT
"""TS 23.554 clause 8.9, reachability and device triggering, at the MSGin5G Server, by the APIs of TS 29.122: UE
reachability status monitoring (8.9.2) and device triggering (8.9.3). The network's exposure function is aiohttp
as it is, the UE aiocoap; the server's clock is moved."""

import asyncio
import base64
import json
import re

import pytest

from host_tests.conformance.raw import Peer
from host_tests.conformance.rawhttp import HttpPeer
from host_tests.conformance.server.messages.reach.moved import UE_ID, scene, udp_port
from host_tests.conformance.server.registering import GW, A, msg, own
from tools.programs.patience import patience, run

MODULES = (
    "tools/server/procedures/reach/monitoring.py",
    "tools/server/procedures/reach/triggering.py",
    "tools/server/delivery/exposure.py",
    "tools/store/server/exposuretables.py",
    "tools/transport/departure/datagram.py",
)
INFO = {
    "ueId": UE_ID,
    "cliPorts": [{"portNum": 7, "Protocol": "SMS"}, {"portNum": 4711, "Protocol": "OTHER"}],
}
SUBSCRIPTIONS = "/3gpp-monitoring-event/v1/msgin5g/subscriptions"
TRANSACTIONS = "/3gpp-device-triggering/v1/msgin5g/transactions"
REPORT = {"monitoringType": "UE_REACHABILITY", "reachabilityType": "DATA"}


class Nef(HttpPeer):
    def __init__(self):
        super().__init__("")
        self.status = 201

    async def asked(self, path):
        """The body of the next request, which is to be on this path."""
        found, body = await self.next()
        assert found == path
        return body

    async def tell(self, body, **said):
        """What is answered to a notification of ours, (status, JSON)."""
        assert body["notificationDestination"].startswith("http://")
        status, answer, _ = await self.ask("POST", body["notificationDestination"], said)
        return status, answer


async def silent(it, nef, **more):
    """A message for the UE, which does not answer; the body of the subscription that follows."""
    nef.said = {"self": nef.uri + SUBSCRIPTIONS + "/77", "monitoringType": "UE_REACHABILITY"}
    async with Peer(it.server.coap_port) as mute:  # nobody is at its port afterwards
        await it.registers(mute, A, triInfo=INFO)
    assert await it.sender.code_of(msg(GW, A, **more)) == "2.04"
    return await nef.asked(SUBSCRIPTIONS)


# ---- 8.9.2 -----------------------------------------------------------------------------------------------------------


def test_8_9_2_2_a_ue_that_does_not_answer_is_monitored_once(tmp_path):
    """One-time: one report, and no duration."""

    async def talk():
        async with Nef() as nef, scene(tmp_path, exposure=nef.uri) as it:
            body = await silent(it, nef)
            assert body.pop("notificationDestination").startswith("http://127.0.0.1:")
            assert body == {
                "externalId": UE_ID,
                "monitoringType": "UE_REACHABILITY",
                "reachabilityType": "DATA",
                "maximumNumberOfReports": 1,
            }
            await it.journal.wait("monitored", ue=A, at=nef.uri + SUBSCRIPTIONS + "/77")
            await it.journal.wait("retry", 3, to=A)
            assert nef.inbox.empty()

    run(talk())


def test_8_9_2_3_its_notification_makes_what_waits_due(tmp_path):
    async def talk():
        async with Nef() as nef, scene(tmp_path, exposure=nef.uri) as it:
            body = await silent(it, nef)
            subscription = nef.said["self"]
            before = len(it.journal.find("retry", to=A))
            answer = await nef.tell(body, subscription=subscription, monitoringEventReports=[REPORT])
            assert answer == (204, None)
            await it.journal.wait("reachable", ue=A)
            await it.journal.wait("retry", before + 1, to=A)  # it was tried, and is silent again
            assert (await nef.asked(SUBSCRIPTIONS))["externalId"] == UE_ID

    run(talk())


@pytest.mark.parametrize("end", ["expiry", "de-registration"])
def test_8_9_2_4_it_is_ended_with_the_registration(tmp_path, end):
    async def talk():
        async with Nef() as nef, scene(tmp_path, exposure=nef.uri) as it:
            await silent(it, nef)
            await it.journal.wait("monitored", ue=A)
            nef.status, nef.said = 204, None
            if end == "expiry":
                it.later(86400)
            else:
                assert await it.sleeper.code_of(own("DEREG", A)) == "2.04"
            assert await nef.next() == (SUBSCRIPTIONS + "/77", None)
            assert nef.methods == ["POST", "DELETE"]
            await it.journal.wait("monitoring-ended", ue=A)

    run(talk())


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_what_the_network_does_not_do_is_asked_again_and_messages_go_on(tmp_path, status):
    async def talk():
        async with Nef() as nef, scene(tmp_path, exposure=nef.uri) as it:
            nef.status = status
            await silent(it, nef)
            await nef.asked(SUBSCRIPTIONS)
            await nef.asked(SUBSCRIPTIONS)
            assert await it.sender.code_of(msg(GW, GW, number=7)) == "2.04"
            assert (await it.sender.next())["payload"] == "21.5"
            nef.status = 201
            await it.journal.wait("monitored", ue=A)

    run(talk())


def test_a_notification_is_heard_only_where_it_was_asked_for(tmp_path):
    async def talk():
        async with Nef() as nef, scene(tmp_path, exposure=nef.uri) as it:
            body = await silent(it, nef)
            token = body["notificationDestination"].rpartition("/")[2]
            assert re.fullmatch("[A-Za-z0-9_-]{32}", token)  # 192 bits
            other = {"notificationDestination": body["notificationDestination"].replace(token, "x" * 32)}
            status, answer = await nef.tell(other, subscription="x", monitoringEventReports=[REPORT])
            assert (status, answer["status"]) == (404, 404)
            status, answer = await nef.tell(body, subscription="x")
            assert (status, answer["invalidParams"][0]["param"]) == (400, "monitoringEventReports")
            assert it.journal.find("reachable") == []

    run(talk())


def test_who_needs_no_token_sends_no_large_body(tmp_path):
    async def talk():
        async with Nef() as nef, scene(tmp_path, exposure=nef.uri) as it:
            body = await silent(it, nef)
            large = REPORT | {"description": "x" * (1 << 17)}
            status, answer = await nef.tell(body, subscription="x", monitoringEventReports=[large])
            assert (status, answer["status"]) == (413, 413)
            assert it.journal.find("reachable") == []

    run(talk())


# ---- 8.9.3 -----------------------------------------------------------------------------------------------------------


async def triggered(it, nef):
    """The body of the transaction that follows a stored message for a UE that is away."""
    nef.said = {"self": nef.uri + TRANSACTIONS + "/5"}
    await it.registers(it.sleeper, A, triInfo=INFO)
    await it.sleeper.ask(own("DEREG", A))
    assert await it.sender.code_of(msg(GW, A, sfFlag=True)) == "2.04"
    return await nef.asked(TRANSACTIONS)


def test_8_9_3_2_a_ue_that_is_away_is_triggered_with_what_it_registered(tmp_path):
    async def talk():
        async with Nef() as nef, scene(tmp_path, exposure=nef.uri) as it:
            body = await triggered(it, nef)
            octets = base64.b64decode(body.pop("triggerPayload"), validate=True)
            assert len(octets) <= 140
            assert json.loads(octets) == {"msgIden": "urn:3gpp:msgin5g", "purpose": "register"}
            assert body.pop("notificationDestination").startswith("http://127.0.0.1:")
            assert body == {
                "externalId": UE_ID,
                "validityPeriod": 60,
                "priority": "NO_PRIORITY",
                "applicationPortId": 4711,
            }
            await it.registers(it.sleeper, A, triInfo=INFO)
            assert (await it.sleeper.next())["payload"] == "21.5"

    run(talk())


@pytest.mark.parametrize("result, event", [("SUCCESS", "trigger-reported"), ("EXPIRED", "trigger-failed")])
def test_8_9_3_2_the_delivery_report_is_answered(tmp_path, result, event):
    async def talk():
        async with Nef() as nef, scene(tmp_path, exposure=nef.uri) as it:
            body = await triggered(it, nef)
            assert await nef.tell(body, transaction=nef.said["self"], result=result) == (204, None)
            await it.journal.wait(event, ue=A)
            status, answer = await nef.tell(body, result=result)
            assert (status, answer["invalidParams"][0]["param"]) == (400, "transaction")

    run(talk())


def test_the_way_to_us_needs_no_token_of_an_application_server(tmp_path):
    async def talk():
        async with Nef() as nef, scene(tmp_path, exposure=nef.uri) as it:
            body = await triggered(it, nef)
            with it.server.store.transaction():
                it.server.store.add_token("as:weather@example.org")
            assert await nef.tell(body, transaction="x", result="SUCCESS") == (204, None)
            status, _, _ = await nef.ask(
                "POST", "http://127.0.0.1:%d/msgs-msgdelivery/v1/deliver-report" % it.server.http_port, {}
            )
            assert status == 401

    run(talk())


def test_8_9_3_without_an_exposure_function_a_datagram_stands_for_it(tmp_path):
    async def talk():
        with udp_port() as (heard, port):
            async with scene(tmp_path) as it:
                await it.registers(it.sleeper, A, triInfo={"ueId": UE_ID, "cliPort": str(port)})
                await it.sleeper.ask(own("DEREG", A))
                assert await it.sender.code_of(msg(GW, A, sfFlag=True)) == "2.04"
                async with patience(20):
                    octets = await asyncio.get_running_loop().sock_recv(heard, 2048)
                assert octets == b'{"msgIden":"urn:3gpp:msgin5g","purpose":"register"}'

    run(talk())
