# SPDX-License-Identifier: MIT
"""The observation part of the CoAP plugtest list (ETSI, TD_COAP_OBS_*): the device observes a resource of aiocoap, in
the clear and under OSCORE, both on real sockets."""

import asyncio
import contextlib

import aiocoap
import pytest
from aiocoap import resource
from aiocoap.oscore_sitewrapper import OscoreSiteWrapper

import coap
from coap.observe import observe
from coap.oscore import Security

from .on_udp import HOST, Quick, _now, device, free_port, run
from .test_oscore_aiocoap import ours, theirs


class QuickNon(Quick):
    reliability = False


class Obs(resource.ObservableResource):
    """GET /obs: `value`, and whoever observes it hears of each change."""

    def __init__(self, tuning=Quick, max_age=None):
        super().__init__()
        self.value = b"0"
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


def get():
    return coap.Message(coap.GET, options=coap.path_options("/obs"))


class Observer:
    """The device and its observation."""

    def __init__(self, running, port):
        self.device = running
        self.endpoint = running.endpoint
        self.observation = observe(self.endpoint, get(), (HOST, port), _now())
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

    def play(scene, obs):
        async def talk():
            protected = request.param == "oscore"
            context = theirs(tmp_path / "keys") if protected else None
            security = Security(ours()) if protected else None
            async with server(obs, context) as port, device(security=security) as running:
                observer = Observer(running, port)
                assert await observer.next() == (coap.RESPONSE, "2.05", b"0")
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


def test_td_coap_obs_09_client(observing):
    # somebody else changes the resource: the device itself, by PUT
    async def scene(obs, observer):
        put = coap.Message(coap.PUT, b"new", coap.path_options("/obs"))
        observer.endpoint.request(put, observer.observation.peer, _now())
        observer.device._pump()
        found = [await observer.next(), await observer.next()]
        assert sorted(found) == [(coap.RESPONSE, "2.04", b""), (NOTIFIED, "2.05", b"new")]

    observing(scene, Obs())


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


async def _turn():
    """What should not come has time to come."""
    await asyncio.sleep(0.02)
