# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.3.1.2, registration and de-registration at the MSGin5G Server. The UE is aiocoap with bodies
written here; where Message ID and Token are what is asked about, datagrams written by hand."""

import asyncio
import json
import socket

import pytest

from host_tests.conformance.raw import LONG
from host_tests.conformance.server.registering import GW, A, msg, own, scene
from tools.programs.patience import patience, run

MODULES = (
    "tools/server/procedures/registration.py",
    "tools/server/speakers.py",
)
ALSO = (
    "host_tests/gateway/server/test_decisions.py",
    "host_tests/gateway/server/test_reading.py",
)


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


LARGE = "x" * 500


# ---- 6.3.1.2.1: registration -----------------------------------------------------------------------------------------


def test_6_3_1_2_1_the_response_to_a_registration_has_the_ue_service_id_the_result_and_the_expiration_time(
    tmp_path, mode
):
    async def talk():
        async with scene(tmp_path, mode, registered=False) as (journal, _, display):
            answer = await display.ask(own("REG", A, regExpTime=600))
            assert (answer.code.dotted, answer.opt.content_format) == ("2.04", 50)
            assert answer.payload == (
                b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:display@example.org"},"result":true,"regExpTime":600}'
            )
            assert journal.find("registered", ue=A, lifetime=600)

    run(talk())


def test_6_3_1_2_1_a_ue_service_id_that_cannot_be_verified_gets_a_failure_and_its_cause(tmp_path, mode):
    """And no expiration time, which is of a success."""

    async def talk():
        async with scene(tmp_path, mode, registered=False) as (journal, _, display):
            answer = await display.ask(own("REG", "ue:stranger"))
            assert answer.code.dotted == "2.04"
            assert answer.payload == (
                b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:stranger"},"result":false,'
                b'"cause":"unknown UE service ID"}'
            )
            assert journal.find("registered") == []
            code = "4.01" if mode == "none" else "4.03"  # with a key it is known who it is not
            assert await display.code_of(msg("ue:stranger", A)) == code

    run(talk())


def test_6_3_1_2_1_with_keys_nobody_registers_as_another(tmp_path):
    async def talk():
        async with scene(tmp_path, "oscore", registered=False) as (journal, gateway, _):
            body = json.loads((await gateway.ask(own("REG", A))).payload)
            assert (body["result"], "regExpTime" in body) == (False, False)
            assert journal.find("registered") == []

    run(talk())


def test_6_3_1_2_1_the_client_profile_is_stored_with_the_ue_service_id(tmp_path, mode):
    """Shown by what it is for: a message that is larger than `maxSegSize` comes in segments."""

    async def talk():
        async with scene(tmp_path, mode) as (_, gateway, display):
            await display.ask(own("REG", A, cliProfile={"maxSegSize": 300}))
            assert await gateway.code_of(msg(GW, A) | {"payload": LARGE}) == "2.04"
            first, second = await display.next(), await display.next()
            assert (first["isSegmented"], second["isSegmented"]) == (True, True)
            assert first["payload"] + second["payload"] == LARGE

    run(talk())


def test_6_3_1_2_1_a_response_has_the_message_id_and_the_token_of_the_request(tmp_path):
    async def talk():
        async with scene(tmp_path, "none", registered=False) as (_, _, display):
            body = json.dumps(own("REG", A)).encode()
            # RFC 7252 section 3: version 1, CON, a Token of 4; 0.02; Uri-Path (11), Content-Format (12)
            datagram = b"\x44\x02\xbe\xef\xa0\xa1\xa2\xa3" + b"\xb7msgin5g" + b"\x11\x32" + b"\xff" + body
            answer = await exchanged(datagram, display.port)
            # ACK, a Token of 4; 2.04; the same Message ID and Token; Content-Format 50
            assert answer[:10] == b"\x64\x44\xbe\xef\xa0\xa1\xa2\xa3" + b"\xc1\x32"
            assert json.loads(answer[11:])["result"] is True

    run(talk())


# ---- 6.3.1.2.2: de-registration --------------------------------------------------------------------------------------


def test_6_3_1_2_2_a_deregistration_is_answered_and_ends_the_registration(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (journal, gateway, display):
            answer = await display.ask(own("DEREG", A))
            assert (answer.code.dotted, answer.opt.content_format) == ("2.04", 50)
            assert answer.payload == (
                b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:display@example.org"},"result":true}'
            )
            assert journal.find("deregistered", ue=A)
            assert await display.code_of(msg(A, GW)) == "4.01"
            assert await gateway.code_of(msg(GW, A, 2)) == "2.04"
            assert (await gateway.next())["DelSta"] == "failure"  # it is not sent there any more

    run(talk())


def test_6_3_1_2_2_a_deregistration_without_a_registration_fails_with_a_cause(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode, registered=False) as (_, _, display):
            answer = await display.ask(own("DEREG", A))
            assert answer.code.dotted == "2.04"
            assert answer.payload == (
                b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:display@example.org"},"result":false,'
                b'"cause":"not registered"}'
            )

    run(talk())


def test_6_3_1_2_2_nobody_deregisters_another(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (journal, gateway, _):
            assert await gateway.code_of(own("DEREG", A)) == "4.03"
            assert journal.find("deregistered") == []

    run(talk())


def test_6_3_1_2_2_a_deregistration_deletes_the_client_profile(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (_, gateway, display):
            await display.ask(own("REG", A, cliProfile={"maxSegSize": 300}))
            await display.ask(own("DEREG", A))
            await display.ask(own("REG", A))
            assert await gateway.code_of(msg(GW, A) | {"payload": LARGE}) == "2.04"
            body = await display.next()
            assert body["payload"] == LARGE and "isSegmented" not in body

    run(talk())


async def exchanged(datagram, port):
    """The datagram that comes back."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.setblocking(False)
        udp.connect(("127.0.0.1", port))
        await loop.sock_sendall(udp, datagram)
        async with patience(LONG):
            return await loop.sock_recv(udp, 2048)
