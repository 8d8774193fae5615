# SPDX-License-Identifier: MIT
"""TS 24.544 clause 6.2.12, group deletion, at the server. The UEs are aiocoap."""

import pytest

from host_tests.conformance.raw import LONG
from host_tests.conformance.server.groups.grouping import (
    DELETE,
    DOCUMENTS,
    GET,
    GROUP,
    A,
    B,
    C,
    D,
    document,
    entry,
    own,
    scene,
)
from tools.programs.patience import patience, run

MODULES = (
    "tools/server/procedures/groups/groups.py",
    "tools/store/server/grouptables.py",
)


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


def test_who_made_it_or_administers_it_deletes_a_group(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            path, _ = await server.create(A, document(entry(B), entry(C, "ADMINISTRATOR")))
            for ue in (B, D):
                assert await server.code(ue, DELETE, path) == "4.03"
            assert await server.code(C, DELETE, path) == "2.02"
            assert await server.code(A, DELETE, path) == "4.04"
            assert await server.code(A, GET, path) == "4.04"
            assert await server.read(B, GET, DOCUMENTS, query=["member-id=" + B]) == []
            await server.journal.wait("group-removed", group=GROUP, ue=C)
            again, _ = await server.create(B, document(entry(C)))  # its ID is free
            assert again != path
            assert await server.code(A, GET, again) == "4.03"

    run(story())


def test_who_observes_it_is_told_4_04_and_nothing_more(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            path, _ = await server.create(A, document(entry(B)))
            async with server.peers[B].observing(path) as (answer, told):
                assert answer.opt.observe is not None
                assert await server.code(A, DELETE, path) == "2.02"
                async with patience(LONG):
                    notified = await told.get()
                    assert (notified.code.dotted, notified.opt.observe) == ("4.04", None)
                    assert await told.get() is None

    run(story())


def test_what_was_accepted_before_still_goes_to_its_members(tmp_path):
    async def story():
        async with scene(tmp_path, away=(B,)) as server:
            path, _ = await server.create(A, document(entry(B)))
            msg_id = await server.send(A, sfFlag=True)
            assert (await server.peers[A].next())["DelSta"] == "stored for deferred delivery"
            assert await server.code(A, DELETE, path) == "2.02"
            await server.peers[B].ask(own("REG", B))
            assert (await server.peers[B].next())["msgId"] == msg_id

    run(story())
