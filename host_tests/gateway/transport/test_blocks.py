# SPDX-License-Identifier: MIT
"""Bodies in blocks (RFC 7959): bounded for each peer and in all, and a block that is not the next one is 4.08."""

import json

import aiocoap
import pytest
from aiocoap import error
from aiocoap.optiontypes import BlockOption

from host_tests.gateway.scripted import Ue, gateway, run
from host_tests.gateway.transport.test_oscore_gateway import _Quick, peer, reg
from host_tests.gateway.transport.test_server_flood import UE, scene
from tools.transport.blocks import Bodies, Shelf, TooLarge


def block(number, more, size=16, octets=None, tag=b"", remote="a"):
    message = aiocoap.Message(code=aiocoap.POST, payload=bytes(size) if octets is None else octets)
    message.opt.block1 = BlockOption.BlockwiseTuple(number, more, {16: 0, 64: 2, 1024: 6}[size])
    if tag:
        message.opt.request_tag = (tag,)
    message.remote = Remote(remote)
    return message


class Remote:
    maximum_payload_size, maximum_block_size_exp = 1024, 6

    def __init__(self, name):
        self.name = self.blockwise_key = name


class Bench:
    def __init__(self, limit=4096, **bounds):
        self.now = 0.0
        self.shelf = Shelf(clock=lambda: self.now, **bounds)
        self.bodies = Bodies(lambda request: request.remote.name, lambda request: limit, self.shelf)

    def feed(self, *arguments, **more):
        """The body, or the code of the answer to a block."""
        try:
            return bytes(self.bodies.feed_and_take(block(*arguments, **more)).payload)
        except error.ConstructionRenderableError as answer:
            return answer.to_message().code.dotted


def test_a_body_is_put_together_and_forgotten():
    bench = Bench()
    codes = [bench.feed(number, number < 2, octets=bytes([number]) * 16) for number in range(3)]
    assert codes == ["2.31", "2.31", b"\0" * 16 + b"\1" * 16 + b"\2" * 16]
    assert (len(bench.shelf), bench.shelf.octets, bench.shelf.dropped) == (0, 0, 0)
    assert bench.feed(0, False, octets=b"short") == b"short"


def test_a_block_that_is_not_the_next_one_is_4_08():
    bench = Bench()
    assert bench.feed(1, True) == "4.08"  # without the first
    assert bench.feed(0, True) == "2.31"
    assert bench.feed(2, True) == "4.08"  # a gap
    assert bench.feed(1, True) == "2.31"
    assert bench.feed(1, True) == "4.08"  # the same under another message ID
    assert bench.feed(2, False) == bytes(48)  # and the body is not spoiled by them
    assert bench.feed(2, False) == "4.08"


@pytest.mark.parametrize(("size", "octets"), [(16, bytes(15)), (16, bytes(17)), (64, b"")])
def test_a_block_of_another_size_is_4_00(size, octets):
    assert Bench().feed(0, True, size, octets) == "4.00"


def test_a_body_that_is_too_large_says_what_is_taken_and_leaves_nothing():
    bench = Bench(limit=40)
    assert [bench.feed(number, True) for number in range(2)] == ["2.31", "2.31"]
    with pytest.raises(TooLarge) as caught:
        bench.bodies.feed_and_take(block(2, True))
    assert caught.value.to_message().opt.size1 == 40
    assert (len(bench.shelf), bench.shelf.octets) == (0, 0)


def test_bodies_without_end_are_bounded_for_each_peer():
    bench = Bench(each=3)
    assert bench.feed(0, True, remote="b") == "2.31"
    for number in range(100):
        assert bench.feed(0, True, tag=b"%d" % number) == "2.31"
    assert (len(bench.shelf), bench.shelf.octets, bench.shelf.dropped) == (4, 64, 97)
    assert bench.feed(1, False, tag=b"99") == bytes(32)  # the newest go on
    assert bench.feed(1, False, tag=b"10") == "4.08"
    assert bench.feed(1, False, remote="b") == bytes(32)


