# SPDX-License-Identifier: MIT
"""Devices that look for a gateway: the multicast group, and /.well-known/core (RFC 6690, RFC 7252 section 8)."""

import asyncio
import errno
import json
import socket

import aiocoap
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.gateway.scripted import run
from host_tests.gateway.transport.seeker import GROUP, Seeker, discoverable, question
from host_tests.gateway.transport.test_oscore_gateway import _Keys
from tools.demo.processes import Gateway
from tools.gateway import keys
from tools.gateway.runtime import AddressInUse
from tools.programs.patience import patience
from tools.transport.arrival import datagrams
from tools.transport.discovery import LEISURE, Discovery, Links, _read

GW = "ue:gw@example.org"
INTERFACES = socket.if_nameindex()
LINK = b'</msgin5g>;rt="msgin5g.gw";sz=1024;ep="ue:gw@example.org"'


def talk(play, group=GROUP, **more):
    """`play(seeker, gateway)` against a gateway at 127.0.0.1."""

    async def talking():
        async with discoverable(GW, **more) as gateway:
            with Seeker(gateway.coap_port, group) as seeker:
                return await play(seeker, gateway)

    return run(talking())


# ---- the group -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["none", "oscore"])
def test_the_group_is_answered_from_the_address_of_the_gateway(security):
    async def play(seeker, gateway):
        answer, address = await seeker.answer_to(seeker.ask(question()))
        assert address == ("127.0.0.1", gateway.coap_port)
        assert (answer.mtype, answer.code, answer.opt.content_format) == (aiocoap.NON, aiocoap.CONTENT, 40)
        assert answer.payload == LINK

    talk(play, security=security)


def test_the_group_is_heard_at_the_port_of_the_service_too():
    """A gateway at another port is found: devices ask at 65401 (TS 29.641). Other gateways of this machine may be."""

    async def play(seeker, gateway):
        with Seeker(65401) as at_the_port:
            request = at_the_port.ask(question())
            while True:
                answer, address = await at_the_port.hear()
                if address == ("127.0.0.1", gateway.coap_port):
                    assert (answer.token, answer.payload) == (request.token, LINK)
                    return

    talk(play)


