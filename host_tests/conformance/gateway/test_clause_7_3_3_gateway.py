# SPDX-License-Identifier: MIT
"""TS 24.538 clause 7.3.3, the JSON of registration, at the Gateway UE: what it reads of a UE (7.3.3.1 to 7.3.3.3) and
writes to it (7.3.3.4, 7.3.3.5). aiocoap is the UE and the MSGin5G Server."""

import json

import aiocoap
import pytest

from host_tests.conformance.gateway.behind import SERVICE, A, B, ori, own, said, scene
from tools.programs.patience import run

MODULES = (
    "tools/gateway/function/held.py",
    "tools/gateway/function/service.py",
    "tools/gateway/function/fanout.py",
)


async def answer_of(peer, body):
    answer = await peer.ask(body)
    assert answer.code.dotted in ("2.01", "2.04") and answer.opt.content_format == 50, answer.payload
    return json.loads(answer.payload)


# ---- 7.3.3.1, 7.3.3.2: what a UE asks for ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["REG", "DEREG"])
def test_7_3_3_1_and_2_the_urgent_degree_and_the_expiration_time(tmp_path, kind):
    """A boolean, also by its word; an integer of seconds, also by its digits. What it is not is refused by its name."""

    async def main():
        async with scene(tmp_path) as made:
            a = await made.ue(A)
            await made.serve(A, a)
            await a.ask(own("REG", A, urgentTag=True))
            await made.upper.next()
            for delayed in (False, "false"):
                told = await answer_of(a, own(kind, A, urgentTag=delayed, reqExpTime="40"))
                assert told["oriAddr"] == ori(A) and 0 < told["expectedTime"] <= 40
                assert type(told["expectedTime"]) is int
            for change, named in (
                ({"urgentTag": "perhaps"}, b"urgentTag: "),
                ({"urgentTag": False, "reqExpTime": "soon"}, b"reqExpTime: "),
                ({"urgentTag": False, "reqExpTime": 0}, b"reqExpTime: "),
                ({"urgentTag": False, "oriAddr": A}, b"oriAddr: "),
                ({"urgentTag": False, "oriAddr": {"oriAddrType": "AS", "addr": A}}, b"oriAddr.oriAddrType: "),
                ({"urgentTag": False, "msgIden": None}, b"msgIden: "),
            ):
                answer = await a.ask(own(kind, A) | change)
                assert answer.code.dotted == "4.00" and answer.payload.startswith(named), answer.payload
            assert made.upper.asked.empty()
            await a.ask(own(kind, A, urgentTag="true"))
            assert (await made.upper.next())[3]["urgentTag"] == "true"

    run(main())


# ---- 7.3.3.3: the gateway service ------------------------------------------------------------------------------------


def test_7_3_3_3_ue_id_and_time_are_optional_and_the_answer_says_how_long(tmp_path):
    async def main():
        async with scene(tmp_path) as made:
            a = await made.ue(A)
            told = await answer_of(a, own("GWREG", A))
            assert (told["oriAddr"], told["result"]) == (ori(A), True)
            assert type(told["acceptedTime"]) is int and told["acceptedTime"] > 0
            assert (await answer_of(a, own("GWREG", A, expiredTime="100")))["acceptedTime"] == 100
            assert "failure reason" not in told

    run(main())


# ---- 7.3.3.4, 7.3.3.5: what a UE is sent -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry, told",
    [
        ({"result": True, "regExpTime": 600}, {"result": True, "regExpTime": 600}),
        ({"result": "true"}, {"result": True}),
        ({}, {"result": True}),  # the default of the schema
        ({"result": False, "cause": "no room"}, {"result": False, "cause": "no room"}),
        ({"result": False, "Cause": "no room"}, {"result": False, "cause": "no room"}),
    ],
)
def test_7_3_3_4_regresp_has_type_ue_result_and_on_failure_the_cause(tmp_path, entry, told):
    async def main():
        async with scene(tmp_path, bulk_max=1) as made:
            listed = {"totalRegCount": 1, "regList": [{"oriAddr": ori(A)} | entry]}
            made.upper.answers["BREG"] = said(listed, aiocoap.CREATED)  # or 2.04: clause 6.3.4.4.1
            a = await made.ue(A)
            await made.serve(A, a)
            await a.ask(own("REG", A, urgentTag=False))
            head = {"msgIden": SERVICE, "msgType": "REGRESP", "oriAddr": ori(A)}
            assert await a.next() == head | told

    run(main())


@pytest.mark.parametrize("told", [{"result": True}, {"result": False, "cause": "not registered"}])
def test_7_3_3_5_deregresp_has_type_ue_result_and_on_failure_the_cause(tmp_path, told):
    async def main():
        async with scene(tmp_path, bulk_max=1) as made:
            listed = {"totalDeregCount": 1, "deregList": [{"oriAddr": ori(B)} | told]}
            made.upper.answers["list"] = said(listed)
            b = await made.ue(B)
            await made.serve(B, b)
            await b.ask(own("REG", B, urgentTag=True))
            await b.ask(own("DEREG", B, urgentTag=False))
            head = {"msgIden": SERVICE, "msgType": "DEREGRESP", "oriAddr": ori(B)}
            assert await b.next() == head | told

    run(main())
