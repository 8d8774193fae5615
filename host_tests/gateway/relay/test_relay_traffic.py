# SPDX-License-Identifier: MIT
"""What holds without a relay holds with one, also where it is killed again and again: each message arrives once, in
order, and is reported once."""

import signal

from host_tests.gateway.devices import Traffic, gateway_and_server, run
from tools.demo.processes import Relay

MESSAGES = 40
KILLS = 3


def test_each_message_arrives_once_while_the_relay_is_killed_again_and_again(tmp_path):
    async def story():
        quick = ("--coap-ack-timeout", "0.3", "--retry-min", "0.5", "--retry-max", "1")
        async with gateway_and_server(tmp_path, *quick) as (gateway, server):
            async with Relay(tmp_path, gateway.coap) as relay:
                coap = {"ack_timeout": 0.3}
                traffic = Traffic(tmp_path, gateway, server, relay.coap[1], MESSAGES, coap=coap)
                await traffic.play(killing(server, relay))
            traffic.check()
            assert gateway.count("rebound") >= 1
            assert relay.count("relaying") == 1 + KILLS

    async def killing(server, relay):
        for kill in range(KILLS):
            await server.messages.reach((kill + 1) * MESSAGES // (KILLS + 1), "messages", seconds=None)
            await relay.end(signal.SIGKILL)
            await relay.start()

    run(story())