@pytest.mark.parametrize(
    "other",
    [
        {"query": ("rt=core.rd",)},
        {"query": ()},
        {"query": ("rt=msgin5g.gw", "sz=9")},
        {"query": ("if=msgin5g.gw",)},
        {"query": ("rt=msgin5g",)},
        {"path": (".well-known", "core", "more")},
        {"path": ("msgin5g",)},
        {"path": ()},
        {"code": aiocoap.POST},
        {"code": aiocoap.FETCH},
        {"kind": aiocoap.CON},
        {"accept": 50},
        {"oscore": b"\x09\x01\x01"},
        {"uri_host": "other.example.org", "if_none_match": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("security", ["none", "oscore"])
def test_the_group_gets_silence_for_anything_else(other, security):
    """RFC 7252 section 8.2: no answer where there is nothing useful to say; a Confirmable one is not for a group."""

    async def play(seeker, gateway):
        seeker.ask(question(**other))
        await seeker.answer_to(seeker.ask(question()))
        assert gateway.events.counts["refused"] == 0

    talk(play, security=security)


@pytest.mark.parametrize("octets", [b"", b"\x51", b"\x51\x01\0\1\xbb.well-known\x04cor", b"\xff" * 64])
def test_the_group_outlives_broken_datagrams(octets):
    async def play(seeker, gateway):
        seeker.send(octets)
        seeker.send(question().encode() + b"\xff")
        await seeker.answer_to(seeker.ask(question()))

    talk(play)


def test_a_wildcard_in_the_question():
    async def play(seeker, gateway):
        for query in ("rt=msgin5g.*", "rt=*"):
            await seeker.answer_to(seeker.ask(question((query,))))

    talk(play)


def test_one_that_comes_over_two_interfaces_is_answered_once():
    async def play(seeker, gateway):
        twice = question()
        seeker.ask(twice)
        seeker.ask(twice)
        await seeker.answer_to(twice)
        await seeker.answer_to(seeker.ask(question()))

    talk(play)


def test_a_gateway_at_all_interfaces_hears_the_group_once_and_refuses_nothing():
    """The socket of 0.0.0.0 would get the datagram as well (ip(7), IP_MULTICAST_ALL)."""

    async def play(seeker, gateway):
        answer, address = await seeker.answer_to(seeker.ask(question()))
        assert address == ("127.0.0.1", gateway.coap_port)
        seeker.ask(question(("rt=other",)))
        await seeker.answer_to(seeker.ask(question()))
        assert gateway.events.counts["refused"] == 0
        assert gateway.coap.door.received == 0

    talk(play, host="0.0.0.0", security="oscore")


def test_the_answer_comes_after_a_random_part_of_the_leisure():
    """RFC 7252 section 8.2: devices that boot together are not answered together."""
    spread = {Discovery(Links(1024)).spread() for _ in range(200)}
    assert len(spread) > 100 and all(0 <= wait < LEISURE for wait in spread)
    assert max(spread) - min(spread) > LEISURE / 2


async def until(condition):
    async with patience(20):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("group", [GROUP, "127.0.0.1"])
def test_a_flood_of_questions_gets_a_bounded_number_of_answers(group):
    """RFC 7252 section 11.3: whoever writes somebody else's address into his questions has no amplifier."""

    async def play(seeker, gateway):
        discovery = gateway.coap.discovery
        discovery.clock = lambda: 0.0  # no time passes
        for _ in range(200):
            seeker.ask(question())
        await until(lambda: sum(discovery.counts.values()) == 200)
        heard = seeker.all_there()
        assert len(heard) == discovery.counts["discovered"] == 20
        assert sum(len(octets) for octets in heard) < 200 * 40
        discovery.clock = lambda: 1.0
        await seeker.answer_to(seeker.ask(question()))

    talk(play, group)


def test_one_host_takes_no_answers_away_from_another():
    discovery = Discovery(Links(1024), clock=lambda: 0.0)
    flood = [discovery._allows(("192.0.2.1", port)) for port in range(1000)]
    assert sum(flood) == 20
    assert discovery._allows(("192.0.2.2", 1))


def test_all_hosts_together_are_bounded_too():
    discovery = Discovery(Links(1024), clock=lambda: 0.0)
    assert sum(discovery._allows(("host %d" % number, 1)) for number in range(1000)) == 200


# ---- one gateway -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["none", "oscore"])
@pytest.mark.parametrize("kind", [aiocoap.CON, aiocoap.NON])
@pytest.mark.parametrize(
    "query", [(), ("rt=msgin5g.gw",), ("rt=msgin5g.*", "sz=1024"), ("href=/msgin5g",), ("x",)]
)
def test_one_gateway_answers_at_once_without_protection(kind, query, security):
    async def play(seeker, gateway):
        gateway.coap.discovery.spread = None  # only a group is made to wait
        request = seeker.ask(question(query, kind=kind, accept=40))
        answer, address = await seeker.answer_to(request)
        assert address == ("127.0.0.1", gateway.coap_port)
        assert answer.mtype == (aiocoap.ACK if kind is aiocoap.CON else aiocoap.NON)
        assert kind is aiocoap.NON or answer.mid == request.mid
        assert (answer.code, answer.opt.content_format, answer.payload) == (aiocoap.CONTENT, 40, LINK)
        assert gateway.events.counts["refused"] == 0

    talk(play, "127.0.0.1", security=security)


@pytest.mark.parametrize(
    "query", ["rt=core.rd", "rt=msgin5g", "rt=msgin5g.gw2", "ep=ue:g", "if=x", "if=*", "sz=9*", "href=/"]
)
def test_one_gateway_has_nothing_that_passes_another_filter(query):
    """RFC 6690 section 4.1: each attribute, whole, or its beginning before a *."""

    async def play(seeker, gateway):
        answer, _ = await seeker.answer_to(seeker.ask(question((query,))))
        assert (answer.code, answer.opt.content_format, answer.payload) == (aiocoap.CONTENT, 40, b"")

    talk(play, "127.0.0.1")


def test_blocks_of_the_answer():
    """RFC 7959: a device with little room asks for 16 octets each time."""

    async def play(seeker, gateway):
        payload = b""
        for number in range(10):
            request = question(block2=(number, False, 0), kind=aiocoap.CON)
            answer, _ = await seeker.answer_to(seeker.ask(request))
            payload += answer.payload
            assert answer.opt.block2.block_number == number and len(answer.payload) <= 16
            if not answer.opt.block2.more:
                break
        assert payload == LINK
        for block in ((number + 1, False, 0), (0, False, 7)):
            answer, _ = await seeker.answer_to(seeker.ask(question(block2=block, kind=aiocoap.CON)))
            assert answer.code == aiocoap.BAD_REQUEST

    talk(play, "127.0.0.1")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"accept": 50}, aiocoap.NOT_ACCEPTABLE), ({"if_none_match": True}, aiocoap.BAD_OPTION)],
)
def test_what_one_gateway_cannot_do_is_said_to_a_confirmable_question_only(wrong, code):
    async def play(seeker, gateway):
        seeker.ask(question(**wrong))
        answer, _ = await seeker.answer_to(seeker.ask(question(kind=aiocoap.CON, **wrong)))
        assert answer.code == code

    talk(play, "127.0.0.1", security="oscore")


