# SPDX-License-Identifier: MIT
"""The observation part of the CoAP plugtest list (ETSI, TD_COAP_OBS_*) on real sockets, in the clear and under OSCORE:
the device observes a resource of aiocoap, and aiocoap one of the device."""

import asyncio
import contextlib
import socket

import aiocoap
import pytest
from aiocoap import resource
from aiocoap.oscore_sitewrapper import OscoreSiteWrapper

import coap
from coap.aio import Context
from coap.observe import observe
from coap.observe.sequence import Clock
from coap.observe.server import Observers
from coap.oscore import Security

from ..on_udp import HOST, Device, Quick, _now, aiocoap_client, device, free_port, run
from ..oscore.test_oscore_aiocoap import ours, theirs


class QuickNon(Quick):
    reliability = False


class Brief(Quick):
    MAX_RETRANSMIT = 2


class Obs(resource.ObservableResource):
    """GET /obs: `value`, and whoever observes it hears of each change."""

    def __init__(self, tuning=Quick, max_age=None, value=b"0"):
        super().__init__()
        self.value = value
        self.observers = 0
        self._tuning = tuning
        self._max_age = max_age

    def update_observation_count(self, newcount):
        self.observers = newcount

    def _message(self, **named):
        return aiocoap.Message(transport_tuning=self._tuning(), **named)

    async def render_get(self, request):
        return self._message(payload=self.value, content_format=0, max_age=self._max_age)

    async def render_put(self, request):
        self.change(request.payload)
        return self._message(code=aiocoap.CHANGED)

    def change(self, value):
        self.value = value
        self.updated_state()

    def vanish(self):
        self.updated_state(self._message(code=aiocoap.NOT_FOUND))


@contextlib.asynccontextmanager
async def server(obs, context):
    site = resource.Site()
    site.add_resource(["obs"], obs)
    port = free_port()
    running = await aiocoap.Context.create_server_context(site, bind=(HOST, port), transports=["udp6"])
    if context:
        running.server_credentials[":device"] = context
        running.serversite = OscoreSiteWrapper(site, running.server_credentials)
    try:
        yield port
    finally:
        running.server_credentials.clear()
        await running.shutdown()


