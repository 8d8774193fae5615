# SPDX-License-Identifier: MIT
"""TS 24.544 clause 6.2.5, group configuration management, at the server, by annex C.2 (the collection and a
document, GET and PUT). The UEs are aiocoap."""

import json
import time

import aiocoap
import cbor2
import pytest

from host_tests.conformance.raw import LONG
from host_tests.conformance.server.groups.grouping import (
    DOCUMENTS,
    GET,
    PUT,
    A,
    B,
    C,
    D,
    document,
    entry,
    entry_of,
    path_of,
    scene,
)
from tools.programs.patience import patience, run

MODULES = (
    "tools/server/procedures/groups/groups.py",
    "tools/server/procedures/groups/queries.py",
    "tools/transport/paths.py",
)


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


def date_time(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def ids(documents):
    return sorted(each["valGroupId"] for each in documents)


def test_a_query_names_the_parts_of_a_document(tmp_path):
    async def story():
        async with scene(tmp_path) as server:
            path, whole = await server.create(
                A, document(entry(B), groupName="x", valGrpConf="y", priority=3)
            )
            assert await server.read(B, GET, path) == whole
            parts = {
                "group-members": "members",
                "group-member-details": "memberDetails",
                "group-configuration": "valGrpConf",
            }
            rest = {name: value for name, value in whole.items() if name not in parts.values()}
            for flag, part in parts.items():
                got = await server.read(B, GET, path, query=[flag + "=true"])
                assert got == rest | {part: whole[part]}
            got = await server.read(B, GET, path, query=[flag + "=true" for flag in parts])
            assert got == whole
            got = await server.read(B, GET, path, query=["group-members=false"])
            assert got == rest
            for wrong in ("group-members=yes", "group-members", "groups=true", "member-id="):
                assert await server.code(B, GET, path, query=[wrong]) == "4.00"

    run(story())


def test_all_filters_of_the_collection_must_match(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            begun = time.time()
            await server.create(A, document(entry(B), entry(C), id_="group:1"))
            await server.create(A, document(entry(B), id_="group:2", valServiceIds=["meters"]))

            async def found(ue, *query):
                return ids(await server.read(ue, GET, DOCUMENTS, query=query))

            assert await found(B) == []
            assert await found(B, "member-id=" + B) == ["group:1", "group:2"]
            assert await found(B, "val-group-id=group:2") == ["group:2"]
            assert await found(B, "member-id=" + B, "val-group-id=group:1") == ["group:1"]
            assert await found(C, "member-id=" + C, "val-group-id=group:2") == []
            assert await found(B, "val-service-id=meters") == ["group:2"]
            assert await found(B, "val-service-id=urn:3gpp:msgin5g") == ["group:1"]
            around = "%s/%s" % (date_time(begun - 60), date_time(begun + 600))
            before = "%s/%s" % (date_time(begun - 600), date_time(begun - 60))
            assert await found(B, "time-period=" + around) == ["group:1", "group:2"]
            assert await found(B, "time-period=" + before) == []
            assert await found(A, "val-group-id=group:1", "val-service-id=meters") == []
            assert await found(A, "member-id=" + C) == ["group:1"]  # its creator asks for another's
            assert await found(D, "val-group-id=group:1") == []
            assert await server.code(B, GET, DOCUMENTS, query=["time-period=now"]) == "4.00"

    run(story())


def test_the_list_has_the_own_entry_of_a_member_only(tmp_path):
    """A group of many fits a device that asks which groups it is in."""

    async def story():
        async with scene(tmp_path) as server:
            many = [entry("ue:%d@example.org" % number) for number in range(100)]
            path, _ = await server.create(A, document(*many, entry(B, "EXPLICIT")))
            answer = await server.ask(B, GET, DOCUMENTS, query=["member-id=" + B])
            assert len(answer.payload) < 500
            (found,) = json.loads(answer.payload)
            (mine,) = found["memberDetails"]
            assert path_of(mine["resUri"]) == (*path, "members", B)

    run(story())


def test_a_document_is_changed_by_who_may(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            path, _ = await server.create(A, document(entry(B, "ADMINISTRATOR"), entry(C, "EXPLICIT")))
            new = document(entry(B, "ADMINISTRATOR"), entry(D), groupName="pumps")
            answer = await server.ask(B, PUT, path, new)
            assert answer.code.dotted == "2.04"
            got = await server.read(D, GET, path)
            assert got["groupName"] == "pumps"
            assert {each["valUserId"] for each in got["members"]} == {B, D}
            assert await server.code(D, PUT, path, new) == "4.03"
            assert await server.code(C, PUT, path, new) == "4.03"
            assert await server.code(A, PUT, path, new | {"valGroupId": "group:other"}) == "4.03"
            assert await server.code(A, PUT, (*DOCUMENTS, "nothing"), new) == "4.04"
            assert await server.code(A, PUT, path, {"category": "NORMAL"}) == "4.00"
            assert await server.read(D, GET, path) == got
            answer = await server.ask(A, PUT, path, new, content_format=60, accept=60)
            assert (answer.code.dotted, answer.opt.content_format) == ("2.04", 60)
            assert cbor2.loads(answer.payload)["groupName"] == "pumps"

    run(story())


def test_who_has_joined_stays_so_when_the_document_is_changed(tmp_path):
    """What was answered 2.04 is not undone by who did not know of it."""

    async def story():
        async with scene(tmp_path) as server:
            path, made = await server.create(A, document(entry(B, "EXPLICIT")))
            assert await server.join(B, made) == "2.04"
            assert (await server.ask(A, PUT, path, made | {"groupName": "x"})).code.dotted == "2.04"
            assert entry_of(B, await server.read(A, GET, path))["membershipState"] == {"registered": True}

    run(story())


def test_an_etag_saves_the_body(tmp_path):
    """RFC 7252 section 5.10.6.2."""

    async def story():
        async with scene(tmp_path) as server:
            path, _ = await server.create(A, document(entry(B)))
            answer = await server.ask(B, GET, path)
            again = await server.ask(B, GET, path, etags=[answer.opt.etag])
            assert (again.code, again.payload, again.opt.etag) == (aiocoap.VALID, b"", answer.opt.etag)
            await server.ask(A, PUT, path, document(entry(B), groupName="new"))
            other = await server.ask(B, GET, path, etags=[answer.opt.etag])
            assert (other.code, other.opt.etag == answer.opt.etag) == (aiocoap.CONTENT, False)

    run(story())


def test_changes_of_a_document_are_notified(tmp_path, mode):
    """RFC 7641; another group's are not."""

    async def story():
        async with scene(tmp_path, mode) as server:
            path, made = await server.create(A, document(entry(B), entry(C, "EXPLICIT")))
            other, _ = await server.create(A, document(entry(B), id_="group:other"))
            async with server.peers[B].observing(path) as (answer, told):
                assert (answer.code.dotted, answer.opt.observe is not None) == ("2.05", True)
                assert (await server.ask(A, PUT, other, document(id_="group:other"))).code.dotted == "2.04"
                assert await server.join(C, made) == "2.04"
                async with patience(LONG):
                    notified = await told.get()
                assert entry_of(C, json.loads(notified.payload))["membershipState"] == {"registered": True}
                new = made | {"groupName": "pumps"}
                assert (await server.ask(A, PUT, path, new)).code.dotted == "2.04"
                async with patience(LONG):
                    notified = await told.get()
                assert json.loads(notified.payload)["groupName"] == "pumps"
                assert told.empty()

    run(story())


def test_who_may_not_read_observes_nothing(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            path, _ = await server.create(A, document(entry(B)))
            async with server.peers[D].observing(path) as (answer, told):
                assert (answer.code.dotted, answer.opt.observe) == ("4.03", None)
                assert await told.get() is None
            async with server.peers[B].observing(path) as (answer, told):
                await server.ask(A, PUT, path, document(entry(D)))
                async with patience(LONG):
                    assert (await told.get()).code.dotted == "4.03"  # no member any more
                    assert await told.get() is None

    run(story())
