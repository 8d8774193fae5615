# SPDX-License-Identifier: MIT
"""The part of the demo with a device out of its box: it knows its UE ID and its key, finds a gateway, is told its UE
Service ID, registers, and has its first message reported."""

import json
import time

from tools.demo.feed import Unseen
from tools.demo.processes import APPS, Device, command

UE_ID = "urn:imei:35-209900-176148-1"
UE = "ue:tank-2@example.org"
NAME = "ue:gateway@example.org"  # of the gateway, of the same domain
GROUP = "224.0.1.187"


async def out_of_the_box(story, folder, gateway, server, heap):
    """All of it. `gateway` answers devices that look for one, and is called NAME."""
    device = Device(folder / "box", app=APPS / "found.py", heap=heap)
    keys = folder / "tank-2.json"
    await command(folder, "gateway", "ue", "add", UE_ID, "--ue", UE, "--key", keys)
    device.configure({"role": "client", "ue_id": UE_ID, "peer": "discover:", **json.loads(keys.read_text())})
    seen = len(gateway.events.items)
    begun = time.monotonic()
    try:
        async with device:
            await _act(story, gateway, server, device, seen, begun)
    except Unseen as error:
        raise Unseen("%s. What tank-2 said: %s" % (error, "; ".join(device.lines.items[-20:]))) from None


async def _act(story, gateway, server, device, seen, begun):
    await gateway.event("configured", start=seen, ue_id=UE_ID, ue=UE)
    asked = (await server.status())["datagrams"]["discovered"]
    if not asked:
        raise Unseen("expected the gateway to have answered a device that looks for one")
    story.step("tank-2 -> gateway", f"out of its box: no address, no service ID; finds it by {GROUP}")
    story.step("gateway -> tank-2", f'"{UE_ID}" is {UE}')
    registered = await gateway.event("registered", start=seen, ue=UE)
    found = await device.tells("found")
    story.step(
        "tank-2 -> gateway",
        "registers for %d s; %.1f s after its power came"
        % (registered["lifetime"], time.monotonic() - begun),
    )
    message = await server.message(lambda message: message.sender == UE, f"a message of {UE}")
    await gateway.event("reported", start=seen, msgId=message.message_id, status="success")
    told = await device.tells("reading")
    if told["state"] != "delivered":
        raise Unseen(f"expected the level to end as delivered, not {told['state']}")
    story.step("tank-2 -> weather", f'"{message.payload}", reported: delivered')
    story.say(
        "\nHeap of tank-2: %.1f KB in use when found, configured and registered." % (found["heap"] / 1024)
    )
    if await device.wait() != 0:
        raise Unseen(f"expected exit code 0 of tank-2, not {device.returncode}")
