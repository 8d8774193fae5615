# SPDX-License-Identifier: MIT
"""TS 24.538 clause 5.2, the MSGin5G Server: it registers clients and routes by service ID, stores, cuts and expands.
The UEs are aiocoap. Each function's own tests are those of its clause."""

import json

from host_tests.conformance.server.registering import GW, A, msg, own, scene
from tools.programs.patience import run

MODULES = (
    "tools/server/server.py",
    "tools/server/procedures/__init__.py",
)
ALSO = ("host_tests/gateway/server/test_procedures.py",)


def test_5_2_it_registers_clients_and_routes_messages_by_service_id(tmp_path):
    async def talk():
        async with scene(tmp_path, "oscore") as (_, gateway, display):
            assert await gateway.code_of(msg(GW, A)) == "2.04"
            assert await display.code_of(msg(A, GW, 2)) == "2.04"
            assert (await display.next())["oriAddr"]["addr"] == GW
            assert (await gateway.next())["oriAddr"]["addr"] == A

    run(talk())


def test_5_2_it_stores_for_who_is_not_there_and_forwards_when_it_is(tmp_path):
    """Clause 6.4.1.2.6 c."""

    async def talk():
        async with scene(tmp_path, "none", registered=False) as (_, gateway, display):
            await gateway.ask(own("REG", GW))
            stored = msg(GW, A, sfFlag=True)
            assert await gateway.code_of(stored) == "2.04"
            told = await gateway.next()
            assert (told["msgType"], told["DelSta"]) == ("MSGRESP", "stored for deferred delivery")
            await display.ask(own("REG", A))
            came = await display.next()
            assert (came["msgId"], came["payload"]) == (stored["msgId"], "21.5")
            assert "sfFlag" not in came

    run(talk())


def test_5_2_it_cuts_what_is_too_large_for_the_recipient(tmp_path):
    """Clause 6.4.1.2.6 e."""

    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, display):
            await display.ask(own("REG", A, cliProfile={"maxSegSize": 100}))
            assert await gateway.code_of(msg(GW, A, payload="x" * 150)) == "2.04"
            assert [len((await display.next())["payload"]) for _ in range(2)] == [100, 50]

    run(talk())


def test_5_2_it_expands_a_topic_to_its_subscribers_and_not_to_the_originator(tmp_path):
    """Clause 6.4.1.2.6 d."""

    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, display):
            who = json.dumps({"oriAddr": {"oriAddrType": "UE", "addr": A}}).encode()
            topic = ("msgin5g", "weather")
            async with display.observing(topic, payload=who, content_format=50) as (answer, told):
                assert (answer.code.dotted, json.loads(answer.payload)["subStatus"]) == ("2.05", True)
                assert await display.code_of(msg(A, "weather", 2, "TOPIC")) == "2.04"
                assert await gateway.code_of(msg(GW, "weather", 1, "TOPIC")) == "2.04"
                came = json.loads((await told.get()).payload)
                assert (came["oriAddr"]["addr"], came["destAddr"]["addr"]) == (GW, A)

    run(talk())


def test_5_2_it_expands_a_group_to_its_members_and_not_to_the_originator(tmp_path):
    """Clause 6.4.1.2.6 d."""

    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, display):
            members = [{"memberId": {"valUserId": ue}, "membershipType": "IMPLICIT"} for ue in (GW, A)]
            group = {"valGroupId": "group:all@example.org", "category": "NORMAL", "memberDetails": members}
            answer = await gateway.ask(group, path=("su-gm", "v1", "group-documents"))
            assert answer.code.dotted == "2.01"
            assert await gateway.code_of(msg(GW, "group:all@example.org", kind="GROUP")) == "2.04"
            came = await display.next()
            assert came["destAddr"] == {"destAddrType": "UE", "addr": A}
            assert await display.code_of(msg(A, GW, 2)) == "2.04"
            assert (await gateway.next())["oriAddr"]["addr"] == A

    run(talk())


def test_5_2_it_says_so_where_there_is_no_such_group(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, _):
            assert await gateway.code_of(msg(GW, "group:all@example.org", kind="GROUP")) == "2.04"
            told = await gateway.next()
            assert (told["msgType"], told["DelSta"]) == ("MSGRESP", "failure")

    run(talk())
