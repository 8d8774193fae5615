# SPDX-License-Identifier: MIT
"""What is on its way to a device when its window ends is not sent again."""

import asyncio
import json

from host_tests.conformance.server.messages.reach.moved import HOURLY, Scene, scene, udp_port
from host_tests.conformance.server.registering import GW, A, msg, own
from tools.programs.patience import patience, run


async def datagram(heard):
    """(message ID, payload or b"") of the next one."""
    async with patience(20):
        octets, _ = await asyncio.get_running_loop().sock_recvfrom(heard, 2048)
    return octets[2:4], octets.partition(b"\xff")[2]


async def registered(it: Scene, device):
    """By a datagram written by hand."""
    body = json.dumps(own("REG", A, cliProfile={"comAvail": HOURLY | {"durTime": 1}})).encode()
    head = bytes([0x41, 0x02, 0x12, 0x34, 0x77, 0xB7]) + b"msgin5g" + bytes([0x11, 50, 0xFF])
    where = ("127.0.0.1", it.server.coap_port)
    await asyncio.get_running_loop().sock_sendto(device, head + body, where)
    await it.journal.wait("registered", ue=A)
    assert b'"result":true' in (await datagram(device))[1]


def test_a_request_is_repeated_within_its_window_only(tmp_path):
    """With an ACK_TIMEOUT of 0.2 s it would be sent after 0.3, 0.9, 2.1 and 4.5 s at the latest; the window is 1 s."""

    async def talk():
        with udp_port() as (device, _):
            async with scene(tmp_path) as it:
                await registered(it, device)
                assert await it.sender.code_of(msg(GW, A)) == "2.04"
                first, payload = await datagram(device)
                assert b'"21.5"' in payload
                await it.journal.wait("retry", to=A)
                it.later(3599)
                ids = [first]
                while ids[-1] == first:
                    ids.append((await datagram(device))[0])
                assert len(ids) - 1 <= 3  # 5 in all where nobody stops it
                await it.journal.wait("retry", 2, to=A)
                assert it.journal.find("delivered") == []

    run(talk())


def test_a_silence_that_was_cut_short_is_no_silence_of_a_whole_exchange(tmp_path):
    """So nobody is asked when the UE can be reached."""

    async def talk():
        with udp_port() as (device, _):
            async with scene(tmp_path, exposure="http://127.0.0.1:9") as it:
                await registered(it, device)
                with it.server.store.transaction():
                    it.server.store.put_trigger_info(A, "device-7@example.org", '[[4711, "OTHER"]]')
                assert await it.sender.code_of(msg(GW, A)) == "2.04"
                await datagram(device)
                await it.journal.wait("retry", to=A)
                await it.nothing_came()
                assert it.server.store.monitored() == []

    run(talk())
