# SPDX-License-Identifier: MIT
"""A whole gateway on the loopback, two UEs by aiocoap, an Application Server and raw sockets around it; each step is a
tuple of plain values, so that a sequence that fails can be printed as a program and run again."""

import asyncio
import contextlib
import logging
import socket
import tempfile

import aiocoap

from host_tests.gateway.scripted import ApplicationServer, Ue, code_of, gateway
from host_tests.gateway.scripted import run as run_within_time
from tools.programs.patience import patience

UES = ("ue:a", "ue:b")
CODES = {
    "2.04",
    "2.05",
    "4.00",
    "4.01",
    "4.02",
    "4.03",
    "4.04",
    "4.05",
    "4.08",
    "4.13",
    "4.15",
    "4.29",
    "5.01",
    "5.03",
}
STATUS = {200, 201, 202, 204, 400, 403, 404, 405, 413, 415, 429, 503}
FAULTS = ("error", "quarantined", "store-error")
PATHS = ("/msgs-asregistration/v1/registrations", "/msgs-msgdelivery/v1/deliver-as-message")
PATHS += ("/msgs-msgdelivery/v1/deliver-report", "/status.json", "/", "/x")


class World:
    def __init__(self, folder):
        self.store = folder + "/gateway.db"
        self.ues = {}
        self.answers = {}
        self.accepted = {}  # msgId: who it is for
        self.came = []  # (UE, msgId)
        self.failed = set()
        self.numbers = 0
        self.lives = 0

    async def live(self, steps):
        """One life of the gateway; the UEs outlive it."""
        self.lives += 1
        async with (
            gateway(self.store, pending_each=200, hold=0.2) as g,
            ApplicationServer(g, "as:x") as server,
        ):
            self.gateway, self.server = g, server
            self.server.status = 204
            for ue in self.ues.values():
                ue.gateway = g
            await server.register()
            for name, *arguments in steps:
                await getattr(self, "do_" + name)(*arguments)
            if steps and steps[-1] == ("end",):
                async with patience(30):
                    while [each for each in g.snapshot()["pending"] if each["to"] in (*UES, "as:x")]:
                        await asyncio.sleep(0.02)
            while not server.inbox.empty():
                report = server.inbox.get_nowait()
                if report.get("delivSt") == "REPT_DELY_FAILED":
                    self.failed.add(report["msgId"])
            for event in FAULTS:
                assert not g.journal.find(event), g.journal.find(event)

    def answer(self, name, body):
        codes = self.answers.get(name) or ["2.04"]
        self.numbers += 1
        code = codes[self.numbers % len(codes)]
        params = body.get("segParams", {})
        # the parts of a message come in order, and SEGCONFIR is not waited for long
        if (
            code == "2.04"
            and body.get("msgType") == "MSG"
            and params.get("segNumb") == params.get("totalSegCount")
        ):
            self.came.append((name, body["msgId"]))
        if code[:1] in ("2", "4") and body.get("DelSta") == "failure":
            self.failed.add(body["msgId"])
        if not code:
            return None
        class_, detail = code.split(".")
        return aiocoap.Code(int(class_) * 32 + int(detail))

    async def do_register(self, name):
        await self._code(self.ues[name], self.ues[name].own("REG"))

    async def do_send(self, name, to, size, store_forward):
        body = self.ues[name].msg(to, "x" * size, sfFlag=store_forward)
        if await self._code(self.ues[name], body) == "2.04":
            self.accepted[body["msgId"]] = to

    async def do_body(self, name, body):
        await self._code(self.ues[name], body)

    async def do_octets(self, name, octets, path, method, content_format):
        ue = self.ues[name]
        response = await ue.post(octets, path=path, code=aiocoap.Code(method), content_format=content_format)
        assert code_of(response) in CODES, (code_of(response), octets)

    async def do_datagram(self, octets):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as raw:
            raw.sendto(octets, ("127.0.0.1", self.gateway.coap_port))

    async def do_http(self, path, octets, json_):
        headers = {"Content-Type": "application/json"} if json_ else {}
        async with self.server.http.post(path, data=octets, headers=headers) as response:
            assert response.status in STATUS, (response.status, path, octets)
            await response.read()

    async def do_deliver(self, to, size):
        body = self.server.message(to, "y" * size, stoAndFwInd=True)
        status, ack = await self.server.deliver(body)
        assert status in STATUS
        if status == 200 and "failureCause" not in ack:
            self.accepted[body["msgId"]] = to

    async def do_answers(self, name, codes):
        self.answers[name] = codes

    async def do_end(self):
        self.answers.clear()
        for name in self.ues:
            await self.do_register(name)

    async def _code(self, ue, body):
        code = await ue.code(body)
        assert code in CODES, (code, body)
        return code

    def check(self):
        once = [(self.accepted[msg_id], msg_id) for msg_id in self.accepted if msg_id not in self.failed]
        lost = [each for each in once if each[0] in UES and each not in self.came]
        assert not lost, "lost: %s" % lost
        if self.lives == 1:  # what a gateway had no answer to when it ended comes again
            assert len(self.came) == len(set(self.came)), "twice: %s" % self.came


class Tracebacks(logging.Handler):
    """Collects what a log must not hold."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.seen = []

    def emit(self, record):
        self.seen.append(self.format(record))


async def _run(steps):
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder)
        async with contextlib.AsyncExitStack() as stack:
            for name in UES:
                ue = world.ues[name] = await stack.enter_async_context(Ue(None, name))
                ue.answer = lambda body, name=name: world.answer(name, body)
            lives = [[("register", name) for name in UES]]
            for step in [*steps, ("end",)]:
                if step[0] == "restart":
                    lives.append([])
                else:
                    lives[-1].append(tuple(step))
            for life in lives:
                await world.live(life)
        world.check()


def run(steps):
    log = Tracebacks()
    logging.getLogger().addHandler(log)
    try:
        run_within_time(_run(steps))
    finally:
        logging.getLogger().removeHandler(log)
    assert not log.seen, "in the log: %s" % log.seen[0]
