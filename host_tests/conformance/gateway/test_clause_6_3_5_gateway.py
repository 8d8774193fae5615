# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.3.5, registration to the gateway service, at the Gateway UE: the UE is aiocoap, in the clear and
with keys, and the gateway is by itself or in one program with its server."""

import json

import pytest

from host_tests.conformance.gateway.behind import GW, UE_IDS, A, B, ori, own, scene
from tools.programs.patience import run

MODULES = ("tools/gateway/function/service.py",)
ALSO = ("host_tests/gateway/function/test_function_service.py",)


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


@pytest.fixture(params=[True, False], ids=["apart", "combined"])
def apart(request):
    return request.param


def test_the_gateway_answers_with_the_ue_the_result_and_the_time(tmp_path, mode, apart):
    """6.3.5.3.2; acceptedTime is no more than what was asked for."""

    async def main():
        async with scene(tmp_path, mode, apart) as made:
            a = await made.ue(A)
            answer = await a.ask(own("GWREG", A, expiredTime=100, oriUEAddr=ori(UE_IDS[A])))
            assert answer.code.dotted in ("2.01", "2.04") and answer.opt.content_format == 50
            assert json.loads(answer.payload) == {"oriAddr": ori(A), "result": True, "acceptedTime": 100}

    run(main())


def test_it_answers_while_its_server_is_away(tmp_path):
    async def main():
        async with scene(tmp_path) as made:
            made.upper.answers["REG"] = lambda body: None  # an error of its own
            a = await made.ue(A)
            assert json.loads((await a.ask(own("GWREG", A))).payload)["result"] is True
            assert made.upper.asked.empty()

    run(main())


def test_a_ue_that_is_not_provisioned_gets_result_false_and_the_reason(tmp_path, mode, apart):
    async def main():
        async with scene(tmp_path, mode, apart) as made:
            a = await made.ue(A)
            answer = await a.ask(own("GWREG", "ue:stranger@example.org"))
            said = json.loads(answer.payload)
            assert (answer.code.dotted, said["result"]) == ("2.04", False)
            assert said["failure reason"] == "unknown UE service ID" and "acceptedTime" not in said

    run(main())


def test_a_key_registers_no_other_ue(tmp_path, apart):
    async def main():
        async with scene(tmp_path, "oscore", apart) as made:
            a = await made.ue(A)
            said = json.loads((await a.ask(own("GWREG", B))).payload)
            assert (said["result"], said["failure reason"]) == (False, "not allowed for this identity")

    run(main())


def test_nobody_registers_as_the_gateway_itself(tmp_path):
    async def main():
        async with scene(tmp_path) as made:
            a = await made.ue(A)
            for kind in ("GWREG", "REG"):
                assert json.loads((await a.ask(own(kind, GW))).payload)["result"] is False
            assert made.upper.asked.empty()

    run(main())


@pytest.mark.parametrize(
    "change, words",
    [
        ({"msgIden": "urn:other"}, b"msgIden: "),
        ({"oriAddr": {"oriAddrType": "UE"}}, b"oriAddr.addr: "),
        ({"expiredTime": -1}, b"expiredTime: "),
        ({"oriUEAddr": {"oriAddrType": "AS", "addr": "x"}}, b"oriUEAddr.oriAddrType: "),
    ],
)
def test_a_wrong_member_is_named(tmp_path, apart, change, words):
    async def main():
        async with scene(tmp_path, "none", apart) as made:
            a = await made.ue(A)
            answer = await a.ask(own("GWREG", A) | change)
            assert answer.code.dotted == "4.00" and answer.payload.startswith(words)

    run(main())


def test_who_is_not_registered_to_it_is_not_registered_through_it(tmp_path, mode, apart):
    """6.3.0; urgentTag belongs to MSGin5G-6."""

    async def main():
        async with scene(tmp_path, mode, apart) as made:
            a = await made.ue(A)
            for urgent in (True, False):
                answer = await a.ask(own("REG", A, urgentTag=urgent))
                assert answer.code.dotted == "4.01"
                assert answer.payload == b"not registered to the gateway service"
            await made.serve(A, a)
            answer = await a.ask(own("REG", A, urgentTag=True))
            assert answer.code.dotted == "2.04", answer.payload

    run(main())