def test_bodies_are_bounded_in_all_and_who_has_most_loses_one():
    bench = Bench(each=10, max_items=5, octets=1000)
    for number in range(5):
        assert bench.feed(0, True, 64, tag=b"%d" % number) == "2.31"
    assert bench.feed(0, True, remote="b") == "2.31"
    assert len(bench.shelf) == 5
    assert bench.feed(1, False, remote="b") == bytes(32)
    bench = Bench(each=10, max_items=50, octets=200)
    assert bench.feed(0, True, remote="b") == "2.31"
    for number in range(30):
        bench.feed(0, True, 64, tag=b"%d" % number)
        assert bench.shelf.octets <= 200
    assert bench.feed(1, False, remote="b") == bytes(32)


def test_what_nobody_goes_on_with_is_forgotten():
    bench = Bench(lifetime=93)
    bench.feed(0, True)
    bench.now = 92
    assert bench.feed(1, True) == "2.31"
    bench.now = 184
    assert bench.feed(2, True) == "2.31"
    bench.now = 277.5
    assert bench.feed(3, True) == "4.08"
    assert len(bench.shelf) == 0


# ---- over the wire -------------------------------------------------------------------------------------------------


def request(uri, number, more, tag, payload=bytes(1024)):
    message = aiocoap.Message(code=aiocoap.POST, uri=uri, payload=payload, transport_tuning=_Quick())
    message.opt.content_format = 50
    message.opt.block1 = BlockOption.BlockwiseTuple(number, more, 6)
    message.opt.request_tag = (tag,)
    return message


async def ask(context, message):
    return (await context.request(message, handle_blockwise=False).response).code.dotted


async def endless(context, uri, shelf):
    """40 bodies of two blocks that never end."""
    for number in range(40):
        tag = number.to_bytes(2, "big")
        assert await ask(context, request(uri, 0, True, tag)) == "2.31"
        assert await ask(context, request(uri, 1, True, tag)) == "2.31"
        assert len(shelf) <= 8
        assert shelf.octets <= 8 * 2048
    assert await ask(context, request(uri, 3, True, tag)) == "4.08"
    assert await ask(context, request(uri, 1, True, tag)) == "4.08"
    assert (len(shelf), shelf.dropped) == (8, 32)


def test_bodies_without_end_in_the_clear():
    async def main():
        async with gateway() as g, Ue(g, "ue:a") as a:
            await a.register()
            uri = "coap://127.0.0.1:%d/msgin5g" % g.coap_port
            await endless(a._context, uri, g.coap.bodies.shelf)
            assert await a.code(a.msg("ue:a", "x" * 3000)) == "2.04"

    run(main())


def test_bodies_without_end_by_who_holds_a_key(tmp_path):
    async def main():
        async with scene(tmp_path) as s, peer(s, s.keys[0]) as device:
            assert (await device.post(reg(UE)))[1]["result"] is True
            shelf = s.gateway.coap.bodies.shelf
            await endless(device._context, "coap://%s:%d/msgin5g" % s.coap, shelf)

    run(main())


def test_blocks_count_for_the_rate(tmp_path):
    async def main():
        async with scene(tmp_path, rate=5) as s, peer(s, s.keys[0]) as device:
            assert (await device.post(reg(UE)))[1]["result"] is True
            s.gateway.coap.clock = lambda: 0.0
            uri = "coap://%s:%d/msgin5g" % s.coap
            codes = [await ask(device._context, request(uri, 0, True, b"%d" % n)) for n in range(14)]
            assert codes == ["2.31"] * 10 + ["4.29"] * 4

    run(main())


def test_answers_that_are_fetched_in_blocks_are_few():
    async def main():
        async with gateway() as g, Ue(g, "ue:a") as a:
            uri = "coap://127.0.0.1:%d/msgin5g" % g.coap_port
            shelf = g.coap.answers
            for number in range(30):
                message = aiocoap.Message(
                    code=aiocoap.POST, uri=uri, payload=json.dumps(a.own("REG")).encode()
                )
                message.opt.content_format = 50
                message.opt.block2 = BlockOption.BlockwiseTuple(0, False, 0)
                message.opt.request_tag = (b"%d" % number,)
                answer = await a._context.request(message, handle_blockwise=False).response
                assert (answer.code.dotted, len(answer.payload)) == ("2.04", 16)
            assert len(shelf) == 8

    run(main())
