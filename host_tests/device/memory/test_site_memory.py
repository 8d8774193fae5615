# SPDX-License-Identifier: MIT
"""What a Site promises when memory ends, for each allocation in turn (starving.py): a request is answered as it should
be, or with 5.03 or 5.00, or it stays open, for which the endpoint says 5.00 in time; and then all is as before.
"""

import coap
from coap.aio import Failure, Site
from coap_scene import PEER, endpoint, one_event, sent
from common import equal
from site_scene import finished
from starving import each

LARGE = bytes(600)  # more than a datagram of 256
ROOM = (coap.SERVICE_UNAVAILABLE, coap.INTERNAL_SERVER_ERROR)


class Server:
    """A site behind an endpoint, to which a request has come."""

    def __init__(self, code=coap.GET, path="/a/7?x=1", payload=b"", options=()):
        self.endpoint = endpoint(max_datagram=256)
        self.site = Site()
        self.site.get("/a/<int:n>", etag=lambda request, n: b"v%d" % n)(self.read)
        self.site.put("/files/<path:name>", consumes=(50,))(self.write)
        self.site.get("/large")(lambda request: LARGE)
        self.site.get("/no", rt="x", listed=("/no", "/none"))(self.refuse)
        self.request = coap.Message(code, payload, coap.path_options(path) + list(options), coap.CON, 1, b"t")
        self.ask(self.request)

    def ask(self, message):
        self.endpoint.receive(coap.encode(message), PEER, 0)
        _, self.incoming, self.message = one_event(self.endpoint)

    def read(self, request, n):
        return {request.query["x"]: n}

    async def write(self, request, name):
        return name + str(request.json())

    def refuse(self, request):
        raise Failure(coap.FORBIDDEN, "no")

    # what a Context is to a site
    def respond(self, incoming, message, observe=False):
        self.endpoint.respond(incoming, message, 0)


def handle(server):
    finished(server.site.handle(server, server.incoming, server.message))


def answered(named, expected):
    """Whether each failing allocation ends as it may; gives how many did fail."""

    def check(server, raised):
        open = server.endpoint.is_open(server.incoming)
        out = [coap.decode(each) for each in sent(server.endpoint)]
        if not open and not out:  # lost on its way to the link, as in a network
            assert server.endpoint.stats["dropped"]
            server.endpoint.receive(coap.encode(server.request), PEER, 0)
            out = [coap.decode(each) for each in sent(server.endpoint)]
        assert len(out) == (0 if open else 1), (open, out)
        complete = out and (out[0].code, bytes(out[0].payload[:9])) == expected
        if out and not complete:
            assert out[0].code in ROOM, out
        if open:
            server.endpoint.respond(server.incoming, coap.Message(coap.CONTENT), 0)
            sent(server.endpoint)
        server.request.mid = 2
        server.ask(server.request)
        handle(server)
        (datagram,) = sent(server.endpoint)
        message = coap.decode(datagram)
        equal((message.code, bytes(message.payload[:9])), expected)
        return bool(complete)

    return each(lambda: Server(**named), handle, check)


def test_a_get():
    assert answered({"path": "/a/7?x=1"}, (coap.CONTENT, b'{"1":7}')) >= 8


def test_what_the_client_has():
    named = {"path": "/a/7", "options": [(coap.ETAG, b"v7")]}
    assert answered(named, (coap.VALID, b"")) >= 5


def test_a_put():
    named = {
        "code": coap.PUT,
        "path": "/files/a/b",
        "payload": b"[1]",
        "options": [(coap.CONTENT_FORMAT, b"\x32")],
    }
    assert answered(named, (coap.CHANGED, b"a/b[1]")) >= 8


def test_a_response_in_blocks():
    assert answered({"path": "/large"}, (coap.CONTENT, bytes(9))) >= 8


def test_errors():
    assert answered({"path": "/no"}, (coap.FORBIDDEN, b"no")) >= 5
    assert answered({"path": "/none"}, (coap.NOT_FOUND, b"")) >= 3


def test_what_there_is():
    assert answered({"path": "/.well-known/core?rt=x"}, (coap.CONTENT, b"</no>;rt=")) >= 8
