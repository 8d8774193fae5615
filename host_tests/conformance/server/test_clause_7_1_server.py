# SPDX-License-Identifier: MIT
"""TS 24.538 clause 7.1, the message types, and those that clause 6.3 adds, at the MSGin5G Server: each is taken, sent,
or refused by its name. The UEs are aiocoap."""

import pytest

from host_tests.conformance.server.registering import GW, SERVICE, UES, A, msg, own, scene
from tools.programs.patience import run

MODULES = ("tools/server/procedures/__init__.py",)
ALSO = ("host_tests/gateway/server/test_decisions.py",)

SET = {"msgIden": SERVICE, "segId": "set-1"}


def segment(number, total=3):
    params = {"segId": "set-1", "segNumb": number, "totalSegCount": total}
    params |= {"lastSegFlag": "true"} if number == total else {}
    return msg(GW, A) | {"isSegmented": True, "segParams": params, "payload": "%d" % number}


def report(message, **members):
    to = {"destAddrType": "UE", "addr": message["oriAddr"]["addr"]}
    return own("IMDN", A, destAddr=to, msgId=message["msgId"], DelSta="success", **members)


def test_7_1_reg_msg_imdn_and_dereg_are_taken_and_msg_and_imdn_sent_on(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, display):  # REG
            assert await gateway.code_of(msg(GW, A, isDelivStatReq=True)) == "2.04"
            message = await display.next()
            assert (message["msgType"], message["payload"]) == ("MSG", "21.5")
            assert await display.code_of(report(message)) == "2.04"
            came = await gateway.next()
            assert (came["msgType"], came["msgId"], came["DelSta"]) == ("IMDN", message["msgId"], "success")
            assert await display.code_of(own("DEREG", A)) == "2.04"
            assert await display.code_of(msg(A, GW, 2)) == "4.01"

    run(talk())


def test_7_1_msgresp_is_sent_about_what_cannot_be_delivered_and_not_taken(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, _):
            body = msg(GW, "ue:nobody@example.org")
            assert await gateway.code_of(body) == "2.04"
            came = await gateway.next()
            assert (came["msgType"], came["msgId"], came["DelSta"]) == ("MSGRESP", body["msgId"], "failure")
            assert came["oriAddr"] == {"oriAddrType": "UE", "addr": GW}
            answer = await gateway.ask(came)
            assert answer.code.dotted == "4.00" and answer.payload.startswith(b"msgType: ")

    run(talk())


def test_7_1_segrec_and_segconfir_are_sent_about_segments(tmp_path):
    async def talk():
        async with scene(tmp_path, "none", segment_gap=0.2) as (_, gateway, display):
            for number in (1, 3):
                assert await gateway.code_of(segment(number)) == "2.04"
            assert await gateway.next() == SET | {"msgType": "SEGREC", "segNoList": "(2-2)"}
            assert await gateway.code_of(segment(2)) == "2.04"
            while (came := await gateway.next())["msgType"] == "SEGREC":  # the machine may be slow
                pass
            assert came == SET | {"msgType": "SEGCONFIR", "result": True}
            assert [(await display.next())["payload"] for _ in range(3)] == ["1", "2", "3"]

    run(talk())


def test_7_1_segrec_and_segconfir_are_taken_about_segments(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, display):
            await display.ask(own("REG", A, cliProfile={"maxSegSize": 100}))
            assert await gateway.code_of(msg(GW, A, payload="x" * 250)) == "2.04"
            first, second, third = [await display.next() for _ in range(3)]
            about = {"msgIden": SERVICE, "segId": first["segParams"]["segId"]}
            assert await display.code_of(about | {"msgType": "SEGREC", "segNoList": "(2-2)"}) == "2.04"
            assert await display.next() == second
            assert await display.code_of(about | {"msgType": "SEGCONFIR", "result": True}) == "2.04"
            unknown = about | {"segId": "of nobody"}
            assert await display.code_of(unknown | {"msgType": "SEGREC", "segNoList": "(1-1)"}) == "4.04"

    run(talk())


def test_7_1_breg_of_clause_6_3_4_is_taken_and_gwreg_is_a_gateways(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, _):
            listed = {"totalRegCount": 1, "regList": [own("REG", UES[0])]}
            assert await gateway.code_of(own("BREG", GW, **listed)) == "2.04"
            assert await gateway.code_of(own("GWREG", GW)) == "5.01"  # this program is a server alone

    run(talk())


@pytest.mark.parametrize("kind", ["REGRESP", "DEREGRESP", "MESSAGE", "", None, 7])
def test_7_1_what_only_a_ue_takes_is_refused_and_so_is_any_other(tmp_path, kind):
    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, _):
            answer = await gateway.ask(own("MSG", GW) | {"msgType": kind})
            assert answer.code.dotted == "4.00" and answer.payload.startswith(b"msgType: ")

    run(talk())
