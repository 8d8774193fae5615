# SPDX-License-Identifier: MIT
"""The CoAP plugtest list (ETSI, TD_COAP_BLOCK_*) on real sockets: what test_block_aiocoap.py has not. Our endpoint
sends its requests in blocks to aiocoap, and answers it in blocks."""

import aiocoap
import pytest
from aiocoap import resource
from aiocoap.optiontypes import BlockOption

import coap

from ..blocks.test_block_aiocoap import LARGE, blocks, fetch
from ..on_udp import HOST, Quick, aiocoap_client, aiocoap_server, device, run

REVERSED = LARGE[::-1]


class Updatable(resource.Resource):
    """Takes a body by PUT and POST, and answers a POST with another large one where it is told to."""

    def __init__(self, answer=b""):
        super().__init__()
        self.body = None
        self.answer = answer

    async def render_put(self, request):
        self.body = request.payload
        return aiocoap.Message(code=aiocoap.CHANGED)

    async def render_post(self, request):
        self.body = request.payload
        if self.answer:
            return aiocoap.Message(code=aiocoap.CHANGED, payload=self.answer)
        response = aiocoap.Message(code=aiocoap.CREATED)
        response.opt.location_path = ("large-create", "1")
        return response


def upload(code, exponent, answer=b""):
    """The response to a body of ours in blocks of this size, what aiocoap took, and the wire."""

    async def talk():
        there = Updatable(answer)
        async with aiocoap_server({"/large": there}) as port, device() as client:
            options = coap.path_options("/large") + [(coap.BLOCK1, coap.uint_octets(exponent))]
            kind, response = await client.ask(coap.Message(code, LARGE, options), port)
            assert kind == coap.RESPONSE
            return response, there.body, client.wire

    return run(talk())


# 2,500 octets: ceil(2500 / 1024) = 3, ceil(2500 / 64) = 40, ceil(2500 / 16) = 157
@pytest.mark.parametrize("exponent, count", [(6, 3), (2, 40)])
def test_td_coap_block_03_client(exponent, count):
    response, body, wire = upload(coap.PUT, exponent)
    assert (coap.code_text(response.code), body) == ("2.04", LARGE)
    sent = [block for each, block in zip(wire, blocks(wire, "block1"), strict=True) if each.way == "out"]
    assert sent == [(number, number < count - 1, exponent) for number in range(count)]


def test_td_coap_block_04_client():
    response, body, wire = upload(coap.POST, 6)
    assert (coap.code_text(response.code), body) == ("2.01", LARGE)
    assert [value for number, value in response.options if number == coap.LOCATION_PATH] == [
        b"large-create",
        b"1",
    ]


def test_td_coap_block_05_client():
    # both ways: the rest of the response is asked for without payload
    response, body, wire = upload(coap.POST, 6, REVERSED)
    assert (coap.code_text(response.code), body, bytes(response.payload)) == ("2.04", LARGE, REVERSED)
    asking = [each.message for each in wire if each.way == "out" and each.message.opt.block1 is None]
    assert [(tuple(each.opt.block2)[0], each.payload) for each in asking] == [(1, b""), (2, b"")]


def test_td_coap_block_06_client():
    # early, in blocks of 16
    kind, response, client = fetch([(coap.BLOCK2, b"")])
    assert (kind, bytes(response.payload)) == (coap.RESPONSE, LARGE)
    assert blocks(client.wire, "block2")[-1] == (156, False, 0)


async def serve(request):
    """The device's side of all of them."""
    if request.code == coap.GET:
        return coap.Message(coap.CONTENT, LARGE, [(coap.CONTENT_FORMAT, b"\x2a")])
    assert bytes(request.payload) == LARGE
    if request.path == "/large-create":
        places = [(coap.LOCATION_PATH, b"large-create"), (coap.LOCATION_PATH, b"1")]
        return coap.Message(coap.CREATED, options=places)
    return coap.Message(coap.CHANGED, REVERSED if request.path == "/large-post" else b"")


def asked(code, path, exponent=None, payload=b""):
    """aiocoap's response to what it asks our endpoint, and the wire."""

    async def talk():
        async with device(serve) as server, aiocoap_client() as client:
            uri = f"coap://{HOST}:{server.port}{path}"
            request = aiocoap.Message(code=code, uri=uri, payload=payload, transport_tuning=Quick())
            if exponent is not None:
                request.opt.block2 = BlockOption.BlockwiseTuple(0, False, exponent)
            return await client.request(request).response, server.wire

    return run(talk())


@pytest.mark.parametrize("exponent", [2, 5])
def test_td_coap_block_01_server(exponent):
    response, wire = asked(aiocoap.GET, "/large", exponent)
    assert (response.code.dotted, response.payload) == ("2.05", LARGE)
    last = (len(LARGE) - 1) >> exponent + 4
    assert blocks([each for each in wire if each.way == "out"], "block2") == [
        (number, number < last, exponent) for number in range(last + 1)
    ]


def test_td_coap_block_02_server():
    response, wire = asked(aiocoap.GET, "/large")
    assert response.payload == LARGE
    assert wire[0].message.opt.block2 is None
    assert blocks(wire, "block2")[0] == (0, True, 6)


def test_td_coap_block_03_server():
    response, wire = asked(aiocoap.PUT, "/large-update", payload=LARGE)
    assert response.code.dotted == "2.04"
    codes = [each.code for each in wire if each.way == "out"]
    assert codes == ["2.31", "2.31", "2.04"]


def test_td_coap_block_04_server():
    response, wire = asked(aiocoap.POST, "/large-create", payload=LARGE)
    assert (response.code.dotted, response.opt.location_path) == ("2.01", ("large-create", "1"))


def test_td_coap_block_05_server():
    response, wire = asked(aiocoap.POST, "/large-post", payload=LARGE)
    assert (response.code.dotted, response.payload) == ("2.04", REVERSED)


def test_td_coap_block_06_server():
    response, wire = asked(aiocoap.GET, "/large", 0)
    assert response.payload == LARGE
    assert blocks(wire, "block2")[-1] == (156, False, 0)
