# SPDX-License-Identifier: MIT
"""TS 24.538 clauses 7.3.3.1 and 7.3.3.2, the JSON of registration and de-registration, at the MSGin5G Server: each
member that it reads and writes. The UE is aiocoap."""

import json

import aiocoap
import pytest

from host_tests.conformance.server.registering import GW, SERVICE, A, msg, own, scene
from tools.programs.patience import run

MODULES = (
    "tools/server/routing.py",
    "tools/server/procedures/registration.py",
    "tools/wire/bodies.py",
)
ALSO = (
    "host_tests/gateway/server/test_decisions.py",
    "host_tests/gateway/server/test_reading.py",
)

WHO = {"oriAddrType": "UE", "addr": A}
# Each member of the table, with the words that the schema has for them
PROFILE = {
    "triInfo": {
        "ueId": "urn:imei:35-209900-176148-1",
        "cliPorts": [{"portNum": 65401, "Protocol": "OTHER"}, {"portNum": 7, "Protocol": "SMS"}],
    },
    "comAvail": {
        "schTime": "2030-01-01T00:00:00Z",
        "durTime": "2030-01-01T00:10:00Z",
        "periIndi": True,
        "periInterval": "2030-01-01T01:00:00Z",
        "dataSize": "small",
    },
}


async def granted(display, **members):
    """The body of the answer to a REG, which is a success."""
    answer = await display.ask(own("REG", A, **members))
    assert answer.code.dotted in ("2.01", "2.04"), answer.payload
    body = json.loads(answer.payload)
    assert (body["oriAddr"], body["result"]) == (WHO, True)
    return body


# ---- 7.3.3.1 ---------------------------------------------------------------------------------------------------------


def test_7_3_3_1_service_type_and_ue_are_enough(tmp_path):
    """`secCred`, which the schema requires, is defined nowhere. The answer says how long, in seconds."""

    async def talk():
        async with scene(tmp_path, "none", registered=False, lifetime=900) as (_, _, display):
            assert await granted(display) == {"oriAddr": WHO, "result": True, "regExpTime": 900}

    run(talk())


@pytest.mark.parametrize(
    "profile",
    [
        PROFILE,
        {"triInfo": {"ueId": "urn:imei:35-209900-176148-1", "cliPort": "65401"}},
        {"comAvail": {"schTime": "2030-01-01T00:00:00Z", "durTime": "2030-01-01T00:10:00Z"}},
        {},
        None,
    ],
    ids=["all", "port", "availability", "empty", "null"],
)
def test_7_3_3_1_the_client_profile_is_optional_and_so_is_each_part(tmp_path, profile):
    async def talk():
        async with scene(tmp_path, "none", registered=False) as (_, gateway, display):
            await granted(display, cliProfile=profile)
            await gateway.ask(own("REG", GW))
            assert await gateway.code_of(msg(GW, A)) == "2.04"
            assert (await display.next())["payload"] == "21.5"

    run(talk())


@pytest.mark.parametrize(
    "said, opted_out", [("true", True), ("none of it", True), ("false", False), (None, False)]
)
def test_7_3_3_1_store_forward_says_that_nothing_is_stored_for_the_ue(tmp_path, said, opted_out):
    """By default it is. The schema has a string without values: docs/wire-profile.md."""

    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, display):
            await granted(display, cliProfile={"comAvail": {"storeForward": said}})
            display.code = aiocoap.SERVICE_UNAVAILABLE  # it cannot take it now, and leaves
            assert await gateway.code_of(msg(GW, A, sfFlag=True)) == "2.04"
            await display.next()
            await display.ask(own("DEREG", A))
            told = (await gateway.next())["DelSta"]
            assert told == ("failure" if opted_out else "stored for deferred delivery")

    run(talk())


def test_7_3_3_1_the_urgent_degree_is_of_msgin5g_6_and_means_nothing_here(tmp_path):
    async def talk():
        async with scene(tmp_path, "none", registered=False) as (_, _, display):
            for urgent in (True, False):
                assert "expectedTime" not in await granted(display, urgentTag=urgent, reqExpTime=30)

    run(talk())


def test_7_3_3_1_unknown_members_and_blanks_behind_names_mean_nothing(tmp_path):
    async def talk():
        async with scene(tmp_path, "none", registered=False) as (_, _, display):
            await granted(display, secCred="x", more={"a": [1]})
            said = {"oriAddr ": WHO, "msgType": "REG", "msgIden ": SERVICE}
            assert json.loads((await display.ask(said)).payload)["result"] is True

    run(talk())


WRONG = [
    ({"msgIden": None}, b"msgIden: "),
    ({"msgIden": "urn:other"}, b"msgIden: "),
    ({"msgIden": 7}, b"msgIden: "),
    ({"oriAddr": None}, b"oriAddr: "),
    ({"oriAddr": A}, b"oriAddr: "),
    ({"oriAddr": {"oriAddrType": "UE"}}, b"oriAddr.addr: "),
    ({"oriAddr": {"oriAddrType": "UE", "addr": ""}}, b"oriAddr.addr: "),
    ({"oriAddr": {"oriAddrType": "UE", "addr": 7}}, b"oriAddr.addr: "),
    ({"oriAddr": {"oriAddrType": "AS", "addr": A}}, b"oriAddr.oriAddrType: "),
]
WRONG_OPTIONAL = [
    ({"cliProfile": "all"}, b"cliProfile: "),
    ({"cliProfile": []}, b"cliProfile: "),
    ({"cliProfile": {"maxSegSize": 0}}, b"maxSegSize: "),
    ({"regExpTime": 0}, b"regExpTime: "),
    ({"regExpTime": "soon"}, b"regExpTime: "),
]


@pytest.mark.parametrize("kind", ["REG", "DEREG"])
def test_7_3_3_1_and_2_a_wrong_member_is_refused_by_its_name(tmp_path, kind):
    async def talk():
        async with scene(tmp_path, "none") as (journal, _, display):
            for change, named in WRONG + (WRONG_OPTIONAL if kind == "REG" else []):
                answer = await display.ask(own(kind, A) | change)
                assert answer.code.dotted == "4.00", (change, answer.payload)
                assert answer.payload.startswith(named), (change, answer.payload)
            for octets in (b"", b"{", b"[]", b"\xff"):
                answer = await display.ask(octets)
                assert answer.code.dotted == "4.00" and answer.payload.startswith(b"body: "), answer.payload
            assert journal.find("deregistered") == []

    run(talk())


# ---- 7.3.3.2 ---------------------------------------------------------------------------------------------------------


def test_7_3_3_2_service_type_and_ue_are_enough_and_the_answer_has_the_result(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (_, _, display):
            answer = await display.ask(own("DEREG", A, urgentTag=True, reqExpTime=30, more=1))
            assert (answer.code.dotted, answer.opt.content_format) == ("2.04", 50)
            assert json.loads(answer.payload) == {"oriAddr": WHO, "result": True}
            again = json.loads((await display.ask(own("DEREG", A))).payload)
            assert again == {"oriAddr": WHO, "result": False, "cause": "not registered"}

    run(talk())
