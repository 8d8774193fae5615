# SPDX-License-Identifier: MIT
"""Requests by a key that is named, in asyncio: oscore.Keyring at the client, and a server that knows both keys."""

import coap
from aio_scene import URI, Link, run
from coap.aio import Context
from coap.observe.server import Observers
from coap.oscore import Keyring, Security
from common import equal, raises
from observe_scene import Count
from oscore_scene import CLIENT, context


class Wire(Link):
    """A link with the server at its other end. `kids` says by which key each request came."""

    def __init__(self):
        Link.__init__(self)
        ring = Keyring([context(b"", b"\x01"), context(b"", b"\x02")])
        self.server = coap.Endpoint(security=ring)
        self.list = Observers(self.server, 0, Count())
        self.kids = []

    def send(self, octets, address):
        self.server.receive(octets, CLIENT, 0)
        while True:
            event = self.server.next_event()
            if event is None:
                break
            self.kids.append(event[1].binding.context.recipient_id[0])
            self.list.respond(
                event[1], coap.Message(coap.CONTENT, b"forty octets are three blocks of sixteen."), 0
            )
        while True:
            item = self.server.outgoing()
            if item is None:
                return True
            self.come(item[0])

    def by(self):
        """Return the keys of what was sent since, each once, and how often."""
        kids = self.kids
        self.kids = []
        return sorted(set(kids)), len(kids)


def test_each_kind_of_request_by_a_key_that_is_named():
    first, second = context(b"\x01", b""), context(b"\x02", b"")
    ring = Keyring([first, second], {"192.0.2.1": first})

    async def act(network, link):
        await network.get(URI + "a")
        equal(link.by(), ([1], 1))
        await network.get(URI + "a", context=second)
        equal(link.by(), ([2], 1))
        await network.get(URI + "a", context=second, timeout=20)
        equal(link.by(), ([2], 1))
        await network.post(URI + "a", bytes(40), context=second, block=16)
        equal(link.by()[0], [2])
        async for _ in network.stream(URI + "a", block=16, context=second):
            pass
        equal(link.by(), ([2], 3))
        async with network.observe(URI + "a", context=second) as changes:
            async for _ in changes:
                break
        equal((link.by(), len(link.list)), (([2], 2), 0))  # to begin and to end it
        await network.get(URI + "a")
        equal(link.by(), ([1], 1))
        await refused(network.get(URI + "a", context=context(b"\x03", b"")), "not on the keyring")
        equal(link.by(), ([], 0))

    run(act, Wire, security=ring)


def test_a_key_is_no_security_by_itself():
    """Both are called Context, so one is easily given for the other."""
    only = context(b"\x01", b"")
    for wrong in (only, "key"):
        assert "oscore.Security" in str(raises(ValueError, Context, Link(), security=wrong))
    Context(Link(), security=Security(only))
    Context(Link(), security=Keyring([only]))


def test_without_a_keyring_there_is_none_to_name():
    only = context(b"\x01", b"")

    async def act(network, link):
        await refused(network.get(URI + "a", context=only), "Keyring")
        equal(link.by(), ([], 0))

    run(act, Wire, security=Security(only))


async def refused(awaitable, why):
    try:
        await awaitable
    except ValueError as error:
        assert why in str(error), error
        return
    raise AssertionError("it was not refused")
