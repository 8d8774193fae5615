# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.4.1.2.6, delivery to recipients that are not always there, at the MSGin5G Server: scheduling by
Communication Availability, store and forward, the last try. The UEs are aiocoap; the server's clock is moved."""

import asyncio
import datetime
import json

import aiocoap
import pytest

from host_tests.conformance.server.messages.reach.moved import HOURLY, UE_ID, scene, udp_port
from host_tests.conformance.server.registering import GW, A, msg, own
from tools.programs.patience import patience, run

MODULES = (
    "tools/server/delivery/availability.py",
    "tools/server/delivery/windows.py",
    "tools/server/delivery/turns.py",
    "tools/server/delivery/ends.py",
    "tools/server/routing.py",
    "tools/server/procedures/reach/triggering.py",
    "tools/store/server/reachtables.py",
)


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


def test_a_message_is_sent_when_the_recipient_said_that_it_is_available(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as it:
            await it.asleep()
            assert await it.sender.code_of(msg(GW, A)) == "2.04"
            await it.nothing_came()
            it.later(3600 - 61)
            assert (await it.sleeper.next())["payload"] == "21.5"
            it.later(61)
            assert await it.sender.code_of(msg(GW, A, number=2)) == "2.04"
            await it.nothing_came()

    run(talk())


def test_with_store_and_forward_it_is_stored_and_the_originator_hears_that(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as it:
            await it.asleep()
            assert await it.sender.code_of(msg(GW, A, sfFlag=True)) == "2.04"
            told = await it.sender.next()
            assert (told["msgType"], told["DelSta"]) == ("MSGRESP", "stored for deferred delivery")
            await it.nothing_came()
            it.later(3600 - 61)
            assert (await it.sleeper.next())["payload"] == "21.5"

    run(talk())


def test_a_request_of_the_recipient_is_a_delivery_opportunity(tmp_path):
    async def talk():
        async with scene(tmp_path) as it:
            await it.asleep()
            assert await it.sender.code_of(msg(GW, A)) == "2.04"
            await it.nothing_came()
            assert await it.sleeper.code_of(msg(A, GW, number=5)) == "2.04"
            assert (await it.sleeper.next())["payload"] == "21.5"

    run(talk())


def test_reports_wait_as_messages_do(tmp_path):
    async def talk():
        async with scene(tmp_path) as it:
            await it.registers(it.sleeper, A, comAvail=HOURLY)
            sent = msg(A, GW, isDelivStatReq=True)
            assert await it.sleeper.code_of(sent) == "2.04"
            await it.sender.next()
            it.later(61)
            to = {"destAddrType": "UE", "addr": A}
            report = own("IMDN", GW, destAddr=to, msgId=sent["msgId"], DelSta="success")
            assert await it.sender.code_of(report) == "2.04"
            await it.nothing_came()
            it.later(3600 - 61)
            assert (await it.sleeper.next())["msgType"] == "IMDN"

    run(talk())


def test_at_the_expiration_time_it_is_tried_once_more_and_discarded_then(tmp_path):
    """By a trigger, where the recipient has said how: c 1."""

    async def talk():
        with udp_port() as (heard, port):
            async with scene(tmp_path) as it:
                await it.registers(it.sleeper, A, triInfo={"ueId": UE_ID, "cliPort": str(port)})
                await it.sleeper.ask(own("DEREG", A))
                until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
                params = {"expireTime": until.strftime("%Y-%m-%dT%H:%M:%SZ")}
                assert await it.sender.code_of(msg(GW, A, sfFlag=True, sfParam=params)) == "2.04"
                assert (await it.sender.next())["DelSta"] == "stored for deferred delivery"
                for seconds in (0, 1801, 1800):
                    it.later(seconds)
                    async with patience(20):
                        octets = await asyncio.get_running_loop().sock_recv(heard, 2048)
                    assert json.loads(octets)["msgIden"] == "urn:3gpp:msgin5g"
                assert it.journal.find("failed") == []
                it.later(31)
                told = await it.sender.next()
                assert (told["msgType"], told["DelSta"]) == ("MSGRESP", "failure")
                await it.registers(it.sleeper, A)
                await it.nothing_came()

    run(talk())


def test_what_it_observes_is_told_in_its_windows(tmp_path):
    """A notification is a message to it, too (TS 24.544 clause 6.2.2.1.6)."""

    async def talk():
        async with scene(tmp_path) as it:
            await it.registers(it.sleeper, A, comAvail=HOURLY)
            members = [{"memberId": {"valUserId": ue}, "membershipType": "IMPLICIT"} for ue in (A, GW)]
            made = {"valGroupId": "group:x", "category": "NORMAL", "memberDetails": members}
            answer = await it.sender.ask(made, path=("su-gm", "v1", "group-documents"))
            assert answer.code.dotted == "2.01"
            path = answer.opt.location_path or tuple(
                json.loads(answer.payload)["resUri"].partition("/su-gm/")[2].split("/")
            )
            path = path if path[0] == "su-gm" else ("su-gm", *path)
            async with it.sleeper.observing(path) as (first, told):
                assert first.code.dotted == "2.05"
                it.later(61)
                assert (await it.sender.request(aiocoap.DELETE, path)).code.dotted == "2.02"
                await it.nothing_came()
                assert told.empty()
                it.later(3600 - 61)
                async with patience(20):
                    assert (await told.get()).code.dotted == "4.04"

    run(talk())
