# SPDX-License-Identifier: MIT
"""The OSCORE interoperability list (EricssonResearch/OSCOAP, test-spec5, numbers 0 to 15) between the device's endpoint
and aiocoap, on real sockets; and single messages, protected by one and read by the other.

`_client`: the device asks aiocoap. `_server`: aiocoap asks the device.
"""

import contextlib
import json
import random

import aiocoap
import aiocoap.oscore
import pytest
from aiocoap import resource
from aiocoap.message import Direction
from aiocoap.oscore_sitewrapper import OscoreSiteWrapper

import coap
from coap import message as coap_message
from coap.oscore import Context, Security
from coap.oscore.context import read_request_option
from msgin5g import MemoryStorage

from ..on_udp import HOST, Quick, aiocoap_client, device, free_port, run

SECRET = bytes(range(1, 17))
SALT = bytes.fromhex("9e7ca92223786340")
ID_CONTEXT = bytes.fromhex("37cbf3210017a2d3")
HELLO = b"Hello World!"


def ours(sender=b"\x01", recipient=b"", secret=SECRET, id_context=None):
    return Context(secret, sender, recipient, MemoryStorage(), SALT, id_context)


def theirs(folder, sender=b"", recipient=b"\x01", secret=SECRET, id_context=None):
    """aiocoap's context in a folder."""
    folder.mkdir(exist_ok=True)
    settings = {
        "sender-id_hex": sender.hex(),
        "recipient-id_hex": recipient.hex(),
        "secret_hex": secret.hex(),
        "salt_hex": SALT.hex(),
    }
    if id_context is not None:
        settings["id-context_hex"] = id_context.hex()
    (folder / "settings.json").write_text(json.dumps(settings))
    return aiocoap.oscore.FilesystemSecurityContext(str(folder))


class Hello(resource.Resource):
    """What the list asks of /oscore/hello/N."""

    def __init__(self):
        super().__init__()
        self.requests = []

    async def render(self, request):
        self.requests.append(request)
        if request.code == aiocoap.GET:
            answer = aiocoap.Message(code=aiocoap.CONTENT, payload=HELLO, content_format=0)
            if request.opt.uri_query:
                answer.opt.etag = b"\x2b"
            if request.opt.accept == 0:
                answer.opt.max_age = 5
            return answer
        if request.code == aiocoap.PUT and request.opt.if_none_match:
            return aiocoap.Message(code=aiocoap.PRECONDITION_FAILED)
        if request.code == aiocoap.DELETE:
            return aiocoap.Message(code=aiocoap.DELETED)
        return aiocoap.Message(code=aiocoap.CHANGED, payload=request.payload, content_format=0)


class Tick(resource.ObservableResource):
    async def render_get(self, request):
        return aiocoap.Message(code=aiocoap.CONTENT, payload=b"one", content_format=0)


class NeedsKey(Hello):
    """A resource for those who are authenticated."""

    async def render(self, request):
        if not isinstance(request.remote, aiocoap.transports.oscore.OSCOREAddress):
            return aiocoap.Message(code=aiocoap.UNAUTHORIZED)
        return await super().render(request)


@contextlib.asynccontextmanager
async def protected_server(context, hello):
    """aiocoap's server with its own OSCORE; gives the port."""
    site = resource.Site()
    for path, each in (("hello", hello), ("observe", Tick()), ("authorized", NeedsKey())):
        site.add_resource(["oscore", path], each)
    port = free_port()
    server = await aiocoap.Context.create_server_context(None, bind=(HOST, port), transports=["udp6"])
    if context:
        server.server_credentials[":device"] = context
        server.serversite = OscoreSiteWrapper(site, server.server_credentials)
    else:
        server.serversite = site
    try:
        yield port
    finally:
        server.server_credentials.clear()
        await server.shutdown()


def request(code=coap.GET, path="/oscore/hello", payload=b"", *options):
    return coap.Message(code, payload, coap.path_options(path) + list(options))


def ask(context, *requests, server=None):
    """The events of the device's requests, one after the other; with the wire and aiocoap's resource."""

    async def talk():
        hello = Hello()
        security = Security(context) if context else None
        async with protected_server(server, hello) as port, device(security=security) as client:
            found = [await client.ask(each, port) for each in requests]
            return found, client, hello

    return run(talk())


