# SPDX-License-Identifier: MIT
"""The Relay UE (TS 24.538 clause 6.4.2.4): what passes, unchanged, and for whom there is a place."""

import errno
import random
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.gateway.relay.peers import (
    ACK,
    CHANGED,
    CON,
    CONTENT,
    GET,
    NON,
    NOT_FOUND,
    POST,
    RST,
    Scene,
    message,
    uri_host,
)
from tools.gateway.running.relay import passing
from tools.gateway.running.relay.clients import AWAY, GONE, Clients
from tools.gateway.running.relay.sockets import Way
from tools.programs.patience import run


def play(story, **options):
    async def playing():
        async with Scene(**options) as scene:
            await story(scene)

    run(playing())


# ---- what passes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listen", ["127.0.0.1", "0.0.0.0", "::1", "::"])
@pytest.mark.parametrize("server", ["127.0.0.1", "::1"])
def test_each_datagram_passes_unchanged_either_way(listen, server):
    """Any code, type, size and content: nothing in it is read but what says that it is CoAP."""

    async def story(scene):
        chance = random.Random(7)
        client = scene.client()
        for number, size in enumerate((0, 1, 9, 1152, 9000, 65000)):
            for kind, code in ((CON, POST), (NON, GET), (ACK, CONTENT), (RST, 0), (CON, CHANGED)):
                octets = message(kind, code, number, b"\1\2", chance.randbytes(size))
                way = await scene.up(client, octets)
                await scene.down(client, way, octets)

    play(story, listen=listen, server=server)


def test_two_clients_with_the_same_message_id_and_token_have_addresses_of_their_own():
    async def story(scene):
        one, two = scene.client(), scene.client()
        request = message(CON, POST, 7, b"same", b"\x87msgin5g")
        way_one, way_two = await scene.up(one, request), await scene.up(two, request)
        assert way_one != way_two
        await scene.down(two, way_two, message(ACK, CHANGED, 7, b"same", b"\xfftwo"))
        await scene.down(one, way_one, message(ACK, CHANGED, 7, b"same", b"\xffone"))
        assert await scene.up(one, request) == way_one

    play(story)


BROKEN = [
    b"",
    b"\x40",
    b"\x40\x01\x00",
    b"\x00\x01\x00\x01",
    b"\x80\x01\x00\x01",
    b"\xc0\x01\x00\x01",
    b"GET / HTTP/1.1"[3:],
]


@pytest.mark.parametrize("octets", BROKEN)
def test_what_is_no_coap_does_not_pass(octets):
    async def story(scene):
        client = scene.client()
        request = message(CON, POST, 1)
        client.send(octets, scene.at)
        way = await scene.up(client, request)
        scene.server.send(octets, way)
        await scene.down(client, way, message(ACK, CHANGED, 1))
        assert scene.relay.counts["what came was no CoAP"] == 2

    play(story)


@pytest.mark.parametrize("listen", ["0.0.0.0", "::"])
def test_the_answer_comes_from_the_address_that_was_asked(listen):
    """A relay at all addresses: a device hears nobody else."""

    async def story(scene):
        client = scene.client()
        client.send(message(CON, POST, 1), ("127.0.0.2", scene.relay.port))
        _, way = await scene.server.hear()
        scene.server.send(message(ACK, CHANGED, 1), way)
        assert await client.hear() == (message(ACK, CHANGED, 1), ("127.0.0.2", scene.relay.port))

    play(story, listen=listen)


def test_only_the_server_is_heard_on_the_way_to_the_server():
    async def story(scene):
        client = scene.client()
        way = await scene.up(client, message(CON, POST, 1))
        scene.client().send(message(CON, POST, 2, b"", b"\x87msgin5g\xffforged"), way)
        await scene.down(client, way, message(ACK, CHANGED, 1))

    play(story)


