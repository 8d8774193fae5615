# SPDX-License-Identifier: MIT
"""An MSGin5G Server with UEs that are aiocoap, and what they ask of its group management, with bodies made and read
here."""

import asyncio
import contextlib
import json
import subprocess
import sys
import uuid
from urllib.parse import unquote

import aiocoap
import cbor2

from host_tests.conformance.raw import Peer
from host_tests.conformance.rawhttp import HttpPeer
from host_tests.gateway.scripted import ROOT as ROOT_FOLDER
from host_tests.gateway.scripted import Journal
from tools.gateway import keys as key_files
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.page.events import Events
from tools.programs.patience import patience
from tools.server.settings import Settings
from tools.store.server.configtables import UeConfiguration
from tools.store.store import Store

SERVICE = "urn:3gpp:msgin5g"
ROOT = ("su-gm", "v1")
DOCUMENTS = (*ROOT, "group-documents")
A, B, C, D = ("ue:%s@example.org" % name for name in "abcd")
ODD = "ue:o/d d?#%@example.org"  # a URI has to escape all of that
UE_ID = "urn:imei:35-209900-176148-1"  # of C
GROUP = "group:valves@example.org"
GET, POST, PUT, DELETE = aiocoap.GET, aiocoap.POST, aiocoap.PUT, aiocoap.DELETE


def own(kind, ue, **members):
    head = {"msgIden": SERVICE, "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": ue}}
    return head | members


def msg(from_, to=GROUP, kind="GROUP", **members):
    head = {"destAddr": {"destAddrType": kind, "addr": to}, "msgId": str(uuid.uuid4()), "payload": "21.5"}
    return own("MSG", from_, **(head | members))


def entry(ue, kind="IMPLICIT", **more):
    return {"memberId": {"valUserId": ue}, "membershipType": kind} | more


def document(*entries, id_=GROUP, category="NORMAL", **more):
    return {"valGroupId": id_, "category": category, "memberDetails": list(entries)} | more


def path_of(uri):
    """The Uri-Path of a resUri, whatever stands before its path."""
    path = uri.partition("://")[2].partition("/")[2] if "://" in uri else uri.lstrip("/")
    return tuple(unquote(each) for each in path.split("/"))


def entry_of(ue, document):
    (found,) = [each for each in document["memberDetails"] if each["memberId"] == {"valUserId": ue}]
    return found


class Scene:
    """`peers`: the UEs, by UE Service ID, registered; `ask(ue, code, path, body, ...)` is a request of one."""

    def __init__(self, program, journal, path):
        self.program = program
        self.journal = journal
        self.path = path
        self.peers = {}

    async def ask(self, ue, code, path, body=None, query=(), **options):
        if body is not None:
            encode = (
                cbor2.dumps
                if options.get("content_format") == 60
                else lambda value: json.dumps(value).encode()
            )
            options = {"content_format": 50, "payload": encode(body)} | options
        return await self.peers[ue].request(code, path, uri_query=tuple(query), **options)

    async def code(self, *arguments, **more):
        answer = await self.ask(*arguments, **more)
        if not answer.code.is_successful():
            assert answer.payload  # why
        return answer.code.dotted

    async def read(self, *arguments, **more):
        answer = await self.ask(*arguments, **more)
        assert answer.code.dotted == "2.05", answer.payload
        return json.loads(answer.payload)

    async def create(self, ue, made):
        """(the path of the document, the document as it was answered)."""
        answer = await self.ask(ue, POST, DOCUMENTS, made)
        assert answer.code.dotted == "2.01", answer.payload
        return tuple(answer.opt.location_path), json.loads(answer.payload)

    async def join(self, ue, document, registered=True):
        mine = entry_of(ue, document)
        body = {each: mine[each] for each in ("memberId", "membershipType")}
        body["membershipState"] = {"registered": registered}
        return await self.code(ue, PUT, path_of(mine["resUri"]), body)

    async def command(self, *words):
        """`msgin5g server ...` beside the running server; its output."""
        command = [sys.executable, "-m", "tools.cli", "server", *words, "--store", self.path]
        async with patience(60):
            done = await asyncio.to_thread(
                subprocess.run, command, cwd=ROOT_FOLDER, capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def send(self, ue, *arguments, **members):
        """The msgId of a message that was taken."""
        body = msg(ue, *arguments, **members)
        assert await self.peers[ue].code_of(body) == "2.04"
        return body["msgId"]


def provisioned(folder, mode, ues):
    """(the store's file, {UE Service ID: its section `security`})"""
    path, sections = str(folder / "server.db"), {}
    store = Store(path)
    with store.transaction():
        for ue in ues:
            store.add_device(ue)
            if mode == "oscore":
                sections[ue] = key_files.new_section(store.kids_in_use())
                key_files.add(store, ue, key_files.of_section(ue, sections[ue]), ue)
        assert store.put_configuration(UeConfiguration(UE_ID, C)) is None
    store.close()
    return path, sections


@contextlib.asynccontextmanager
async def scene(folder, mode="none", ues=(A, B, C, D, ODD), away=(), **settings):
    """`away`: who is not registered."""
    path, sections = provisioned(folder, mode, ues)
    events = Events()
    journal = Journal(events)
    given = Settings(**{"retry_min": 0.05, "retry_max": 0.2} | settings)
    options = Options(given, ("127.0.0.1", 0), ("127.0.0.1", 0), path, ack_timeout=0.2, security=mode)
    async with ServerProgram(options, events) as program, contextlib.AsyncExitStack() as stack:
        made = Scene(program, journal, path)
        for ue in ues:
            made.peers[ue] = await stack.enter_async_context(Peer(program.coap_port, sections.get(ue)))
            if ue not in away:
                assert await made.peers[ue].code_of(own("REG", ue)) == "2.04"
        yield made


@contextlib.asynccontextmanager
async def application_server(server, id_):
    """An Application Server that is registered: an HttpPeer."""
    async with HttpPeer("http://127.0.0.1:%d" % server.program.http_port) as made:
        body = {"asSvcId": id_, "targetUri": made.uri + "/in"}
        status, _, _ = await made.ask("POST", "/msgs-asregistration/v1/registrations", body)
        assert status == 201
        yield made
