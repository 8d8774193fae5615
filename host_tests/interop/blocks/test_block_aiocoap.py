# SPDX-License-Identifier: MIT
"""Bodies in blocks between the device's endpoint and aiocoap: RFC 7959, ETSI TD_COAP_BLOCK_*."""

import aiocoap
import pytest
from aiocoap import resource
from aiocoap.optiontypes import BlockOption

import coap

from ..on_udp import HOST, Quick, aiocoap_client, aiocoap_server, device, run

LARGE = bytes(index * 7 & 255 for index in range(2500))


class Large(resource.Resource):
    async def render_get(self, request):
        return aiocoap.Message(payload=LARGE, content_format=42)


class Changing(resource.Resource):
    """Another ETag with each block. aiocoap would keep one body for all of them, so this cuts its own."""

    def __init__(self):
        super().__init__()
        self.count = 0

    async def render_to_pipe(self, pipe):
        self.count += 1
        whole = aiocoap.Message(code=aiocoap.CONTENT, payload=LARGE)
        whole.opt.etag = bytes((self.count,))
        block = pipe.request.opt.block2 or BlockOption.BlockwiseTuple(0, False, 6)
        pipe.add_response(whole._extract_block(block.block_number, block.size_exponent, 1024), is_last=True)


def fetch(options=(), lose=(), large=None, **named):
    async def talk():
        async with aiocoap_server({"/large": large or Large()}) as port, device(lose=lose, **named) as client:
            request = coap.Message(coap.GET, options=coap.path_options("/large") + list(options))
            kind, response = await client.ask(request, port)
            return kind, response, client

    return run(talk())


def blocks(wire, name):
    """(number, more, exponent) of each datagram that has one."""
    options = [getattr(each.message.opt, name) for each in wire]
    return [tuple(option) for option in options if option is not None]


def test_td_coap_block_02_client():
    """The server turns to blocks: 1,024 + 1,024 + 452 octets."""
    kind, response, client = fetch()
    assert kind == coap.RESPONSE
    assert bytes(response.payload) == LARGE
    assert blocks(client.wire, "block2") == [
        (0, True, 6),
        (1, False, 6),
        (1, True, 6),
        (2, False, 6),
        (2, False, 6),
    ]


@pytest.mark.parametrize("exponent", [0, 2, 5])
def test_td_coap_block_01_client(exponent):
    """The client asks for a size from the start."""
    kind, response, client = fetch([(coap.BLOCK2, coap.uint_octets(exponent))])
    assert kind == coap.RESPONSE
    assert bytes(response.payload) == LARGE
    # ceil(2500 / 16) = 157, ceil(2500 / 64) = 40, ceil(2500 / 512) = 5
    assert len(client.wire) == 2 * {0: 157, 2: 40, 5: 5}[exponent]


@pytest.mark.parametrize("lost", range(6))
def test_a_response_in_blocks_survives_each_loss(lost):
    kind, response, _ = fetch(lose=(lost,))
    assert kind == coap.RESPONSE
    assert bytes(response.payload) == LARGE


def test_a_body_that_changes_is_told():
    kind, _, client = fetch(large=Changing())
    assert kind == coap.INCOMPLETE
    assert len(client.wire) == 16  # it begins again three times


def test_a_body_that_is_too_long_is_told():
    kind, _, _ = fetch(max_body=2499)
    assert kind == coap.INCOMPLETE


def send(payload, exponent, lose=(), tuning=Quick, **named):
    """aiocoap posts a body to the device in blocks of this exponent."""

    async def serve(request):
        payload = bytes(request.payload)
        return coap.Message(coap.CHANGED, b"%d %d" % (len(payload), sum(payload)))

    async def talk():
        async with device(serve, lose=lose, **named) as server, aiocoap_client() as client:
            request = aiocoap.Message(
                code=aiocoap.POST,
                uri=f"coap://{HOST}:{server.port}/large",
                payload=payload,
                transport_tuning=tuning(),
            )
            await client.find_remote_and_interface(request)
            request.remote.maximum_block_size_exp = exponent
            response = await client.request(request).response
            return response, server

    return run(talk())


SUM = b"%d %d" % (2500, sum(LARGE))


@pytest.mark.parametrize("exponent, count", [(0, 157), (2, 40), (5, 5), (6, 3)])
def test_td_coap_block_04_and_06_server(exponent, count):
    """POST in blocks, down to those of 16 octets: 2.31 for each but the last, one request for the device."""
    response, server = send(LARGE, exponent)
    assert (response.code.dotted, response.payload) == ("2.04", SUM)
    assert [each.code for each in server.wire if each.way == "out"] == ["2.31"] * (count - 1) + ["2.04"]
    assert len(server.handled) == 1
    assert not server.endpoint.bodies


@pytest.mark.parametrize("lost", range(6))
def test_a_request_in_blocks_survives_each_loss(lost):
    response, server = send(LARGE, 6, lose=(lost,))
    assert response.payload == SUM
    assert len(server.handled) == 1


class QuickNon(Quick):
    reliability = False


def test_a_request_in_non_confirmable_blocks():
    response, server = send(LARGE, 6, tuning=QuickNon)
    assert response.payload == SUM
    assert {each.type for each in server.wire} == {"NON"}


def test_a_body_that_is_too_long_for_the_device():
    response, server = send(bytes(4097), 6)
    assert response.code.dotted == "4.13"
    assert response.opt.size1 == 4096
    assert not server.handled and not server.endpoint.bodies


def test_a_device_without_blocks():
    response, server = send(LARGE, 6, max_body=0)
    assert response.code.dotted == "4.02"


def test_aiocoap_reads_a_response_of_the_device_in_blocks():
    async def serve(request):
        return coap.Message(coap.CONTENT, LARGE[:1100])

    async def talk():
        async with device(serve, max_datagram=2000) as server, aiocoap_client() as client:
            request = aiocoap.Message(code=aiocoap.GET, uri=f"coap://{HOST}:{server.port}/large")
            request.opt.block2 = (0, False, 3)
            response = await client.request(request).response
            assert response.payload == LARGE[:1100]
            assert len(server.handled) == 9  # ceil(1100 / 128), each a request of its own

    run(talk())


@pytest.mark.parametrize("code", [aiocoap.GET, aiocoap.POST, aiocoap.PUT, aiocoap.FETCH])
@pytest.mark.parametrize("lost", [None, 1, 2, 3])
def test_aiocoap_reads_a_response_that_is_larger_than_a_datagram(code, lost):
    """Nobody asked for blocks. A GET runs for each of three, another method once."""

    async def serve(request):
        return coap.Message(coap.CONTENT, LARGE)

    async def talk():
        lose = () if lost is None else (lost,)
        async with device(serve, lose=lose) as server, aiocoap_client() as client:
            uri = f"coap://{HOST}:{server.port}/large"
            request = aiocoap.Message(code=code, uri=uri, transport_tuning=Quick())
            response = await client.request(request).response
            assert response.payload == LARGE
            assert len(server.handled) == (3 if code == aiocoap.GET else 1)

    run(talk())


def test_aiocoap_posts_and_reads_in_blocks():
    async def serve(request):
        return coap.Message(coap.CHANGED, bytes(request.payload)[::-1])

    async def talk():
        async with device(serve) as server, aiocoap_client() as client:
            uri = f"coap://{HOST}:{server.port}/large"
            request = aiocoap.Message(code=aiocoap.POST, uri=uri, payload=LARGE, transport_tuning=Quick())
            response = await client.request(request).response
            assert response.payload == LARGE[::-1]
            assert len(server.handled) == 1

    run(talk())
