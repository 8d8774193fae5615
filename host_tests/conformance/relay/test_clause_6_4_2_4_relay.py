# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.4.2.4, a message through a Relay UE: datagrams by hand on either side."""

import pytest

from host_tests.gateway.relay.peers import ACK, CHANGED, CON, NON, NOT_FOUND, POST, Scene, message, uri_host
from tools.programs.patience import run

MODULES = (
    "tools/gateway/running/relay/relay.py",
    "tools/gateway/running/relay/clients.py",
    "tools/gateway/running/relay/passing.py",
)
ALSO = ("host_tests/gateway/relay/test_relay.py",)

MSG = b"\x87msgin5g\x11\x32\xff" + b'{"msgIden":"urn:3gpp:msgin5g","msgType":"MSG"}'


def play(story):
    async def playing():
        async with Scene() as scene:
            await story(scene)

    run(playing())


@pytest.mark.parametrize("kind", [CON, NON])
def test_6_4_2_4_1_a_post_for_the_server_is_relayed_uplink_as_it_is(kind):
    async def story(scene):
        await scene.up(scene.client(), message(kind, POST, 0x0102, b"\xa0\xa1\xa2\xa3", MSG))
        named = message(kind, POST, 0x0103, b"\xa0\xa1\xa2\xa3", uri_host(b"127.0.0.1"))
        await scene.up(scene.client(), named)

    play(story)


def test_6_4_2_4_1_the_response_of_the_server_comes_back_as_it_is():
    async def story(scene):
        client = scene.client()
        way = await scene.up(client, message(CON, POST, 0x0102, b"\xa0\xa1\xa2\xa3", MSG))
        await scene.down(client, way, message(ACK, CHANGED, 0x0102, b"\xa0\xa1\xa2\xa3"))

    play(story)


def test_6_4_2_4_2_a_post_for_a_connected_client_is_relayed_downlink_as_it_is_and_so_is_its_answer():
    async def story(scene):
        client = scene.client()
        way = await scene.up(client, message(CON, POST, 1, b"\1", MSG))
        await scene.down(client, way, message(CON, POST, 0x7001, b"\xb0\xb1", MSG))
        assert await scene.up(client, message(ACK, CHANGED, 0x7001, b"\xb0\xb1")) == way

    play(story)


def test_6_4_2_4_2_each_client_gets_what_is_for_it_and_nothing_else():
    async def story(scene):
        clients = [scene.client() for _ in range(5)]
        ways = [await scene.up(client, message(CON, POST, 1, b"\1", MSG)) for client in clients]
        for number, (client, way) in reversed(list(enumerate(zip(clients, ways, strict=True)))):
            await scene.down(client, way, message(CON, POST, number, b"\2", MSG))
        assert [client.there() for client in clients] == [[]] * 5

    play(story)


def test_6_4_2_4_2_a_post_for_who_is_not_connected_is_discarded_and_answered_4_04():
    async def story(scene):
        client = scene.client()
        way = await scene.up(client, message(CON, POST, 1, b"\1", MSG))
        scene.now += 300
        scene.server.send(message(NON, POST, 0x7001, b"\xb0\xb1", MSG), way)
        scene.server.send(message(CON, POST, 0x7002, b"\xb0\xb1", MSG), way)
        answer, address = await scene.server.hear()
        assert address == way
        assert answer.startswith(message(ACK, NOT_FOUND, 0x7002, b"\xb0\xb1"))
        assert client.there() == []

    play(story)


def test_6_4_2_4_1_a_post_for_somebody_else_is_discarded_and_answered_4_04():
    async def story(scene):
        client = scene.client()
        client.send(message(CON, POST, 0x0102, b"\xa0", uri_host(b"192.0.2.9")), scene.at)
        answer, _ = await client.hear()
        assert answer.startswith(message(ACK, NOT_FOUND, 0x0102, b"\xa0"))
        assert scene.server.there() == []

    play(story)
