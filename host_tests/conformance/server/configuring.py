# SPDX-License-Identifier: MIT
"""An MSGin5G Server with configurations of UEs in its store, and aiocoap as the UE or Gateway UE that asks for them."""

import asyncio
import contextlib
import json
import subprocess
import sys

import aiocoap

from host_tests.conformance.raw import Peer
from host_tests.gateway.scripted import ROOT, Journal
from tools.gateway import keys as key_files
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.page.events import Events
from tools.programs.patience import patience
from tools.server.settings import Settings
from tools.store.server.configtables import UeConfiguration
from tools.store.store import Store

SERVICE = "urn:3gpp:msgin5g"
PATH = ("su-uc", "v1", "val-services", SERVICE, "ue-configurations")
IMEI, OTHER_IMEI = "urn:imei:35-209900-176148-1", "urn:imei:35-209900-176149-9"
UE, OTHER_UE, GW = "ue:s1@example.org", "ue:s2@example.org", "ue:gw@example.org"


def own(kind, ue, **members):
    head = {"msgIden": SERVICE, "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": ue}}
    return head | members


def provisioned(folder, mode):
    """(the store's file, the section `security` of a UE ID or of the Gateway UE in mode oscore): IMEI is UE, with
    segments of 1024, OTHER_IMEI is OTHER_UE."""
    path, sections = str(folder / "server.db"), {}
    store = Store(path)
    with store.transaction():
        for ue_id, ue, size in ((IMEI, UE, 1024), (OTHER_IMEI, OTHER_UE, None)):
            if mode == "oscore":
                sections[ue_id] = key_files.new_section(store.kids_in_use())
                key_files.add_ue_id(store, ue_id, key_files.of_section(ue_id, sections[ue_id]), ue_id)
            assert store.put_configuration(UeConfiguration(ue_id, ue, seg_size=size)) is None
        store.add_device(GW)
        store.add_gateway(GW)
        if mode == "oscore":
            sections[GW] = key_files.new_section(store.kids_in_use())
            key_files.add(store, GW, key_files.of_section(GW, sections[GW]), GW)
    store.close()
    return path, sections


class Scene:
    """`ask(who, ...)` is a request of the UE with that UE ID, or of the Gateway UE."""

    def __init__(self, server, path, sections, stack, journal):
        self.server = server
        self.path = path
        self.journal = journal
        self._sections = sections
        self._stack = stack
        self._peers = {}

    async def peer(self, who):
        if who not in self._peers:
            made = Peer(self.server.coap_port, self._sections.get(who))
            self._peers[who] = await self._stack.enter_async_context(made)
        return self._peers[who]

    async def ask(self, who, *query, code=aiocoap.GET, path=PATH, **more):
        return await (await self.peer(who)).request(code, path, uri_query=query, **more)

    async def code(self, *arguments, **more):
        return (await self.ask(*arguments, **more)).code.dotted

    async def document(self, who, *query, **more):
        """The one document of the answer."""
        answer = await self.ask(who, *query, **more)
        assert answer.code.dotted == "2.05", answer.payload
        (document,) = json.loads(answer.payload)
        return document

    async def register(self, who, ue):
        answer = await (await self.peer(who)).ask(own("REG", ue))
        assert answer.code.dotted == "2.04", answer.payload
        return json.loads(answer.payload)

    async def command(self, *words):
        """`msgin5g gateway ...` beside the running server; its output."""
        command = [sys.executable, "-m", "tools.gateway", *words, "--store", self.path]
        done = await _finished(command)
        assert done.returncode == 0, done.stderr
        return done.stdout


async def _finished(command):
    async with patience(60):
        return await asyncio.to_thread(
            subprocess.run, command, cwd=ROOT, capture_output=True, text=True, check=False
        )


@contextlib.asynccontextmanager
async def scene(folder, mode, **settings):
    path, sections = provisioned(folder, mode)
    async with serving(path, mode, **settings) as (server, journal), contextlib.AsyncExitStack() as stack:
        yield Scene(server, path, sections, stack, journal)


@contextlib.asynccontextmanager
async def serving(path, mode, **settings):
    """(an MSGin5G Server with that store, its events). In mode none it is open."""
    events = Events()
    journal = Journal(events)
    given = Settings(**{"open": mode == "none", "retry_min": 0.05, "retry_max": 0.2} | settings)
    options = Options(given, ("127.0.0.1", 0), ("127.0.0.1", 0), path, ack_timeout=0.2, security=mode)
    async with ServerProgram(options, events) as server:
        yield server, journal
