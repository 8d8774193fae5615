# SPDX-License-Identifier: MIT
"""An Application Server: the HTTP of TS 29.538 toward the MSGin5G Server, and a place where it is posted to.
What it has in common with others who have that is in Posted."""

import uuid

import aiohttp
from aiohttp import web

from tools.demo.feed import Feed, Unseen

REGISTRATIONS = "/msgs-asregistration/v1/registrations"
DELIVER_MESSAGE = "/msgs-msgdelivery/v1/deliver-as-message"
DELIVER_REPORT = "/msgs-msgdelivery/v1/deliver-report"


class Posted:
    """An async context manager. `messages` and `reports` hold what it was sent, each body as it came, and each once: a
    server that did not hear our answer posts it again, which `repeated` counts. A subclass says who it is: `paths`
    where it is posted to, `own(message)`, the Address that it reports a message for.
    """

    paths: tuple[str, ...] = ()

    def __init__(self, gateway, reports=True, token=None, port=0):
        """`gateway` is (host, port) of its HTTP; `reports`: whether it reports the delivery of what asks for it;
        `token`: what `msgin5g gateway as add` printed, where the gateway wants one; `port`: where it listens, 0 for
        any. The first and the third may be set later, too."""
        self.gateway = gateway
        self.token = token
        self.messages = Feed()
        self.reports = Feed()
        self.repeated = 0
        self._reports = reports
        self._port = port

    def own(self, message):
        raise NotImplementedError

    async def __aenter__(self):
        app = web.Application(client_max_size=1 << 22)
        for path in self.paths:
            app.router.add_post(path, self._posted)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.uri = "http://127.0.0.1:%d" % self._runner.addresses[0][1]
        self._http = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *exception):
        await self._http.close()
        await self._runner.cleanup()

    async def _posted(self, request):
        body = await request.json()
        # Only a DeliveryStatusReport has `delivSt`.
        feed = self.reports if "delivSt" in body else self.messages
        if any(_same(body, known) for known in feed.items):
            self.repeated += 1
        else:
            await feed.add(body)
        if feed is self.messages and self._reports and body.get("delivStReqInd"):
            try:
                await self._report(body)
            except (ConnectionError, aiohttp.ClientError):
                return web.Response(status=503)  # it comes again, and so does the report
        return web.Response(status=204)

    async def _report(self, message):
        """DeliveryStatusReport on a message that it got."""
        body = {
            "oriAddr": self.own(message),
            "destAddr": message["oriAddr"],
            "msgId": message["msgId"],
            "delivSt": "REPT_DELY_SUCCESS",
        }
        await self._post(DELIVER_REPORT, body)

    async def _post(self, path, body):
        async with self._http.post(self._at(path), json=body, headers=self._headers()) as response:
            if response.status >= 300:
                raise ConnectionError(f"{path}: {response.status} {await response.text()}")
            return await response.json()

    def _headers(self):
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def _at(self, path):
        return "http://%s:%d%s" % (*self.gateway, path)


def _same(body, known):
    return all(body.get(name) == known.get(name) for name in ("msgId", "oriAddr", "destAddr"))


class ApplicationServer(Posted):
    paths = ("/msgin5g",)

    def __init__(self, service_id, gateway, reports=True, token=None):
        super().__init__(gateway, reports, token)
        self.service_id = service_id

    @property
    def target(self):
        return self.uri + self.paths[0]

    def own(self, message):
        return {"addrType": "AS", "addr": self.service_id}

    async def register(self):
        """ASRegistration, with the URI that it wants to be posted to."""
        await self._post(REGISTRATIONS, {"asSvcId": self.service_id, "targetUri": self.target})

    async def send(self, to, payload, report=True, message_id=None, kind="UE", store=False):
        """ASMessageDelivery to a UE, or to another `kind` of recipient; the message ID. Sent again with the same ID it
        is still one message. `store` has it kept for a recipient that is away."""
        message_id = message_id or str(uuid.uuid4())
        body = {
            "oriAddr": {"addrType": "AS", "addr": self.service_id},
            "destAddr": {"addrType": kind, "addr": to},
            "msgId": message_id,
            "stoAndFwInd": store,
            "delivStReqInd": report,
            "payload": payload,
        }
        ack = await self._post(DELIVER_MESSAGE, body)
        if ack.get("status") == "DELY_FAILED":
            raise Unseen(
                f"expected the server to take a message for {to}, it said: {ack.get('failureCause')}"
            )
        return message_id

    async def status(self):
        """What the gateway says of itself."""
        async with self._http.get(self._at("/status.json"), headers=self._headers()) as response:
            return await response.json()

    async def message(self, wanted, what):
        """The first message that `wanted(body)` is true of."""
        return await self.messages.until(wanted, f"the Application Server to receive {what}")

    async def report(self, message_id):
        """The delivery report on a message of its own."""
        return await self.reports.until(
            lambda body: body["msgId"] == message_id,
            f"the Application Server to receive the report on {message_id}",
        )