@pytest.mark.parametrize(
    "other",
    [
        {"path": (".well-known", "core", "more")},
        {"path": (".well-known",)},
        {"path": ("core",)},
        {"path": ("a", ".well-known", "core")},
        {"path": ("msgin5g",)},
        {"code": aiocoap.POST},
        {"code": aiocoap.PUT},
        {"code": aiocoap.DELETE},
        {"code": aiocoap.FETCH},
    ],
    ids=str,
)
def test_no_other_request_passes_unprotected(other):
    async def play(seeker, gateway):
        answer, _ = await seeker.answer_to(seeker.ask(question(kind=aiocoap.CON, **other)))
        assert answer.code == aiocoap.UNAUTHORIZED
        assert gateway.events.counts["refused"] == 1

    talk(play, "127.0.0.1", security="oscore")


def test_a_request_with_keys_is_answered_within_them(tmp_path):
    """And one with an OSCORE option that nobody knows is no discovery."""

    async def talking():
        async with discoverable(GW, store=str(tmp_path / "gateway.db"), security="oscore") as gateway:
            file = str(tmp_path / "keys.json")
            made = keys.make(file, gateway.store.kids_in_use())
            with gateway.store.transaction():
                keys.add(gateway.store, "ue:a@example.org", made, file)
            client = await aiocoap.Context.create_client_context(transports=["oscore", "udp6"])
            client.client_credentials["coap://*"] = _Keys(
                json.loads((tmp_path / "keys.json").read_text())["security"], 0
            )
            uri = "coap://127.0.0.1:%d/.well-known/core?rt=msgin5g.gw" % gateway.coap_port
            request = aiocoap.Message(code=aiocoap.GET)
            request.set_request_uri(uri, set_uri_host=False)
            try:
                async with patience(20):
                    answer = await client.request(request).response
            finally:
                client.client_credentials.clear()
                await client.shutdown()
            assert (answer.code, answer.payload) == (aiocoap.CONTENT, LINK)
            assert gateway.coap.discovery.counts["discovered"] == 0
            with Seeker(gateway.coap_port, "127.0.0.1") as seeker:
                strange = question(oscore=b"\x09\x01\x77", payload=b"x" * 20, kind=aiocoap.CON)
                answer, _ = await seeker.answer_to(seeker.ask(strange))
                assert answer.code == aiocoap.UNAUTHORIZED

    run(talking())