def answered(folder, one, code):
    """The response to one request that must be protected both ways."""
    ((kind, response),), client, hello = ask(ours(), one, server=theirs(folder))
    assert kind == coap.RESPONSE
    assert coap.code_text(response.code) == code
    assert all(each.message.opt.oscore is not None for each in client.wire)
    assert not any(b"oscore" in each.octets or HELLO in each.octets for each in client.wire)
    return response, client, hello


def test_0_client():
    ((kind, response),), _, _ = ask(None, request())
    assert (kind, response.code, bytes(response.payload)) == (coap.RESPONSE, coap.CONTENT, HELLO)


def test_1_client(tmp_path):
    response, client, _ = answered(tmp_path, request(), "2.05")
    assert bytes(response.payload) == HELLO
    assert response.uint(coap.CONTENT_FORMAT) == 0
    assert [each.code for each in client.wire] == ["0.02", "2.04"]


def test_2_client(tmp_path):
    response, _, hello = answered(
        tmp_path, request(coap.GET, "/oscore/hello", b"", (coap.URI_QUERY, b"first=1")), "2.05"
    )
    assert response.option(coap.ETAG) == b"\x2b"
    assert hello.requests[0].opt.uri_query == ("first=1",)


def test_3_client(tmp_path):
    response, _, hello = answered(
        tmp_path, request(coap.GET, "/oscore/hello", b"", (coap.ACCEPT, b"")), "2.05"
    )
    assert response.uint(coap.MAX_AGE) == 5
    assert hello.requests[0].opt.accept == 0


def test_4_client(tmp_path):
    response, client, _ = answered(
        tmp_path, request(coap.GET, "/oscore/hello", b"", (coap.OBSERVE, b"")), "2.05"
    )
    assert response.option(coap.OBSERVE) is None
    assert [each.code for each in client.wire] == [
        "0.05",
        "2.05",
    ]  # FETCH and Content where Observe is asked for


def test_5_client(tmp_path):
    response, _, _ = answered(
        tmp_path, request(coap.GET, "/oscore/observe", b"", (coap.OBSERVE, b"")), "2.05"
    )
    assert response.option(coap.OBSERVE) is not None
    assert bytes(response.payload) == b"one"


def test_6_client(tmp_path):
    response, _, hello = answered(tmp_path, request(coap.POST, "/oscore/hello", b"\x4a"), "2.04")
    assert bytes(response.payload) == b"\x4a"
    assert hello.requests[0].payload == b"\x4a"


def test_7_client(tmp_path):
    _, _, hello = answered(
        tmp_path, request(coap.PUT, "/oscore/hello", b"\x7a", (coap.IF_MATCH, b"\x7b")), "2.04"
    )
    assert hello.requests[0].opt.if_match == (b"\x7b",)


def test_8_client(tmp_path):
    answered(tmp_path, request(coap.PUT, "/oscore/hello", b"\x8a", (coap.IF_NONE_MATCH, b"")), "4.12")


def test_9_client(tmp_path):
    answered(tmp_path, request(coap.DELETE), "2.02")


def refused(context, server, code):
    ((kind, response),), client, hello = ask(context, request(), server=server)
    assert kind == coap.REFUSED
    assert coap.code_text(response.code) == code
    assert response.option(coap.OSCORE) is None
    assert hello.requests == []
    return bytes(response.payload), client.endpoint.security.trouble


def test_10_client(tmp_path):
    said, trouble = refused(ours(sender=b"\x02"), theirs(tmp_path), "4.01")
    assert said == b"Security context not found"
    assert "does not know this sender_id" in trouble


def test_11_client(tmp_path):
    said, trouble = refused(ours(secret=bytes(16)), theirs(tmp_path), "4.00")
    assert said == b"Decryption failed"
    assert "another key" in trouble


def test_12_client(tmp_path):
    # Our recipient ID is not aiocoap's sender ID: it reads our request, we do not read its response.
    ((kind, response),), client, hello = ask(ours(recipient=b"\x07"), request(), server=theirs(tmp_path))
    assert (kind, len(hello.requests)) == (coap.REFUSED, 1)
    assert "do not verify" in client.endpoint.security.trouble


