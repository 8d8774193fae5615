# SPDX-License-Identifier: MIT
"""TS 24.538 clause 5.1.2, the MSGin5G Gateway Client: an MSGin5G Client with the gateway service function. aiocoap is
its MSGin5G Server and its UEs. Each function's own tests are those of its clause: 6.2.3, 6.3.4, 6.3.5."""

import json

import aiocoap
import pytest

from host_tests.conformance.gateway.behind import GW, UE_IDS, A, B, ori, own, said, scene
from tools.programs.patience import run

MODULES = (
    "tools/gateway/function/function.py",
    "tools/gateway/runtime.py",
    "tools/gateway/running/apart.py",
    "tools/gateway/running/membership.py",
    "tools/gateway/running/upstream.py",
    "tools/transport/departure/north.py",
)
ALSO = (
    "host_tests/gateway/apart/test_forwarding.py",
    "host_tests/gateway/apart/test_membership.py",
    "host_tests/gateway/apart/test_unchanged.py",
    "host_tests/gateway/apart/test_upstream.py",
    "host_tests/gateway/apart/test_oscore_apart.py",
)


@pytest.mark.parametrize("code", [aiocoap.CREATED, aiocoap.CHANGED])
@pytest.mark.parametrize("result", [True, "true"])
def test_5_1_2_it_is_a_client_that_registers_itself(tmp_path, code, result):
    """Clause 6.3.1.1.1, with a server that may answer 2.01 as well as 2.04."""

    async def main():
        async with scene(tmp_path) as made:
            asked = []

            def answer(body):
                asked.append(body)
                return said({"oriAddr": body["oriAddr"], "result": result, "regExpTime": 600}, code)

            made.upper.answers["REG"] = answer
            await made.restart()
            await made.journal.wait("upstream-registered")
            assert (asked[0]["msgType"], asked[0]["oriAddr"]) == ("REG", ori(GW))

    run(main())


@pytest.mark.parametrize("result", [False, "false"])
def test_5_1_2_it_is_not_registered_where_the_server_says_so(tmp_path, result):
    async def main():
        async with scene(tmp_path) as made:
            refused = {"result": result, "cause": "not today"}
            made.upper.answers["REG"] = lambda body: said({"oriAddr": body["oriAddr"]} | refused)
            await made.restart()
            await made.journal.wait("upstream-refused")
            assert made.journal.find("upstream-registered") == []

    run(main())


def test_5_1_2_it_holds_requests_and_builds_one_of_them_and_splits_the_response(tmp_path):
    """Registrations: clause 6.3.4.3."""

    async def main():
        async with scene(tmp_path, bulk_max=2) as made:
            a, b = await made.ue(A), await made.ue(B)
            for ue, peer in ((A, a), (B, b)):
                await made.serve(ue, peer)
                await peer.ask(own("REG", ue, urgentTag=False))
            _, _, _, body = await made.upper.next()
            assert (body["msgType"], body["oriAddr"], body["totalRegCount"]) == ("BREG", ori(GW), 2)
            for ue, peer in ((A, a), (B, b)):
                told = await peer.next()
                assert (told["msgType"], told["oriAddr"], told["result"]) == ("REGRESP", ori(ue), True)
            assert made.upper.asked.empty()

    run(main())


def test_5_1_2_it_asks_for_the_configuration_of_several_at_once(tmp_path):
    """Clause 6.2.3."""

    async def main():
        async with scene(tmp_path, "oscore", bulk_configuration="registered", bulk_max=2) as made:
            entries = [
                {"ueId": UE_IDS[ue], "ueServiceId": ue, "serverAddr": "coap://192.0.2.1"} for ue in (A, B)
            ]
            made.upper.answers["configurations"] = said({"confList": entries}, aiocoap.CONTENT)
            peers = [made.by_hand(ue) for ue in (A, B)]
            for ue, peer in zip((A, B), peers, strict=True):
                await peer.ask(own("GWREG", ue, oriUEAddr=ori(UE_IDS[ue])))
                await peer.wait(UE_IDS[ue], b"\x05")
            _, _, _, body = await made.upper.next()
            assert body == {"bulkFlag": True, "ueIds": [UE_IDS[A], UE_IDS[B]]}
            for ue, peer in zip((A, B), peers, strict=True):
                response = await peer.hear()
                (document,) = json.loads(response.payload)
                assert json.loads(document["ueConfigs"][0]["configData"])["ueServiceId"] == ue
                peer.say(aiocoap.ACK, response.mid)

    run(main())
