# SPDX-License-Identifier: MIT
"""A running client on the Wi-Fi link, in virtual time: what it does when the network is back."""

import asyncio

import network

import virtual
from air import air
from common import equal
from device import runner
from device.links import wifi
from msgin5g import MemoryStorage

CONFIG = {
    "role": "client",
    "ue_service_id": "ue:a@x",
    "peer": "coap://127.0.0.1:9",  # nobody there
    "security": {"mode": "none"},
    "wifi": {"ssid": "home", "password": "correct horse"},
}
LONGEST_PAUSE = 30 + 1  # s between two tries to join, and the join


class Board:
    def __init__(self):
        self.storage = MemoryStorage()

    def links(self, config):
        return wifi.link(config)

    def reset_cause(self):
        return "power-on"


def test_an_outage_of_an_hour_does_not_put_off_the_registration():
    """By then it is tried every 300 s, but within a second after the station has joined a request goes out."""
    air.__init__()
    air.networks = {"home": "correct horse"}
    network.WLAN._station = None
    sent = []

    async def main():
        client = await runner.start(dict(CONFIG), Board())
        link = client._link
        send = link.send

        def counted(octets, address):
            if link._station.isconnected():
                sent.append(air.now())
            return send(octets, address)

        link.send = counted
        await asyncio.sleep(5)
        assert sent and not client.registered
        air.networks.clear()
        await asyncio.sleep(3600)
        equal((client.stats["link_outages"], client.core.registration.state), (1, "unreachable"))
        assert client.stats["link_lost"] > 10, client.stats
        # Just given up once more: the next try is four minutes away.
        for on_air in (True, False):
            while bool(client.core.registration._on_air) != on_air:
                await asyncio.sleep(1)
        sent.clear()
        air.networks["home"] = "correct horse"
        for _ in range(LONGEST_PAUSE * 10):
            await asyncio.sleep_ms(100)
            if link._station.isconnected():
                break
        await asyncio.sleep(1)
        assert sent, "nothing went out"
        await client.stop()

    real = runner._now, runner.log, wifi.log
    runner._now = lambda: air.now() & 0x1FFFFFFF
    runner.log = wifi.log = lambda *arguments: None
    try:
        virtual.run(main())
    finally:
        runner._now, runner.log, wifi.log = real
