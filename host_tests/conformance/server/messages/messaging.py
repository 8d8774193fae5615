# SPDX-License-Identifier: MIT
"""Two UEs that are aiocoap and keep the requests that they get, an Application Server that is aiohttp, and the server
between them."""

import contextlib
import json

import aiocoap

from host_tests.conformance.raw import Peer
from host_tests.conformance.server.registering import GW, A, own, provisioned
from host_tests.conformance.server.topics.test_29_538_5_4_server import WEATHER, Raw
from host_tests.gateway.scripted import Journal
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.page.events import Events
from tools.programs.patience import run
from tools.server.settings import Settings

AS = WEATHER


class Keeper(Peer):
    """`requests` are those that it got. `answers`: codes and payloads for the next ones, before `code` counts."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.requests, self.answers = [], []

    async def render_post(self, request):
        self.requests.append(request)
        usual = await super().render_post(request)
        if not self.answers:
            return usual
        code, payload = self.answers.pop(0)
        return aiocoap.Message(code=code, payload=payload)

    async def some(self, count):
        """The next so many bodies."""
        return [await self.next() for _ in range(count)]


@contextlib.asynccontextmanager
async def scene(folder, mode="none", registered=True, sizes=(None, None), **settings):
    """(events, one UE, another one, an Application Server), all registered where that is wanted."""
    path, sections = provisioned(folder, mode)
    events = Events()
    options = Options(
        Settings(retry_min=0.05, retry_max=0.2, **settings),
        ("127.0.0.1", 0),
        ("127.0.0.1", 0),
        path,
        ack_timeout=0.2,
        security=mode,
    )
    async with ServerProgram(options, events) as server:
        port = server.coap_port
        async with (
            Keeper(port, sections.get(GW)) as one,
            Keeper(port, sections.get(A)) as other,
            Raw(server.http_port, AS) as weather,
        ):
            await weather.register()
            for peer, ue, size in ((one, GW, sizes[0]), (other, A, sizes[1])) if registered else ():
                profile = {"cliProfile": {"maxSegSize": size}} if size else {}
                answer = await peer.ask(own("REG", ue, **profile))
                assert json.loads(answer.payload)["result"] is True
            yield Journal(events), one, other, weather


def play(folder, story, **more):
    """Runs story(events, one UE, another one, an Application Server) in a scene."""

    async def talk():
        async with scene(folder, **more) as actors:
            await story(*actors)

    run(talk())


def name(number):
    """A msgId."""
    return "0e4a8ac6-54a9-4d2c-8a6c-%012d" % number


def elements(count, size=20, first=100, **members):
    return [
        {"msgId": name(first + number), "payload": ("%02d" % number).ljust(size, "."), **members}
        for number in range(count)
    ]


def written(listed):
    return len(json.dumps(listed, separators=(",", ":")))


def aggregate(from_, to, listed, number=1, kind="UE", **members):
    head = {"destAddr": {"destAddrType": kind, "addr": to}, "msgId": name(number), "sfFlag": False}
    return own("MSG", from_, **(head | members), totalMsgCount=len(listed), msgList=listed)


def report(from_, to, number=1, kind="UE", **members):
    head = {"destAddr": {"destAddrType": kind, "addr": to}, "msgId": name(number), "DelSta": "success"}
    return own("IMDN", from_, **(head | members))


def reports(from_, to, listed, kind="UE"):
    head = {"destAddr": {"destAddrType": kind, "addr": to}, "msgId": listed[0]["msgId"]}
    return own("IMDN", from_, **head, totalMsgCount=len(listed), msgList=listed)
