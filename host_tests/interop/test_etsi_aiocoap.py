# SPDX-License-Identifier: MIT
"""The CoAP plugtest list (ETSI, TD_COAP_CORE_*) between the device's endpoint and aiocoap, both on real sockets.

`_client`: the device asks aiocoap. `_server`: aiocoap asks the device.
"""

import asyncio
import socket

import aiocoap
import pytest
from aiocoap import resource

import coap

from .on_udp import HOST, Quick, aiocoap_client, aiocoap_server, device, run

TEXT = b"text"


class Plain(resource.Resource):
    """GET, PUT, POST, DELETE as the list wants them."""

    def __init__(self):
        super().__init__()
        self.count = 0

    async def render_get(self, request):
        self.count += 1
        return aiocoap.Message(payload=TEXT, content_format=0)

    async def render_put(self, request):
        self.count += 1
        return aiocoap.Message(code=aiocoap.CHANGED)

    async def render_post(self, request):
        self.count += 1
        response = aiocoap.Message(code=aiocoap.CREATED)
        response.opt.location_path = ("made", "here")
        return response

    async def render_delete(self, request):
        self.count += 1
        return aiocoap.Message(code=aiocoap.DELETED)


class Separate(resource.Resource):
    """Answers after aiocoap's EMPTY_ACK_DELAY of 0.1 s."""

    def __init__(self, tuning):
        super().__init__()
        self.tuning = tuning
        self.count = 0

    async def render_get(self, request):
        self.count += 1
        await asyncio.sleep(0.15)
        return aiocoap.Message(payload=TEXT, content_format=0, transport_tuning=self.tuning())


class QuickNon(Quick):
    reliability = False


def message(code, path="/test", payload=b"", type=coap.CON, token=b""):
    return coap.Message(code, payload, coap.path_options(path), type, token=token)


def ask(request, lose=(), resources=None, settled=0):
    """The response, the wire and the resource, once `settled` datagrams have been seen."""

    async def talk():
        here = resources or {"/test": Plain(), "/separate": Separate(Quick), "/seg1/seg2/seg3": Plain()}
        async with aiocoap_server(here) as port, device(lose=lose) as client:
            kind, response = await client.ask(request, port)
            assert kind == coap.RESPONSE
            await client.until(lambda: len(client.wire) >= settled)
            await asyncio.sleep(0.05)  # what should not come has time to come
            assert client.endpoint.next_deadline() is None
            assert not client.events
            return response, client.wire, here

    return run(talk())


def ways(wire):
    return [f"{each.way} {each.type}{' lost' if each.lost else ''}" for each in wire]


def piggybacked(request, code):
    response, wire, _ = ask(request)
    assert coap.code_text(response.code) == code
    assert ways(wire) == ["out CON", "in ACK"]
    assert wire[0].mid == wire[1].mid and wire[0].token == wire[1].token != b""
    return response


def test_td_coap_core_01_client():
    response = piggybacked(message(coap.GET), "2.05")
    assert bytes(response.payload) == TEXT
    assert response.uint(coap.CONTENT_FORMAT) == 0


def test_td_coap_core_02_client():
    piggybacked(message(coap.DELETE), "2.02")


def test_td_coap_core_03_client():
    piggybacked(message(coap.PUT, payload=b"new"), "2.04")


def test_td_coap_core_04_client():
    response = piggybacked(message(coap.POST, payload=b"new"), "2.01")
    assert [value for number, value in response.options if number == coap.LOCATION_PATH] == [b"made", b"here"]


@pytest.mark.parametrize(
    "code, answer", [(coap.GET, "2.05"), (coap.DELETE, "2.02"), (coap.PUT, "2.04"), (coap.POST, "2.01")]
)
def test_td_coap_core_05_to_08_client(code, answer):
    response, wire, _ = ask(message(code, type=coap.NON))
    assert coap.code_text(response.code) == answer
    assert ways(wire) == ["out NON", "in NON"]
    assert wire[0].token == wire[1].token


def test_td_coap_core_09_client():
    response, wire, _ = ask(message(coap.GET, "/separate"))
    assert bytes(response.payload) == TEXT
    assert ways(wire) == ["out CON", "in ACK", "in CON", "out ACK"]
    assert wire[1].code == "0.00" and wire[1].mid == wire[0].mid
    assert wire[3].code == "0.00" and wire[3].mid == wire[2].mid


