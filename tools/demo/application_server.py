# SPDX-License-Identifier: MIT
"""An Application Server (tools/application) for who looks back at all that came, and waits for what is to be seen."""

import asyncio
import contextlib

import aiohttp

from tools import application
from tools.demo.feed import Feed


class ApplicationServer:
    """An async context manager, which registers when it is told to, and stays. `messages` and `reports` hold what came,
    each a Message or a Report, once."""

    def __init__(self, service_id, gateway, reports=True, token=None):
        """`gateway` is (host, port) of its HTTP; `reports`: whether it reports the delivery of what asks for it;
        `token`: what `msgin5g gateway as add` printed, where the gateway wants one."""
        self.service_id = service_id
        self.gateway = gateway
        self.messages = Feed()
        self.reports = Feed()
        self._token = token
        self._server = application.ApplicationServer(
            service_id,
            "http://%s:%d" % gateway,
            token=token,
            reports=reports,
            stay=True,
            register=False,
            on_report=self.reports.add,
        )
        self._server.patience = 0

    async def __aenter__(self):
        await self._server.__aenter__()
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *exception):
        self._following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._following
        await self._server.__aexit__(*exception)

    async def _follow(self):
        async for message in self._server.messages():
            self.messages.add(message)

    @property
    def target(self):
        return self._server.target

    @property
    def repeated(self):
        return self._server.repeated

    async def register(self):
        """Raises application.ServerError, as `send`."""
        await self._server.register()

    async def send(self, to, payload, report=True, message_id=None, kind="UE", store=False):
        """To a UE, or to another `kind` of recipient; the message ID. Sent again with the same ID it is still one
        message. `store` has it kept for a recipient that is away."""
        more = {"report": report, "message_id": message_id, "to_type": kind, "store": store}
        return (await self._server.send(to, payload, **more)).message_id

    async def status(self):
        """What the gateway says of itself."""
        headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        async with aiohttp.ClientSession(self._server.server, headers=headers) as http:
            async with http.get("/status.json") as response:
                return await response.json()

    async def message(self, wanted, what):
        """The first Message that `wanted(message)` is true of."""
        return await self.messages.until(wanted, f"the Application Server to receive {what}")

    async def report(self, message_id):
        """The Report on a message of its own."""
        return await self.reports.until(
            lambda report: report.message_id == message_id,
            f"the Application Server to receive the report on {message_id}",
        )
