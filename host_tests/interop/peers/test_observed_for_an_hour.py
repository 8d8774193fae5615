# SPDX-License-Identifier: MIT
"""An hour of observation (RFC 7641) between us and aiocoap, on real sockets whose network loses one datagram in five
each way and repeats one in ten. The time is virtual: it goes on when nobody has anything to do, so an hour takes
seconds.
"""

import asyncio
import random
import selectors
import socket
import time

import aiocoap
import pytest
from aiocoap import resource

from coap.aio import Context, Site
from host_tests.interop.on_udp import HOST, free_port

HOUR = 3600
EVERY = 20  # s between two states, Max-Age being 60


class HurriedSelector(selectors.DefaultSelector):
    """Waits for nothing: where nothing is ready, the time until the next timer has passed. A millisecond of real time
    is for what the kernel has still to bring."""

    passed = 0.0

    def select(self, timeout=None):
        ready = super().select(0 if timeout == 0 else 0.001)
        if not ready:
            assert timeout is not None, "nothing will ever happen"
            self.passed += timeout
        return ready


class HurriedLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self._hurried = HurriedSelector()
        super().__init__(self._hurried)

    def time(self):
        return self._hurried.passed

    async def getaddrinfo(self, host, port, **named):
        """At once: for a thread hours would pass."""
        return socket.getaddrinfo(host, port, **named)


@pytest.fixture
def hurry(monkeypatch):
    """Runs a coroutine in virtual time; our side reads it from the same loop."""

    def run(coroutine):
        loop = HurriedLoop()
        monkeypatch.setattr(time, "monotonic", loop.time)
        monkeypatch.setattr(time, "monotonic_ns", lambda: int(loop.time() * 1e9))
        try:
            return loop.run_until_complete(coroutine)
        finally:
            loop.close()
            monkeypatch.undo()

    return run


class Air(asyncio.DatagramProtocol):
    """What lies between one client and a server. `lossy` may be switched off."""

    def __init__(self, server, seed):
        self._server = server
        self._client = None
        self._random = random.Random(seed)
        self.lossy = True
        self.lost = self.passed = 0

    def connection_made(self, transport):
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, datagram, peer):
        if peer != self._server:
            self._client = peer
        to = self._client if peer == self._server else self._server
        if self.lossy and self._random.random() < 0.2:
            self.lost += 1
            return
        self.passed += 1
        copies = 2 if self.lossy and self._random.random() < 0.1 else 1
        for _ in range(copies):
            delay = self._random.uniform(0.02, 1.5 if self.lossy else 0.1)  # so they overtake one another
            asyncio.get_running_loop().call_later(delay, self._transport.sendto, datagram, to)


async def air(server, seed):
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_datagram_endpoint(lambda: Air(server, seed), local_addr=(HOST, 0))
    return protocol


class Rising(resource.ObservableResource):
    """A number that rises."""

    def __init__(self):
        super().__init__()
        self.value = 0

    def rise(self):
        self.value += 1
        self.updated_state()

    async def render_get(self, request):
        return aiocoap.Message(payload=b"%d" % self.value, max_age=60)


def judged(told, last, wire):
    """What was told never falls, is not a handful, and ends with the last state."""
    assert told == sorted(told)
    assert len(set(told)) > HOUR / EVERY / 3, len(set(told))
    assert told[-1] == last
    assert wire.lost > wire.passed / 10


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_we_observe_aiocoap(hurry, seed):
    async def live():
        rising, site, port = Rising(), resource.Site(), free_port()
        site.add_resource(["rising"], rising)
        server = await aiocoap.Context.create_server_context(site, bind=(HOST, port))
        wire = await air((HOST, port), seed)
        told = []

        async def watch():
            async with Context(host=HOST) as context:
                async for change in context.observe(f"coap://{HOST}:{wire.port}/rising"):
                    assert change.ok, change
                    told.append(int(change.text))

        watching = asyncio.create_task(watch())
        for _ in range(HOUR // EVERY):
            await asyncio.sleep(EVERY)
            assert not watching.done(), watching
            rising.rise()
        wire.lossy = False
        await asyncio.sleep(600)  # what was given up is asked for again, once it is stale
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await server.shutdown()
        wire._transport.close()
        judged(told, rising.value, wire)

    hurry(live())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_aiocoap_observes_us(hurry, seed):
    async def live():
        value = 0
        site = Site()

        @site.get("/rising", observe=True)
        def rising(request):
            return "%d" % value

        port = free_port()
        told = []

        async def watch(client, uri):
            while True:
                request = client.request(aiocoap.Message(code=aiocoap.GET, uri=uri, observe=0))
                try:
                    told.append(int((await request.response).payload))
                    # It does not ask again by itself when the state is stale.
                    async with asyncio.timeout(90) as silence:
                        async for change in request.observation:
                            told.append(int(change.payload))
                            silence.reschedule(asyncio.get_running_loop().time() + 90)
                except (aiocoap.error.Error, TimeoutError):
                    pass
                await asyncio.sleep(5)

        async with Context(host=HOST, port=port, site=site):
            wire = await air((HOST, port), seed)
            client = await aiocoap.Context.create_client_context()
            watching = asyncio.create_task(watch(client, f"coap://{HOST}:{wire.port}/rising"))
            for _ in range(HOUR // EVERY):
                await asyncio.sleep(EVERY)
                assert not watching.done(), watching
                value += 1
                site.changed("/rising")
            wire.lossy = False
            await asyncio.sleep(600)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await client.shutdown()
        wire._transport.close()
        judged(told, value, wire)

    hurry(live())
