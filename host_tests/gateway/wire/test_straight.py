# SPDX-License-Identifier: MIT
"""The way of nearly all requests past aiocoap's pipes and tasks: what leaves for each, and what takes another way."""

import asyncio
import contextlib
import logging
from types import SimpleNamespace

import aiocoap
import pytest

from host_tests.gateway.transport.test_paths import End
from tools.programs.patience import run
from tools.transport.coap import CoapTransport, peer_of
from tools.transport.unguarded import Unguarded
from tools.wire.answers import Answer

ACK, CON = aiocoap.ACK, aiocoap.CON
PATH, FORMAT = b"\xb7msgin5g", b"\x11\x32"  # Uri-Path, Content-Format 50 (RFC 7252 section 3.1)


way = SimpleNamespace(door=True)


@pytest.fixture(params=["aiocoap", "door"], autouse=True)
def _way(request):
    """Where a datagram leaves aiocoap's way: as a message of aiocoap's, or before it is one."""
    way.door = request.param == "door"


class Scene:
    """What began on the straight way, as [(Request, respond)]; `others` came by aiocoap's."""

    def __init__(self, takes=True):
        self.begun, self.others, self.takes = [], [], takes

    def begin(self, peer, request, respond):
        self.begun.append((request, respond))
        return self.takes

    def handle(self, peer, request):
        self.others.append(request)
        return Answer("2.04", diagnostic="other")


@contextlib.asynccontextmanager
async def scene(ack_timeout=60, **more):
    made = Scene(**more)
    watch = Unguarded(lambda event, **fields: None, lambda peer: True, peer_of, 10000) if way.door else None
    transport = CoapTransport(made.handle, made.handle, lambda peer: 1 << 20, ack_timeout, watch=watch)
    transport.begin = made.begin
    port = await transport.start("127.0.0.1", 0)
    try:
        with End(port) as end:
            yield made, end, transport
    finally:
        await transport.stop()


def post(mid, token=b"t", options=PATH + FORMAT, payload=b"{}"):
    head = bytes((0x40 | len(token), 0x02)) + mid.to_bytes(2, "big") + token
    return head + options + b"\xff" + payload


async def begun(made, count):
    while len(made.begun) < count:
        await asyncio.sleep(0.001)
    return made.begun[count - 1]


def test_the_response_is_its_acknowledgement():
    async def main():
        async with scene() as (made, end, _):
            await end.say(post(7))
            request, respond = await begun(made, 1)
            assert (request.code, request.path, request.payload) == ("POST", ("msgin5g",), b"{}")
            assert request.content_format == 50
            await end.say(post(7))  # a duplicate: nothing is begun again
            respond(Answer("2.04"))
            answer = await end.hear()
            assert (answer.mtype, answer.mid, answer.token, answer.code) == (ACK, 7, b"t", aiocoap.CHANGED)
            await end.say(post(7))
            again = await end.hear()
            assert (again.mtype, again.mid, again.token, again.code) == (ACK, 7, b"t", aiocoap.CHANGED)
            assert len(made.begun) == 1

    run(main())


def test_what_takes_long_is_acknowledged_by_itself_and_answered_then():
    """RFC 7252 section 5.2.2: an empty ACK, and a Confirmable response; what comes later is acknowledged later."""

    async def main():
        async with scene(ack_timeout=0.2) as (made, end, transport):
            for mid in (7, 8):
                await end.say(post(mid, b"%d" % mid))
            await begun(made, 2)
            empty = [await end.hear(), await end.hear()]
            assert [(each.mtype, each.mid, each.code) for each in empty] == [
                (ACK, 7, aiocoap.EMPTY),
                (ACK, 8, aiocoap.EMPTY),
            ]
            made.begun[0][1](Answer("2.04"))
            response = await end.hear()
            assert (response.mtype, response.token, response.code) == (CON, b"7", aiocoap.CHANGED)
            await end.say(b"\x60\0" + response.mid.to_bytes(2, "big"))
            await end.say(post(9, b"9"))
            (await begun(made, 3))[1](Answer("2.04"))
            while (answer := await end.hear()).token != b"9":
                pass
            assert (answer.mtype, answer.mid) == (ACK, 9)  # in time: no empty one
            assert transport._straight._unacknowledged == {}

    run(main())


@pytest.mark.parametrize("acknowledged", [False, True])
def test_another_request_under_its_token_gets_the_only_response(acknowledged):
    async def main():
        async with scene(ack_timeout=0.2 if acknowledged else 60) as (made, end, _):
            await end.say(post(7, payload=b"1"))
            await begun(made, 1)
            if acknowledged:
                assert (await end.hear()).code == aiocoap.EMPTY
            await end.say(post(8, payload=b"2"))
            await begun(made, 2)
            made.begun[0][1](Answer("4.00", diagnostic="older"))
            made.begun[1][1](Answer("2.04"))
            answer = await end.hear()
            assert (answer.mtype, answer.mid, answer.code) == (ACK, 8, aiocoap.CHANGED)
            made.begun[1][1](Answer("5.00"))  # a second response is none
            await end.say(post(9, b"n"))
            (await begun(made, 3))[1](Answer("2.04"))
            assert (await end.hear()).mid == 9

    run(main())


