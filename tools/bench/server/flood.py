# SPDX-License-Identifier: MIT
"""A device with its key, while 2,000 forged datagrams a second come to the gateway: how long its registration takes,
and each of its messages. These are times of this computer, so `make bench` does it by name only.

Forged is a request under a kid that nobody has, or under the device's own with a tag that is wrong. It comes from
another address, or (a raw socket, so for root only) in the name of the device's own address and port.
"""

import asyncio
import os
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.bench import Row
from tools.demo.application_server import ApplicationServer
from tools.demo.processes import Device, Gateway, device_keys

RATE = 2000  # a second
MESSAGES = 20
FOREIGN = "127.0.0.2"
UE, FRESH, AS = "ue:sensor-1@example.org", "ue:sensor-2@example.org", "as:weather@example.org"
APP = f"""
import asyncio, json, os, time
from device import start
def tell(**what):
    print(">", json.dumps(what))
async def main():
    began = time.ticks_ms()
    client = await start()
    while not client.registered:
        await asyncio.sleep_ms(5)
    tell(step="registered", ms=time.ticks_diff(time.ticks_ms(), began))
    while "go" not in os.listdir():
        await asyncio.sleep_ms(20)
    for number in range({MESSAGES}):
        began = time.ticks_ms()
        outgoing = await client.send("{AS}", "reading %d" % number, to_type="AS")
        await outgoing.wait()
        tell(step="message", ms=time.ticks_diff(time.ticks_ms(), began), state=outgoing.state)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def measure():
    for kind in ("unknown kid", "wrong tag"):
        for spoofed in (False, True) if os.geteuid() == 0 else (False,):
            registered, messages, sent = asyncio.run(play(kind, spoofed))
            where = "%s, %s" % (kind, "in the name of a device" if spoofed else "another address")
            yield Row(f"forged datagrams: {where}", round(sent), "a second", "flood.forged", kind="machine")
            yield Row(
                "  a fresh device is registered after", registered, "ms", "flood.registered", kind="machine"
            )
            yield Row(
                "  a message is accepted after, median",
                statistics.median(messages),
                "ms",
                "flood.accepted",
                kind="machine",
            )
            yield Row("  the slowest", max(messages), "ms", kind="machine")


async def play(kind, spoofed):
    """(ms of a first registration in the flood, ms of each message, forged datagrams a second)"""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "app.py").write_text(APP)
        keys = {ue: await device_keys(folder, ue) for ue in (UE, FRESH)}
        async with (
            Gateway(folder, security="oscore") as gateway,
            ApplicationServer(AS, gateway.http) as server,
            _device(folder, "old", UE, keys, gateway) as old,
        ):
            await server.register()
            peer = (await gateway.event("registered", ue=UE))["peer"]
            source = peer.rsplit(":", 1) if spoofed else (FOREIGN, 40000)
            kid = b"\xf7\x77" if kind == "unknown kid" else bytes.fromhex(keys[UE]["security"]["sender_id"])
            command = [
                sys.executable,
                "-m",
                "tools.bench.server.flood",
                *map(str, gateway.coap),
                *source,
                kid.hex(),
            ]
            flood = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
            try:
                await asyncio.to_thread(flood.stdout.readline)  # on a busy machine it begins late
                await asyncio.sleep(1)
                async with _device(folder, "fresh", FRESH, keys, gateway) as fresh:
                    registered = (await fresh.tells("registered", 60))["ms"]
                old.put("go", "")
                await old.told.reach(1 + MESSAGES, "messages to be accepted", 300)
            finally:
                flood.terminate()
                sent, _ = flood.communicate()
            messages = [told["ms"] for told in old.told.items if told["step"] == "message"]
            return registered, messages, float(sent)


def _device(folder, name, ue, keys, gateway):
    device = Device(folder / name, folder / "app.py")
    peer = "coap://%s:%d" % gateway.coap
    device.configure({"role": "client", "ue_service_id": ue, "peer": peer, **keys[ue]})
    return device


def send(host, port, from_host, from_port, kid):
    """Until it is terminated. It prints a line when it begins, and in the end how many a second there were."""
    raw = from_host != FOREIGN
    sock = (
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        if raw
        else socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    )
    if not raw:
        sock.bind((from_host, 0))
    print("flooding", flush=True)
    began, count = time.monotonic(), 0
    try:
        while True:
            while count < (time.monotonic() - began) * RATE:
                count += 1
                number = (30000 + count % 20000).to_bytes(2, "big")
                option = b"\x0a" + number + kid
                octets = (
                    b"\x40\x02" + (count % 65536).to_bytes(2, "big") + bytes((0x90 | len(option),)) + option
                )
                octets += b"\xff" + os.urandom(24)
                if raw:  # heads of IPv4 (RFC 791; the kernel sums it) and UDP (RFC 768; no sum)
                    udp = struct.pack("!HHHH", from_port, port, 8 + len(octets), 0)
                    addresses = socket.inet_aton(from_host) + socket.inet_aton(host)
                    head = struct.pack(
                        "!BBHHHBBH", 0x45, 0, 28 + len(octets), 0, 0, 64, socket.IPPROTO_UDP, 0
                    )
                    octets = head + addresses + udp + octets
                sock.sendto(octets, (host, 0 if raw else port))
            time.sleep(0.005)
    except SystemExit:
        print(count / (time.monotonic() - began))


def _main(host, port, from_host, from_port, kid):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    send(host, int(port), from_host, int(from_port), bytes.fromhex(kid))


if __name__ == "__main__":
    _main(*sys.argv[1:])
