# SPDX-License-Identifier: MIT
"""A server, and a Gateway UE before it: two programs in one process, each with a socket and a store of its own."""

import contextlib

from host_tests.gateway.scripted import Journal
from tools.gateway import keys as key_files
from tools.gateway.keys import of_section
from tools.gateway.running.apart import GatewayUe, own_keys
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.gateway.runtime import Gateway
from tools.page.events import Events
from tools.server.settings import Settings

GATEWAY = "ue:gw@example.org"
LOCAL = ("127.0.0.1", 0)
QUICK = {"open": True, "retry_min": 0.05, "retry_max": 0.2, "segment_gap": 0.15}


@contextlib.asynccontextmanager
async def server(store=":memory:", ues=(), coap=LOCAL, key=None, **settings):
    """A ServerProgram at which the gateway is added, and `ues` behind it. `key`: the gateway's, a section `security`;
    without one there is no OSCORE."""
    events = Events()
    journal = Journal(events)
    options = Options(Settings(**QUICK | settings), coap, LOCAL, store, 0.2, security=_mode(key))
    program = ServerProgram(options, events)
    with program.store.transaction():
        program.store.add_device(GATEWAY)
        program.store.add_gateway(GATEWAY)
        if key:
            assert program.store.bind_keys(GATEWAY, of_section("", key)) is None
        for ue in ues:
            program.store.add_device(ue)
            program.store.put_behind(ue, GATEWAY)
    async with program:
        program.journal = journal
        yield program


@contextlib.asynccontextmanager
async def gateway(
    port, store=":memory:", coap=LOCAL, function=(), ack_timeout=0.2, key=None, devices=(), **settings
):
    """A GatewayUe whose server is at this port. `key` as above; `devices`: {ue: its section `security`}."""
    events = Events()
    journal = Journal(events)
    options = Options(
        Settings(**QUICK | settings),
        coap,
        LOCAL,
        store,
        ack_timeout,
        security=_mode(key),
        name=GATEWAY,
        upstream=("127.0.0.1", port),
        upstream_keys=own_keys(of_section("", key)) if key else None,
        function=dict(function),
    )
    program = GatewayUe(options, events)
    with program.store.transaction():
        for ue, section in dict(devices).items():
            key_files.add(program.store, ue, of_section("", section), "")
    async with program:
        program.journal = journal
        yield program


def _mode(key):
    return "oscore" if key else "none"


@contextlib.asynccontextmanager
async def combined(store=":memory:", coap=LOCAL, function=(), **settings):
    """A Gateway with its server in the same program."""
    events = Events()
    journal = Journal(events)
    options = Options(Settings(**QUICK | settings), coap, LOCAL, store, 0.2, function=dict(function))
    async with Gateway(options, events) as program:
        program.journal = journal
        yield program


@contextlib.asynccontextmanager
async def both(ues=(), **settings):
    """(gateway, server), once the one is registered at the other."""
    async with server(ues=ues, **settings) as upper, gateway(upper.coap_port, **settings) as lower:
        await upper.journal.wait("registered", ue=GATEWAY)
        yield lower, upper
