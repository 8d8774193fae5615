# SPDX-License-Identifier: MIT
"""Real devices (the firmware on MicroPython) and the real gateway, as processes of their own."""

import asyncio
import contextlib
from pathlib import Path

from tools.demo.application_server import ApplicationServer
from tools.demo.processes import Device, Gateway

UE = "ue:sensor-1@example.org"
AS = "as:weather@example.org"
APPS = Path(__file__).with_name("apps")


def run(coroutine, seconds=60):
    """`seconds` ends a test that hangs; none comes near it."""
    return asyncio.run(asyncio.wait_for(coroutine, seconds))


def config(port, **more):
    """Of a device whose peer is at this port of 127.0.0.1."""
    return {
        "role": "client",
        "ue_service_id": UE,
        "peer": f"coap://127.0.0.1:{port}",
        "security": {"mode": "none"},
        **more,
    }


@contextlib.asynccontextmanager
async def gateway_and_server(folder, *arguments, reports=True):
    """A running (Gateway, ApplicationServer), the second registered with the first."""
    folder.mkdir(exist_ok=True)
    async with Gateway(folder, "--open", *arguments) as gateway:
        async with ApplicationServer(AS, gateway.http, reports) as server:
            await server.register()
            yield gateway, server


def device(folder, app, port, heap="192k", **more):
    """A Device with one of the applications in apps/, not started yet."""
    made = Device(folder / "device", APPS / app, heap)
    made.configure(config(port, **more))
    return made
