# SPDX-License-Identifier: MIT
"""The Application Server: registered as long as it is open, sends, takes, reports."""

import asyncio
import contextlib
import datetime
import socket
import urllib.parse
import uuid
import weakref

from tools.application.calls import Calls, Refused, ServerError
from tools.application.posted import Posted
from tools.application.values import Message, Report, Sent, message_body
from tools.server.hosts import is_loopback

REGISTRATIONS = "/msgs-asregistration/v1/registrations"
DELIVERY = "/msgs-msgdelivery/v1/"
TOPICS = "/msgs-topiclistevent/v1/"
SERVER = "http://127.0.0.1:8065"
AGAIN = 60  # s between registrations: a server that lost its store knows it again after that
SOON = 5  # s where it did not take the last one
PATIENCE = 30  # s for what passes


class ApplicationServer:
    """An async context manager, registered with the MSGin5G Server (TS 23.554 clause 8.2.2) from its beginning to its
    end.

    `service_id`: its AS Service ID. `server`: URI of the MSGin5G Server's HTTP side. `token`: what
    `msgin5g gateway as add` printed, where the server wants one. `listen`: (host, port) where the server finds it; by
    default this machine's address toward the server, and any port; `target`: the URI that the server is to use instead,
    of a proxy whose path ends here. `reports`: whether it reports the delivery of each message that asks for it, once
    it was taken. `stay`: it stays registered at its end, and what is sent to it meanwhile waits at the server.
    `register`: False for one that another program has registered, whose reports and messages go there. The
    attribute `patience`: what passes (nobody there, 503) is asked again for so many seconds.
    `on_report(report)` hears each Report, also those that nobody waits for. `on_trouble(sentence)` hears when nobody
    answers at the server's URI, and when somebody does again.

    Entering it raises NotReachable, Refused, and OSError where it cannot listen.
    """

    def __init__(
        self,
        service_id,
        server=SERVER,
        *,
        token=None,
        listen=None,
        target=None,
        reports=True,
        stay=False,
        register=True,
        on_report=None,
        on_trouble=None,
    ):
        self.service_id = service_id
        self.server = server
        self.target = target
        self._given_target = target
        self._calls = Calls(server, token, on_trouble)
        self._listen = listen
        self._reports = reports
        self._stay = stay
        self.patience = PATIENCE
        self._on_report = on_report
        self._posted = Posted(self._reported if reports else None, self._hear, self._message)
        self._sent = weakref.WeakValueDictionary()  # by message ID: who waits for a report holds it
        self._register_first = register
        self._registration = ""
        self._subscribed = {}  # topics, in order
        self._keeping = self._leaving = None

    async def __aenter__(self):
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._calls)
            stack.push_async_callback(self._leave)
            stack.push_async_callback(self._posted.close)
            await self._open()
            if self._register_first:
                await self.register()
            self._exit = stack.pop_all()
        return self

    async def __aexit__(self, kind, *more):
        if kind is not None:
            self._posted.give_back()  # at once, before the loop that failed is closed
        await self._exit.aclose()

    @property
    def address(self):
        """Its address of TS 29.538."""
        return {"addrType": "AS", "addr": self.service_id}

    # ---- messages ----------------------------------------------------------------------------------------------------

    async def send(
        self,
        to,
        payload,
        *,
        to_type="UE",
        report=False,
        store=True,
        seconds=None,
        message_id=None,
        application_id=None,
        priority=None,
    ):
        """Sends `payload`, text or octets, to a service ID (`to_type`: UE, GROUP, TOPIC, or BC for a broadcast area);
        the Sent, once it is on the server's disk. `report`: its recipient is to report on it. `store`: it is kept for a
        recipient that is away, for so many `seconds`, None for as long as the server keeps it. `message_id`: sent
        twice, it is one message; by default a new one. `priority`: HIGH, NORMAL or LOW.

        Raises Refused, also for a recipient that nobody knows; NotReachable; TypeError and ValueError for what is no
        payload, and ValueError for a time that no calendar has.
        """
        message_id = str(uuid.uuid4()) if message_id is None else message_id
        body = message_body(
            self.address, {"addrType": to_type, "addr": to}, message_id, payload, store, report
        )
        if application_id is not None:
            body["appId"] = application_id
        if priority is not None:
            body["priority"] = priority
        if store and seconds is not None:
            body["stoAndFwParams"] = {"exprTime": _moment(seconds)}
        sent = Sent(message_id, False)
        if report:
            self._sent[message_id] = sent  # its report may be here before the answer
        said, _ = await self._calls.post(DELIVERY + "deliver-as-message", body, self.patience)
        if said.get("status") == "DELY_FAILED":
            cause = said.get("failureCause") or "it does not say why"
            cause += "; it has never registered there, or its name is another" * (
                cause == "unknown recipient"
            )
            raise Refused("%s cannot deliver it to %s: %s" % (self.server, to, cause), 200)
        sent.stored = said.get("status") == "DELY_STORED"
        return sent

    def messages(self):
        """An async iterator of whole messages, each once, as they come. With the next step of the loop, or `break`, one
        is taken: the server has its answer, its sender the report. What the program was busy with when it died, or when
        an error ended this context, comes again."""
        return self._posted.each()

    @property
    def repeated(self):
        """Messages and reports that the server brought again, which it does where our answer was lost."""
        return self._posted.repeated

    async def subscribe(self, *topics, seconds=None):
        """What others send to these topics comes here, until `seconds` are over, or as long as it is registered.
        Raises Refused, NotReachable."""
        more = {} if seconds is None else {"exprTime": _moment(seconds)}
        await self._topics("request-topic-subscription", topics, more)
        if seconds is None:
            self._subscribed |= dict.fromkeys(topics)

    async def unsubscribe(self, *topics):
        """Ends that. Raises Refused, NotReachable."""
        for topic in topics:
            self._subscribed.pop(topic, None)
        await self._topics("request-topic-unsubscription", topics, {})

    async def _topics(self, call, topics, more):
        await self._calls.post(
            TOPICS + call, {"oriAddr": self.address, "msgTopics": list(topics), **more}, self.patience
        )

    # ---- what came ---------------------------------------------------------------------------------------------------

    def _message(self, body):
        return Message(body, self._tell)

    def _hear(self, report):
        sent = self._sent.get(report.message_id)
        if sent is not None:
            sent.hear(report)
        if self._on_report is not None:
            self._on_report(report)

    async def _reported(self, message):
        """Whether the server took the report; what it never takes counts as that."""
        try:
            await self._tell(message, True, "")
        except Refused as refused:
            return not refused.passes and refused.status < 500
        except ServerError:
            return False
        return True

    async def _tell(self, message, delivered, cause):
        report = Report(self.service_id, message.message_id, delivered, cause, message.sender)
        await self._calls.post(DELIVERY + "deliver-report", report.body("AS", message.sender_type))

    # ---- being there -------------------------------------------------------------------------------------------------

    async def _open(self):
        own = None
        if self._listen is None or self._listen[0] in ("0.0.0.0", "::"):
            try:
                own = await _own_address(self.server)
            except OSError as error:
                raise self._calls.unreachable(error) from None
        host, port = self._listen or (own, 0)
        port = await self._posted.listen(host, port)
        shown = own or host
        if self._given_target is None:
            shown = "[%s]" % shown if ":" in shown else shown
            self.target = "http://%s:%d%s" % (shown, port, self._posted.path)

    async def register(self):
        """Registers it, for who did not at the beginning. Raises Refused, NotReachable."""
        await self._register()
        if self._keeping is None:
            self._leaving = asyncio.Event()
            self._keeping = asyncio.create_task(self._keep())

    async def _register(self):
        body = {"asSvcId": self.service_id, "targetUri": self.target}
        _, self._registration = await self._calls.post(REGISTRATIONS, body)

    async def _keep(self):
        """A server that lost its store knows it again, and one that rests before it tries again does so at once."""
        rest = AGAIN
        while not await self._left(rest):
            try:
                await self._register()
                if self._subscribed:
                    await self.subscribe(*self._subscribed)
                rest = AGAIN
            except ServerError:
                rest = SOON

    async def _left(self, seconds):
        """Whether it is left within that time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._leaving.wait()
        return self._leaving.is_set()

    async def _leave(self):
        if self._keeping is None:
            return
        # A registration that is under way is waited for: torn, it might be made after it was taken back.
        self._leaving.set()
        keeping, self._keeping = self._keeping, None
        try:
            await asyncio.wait((keeping,))
        finally:
            keeping.cancel()
        if not self._stay:
            with contextlib.suppress(ServerError):
                await self._calls.delete(self._registration)


def _moment(seconds):
    try:
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError("seconds=%r is later than any calendar has" % seconds) from None
    return until.strftime("%Y-%m-%dT%H:%M:%SZ")


async def _own_address(server):
    """This machine's address on the way to the server; nothing is sent for that. Raises OSError."""
    parts = urllib.parse.urlsplit(server)
    if parts.hostname == "localhost" or is_loopback(parts.hostname):
        return "127.0.0.1"
    look_up = asyncio.get_running_loop().getaddrinfo
    found = await look_up(parts.hostname, parts.port or 80, type=socket.SOCK_DGRAM)
    family, type_, protocol, _, address = found[0]
    with socket.socket(family, type_, protocol) as probe:
        probe.connect(address)
        return probe.getsockname()[0]
