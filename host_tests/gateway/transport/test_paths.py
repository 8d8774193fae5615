# SPDX-License-Identifier: MIT
"""All resources below one path as one: what reaches who decides, what comes back, and what observing costs."""

import asyncio
import contextlib
import socket
from dataclasses import replace

import aiocoap
import pytest

from host_tests.conformance.raw import Peer
from host_tests.conformance.server.groups.grouping import DOCUMENTS, A, B, document, entry, scene
from tools.programs.patience import patience, run
from tools.transport.coap import CoapTransport
from tools.transport.paths import ALL, EACH
from tools.wire.answers import Answer, Request

LONG = 20  # s


class Below:
    """Decides as the test says, and remembers what it was asked."""

    def __init__(self):
        self.answer = Answer("2.05", octets=b"one", content_format=0, observable=True)
        self.asked = []

    async def decide(self, peer, request):
        self.asked.append((peer, request))
        return self.answer


def topic(*request):
    raise AssertionError("nobody asks for a topic")


@contextlib.asynccontextmanager
async def transport():
    below = Below()
    made = CoapTransport(None, topic, lambda peer: 1 << 20, ack_timeout=0.2)
    made.serve("x", below.decide)
    port = await made.start("127.0.0.1", 0)
    try:
        yield made, below, port
    finally:
        await made.stop()


class End:
    """A socket that says anything."""

    def __init__(self, port):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(("127.0.0.1", port))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._socket.close()

    async def say(self, octets):
        await asyncio.get_running_loop().sock_sendall(self._socket, octets)

    async def hear(self):
        async with patience(LONG):
            octets = await asyncio.get_running_loop().sock_recv(self._socket, 2048)
        return aiocoap.Message.decode(octets)

    async def get(self, mid, observe=None, token=None):
        """The answer to GET /x/a."""
        token = mid.to_bytes(2, "big") if token is None else token
        option, path = b"", b"\xb1x\x01a"
        if observe is not None:
            option, path = b"\x61" + bytes([observe]) if observe else b"\x60", b"\x51x\x01a"
        await self.say(b"\x42\x01" + mid.to_bytes(2, "big") + token + option + path)
        return await self.hear()


def observed(made):
    return sum(len(events) for path in made.paths for events in path._watching.values())


async def until(condition):
    async with patience(LONG):
        while not condition():
            await asyncio.sleep(0.01)


def test_all_that_a_request_says_reaches_who_decides():
    async def story():
        async with transport() as (_, below, port):
            client = await aiocoap.Context.create_client_context(transports=["udp6"])
            message = aiocoap.Message(code=aiocoap.FETCH, payload=b"{}", accept=60, content_format=50)
            message.set_request_uri("coap://127.0.0.1:%d/x/a%%3Ab/c?d=e&f" % port)
            message.opt.etags = [b"1", b"2"]
            message.opt.uri_host = "host.example.org"
            answer = await client.request(message).response
            await client.shutdown()
            ((peer, request),) = below.asked
            assert peer.host == "127.0.0.1"
            assert replace(request, back="") == Request(
                code="FETCH",
                path=("x", "a:b", "c"),
                query=("d=e", "f"),
                payload=b"{}",
                content_format=50,
                accept=60,
                etags=(b"1", b"2"),
                uri_host="host.example.org",
                uri_port=message.opt.uri_port,
                local="127.0.0.1:%d" % port,
            )
            assert (answer.code, answer.payload, answer.opt.content_format) == (aiocoap.CONTENT, b"one", 0)

    run(story())


@pytest.mark.parametrize(
    "number, name",
    [
        (1, "GET"),
        (2, "POST"),
        (3, "PUT"),
        (4, "DELETE"),
        (5, "FETCH"),
        (6, "PATCH"),
        (7, "iPATCH"),
        (31, "0.31"),
    ],
)
def test_any_code_is_decided_about(number, name):
    async def story():
        async with transport() as (_, below, port):
            below.answer = Answer("4.05", None, "no")
            with End(port) as end:
                await end.say(bytes([0x40, number, 0, 1]) + b"\xb1x\x01a")
                answer = await end.hear()
            assert (answer.code.dotted, answer.payload) == ("4.05", b"no")
            assert [request.code for _, request in below.asked] == [name]

    run(story())


def test_large_answers_go_in_blocks():
    async def story():
        async with transport() as (_, below, port):
            below.answer = Answer("2.05", octets=bytes(5000), content_format=42, etag=b"12345678")
            client = await aiocoap.Context.create_client_context(transports=["udp6"])
            answer = await client.request(
                aiocoap.Message(code=aiocoap.GET, uri="coap://127.0.0.1:%d/x/a" % port)
            ).response
            await client.shutdown()
            assert (answer.payload, answer.opt.etag) == (bytes(5000), b"12345678")
            assert len(below.asked) == 1

    run(story())


def test_who_observes_is_told_of_changes_only():
    async def story():
        async with transport() as (made, below, port):
            with End(port) as end:
                first = await end.get(1, observe=0)
                assert (first.payload, first.opt.observe is None) == (b"one", False)
                made.paths[0].look()  # nothing has changed
                await until(lambda: len(below.asked) == 2)
                below.answer = Answer("2.05", octets=b"two", content_format=0, observable=True)
                made.paths[0].look()
                second = await end.hear()
                assert (second.payload, second.mtype) == (b"two", aiocoap.CON)
                assert second.token == first.token
                assert second.opt.observe > first.opt.observe

    run(story())


