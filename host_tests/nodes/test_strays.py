# SPDX-License-Identifier: MIT
"""Datagrams at the wrong node: what is no request goes to the node that waits for it, and a further block of what
another node has begun to tell is the same representation."""

import asyncio
import contextlib
import socket

import aiocoap
import pytest

from host_tests.gateway.devices import run
from host_tests.nodes.wire import ACK, CON, RST, read
from tools.server.delivery.pushes import DONE
from tools.transport.arrival.strays import Strays
from tools.transport.coap import CoapTransport, peer_of
from tools.transport.unguarded import Unguarded
from tools.wire.answers import Answer
from tools.wire.identity import Peer

POST, CHANGED = 2, 0x44
ETAG = b"\x01\x02\x03\x04"
WHOLE = bytes(range(256)) * 8


@contextlib.asynccontextmanager
async def listening(handle=None):
    watch = Unguarded(lambda event, **fields: None, lambda peer: True, peer_of, 1000)
    made = CoapTransport(handle, None, lambda peer: 4096, 0.2, watch=watch)
    made.port = await made.start("127.0.0.1", 0)
    try:
        yield made
    finally:
        await made.stop()


class Socket:
    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.peer = Peer(*self._socket.getsockname())

    def send(self, octets, port):
        self._socket.sendto(octets, ("127.0.0.1", port))

    async def hear(self, seconds=5):
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self._socket, 4096), seconds)

    async def hears_nothing(self, seconds=0.3):
        with pytest.raises(TimeoutError):
            await self.hear(seconds)


def empty(mtype, mid):
    return bytes((0x40 | mtype << 4, 0)) + mid.to_bytes(2, "big")


def bridged(one, other, asked, there=True):
    """Strays of `one`, whose datagrams go to the door of `other`."""
    far = other.door.strays = Strays(other.door, None, None)

    async def find(address, octets):
        asked.append(octets)
        if there:
            far.hear([list(address), octets.hex()], "b")
        return there

    one.door.strays = Strays(one.door, find, asyncio.ensure_future)
    return one.door.strays, far


@pytest.mark.parametrize("separate", [False, True])
def test_an_answer_at_another_node_ends_the_exchange(separate):
    """Its acknowledgement, and the response in it or by itself, go to where nobody has asked."""

    async def main():
        async with listening() as a, listening() as b:
            asked, device = [], Socket()
            near, far = bridged(b, a, asked)
            pushing = asyncio.ensure_future(a.push(device.peer, {"msgId": "1"}, "ue:1"))
            mtype, code, mid, token, _, _ = read(await device.hear())
            assert (mtype, code) == (CON, POST)
            if separate:
                device.send(empty(ACK, mid), b.port)
                device.send(bytes((0x40 | len(token), CHANGED)) + b"\x12\x34" + token, b.port)
                assert read(await device.hear())[:3] == (ACK, 0, 0x1234)  # from where it was waited for
            else:
                device.send(bytes((0x60 | len(token), CHANGED)) + mid.to_bytes(2, "big") + token, b.port)
            assert (await asyncio.wait_for(pushing, 5)).verdict == DONE
            await device.hears_nothing()  # it is not sent again
            assert near.passed == far.heard == len(asked) == 1 + separate

    run(main())


def test_what_nobody_waits_for_is_reset_by_the_one_that_it_came_to():
    async def main():
        async with listening() as a, listening() as b:
            device = Socket()
            near, _ = bridged(b, a, [], there=False)
            device.send(b"\x44\x44\x12\x34abcd", b.port)
            assert read(await device.hear())[:3] == (RST, 0, 0x1234)
            device.send(empty(ACK, 7), b.port)
            await device.hears_nothing()
            device.send(empty(CON, 8), b.port)  # a ping, which is whose it came to
            assert read(await device.hear())[:3] == (RST, 0, 8)
            assert near.passed == 0

    run(main())


def test_what_is_passed_on_is_not_passed_back():
    async def main():
        async with listening() as a, listening() as b:
            asked, device = [], Socket()
            near, far = bridged(b, a, asked)
            device.send(b"\x44\x44\x12\x34abcd", b.port)
            await device.hears_nothing()
            assert (near.passed, far.heard, far.passed, len(asked)) == (1, 0, 0, 1)

    run(main())


def test_many_of_them_cost_little():
    async def main():
        async with listening() as a, listening() as b:
            asked, device = [], Socket()
            bridged(b, a, asked)
            for mid in range(1000):
                device.send(empty(ACK, mid), b.port)
            await device.hears_nothing()
            assert 0 < len(asked) <= 5 * 20 + 20  # as many as one address may in so short a time

    run(main())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer("2.05", octets=WHOLE, content_format=50, etag=ETAG), "2.05"),
        (Answer("2.05", octets=WHOLE, content_format=50), "4.08"),
        (Answer("4.04"), "4.04"),
    ],
    ids=["same", "unnamed", "gone"],
)
def test_a_further_block_is_of_the_same_representation(answer, code):
    async def main():
        calls = []

        async def handle(peer, request):
            calls.append(request)
            return answer

        async with listening(handle) as b:
            device = Socket()
            for number in (1, 2):
                request = aiocoap.Message(code=aiocoap.GET, uri_path=("list",), block2=(number, False, 6))
                request.mtype, request.mid, request.token = aiocoap.CON, number, b"tok"
                device.send(request.encode(), b.port)
                heard = aiocoap.Message.decode(await device.hear())
                assert heard.code.dotted == code
                if code == "2.05":
                    assert heard.opt.etag == ETAG
                    assert heard.payload == WHOLE[number * 1024 : number * 1024 + 1024]
                    break  # the whole of two blocks
            assert len(calls) == (1 if code == "2.05" else 2)

    run(main())
