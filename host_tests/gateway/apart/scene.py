# SPDX-License-Identifier: MIT
"""A server, and a Gateway UE before it: two programs in one process, each with a socket and a store of its own."""

import contextlib

from host_tests.gateway.scripted import Journal
from tools.gateway.running.apart import GatewayUe
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.page.events import Events
from tools.server.settings import Settings

GATEWAY = "ue:gw@example.org"
LOCAL = ("127.0.0.1", 0)
QUICK = {"open": True, "retry_min": 0.05, "retry_max": 0.2, "segment_gap": 0.15}


@contextlib.asynccontextmanager
async def server(store=":memory:", ues=(), coap=LOCAL, **settings):
    """A ServerProgram at which the gateway is added, and `ues` behind it."""
    events = Events()
    journal = Journal(events)
    program = ServerProgram(Options(Settings(**QUICK | settings), coap, LOCAL, store, 0.2), events)
    with program.store.transaction():
        program.store.add_device(GATEWAY)
        program.store.add_gateway(GATEWAY)
        for ue in ues:
            program.store.add_device(ue)
            program.store.put_behind(ue, GATEWAY)
    async with program:
        program.journal = journal
        yield program


@contextlib.asynccontextmanager
async def gateway(port, store=":memory:", coap=LOCAL, function=(), ack_timeout=0.2, name=GATEWAY, **settings):
    """A GatewayUe whose server is at this port of 127.0.0.1."""
    events = Events()
    journal = Journal(events)
    options = Options(
        Settings(**QUICK | settings),
        coap,
        LOCAL,
        store,
        ack_timeout,
        name=name,
        upstream=("127.0.0.1", port),
        function=dict(function),
    )
    async with GatewayUe(options, events) as program:
        program.journal = journal
        yield program


@contextlib.asynccontextmanager
async def both(ues=(), **settings):
    """(gateway, server), once the one is registered at the other."""
    async with server(ues=ues, **settings) as upper, gateway(upper.coap_port, **settings) as lower:
        await upper.journal.wait("registered", ue=GATEWAY)
        yield lower, upper
