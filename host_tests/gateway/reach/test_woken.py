# SPDX-License-Identifier: MIT
"""A device that is a process of its own, and a gateway that finds it away: woken by a datagram of the gateway's, and by
the emulated exposure function."""

import pytest

from host_tests.conformance.raw import Peer
from host_tests.conformance.server.registering import msg, own
from host_tests.gateway.devices import UE, device, gateway_and_server, run
from host_tests.gateway.reach.test_trigger_port import free_port
from tools.demo.nef import Nef

UE_ID = "device-7@example.org"


@pytest.mark.parametrize("by", ["UDP", "exposure"])
def test_a_device_that_the_server_has_lost_is_woken_and_gets_its_message(tmp_path, by):
    async def main():
        port = free_port()
        async with Nef({UE_ID: "127.0.0.1"}) as nef:
            options = () if by == "UDP" else ("--exposure", nef.uri)
            async with gateway_and_server(tmp_path / "gateway", *options) as (gateway, _):
                more = {"ue_id": UE_ID, "triggers": {"port": port}}
                async with (
                    device(tmp_path, "echo.py", gateway.coap[1], **more) as board,
                    Peer(gateway.coap[1]) as other,
                ):
                    await gateway.event("registered", ue=UE)
                    # Without keys its host may; the device does not know of it.
                    assert b'"result":true' in (await other.ask(own("DEREG", UE))).payload
                    await other.ask(own("REG", "ue:other"))
                    assert await other.code_of(msg("ue:other", UE, sfFlag=True)) == "2.04"
                    await gateway.event("stored", to=UE)
                    assert (await gateway.event("triggered", ue=UE))["by"] == by
                    await gateway.event("registered", ue=UE, start=1)
                    await board.told.until(lambda told: told["payload"] == "21.5", "its message")
                    await gateway.event("delivered", to=UE)

    run(main(), 60)