# ---- for whom --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [b"example.org", b"192.0.2.77", b"[::2]", b"127.0.0.10", b"\xff\xfe", b""])
@pytest.mark.parametrize("kind", [CON, NON])
def test_a_request_that_names_another_server_gets_4_04(name, kind):
    async def story(scene):
        client = scene.client()
        request = message(kind, POST, 0x1234, b"tk", uri_host(name))
        client.send(request, scene.at)
        answer, address = await client.hear()
        assert address == scene.at and len(answer) <= len(request)
        if kind == CON:
            assert answer[:6] == message(ACK, NOT_FOUND, 0x1234, b"tk")
        else:
            assert (answer[:2], answer[4:6]) == (message(NON, NOT_FOUND, 0, b"tk")[:2], b"tk")
        await scene.up(client, message(CON, POST, 2))
        assert scene.told("refused")[0]["code"] == "4.04"

    play(story)


@pytest.mark.parametrize("name", [b"127.0.0.1", b"MSG.Example", b"msg.example.", b"[2001:DB8::1]"])
def test_a_request_that_names_the_server_passes_unchanged(name):
    async def story(scene):
        await scene.up(scene.client(), message(CON, POST, 1, b"tk", uri_host(name)))

    play(story, names=("msg.example", "2001:db8::1"))


def test_a_response_is_for_the_server_whatever_its_options_are():
    async def story(scene):
        await scene.up(scene.client(), message(ACK, CHANGED, 1, b"tk", uri_host(b"elsewhere")))

    play(story)


@pytest.mark.parametrize("rest", [b"\xff", b"\x3e", b"\x3f\xff", b"\x3d", b"\xf0", b"\x13a"])
def test_options_that_cannot_be_read_are_the_server_s_to_refuse(rest):
    async def story(scene):
        await scene.up(scene.client(), message(CON, POST, 1, b"tk", rest))

    play(story)


@given(st.binary(max_size=40))
def test_any_octets_can_be_looked_at(octets):
    if passing.is_coap(octets):
        passing.named_host(octets)
        passing.nobody(octets)
        passing.elsewhere(octets, 1)


# ---- who is gone -----------------------------------------------------------------------------------------------------


def test_a_request_for_a_client_that_is_gone_is_answered_4_04():
    async def story(scene):
        client = scene.client()
        way = await scene.up(client, message(CON, POST, 1))
        scene.now += 299
        await scene.down(client, way, message(CON, POST, 1, b"push", b"\x87msgin5g"))
        scene.now += 1
        for silent in (
            message(NON, POST, 2, b"push"),
            message(CON, CONTENT, 3, b"push"),
            message(ACK, CHANGED, 4),
            message(RST, 0, 5),
            message(CON, 0, 6),
            b"\x4f\x02\x00\x07",
        ):
            scene.server.send(silent, way)
        scene.server.send(message(CON, POST, 0xABCD, b"push", b"\x87msgin5g\xff{}"), way)
        answer, address = await scene.server.hear()
        assert address == way
        assert answer[:8] == message(ACK, NOT_FOUND, 0xABCD, b"push")
        assert client.there() == []
        assert scene.server.there() == []

    play(story)


def test_a_client_that_speaks_again_is_there_again_at_the_same_address():
    async def story(scene):
        client = scene.client()
        way = await scene.up(client, message(CON, POST, 1))
        scene.now += 400
        assert await scene.up(client, message(CON, POST, 2)) == way
        await scene.down(client, way, message(CON, POST, 3))

    play(story)


