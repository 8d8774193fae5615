# SPDX-License-Identifier: MIT
"""The demo through a relay: two devices that cannot reach the server, and a Relay UE that passes on what it cannot
read. It dies and comes back on the way."""

import random
import signal
import tempfile
import time
from pathlib import Path

from rich.console import Console

from tools.application import ServerError
from tools.demo.application_server import ApplicationServer
from tools.demo.feed import Unseen
from tools.demo.processes import APPS, Device, Gateway, Relay, device_keys
from tools.demo.story import AS, LARGE, UE, Story, alongside, exchange, expect
from tools.device import SMALL_HEAP
from tools.words import counted

DOOR = "ue:door-2@example.org"


async def tell_relay_story(heap=SMALL_HEAP):
    """As story.tell_story."""
    story = Story(Console(highlight=False))
    with tempfile.TemporaryDirectory(prefix="msgin5g-demo-") as folder:
        folder = Path(folder)
        server = Gateway(folder, name="server", security="oscore")
        sensor = Device(folder / "sensor", app=APPS / "app.py", heap=heap)
        door = Device(folder / "door", app=APPS / "relay.py", heap=heap)
        programs = {"the server": server, "sensor-1": sensor, "door-2": door}
        try:
            keys = {device: await device_keys(folder, ue) for device, ue in ((sensor, UE), (door, DOOR))}
            async with server, ApplicationServer(AS, server.http) as weather:
                async with Relay(folder, server.coap) as relay:
                    programs["the relay"] = relay
                    _introduce(story, server, relay)
                    await weather.register()
                    for device, ue in ((sensor, UE), (door, DOOR)):
                        peer = "coap://%s:%d" % relay.coap
                        device.configure(
                            {"role": "client", "ue_service_id": ue, "peer": peer, **keys[device]}
                        )
                    async with door:
                        await alongside(door, _act(story, server, relay, weather, sensor, door))
        except (Unseen, ServerError) as error:
            logs = [("What %s said" % name, program.lines.items) for name, program in programs.items()]
            story.failed(str(error), logs)
            return 1
    story.say(f"\nAll {story.steps} steps were seen on the other side, in {story.seconds:.1f} s.")
    story.say("docs/relay.md has the relay for real boards.")
    return 0


def _introduce(story, server, relay):
    story.say("server     MSGin5G Server, CoAP %s:%d/udp" % server.coap)
    story.say("relay      Relay UE, %s:%d/udp: all that the devices know of" % relay.coap)
    story.say(f"weather    Application Server {AS}")
    story.say(f"sensor-1   device {UE}: the firmware on MicroPython")
    story.say(f"door-2     device {DOOR}: the same, at the same time")
    story.say("security   OSCORE from each device to the server; the relay has no key\n")


async def _act(story, server, relay, weather, sensor, door):
    """All that a device does with a server, the relay in between."""
    record, update = random.Random(1).randbytes(LARGE), random.Random(2).randbytes(LARGE)
    sensor.put("record.bin", record)
    async with sensor:
        await alongside(sensor, _exchange(story, server, relay, weather, sensor, record, update))
    story.step("sensor-1 -> server", "de-registers, and ends")
    await _outage(story, server, relay, weather, door)


async def _exchange(story, server, relay, weather, sensor, record, update):
    ways = [await _way(server, relay, ue) for ue in (UE, DOOR)]
    expect(len(set(ways)) == 2, f"expected two ports of the relay, not {ways}")
    story.step("relay -> server", "two devices from one relay, each from a port of its own")
    await exchange(story, server, weather, sensor, record, update, "server")


async def _way(server, relay, ue):
    """The port of the relay where the server has this device."""
    peer = (await server.event("registered", ue=ue))["peer"]
    port = int(peer.rpartition(":")[2])
    await relay.event("relayed", port=port)
    return port


async def _outage(story, server, relay, weather, door):
    await door.tells("ready")
    begun = time.monotonic()
    await relay.end(signal.SIGKILL)
    door.folder.joinpath("outage").touch()
    await door.tells("queued")
    story.step("door-2", '"the door is open", while the relay was killed')
    seen = len(server.events.items)
    await relay.start()
    await weather.message(lambda message: message.payload == "the door is open", "what door-2 said")
    told = await server.event("rebound", start=seen, ue=DOOR)
    port = int(told["peer"].rpartition(":")[2])
    await relay.event("relayed", port=port)
    told = await door.tells("over")
    expect(told["state"] == "delivered", f"expected it as delivered, not {told['state']}")
    since = time.monotonic() - begun
    story.step("door-2 -> weather", f"the relay is back, and it arrives, once, reported; {since:.1f} s")
    said = [message.payload for message in weather.messages.items].count("the door is open")
    expect(said == 1, f"expected it once, but {counted(said, 'time')}")

    message_id = await weather.send(DOOR, "close it")
    told = await door.tells("order")
    expect((told["payload"], told["sender"]) == ("close it", AS), f"expected the order, not {told}")
    report = await weather.report(message_id)
    expect(report.delivered, f"expected success, not {report}")
    story.step("weather -> door-2", '"close it", to where the server found it again, reported')
    await server.event("deregistered", ue=DOOR)
    story.step("door-2 -> server", "de-registers, and ends")
