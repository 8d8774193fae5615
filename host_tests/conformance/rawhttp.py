# SPDX-License-Identifier: MIT
"""A peer of the HTTP side that knows nothing of MSGin5G: aiohttp as it is, and bodies that a test writes."""

import asyncio

import aiohttp
from aiohttp import web

from tools.programs.patience import patience

LONG = 20  # s, until a test that waits for something has failed


class HttpPeer:
    """`inbox` holds (path, body) of what was asked of it at `uri`, `methods` how, each answered with `status` and
    `said`; `ask` asks the server at `http`, "http://HOST:PORT"."""

    def __init__(self, http, token=None):
        self.http = http
        self.status, self.said = 200, None
        self.inbox = asyncio.Queue()
        self.methods = []
        self._headers = {"Authorization": "Bearer " + token} if token else {}

    async def __aenter__(self):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._taken)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.uri = "http://127.0.0.1:%d" % self._runner.addresses[0][1]
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *exception):
        await self._session.close()
        await self._runner.cleanup()

    async def _taken(self, request):
        self.methods.append(request.method)
        self.inbox.put_nowait((request.path, await request.json() if request.can_read_body else None))
        if self.said is None:
            return web.Response(status=self.status)
        return web.json_response(self.said, status=self.status)

    async def next(self):
        async with patience(LONG):
            return await self.inbox.get()

    async def ask(self, method, path, body=None):
        """(status, the JSON of the answer or None, its headers)."""
        async with (
            patience(LONG),
            self._session.request(method, self.http + path, json=body, headers=self._headers) as answer,
        ):
            text = await answer.text()
            return answer.status, (await answer.json(content_type=None)) if text else None, answer.headers