def test_13_client(tmp_path):
    # The device's storage was put back: it uses its numbers again, aiocoap has seen them.
    server = theirs(tmp_path)

    async def talk():
        hello = Hello()
        async with protected_server(server, hello) as port:
            for expected in (coap.RESPONSE, coap.REFUSED):
                security = Security(ours())
                async with device(security=security) as client:
                    kind, response = await client.ask(request(), port)
                    assert kind == expected
            assert len(hello.requests) == 1
            return response, security

    response, security = run(talk())
    assert (response.code, bytes(response.payload)) == (coap.UNAUTHORIZED, b"Replay detected")
    assert "provision a new key" in security.trouble


def test_14_client():
    # By RFC 7252 section 5.4.1 it would be 4.02; aiocoap overlooks the critical option and finds no such path.
    said, trouble = refused(ours(), None, "4.04")
    assert "does not use OSCORE" in trouble


def test_15_client(tmp_path):
    ((kind, response),), _, _ = ask(None, request(path="/oscore/authorized"), server=theirs(tmp_path))
    assert (kind, response.code) == (coap.RESPONSE, coap.UNAUTHORIZED)


def test_id_context_client(tmp_path):
    context = ours(id_context=ID_CONTEXT)
    ((kind, response),), _, _ = ask(context, request(), server=theirs(tmp_path, id_context=ID_CONTEXT))
    assert (kind, bytes(response.payload)) == (coap.RESPONSE, HELLO)


def test_echo_client(tmp_path):
    # aiocoap lost its replay window (RFC 8613 appendix B.1.2): it asks for Echo, the device gives it by itself.
    first = theirs(tmp_path)
    ask(ours(), request(), server=first)  # the window is in use now
    first.lockfile.release()
    first.lockfile = None  # and killed: what it would write at an orderly end is not written
    context = ours()
    for _ in range(70):
        context._sequence.next_number()
    ((kind, response), (again, _)), client, hello = ask(
        context, request(), request(), server=theirs(tmp_path)
    )
    assert (kind, bytes(response.payload), again) == (coap.RESPONSE, HELLO, coap.RESPONSE)
    assert len(hello.requests) == 2
    assert [each.way for each in client.wire] == ["out", "in"] * 3


# ---- aiocoap asks ----------------------------------------------------------------------------------------------------


async def serve(request):
    if request.path != "/oscore/hello":
        return coap.Message(coap.NOT_FOUND)
    if request.code == coap.GET:
        options = [(coap.CONTENT_FORMAT, b"")]
        if request.option(coap.URI_QUERY):
            options.append((coap.ETAG, b"\x2b"))
        if request.option(coap.ACCEPT) is not None:
            options.append((coap.MAX_AGE, b"\x05"))
        return coap.Message(coap.CONTENT, HELLO, options)
    if request.code == coap.DELETE:
        return coap.Message(coap.DELETED)
    return coap.Message(coap.CHANGED, bytes(request.payload))


def asked(context, *messages, security=None, query=""):
    """aiocoap's responses (or the exception it got), and the device."""

    async def talk():
        async with device(serve, security=security) as server, aiocoap_client("oscore", "udp6") as client:
            found = []
            if context:
                client.client_credentials["coap://*"] = context
            for message in messages:
                message.set_request_uri(
                    f"coap://{HOST}:{server.port}/oscore/hello{query}", set_uri_host=False
                )
                message.transport_tuning = Quick()
                try:
                    found.append(await client.request(message, handle_blockwise=False).response)
                except aiocoap.error.Error as error:
                    found.append(error)
            client.client_credentials.clear()
            return found, server

    return run(talk())


def served(folder, message, code, query=""):
    (response,), server = asked(theirs(folder), message, security=Security(ours()), query=query)
    assert response.code.dotted == code
    assert all(each.message.opt.oscore is not None for each in server.wire)
    return response, server


def test_0_server():
    (response,), _ = asked(None, aiocoap.Message(code=aiocoap.GET))
    assert response.payload == HELLO


def test_1_server(tmp_path):
    response, _ = served(tmp_path, aiocoap.Message(code=aiocoap.GET), "2.05")
    assert (response.payload, response.opt.content_format) == (HELLO, 0)


def test_2_server(tmp_path):
    response, server = served(tmp_path, aiocoap.Message(code=aiocoap.GET), "2.05", query="?first=1")
    assert response.opt.etag == b"\x2b"
    assert server.handled[0].option(coap.URI_QUERY) == b"first=1"


