# SPDX-License-Identifier: MIT
"""TS 24.544 clause 6.2.2, group creation, at the server, by annex C.2 (POST of a VALGroupDocument). UEs are aiocoap."""

import contextlib
import json

import cbor2
import pytest

from host_tests.conformance.raw import Peer
from host_tests.conformance.server.groups.grouping import (
    DOCUMENTS,
    GET,
    GROUP,
    ODD,
    POST,
    ROOT,
    UE_ID,
    A,
    B,
    C,
    Scene,
    document,
    entry,
    entry_of,
    own,
    path_of,
    provisioned,
    scene,
)
from host_tests.conformance.server.registering import Killable
from tools.programs.patience import run

MODULES = (
    "tools/server/procedures/groups/groups.py",
    "tools/server/procedures/groups/creation.py",
    "tools/server/procedures/groups/documents.py",
    "tools/store/server/grouptables.py",
)


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


def test_the_answer_is_2_01_with_location_and_the_whole_document(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            made = document(
                entry(A, "ADMINISTRATOR"),
                entry(B, "EXPLICIT"),
                entry(ODD),
                groupName="valves",
                grpDesc="all valves of hall 3",
                valServiceIds=["urn:3gpp:msgin5g"],
                valGrpConf="colour=red",
                priority=7,
            )
            answer = await server.ask(A, POST, DOCUMENTS, made)
            assert answer.code.dotted == "2.01"
            path = tuple(answer.opt.location_path)
            assert path[:3] == DOCUMENTS and len(path) == 4
            got = json.loads(answer.payload)
            assert path_of(got["resUri"]) == path
            details = got.pop("memberDetails")
            assert {**made, **got} | {"memberDetails": made["memberDetails"]} == made | {
                "members": got["members"],
                "resUri": got["resUri"],
            }
            assert sorted(each["valUserId"] for each in got["members"]) == sorted((A, B, ODD))
            for each in details:
                ue = each["memberId"]["valUserId"]
                assert path_of(each["resUri"]) == (*path, "members", ue)
                assert each["membershipState"] == {"registered": False}
            assert await server.read(A, GET, path) == json.loads(answer.payload)
            assert (await server.read(B, GET, (*path, "members", ODD)))["memberId"] == {"valUserId": ODD}
            await server.journal.wait("group-created", group=GROUP, ue=A)

    run(story())


def test_cbor_is_read_and_written_where_it_is_accepted(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            made = document(entry(B))
            answer = await server.ask(A, POST, DOCUMENTS, made, content_format=60, accept=60)
            assert (answer.code.dotted, answer.opt.content_format) == ("2.01", 60)
            assert entry_of(B, cbor2.loads(answer.payload))["membershipType"] == "IMPLICIT"
            again = await server.ask(A, POST, DOCUMENTS, made, content_format=60, accept=60)
            assert (again.code.dotted, again.opt.content_format) == ("4.09", 257)
            problem = cbor2.loads(again.payload)
            assert problem[-1] == "Conflict" and GROUP in problem[-2]

    run(story())


def test_a_group_that_is_there_is_not_made_again(tmp_path):
    async def story():
        async with scene(tmp_path) as server:
            path, _ = await server.create(A, document(entry(B)))
            assert await server.code(B, POST, DOCUMENTS, document(entry(C))) == "4.09"
            assert len((await server.read(A, GET, path))["memberDetails"]) == 1

    run(story())


def test_who_is_not_authorised_gets_4_03(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode, groups_by="admin") as server:
            assert await server.code(A, POST, DOCUMENTS, document(entry(B))) == "4.03"

    run(story())


def test_who_is_not_registered_makes_none(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode, away=(A,)) as server:
            assert await server.code(A, POST, DOCUMENTS, document(entry(B))) == "4.01"

    run(story())


def test_regroup_is_not_allowed(tmp_path):
    async def story():
        async with scene(tmp_path) as server:
            assert await server.code(A, POST, DOCUMENTS, document(entry(B), category="REGROUP")) == "4.03"

    run(story())


def test_members_are_val_users_or_val_ues(tmp_path):
    """ValTargetUe; a bare string is a VAL user ID, and who is only in `members` takes part without more."""

    async def story():
        async with scene(tmp_path) as server:
            made = document({"memberId": {"valUeId": UE_ID}, "membershipType": "EXPLICIT"}, members=[B])
            path, got = await server.create(A, made)
            assert {each["membershipType"] for each in got["memberDetails"]} == {"EXPLICIT", "IMPLICIT"}
            assert {"valUeId": UE_ID} in got["members"] and B in got["members"]
            assert (await server.read(C, GET, path))["valGroupId"] == GROUP  # C has that UE ID
            assert (await server.read(B, GET, path))["valGroupId"] == GROUP

    run(story())


@pytest.mark.parametrize(
    "wrong, member",
    [
        ({"valGroupId": None}, "valGroupId"),
        ({"valGroupId": ""}, "valGroupId"),
        ({"valGroupId": 5}, "valGroupId"),
        ({"category": None}, "category"),
        ({"category": "BEST"}, "category"),
        ({"priority": 256}, "priority"),
        ({"groupName": ["x"]}, "groupName"),
        ({"geoIds": "x"}, "geoIds"),
        ({"members": [{}]}, "members[0]"),
        ({"members": [{"valUeId": "urn:imei:9"}]}, "members[0].valUeId"),
        ({"memberDetails": {}}, "memberDetails"),
        ({"memberDetails": [entry(B), entry(B)]}, "memberDetails[1].memberId"),
        ({"memberDetails": [{"memberId": B}]}, "memberDetails[0].membershipType"),
        ({"memberDetails": [{"membershipType": "EXPLICIT"}]}, "memberDetails[0].memberId"),
        ({"memberDetails": [entry(B, "BEST")]}, "memberDetails[0].membershipType"),
        (
            {"memberDetails": [entry(B, messageFilter={"maxMsgs": -1})]},
            "memberDetails[0].messageFilter.maxMsgs",
        ),
        (
            {"memberDetails": [entry(B, membershipState={"registered": 7})]},
            "memberDetails[0].membershipState",
        ),
    ],
)
def test_what_is_malformed_gets_4_00_and_is_named(tmp_path, wrong, member):
    async def story():
        async with scene(tmp_path, ues=(A, B)) as server:
            answer = await server.ask(A, POST, DOCUMENTS, document() | wrong)
            assert answer.code.dotted == "4.00"
            assert answer.payload.decode().startswith(member)

    run(story())


def test_formats_and_paths_that_are_not_there_are_named(tmp_path):
    async def story():
        async with scene(tmp_path, ues=(A, B)) as server:
            made = document(entry(B))
            assert await server.code(A, POST, DOCUMENTS, made, content_format=0) == "4.15"
            assert await server.code(A, POST, DOCUMENTS, made, accept=0) == "4.06"
            assert await server.code(A, GET, (*ROOT, "groups")) == "4.04"
            assert await server.code(A, GET, DOCUMENTS[:-1]) == "4.04"
            assert await server.code(A, GET, (*DOCUMENTS, "nothing")) == "4.04"
            assert await server.code(A, POST, (*DOCUMENTS, "nothing"), made) == "4.05"
            assert await server.code(A, POST, DOCUMENTS, query=["colour=red"]) == "4.00"

    run(story())


def test_a_document_may_come_and_go_in_blocks(tmp_path, mode):
    """RFC 7959."""

    async def story():
        async with scene(tmp_path, mode) as server:
            many = [entry("ue:%d@example.org" % number) for number in range(100)]
            path, got = await server.create(A, document(*many))
            assert len(got["memberDetails"]) == 100
            assert len((await server.read(A, GET, path))["memberDetails"]) == 100

    run(story())


def test_what_is_too_much_is_refused(tmp_path):
    async def story():
        async with scene(tmp_path, groups_each=1) as server:
            many = [entry("ue:%d" % number) for number in range(257)]
            assert await server.code(A, POST, DOCUMENTS, document(*many)) == "4.00"
            assert await server.code(A, POST, DOCUMENTS, document(valGrpConf="x" * 33000)) == "4.13"
            await server.create(A, document(entry(B)))
            other = document(entry(B), id_="group:2")
            assert await server.code(A, POST, DOCUMENTS, other) == "4.03"
            await server.create(B, other)

    run(story())


def test_what_was_answered_survives_a_kill(tmp_path, mode):
    """kill -9 right behind each answer: the group, who has joined, and the message to it are there."""

    async def story():
        path, sections = provisioned(tmp_path, mode, (A, B, C))
        async with Killable(tmp_path, path, mode) as program, contextlib.AsyncExitStack() as stack:
            server = Scene(None, None, path)

            async def restarted():
                await program.kill()
                await program.start()
                for ue in (A, B, C):
                    made = Peer(program.port, sections.get(ue))
                    server.peers[ue] = await stack.enter_async_context(made)
                    if ue != B:
                        assert await server.peers[ue].code_of(own("REG", ue)) == "2.04"

            await restarted()
            document_path, made = await server.create(A, document(entry(B), entry(C, "EXPLICIT")))
            await restarted()
            assert await server.read(A, GET, document_path) == made
            assert await server.join(C, made) == "2.04"
            await restarted()
            msg_id = await server.send(A, sfFlag=True)
            await restarted()
            got = await server.read(A, GET, (*document_path, "members", C))
            assert got["membershipState"] == {"registered": True}
            assert await server.peers[B].code_of(own("REG", B)) == "2.04"
            assert (await server.peers[B].next())["msgId"] == msg_id

    run(story())
