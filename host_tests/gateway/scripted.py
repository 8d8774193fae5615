# SPDX-License-Identifier: MIT
"""A gateway in the test's process, a UE played by aiocoap, and an Application Server played by aiohttp."""

import asyncio
import contextlib
import json
import pathlib
import signal
import sys
import uuid

import aiocoap
import aiohttp
from aiocoap import resource
from aiohttp import web

from tools.gateway.runtime import Gateway, Options
from tools.page.events import Events
from tools.programs.patience import patience
from tools.programs.patience import run as run
from tools.server.settings import Settings

SERVICE = "urn:3gpp:msgin5g"
ROOT = pathlib.Path(__file__).resolve().parents[2]
LONG = 20  # seconds until a test that waits for an event has failed; no test waits that long when it passes


def new_id():
    return str(uuid.uuid4())


@contextlib.asynccontextmanager
async def gateway(store=":memory:", ack_timeout=0.2, clock=None, port=0, **settings):
    """A gateway on free ports, CoAP's may be given, with quick retries; any UE may register."""
    quick = {"open": True, "retry_min": 0.05, "retry_max": 0.2, "segment_gap": 0.15} | settings
    options = Options(
        Settings(**quick), ("127.0.0.1", port), ("127.0.0.1", 0), store, ack_timeout, admin=True
    )
    events = Events()
    journal = Journal(events)
    async with Gateway(options, events, clock) as running:
        running.journal = journal
        yield running


class Journal:
    """All events, to wait on."""

    def __init__(self, events):
        self.all = []
        self._changed = asyncio.Event()
        events.callbacks.append(self._hear)

    def _hear(self, record):
        self.all.append(record)
        self._changed.set()

    def find(self, event, **fields):
        return [r for r in self.all if r["event"] == event and all(r.get(k) == v for k, v in fields.items())]

    async def wait(self, event, count=1, **fields):
        async with patience(LONG):
            while len(self.find(event, **fields)) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.find(event, **fields)[-1]


