# SPDX-License-Identifier: MIT
"""Three nodes in this process that serve one device by one key, from one database."""

import asyncio
import contextlib
import json
import uuid

from host_tests.gateway.devices import UE
from host_tests.nodes.wire import Device
from tools.gateway import keys as key_files
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.page.events import Events
from tools.server.settings import Settings
from tools.store.faults import StoreError
from tools.store.opening import open_store

HERE = "127.0.0.1", 0
NAMES = "a", "b", "c"
SERVICE = "urn:3gpp:msgin5g"


def registration():
    origin = {"oriAddrType": "UE", "addr": UE}
    return json.dumps({"msgIden": SERVICE, "msgType": "REG", "oriAddr": origin, "cliProfile": {}}).encode()


def message():
    """To itself, so that the node has something to bring it."""
    return json.dumps(
        {
            "msgIden": SERVICE,
            "msgType": "MSG",
            "oriAddr": {"oriAddrType": "UE", "addr": UE},
            "destAddr": {"destAddrType": "UE", "addr": UE},
            "msgId": str(uuid.uuid4()),
            "sfFlag": True,
            "payload": "words",
        }
    ).encode()


class Nodes:
    """`self[name]`: a running program; `ports`: where they listen."""

    def __init__(self, uri, section):
        self._uri, self._stacks, self.programs, self.ports = uri, {}, {}, {}
        self.section = section

    async def start(self, name):
        options = Options(Settings(), HERE, HERE, self._uri, ack_timeout=0.3, security="oscore", node=name)
        async with asyncio.timeout(10):  # until the database has noticed that the one before it is gone
            while True:
                try:
                    program = ServerProgram(options, Events(out=None))
                    break
                except StoreError:
                    await asyncio.sleep(0.1)
        stack = self._stacks[name] = contextlib.AsyncExitStack()
        self.programs[name] = await stack.enter_async_context(program)
        self.ports[name] = program.coap_port

    async def stop(self, name, at_once=False):
        """`at_once`: as when it is killed: what it has not written by now is not."""
        program = self.programs.pop(name)
        del self.ports[name]
        if at_once:
            for each in (program.store._main, program.store._aside):
                each.cut()
        await self._stacks.pop(name).aclose()

    def __getitem__(self, name):
        return self.programs[name]


@contextlib.asynccontextmanager
async def three(uri):
    section = key_files.new_section(())
    with contextlib.closing(open_store(uri)) as store, store.transaction():
        store.add_device(UE)
        assert store.bind_keys(UE, key_files.of_section("here", section)) is None
    nodes = Nodes(uri, section)
    device = Device(section)
    try:
        for name in NAMES:
            await nodes.start(name)
        yield nodes, device
    finally:
        for name in tuple(nodes.programs):
            await nodes.stop(name)
        device.close()


async def ask(device, port, body, limit=3):
    """The code, and how many challenges came before it; what the firmware does: once more with the Echo."""
    asked = device.make(body)
    challenges = 0
    while True:
        device.send(port, asked.octets)
        code, echo, _ = await device.response(asked)
        if code != "4.01" or echo is None or challenges == limit:
            return code, challenges
        challenges += 1
        asked = device.make(body, echo)


def in_order(device):
    assert not device.nonces.used_twice()
    for asked in device.asked.values():
        assert len(asked.wholes) <= 1, asked.number  # nor do two nodes say the same to it