class Large(Obs):
    """What is larger than a datagram goes out in blocks of 1024; aiocoap does not do that for who observes."""

    async def needs_blockwise_assembly(self, request):
        return False

    async def render_get(self, request):
        start = 1024 * request.opt.block2.block_number if request.opt.block2 else 0
        message = self._message(payload=self.value[start : start + 1024], content_format=0)
        if len(self.value) > 1024:
            message.opt.block2 = (start // 1024, start + 1024 < len(self.value), 6)
        return message


def get():
    return coap.Message(coap.GET, options=coap.path_options("/obs"))


class Observer:
    """The device and its observation."""

    def __init__(self, running, port):
        self.device = running
        self.endpoint = running.endpoint
        self.observation = observe(self.endpoint, get(), (HOST, port), _now(), blocks=True)
        running._pump()

    async def next(self):
        """(kind, code, payload) of the next event; a notification is accepted."""
        await self.device.until(lambda: self.device.events)
        kind, subject, message = self.device.events.pop(0)
        if kind == coap.NOTIFICATION:
            assert subject is self.observation
            subject.accept(message, _now())
            self.device._pump()
        return kind, message and coap.code_text(message.code), message and bytes(message.payload)

    def do(self, request):
        request(get(), _now())
        self.device._pump()


NOTIFIED = coap.NOTIFICATION


@pytest.fixture(params=["plain", "oscore"])
def observing(request, tmp_path):
    """Runs `scene(obs, observer)` once the first response is there."""

    def play(scene, obs, lose=()):
        async def talk():
            protected = request.param == "oscore"
            context = theirs(tmp_path / "keys") if protected else None
            security = Security(ours()) if protected else None
            async with server(obs, context) as port, device(security=security, lose=lose) as running:
                observer = Observer(running, port)
                assert await observer.next() == (coap.RESPONSE, "2.05", obs.value)
                assert observer.observation.established
                assert obs.observers == 1
                await scene(obs, observer)
                return running.wire

        return run(talk())

    return play


def ways(wire):
    return [f"{each.way} {each.type}" for each in wire]


START = ["out CON", "in ACK"]


def test_td_coap_obs_01_client(observing):
    async def scene(obs, observer):
        for value in (b"1", b"2", b"3"):
            obs.change(value)
            assert await observer.next() == (NOTIFIED, "2.05", value)

    wire = observing(scene, Obs())
    assert ways(wire) == START + 3 * ["in CON", "out ACK"]
    assert {each.token for each in wire if each.type != "ACK" or each.code != "0.00"} == {wire[0].token}


def test_td_coap_obs_02_client(observing):
    async def scene(obs, observer):
        for value in (b"1", b"2", b"3"):
            obs.change(value)
            assert await observer.next() == (NOTIFIED, "2.05", value)

    assert ways(observing(scene, Obs(QuickNon))) == START + 3 * ["in NON"]


def test_td_coap_obs_04_client(observing):
    # Max-Age passes, the device registers again under the same token and goes on being notified
    async def scene(obs, observer):
        assert (await observer.next())[0] == coap.STALE
        observer.do(observer.observation.register)
        assert await observer.next() == (coap.RESPONSE, "2.05", b"0")
        assert obs.observers == 1
        obs.change(b"1")
        assert await observer.next() == (NOTIFIED, "2.05", b"1")

    wire = observing(scene, Obs(max_age=1))
    assert ways(wire) == START + START + ["in CON", "out ACK"]
    assert wire[0].token == wire[2].token


def test_td_coap_obs_05_client(observing):
    # the device is off: what nobody takes note of is not acknowledged, and aiocoap gives it up
    async def scene(obs, observer):
        obs.change(b"1")
        await observer.device.until(lambda: len(observer.device.wire) == 2 + 3)  # twice more
        while obs.observers:
            await _turn()

    assert ways(observing(scene, Obs(Brief))) == START + 3 * ["in CON"]


def test_td_coap_obs_06_client(observing):
    # the device has forgotten it and answers Reset, which aiocoap takes for the end
    async def scene(obs, observer):
        observer.observation.forget()
        obs.change(b"1")
        await observer.device.until(lambda: len(observer.device.wire) == 4)
        while obs.observers:
            await _turn()
        obs.change(b"2")
        await _turn()

    assert ways(observing(scene, Obs())) == START + ["in CON", "out RST"]


def test_td_coap_obs_07_client(observing):
    async def scene(obs, observer):
        obs.vanish()
        kind, code, _ = await observer.next()
        assert (kind, code) == (NOTIFIED, "4.04")
        assert not observer.observation.established
        assert not observer.endpoint.observations

    assert ways(observing(scene, Obs())) == START + ["in CON", "out ACK"]


def test_td_coap_obs_08_client(observing):
    async def scene(obs, observer):
        obs.updated_state(aiocoap.Message(code=aiocoap.NOT_ACCEPTABLE, transport_tuning=Quick()))
        kind, code, _ = await observer.next()
        assert (kind, code) == (NOTIFIED, "4.06")
        assert not observer.endpoint.observations

    assert ways(observing(scene, Obs())) == START + ["in CON", "out ACK"]


def test_td_coap_obs_09_client(observing):
    # somebody else changes the resource: the device itself, by PUT
    async def scene(obs, observer):
        put = coap.Message(coap.PUT, b"new", coap.path_options("/obs"))
        observer.endpoint.request(put, observer.observation.peer, _now())
        observer.device._pump()
        found = [await observer.next(), await observer.next()]
        assert sorted(found) == [(coap.RESPONSE, "2.04", b""), (NOTIFIED, "2.05", b"new")]

    observing(scene, Obs())


def test_td_coap_obs_10_client(observing):
    async def scene(obs, observer):
        observer.endpoint.request(get(), observer.observation.peer, _now())
        observer.device._pump()
        assert await observer.next() == (coap.RESPONSE, "2.05", b"0")
        obs.change(b"1")
        assert await observer.next() == (NOTIFIED, "2.05", b"1")

    observing(scene, Obs())


def test_td_coap_obs_11_client(observing):
    # the first notification is lost, and the acknowledgement of the second one
    async def scene(obs, observer):
        obs.change(b"1")
        assert await observer.next() == (NOTIFIED, "2.05", b"1")
        obs.change(b"2")
        assert await observer.next() == (NOTIFIED, "2.05", b"2")
        await observer.device.until(lambda: len(observer.device.wire) == 2 + 3 + 4)

    wire = observing(scene, Obs(), (2, 6))
    assert ways(wire) == START + ["in CON", "in CON", "out ACK"] + 2 * ["in CON", "out ACK"]


def test_td_coap_obs_12_client(observing):
    async def scene(obs, observer):
        observer.do(observer.observation.cancel)
        assert await observer.next() == (coap.RESPONSE, "2.05", b"0")
        assert not observer.endpoint.observations
        while obs.observers:
            await _turn()
        obs.change(b"1")
        await _turn()

    wire = observing(scene, Obs())
    assert ways(wire) == START + START
    assert wire[0].token == wire[2].token


def test_td_coap_obs_13_client(observing):
    # larger than a datagram: the first block is told, the whole is what `register` gives
    async def scene(obs, observer):
        obs.change(b"b" * 3000)
        kind, code, payload = await observer.next()
        assert (kind, code) == (NOTIFIED, "2.05")
        assert b"b" * 3000 > payload == b"b" * 1024
        observer.do(observer.observation.register)
        assert await observer.next() == (coap.RESPONSE, "2.05", b"b" * 3000)

    observing(scene, Large(value=b"a" * 3000))


def test_td_coap_obs_14_client(observing):
    # of variable size
    async def scene(obs, observer):
        for size in (10, 3000, 20):
            obs.change(b"b" * size)
            kind, code, payload = await observer.next()
            assert (kind, code, payload) == (NOTIFIED, "2.05", b"b" * min(size, 1024))

    observing(scene, Large(value=b"a" * 3000))


# --- the device is observed -------------------------------------------------------------------------------


class Served(Device):
    """The device with a resource /obs, which anybody may observe."""

    def __init__(self, lose=(), **named):
        named.setdefault(
            "parameters", coap.Parameters(ack_timeout=200, ack_random_factor=1, max_retransmit=2)
        )
        super().__init__(None, lose, **named)
        self.value, self.code, self.format = b"0", coap.CONTENT, b""
        self.list = None

    def connection_made(self, transport):
        super().connection_made(transport)
        self.list = Observers(self.endpoint, _now(), Clock(lambda: _now()), unconfirmed=0)

    async def _answer(self, incoming, request):
        options = [(coap.CONTENT_FORMAT, self.format)] if coap.is_success(self.code) else ()
        self.list.respond(incoming, coap.Message(self.code, self.value, options), _now())
        self._pump()

    def change(self, value=None, code=coap.CONTENT, format=b""):
        self.value, self.code, self.format = value or b"", code, format
        self.list.changed("/obs", _now())
        self._pump()

    async def left(self):
        """Nobody observes any more, and nothing is sent."""
        await self.until(lambda: not len(self.list) and self.endpoint.next_deadline() is None)
        size = len(self.wire)
        self.change(b"nobody")
        await _turn()
        assert len(self.wire) == size


class Watching:
    """aiocoap, which observes /obs of the device."""

    blocks = True

    def __init__(self, client, port):
        self.client = client
        self.uri = f"coap://{HOST}:{port}/obs"

    def ask(self, **named):
        message = aiocoap.Message(code=aiocoap.GET, transport_tuning=Quick(), **named)
        message.set_request_uri(self.uri, set_uri_host=False)
        return self.client.request(message, handle_blockwise=self.blocks)

    async def begin(self):
        self.request = self.ask(observe=0)
        first = await self.request.response
        self._changes = aiter(self.request.observation)
        return first

    async def next(self):
        return await anext(self._changes)


@pytest.fixture(params=["plain", "oscore"])
def observed(request, tmp_path):
    """Runs `scene(served, watching)` once aiocoap has the first response; gives the wire."""

    def play(scene, lose=(), value=b"0", blocks=True):
        async def talk():
            protected = request.param == "oscore"
            security = Security(ours()) if protected else None
            loop = asyncio.get_running_loop()
            _, served = await loop.create_datagram_endpoint(
                lambda: Served(lose, security=security), local_addr=(HOST, 0)
            )
            served.value = value
            try:
                transports = ("oscore", "udp6") if protected else ("udp6",)
                async with aiocoap_client(*transports) as client:
                    watching = Watching(client, served.port)
                    if protected:
                        client.client_credentials["coap://*"] = theirs(tmp_path / "keys")
                    watching.blocks = blocks
                    first = await watching.begin()
                    assert (first.code.dotted, first.payload) == ("2.05", value)
                    assert first.opt.observe is not None
                    await scene(served, watching)
                    client.client_credentials.clear()
                return served.wire
            finally:
                served.close()

        return run(talk())

    return play


ASKED = ["in CON", "out ACK"]
TOLD = ["out CON", "in ACK"]


def test_td_coap_obs_01_server(observed):
    async def scene(served, watching):
        before = -1
        for value in (b"1", b"2", b"3"):
            served.change(value)
            change = await watching.next()
            assert (change.payload, change.opt.content_format) == (value, 0)
            assert change.opt.observe > before
            before = change.opt.observe

    assert ways(observed(scene))[:7] == ASKED + 2 * TOLD + ["out CON"]


def test_td_coap_obs_02_server(observed):
    async def scene(served, watching):
        served.list._unconfirmed = 5
        for number in range(7):
            await served.until(lambda: served.list._entries[0].exchange is None)
            served.change(b"%d" % number)
            assert (await watching.next()).payload == b"%d" % number

    wire = observed(scene)
    assert ways(wire) == ASKED + TOLD + 5 * ["out NON"] + TOLD[:1] + ways(wire)[10:]


def test_td_coap_obs_04_server(observed):
    # the device starts anew, and is asked again
    async def scene(served, watching):
        served.list._entries.clear()
        served.change(b"1")
        await _turn()
        assert len(served.wire) == 2
        assert (await watching.begin()).payload == b"1"
        served.change(b"2")
        assert (await watching.next()).payload == b"2"

    observed(scene)


def test_td_coap_obs_05_server(observed):
    # the client is off: nothing reaches it any more
    async def scene(served, watching):
        served.change(b"1")
        served.change(b"2")
        await served.until(lambda: not len(served.list))
        # sent three times; what was repeated is the newer state, with its number and a message ID of its own
        first, *again = [each for each in served.wire[2:] if each.way == "out"]
        assert first.mid != again[0].mid == again[1].mid
        await served.left()

    assert ways(observed(scene, range(2, 50))) == ASKED + 3 * ["out CON"]


@pytest.mark.parametrize("observed", ["plain"], indirect=True)
def test_td_coap_obs_06_server(observed):
    # aiocoap forgets it with the notification that comes next, and answers the one after that with Reset; its OSCORE
    # does not hear of that
    async def scene(served, watching):
        watching.request.observation.cancel()
        served.change(b"1")
        await served.until(lambda: served.list._entries[0].exchange is None)
        served.change(b"2")
        await served.left()

    assert ways(observed(scene, blocks=False)) == ASKED + TOLD + ["out CON", "in RST"]


def test_td_coap_obs_07_server(observed):
    async def scene(served, watching):
        served.change(code=coap.NOT_FOUND)
        await served.left()

    assert ways(observed(scene)) == ASKED + TOLD


def test_td_coap_obs_08_server(observed):
    async def scene(served, watching):
        served.change(b"{}", format=b"\x32")
        await served.left()

    wire = observed(scene)
    assert ways(wire) == ASKED + TOLD
    assert wire[2].code in ("4.06", "2.05")  # under OSCORE the code is inside


def test_td_coap_obs_09_server(observed):
    async def scene(served, watching):
        served.change(b"by hand")
        assert (await watching.next()).payload == b"by hand"

    observed(scene)


def test_td_coap_obs_10_server(observed):
    async def scene(served, watching):
        answer = await watching.ask().response
        assert (answer.payload, answer.opt.observe) == (b"0", None)
        served.change(b"1")
        assert (await watching.next()).payload == b"1"

    observed(scene)


def test_td_coap_obs_11_server(observed):
    # the first notification is lost, and the acknowledgement of the second one; one at a time all the same
    async def scene(served, watching):
        for value in (b"1", b"2"):
            served.change(value)
            assert (await watching.next()).payload == value
            await served.until(lambda: served.list._entries[0].exchange is None)

    assert ways(observed(scene, (2, 6))) == ASKED + ["out CON"] + TOLD + TOLD + TOLD


def test_td_coap_obs_12_server():
    # aiocoap ends an observation by Reset alone, so that here it only reads and writes the messages
    async def talk():
        loop = asyncio.get_running_loop()
        _, served = await loop.create_datagram_endpoint(Served, local_addr=(HOST, 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect((HOST, served.port))

            async def ask(mid, observe):
                message = aiocoap.Message(code=aiocoap.GET, observe=observe, uri_path=("obs",))
                message.mtype, message.mid, message.token = aiocoap.CON, mid, b"\xaa"
                sock.send(message.encode())
                return aiocoap.Message.decode(await loop.sock_recv(sock, 2000))

            first = await ask(1, 0)
            assert (first.payload, first.opt.observe is None, len(served.list)) == (b"0", False, 1)
            last = await ask(2, 1)
            assert (last.payload, last.opt.observe, len(served.list)) == (b"0", None, 0)
            await served.left()
        served.close()

    run(talk())


def test_td_coap_obs_13_server(observed):
    # larger than a datagram: aiocoap fetches the rest of each
    async def scene(served, watching):
        for octet in (b"b", b"c"):
            served.change(octet * 3000)
            assert (await watching.next()).payload == octet * 3000

    observed(scene, value=b"a" * 3000)


def test_td_coap_obs_14_server(observed):
    async def scene(served, watching):
        for size in (10, 3000, 20):
            served.change(b"b" * size)
            assert (await watching.next()).payload == b"b" * size

    observed(scene, value=b"a" * 3000)


def test_a_context_observes_aiocoap():
    """By asyncio, as docs/coap.md has it: each state, in blocks or not, and the end."""

    async def talk():
        obs = Large()
        async with server(obs, None) as port, Context() as context:
            got = []
            async with context.observe(f"coap://{HOST}:{port}/obs") as changes:
                async for change in changes:
                    got.append((coap.code_text(change.code), bytes(change.payload)))
                    if len(got) == 4:
                        obs.vanish()
                    else:
                        obs.change(b"%d" % len(got) * (3000 if len(got) == 2 else 1))
            assert got == [
                ("2.05", b"0"),
                ("2.05", b"1"),
                ("2.05", b"2" * 3000),
                ("2.05", b"3"),
                ("4.04", b""),
            ]
            assert changes.skipped == 0
            while obs.observers:
                await _turn()
            # left by `break` within the block: Observe 1
            async with context.observe(f"coap://{HOST}:{port}/obs") as changes:
                async for _ in changes:
                    break
                assert obs.observers == 1
            while obs.observers:
                await _turn()

    run(talk())


async def _turn():
    """What should not come has time to come."""
    await asyncio.sleep(0.02)
