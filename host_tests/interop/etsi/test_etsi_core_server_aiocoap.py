# SPDX-License-Identifier: MIT
"""The CoAP plugtest list (ETSI, TD_COAP_CORE_*) on real sockets: aiocoap asks our endpoint."""

import asyncio
import socket

import aiocoap
import pytest

import coap
from coap.endpoint import conditions

from ..on_udp import HOST, Quick, QuickNon, aiocoap_client, device, run, values, ways

TEXT = b"text"
FORMATS = {0: TEXT, 41: b"<xml/>"}


class Resource:
    """What the device serves at /validate: it changes by PUT; at version 0 it does not exist."""

    def __init__(self, version=1):
        self.version = version
        self.payload = b"1"

    async def serve(self, request):
        etag = bytes((self.version,)) if self.version else None
        code = conditions.unmet(request, etag)
        if code is None and request.code == coap.PUT:
            code = coap.CHANGED if self.version else coap.CREATED
            self.version += 1
            self.payload = bytes(request.payload)
        elif code is None:
            return coap.Message(coap.CONTENT, self.payload, [(coap.ETAG, etag)])
        return coap.Message(code, b"", [(coap.ETAG, etag)] if code == coap.VALID else ())


async def serve(request):
    path = request.path
    if path == "/query":
        return coap.Message(coap.CONTENT, b"&".join(values(request, coap.URI_QUERY)))
    if path == "/multi-format":
        accept = request.uint(coap.ACCEPT)
        return coap.Message(coap.CONTENT, FORMATS[accept], [(coap.CONTENT_FORMAT, coap.uint_octets(accept))])
    if path == "/located":
        places = [(coap.LOCATION_PATH, each) for each in (b"location1", b"location2", b"location3")]
        places += [(coap.LOCATION_QUERY, each) for each in (b"first=1", b"second=2")]
        return coap.Message(coap.CREATED, options=places)
    if path == "/separate":
        await asyncio.sleep(0.35)  # longer than the 0.25 s of ACK_DELAY
    if path not in ("/test", "/separate", "/seg1/seg2/seg3"):
        return coap.Message(coap.NOT_FOUND)
    if request.code == coap.GET:
        return coap.Message(coap.CONTENT, TEXT, [(coap.CONTENT_FORMAT, b"")])
    return coap.Message({coap.PUT: coap.CHANGED, coap.POST: coap.CREATED}.get(request.code, coap.DELETED))


def asked(code, path="/test", lose=(), tuning=Quick, settled=0, serve=serve, **named):
    """aiocoap's response, and the device; `named`: options and payload of aiocoap's message."""

    async def talk():
        async with device(serve, lose=lose) as server, aiocoap_client() as client:
            server.endpoint.understands = conditions.OPTIONS
            uri = f"coap://{HOST}:{server.port}{path}"
            request = aiocoap.Message(code=code, uri=uri, transport_tuning=tuning(), **named)
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


def by_hand(path, token, count):
    """What the device says to a request of this token, in which aiocoap gives no choice: `count` messages."""

    async def talk():
        async with device(serve) as server:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.connect((HOST, server.port))
                head = bytes((0x40 | len(token), aiocoap.GET, 0x12, 0x34)) + token
                sock.send(head + bytes((0xB0 | len(path),)) + path.encode())  # Uri-Path
                loop = asyncio.get_running_loop()
                return [aiocoap.Message.decode(await loop.sock_recv(sock, 2000)) for _ in range(count)]

    return run(talk())


@pytest.mark.parametrize("size", range(1, 9))
def test_td_coap_core_10_server(size):
    token = bytes(range(1, size + 1))
    (response,) = by_hand("test", token, 1)
    assert (response.mtype, response.mid, response.token) == (aiocoap.ACK, 0x1234, token)
    assert response.payload == TEXT


@pytest.mark.parametrize("size", [1, 8])
def test_td_coap_core_11_server(size):
    token = bytes(range(1, size + 1))
    ack, response = by_hand("separate", token, 2)
    assert (ack.mtype, ack.mid, ack.token) == (aiocoap.ACK, 0x1234, b"")
    assert (response.mtype, response.token, response.payload) == (aiocoap.CON, token, TEXT)


def test_td_coap_core_12_server():
    (response,) = by_hand("test", b"", 1)
    assert (response.token, response.payload) == (b"", TEXT)


def test_td_coap_core_13_server():
    response, server = asked(aiocoap.GET, "/seg1/seg2/seg3")
    assert server.handled[0].path == "/seg1/seg2/seg3"


def test_td_coap_core_14_server():
    response, server = asked(aiocoap.GET, "/query?first=1&second=2&third=3")
    assert response.payload == b"first=1&second=2&third=3"


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


def test_td_coap_core_17_server():
    response, server = asked(aiocoap.GET, "/separate", tuning=QuickNon)
    assert response.payload == TEXT
    assert ways(server.wire) == ["in NON", "out NON"]


def test_td_coap_core_18_to_19_server():
    response, _ = asked(aiocoap.POST, "/located", payload=b"new")
    assert response.code.dotted == "2.01"
    assert response.opt.location_path == ("location1", "location2", "location3")
    assert response.opt.location_query == ("first=1", "second=2")


@pytest.mark.parametrize("accept", FORMATS)
def test_td_coap_core_20_server(accept):
    response, _ = asked(aiocoap.GET, "/multi-format", accept=accept)
    assert (response.opt.content_format, response.payload) == (accept, FORMATS[accept])


def test_td_coap_core_21_server():
    served = Resource()
    first, _ = asked(aiocoap.GET, "/validate", serve=served.serve)
    assert (first.code.dotted, first.opt.etag) == ("2.05", b"\x01")
    valid, _ = asked(aiocoap.GET, "/validate", serve=served.serve, etags=[b"\x01"])
    assert (valid.code.dotted, valid.opt.etag, valid.payload) == ("2.03", b"\x01", b"")
    asked(aiocoap.PUT, "/validate", serve=served.serve, payload=b"2")
    changed, _ = asked(aiocoap.GET, "/validate", serve=served.serve, etags=[b"\x01"])
    assert (changed.code.dotted, changed.opt.etag, changed.payload) == ("2.05", b"\x02", b"2")


def test_td_coap_core_22_server():
    served = Resource()
    for payload, code in ((b"2", "2.04"), (b"3", "4.12")):
        response, _ = asked(aiocoap.PUT, "/validate", serve=served.serve, if_match=[b"\x01"], payload=payload)
        assert response.code.dotted == code
    assert served.payload == b"2"


def test_td_coap_core_23_server():
    served = Resource(0)
    for payload, code in ((b"1", "2.01"), (b"2", "4.12")):
        response, _ = asked(aiocoap.PUT, "/validate", serve=served.serve, if_none_match=True, payload=payload)
        assert response.code.dotted == code
    assert served.payload == b"1"


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