def test_the_way_of_a_client_that_stays_away_ends():
    async def story(scene):
        silent, busy = scene.client(), scene.client()
        way = await scene.up(silent, message(CON, POST, 1))
        await scene.down(silent, way, message(ACK, CHANGED, 1))
        scene.now += 300
        stays = await scene.up(busy, message(CON, POST, 1))
        scene.now += GONE - 1
        scene.relay.sweep()
        assert len(scene.relay.clients) == 2
        scene.now += 1
        scene.relay.sweep()
        assert len(scene.relay.clients) == 1
        (told,) = scene.told("relay-ended")
        assert (told["up"], told["down"]) == (1, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.connect(way)
            server.send(message(CON, POST, 2))
            server.settimeout(10)
            with pytest.raises(ConnectionRefusedError):
                server.recv(10)
        await scene.down(busy, stays, message(CON, POST, 2))
        assert await scene.up(silent, message(CON, POST, 3)) != way

    play(story)


@pytest.mark.parametrize("listen", ["127.0.0.1", "::1", "::"])
def test_a_closed_port_is_a_client_that_starts_again_and_later_one_that_is_gone(listen):
    """A device that lost its power is back at another port soon: until then its requests are lost, not refused."""

    async def story(scene):
        client, other = scene.client(), scene.client()
        way, of_other = (
            await scene.up(client, message(CON, POST, 1)),
            await scene.up(other, message(CON, POST, 1)),
        )
        address = client.address
        client.close()
        push = message(CON, POST, 9, b"push")
        scene.server.send(push, way)
        (gone,) = [each for each in scene.relay.clients if each.address[1] == address[1]]
        while gone.unreachable is None:  # the word of the host comes with the next look at the socket
            await scene.up(other, message(CON, POST, 2))
        await scene.down(other, of_other, message(CON, POST, 2))
        scene.now += AWAY - 1
        scene.server.send(push, way)
        await scene.down(other, of_other, message(CON, POST, 3))
        assert scene.server.there() == []
        scene.now += 1
        scene.server.send(push, way)
        answer, _ = await scene.server.hear()
        assert answer[:8] == message(ACK, NOT_FOUND, 9, b"push")

    play(story, listen=listen)


# ---- the server ------------------------------------------------------------------------------------------------------


def test_a_server_that_is_away_is_told_once_and_is_heard_when_it_is_back():
    async def story(scene):
        client = scene.client()
        way = await scene.up(client, message(CON, POST, 1))
        address = scene.server.address
        scene.server.close()
        for number in range(2, 6):
            client.send(message(CON, POST, number), scene.at)
            await scene.until(lambda: scene.relay.counts["nobody was at the address of the server"] >= 1)
        assert len(scene.told("server-silent")) == 1
        scene.server.open(*address)
        client.send(message(CON, POST, 7), scene.at)
        heard = await scene.server.hear()
        while heard != (message(CON, POST, 7), way):
            heard = await scene.server.hear()
        await scene.down(client, way, message(ACK, CHANGED, 7))
        assert len(scene.told("server-back")) == 1

    play(story)


def test_a_full_buffer_loses_a_datagram_and_nothing_else():
    async def story(scene):
        client = scene.client()
        way = await scene.up(client, message(CON, POST, 1))
        (held,) = scene.relay.clients
        real = held.way.socket
        held.way.socket = Full(real)
        client.send(message(CON, POST, 2), scene.at)
        await scene.until(lambda: scene.relay.counts["there was no room to send"] == 1)
        held.way.socket = real
        assert await scene.up(client, message(CON, POST, 3)) == way
        scene.relay.summary()
        assert {"times": 1, "reason": "there was no room to send"}.items() <= scene.told("relay-lost")[
            0
        ].items()

    play(story)


class Full:
    def __init__(self, real):
        self.fileno = real.fileno

    def send(self, octets):
        raise BlockingIOError(errno.EAGAIN, "full")


def test_a_datagram_that_is_too_large_for_the_way_is_counted():
    """65,507 octets are the most over IPv4."""

    async def story(scene):
        client = scene.client()
        client.send(message(CON, POST, 1, b"", bytes(65510 - 4)), scene.at)
        await scene.until(
            lambda: any(reason.startswith("it could not be sent") for reason in scene.relay.counts)
        )
        await scene.up(client, message(CON, POST, 2))

    play(story, listen="::1", server="127.0.0.1")


# ---- places ----------------------------------------------------------------------------------------------------------


def places(most, idle=100.0):
    return Clients(idle, most)


def test_a_host_does_not_take_all_places():
    clients = places(100)
    for port in range(1000):
        clients.add(("192.0.2.1", port), 0.0)
    other, out = clients.add(("192.0.2.2", 1), 0.0)
    assert (len(clients), out) == (26, [])
    assert clients.heard(("192.0.2.2", 1), 1.0) is other
    assert clients.heard(("192.0.2.1", 999), 1.0) and not clients.heard(("192.0.2.1", 900), 1.0)


@pytest.mark.parametrize(
    ("address", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_what_a_host_is(address, other, same):
    clients = places(64)
    one, _ = clients.add((address, 1), 0.0)
    two, _ = clients.add((other, 2), 0.0)
    assert (one.host == two.host) is same


def test_who_was_never_answered_loses_its_place_first():
    """A flood of made up addresses takes the places of made up addresses."""
    clients = places(8)
    for number in range(4):
        client, _ = clients.add(("192.0.2.%d" % number, 1), float(number))
        client.answered = True
    for number in range(1000):
        clients.add(("198.51.%d.%d" % divmod(number, 256), 1), 10.0 + number)
    assert len(clients) == 8
    assert all(clients.heard(("192.0.2.%d" % number, 1), 5000.0) for number in range(4))


def test_who_was_silent_for_longest_loses_its_place():
    clients = places(2)
    clients.add(("192.0.2.1", 1), 0.0)
    clients.add(("192.0.2.2", 1), 1.0)
    clients.heard(("192.0.2.1", 1), 2.0)
    _, out = clients.add(("192.0.2.3", 1), 3.0)
    assert [client.address for client in out] == [("192.0.2.2", 1)]


def test_the_places_of_a_relay_are_bounded_and_who_lost_one_gets_it_again():
    async def story(scene):
        clients = [scene.client("127.0.0.%d" % number) for number in (1, 2, 3)]
        ways = []
        for client in clients:
            ways.append(await scene.up(client, message(CON, POST, 1)))
            await scene.down(client, ways[-1], message(ACK, CHANGED, 1))
            scene.now += 1
        assert len(scene.relay.clients) == 2
        assert len(scene.told("relay-ended")) == 1
        assert await scene.up(clients[2], message(CON, POST, 2)) == ways[2]
        assert await scene.up(clients[0], message(CON, POST, 2)) not in ways

    play(story, clients=2)


def test_where_the_system_has_no_socket_left_another_client_makes_room(monkeypatch):
    async def story(scene):
        one, two = scene.client(), scene.client()
        way = await scene.up(one, message(CON, POST, 1))
        real = Way.__init__

        def once(self, *arguments):
            monkeypatch.setattr(Way, "__init__", real)
            raise OSError(errno.EMFILE, "Too many open files")

        monkeypatch.setattr(Way, "__init__", once)
        other = await scene.up(two, message(CON, POST, 1))
        assert other and len(scene.relay.clients) == 1
        assert scene.relay.counts["a client lost its place"] == 1

        def never(self, *arguments):
            raise OSError(errno.ENETUNREACH, "Network is unreachable")

        monkeypatch.setattr(Way, "__init__", never)
        one.send(message(CON, POST, 2), scene.at)
        await scene.until(lambda: scene.relay.counts["there was no socket for a client"])
        assert "unreachable" in scene.told("relay-failed")[0]["reason"]
        monkeypatch.setattr(Way, "__init__", real)
        assert await scene.up(one, message(CON, POST, 3)) != way
        await scene.down(two, other, message(ACK, CHANGED, 1))

    play(story)


def test_a_flood_of_one_host_leaves_others_alone():
    async def story(scene):
        flood, device = scene.client("127.0.0.9"), scene.client()
        way = await scene.up(device, message(CON, POST, 1))
        for number in range(40):
            for _ in range(100):
                flood.send(message(NON, POST, number), scene.at)
            assert await scene.up_among(device, message(CON, POST, 1000 + number)) == way
        await scene.until(lambda: scene.relay.counts["there were too many datagrams of one host"] == 2000)

    play(story)


def test_refusals_are_bounded_for_a_host():
    """It is no amplifier, and no mirror either."""

    async def story(scene):
        client = scene.client()
        for number in range(200):
            client.send(message(CON, POST, number, b"tk", uri_host(b"elsewhere")), scene.at)
        await scene.until(lambda: scene.relay.counts["it was for another server"] == 200)
        assert len(client.there()) == 100
        assert scene.events.counts["refused"] == 100

    play(story)
