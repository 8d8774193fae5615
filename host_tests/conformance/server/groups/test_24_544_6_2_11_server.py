# SPDX-License-Identifier: MIT
"""TS 24.544 clauses 6.2.6 and 6.2.11, location-based group creation and temporary groups, at the server. The UEs are
aiocoap."""

from host_tests.conformance.server.groups.grouping import (
    DOCUMENTS,
    GET,
    GROUP,
    POST,
    A,
    B,
    C,
    D,
    document,
    entry,
    entry_of,
    scene,
)
from tools.programs.patience import run

MODULES = ("tools/server/procedures/groups/creation.py",)


def members_of(made):
    return sorted(each["valUserId"] for each in made["members"])


def test_6_2_6_a_location_based_group_has_the_ues_that_are_in_its_areas(tmp_path):
    async def story():
        async with scene(tmp_path) as server:
            await server.command("area", "add", "hall 3", B, C)
            await server.command("area", "add", "hall 4", C, D)
            made = document(category="LOCATION_BASED", geoIds=["hall 3", "hall 4"])
            _, got = await server.create(A, made)
            assert (got["category"], got["geoIds"]) == ("LOCATION_BASED", ["hall 3", "hall 4"])
            assert members_of(got) == [B, C, D]
            msg_id = await server.send(A)
            for ue in (B, C, D):
                assert (await server.peers[ue].next())["msgId"] == msg_id
            other = document(id_="group:2", category="LOCATION_BASED", geoIds=["hall 5"])
            assert await server.code(A, POST, DOCUMENTS, other) == "4.04"
            assert await server.code(A, POST, DOCUMENTS, other | {"geoIds": []}) == "4.00"

    run(story())


def test_a_temporary_group_takes_the_members_of_several_together(tmp_path):
    async def story():
        async with scene(tmp_path) as server:
            await server.create(A, document(entry(B), entry(C, "EXPLICIT"), id_="group:1"))
            await server.create(A, document(entry(C), entry(D, "EXPLICIT"), id_="group:2"))
            made = document(category="TEMPORARY", inclValGroupIds=["group:1", "group:2"])
            path, got = await server.create(A, made)
            assert (got["category"], got["inclValGroupIds"]) == ("TEMPORARY", ["group:1", "group:2"])
            assert members_of(got) == [B, C, D]
            assert entry_of(C, got)["membershipType"] == "IMPLICIT"
            assert entry_of(D, got)["membershipType"] == "EXPLICIT"
            msg_id = await server.send(A)
            for ue in (B, C):
                assert (await server.peers[ue].next())["msgId"] == msg_id
            assert await server.read(D, GET, path) == got

    run(story())


def test_a_temporary_group_in_a_temporary_one_is_not_allowed(tmp_path):
    async def story():
        async with scene(tmp_path) as server:
            await server.create(A, document(entry(B), id_="group:1"))
            await server.create(A, document(category="TEMPORARY", inclValGroupIds=["group:1"]))
            made = document(id_="group:3", category="TEMPORARY", inclValGroupIds=["group:1", GROUP])
            assert await server.code(A, POST, DOCUMENTS, made) == "4.03"
            assert await server.code(A, POST, DOCUMENTS, made | {"inclValGroupIds": ["group:none"]}) == "4.03"
            assert await server.code(A, POST, DOCUMENTS, made | {"inclValGroupIds": []}) == "4.00"
            # Who is no member learns nothing of its members.
            made |= {"inclValGroupIds": ["group:1"]}
            assert await server.code(D, POST, DOCUMENTS, made) == "4.03"

    run(story())