def test_3_server(tmp_path):
    response, _ = served(tmp_path, aiocoap.Message(code=aiocoap.GET, accept=0), "2.05")
    assert response.opt.max_age == 5


def test_4_and_5_server(tmp_path):
    # A device has nothing to observe, which number 5 asks for: it answers once, and says inside that no more will come.
    response, server = served(tmp_path, aiocoap.Message(code=aiocoap.GET, observe=0), "2.05")
    assert response.opt.observe is None
    assert [each.code for each in server.wire] == ["0.05", "2.05"]


def test_6_server(tmp_path):
    response, _ = served(tmp_path, aiocoap.Message(code=aiocoap.POST, payload=b"\x4a"), "2.04")
    assert response.payload == b"\x4a"


@pytest.mark.parametrize("option", [{"if_match": [b"\x7b"]}, {"if_none_match": True}])
def test_7_and_8_server(tmp_path, option):
    # The device knows neither option (docs/coap.md); it says so inside.
    served(tmp_path, aiocoap.Message(code=aiocoap.PUT, payload=b"\x7a", **option), "4.02")


def test_9_server(tmp_path):
    served(tmp_path, aiocoap.Message(code=aiocoap.DELETE), "2.02")


def refused_by_device(context, security):
    (error,), server = asked(context, aiocoap.Message(code=aiocoap.GET), security=security)
    assert isinstance(error, aiocoap.oscore.NotAProtectedMessage)
    assert server.handled == []
    return error.plain_message, security.trouble


def test_10_server(tmp_path):
    answer, trouble = refused_by_device(theirs(tmp_path, sender=b"\x05"), Security(ours()))
    assert (answer.code, answer.payload, answer.opt.max_age) == (aiocoap.UNAUTHORIZED, b"", 0)
    assert "recipient_id" in trouble


def test_11_server(tmp_path):
    answer, trouble = refused_by_device(theirs(tmp_path, secret=bytes(16)), Security(ours()))
    assert (answer.code, answer.payload) == (aiocoap.BAD_REQUEST, b"Decryption failed")
    assert answer.opt.max_age == 0
    assert "this key did not make" in trouble


def test_12_server(tmp_path):
    context = theirs(tmp_path, recipient=b"\x07")
    (error,), server = asked(context, aiocoap.Message(code=aiocoap.GET), security=Security(ours()))
    assert isinstance(error, aiocoap.oscore.ProtectionInvalid)
    assert len(server.handled) == 1


def test_13_server(tmp_path):
    context = theirs(tmp_path)
    security = Security(ours())
    (first,), _ = asked(context, aiocoap.Message(code=aiocoap.GET), security=security)
    assert first.payload == HELLO
    context.sender_sequence_number = 0
    answer, trouble = refused_by_device(context, security)
    assert (answer.code, answer.payload) == (aiocoap.UNAUTHORIZED, b"Replay detected")


def test_14_server(tmp_path):
    (error,), server = asked(theirs(tmp_path), aiocoap.Message(code=aiocoap.GET))
    assert isinstance(error, aiocoap.oscore.NotAProtectedMessage)
    assert error.plain_message.code == aiocoap.BAD_OPTION
    assert server.handled == []


def test_15_server():
    (response,), server = asked(None, aiocoap.Message(code=aiocoap.GET), security=Security(ours()))
    assert (response.code, response.payload) == (aiocoap.UNAUTHORIZED, b"")
    assert server.handled == []


def test_id_context_server(tmp_path):
    context = theirs(tmp_path, id_context=ID_CONTEXT)
    security = Security(ours(id_context=ID_CONTEXT))
    (response,), _ = asked(context, aiocoap.Message(code=aiocoap.GET), security=security)
    assert response.payload == HELLO


def test_echo_server(tmp_path):
    # The device has restarted: it asks for Echo, aiocoap gives it by itself.
    storage = MemoryStorage()
    Context(SECRET, b"\x01", b"", storage, SALT)._sequence.next_number()
    security = Security(Context(SECRET, b"\x01", b"", storage, SALT))
    messages = [aiocoap.Message(code=aiocoap.GET) for _ in range(2)]
    found, server = asked(theirs(tmp_path), *messages, security=security)
    assert [each.payload for each in found] == [HELLO] * 2
    assert len(server.handled) == 2
    assert [each.way for each in server.wire] == ["in", "out"] * 3
    assert security.stats["challenged"] == 1