def test_one_by_the_other_way_takes_its_token_too():
    async def main():
        async with scene() as (made, end, _):
            await end.say(post(7))
            await begun(made, 1)
            await end.say(post(8, options=PATH + FORMAT + b"\x51\x32"))  # Accept 50
            answer = await end.hear()
            assert (answer.mid, answer.payload) == (8, b"other")
            made.begun[0][1](Answer("2.04"))
            await end.say(post(9, b"n"))
            (await begun(made, 2))[1](Answer("2.04"))
            assert (await end.hear()).mid == 9

    run(main())


def test_a_response_too_large_for_one_datagram_goes_in_blocks():
    """RFC 7959: nothing is decided about again."""

    async def main():
        async with scene() as (made, end, _):
            await end.say(post(7))
            body = [str(number) * 20 for number in range(100)]
            (await begun(made, 1))[1](Answer("2.04", body))
            answer = await end.hear()
            assert answer.opt.block2.more and answer.mid == 7
            got = answer.payload
            while answer.opt.block2.more:
                number = answer.opt.block2.block_number + 1
                block = bytes((number << 4 | answer.opt.block2.size_exponent,))
                await end.say(post(7 + number, b"t", PATH + FORMAT + b"\xb1" + block))  # Block2 is option 23
                answer = await end.hear()
                got += answer.payload
            assert got.count(b'"') == 200 and len(made.begun) == 1 and made.others == []

    run(main())


@pytest.mark.parametrize(
    "options",
    [
        PATH + FORMAT + b"\x51\x32",  # Accept
        PATH + b"\x01x" + FORMAT,  # another segment of the path
        b"\x31x\x87msgin5g" + FORMAT,  # Uri-Host
        PATH + FORMAT + b"\x31q",  # Uri-Query
        b"\x60\x57msgin5g" + FORMAT,  # Observe
        PATH + FORMAT + b"\xd1\xe9\x1a",  # No-Response (258)
    ],
    ids=("accept", "path", "host", "query", "observe", "no response"),
)
def test_with_any_other_option_it_takes_aiocoaps_way(options):
    async def main():
        async with scene() as (made, end, _):
            await end.say(post(7, options=options))
            await end.say(post(8, b"n"))
            (await begun(made, 1))[1](Answer("2.04"))
            while (await end.hear()).mid != 8:
                pass
            assert len(made.begun) == 1

    run(main())


@pytest.mark.parametrize(
    ("datagram", "code"),
    [
        (b"\x51\x02\0\x07t" + PATH + b"\xff{}", "2.04"),  # Non-confirmable
        (b"\x41\x03\0\x07t" + PATH + b"\xff{}", "4.05"),  # PUT
        (b"\x41\x02\0\x07t" + PATH + FORMAT + b"\xd1\0\x01\xff{}", "4.02"),  # option 25: critical, unknown
    ],
    ids=("NON", "PUT", "unknown"),
)
def test_what_is_no_confirmable_post_does(datagram, code):
    async def main():
        async with scene() as (made, end, _):
            await end.say(datagram)
            assert (await end.hear()).code.dotted == code and made.begun == []

    run(main())


def test_what_the_program_does_not_take_does_too():
    async def main():
        async with scene(takes=False) as (made, end, transport):
            await end.say(post(7))
            answer = await end.hear()
            assert (answer.mid, answer.payload) == (7, b"other")
            made.begun[0][1](Answer("2.04"))
            assert transport._straight._waiting == {} and transport._straight._unacknowledged == {}

    run(main())


def test_an_answer_that_is_no_body_is_an_error_of_ours():
    async def main():
        async with scene() as (made, end, _):
            await end.say(post(7))
            (await begun(made, 1))[1](Answer("2.04", {"octets": b""}))
            answer = await end.hear()
            assert (answer.mtype, answer.mid, answer.code) == (ACK, 7, aiocoap.INTERNAL_SERVER_ERROR)

    run(main())


def test_nothing_leaves_after_the_end():
    async def main():
        async with scene(ack_timeout=0.2) as (made, end, transport):
            await end.say(post(7))
            _, respond = await begun(made, 1)
            sent = []
            manager = transport._context.request_interfaces[0].token_interface
            manager.message_interface.send = sent.append
        respond(Answer("2.04"))
        await asyncio.sleep(0.2)
        assert sent == []

    run(main())


@pytest.mark.parametrize("logged", [False, True])
def test_of_the_plainest_no_message_is_made_but_for_the_log(logged, caplog):
    """docs/gateway.md, --coap-log: each message is on stderr."""
    caplog.set_level(logging.DEBUG if logged else logging.WARNING, "coap-server")

    async def main():
        async with scene() as (made, end, transport):
            if not way.door:
                return
            delivered, deliver = [], transport.door._deliver
            transport.door._deliver = lambda *item: delivered.append(item) or deliver(*item)
            for mid, options in ((7, PATH + FORMAT), (8, PATH), (9, FORMAT[:0] + PATH + b"\x10")):
                await end.say(post(mid, b"%d" % mid, options))
                (await begun(made, mid - 6))[1](Answer("2.04"))
                assert (await end.hear()).mid == mid
            assert [request.content_format for request, _ in made.begun] == [50, None, 0]
            assert len(delivered) == (3 if logged else 1)

    run(main())
