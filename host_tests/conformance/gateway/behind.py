# SPDX-License-Identifier: MIT
"""A Gateway UE between peers that know nothing of it: aiocoap as the MSGin5G Server, and as the UEs; or a UE made by
hand, datagram by datagram, where aiocoap does not take a second response."""

import asyncio
import contextlib
import json
import socket

import aiocoap
from aiocoap import resource

from host_tests.conformance.raw import Keys, Peer
from host_tests.gateway.scripted import LONG, Journal
from tools.gateway import keys as key_files
from tools.gateway.running.apart import GatewayUe
from tools.gateway.running.options import Options
from tools.gateway.runtime import Gateway
from tools.page.events import Events
from tools.programs.patience import patience
from tools.server.settings import Settings
from tools.store.server.configtables import UeConfiguration
from tools.store.store import Store

SERVICE = "urn:3gpp:msgin5g"
GW, A, B = "ue:gw@example.org", "ue:a@example.org", "ue:b@example.org"
UE_IDS = {A: "urn:imei:35-209900-176148-1", B: "urn:imei:35-209900-176149-9"}
CONFIGURATIONS = ("su-uc", "v1", "val-services", SERVICE, "ue-configurations")
LOCAL = ("127.0.0.1", 0)


def own(kind, ue, **members):
    head = {"msgIden": SERVICE, "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": ue}}
    return head | members


def ori(ue):
    return {"oriAddrType": "UE", "addr": ue}


class Upper:
    """The MSGin5G Server: `asked` has each request but the gateway's own registration, as (code, path, query, body).

    `answers[kind]` is an aiocoap Message, or a function of the body that gives one, by msgType, "list" for a DEREG with
    a list, "configuration" and "configurations".
    """

    def __init__(self):
        self.asked = asyncio.Queue()
        self.raw = []
        self.context = None
        self._gateway = None  # where its requests come from
        self.answers = {
            "REG": lambda body: said({"oriAddr": body["oriAddr"], "result": True, "regExpTime": 600}),
            "DEREG": lambda body: said({"oriAddr": body["oriAddr"], "result": True}),
            "BREG": lambda body: self._listed(body, "totalRegCount", "regList"),
            "list": lambda body: self._listed(body, "totalDeregCount", "deregList"),
        }

    @staticmethod
    def _listed(body, count, name):
        done = [{"oriAddr": each["oriAddr"], "result": True} for each in body[name]]
        return said({count: len(done), name: done})

    def answer(self, request, path):
        self._gateway = request.remote.as_response_address()
        body = json.loads(request.payload) if request.payload else {}
        kind = body.get("msgType", "configurations" if "bulkFlag" in body else "configuration")
        if kind == "DEREG" and "deregList" in body:
            kind = "list"
        if not (kind == "REG" and body["oriAddr"]["addr"] == GW):
            self.asked.put_nowait((request.code.name, path, tuple(request.opt.uri_query), body))
            self.raw.append(request.payload)
        answer = self.answers[kind]
        return answer.copy() if isinstance(answer, aiocoap.Message) else answer(body)

    async def next(self):
        async with patience(LONG):
            return await self.asked.get()

    async def push(self, body):
        """What a request of its own to the gateway is answered with, for one of the gateway's UEs."""
        message = aiocoap.Message(code=aiocoap.POST, payload=json.dumps(body).encode(), content_format=50)
        message.remote, message.opt.uri_path = self._gateway, ("msgin5g",)
        async with patience(LONG):
            return await self.context.request(message, handle_blockwise=False).response


class _At(resource.Resource):
    """Its resource at one path."""

    def __init__(self, upper, path):
        super().__init__()
        self._upper, self._path = upper, path

    async def render(self, request):
        return self._upper.answer(request, self._path)


def said(body, code=aiocoap.CHANGED):
    return aiocoap.Message(code=code, payload=json.dumps(body).encode(), content_format=50)