@pytest.mark.parametrize("size", range(1, 9))
def test_td_coap_core_10_client(size):
    token = bytes(range(1, size + 1))
    _, wire, _ = ask(message(coap.GET, token=token))
    assert [each.token for each in wire] == [token, token]


def test_td_coap_core_11_client():
    _, wire, _ = ask(message(coap.GET, "/separate", token=b"\xde\xad"))
    assert [each.token for each in wire] == [b"\xde\xad", b"", b"\xde\xad", b""]


def test_td_coap_core_13_client():
    response, wire, _ = ask(message(coap.GET, "/seg1/seg2/seg3"))
    assert wire[0].message.opt.uri_path == ("seg1", "seg2", "seg3")
    assert bytes(response.payload) == TEXT


def test_td_coap_core_15_client_request_lost():
    _, wire, there = ask(message(coap.GET), lose=(0,))
    assert ways(wire) == ["out CON lost", "out CON", "in ACK"]
    assert wire[0].octets == wire[1].octets
    assert there["/test"].count == 1


def test_td_coap_core_15_client_response_lost():
    _, wire, there = ask(message(coap.GET), lose=(1,))
    assert ways(wire) == ["out CON", "in ACK lost", "out CON", "in ACK"]
    assert wire[0].octets == wire[2].octets and wire[1].octets == wire[3].octets
    assert there["/test"].count == 1


def test_td_coap_core_16_client_request_lost():
    _, wire, there = ask(message(coap.GET, "/separate"), lose=(0,))
    assert ways(wire) == ["out CON lost", "out CON", "in ACK", "in CON", "out ACK"]
    assert there["/separate"].count == 1


def test_td_coap_core_16_client_ack_lost():
    # the response comes 0.15 s after the request, before it is sent again: that never happens
    _, wire, there = ask(message(coap.GET, "/separate"), lose=(1,))
    assert ways(wire) == ["out CON", "in ACK lost", "in CON", "out ACK"]
    assert there["/separate"].count == 1


def test_td_coap_core_16_client_response_lost():
    # the server repeats its response, nobody repeats the request
    _, wire, there = ask(message(coap.GET, "/separate"), lose=(2,))
    assert ways(wire) == ["out CON", "in ACK", "in CON lost", "in CON", "out ACK"]
    assert there["/separate"].count == 1


def test_td_coap_core_16_client_last_ack_lost():
    _, wire, there = ask(message(coap.GET, "/separate"), lose=(3,), settled=6)
    assert ways(wire) == ["out CON", "in ACK", "in CON", "out ACK lost", "in CON", "out ACK"]
    assert wire[3].octets == wire[5].octets
    assert there["/separate"].count == 1


def test_td_coap_core_17_client():
    _, wire, _ = ask(message(coap.GET, "/separate"), resources={"/separate": Separate(QuickNon)})
    assert ways(wire) == ["out CON", "in ACK", "in NON"]
    assert wire[2].token == wire[0].token


def test_td_coap_core_31_client():
    async def talk():
        async with aiocoap_server({}) as port, device() as client:
            assert await client.ping(port) == (coap.RESET, None)
            assert ways(client.wire) == ["out CON", "in RST"]
            assert client.wire[0].octets[:2] == b"\x40\x00" and len(client.wire[0].octets) == 4

    run(talk())


# ---- the device serves


async def serve(request):
    path = request.path
    if path == "/separate":
        await asyncio.sleep(0.35)  # longer than the 0.25 s of ACK_DELAY
    if path not in ("/test", "/separate", "/seg1/seg2/seg3"):
        return coap.Message(coap.NOT_FOUND)
    if request.code == coap.GET:
        return coap.Message(coap.CONTENT, TEXT, [(coap.CONTENT_FORMAT, b"")])
    return coap.Message({coap.PUT: coap.CHANGED, coap.POST: coap.CREATED}.get(request.code, coap.DELETED))