class Ue(resource.Resource):
    """A device as clause 6 describes it. `inbox` holds the bodies it was sent, each with the answer that it gave.

    `answer(body)` may be replaced to give another code, an aiocoap Message, or None for silence.
    """

    def __init__(self, gateway, name):
        super().__init__()
        self.gateway = gateway
        self.name = name
        self.inbox = asyncio.Queue()
        self.received = []
        self.datagrams = []
        self.answer = lambda body: aiocoap.CHANGED

    async def __aenter__(self):
        site = resource.Site()
        site.add_resource(["msgin5g"], self)
        self._context = await aiocoap.Context.create_server_context(
            site, bind=("127.0.0.1", 0), transports=["udp6"]
        )
        return self

    async def __aexit__(self, *exception):
        await self._context.shutdown()

    async def render_post(self, request):
        body = json.loads(request.payload)
        self.received.append(body)
        self.datagrams.append(request.payload)
        answer = self.answer(body)
        if answer is None:
            return aiocoap.Message(no_response=26)
        self.inbox.put_nowait(body)
        return answer if isinstance(answer, aiocoap.Message) else aiocoap.Message(code=answer)

    async def next(self, msg_type=None):
        """The next body of that type."""
        async with patience(LONG):
            while True:
                body = await self.inbox.get()
                if msg_type in (None, body.get("msgType")):
                    return body

    async def post(self, body, path="msgin5g", code=aiocoap.POST, content_format=50):
        """The whole response; a body of bytes goes as it is."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        uri = "coap://127.0.0.1:%d/%s" % (self.gateway.coap_port, path)
        message = aiocoap.Message(code=code, uri=uri, payload=payload)
        message.opt.content_format = content_format
        async with patience(LONG):
            return await self._context.request(message).response

    async def code(self, body, **more):
        return code_of(await self.post(body, **more))

    def own(self, msg_type, **members):
        head = {"msgIden": SERVICE, "msgType": msg_type, "oriAddr": {"oriAddrType": "UE", "addr": self.name}}
        return head | members

    async def register(self, **members):
        response = await self.post(self.own("REG", **members))
        assert code_of(response) == "2.04"
        return json.loads(response.payload)

    def msg(self, to, payload, to_type="UE", **members):
        """A MSG; members that are None are left out."""
        body = self.own("MSG", destAddr={"destAddrType": to_type, "addr": to}, msgId=new_id(), sfFlag=False)
        body |= members | {"payload": payload}
        return {name: value for name, value in body.items() if value is not None}

    async def send(self, to, payload, to_type="UE", **members):
        """Sends a MSG that must be accepted; its msgId."""
        body = self.msg(to, payload, to_type, **members)
        assert await self.code(body) == "2.04"
        return body["msgId"]

    def segments(self, to, pieces, to_type="UE", msg_id=None, set_id="00112233aabbccdd", **members):
        """The MSGs of a segmented message, in the form of the wire profile."""
        msg_id = msg_id or new_id()
        made = []
        for number, piece in enumerate(pieces, 1):
            params = {"segId": set_id, "totalSegCount": len(pieces), "segNumb": number}
            if number == len(pieces):
                params["lastSegFlag"] = "true"
            made.append(
                self.msg(to, piece, to_type, msgId=msg_id, isSegmented=True, segParams=params, **members)
            )
        return made

    async def report(self, message, delivered=True, cause=None):
        """The IMDN on a MSG that it got."""
        destination = {"destAddrType": message["oriAddr"]["oriAddrType"], "addr": message["oriAddr"]["addr"]}
        body = self.own("IMDN", destAddr=destination, msgId=message["msgId"])
        body["DelSta"] = "success" if delivered else "failure"
        if cause:
            body["Cause"] = cause
        return await self.code(body)

    async def about_set(self, msg_type, set_id, **members):
        return await self.code({"msgIden": SERVICE, "msgType": msg_type, "segId": set_id, **members})


class ApplicationServer:
    """Registers with a target of its own; `inbox` holds what was posted there."""

    def __init__(self, gateway, name="as:weather@example.org"):
        self.gateway = gateway
        self.name = name
        self.inbox = asyncio.Queue()
        self.status = 204

    async def __aenter__(self):
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/in", self._in)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.target = "http://127.0.0.1:%d/in" % self._runner.addresses[0][1]
        self.http = aiohttp.ClientSession("http://127.0.0.1:%d" % self.gateway.http_port)
        return self

    async def __aexit__(self, *exception):
        await self.http.close()
        await self._runner.cleanup()

    async def _in(self, request):
        body = await request.json()
        self.inbox.put_nowait(body)
        status = self.status.pop(0) if isinstance(self.status, list) else self.status
        return web.Response(status=status)

    async def next(self):
        async with patience(LONG):
            return await self.inbox.get()

    async def call(self, path, body, method="POST", **more):
        """(status, JSON body or None, headers)"""
        async with self.http.request(method, path, json=body, **more) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None, response.headers

    async def register(self, **members):
        body = {"asSvcId": self.name, "targetUri": self.target} | members
        status, ack, headers = await self.call("/msgs-asregistration/v1/registrations", body)
        assert status == 201
        return ack, headers["Location"]

    def message(self, to, payload, to_type="UE", **members):
        return {
            "oriAddr": {"addrType": "AS", "addr": self.name},
            "destAddr": {"addrType": to_type, "addr": to},
            "msgId": new_id(),
            "stoAndFwInd": False,
            "payload": payload,
        } | members

    async def deliver(self, body):
        status, ack, _ = await self.call("/msgs-msgdelivery/v1/deliver-as-message", body)
        return status, ack


def code_of(response):
    return "%d.%02d" % (response.code.class_, response.code & 0x1F)


class Process:
    """`msgin5g gateway`, or another program, as a process of its own, to be killed."""

    def __init__(self, folder, *options, program="gateway"):
        self._events = folder / "events.jsonl"
        self._command = [sys.executable, "-m", "tools.cli", program, "--security", "none", "--open"]
        self._command += [
            "--store",
            str(folder / "gateway.db"),
            "--http",
            "127.0.0.1:0",
            "--events",
            str(self._events),
        ]
        self._command += ["--coap-ack-timeout", "0.2", "--retry-min", "0.05", "--retry-max", "0.2", *options]
        self.coap_port = 0

    async def start(self):
        """On the same CoAP port as before."""
        self._events.write_text("")
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            "--coap",
            "127.0.0.1:%d" % self.coap_port,
            stdout=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
        )
        listening = await self.wait("listening")
        self.coap_port = int(listening["coap"].rpartition(":")[2])
        self.http_port = int(listening["http"].rpartition(":")[2])

    async def wait(self, event):
        """The first such event; another process writes them, so the file is looked at until it is there."""
        async with patience(LONG):
            while True:
                for line in self._events.read_text().splitlines():
                    with contextlib.suppress(ValueError):  # a line half written
                        record = json.loads(line)
                        if record["event"] == event:
                            return record
                assert self._process.returncode is None
                await asyncio.sleep(0.01)

    async def kill(self, number=signal.SIGKILL):
        self._process.send_signal(number)
        return await self._process.wait()
