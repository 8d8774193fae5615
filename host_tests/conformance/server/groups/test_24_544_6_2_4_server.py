# SPDX-License-Identifier: MIT
"""TS 24.544 clause 6.2.4, group membership, at the server, by annex C.2 (GroupMember below a document,
and `group-membership`). The UEs are aiocoap."""

import json

import cbor2
import pytest

from host_tests.conformance.server.groups.grouping import (
    DELETE,
    GET,
    GROUP,
    ODD,
    POST,
    PUT,
    ROOT,
    UE_ID,
    A,
    B,
    C,
    D,
    document,
    entry,
    msg,
    own,
    path_of,
    scene,
)
from tools.programs.patience import run

MODULES = (
    "tools/server/procedures/groups/groups.py",
    "tools/server/procedures/groups/queries.py",
    "tools/server/procedures/groups/rights.py",
)


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


def test_an_administrator_adds_changes_and_removes_members(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            path, _ = await server.create(A, document(entry(B, "ADMINISTRATOR")))
            members = (*path, "members")
            added = entry(ODD, "EXPLICIT")
            assert await server.code(B, PUT, (*members, ODD), added) == "2.01"
            got = await server.read(B, GET, (*members, ODD))
            assert (got["memberId"], got["membershipType"]) == ({"valUserId": ODD}, "EXPLICIT")
            assert path_of(got["resUri"]) == (*members, ODD)
            changed = entry(ODD, "IMPLICIT", messageFilter={"maxMsgs": 5})
            assert await server.code(A, PUT, (*members, ODD), changed) == "2.04"  # the creator
            got = await server.read(ODD, GET, (*members, ODD))
            assert (got["membershipType"], got["messageFilter"]) == ("IMPLICIT", {"maxMsgs": 5})
            assert await server.code(B, DELETE, (*members, ODD)) == "2.02"
            assert await server.code(B, GET, (*members, ODD)) == "4.04"
            assert await server.code(B, DELETE, (*members, ODD)) == "4.04"

    run(story())


def test_who_is_no_administrator_changes_nobody(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            path, _ = await server.create(A, document(entry(B), entry(C, "EXPLICIT")))
            members = (*path, "members")
            joined = entry(C, "EXPLICIT", membershipState={"registered": True})
            assert await server.code(B, PUT, (*members, C), joined) == "4.03"
            assert await server.code(B, DELETE, (*members, C)) == "4.03"
            assert await server.code(B, PUT, (*members, D), entry(D)) == "4.03"
            assert await server.code(D, PUT, (*members, D), entry(D)) == "4.03"  # nor does it add itself
            assert await server.code(D, GET, (*members, C)) == "4.03"
            got = await server.read(B, GET, path)
            assert [each["membershipState"] for each in got["memberDetails"]] == [{"registered": False}] * 2

    run(story())


def test_a_member_changes_nothing_but_its_state(tmp_path):
    async def story():
        async with scene(tmp_path) as server:
            path, _ = await server.create(A, document(entry(B, "EXPLICIT")))
            mine = (*path, "members", B)
            for wrong in (entry(B, "ADMINISTRATOR"), entry(B, "EXPLICIT", messageFilter={"maxMsgs": 9})):
                assert (
                    await server.code(B, PUT, mine, wrong | {"membershipState": {"registered": True}})
                    == "4.03"
                )
            assert (await server.read(B, GET, mine))["membershipState"] == {"registered": False}

    run(story())


def test_the_path_and_the_body_name_one_member(tmp_path):
    async def story():
        async with scene(tmp_path) as server:
            path, _ = await server.create(A, document(entry(B)))
            answer = await server.ask(A, PUT, (*path, "members", C), entry(D))
            assert (answer.code.dotted, answer.payload.decode().partition(":")[0]) == ("4.00", "memberId")
            answer = await server.ask(A, PUT, (*path, "members", C), entry(C, "BEST"))
            assert (answer.code.dotted, answer.payload.decode().partition(":")[0]) == (
                "4.00",
                "membershipType",
            )
            assert await server.code(A, POST, (*path, "members", C), entry(C)) == "4.05"
            assert await server.code(A, GET, (*path, "members")) == "4.04"
            assert await server.code(A, GET, (*path, "people", B)) == "4.04"

    run(story())


def test_a_member_has_the_name_of_its_ue_id_too(tmp_path):
    async def story():
        async with scene(tmp_path) as server:
            path, _ = await server.create(A, document(entry(C, "EXPLICIT")))
            assert (await server.read(C, GET, (*path, "members", UE_ID)))["memberId"] == {"valUserId": C}

    run(story())


def test_who_leaves_loses_what_waits_from_this_group_only(tmp_path):
    async def story():
        async with scene(tmp_path, away=(B,)) as server:
            path, _ = await server.create(A, document(entry(B), entry(C)))
            gone = await server.send(A, sfFlag=True)
            assert (await server.peers[C].next())["msgId"] == gone
            kept = msg(A, B, "UE", sfFlag=True)
            assert await server.peers[A].code_of(kept) == "2.04"
            assert await server.code(A, DELETE, (*path, "members", B)) == "2.02"
            await server.journal.wait("group-left", ue=B, group=GROUP, messages=1)
            await server.peers[B].ask(own("REG", B))
            assert (await server.peers[B].next())["msgId"] == kept["msgId"]

    run(story())


def test_group_membership_is_the_list_of_a_members_groups(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            one, _ = await server.create(A, document(entry(B), entry(ODD, "EXPLICIT"), id_="group:1"))
            await server.create(A, document(entry(B), id_="group:2"))
            (found,) = await server.read(ODD, GET, (*ROOT, "group-membership", ODD))
            assert (found["valGroupId"], path_of(found["resUri"])) == ("group:1", one)
            (mine,) = found["memberDetails"]
            assert path_of(mine["resUri"]) == (*one, "members", ODD)
            assert len(await server.read(B, GET, (*ROOT, "group-membership", B))) == 2
            answer = await server.ask(B, GET, (*ROOT, "group-membership", B), accept=60)
            assert (answer.opt.content_format, len(cbor2.loads(answer.payload))) == (60, 2)
            # Of another only what the asker may read itself.
            assert len(await server.read(ODD, GET, (*ROOT, "group-membership", B))) == 1
            assert await server.read(D, GET, (*ROOT, "group-membership", B)) == []
            assert await server.code(B, PUT, (*ROOT, "group-membership", B), entry(B)) == "4.05"

    run(story())


def test_there_is_an_end_to_the_members_of_a_group(tmp_path):
    async def story():
        async with scene(tmp_path, ues=(A, B)) as server:
            path, _ = await server.create(A, document(*(entry("ue:%d" % number) for number in range(256))))
            assert await server.code(A, PUT, (*path, "members", B), entry(B)) == "4.03"
            assert await server.code(A, DELETE, (*path, "members", "ue:0")) == "2.02"
            answer = await server.ask(A, PUT, (*path, "members", B), entry(B), accept=60)
            assert answer.code.dotted == "2.01"
            problem = await server.ask(B, DELETE, (*path, "members", "ue:1"), accept=60)
            assert (problem.code.dotted, problem.opt.content_format) == ("4.03", 257)
            assert cbor2.loads(problem.payload)[-1] == "Forbidden"
            assert len(json.loads((await server.ask(A, GET, path)).payload)["members"]) == 256

    run(story())
