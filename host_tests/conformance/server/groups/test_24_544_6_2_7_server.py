# SPDX-License-Identifier: MIT
"""TS 24.544 clauses 6.2.7 and 6.2.9, announcement, joining and leaving, at the server. The UEs are aiocoap."""

import json

import pytest

from host_tests.conformance.raw import LONG
from host_tests.conformance.server.groups.grouping import (
    DELETE,
    DOCUMENTS,
    GET,
    GROUP,
    ODD,
    PUT,
    ROOT,
    A,
    B,
    C,
    document,
    entry,
    entry_of,
    msg,
    path_of,
    scene,
)
from tools.programs.patience import patience, run

MODULES = (
    "tools/server/procedures/groups/groups.py",
    "tools/transport/paths.py",
)


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


async def next_of(told):
    async with patience(LONG):
        notified = await told.get()
    assert notified.code.dotted == "2.05", notified.payload
    return [each["valGroupId"] for each in json.loads(notified.payload)]


def test_groups_are_announced_to_who_observes_them(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            async with server.peers[ODD].observing(DOCUMENTS, uri_query=("member-id=" + ODD,)) as (
                answer,
                told,
            ):
                assert (answer.code.dotted, json.loads(answer.payload)) == ("2.05", [])
                assert answer.opt.observe is not None
                path, _ = await server.create(A, document(entry(B), entry(ODD, "EXPLICIT")))
                assert await next_of(told) == [GROUP]
                await server.create(A, document(entry(B), id_="group:not of ODD"))
                await server.create(B, document(entry(ODD), id_="group:2"))
                assert await next_of(told) == [GROUP, "group:2"]
                assert await server.code(A, DELETE, path) == "2.02"
                assert await next_of(told) == ["group:2"]
                assert told.empty()

    run(story())


def test_a_member_is_told_that_it_was_added_and_removed(tmp_path):
    async def story():
        async with scene(tmp_path) as server:
            path, _ = await server.create(A, document(entry(B)))
            async with server.peers[C].observing((*ROOT, "group-membership", C)) as (answer, told):
                assert (json.loads(answer.payload), answer.opt.observe is not None) == ([], True)
                assert await server.code(A, PUT, (*path, "members", C), entry(C)) == "2.01"
                assert await next_of(told) == [GROUP]
                assert (await server.ask(A, PUT, path, document(entry(B)))).code.dotted == "2.04"
                assert await next_of(told) == []

    run(story())


def test_what_names_no_member_is_not_observed(tmp_path):
    """RFC 7641 section 4.1: answered as without Observe."""

    async def story():
        async with scene(tmp_path) as server:
            await server.create(A, document(entry(B)))
            async with server.peers[B].observing(DOCUMENTS, uri_query=("val-group-id=" + GROUP,)) as (
                answer,
                _,
            ):
                assert (answer.code.dotted, answer.opt.observe) == ("2.05", None)

    run(story())


def test_a_group_made_by_command_is_announced_by_a_server_that_runs(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            async with server.peers[B].observing(DOCUMENTS, uri_query=("member-id=" + B,)) as (answer, told):
                assert json.loads(answer.payload) == []
                await server.command("group", "add", GROUP, "--name", "valves", A, B)
                assert await next_of(told) == [GROUP]
                msg_id = await server.send(A)
                assert (await server.peers[B].next())["msgId"] == msg_id
                assert GROUP in await server.command("group", "list")
                await server.command("group", "remove", GROUP)
                assert await next_of(told) == []

    run(story())


def test_6_2_9_a_member_joins_and_leaves_by_its_entry(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            _, made = await server.create(A, document(entry(B), entry(ODD, "EXPLICIT")))
            (found,) = await server.read(ODD, GET, DOCUMENTS, query=["member-id=" + ODD])
            assert await server.join(ODD, found) == "2.04"
            mine = path_of(entry_of(ODD, found)["resUri"])
            assert (await server.read(ODD, GET, mine))["membershipState"] == {"registered": True}
            await server.journal.wait("group-joined", group=GROUP, ue=ODD)
            msg_id = await server.send(A)
            assert (await server.peers[ODD].next())["msgId"] == msg_id

            assert await server.code(ODD, DELETE, mine) == "2.02"
            await server.journal.wait("group-left", group=GROUP, ue=ODD)
            assert await server.read(ODD, GET, DOCUMENTS, query=["member-id=" + ODD]) == []
            assert len((await server.read(A, GET, path_of(made["resUri"])))["memberDetails"]) == 1
            assert await server.code(ODD, DELETE, mine) == "4.04"  # again: it is gone
            assert await server.join(ODD, found) == "4.03"  # nobody adds itself

    run(story())


def test_a_member_that_is_not_registered_any_more_gets_nothing(tmp_path):
    async def story():
        async with scene(tmp_path) as server:
            _, made = await server.create(A, document(entry(B, "EXPLICIT"), entry(C)))
            assert await server.join(B, made) == "2.04"
            assert await server.join(B, made, registered=False) == "2.04"
            msg_id = await server.send(A)
            assert (await server.peers[C].next())["msgId"] == msg_id
            alone = msg(C, B, "UE")  # what is sent to it now is the next that it gets
            assert await server.peers[C].code_of(alone) == "2.04"
            assert (await server.peers[B].next())["msgId"] == alone["msgId"]

    run(story())


def test_joining_for_another_is_not_allowed(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            _, made = await server.create(A, document(entry(B, "EXPLICIT"), entry(C)))
            body = entry(B, "EXPLICIT", membershipState={"registered": True})
            uri = path_of(entry_of(B, made)["resUri"])
            assert await server.code(C, PUT, uri, body) == "4.03"
            assert await server.code(C, PUT, uri, body, query=["member-id=" + B]) == "4.03"
            assert await server.code(C, DELETE, uri, query=["member-id=" + B]) == "4.03"
            assert (await server.read(A, GET, uri))["membershipState"] == {"registered": False}

    run(story())