def asked(code, path="/test", lose=(), tuning=Quick, settled=0):
    """aiocoap's response, and the device."""

    async def talk():
        async with device(serve, lose=lose) as server, aiocoap_client() as client:
            uri = f"coap://{HOST}:{server.port}{path}"
            request = aiocoap.Message(code=code, uri=uri, transport_tuning=tuning())
            response = await client.request(request).response
            await server.until(lambda: len(server.wire) >= settled)
            await asyncio.sleep(0.05)
            assert server.endpoint.next_deadline() is None
            assert len(server.handled) == 1
            return response, server

    return run(talk())


@pytest.mark.parametrize(
    "code, answer",
    [(aiocoap.GET, "2.05"), (aiocoap.DELETE, "2.02"), (aiocoap.PUT, "2.04"), (aiocoap.POST, "2.01")],
)
def test_td_coap_core_01_to_04_server(code, answer):
    response, server = asked(code)
    assert response.code.dotted == answer
    assert ways(server.wire) == ["in CON", "out ACK"]
    assert server.wire[0].mid == server.wire[1].mid and server.wire[0].token == server.wire[1].token


@pytest.mark.parametrize(
    "code, answer",
    [(aiocoap.GET, "2.05"), (aiocoap.DELETE, "2.02"), (aiocoap.PUT, "2.04"), (aiocoap.POST, "2.01")],
)
def test_td_coap_core_05_to_08_server(code, answer):
    response, server = asked(code, tuning=QuickNon)
    assert response.code.dotted == answer
    assert ways(server.wire) == ["in NON", "out NON"]
    assert server.wire[0].token == server.wire[1].token


def test_td_coap_core_09_server():
    response, server = asked(aiocoap.GET, "/separate", settled=4, tuning=aiocoap.TransportTuning)
    assert response.payload == TEXT
    assert ways(server.wire) == ["in CON", "out ACK", "out CON", "in ACK"]
    assert server.wire[1].code == "0.00" and server.wire[2].token == server.wire[0].token


def test_td_coap_core_13_server():
    response, server = asked(aiocoap.GET, "/seg1/seg2/seg3")
    assert server.handled[0].path == "/seg1/seg2/seg3"


def test_td_coap_core_15_server_request_lost():
    response, server = asked(aiocoap.GET, lose=(0,))
    assert ways(server.wire) == ["in CON lost", "in CON", "out ACK"]


def test_td_coap_core_15_server_response_lost():
    response, server = asked(aiocoap.GET, lose=(1,))
    assert ways(server.wire) == ["in CON", "out ACK lost", "in CON", "out ACK"]
    assert server.wire[1].octets == server.wire[3].octets


class Patient(aiocoap.TransportTuning):
    """Repeats after 0.5 s, when an acknowledgement after 0.25 s had time to come."""

    ACK_TIMEOUT = 0.5
    ACK_RANDOM_FACTOR = 1.0


def test_td_coap_core_16_server_request_lost():
    _, server = asked(aiocoap.GET, "/separate", lose=(0,), settled=5, tuning=Patient)
    assert ways(server.wire) == ["in CON lost", "in CON", "out ACK", "out CON", "in ACK"]


def test_td_coap_core_16_server_ack_lost():
    _, server = asked(aiocoap.GET, "/separate", lose=(1,), settled=4, tuning=Patient)
    assert ways(server.wire) == ["in CON", "out ACK lost", "out CON", "in ACK"]


def test_td_coap_core_16_server_response_lost():
    _, server = asked(aiocoap.GET, "/separate", lose=(2,), settled=5, tuning=Patient)
    assert ways(server.wire) == ["in CON", "out ACK", "out CON lost", "out CON", "in ACK"]
    assert server.wire[2].octets == server.wire[3].octets


def test_td_coap_core_16_server_last_ack_lost():
    _, server = asked(aiocoap.GET, "/separate", lose=(3,), settled=6, tuning=Patient)
    # aiocoap has let go of the token by then: it rejects the repeated response, which ends it as well
    assert ways(server.wire) == ["in CON", "out ACK", "out CON", "in ACK lost", "out CON", "in RST"]


def test_td_coap_core_31_server():
    # aiocoap has no ping to send: four octets by hand
    async def talk():
        async with device() as server:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.connect((HOST, server.port))
                sock.send(bytes.fromhex("40 00 1234"))
                return await asyncio.get_running_loop().sock_recv(sock, 100)

    assert run(talk()) == bytes.fromhex("70 00 1234")
