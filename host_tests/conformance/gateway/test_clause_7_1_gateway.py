# SPDX-License-Identifier: MIT
"""TS 24.538 clause 7.1, the message types, at the Gateway UE: which it answers itself, which go on to the server
without any change, and which it sends. aiocoap is the UE and the MSGin5G Server."""

import json

import aiocoap
import pytest

from host_tests.conformance.gateway.behind import SERVICE, A, B, ori, own, said, scene
from tools.programs.patience import run

MODULES = ("tools/gateway/function/function.py",)

MSG_ID = "0e4a8ac6-54a9-4d2c-8a6c-000000000001"
TO = {"destAddr": {"destAddrType": "UE", "addr": B}, "msgId": MSG_ID}
SET = {"msgIden": SERVICE, "segId": "set-1"}
ON = [
    own("MSG", A, **TO, payload="hi", anything=[1]),
    own("IMDN", A, **TO, DelSta="success"),
    SET | {"msgType": "SEGREC", "segNoList": "(2-2)"},
    SET | {"msgType": "SEGCONFIR", "result": True},
    own("REG", A, urgentTag=True),
    own("DEREG", A, urgentTag=True),
]


def test_7_1_what_is_for_the_server_goes_on_without_any_change(tmp_path):
    async def main():
        async with scene(tmp_path) as made:
            for kind in ("MSG", "IMDN", "SEGREC", "SEGCONFIR"):
                made.upper.answers[kind] = said({"of": kind})
            a = await made.ue(A)
            await made.serve(A, a)
            await a.ask(own("REG", A, urgentTag=True))
            await made.upper.next()
            for body in ON:
                octets = json.dumps(body, indent=1).encode()
                answer = await a.ask(octets)
                assert (await made.upper.next())[3] == body
                assert made.upper.raw[-1] == octets
                if "urgentTag" not in body:
                    assert json.loads(answer.payload) == {"of": body["msgType"]}

    run(main())


def test_7_1_gwreg_and_what_may_be_delayed_are_the_gateways_own(tmp_path):
    async def main():
        async with scene(tmp_path) as made:
            a = await made.ue(A)
            await made.serve(A, a)  # GWREG
            await a.ask(own("REG", A, urgentTag=True))
            await made.upper.next()
            for kind in ("REG", "DEREG"):
                answer = await a.ask(own(kind, A, urgentTag=False))
                assert json.loads(answer.payload)["oriAddr"] == ori(A)
            assert made.upper.asked.empty()

    run(main())


@pytest.mark.parametrize("kind, listed", [("REG", "regList"), ("DEREG", "deregList")])
def test_7_1_breg_dereg_with_a_list_and_their_responses_are_sent_by_the_gateway(tmp_path, kind, listed):
    async def main():
        async with scene(tmp_path, bulk_max=1) as made:
            a = await made.ue(A)
            await made.serve(A, a)
            if kind == "DEREG":
                await a.ask(own("REG", A, urgentTag=True))
                await made.upper.next()
            await a.ask(own(kind, A, urgentTag=False))
            _, _, _, body = await made.upper.next()
            assert body["msgType"] == {"REG": "BREG", "DEREG": "DEREG"}[kind]
            assert [each["oriAddr"] for each in body[listed]] == [ori(A)]
            assert (await a.next())["msgType"] == kind + "RESP"

    run(main())


# ---- what the server sends to a UE -----------------------------------------------------------------------------------

TO_A = {"destAddr": {"destAddrType": "UE", "addr": A}, "msgId": MSG_ID}
DOWN = [
    own("MSG", B, **TO_A, payload="hi", anything=[1]),
    own("IMDN", B, **TO_A, DelSta="success"),
    own("MSGRESP", A, msgId=MSG_ID, DelSta="failure"),
    own("REGRESP", A, result=True),
    own("DEREGRESP", A, result=False),
    SET | {"msgType": "SEGREC", "segNoList": "(1-1)"},
    SET | {"msgType": "SEGCONFIR", "result": True},
]


def test_7_1_what_is_for_a_ue_reaches_it_without_any_change_and_its_answer_comes_back(tmp_path):
    """Clause 6.3.4.3. SEGREC and SEGCONFIR name nobody: they are for the UE that sent a segment of that set."""

    async def main():
        async with scene(tmp_path) as made:
            made.upper.answers["MSG"] = said({})
            a = await made.ue(A)
            await made.serve(A, a)
            await a.ask(own("REG", A, urgentTag=True))
            params = {"segId": SET["segId"], "segNumb": 1, "totalSegCount": 2}
            await a.ask(own("MSG", A, **TO, isSegmented=True, segParams=params, payload="x"))
            for body in DOWN:
                a.code = aiocoap.CHANGED if body["msgType"] != "IMDN" else aiocoap.BAD_REQUEST
                answer = await made.upper.push(body)
                assert (answer.code, await a.next()) == (a.code, body)

    run(main())


def test_7_1_what_is_for_nobody_behind_the_gateway_gets_4_04(tmp_path):
    async def main():
        async with scene(tmp_path) as made:
            a = await made.ue(A)
            await made.serve(A, a)
            await a.ask(own("REG", A, urgentTag=True))
            stranger = "ue:stranger@example.org"
            for body in (
                own("MSG", A, **TO | {"destAddr": {"destAddrType": "UE", "addr": stranger}}),
                own("MSGRESP", stranger, msgId=MSG_ID, DelSta="failure"),
                SET | {"msgType": "SEGCONFIR", "segId": "of nobody", "result": True},
            ):
                assert (await made.upper.push(body)).code == aiocoap.NOT_FOUND
            assert a.inbox.empty()

    run(main())