# ---- single messages -------------------------------------------------------------------------------------------------


def aiocoap_reads(octets):
    message = aiocoap.Message.decode(octets)
    message.direction = Direction.INCOMING
    return message


def octets_of(message):
    message.mtype, message.mid = aiocoap.CON, 1
    return message.encode()


def test_any_request_and_response(tmp_path):
    """Seeded options and payloads, both ways, with short and long IDs, with and without ID Context."""
    chance = random.Random(8613)
    ids = [
        (b"\x01", b""),
        (b"", b"\x01"),
        (bytes(7), b"\x01\x02"),
        (b"\x00", b"\x01\x02\x03\x04\x05\x06\x07"),
    ]
    for round_, (mine, other) in enumerate(ids * 2):
        id_context = ID_CONTEXT if round_ >= len(ids) else None
        context = ours(mine, other, id_context=id_context)
        peer = theirs(tmp_path / str(round_), other, mine, id_context=id_context)
        start = chance.choice([0, 200, 60000, 1 << 24, 1 << 36])
        context._sequence._next = context._sequence._end = start
        for _ in range(40):
            payload = chance.randbytes(chance.choice([0, 1, 15, 16, 17, 100, 1000]))
            options = coap.path_options("/" + "x" * chance.randrange(1, 256))
            if chance.random() < 0.5:
                options.append((coap.CONTENT_FORMAT, b"\x32"))
            if chance.random() < 0.3:
                options.append((coap.URI_HOST, b"example.org"))
            plain = coap.Message(coap.POST, payload, options, token=b"\x01", mid=1)
            outer, binding = context.protect_request(plain)
            read, request_id = peer.unprotect(aiocoap_reads(bytes(coap_message.encode(outer))))
            assert (read.payload, len(read.opt.uri_path[0])) == (payload, len(options[0][1]))
            answer = aiocoap.Message(code=aiocoap.CONTENT, payload=payload[::-1], max_age=7)
            answer.direction = Direction.OUTGOING
            back, _ = peer.protect(answer, request_id)
            plain = context.unprotect_response(coap_message.decode(octets_of(back)), binding)
            assert (plain.code, bytes(plain.payload), plain.uint(coap.MAX_AGE)) == (
                coap.CONTENT,
                payload[::-1],
                7,
            )


def test_notifications_of_aiocoap(tmp_path):
    context, peer = ours(), theirs(tmp_path)
    outer, binding = context.protect_request(coap.Message(coap.GET, options=[(coap.OBSERVE, b"")], mid=1))
    read, request_id = peer.unprotect(aiocoap_reads(bytes(coap_message.encode(outer))))
    assert read.opt.observe == 0
    values = []
    for text in (b"one", b"two", b"three"):
        answer = aiocoap.Message(code=aiocoap.CONTENT, payload=text, observe=0)
        answer.direction = Direction.OUTGOING
        back, _ = peer.protect(answer, request_id)
        back.opt.observe = 5
        plain = context.unprotect_response(coap_message.decode(octets_of(back)), binding)
        assert bytes(plain.payload) == text
        values.append(plain.uint(coap.OBSERVE))
    assert values == [0, 0, 1]  # without a Partial IV, then aiocoap's first two


def test_notifications_for_aiocoap(tmp_path):
    context, peer = ours(), theirs(tmp_path)
    ask = aiocoap.Message(code=aiocoap.GET, observe=0)
    ask.direction = Direction.OUTGOING
    outer, request_id = peer.protect(ask)
    received = coap_message.decode(octets_of(outer))
    plain, binding = context.unprotect_request(received, read_request_option(received)[0])
    assert plain.option(coap.OBSERVE) == b""
    for text in (b"one", b"two", b"three"):
        answer = coap.Message(coap.CONTENT, text, [(coap.OBSERVE, b"\x05")], mid=1)
        back = bytes(coap_message.encode(context.protect_response(answer, binding)))
        read, _ = peer.unprotect(aiocoap_reads(back), request_id)
        assert (read.payload, read.opt.observe is None) == (text, False)