def test_an_error_is_the_last_notification():
    """RFC 7641 section 4.2."""

    async def story():
        async with transport() as (made, below, port):
            with End(port) as end:
                await end.get(1, observe=0)
                below.answer = Answer("4.04", None, "gone")
                made.paths[0].look()
                last = await end.hear()
                assert (last.code.dotted, last.opt.observe) == ("4.04", None)
                await until(lambda: observed(made) == 0)

    run(story())


@pytest.mark.parametrize("end_it", ["reset", "deregister", "anew"])
def test_who_ends_an_observation_makes_room(end_it):
    """RFC 7641 sections 3.6 and 4.1."""

    async def story():
        async with transport() as (made, below, port):
            with End(port) as end:
                await end.get(1, observe=0, token=b"ab")
                assert observed(made) == 1
                if end_it == "reset":
                    below.answer = Answer("2.05", octets=b"two", content_format=0, observable=True)
                    made.paths[0].look()
                    told = await end.hear()
                    await end.say(b"\x70\x00" + told.mid.to_bytes(2, "big"))
                elif end_it == "deregister":
                    answer = await end.get(2, observe=1, token=b"ab")
                    assert answer.opt.observe is None
                else:
                    answer = await end.get(2, observe=0, token=b"ab")
                    assert answer.opt.observe is not None
                await until(lambda: observed(made) == (end_it == "anew"))

    run(story())


def test_who_takes_no_notification_is_observed_no_more():
    async def story():
        async with transport() as (made, below, port):
            with End(port) as end:
                await end.get(1, observe=0)
                made._tuning.MAX_RETRANSMIT = 0
                below.answer = Answer("2.05", octets=b"two", content_format=0, observable=True)
                made.paths[0].look()
                await until(lambda: observed(made) == 0)

    run(story())


def test_observations_of_one_peer_and_of_all_are_bounded():
    async def story():
        async with transport() as (made, _, port):
            with End(port) as end:
                answers = [await end.get(mid, observe=0) for mid in range(1, EACH + 2)]
                assert [answer.opt.observe is None for answer in answers] == [False] * EACH + [True]
                assert answers[-1].payload == b"one"
                assert observed(made) == EACH
                made.paths[0]._watching.update({n: {asyncio.Event()} for n in range(ALL - EACH)})
            with End(port) as other:
                assert (await other.get(1, observe=0)).opt.observe is None

    run(story())


def test_only_who_observes_what_has_changed_is_asked_about_again():
    """Of an answer that is about nothing in particular no name says that it has changed."""

    async def story():
        async with transport() as (made, below, port):
            with End(port) as end:
                await end.get(1, observe=0)
                below.answer = replace(below.answer, about=frozenset({"group 1"}))
                await end.get(2, observe=0)
                asked = len(below.asked)
                for names in ({"group 2"}, {"group 1", "group 2"}):
                    made.paths[0].look(frozenset(names))
                    await end.get(100 + len(below.asked))
                assert [request.again for _, request in below.asked[asked:]] == [False, True, False]
                made.paths[0].look()
                await until(lambda: len(below.asked) == asked + 5)

    run(story())


def test_a_device_that_restarts_again_and_again_is_observed_once(tmp_path):
    """With keys, each time with another Token: its earlier lives take no room, and nothing goes to them."""

    async def story():
        query = {"uri_query": ("member-id=" + B,)}
        async with scene(tmp_path, "oscore") as server, contextlib.AsyncExitStack() as lives:
            earlier = []
            for _ in range(EACH + 2):
                peer = await lives.enter_async_context(
                    Peer(server.program.coap_port, server.peers[B].section)
                )
                answer, told = await lives.enter_async_context(peer.observing(DOCUMENTS, **query))
                assert answer.opt.observe is not None
                earlier.append(told)
            last = earlier.pop()
            _, news = await lives.enter_async_context(peer.observing(DOCUMENTS, accept=60, **query))
            assert observed(server.program.coap) == 2  # in another format, it is another one
            await server.create(A, document(entry(B)))
            async with patience(LONG):
                for each in (last, news):
                    assert (await each.get()).opt.observe is not None
            assert all(told.empty() for told in earlier)

    run(story())


def test_what_cannot_be_observed_is_answered_once():
    async def story():
        async with transport() as (made, below, port):
            below.answer = Answer("2.05", octets=b"one", content_format=0, observable=False)
            with End(port) as end:
                assert (await end.get(1, observe=0)).opt.observe is None
                assert observed(made) == 0

    run(story())


def test_an_unknown_critical_option_reaches_nobody():
    async def story():
        async with transport() as (_, below, port):
            with End(port) as end:
                await end.say(
                    b"\x40\x01\x00\x01" + b"\xb1x\x01a" + b"\xe1\x07\x01z"
                )  # 11 + 269 + 0x0701 is odd
                answer = await end.hear()
            assert answer.code == aiocoap.BAD_OPTION
            assert below.asked == []

    run(story())
