# SPDX-License-Identifier: MIT
"""The running programs of a story, and their ends without a warning."""

import collections
import contextlib
import logging
import time

from tools.gateway.running.apart import GatewayUe
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.page.events import Events
from tools.server.settings import Settings
from tools.store.server.grouptables import NORMAL, Member
from tools.store.store import Store

HERE = ("127.0.0.1", 0)


class Programs:
    """`server` and `gateways` of now. `events` counts what they told, `told` has what the server told of messages."""

    def __init__(self, folder, **settings):
        self._folder, self._settings = folder, settings
        self.events = collections.Counter()
        self.kills = 0
        self.server, self.gateways = None, [None, None]
        self._ports = {}

    def provision(self, behind, groups):
        """Tell the server of the gateways, and who is behind each: {UE Service ID: number of its gateway}; and of the
        groups: {group ID: the UE Service IDs of its members}."""
        store = Store(self.store("server"))
        with store.transaction():
            for number in range(len(self.gateways)):
                store.add_device(gateway(number))
                store.add_gateway(gateway(number))
            for ue, number in behind.items():
                store.add_device(ue)
                store.put_behind(ue, gateway(number))
            for id_, members in groups.items():
                store.add_group(id_, NORMAL, None, time.time(), {}, [Member(ue) for ue in members])
        store.close()

    def store(self, name):
        return "%s/%s.db" % (self._folder, name)

    async def begin(self, name):
        """Start "server", or a gateway by its number, on the store that the last one left, where it was."""
        port = self._ports.get(name, 0)
        made = {
            "settings": Settings(**self._settings),
            "coap": ("127.0.0.1", port),
            "http": HERE,
            "store": self.store(name),
        }
        events = Events()
        events.callbacks.append(lambda record: self.events.update([record["event"]]))
        if name == "server":
            self.server = program = ServerProgram(Options(**made), events)
        else:
            made |= {"name": gateway(name), "upstream": ("127.0.0.1", self._ports["server"])}
            made["function"] = {"bulk_configuration": "registered", "gateway_ues": self._settings["ues"]}
            self.gateways[name] = program = GatewayUe(Options(**made), events)
        await program.__aenter__()
        self._ports[name] = program.coap_port
        return program

    def peer(self, name):
        """The URI of a program, for a device."""
        return "coap://127.0.0.1:%d" % self._ports[name]

    async def kill(self, name):
        """As kill -9 leaves it: nothing more is stored, sent or told, and what was not committed is gone."""
        self.kills += 1
        program = self.server if name == "server" else self.gateways[name]
        program.events.callbacks.clear()
        program.store.close()
        for transport in _datagrams(program):
            transport.close()
        logging.disable(logging.CRITICAL)  # what its last tasks say of the closed store is said by nobody
        try:
            with contextlib.suppress(Exception):
                await program.stop()
        finally:
            logging.disable(logging.NOTSET)

    async def end(self):
        for program in (*self.gateways, self.server):
            await program.stop()


def gateway(number):
    return "ue:gateway-%d@example.org" % number


def _datagrams(program):
    """The UDP transports of a program."""
    found = [program.coap] + ([program.north.coap] if hasattr(program, "north") else [])
    for each in found:
        for interface in each._context.request_interfaces:
            transport = getattr(interface.token_interface.message_interface, "transport", None)
            if transport is not None:
                yield transport
