# SPDX-License-Identifier: MIT
"""What registered devices cost the program of a gateway that is the server, too: memory, their list and /status.json.

Each device is a socket that registers, in the clear. The memory is what the process has at 100, 1,000 and 10,000 of
them more than at none; what CoAP remembers for duplicates (247 s, RFC 7252 section 4.8.2) is in it. The time is that of
the processor for one request.
"""

import asyncio
import contextlib
import socket
import tempfile
from pathlib import Path

import aiocoap
import aiohttp

from tools.bench import Row
from tools.demo.processes import Gateway
from tools.errors import UsageError
from tools.programs.patience import patience
from tools.wire import bodies

COUNTS = 100, 1_000, 5_500, 10_000
ABREAST = 20  # that register at the same time
PAGES = {"/status.json": "/status.json", "/api/devices": "a page of the list of devices"}
RAM = "Memory of the server a device"


def measure():
    ram, pages = asyncio.run(told(COUNTS))
    few, many = COUNTS[0], COUNTS[-1]
    for count in COUNTS:
        what = f"memory a device, {count:,} registered"
        yield Row(what, round(ram[count] / 1024, 1), "KiB", kind="machine", chart=RAM)
    # What is there once, threads and buffers, comes with the first ones, on a slow computer more of it.
    thousand, half = COUNTS[1:3]
    first, last = (ram[b] * b - ram[a] * a for a, b in ((thousand, half), (half, many)))
    yield Row(
        f"  the last {many - half:,}, of the {half - thousand:,} before",
        round(last / first, 2),
        "times",
        "devices.memory",
        kind="ratio",
    )
    for path, name in PAGES.items():
        (octets, seconds), (least, shortest) = pages[many, path], pages[few, path]
        yield Row(f"{name} with {many:,} devices", octets, "octets", kind="machine")
        yield Row(f"  of that with {few}", round(octets / least, 1), "times", kind="ratio")
        yield Row("  time of the processor", round(seconds * 1000, 1), "ms", kind="machine")
        yield Row(
            f"  a device, of that with {few}",
            round(seconds / shortest * few / many, 2),
            "times",
            kind="machine",
        )


async def told(counts):
    """({devices: octets of memory a device}, {(devices, path): (octets, seconds of the processor)})"""
    ram, pages = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        async with Gateway(Path(folder), "--open") as gateway, aiohttp.ClientSession() as http:
            there, before = 0, None
            for count in counts:
                if before is None:
                    await get(http, gateway, PAGES)  # what is loaded with the first request
                    before = memory(gateway.pid)
                await register(gateway, range(there, count))
                there = count
                ram[count] = (memory(gateway.pid) - before) / count
                for path in PAGES:
                    pages[count, path] = await asked(http, gateway, path)
    return ram, pages


async def register(gateway, numbers):
    """Devices of these numbers, each from an address of its own."""
    left = iter(numbers)

    async def some():
        for number in left:
            await _register(gateway.coap, number)

    async with patience(600):
        await asyncio.gather(*[some() for _ in range(ABREAST)])


async def _register(address, number):
    ue = f"ue:sensor-{number}@example.org"
    body = {"msgIden": "urn:3gpp:msgin5g", "msgType": "REG", "oriAddr": {"oriAddrType": "UE", "addr": ue}}
    body |= {"regExpTime": 3600}
    request = aiocoap.Message(code=aiocoap.POST, uri_path=("msgin5g",), content_format=50)
    request.payload = bodies.encode(body)
    request.mtype, request.mid, request.token = aiocoap.CON, 0, b"\0\1\2\3"
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(address)
        while True:  # of one host 1000 a second are heard: others get 4.29, or nothing
            request.mid += 1
            await loop.sock_sendall(sock, request.encode())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    answer = aiocoap.Message.decode(await loop.sock_recv(sock, 2048))
                if answer.code != aiocoap.TOO_MANY_REQUESTS:
                    break
                await asyncio.sleep(0.2)
    if answer.code != aiocoap.CHANGED:
        raise UsageError(f"bench: {ue} was not registered: {answer.code} {answer.payload!r}")


async def asked(http, gateway, path):
    """(octets, seconds of the processor) of a request: the least of several, since others are served meanwhile."""
    times = []
    for _ in range(5):
        before = processor(gateway.pid)
        octets = await get(http, gateway, [path])
        times.append(processor(gateway.pid) - before)
    return octets, min(times)


async def get(http, gateway, paths):
    for path in paths:
        async with http.get("http://%s:%d%s" % (*gateway.http, path)) as response:
            octets = len(await response.read())
            if response.status != 200:
                raise UsageError(f"bench: {path} was answered {response.status}")
    return octets


def memory(pid):
    """Octets that a process has to itself."""
    text = _of(pid, "smaps_rollup")
    private = [int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_")]
    return 1024 * sum(private)


def processor(pid):
    """Seconds that a process has had of the processor, of its first thread, which is where the loop runs."""
    return int(_of(pid, "schedstat").split()[0]) / 1e9


def _of(pid, name):
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        raise UsageError(
            f"bench: what a process costs is read from /proc/PID/{name}, which Linux has"
        ) from None
