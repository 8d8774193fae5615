# SPDX-License-Identifier: MIT
"""The device's endpoint on a real socket, which loses what the test wants lost, and aiocoap as its peer."""

import asyncio
import contextlib

import aiocoap
from aiocoap import resource

import coap
from tools.programs.patience import SteadyLoop, patience
from tools.programs.patience import run as patient_run
from tools.programs.ports import free_port as free_port  # for tests

HOST = "127.0.0.1"
PATIENCE_S = 20  # until a test that waits for something has failed; none waits that long when it passes


class Quick(aiocoap.TransportTuning):
    """aiocoap's side repeats after 0.2 s instead of 2 to 3."""

    ACK_TIMEOUT = 0.2
    ACK_RANDOM_FACTOR = 1.0


class QuickNon(Quick):
    reliability = False


class Seen:
    """One datagram on the wire, as aiocoap reads it."""

    def __init__(self, way, datagram, lost):
        message = aiocoap.Message.decode(datagram)
        self.way = way  # "out" of the device, or "in"
        self.lost = lost
        self.type = message.mtype.name
        self.code = message.code.dotted
        self.mid = message.mid
        self.token = message.token
        self.message = message
        self.octets = datagram

    def __repr__(self):
        return f"{self.way} {self.type} {self.code} {self.mid:04x} {self.token.hex()}{' lost' if self.lost else ''}"


def ways(wire):
    return [f"{each.way} {each.type}{' lost' if each.lost else ''}" for each in wire]


def values(response, number):
    return [value for each, value in response.options if each == number]


class Device(asyncio.DatagramProtocol):
    """`serve(request)` is a coroutine that gives the response. `lose`: which datagrams vanish, counted both ways."""

    def __init__(self, serve=None, lose=(), **named):
        named.setdefault("parameters", coap.Parameters(ack_timeout=200, ack_random_factor=1))
        self.endpoint = coap.Endpoint(**named)
        self.wire = []
        self.handled = []  # the requests that came in
        self.events = []
        self._serve = serve
        self._lose = lose
        self._timer = None
        self._tasks = set()
        self._changed = asyncio.Event()

    def connection_made(self, transport):
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, datagram, peer):
        if self._passes("in", datagram):
            self.endpoint.receive(datagram, peer, _now())
        self._pump()

    def _passes(self, way, datagram):
        lost = len(self.wire) in self._lose
        self.wire.append(Seen(way, datagram, lost))
        return not lost

    def _pump(self):
        while item := self.endpoint.outgoing():
            if self._passes("out", bytes(item[0])):
                self._transport.sendto(item[0], item[1])
        while event := self.endpoint.next_event():
            if event[0] == coap.REQUEST:
                self.handled.append(event[2])
                self._tasks.add(asyncio.get_running_loop().create_task(self._answer(event[1], event[2])))
            else:
                self.events.append(event)
        self._changed.set()
        if self._timer:
            self._timer.cancel()
            self._timer = None
        deadline = self.endpoint.next_deadline()
        if deadline is not None:
            delay = max(0, deadline - _now()) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay, self._poll)

    def _poll(self):
        self.endpoint.poll(_now())
        self._pump()

    async def _answer(self, incoming, request):
        self.endpoint.respond(incoming, await self._serve(request), _now())
        self._pump()

    async def until(self, condition):
        async with patience(PATIENCE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def ask(self, message, port):
        """The one event that the request ends with: its kind and message."""
        self.endpoint.request(message, (HOST, port), _now())
        return await self._one_event()

    async def ping(self, port):
        self.endpoint.ping((HOST, port), _now())
        return await self._one_event()

    async def _one_event(self):
        self._pump()
        await self.until(lambda: self.events)
        assert len(self.events) == 1, self.events
        kind, _, message = self.events.pop()
        return kind, message

    def close(self):
        if self._timer:
            self._timer.cancel()
        self._transport.close()


def _now():
    return int(asyncio.get_running_loop().time() * 1000)


def run(coroutine, seconds=60):
    """Runs it with a guard, and in a time that stands still where the machine is busy: who repeats has a reason."""
    return patient_run(coroutine, seconds, SteadyLoop)


@contextlib.asynccontextmanager
async def device(serve=None, lose=(), **named):
    loop = asyncio.get_running_loop()
    _, running = await loop.create_datagram_endpoint(
        lambda: Device(serve, lose, **named), local_addr=(HOST, 0)
    )
    try:
        yield running
    finally:
        running.close()


@contextlib.asynccontextmanager
async def aiocoap_server(resources):
    """`resources`: path -> aiocoap Resource. Gives the port."""
    site = resource.Site()
    for path, each in resources.items():
        site.add_resource(path.strip("/").split("/"), each)
    port = free_port()
    context = await aiocoap.Context.create_server_context(site, bind=(HOST, port), transports=["udp6"])
    try:
        yield port
    finally:
        await context.shutdown()


@contextlib.asynccontextmanager
async def aiocoap_client(*transports):
    context = await aiocoap.Context.create_client_context(transports=transports or ["udp6"])
    try:
        yield context
    finally:
        await context.shutdown()
