# SPDX-License-Identifier: MIT
"""Octets on the air for a message of 20 octets with a delivery report, counted between a device and the gateway, beside
those of MQTT QoS 1 with the same report, counted with umqtt.simple and mosquitto, and worked out packet by packet.

Counted is the device's link from a state where it may send at once (registered; connected and subscribed), with the
heads of IPv4 and UDP or TCP, until the device knows that the message was delivered:

    this firmware                               MQTT
    POST MSG           device to gateway        PUBLISH, the message
    2.04               gateway to device        PUBACK
    POST IMDN          gateway to device        PUBLISH, the report
    2.04               device to gateway        PUBACK, and an ACK of TCP for it

And many such messages without a report on the same link, each by itself and aggregated (TS 24.538 clause 6.4.1.1.3).
"""

import asyncio
import tempfile
from pathlib import Path

import aiocoap

from tools.bench import Row
from tools.bench.peers import broker, packages
from tools.demo.application_server import ApplicationServer
from tools.demo.processes import Device, Gateway, device_keys
from tools.errors import UsageError
from tools.impair import Impairment, Profile

UE, AS = "ue:sensor-1@example.org", "as:weather@example.org"
TEXT = "temperature 21.5 C  "
TOKEN = 2  # octets
UDP = 20 + 8  # heads of IPv4 (RFC 791) and UDP (RFC 768)
TCP = 20 + 20  # of IPv4 and TCP (RFC 9293), without the options that most systems send
TLS = 5 + 1 + 16  # a record of TLS 1.3 with AES-GCM: head, content type, tag (RFC 8446 section 5.2)
APP = """
import asyncio, json
from device import start
async def main():
    client = await start()
    while not client.registered:
        await asyncio.sleep_ms(5)
    %s
    print(">", json.dumps({"step": "ended", "state": state}))
    await asyncio.sleep(60)
asyncio.run(main())
"""
ONE = f"""
    outgoing = await client.send("{AS}", "{TEXT}", to_type="AS", report=True)
    state = await outgoing.wait()
"""
CHART = "Octets on the air, a message of 20 octets with its report"
MANY = 20
ALL = f"""
    sent = []
    for _ in range({MANY}):
        sent.append(await client.send("{AS}", "{TEXT}", to_type="AS"))
    await client.drain()
    state = ",".join({{each.state for each in sent}})
"""


def measure():
    plain, bodies = asyncio.run(exchange("none"))
    protected, _ = asyncio.run(exchange("oscore"))
    same = mqtt_same(*bodies)
    ours = sum(plain) + 4 * UDP
    yield Row("message of 20 octets with report", ours, "octets", "air.reported", chart=CHART)
    yield Row("  with OSCORE", sum(protected) + 4 * UDP, "octets", "air.reported_oscore", chart=CHART)
    yield counted(*mqtt_bodies(*bodies))
    yield Row("  MQTT QoS 1, worked out", same, "octets")
    tls = "  MQTT QoS 1 with TLS 1.3, worked out"
    yield Row(tls, same + 4 * TLS, "octets", chart=CHART, by=tls.strip())
    yield Row("  against the shortest over MQTT", ours, "octets", "air.reported_shortest")
    yield from aggregation()


def counted(message, report):
    """The row of the same over MQTT, by a client and a broker of others."""
    what = "  umqtt.simple and mosquitto, QoS 1"
    try:
        sizes = asyncio.run(broker.reported(message, report))
    except UsageError as error:
        return Row(what, None, "octets", chart=CHART, by=what.strip(), needs=str(error))
    octets, needs = None, packages.advice("umqtt.simple")
    if sizes:
        octets, needs = sum(sizes) + (len(sizes) + 1) * TCP, ""
    return Row(what, octets, "octets", chart=CHART, by=what.strip(), needs=needs)


def aggregation():
    what = f"{MANY} messages of {len(TEXT)} octets, "
    single = asyncio.run(together(0))
    joined = asyncio.run(together(5))
    for name, sizes, octets, datagrams in (
        ("each by itself", single, None, None),
        ("aggregated", joined, "air.together", "air.together_datagrams"),
    ):
        yield Row(what + name, sum(sizes) + len(sizes) * UDP, "octets", octets)
        yield Row("  in", len(sizes), "datagrams", datagrams)


