# SPDX-License-Identifier: MIT
"""OSCORE from end to end, a relay without a key in between; the gateway is a process of its own."""

import contextlib
import types

from host_tests.gateway.devices import run
from host_tests.gateway.transport.test_oscore_gateway import OTHER, msg, peer, reg
from tools.demo.processes import Gateway, device_keys
from tools.gateway.running.relay.relay import Options, Relay
from tools.page.events import Events

UE = "ue:sensor-1@example.org"


class Between:
    """A relay to a gateway that notes what it passes on; `clock` is moved by the test."""

    def __init__(self, gateway, port=0):
        self.now = 1000.0
        options = Options(("127.0.0.1", port), gateway.coap, idle=300.0)
        self.relay = Relay(options, Events(), clock=lambda: self.now)
        self.passed = []
        send = self.relay._send_to_server
        self.relay._send_to_server = lambda client, octets: self.passed.append(octets) or send(client, octets)

    async def __aenter__(self):
        await self.relay.__aenter__()
        self.coap = "127.0.0.1", self.relay.port
        return self

    async def __aexit__(self, *exception):
        await self.relay.__aexit__(*exception)


@contextlib.asynccontextmanager
async def device(gateway, between, folder, ue):
    keys = await device_keys(folder, ue)
    async with peer(types.SimpleNamespace(coap=between.coap), keys) as made:
        yield made


def test_a_device_with_a_key_speaks_through_a_relay_that_can_read_nothing(tmp_path):
    async def story():
        async with Gateway(tmp_path, security="oscore") as gateway:
            between = Between(gateway)
            await between.__aenter__()
            async with device(gateway, between, tmp_path, UE) as one:
                code, granted = await one.post(reg(UE))
                assert (code, granted["result"]) == ("2.04", True)
                assert (await one.post(msg(UE)))[0] == "2.04"
                assert not any(b"sensor" in octets or b"secret words" in octets for octets in between.passed)
                first = (await gateway.event("registered", ue=UE))["peer"]
                assert first == "127.0.0.1:%d" % next(iter(between.relay.clients)).way.socket.getsockname()[1]

                await between.__aexit__()
                async with Between(gateway, between.coap[1]):
                    assert (await one.post(msg(UE)))[0] == "2.04"
                    assert (await gateway.event("rebound", ue=UE))["peer"] != first

    run(story())


def test_the_4_04_of_a_relay_is_no_end_of_a_message_to_a_device_with_a_key(tmp_path):
    """Nobody vouches for it: the device is asked again, and later."""

    async def story():
        async with Gateway(tmp_path, security="oscore") as gateway, Between(gateway) as between:
            async with device(gateway, between, tmp_path, OTHER) as away:
                await away.post(reg(OTHER))
                async with device(gateway, between, tmp_path, UE) as one:
                    between.now += 400  # nobody has spoken for that long
                    await one.post(reg(UE))
                    assert (await one.post(msg(UE)))[0] == "2.04"
                told = await gateway.event("retry", to=OTHER)
                assert "4.04" in told["reason"] and "relay" in told["reason"]
                assert between.relay.counts["its client was gone"] >= 1
                assert gateway.count("failed") == 0

    run(story())