class Scene:
    """`upper`, the server; `gateway`, which `restart` kills and starts anew; `ue(A)`, a UE by aiocoap."""

    def __init__(self, folder, mode, stack, upper, port, serial, function):
        self._folder, self._mode, self._stack, self._function = folder, mode, stack, function
        self._serial = serial
        self._upper_port = port
        self.upper = upper
        self.sections = {}
        self._coap = LOCAL
        self.gateway = None

    async def begin(self):
        store = Store(str(self._folder / "gateway.db"))
        with store.transaction():
            for ue in (A, B):
                if not store.provisioned(ue):
                    self._provision(store, ue)
        store.close()
        events = Events()
        self.journal = Journal(events)
        options = Options(
            Settings(retry_min=0.05, retry_max=0.2),
            self._coap,
            LOCAL,
            str(self._folder / "gateway.db"),
            0.2,
            serial=self._serial,
            security=self._mode,
            name=GW if self._upper_port else None,
            upstream=("127.0.0.1", self._upper_port) if self._upper_port else None,
            function=self._function,
        )
        self.gateway = (GatewayUe if self._upper_port else Gateway)(options, events)
        await self.gateway.__aenter__()
        self._coap = ("127.0.0.1", self.gateway.coap_port)

    def _provision(self, store, ue):
        if self._mode == "oscore":
            self.sections[ue] = key_files.new_section(store.kids_in_use())
            keys = key_files.of_section(ue, self.sections[ue])
            key_files.add(store, ue, keys, ue)
            key_files.add_ue_id(store, UE_IDS[ue], keys, ue)
        else:
            store.add_device(ue)

    def configure(self, ue):
        """At a gateway that is its own server: this UE ID is that UE."""
        store = self.gateway.store
        with store.transaction():
            assert store.put_configuration(UeConfiguration(UE_IDS[ue], ue)) is None

    def provision_ue_id(self, name, ue_id):
        """A device that has this UE ID and a key; `by_hand(name)` is that device."""
        store = self.gateway.store
        with store.transaction():
            self.sections[name] = key_files.new_section(store.kids_in_use())
            key_files.add_ue_id(store, ue_id, key_files.of_section(name, self.sections[name]), name)

    async def restart(self):
        await self.gateway.stop()
        await self.begin()

    async def ue(self, ue):
        return await self._stack.enter_async_context(Peer(self.gateway.coap_port, self.sections.get(ue)))

    def by_hand(self, ue):
        return self._stack.enter_context(
            contextlib.closing(ByHand(self.gateway.coap_port, self.sections.get(ue)))
        )

    async def serve(self, ue, peer):
        """The UE registers to the gateway service, with its UE ID."""
        body = own("GWREG", ue, oriUEAddr=ori(UE_IDS[ue]))
        answer = await peer.ask(body)
        assert json.loads(answer.payload)["result"] is True


@contextlib.asynccontextmanager
async def scene(folder, mode="none", apart=True, serial=(), **function):
    """A Scene; `function`: settings of the gateway function, `serial`: its lines. With `apart` False the gateway is its
    own server."""
    async with contextlib.AsyncExitStack() as stack:
        upper, port = Upper(), None
        if apart:
            site = resource.Site()
            for path in (("msgin5g",), CONFIGURATIONS):
                site.add_resource(path, _At(upper, path))
            context = await aiocoap.Context.create_server_context(site, bind=LOCAL, transports=["udp6"])
            stack.push_async_callback(context.shutdown)
            upper.context = context
            (transport,) = context.request_interfaces
            port = transport.token_interface.message_interface.transport.get_extra_info(
                "socket"
            ).getsockname()[1]
        made = Scene(folder, mode, stack, upper, port, serial, function)
        await made.begin()
        try:
            yield made
        finally:
            await made.gateway.stop()


class ByHand:
    """A UE that is a socket: it keeps its Tokens for as long as it likes. With keys it opens what is bound to the
    request of that Token."""

    def __init__(self, port, section):
        self._to = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(LOCAL)
        self._socket.setblocking(False)
        self._keys = section and Keys(section)
        self._bound = {}
        self._mid = 0

    def close(self):
        self._socket.close()

    def send(self, code, path, token, payload=b"", **options):
        """A Confirmable request."""
        message = aiocoap.Message(code=code, uri_path=path, payload=payload, **options)
        if self._keys:
            message.direction = aiocoap.message.Direction.OUTGOING
            message, self._bound[token] = self._keys.protect(message)
        self._mid += 1
        message.mtype, message.mid, message.token = aiocoap.CON, self._mid, token
        self._socket.sendto(message.encode(), self._to)

    async def hear(self):
        """The next message, opened, with the type, message ID and Token that it came with."""
        async with patience(LONG):
            octets = await asyncio.get_running_loop().sock_recv(self._socket, 2048)
        outer = aiocoap.Message.decode(octets)
        plain = outer
        if outer.opt.oscore is not None:
            plain, _ = self._keys.unprotect(outer, self._bound[outer.token])
            plain.mtype, plain.mid, plain.token = outer.mtype, outer.mid, outer.token
        else:
            assert not (self._keys and outer.payload), "in the clear"
        return plain

    def say(self, mtype, mid):
        """An empty message: ACK or RST."""
        self._socket.sendto(bytes((0x40 | mtype << 4, 0)) + mid.to_bytes(2, "big"), self._to)

    async def ask(self, body, token=b"\x01"):
        """The answer to a POST."""
        self.send(aiocoap.POST, ("msgin5g",), token, json.dumps(body).encode(), content_format=50)
        return await self.hear()

    async def wait(self, ue_id, token):
        """The answer to a GET of its configuration."""
        query = ("ue-uri=" + ue_id,)
        self.send(aiocoap.GET, CONFIGURATIONS, token, uri_query=query, accept=50)
        return await self.hear()
