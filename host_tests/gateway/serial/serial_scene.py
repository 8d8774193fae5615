# SPDX-License-Identifier: MIT
"""A gateway at one end of a cable, with an Application Server behind it and an application provisioned: the gateway
and its server in one program, or apart."""

import contextlib
from dataclasses import replace

from host_tests.gateway.apart.scene import GATEWAY
from host_tests.gateway.scripted import ApplicationServer, Journal
from host_tests.gateway.serial.serial_device import OWN
from tools.gateway.applications import digest
from tools.gateway.running.apart import GatewayUe
from tools.gateway.running.server import ServerProgram
from tools.gateway.runtime import Gateway, Options
from tools.line.cable import Cable
from tools.page.events import Events
from tools.server.settings import Settings

AS = "as:weather@example.org"
TARGET = {"l3+uart": "weather.example.org", "coap+uart": AS}
FORMATS = sorted(TARGET)


COMBINED, APART = "combined", "apart"
PROGRAMS = COMBINED  # what `scene` makes: one program, or a Gateway UE and a server


@contextlib.asynccontextmanager
async def scene(timeout=0.1, max_frame=1152, cable=None, name=AS, **settings):
    """(cable, gateway, application server). The cable's end 0 is the device's. No UE may register on its own. The
    gateway's `journal` has the events of its server, too."""
    quick = {"retry_min": 0.05, "retry_max": 0.2, "segment_gap": 0.15} | settings
    async with cable or Cable() as cable:
        options = Options(
            Settings(**quick),
            ("127.0.0.1", 0),
            ("127.0.0.1", 0),
            ":memory:",
            timeout,
            True,
            (cable.ends[1],),
            115200,
            max_frame,
        )
        events = Events()
        journal = Journal(events)
        async with PLAYED[PROGRAMS](options, events, journal) as (gateway, upper):
            gateway.journal = journal
            with gateway.store.transaction():
                gateway.store.add_application(7, OWN, digest(bytes.fromhex("c0ffee")))
                gateway.store.add_device(OWN)
                for address in ("weather.example.org", "192.0.2.1", "2001:db8::1"):
                    gateway.store.add_target(address, name)
            async with ApplicationServer(upper, name) as server:
                await server.register()
                yield cable, gateway, server


@contextlib.asynccontextmanager
async def _combined(options, events, journal):
    async with Gateway(options, events) as gateway:
        yield gateway, gateway


@contextlib.asynccontextmanager
async def _apart(options, events, journal):
    above = Events()
    above.callbacks.extend(events.callbacks)
    async with ServerProgram(replace(options, serial=()), above) as upper:
        with upper.store.transaction():
            upper.store.add_device(GATEWAY)
            upper.store.add_gateway(GATEWAY)
            upper.store.add_device(OWN)
            upper.store.put_behind(OWN, GATEWAY)
        where = ("127.0.0.1", upper.coap_port)
        async with GatewayUe(replace(options, name=GATEWAY, upstream=where), events) as lower:
            await journal.wait("upstream-registered")
            yield lower, upper


PLAYED = {COMBINED: _combined, APART: _apart}


async def report_on(server, got, delivered=True):
    """The Application Server's report on a message that it got."""
    body = {
        "oriAddr": {"addrType": "AS", "addr": AS},
        "destAddr": {"addrType": "UE", "addr": OWN},
        "msgId": got["msgId"],
        "delivSt": "REPT_DELY_SUCCESS" if delivered else "REPT_DELY_FAILED",
    }
    status, _, _ = await server.call("/msgs-msgdelivery/v1/deliver-report", body)
    assert status == 200