@given(st.data())
def test_any_octets_are_answered_or_not_and_raise_nothing(data):
    octets = bytearray(question(block2=(0, False, 2), accept=40, kind=aiocoap.CON).encode())
    for _ in range(data.draw(st.integers(0, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    octets += data.draw(st.binary(max_size=8))
    datagram, links = datagrams.read(bytes(octets)), Links(512, GW)
    if datagram is not None and Discovery.concerns(datagram, octets):
        request = _read(bytes(octets))
        for answer in request and (links.to_one(request), links.to_group(request)) or ():
            assert answer is None or answer.code in (
                aiocoap.CONTENT,
                aiocoap.BAD_OPTION,
                aiocoap.BAD_REQUEST,
                aiocoap.NOT_ACCEPTABLE,
            )


# ---- what is said of the gateway -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "link"),
    [
        (None, b'</msgin5g>;rt="msgin5g.gw";sz=512'),
        ("ue:g@example.org", b'</msgin5g>;rt="msgin5g.gw";sz=512;ep="ue:g@example.org"'),
        ('ue:"\\@example.org', b'</msgin5g>;rt="msgin5g.gw";sz=512;ep="ue:\\"\\\\@example.org"'),
        ("ue:\u00e9@example.org", '</msgin5g>;rt="msgin5g.gw";sz=512;ep="ue:\u00e9@example.org"'.encode()),
    ],
)
def test_the_link_is_what_rfc_6690_can_read(name, link):
    links = Links(512, name)
    assert links.to_one(question()).payload == link


# ---- where it is heard -----------------------------------------------------------------------------------------------


def test_two_gateways_of_a_machine_are_both_found():
    async def talking():
        async with discoverable("ue:one@example.org") as one, discoverable("ue:two@example.org") as two:
            with Seeker(65401) as seeker:
                request = seeker.ask(question())
                left = {one.coap_port, two.coap_port}
                while left:
                    answer, address = await seeker.answer_to(request)
                    left.discard(address[1])

    run(talking())


def test_a_gateway_starts_at_a_port_where_another_hears_the_group():
    async def talking():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            other.bind((GROUP, 0))
            async with discoverable(coap=("0.0.0.0", other.getsockname()[1])) as running:
                assert running.coap_port == other.getsockname()[1]

    run(talking())


def test_a_port_that_is_taken_is_told_all_the_same():
    async def talking():
        async with discoverable() as first:
            with pytest.raises(AddressInUse, match="give another --coap"):
                async with discoverable(coap=("127.0.0.1", first.coap_port)):
                    pass

    run(talking())


def test_no_discovery():
    async def play(seeker, gateway):
        answer, _ = await seeker.answer_to(seeker.ask(question(kind=aiocoap.CON)))
        assert answer.code == aiocoap.NOT_FOUND
        assert gateway.events.counts["discoverable"] == 0

    talk(play, "127.0.0.1", discovery=False)


def test_where_the_group_cannot_be_joined_it_is_told_once_and_one_gateway_answers(monkeypatch):
    class NoGroups(socket.socket):
        def setsockopt(self, level, option, value):
            if option == socket.IP_ADD_MEMBERSHIP and level == socket.IPPROTO_IP:
                raise OSError(errno.ENODEV, "No such device")
            super().setsockopt(level, option, value)

    monkeypatch.setattr("tools.transport.discovery.socket.socket", NoGroups)

    async def play(seeker, gateway):
        (told,) = [event for event in gateway.events.recent if event["event"] == "discovery-failed"]
        assert "No such device" in told["reason"] and told["group"] == GROUP
        assert gateway.events.counts["discoverable"] == 0
        await seeker.answer_to(seeker.ask(question()))

    talk(play, "127.0.0.1", host="0.0.0.0")


def test_a_network_that_comes_later_is_joined_then(monkeypatch):
    there = [(1, "lo")]
    monkeypatch.setattr("tools.transport.discovery.socket.if_nameindex", lambda: there)

    async def play(seeker, gateway):
        discovery = gateway.coap.discovery
        assert [joined for _, joined in discovery._groups] == [{1}] * 2
        there.extend(index for index in INTERFACES if index[0] != 1)
        discovery._again()
        everything = {index for index, _ in INTERFACES}
        assert [joined for _, joined in discovery._groups] == [everything] * 2
        there.pop()
        discovery._again()
        assert [len(joined) for _, joined in discovery._groups] == [len(everything) - 1] * 2

    talk(play, host="0.0.0.0")


def test_an_ipv6_address_has_no_group_and_answers_by_itself():
    async def talking():
        async with discoverable(GW, host="::1") as gateway:
            (told,) = [event for event in gateway.events.recent if event["event"] == "discovery-failed"]
            assert "IPv6" in told["reason"]
            client = await aiocoap.Context.create_client_context(transports=["udp6"])
            try:
                uri = "coap://[::1]:%d/.well-known/core" % gateway.coap_port
                async with patience(20):
                    answer = await client.request(aiocoap.Message(code=aiocoap.GET, uri=uri)).response
                assert answer.payload == LINK
            finally:
                await client.shutdown()

    run(talking())


def test_the_command(tmp_path):
    async def talking():
        async with Gateway(tmp_path, "--ue", GW, found=True) as gateway:
            told = await gateway.event("discoverable")
            assert "%s:%d" % (GROUP, gateway.coap[1]) in told["groups"]
            with Seeker(gateway.coap[1]) as seeker:
                answer, address = await seeker.answer_to(seeker.ask(question()))
            assert address == gateway.coap
            assert answer.payload == LINK.replace(b"1024", b"1152")
        async with Gateway(tmp_path) as gateway:  # with --no-discovery
            with Seeker(gateway.coap[1], "127.0.0.1") as seeker:
                answer, _ = await seeker.answer_to(seeker.ask(question(kind=aiocoap.CON)))
                assert answer.code == aiocoap.NOT_FOUND
            assert gateway.count("discoverable") == 0

    run(talking())


def test_a_server_by_itself_is_no_gateway_to_be_found(tmp_path):
    async def talking():
        async with Gateway(tmp_path, name="server") as server:
            with Seeker(server.coap[1], "127.0.0.1") as seeker:
                answer, _ = await seeker.answer_to(seeker.ask(question(kind=aiocoap.CON)))
                assert answer.code == aiocoap.NOT_FOUND
            assert server.count("discoverable") == 0

    run(talking())
