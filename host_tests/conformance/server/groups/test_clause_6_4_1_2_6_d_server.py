# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.4.1.2.6 d 3, a message to a group, at the server. The UEs are aiocoap,
the Application Server is aiohttp."""

import uuid

import pytest

from host_tests.conformance.server.groups.grouping import (
    GROUP,
    A,
    B,
    C,
    D,
    application_server,
    document,
    entry,
    msg,
    own,
    scene,
)
from tools.programs.patience import run

MODULES = (
    "tools/server/procedures/groups/sending.py",
    "tools/server/procedures/groups/rights.py",
    "tools/server/routing.py",
)
AS = "as:hall-3@example.org"


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


async def nothing_came(server, ue, from_=B):
    """Nothing else is there for this UE: a message that is sent to it now is the next."""
    body = msg(from_, ue, "UE", payload="and now")
    assert await server.peers[from_].code_of(body) == "2.04"
    assert (await server.peers[ue].next())["msgId"] == body["msgId"]


async def answered(server, ue, msg_id):
    """DelSta and cause of the message response."""
    told = await server.peers[ue].next()
    assert (told["msgType"], told["msgId"]) == ("MSGRESP", msg_id)
    return told["DelSta"], told.get("Cause", "")


def test_each_member_but_the_originator_gets_a_copy(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            await server.create(A, document(*map(entry, (A, B, C))))
            msg_id = await server.send(A, sfFlag=True, priority="HIGH", isDelivStatReq=True)
            for ue in (B, C):
                came = await server.peers[ue].next()
                assert came == own("MSG", A) | {
                    "destAddr": {"destAddrType": "UE", "addr": ue},
                    "oriDestAddr": {"destAddrType": "GROUP", "addr": GROUP},
                    "msgId": msg_id,
                    "isDelivStatReq": True,
                    "payload": "21.5",
                }
            await nothing_came(server, A)
            await nothing_came(server, D)  # no member

    run(story())


def test_an_explicit_member_gets_it_once_it_is_registered(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            _, made = await server.create(A, document(entry(B, "EXPLICIT"), entry(C, "ADMINISTRATOR")))
            first = await server.send(A)
            assert (await server.peers[C].next())["msgId"] == first
            assert await server.join(B, made) == "2.04"
            second = await server.send(A)
            assert (await server.peers[B].next())["msgId"] == second
            assert (await server.peers[C].next())["msgId"] == second

    run(story())


def test_who_may_not_send_is_told_so(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            _, made = await server.create(A, document(entry(B), entry(C, "EXPLICIT")))
            status, cause = await answered(server, D, await server.send(D))
            assert (status, "not a member of this group" in cause) == ("failure", True)
            status, cause = await answered(server, C, await server.send(C))
            assert (status, "not a member of this group" in cause) == ("failure", True)
            status, cause = await answered(server, A, await server.send(A, "group:none"))
            assert (status, "unknown group" in cause) == ("failure", True)
            assert await server.join(C, made) == "2.04"
            for ue in (C, A):  # a member that has joined, the creator
                msg_id = await server.send(ue)
                assert (await server.peers[B].next())["msgId"] == msg_id

    run(story())


def test_an_application_server_may_send_and_be_a_member(tmp_path):
    async def story():
        async with scene(tmp_path) as server, application_server(server, AS) as hall:
            await server.create(A, document(entry(B), entry(AS)))
            msg_id = await server.send(B, isDelivStatReq=True)
            path, came = await hall.next()
            assert path == "/in"
            assert came["oriAddr"] == {"addrType": "UE", "addr": B}
            assert came["destAddr"] == {"addrType": "GROUP", "addr": GROUP}
            assert (came["msgId"], came["payload"], came["delivStReqInd"]) == (msg_id, "21.5", True)
            report = {
                "oriAddr": {"addrType": "AS", "addr": AS},
                "destAddr": {"addrType": "UE", "addr": B},
                "msgId": msg_id,
                "delivSt": "REPT_DELY_SUCCESS",
            }
            assert (await hall.ask("POST", "/msgs-msgdelivery/v1/deliver-report", report))[0] == 200
            told = await server.peers[B].next()
            assert (told["msgType"], told["oriAddr"]["addr"], told["DelSta"]) == ("IMDN", AS, "success")

            own_message = {
                "oriAddr": {"addrType": "AS", "addr": AS},
                "destAddr": {"addrType": "GROUP", "addr": GROUP},
                "msgId": str(uuid.uuid4()),
                "stoAndFwInd": False,
                "payload": "close all",
            }
            status, ack, _ = await hall.ask("POST", "/msgs-msgdelivery/v1/deliver-as-message", own_message)
            assert (status, ack.get("status")) == (200, None)
            came = await server.peers[B].next()
            assert (came["oriAddr"], came["payload"]) == ({"oriAddrType": "AS", "addr": AS}, "close all")

            unknown = own_message | {
                "msgId": str(uuid.uuid4()),
                "destAddr": {"addrType": "GROUP", "addr": "g"},
            }
            status, ack, _ = await hall.ask("POST", "/msgs-msgdelivery/v1/deliver-as-message", unknown)
            assert (status, ack["status"], "unknown group" in ack["failureCause"]) == (
                200,
                "DELY_FAILED",
                True,
            )

    run(story())


def test_an_application_server_hears_of_each_member_also_of_another_one(tmp_path):
    async def story():
        async with (
            scene(tmp_path) as server,
            application_server(server, AS) as hall,
            application_server(server, "as:office@example.org") as office,
        ):
            await server.create(A, document(entry(B), entry("as:office@example.org")))
            body = {
                "oriAddr": {"addrType": "AS", "addr": AS},
                "destAddr": {"addrType": "GROUP", "addr": GROUP},
                "msgId": str(uuid.uuid4()),
                "stoAndFwInd": False,
                "delivStReqInd": True,
                "payload": "close all",
            }
            status, _, _ = await hall.ask("POST", "/msgs-msgdelivery/v1/deliver-as-message", body)
            assert status == 200
            _, came = await office.next()
            assert (came["oriAddr"], came["destAddr"]) == (body["oriAddr"], body["destAddr"])
            report = {
                "oriAddr": {"addrType": "AS", "addr": "as:office@example.org"},
                "destAddr": came["oriAddr"],
                "msgId": came["msgId"],
                "delivSt": "REPT_DELY_SUCCESS",
            }
            status, ack, _ = await office.ask("POST", "/msgs-msgdelivery/v1/deliver-report", report)
            assert (status, ack.get("status")) == (200, None)
            assert (await hall.next())[1] == report
            came = await server.peers[B].next()
            to = {"destAddrType": "AS", "addr": AS}
            told = own("IMDN", B, destAddr=to, msgId=came["msgId"], DelSta="success")
            assert await server.peers[B].code_of(told) == "2.04"
            assert (await hall.next())[1] == report | {"oriAddr": {"addrType": "UE", "addr": B}}

    run(story())


def test_a_message_filter_is_obeyed(tmp_path):
    """`tgtUe`: whose messages; `maxMsgs`: how many."""

    async def story():
        async with scene(tmp_path) as server:
            members = [
                entry(A),
                entry(B, messageFilter={"tgtUe": [{"valUserId": C}, {"valUserId": D}]}),
                entry(C, messageFilter={"maxMsgs": 1}),
                entry(D, messageFilter={"tgtUe": {"valUserId": A}, "msgTypes": ["anything"]}),
            ]
            await server.create(A, document(*members))
            first = await server.send(A)
            assert (await server.peers[C].next())["msgId"] == first
            assert (await server.peers[D].next())["msgId"] == first
            second = await server.send(D)
            assert (await server.peers[A].next())["msgId"] == second
            assert (await server.peers[B].next())["msgId"] == second
            await nothing_came(server, C, A)
            await nothing_came(server, B, A)

    run(story())


def test_each_copy_is_stored_for_who_is_away(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode, away=(C,)) as server:
            await server.create(A, document(entry(B), entry(C)))
            msg_id = await server.send(A, sfFlag=True)
            assert (await server.peers[B].next())["msgId"] == msg_id
            await nothing_came(server, A)  # not all were stored
            await server.peers[C].ask(own("REG", C))
            assert (await server.peers[C].next())["msgId"] == msg_id

    run(story())


def test_the_originator_is_told_where_all_copies_were_stored_or_none_was_taken(tmp_path):
    async def story():
        async with scene(tmp_path, away=(B, C)) as server:
            await server.create(A, document(entry(A), entry(B), entry(C)))
            stored = await server.send(A, sfFlag=True)
            assert await answered(server, A, stored) == ("stored for deferred delivery", "")
            status, cause = await answered(server, A, await server.send(A))
            assert status == "failure" and cause
            await server.peers[B].ask(own("REG", B))
            assert (await server.peers[B].next())["msgId"] == stored
            assert await server.send(A)  # B gets it, for C it is lost: nobody is told of a single copy
            await nothing_came(server, A)
            await server.journal.wait("discarded", to=C)

    run(story())


def test_who_is_alone_in_its_group_is_told_so(tmp_path):
    async def story():
        async with scene(tmp_path) as server:
            await server.create(A, document(entry(A), entry(B, "EXPLICIT")))
            status, cause = await answered(server, A, await server.send(A))
            assert status == "failure" and cause

    run(story())


def test_the_reports_of_members_go_to_the_originator(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            await server.create(A, document(*map(entry, (A, B, C))))
            msg_id = await server.send(A, isDelivStatReq=True)
            for ue in (B, C):
                came = await server.peers[ue].next()
                to = {"destAddrType": "UE", "addr": came["oriAddr"]["addr"]}
                report = own("IMDN", ue, destAddr=to, msgId=msg_id, DelSta="success")
                assert await server.peers[ue].code_of(report) == "2.04"
            told = [await server.peers[A].next() for _ in range(2)]
            assert {(each["msgType"], each["oriAddr"]["addr"], each["msgId"]) for each in told} == {
                ("IMDN", B, msg_id),
                ("IMDN", C, msg_id),
            }

    run(story())


def test_an_aggregate_is_one_aggregate_for_each_member(tmp_path):
    async def story():
        async with scene(tmp_path) as server:
            await server.create(A, document(*map(entry, (A, B, C))))
            listed = [{"msgId": str(uuid.uuid4()), "payload": text} for text in ("one", "two")]
            body = msg(A, totalMsgCount=2, msgList=listed)
            del body["payload"]
            assert await server.peers[A].code_of(body) == "2.04"
            for ue in (B, C):
                came = await server.peers[ue].next()
                assert came["destAddr"] == {"destAddrType": "UE", "addr": ue}
                assert came["oriDestAddr"] == {"destAddrType": "GROUP", "addr": GROUP}
                assert (came["totalMsgCount"], came["msgList"]) == (2, listed)

    run(story())


def test_each_copy_is_cut_for_its_recipient(tmp_path):
    """Clause 6.4.1.2.6 e."""

    async def story():
        async with scene(tmp_path, away=(B,)) as server:
            await server.create(A, document(*map(entry, (B, C))))
            await server.peers[B].ask(own("REG", B, cliProfile={"maxSegSize": 100}))
            await server.send(A, payload="x" * 150)
            assert [len((await server.peers[B].next())["payload"]) for _ in range(2)] == [100, 50]
            assert len((await server.peers[C].next())["payload"]) == 150

    run(story())


def test_a_message_is_expanded_once(tmp_path):
    """6.4.1.2.1: what is known again by its msgId is acknowledged and goes no further."""

    async def story():
        async with scene(tmp_path) as server:
            await server.create(A, document(*map(entry, (B, C))))
            body = msg(A)
            assert [await server.peers[A].code_of(body) for _ in range(2)] == ["2.04", "2.04"]
            assert (await server.peers[C].next())["msgId"] == body["msgId"]
            await nothing_came(server, C)

    run(story())
