# SPDX-License-Identifier: MIT
"""The CoAP plugtest list (ETSI, TD_COAP_CORE_*) on real sockets: our endpoint asks aiocoap."""

import asyncio

import aiocoap
import pytest
from aiocoap import resource

import coap

from ..on_udp import Quick, QuickNon, aiocoap_server, device, run, values, ways

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


class Query(Plain):
    """Answers with its Uri-Query options."""

    async def render_get(self, request):
        return aiocoap.Message(payload="&".join(request.opt.uri_query).encode(), content_format=0)


class Located(Plain):
    async def render_post(self, request):
        response = aiocoap.Message(code=aiocoap.CREATED)
        response.opt.location_path = ("location1", "location2", "location3")
        response.opt.location_query = ("first=1", "second=2")
        return response


FORMATS = {0: TEXT, 41: b"<xml/>"}


class Formats(Plain):
    async def render_get(self, request):
        return aiocoap.Message(payload=FORMATS[request.opt.accept], content_format=request.opt.accept)


class Conditional(Plain):
    """One that changes by PUT; ETag, If-Match and If-None-Match as RFC 7252 sections 5.10.6 and 5.10.8 have them."""

    def __init__(self, version=1):
        super().__init__()
        self.version = version  # 0: it does not exist
        self.payload = b"1"

    async def render_get(self, request):
        response = aiocoap.Message(payload=self.payload)
        response.opt.etag = bytes((self.version,))
        if response.opt.etag in request.opt.etags:
            response = aiocoap.Message(code=aiocoap.VALID)
            response.opt.etag = bytes((self.version,))
        return response

    async def render_put(self, request):
        matches = request.opt.if_match
        if matches and bytes((self.version,)) not in matches or request.opt.if_none_match and self.version:
            return aiocoap.Message(code=aiocoap.PRECONDITION_FAILED)
        self.version += 1
        self.payload = request.payload
        return aiocoap.Message(code=aiocoap.CHANGED if self.version > 1 else aiocoap.CREATED)


def message(code, path="/test", payload=b"", type=coap.CON, token=b"", options=()):
    return coap.Message(code, payload, [*coap.path_options(path), *options], type, token=token)


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


def test_td_coap_core_12_client():
    # The list asks for an empty token, or as much as a client can: this one always has its own.
    response, wire, _ = ask(message(coap.GET))
    assert bytes(response.payload) == TEXT
    assert wire[0].token == wire[1].token != b""


def test_td_coap_core_13_client():
    response, wire, _ = ask(message(coap.GET, "/seg1/seg2/seg3"))
    assert wire[0].message.opt.uri_path == ("seg1", "seg2", "seg3")
    assert bytes(response.payload) == TEXT


def test_td_coap_core_14_client():
    query = "/query?first=1&second=2&third=3"
    response, wire, _ = ask(message(coap.GET, query), resources={"/query": Query()})
    assert wire[0].message.opt.uri_query == ("first=1", "second=2", "third=3")
    assert bytes(response.payload) == b"first=1&second=2&third=3"


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
    _, wire, _ = ask(message(coap.GET, "/separate", type=coap.NON))
    assert ways(wire) == ["out NON", "in NON"]
    assert wire[1].token == wire[0].token


def test_td_coap_core_17_client_asked_with_con():
    _, wire, _ = ask(message(coap.GET, "/separate"), resources={"/separate": Separate(QuickNon)})
    assert ways(wire) == ["out CON", "in ACK", "in NON"]
    assert wire[2].token == wire[0].token


def test_td_coap_core_18_to_19_client():
    response, _, _ = ask(message(coap.POST, payload=b"new"), resources={"/test": Located()})
    assert coap.code_text(response.code) == "2.01"
    assert values(response, coap.LOCATION_PATH) == [b"location1", b"location2", b"location3"]
    assert values(response, coap.LOCATION_QUERY) == [b"first=1", b"second=2"]


@pytest.mark.parametrize("accept", FORMATS)
def test_td_coap_core_20_client(accept):
    options = [(coap.ACCEPT, coap.uint_octets(accept))]
    response, _, _ = ask(
        message(coap.GET, "/multi-format", options=options), resources={"/multi-format": Formats()}
    )
    assert response.uint(coap.CONTENT_FORMAT) == accept
    assert bytes(response.payload) == FORMATS[accept]


def in_turn(resource, *requests):
    """The response to each of these, from one resource."""
    return [ask(each, resources={"/validate": resource})[0] for each in requests]


def test_td_coap_core_21_client():
    resource = Conditional()
    get = message(coap.GET, "/validate")
    again = message(coap.GET, "/validate", options=[(coap.ETAG, b"\x01")])
    first, valid, _, changed = in_turn(resource, get, again, message(coap.PUT, "/validate", b"2"), again)
    assert coap.code_text(first.code) == "2.05" and first.option(coap.ETAG) == b"\x01"
    assert coap.code_text(valid.code) == "2.03" and not valid.payload and valid.option(coap.ETAG) == b"\x01"
    assert coap.code_text(changed.code) == "2.05" and bytes(changed.payload) == b"2"
    assert changed.option(coap.ETAG) == b"\x02"


def test_td_coap_core_22_client():
    resource = Conditional()
    put = [message(coap.PUT, "/validate", b"%d" % n, options=[(coap.IF_MATCH, b"\x01")]) for n in (2, 3)]
    codes = [coap.code_text(each.code) for each in in_turn(resource, *put)]
    assert codes == ["2.04", "4.12"]
    assert resource.payload == b"2"


def test_td_coap_core_23_client():
    resource = Conditional(0)
    put = [message(coap.PUT, "/validate", b"%d" % n, options=[(coap.IF_NONE_MATCH, b"")]) for n in (1, 2)]
    assert [coap.code_text(each.code) for each in in_turn(resource, *put)] == ["2.01", "4.12"]
    assert resource.payload == b"1"


def test_td_coap_core_31_client():
    async def talk():
        async with aiocoap_server({}) as port, device() as client:
            assert await client.ping(port) == (coap.RESET, None)
            assert ways(client.wire) == ["out CON", "in RST"]
            assert client.wire[0].octets[:2] == b"\x40\x00" and len(client.wire[0].octets) == 4

    run(talk())
