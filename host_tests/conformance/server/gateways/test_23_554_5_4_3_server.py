# SPDX-License-Identifier: MIT
"""TS 23.554 clauses 5.4.3 and 5.4.5, MSGin5G-2 and MSGin5G-4 with the messages of clauses 8.3.2 to 8.3.5, at the
MSGin5G Server: a Legacy 3GPP or Non-3GPP UE sends, is sent to and reports through its Message Gateway, by the
APIs of TS 29.538. Its gateway is aiohttp, the other UE aiocoap."""

import pytest

from host_tests.conformance.server.gateways.stub import (
    AS,
    ASK,
    ID,
    METER,
    PHONE,
    address,
    problem,
    scene,
)
from host_tests.conformance.server.registering import GW, A, msg, own
from tools.programs.patience import run

MODULES = (
    "tools/server/elsewhere.py",
    "tools/server/procedures/messagegateways.py",
    "tools/server/appservers.py",
    "tools/store/server/gatewaytables.py",
    "tools/wire/rest.py",
)
WAYS = [(PHONE, "L3G", "/msgg-l3gdelivery/v1/"), (METER, "N3G", "/msgg-n3gdelivery/v1/")]


@pytest.mark.parametrize(("ue", "kind", "path"), WAYS)
def test_a_message_for_such_a_ue_is_routed_to_its_gateway_by_its_service_id(tmp_path, ue, kind, path):
    async def talk():
        async with scene(tmp_path) as world:
            body = msg(GW, ue, appId="app", isDelivStatReq=True, sfFlag=True, priority="LOW")
            assert await world.gateway.code_of(body) == "2.04"
            assert await world.stub.next() == (
                path + "deliver-message",
                {
                    "oriAddr": address("UE", GW),
                    "destAddr": address("UE", ue),
                    "msgId": body["msgId"],
                    "appId": "app",
                    "delivStReqInd": True,
                    "payload": "21.5",
                },
            )
            report = {"oriAddr": address("UE", ue), "destAddr": address("UE", GW)}
            report |= {"msgId": body["msgId"], "delivSt": "REPT_DELY_SUCCESS"}
            ack = {"oriAddr": address("UE", ue), "msgId": body["msgId"]}
            assert await world.post(ASK + "deliver-report", report, kind) == (200, ack)
            came = await world.gateway.next()
            assert (came["msgType"], came["msgId"], came["DelSta"]) == ("IMDN", body["msgId"], "success")
            assert came["oriAddr"] == {"oriAddrType": "UE", "addr": ue}

    run(talk())


@pytest.mark.parametrize(("ue", "kind", "path"), WAYS)
def test_a_message_of_such_a_ue_reaches_a_ue_and_the_report_its_gateway(tmp_path, ue, kind, path):
    async def talk():
        async with scene(tmp_path) as world:
            body = world.message(A, origin=ue, appId="app", delivStReqInd=True)
            ack = {"oriAddr": address("UE", ue), "msgId": body["msgId"]}
            assert await world.post(ASK + "deliver-ue-message", body, kind) == (200, ack)
            came = await world.display.next()
            assert came == {
                "msgIden": "urn:3gpp:msgin5g",
                "msgType": "MSG",
                "oriAddr": {"oriAddrType": "UE", "addr": ue},
                "destAddr": {"destAddrType": "UE", "addr": A},
                "appId": "app",
                "msgId": body["msgId"],
                "isDelivStatReq": True,
                "payload": "hello",
            }
            to = {"destAddrType": "UE", "addr": ue}
            imdn = own("IMDN", A, destAddr=to, msgId=body["msgId"], DelSta="failure", Cause="no such app")
            assert await world.display.code_of(imdn) == "2.04"
            assert await world.stub.next() == (
                path + "deliver-report",
                {
                    "oriAddr": address("UE", A),
                    "destAddr": address("UE", ue),
                    "msgId": body["msgId"],
                    "delivSt": "REPT_DELY_FAILED",
                    "failureCause": "no such app",
                },
            )

    run(talk())


def test_store_and_forward_of_such_a_ue_is_said_in_the_acknowledgement(tmp_path):
    async def talk():
        async with scene(tmp_path) as world:
            assert await world.display.code_of(own("DEREG", A)) == "2.04"
            status, ack = await world.post(ASK + "deliver-ue-message", world.message(A, stoAndFwInd=True))
            assert (status, ack["status"]) == (200, "DELY_STORED")
            status, ack = await world.post(ASK + "deliver-ue-message", world.message(A, 2))
            assert (status, ack["status"]) == (200, "DELY_FAILED")
            assert ack["failureCause"] == "the recipient is not registered"
            await world.display.ask(own("REG", A))
            assert (await world.display.next())["msgId"] == ID % 1

    run(talk())