class Datagrams(Impairment):
    """Hands on each datagram at once; `seen` has (to the device, octets), a repeated one once."""

    def __init__(self, upstream):
        super().__init__(upstream, Profile("nothing happens", delay=0))
        self.seen = []

    def pass_on(self, datagram, fates, send):
        if (fates.to_device, datagram) not in self.seen:
            self.seen.append((fates.to_device, datagram))
        super().pass_on(datagram, fates, send)


async def exchange(security):
    """(sizes of the four datagrams, the two JSON bodies where they can be read) of a message and its report."""
    told, seen = await _link(ONE, security)
    ways = [to_device for to_device, _ in seen]
    # The registration and its answer, then what the table above says
    if told["state"] != "delivered" or ways != [False, True, False, True, True, False]:
        raise UsageError(f"bench: the message came to {told['state']} by {ways}")
    datagrams = [octets for _, octets in seen[2:]]
    bodies = [aiocoap.Message.decode(datagrams[at]).payload for at in (0, 2)]
    return [_size(datagram) for datagram in datagrams], bodies


def _size(datagram):
    """Octets, with a token of the gateway as long as most of its are: it counts them on from a number of chance, and
    leaves out octets of 0 before that."""
    token = datagram[0] & 15
    return len(datagram) + (TOKEN - token if token < TOKEN else 0)


async def together(wait):
    """Sizes of the datagrams that carry MANY messages, which wait this many seconds for each other, and the answers."""
    told, seen = await _link(ALL, "none", aggregation={"wait": wait})
    if told["state"] != "accepted":
        raise UsageError(f"bench: the messages came to {told['state']}")
    return [len(octets) for _, octets in seen[2:]]


async def _link(steps, security, **config):
    """(what the device told at the end of these steps, all datagrams of its link as `Datagrams.seen` has them)."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "app.py").write_text(APP % steps.strip())
        keys = await device_keys(folder, UE) if security == "oscore" else {"security": {"mode": "none"}}
        device = Device(folder / "device", folder / "app.py")
        async with (
            Gateway(folder, "--open", security=security) as gateway,
            ApplicationServer(AS, gateway.http) as server,
            Datagrams(gateway.coap) as between,
        ):
            await server.register()
            peer = f"coap://127.0.0.1:{between.port}"
            device.configure({"role": "client", "ue_service_id": UE, "peer": peer, **keys, **config})
            async with device:
                told = await device.tells("ended")
                return told, list(between.seen)


def mqtt_bodies(message, report):
    """(topic, body) of the message and of the report: the bodies of the CoAP requests as they are. The message goes to
    a topic as long as our path, the report to one that names the device."""
    return (b"msgin5g", message), (UE.encode(), report)


def mqtt_same(message, report):
    """Octets of the same bodies over MQTT."""
    return _mqtt(*mqtt_bodies(message, report))


def mqtt_short():
    """The least that says the same. A broker does not tell who published, so the originator stands in the message; the
    message ID is a UUID of 16 octets, which the report repeats beside one octet of status."""
    message_id = bytes(16)
    sender = bytes((len(UE),)) + UE.encode()
    return _mqtt((AS.encode(), message_id + sender + TEXT.encode()), (UE.encode(), message_id + b"\0"))


def _mqtt(message, report):
    # PUBACK travels with the acknowledgement of TCP for the PUBLISH, the device's PUBACK with the one for the first
    # PUBACK too, as if the report were always there before the delayed acknowledgement: only the last ACK is alone.
    segments = publish(*message), PUBACK, publish(*report), PUBACK, b""
    return sum(TCP + len(segment) for segment in segments)


# MQTT 3.1.1 section 3.4: type 4, remaining length 2, packet identifier
PUBACK = b"\x40\x02\x00\x01"


def publish(topic, payload):
    """MQTT 3.1.1 section 3.3: type 3 with QoS 1, the topic name, packet identifier, payload."""
    return broker.packet(0x32, broker.text(topic) + b"\x00\x01" + payload)
