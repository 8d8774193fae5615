# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.3.2, registration on MSGin5G-5, at the MSGin5G Client of the Gateway UE: aiocoap is the
Application Client, with the bodies of Annex A.3, and the MSGin5G Server behind the gateway."""

import json

import aiocoap
import pytest

from host_tests.conformance.gateway.behind import SERVICE, A, B, said, scene
from tools.gateway.applications import digest
from tools.programs.patience import run

MODULES = (
    "tools/gateway/applications.py",
    "tools/gateway/appjson.py",
)
ALSO = ("host_tests/gateway/server/test_applications.py",)


@pytest.fixture(params=[True, False], ids=["apart", "combined"])
def apart(request):
    return request.param


def registration(app_id="7", credential="c0ffee"):
    return {"msgIden": SERVICE, "msgType": "REG", "appId": app_id, "credential": credential}


def de_registration(identifier):
    return {"msgIden": SERVICE, "msgType": "DEREG", "registrationID": identifier}


def provision(made, app_id=7, ue=A):
    store = made.gateway.store
    with store.transaction():
        store.add_application(app_id, ue, digest(bytes.fromhex("c0ffee")))


async def said_to(peer, body):
    """The body of a response of clause A.3.1.8 or A.3.1.10."""
    answer = await peer.ask(body)
    assert answer.code.dotted in ("2.01", "2.04"), answer.payload
    assert answer.opt.content_format == 50
    return json.loads(answer.payload)


def test_6_3_2_1_1_an_accepted_registration_has_the_result_and_a_registration_id_of_48_bits(tmp_path, apart):
    async def main():
        async with scene(tmp_path, apart=apart) as made:
            provision(made)
            client = await made.ue(A)
            answer = await said_to(client, registration())
            assert set(answer) == {"result", "registration ID"} and answer["result"] is True
            assert len(bytes.fromhex(answer["registration ID"])) == 6
            # the same application at the same place
            assert await said_to(client, registration()) == answer

    run(main())


def test_6_3_2_1_1_the_gateway_stores_where_the_application_is(tmp_path):
    """The mapping of Application ID to transport identifier: a message comes there, over a restart too."""

    async def main():
        async with scene(tmp_path, apart=False) as made:
            provision(made)
            client = await made.ue(A)
            await said_to(client, registration())
            await made.restart()
            sender = await made.ue(B)
            who = {"oriAddr": {"oriAddrType": "UE", "addr": B}, "msgIden": SERVICE}
            await sender.ask(who | {"msgType": "REG"})
            message = {"destAddr": {"destAddrType": "UE", "addr": A}, "payload": "hi", "sfFlag": False}
            message |= {"msgType": "MSG", "msgId": "0e4a8ac6-54a9-4d2c-8a6c-000000000001", "appId": "7"}
            assert (await sender.ask(who | message)).code.dotted == "2.04"
            came = await client.next()
            assert (came["msgType"], came["payload"]) == ("MESSAGE RECEIVED REQUEST", "hi")

    run(main())


@pytest.mark.parametrize(
    "body, reason",
    [
        (registration(credential="c0ffef"), "Invalid credentials"),
        (registration(app_id="8"), "Access via a Gateway UE is not allowed"),
    ],
)
def test_6_3_2_1_1_a_registration_that_is_not_accepted_has_the_failure_reason(tmp_path, apart, body, reason):
    async def main():
        async with scene(tmp_path, apart=apart) as made:
            provision(made)
            client = await made.ue(A)
            assert await said_to(client, body) == {"result": False, "failure reason": reason}

    run(main())


@pytest.mark.parametrize("result", [{"result": False, "cause": "unknown"}, {"result": "false"}])
def test_6_3_2_1_1_what_the_server_does_not_register_is_not_accepted(tmp_path, result):
    async def main():
        async with scene(tmp_path) as made:
            provision(made)
            made.upper.answers["REG"] = lambda body: said({"oriAddr": body["oriAddr"]} | result)
            client = await made.ue(A)
            answer = await said_to(client, registration())
            assert (answer["result"], "registration ID" in answer) == (False, False)

    run(main())


@pytest.mark.parametrize("code", [aiocoap.CREATED, aiocoap.CHANGED])
def test_6_3_2_1_1_the_gateway_is_the_applications_ue_to_the_server(tmp_path, code):
    """Which answers a registration with 2.01 or 2.04 (clause 6.3.1.2.1)."""

    async def main():
        async with scene(tmp_path) as made:
            provision(made)
            made.upper.answers["REG"] = lambda body: said({"oriAddr": body["oriAddr"], "result": True}, code)
            client = await made.ue(A)
            assert (await said_to(client, registration()))["result"] is True
            _, _, _, asked = await made.upper.next()
            assert (asked["msgType"], asked["oriAddr"]) == ("REG", {"oriAddrType": "UE", "addr": A})

    run(main())


def test_6_3_2_1_2_a_de_registration_has_the_result_and_the_registration_id(tmp_path, apart):
    async def main():
        async with scene(tmp_path, apart=apart) as made:
            provision(made)
            client = await made.ue(A)
            given = (await said_to(client, registration()))["registration ID"]
            wrong = await said_to(client, de_registration("0" * 12))
            assert (wrong["result"], wrong["failure reason"]) == (False, "Unknown device")
            assert await said_to(client, de_registration(given)) == {"result": True, "registration ID": given}
            again = await said_to(client, de_registration(given))
            assert (again["result"], "failure reason" in again) == (False, True)

    run(main())


def test_6_3_2_a_wrong_member_is_refused_by_its_name(tmp_path):
    async def main():
        async with scene(tmp_path) as made:
            provision(made)
            client = await made.ue(A)
            for body, named in (
                (registration(app_id=""), b"appId: "),
                (registration(app_id=[7]), b"appId: "),
                (registration(credential="coffee"), b"credential: "),
                (de_registration("x"), b"registrationID: "),
                (de_registration(7), b"registrationID: "),
            ):
                answer = await client.ask(body)
                assert answer.code.dotted == "4.00" and answer.payload.startswith(named), (
                    body,
                    answer.payload,
                )

    run(main())
