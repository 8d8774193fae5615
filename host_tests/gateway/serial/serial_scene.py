# SPDX-License-Identifier: MIT
"""A gateway at one end of a cable, with an Application Server behind it and an application provisioned."""

import contextlib

from host_tests.gateway.scripted import ApplicationServer, Journal
from host_tests.gateway.serial.serial_device import OWN
from tools.gateway.applications import digest
from tools.gateway.runtime import Gateway, Options
from tools.line.cable import Cable
from tools.page.events import Events
from tools.server.settings import Settings

AS = "as:weather@example.org"
TARGET = {"l3+uart": "weather.example.org", "coap+uart": AS}
FORMATS = sorted(TARGET)


@contextlib.asynccontextmanager
async def scene(timeout=0.1, max_frame=1152, cable=None, name=AS, **settings):
    """(cable, gateway, application server). The cable's end 0 is the device's. No UE may register on its own."""
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
        async with Gateway(options, events) as gateway:
            gateway.journal = journal
            with gateway.store.transaction():
                gateway.store.add_application(7, OWN, digest(bytes.fromhex("c0ffee")))
                gateway.store.add_device(OWN)
                for address in ("weather.example.org", "192.0.2.1", "2001:db8::1"):
                    gateway.store.add_target(address, name)
            async with ApplicationServer(gateway, name) as server:
                await server.register()
                yield cable, gateway, server


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
