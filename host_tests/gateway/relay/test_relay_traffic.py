# SPDX-License-Identifier: MIT
"""What holds without a relay holds with one: each message arrives once, in order, and is reported once, either way."""

from host_tests.gateway.devices import Traffic, gateway_and_server, run
from tools.demo.processes import Relay


def test_the_traffic_of_a_device_passes_a_relay(tmp_path):
    async def story():
        async with gateway_and_server(tmp_path) as (gateway, server):
            async with Relay(tmp_path, gateway.coap) as relay:
                traffic = Traffic(tmp_path, gateway, server, relay.coap[1], messages=30)
                await traffic.play()
            traffic.check()
            assert relay.count("relayed") == 1

    run(story())
