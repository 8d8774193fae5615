# SPDX-License-Identifier: MIT
"""An MSGin5G Server that knows a Gateway UE, UEs behind it and one beside it, all played by aiocoap."""

import asyncio
import contextlib
import json
import signal
import sys

from host_tests.conformance.raw import Peer
from host_tests.gateway.scripted import ROOT, Journal
from tools.gateway import keys as key_files
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.page.events import Events
from tools.programs.patience import patience
from tools.server.settings import Settings
from tools.store.store import Store

SERVICE = "urn:3gpp:msgin5g"
GW, A = "ue:gw@example.org", "ue:display@example.org"
UES = ["ue:s%d@example.org" % number for number in range(200)]


def own(kind, ue, **members):
    head = {"msgIden": SERVICE, "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": ue}}
    return head | members


def msg(from_, to, number=1, kind="UE", **members):
    head = {"destAddr": {"destAddrType": kind, "addr": to}, "sfFlag": False, "payload": "21.5"}
    return own("MSG", from_, msgId="0e4a8ac6-54a9-4d2c-8a6c-%012d" % number, **(head | members))


def provisioned(folder, mode):
    """(the store's file, {UE Service ID: its section `security`}): a gateway, the UEs behind it, and one beside it."""
    path = str(folder / "server.db")
    store, sections = Store(path), {}
    with store.transaction():
        for ue in (GW, A):
            store.add_device(ue)
            if mode == "oscore":
                sections[ue] = key_files.new_section(store.kids_in_use())
                key_files.add(store, ue, key_files.of_section(ue, sections[ue]), ue)
        store.add_gateway(GW)
        for ue in UES:
            store.add_device(ue)
            store.put_behind(ue, GW)
        store.add_device("ue:foreign")
    store.close()
    return path, sections


@contextlib.asynccontextmanager
async def scene(folder, mode, registered=True, **more):
    """(the events of a server, the Gateway UE, a UE beside it); both are registered, where that is wanted."""
    path, sections = provisioned(folder, mode)
    settings = Settings(retry_min=0.05, retry_max=0.2, **more)
    events = Events()
    journal = Journal(events)
    options = Options(settings, ("127.0.0.1", 0), ("127.0.0.1", 0), path, ack_timeout=0.2, security=mode)
    async with ServerProgram(options, events) as server:
        port = server.coap_port
        async with Peer(port, sections.get(GW)) as gateway, Peer(port, sections.get(A)) as display:
            for peer, ue in ((gateway, GW), (display, A)) if registered else ():
                answer = await peer.ask(own("REG", ue))
                assert json.loads(answer.payload)["result"] is True
            yield journal, gateway, display


class Killable:
    """`msgin5g server` as a process, each time on the same port."""

    def __init__(self, folder, path, mode):
        self._events = folder / "events.jsonl"
        self._command = [sys.executable, "-m", "tools.cli", "server", "--store", path, "--security", mode]
        self._command += ["--http", "127.0.0.1:0", "--events", str(self._events), "--coap-ack-timeout", "0.2"]
        self._command += ["--retry-min", "0.05", "--retry-max", "0.2"]
        self.port = 0

    async def __aenter__(self):
        await self.start()
        return self

    async def __aexit__(self, *exception):
        await self.kill()

    async def start(self):
        self._events.write_text("")
        self._process = await asyncio.create_subprocess_exec(
            *self._command, "--coap", "127.0.0.1:%d" % self.port, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
        )
        self.port = int((await self.event("listening"))["coap"].rpartition(":")[2])

    async def event(self, name):
        """Another process writes them, so the file is looked at until it is there."""
        async with patience(20):
            while True:
                for line in self._events.read_text().splitlines(keepends=True):
                    if line.endswith("\n") and json.loads(line)["event"] == name:
                        return json.loads(line)
                assert self._process.returncode is None
                await asyncio.sleep(0.01)

    async def kill(self):
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