def test_from_such_a_ue_to_another_and_what_the_gateway_cannot_deliver_is_told(tmp_path):
    async def talk():
        async with scene(tmp_path) as world:
            world.stub.answers = [problem(404, "no such meter")]
            assert (await world.post(ASK + "deliver-ue-message", world.message(METER)))[0] == 200
            assert (await world.stub.next())[0] == "/msgg-n3gdelivery/v1/deliver-message"
            path, report = await world.stub.next()
            assert path == "/msgg-l3gdelivery/v1/deliver-report"
            assert (report["oriAddr"], report["delivSt"]) == (address("UE", METER), "REPT_DELY_FAILED")
            assert report["failureCause"] == "404 Not Found: no such meter"

    run(talk())


def test_such_a_ue_and_an_application_server(tmp_path):
    async def talk():
        async with scene(tmp_path) as world:
            registration = {
                "asSvcId": AS,
                "targetUri": world.stub.uri + "/msgg-l3gdelivery/v1/deliver-report",
            }
            assert (await world.post("/msgs-asregistration/v1/registrations", registration, None))[0] == 201
            body = world.message(PHONE, delivStReqInd=True) | {"oriAddr": address("AS", AS)}
            assert (await world.post(ASK + "deliver-as-message", body, None))[0] == 200
            path, came = await world.stub.next()
            assert (path, came["oriAddr"]) == ("/msgg-l3gdelivery/v1/deliver-message", address("AS", AS))
            report = {"oriAddr": address("UE", PHONE), "destAddr": address("AS", AS)}
            report |= {"msgId": body["msgId"], "delivSt": "REPT_DELY_SUCCESS"}
            assert (await world.post(ASK + "deliver-report", report))[0] == 200
            assert (await world.stub.next())[1] == report

    run(talk())


@pytest.mark.parametrize("status", [500, 503, 429, 302])
def test_what_the_gateway_does_not_take_now_is_sent_again(tmp_path, status):
    async def talk():
        async with scene(tmp_path) as world:
            world.stub.answers = [problem(status, "not now")] * 3
            for number in (1, 2):
                assert await world.gateway.code_of(msg(GW, PHONE, number)) == "2.04"
            came = [(await world.stub.next())[1]["msgId"][-1] for _ in range(5)]
            assert came == ["1", "1", "1", "1", "2"]  # in order

    run(talk())


def test_a_large_message_goes_to_the_gateway_whole(tmp_path):
    async def talk():
        async with scene(tmp_path) as world:
            params = {"segId": "set-1", "totalSegCount": 2}
            first = msg(GW, PHONE, payload="x" * 900) | {"isSegmented": True}
            assert await world.gateway.code_of(first | {"segParams": params | {"segNumb": 1}}) == "2.04"
            last = params | {"segNumb": 2, "lastSegFlag": "true"}
            assert await world.gateway.code_of(first | {"segParams": last}) == "2.04"
            assert (await world.stub.next())[1]["payload"] == "x" * 1800

    run(talk())


@pytest.mark.parametrize(
    ("by", "change", "status", "words"),
    [
        (None, {}, 403, "the token is not of mgw:L3G"),
        ("N3G", {}, 403, "the token is not of mgw:L3G"),
        ("L3G", {"oriAddr": address("UE", METER)}, 403, "the token is not of mgw:N3G"),
        ("L3G", {"oriAddr": address("UE", A)}, 403, "is behind no message gateway"),
        ("L3G", {"oriAddr": address("AS", PHONE)}, 400, "not one of UE"),
        ("L3G", {"segInd": True}, 400, "send the message whole"),
        ("L3G", {"stoAndFwInd": None}, 400, "missing"),
        ("L3G", {"msgId": "1"}, 400, "not a UUID"),
        ("L3G", {"destAddr": None}, 400, "missing"),
    ],
)
def test_a_gateway_speaks_for_its_own_ues_alone_and_hears_what_is_wrong(tmp_path, by, change, status, words):
    async def talk():
        async with scene(tmp_path) as world:
            got, said = await world.post(ASK + "deliver-ue-message", world.message(A) | change, by)
            assert (got, said["status"]) == (status, status)
            assert words in said["detail"]
            assert await world.display.code_of(msg(A, GW)) == "2.04"  # nothing was queued before it
            assert (await world.gateway.next())["oriAddr"]["addr"] == A
            assert world.display.inbox.empty()

    run(talk())
