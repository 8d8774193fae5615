# SPDX-License-Identifier: MIT
"""With OSCORE, too, whatever allocation fails: a request that was not dealt with is no replay when it comes again, and
a response that was not taken verifies when it comes again.
"""

import coap
from coap import endpoint, message
from coap.endpoint import duplicates, serving
from coap.oscore import context
from coap_scene import events
from common import equal
from oscore_scene import CLIENT, SERVER, pair
from starving import each

POINTS = [
    (message.Message, "__init__"),
    (endpoint.Exchange, "__init__"),
    (duplicates.Incoming, "__init__"),
    (duplicates._Entry, "__init__"),
    (endpoint, "encode"),
    (endpoint, "decode"),
    (serving, "encode"),
    (context, "append_content"),
    (context, "read_content"),
    (context.Binding, "__init__"),
    (context.ccm, "seal"),
    (context.ccm, "open_sealed"),
    (context.ReplayWindow, "strike"),
    (context.ReplayWindow, "begin"),
]


def failing(prepare, act, check):
    assert each(prepare, act, check, POINTS) >= 8


def sent(party):
    return [datagram for datagram, _ in party.out()]


def scene(body=b"text", options=None, restart=False):
    """A server, with what the client sends to it in `held`."""
    client, server = pair()
    if restart:
        for _ in range(2):
            (datagram,) = client.ask(server, b"before")
            client.take(server.take(datagram, CLIENT)[0][0], SERVER)
        server.restart()
        client.events.clear()
    (server.held,) = client.ask(server, body, options=options)
    server.client = client
    server.got.clear()
    return server


def receive(server):
    server.endpoint.receive(server.held, CLIENT, 0)


def test_a_request():
    def check(server, raised):
        assert not raised
        device = server.endpoint
        came = events(device)
        complete = len(came) == 1
        if not came:
            equal((device._incoming, device.seen()._entries, sent(server)), ([], [], []))
        for now in (2000, 6000):
            device.receive(server.held, CLIENT, now)
            came += events(device)
        equal([(kind, bytes(message.payload)) for kind, _, message in came], [(coap.REQUEST, b"text")])
        equal(server.security.stats["replayed"], 0)
        sent(server)
        device.respond(came[0][1], coap.Message(coap.CHANGED, b"2"), 7000)
        server.client.take(sent(server)[0], SERVER, 7000)
        ((kind, _, message),) = server.client.events
        equal((kind, bytes(message.payload)), (coap.RESPONSE, b"2"))
        return complete

    failing(scene, receive, check)


def test_a_request_after_our_restart():
    # it is challenged, once; with Echo it is served
    def prepare():
        return scene(restart=True)

    def check(server, raised):
        assert not raised
        device = server.endpoint
        out = sent(server)
        complete = len(out) == 1
        for now in (2000, 6000):
            if not out:
                device.receive(server.held, CLIENT, now)
                out += sent(server)
        equal((len(out), events(device)), (1, []))
        ((again, _),) = server.client.take(out[0], SERVER, 7000)
        device.receive(again, CLIENT, 7000)
        equal([kind for kind, _, _ in events(device)], [coap.REQUEST])
        return complete

    failing(prepare, receive, check)


def test_a_request_that_has_the_echo():
    def prepare():
        server = scene(restart=True)
        server.endpoint.receive(server.held, CLIENT, 0)
        ((server.held, _),) = server.client.take(sent(server)[0], SERVER, 0)
        return server

    def check(server, raised):
        assert not raised
        came = events(server.endpoint)
        complete = len(came) == 1
        sent(server)
        for now in (2000, 6000):
            server.endpoint.receive(server.held, CLIENT, now)
            came += events(server.endpoint)
        equal([kind for kind, _, _ in came], [coap.REQUEST])
        equal(server.security.stats["replayed"], 0)
        return complete

    failing(prepare, receive, check)


def test_a_block():
    options = coap.path_options("/a") + [(coap.BLOCK1, b"\x08")]

    def prepare():
        return scene(b"a" * 16, options)

    def check(server, raised):
        assert not raised
        out = sent(server)
        complete = len(out) == 1
        if not out:
            # nothing was taken, so it is taken now, or the body has to begin anew
            equal(server.endpoint.seen()._entries, [])
            server.endpoint.receive(server.held, CLIENT, 2000)
            out = sent(server)
        server.client.take(out[0], SERVER, 2000)
        ((_, _, message),) = server.client.events
        equal((message.code, message.uint(coap.BLOCK1)), (coap.CONTINUE, 0x08))
        return complete

    failing(prepare, receive, check)


def test_a_response():
    def prepare():
        server = scene()
        server.held = server.take(server.held, CLIENT, payload=b"answer")[0][0]
        return server

    def act(server):
        server.client.endpoint.receive(server.held, SERVER, 0)

    def check(server, raised):
        assert not raised
        device = server.client.endpoint
        came = events(device)
        complete = len(came) == 1
        equal(len(device._exchanges), 0 if came else 1)
        device.receive(server.held, SERVER, 2000)
        came += events(device)
        equal([(kind, bytes(message.payload)) for kind, _, message in came], [(coap.RESPONSE, b"answer")])
        return complete

    failing(prepare, act, check)


def test_request_and_respond():
    post = coap.Message(coap.POST, b"1", coap.path_options("/a"))

    def prepare():
        client, server = pair()
        server.client = client
        return server

    def act(server):
        server.client.endpoint.request(post, SERVER, 0)

    def check(server, raised):
        client = server.client
        out = sent(client)
        complete = not raised and len(out) == 1
        if raised:
            equal((out, client.endpoint._exchanges), ([], []))
            act(server)
        for now in (1100, 4000):
            client.endpoint.poll(now)
        out += sent(client)
        equal(len(set(out)), 1)  # a number of ours is used for one datagram
        server.endpoint.receive(out[0], CLIENT, 4000)
        equal([kind for kind, _, _ in events(server.endpoint)], [coap.REQUEST])
        return complete

    failing(prepare, act, check)

    def asked():
        server = scene()
        receive(server)
        server.incoming = events(server.endpoint)[0][1]
        return server

    def respond(server):
        server.endpoint.respond(server.incoming, message_back, 0)

    def answered(server, raised):
        out = sent(server)
        complete = not raised and len(out) == 1
        if raised:
            equal((out, len(server.endpoint._incoming)), ([], 1))
            respond(server)
            out = sent(server)
        if not out:
            server.endpoint.receive(server.held, CLIENT, 2000)
            out = sent(server)
        server.client.take(out[0], SERVER, 2000)
        ((kind, _, response),) = server.client.events
        equal((kind, bytes(response.payload)), (coap.RESPONSE, b"2"))
        return complete

    message_back = coap.Message(coap.CONTENT, b"2")
    failing(asked, respond, answered)
