# SPDX-License-Identifier: MIT
"""A running Gateway UE: devices and applications on one side (MSGin5G-6, MSGin5G-5), its server on the other
(MSGin5G-1). What the gateway function does not answer itself goes on to the server unchanged."""

import asyncio
import time
from dataclasses import replace

from tools.gateway import applications, arriving
from tools.gateway.function.asks import Ask
from tools.gateway.function.function import GatewayFunction
from tools.gateway.function.passed import passed
from tools.gateway.function.ways import OF_SEGMENTS
from tools.gateway.running.asking import asked_elsewhere
from tools.gateway.running.base import Running
from tools.gateway.running.behind import Behind, refused
from tools.gateway.running.membership import Membership
from tools.gateway.running.options import function_settings
from tools.gateway.running.upstream import Upstream
from tools.gateway.sending import Sender
from tools.page import status
from tools.server import counters
from tools.server.callers import Callers
from tools.server.delivery.pushes import DONE, NOT_FOUND, REFUSED
from tools.server.unrecorded import Unrecorded
from tools.transport.coap import PATH, SMALL, Unanswered
from tools.transport.departure.north import North
from tools.transport.web.http import HttpTransport
from tools.wire import bodies, l3
from tools.wire.a3 import is_json_of_application
from tools.wire.answers import Answer, Refusal, Request
from tools.wire.bodies import Malformed

PATIENCE = (
    1.5  # s that an application waits for the server: less than a device does before it repeats (l3.timeout)
)
_KNOWN = 4096  # peers that something of was taken, the longest silent first


class GatewayUe(Behind, Running):
    """`options.upstream` says where the server is; `options.name` is the gateway's UE Service ID."""

    mode = "gateway"

    def __init__(self, options, events=None, clock=None):
        super().__init__(options, events, clock)
        self._open_lines()
        settings = options.settings
        binding, guard = self.secured()
        north_keys = options.upstream_keys
        self.function = GatewayFunction(
            self.store,
            function_settings(options, ue=options.name, protected=north_keys is not None),
            self._emit,
            binding=binding,
        )
        self.decisions = (self.function,)
        self.windows = self.function.windows
        self.windows.on_spoke.append(self.history.alive)
        self._known = {}
        self._asking = {}  # what applications ask, by what it is: the task
        self.coap = self.south(guard, self._is_known, self._handle, None, self._limit_for)
        self.decisions += self.rekeys(guard, self.store.way)
        self.north = North(
            self._pushed,
            options.upstream,
            self.events.emit,
            options.ack_timeout,
            self.store,
            north_keys,
            options.name,
        )
        membership = Membership(options.name, settings.service, settings.lifetime)
        self.upstream = Upstream(self.north.ask, membership, time.monotonic, self.events.emit, self._joined)
        callers = Callers(self.store, self.events.emit, options.http[0], options.http_hosts)
        self.http = HttpTransport(
            None,
            self._event,
            self.view,
            self.snapshot,
            self.measured,
            self.body_limit,
            callers=callers,
            why_not=self.why_not_ready,
            tls=self.tls,
        )
        self.transports = (*self.lines, self.http, self.coap, self.north)
        self.unrecorded = Unrecorded(self._record, self._later)
        self.unasked = Unrecorded(self._note_answer, self._later)
        self._sender = Sender(self, self._event, self._emit_error)
        self._set_up(settings, None)

    async def listen(self):
        await super().listen()
        await self.north.start()

    def open(self):
        super().open()
        self.task(self.upstream.keep())

    def stopping(self):
        super().stopping()
        self.unrecorded.stop()
        self.unasked.stop()

    def status_parts(self, now):
        return super().status_parts(now) | {
            "upstream": {"address": "%s:%d" % self.options.upstream, **self.upstream.state},
            "served": lambda: self.store.count_served(now),
            "resting": lambda: status.resting(self.function),
            "refused": self.function.refused,
            "unheard": self.north.refused,
        }

    def _joined(self):
        """The gateway is registered: a server that had forgotten it may have forgotten what is behind it, too."""
        self.quietly(self.function.registered)
        self.task(self._refreshed())

    # ---- requests of devices -----------------------------------------------------------------------------------------

    async def _handle(self, peer, request):
        """The Answer to a request of a device, whatever happens."""
        try:
            return await self._decide(peer, request)
        except Refusal as refusal:
            return refusal.answer
        except Exception as error:
            self._emit_error("request", error, peer=str(peer))
            return Answer("5.00", None, "an error of the gateway's own; it is told there")

    async def _decide(self, peer, request):
        if request.path == (PATH,) and request.code == "POST" and is_json_of_application(request.payload):
            return await self._json.answer(peer, request.payload)
        if request.path == (counters.PATH,):
            return self.counted(await self._event(self.function.count, peer, request))
        answer = await self._forward(peer, request)
        if answer.code[0] == "2":
            self._known.pop(peer, None)
            self._known[peer] = True
            if len(self._known) > _KNOWN:
                del self._known[next(iter(self._known))]
        return answer

    async def _forward(self, peer, request):
        answer = await self._event(self.function.request, peer, request)
        if answer is not None:
            return answer
        answer = await self.upstream.ask(request, self._principal(peer))
        # Where that cannot be noted here, the device comes again, and the server says the same once more.
        await self._event(self.function.forwarded, peer, request, answer)
        return answer

    def _principal(self, peer):
        """Whose share of the room toward the server a request takes: its key's, its address's once something of it was
        taken, or what all others of a host have together."""
        known = peer in self._known or applications.is_peer(peer)
        return getattr(peer, "identity", None) or (peer if known else peer.host)

    def _is_known(self, peer):
        return peer in self._known

    def _limit_for(self, peer):
        return self.body_limit if peer in self._known or hasattr(peer, "identity") else SMALL

    # ---- applications ------------------------------------------------------------------------------------------------

    async def _of_application(self, method, *arguments):
        if hasattr(method, "steps"):
            return await asked_elsewhere(self._event, self._ask_for, method, arguments)
        return await super()._of_application(method, *arguments)

    async def _ask_for(self, question):
        """The server's Answer to what an application asks."""
        peer, content_format, octets = question
        return await self._forward(
            peer, Request("POST", (PATH,), payload=octets, content_format=content_format)
        )

    async def _application_event(self, method, *arguments):
        """Nothing is answered for that the server has not answered for. Where it takes long, the application is told
        so before it asks again; asked again meanwhile, it gets the answer to its first question."""
        key = method.__name__, arguments
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = self.task(self._of_application(method, *arguments))
            task.add_done_callback(
                lambda task: self._asking.pop(key) and not task.cancelled() and task.exception()
            )
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(task)
        except TimeoutError:
            raise applications.RefusedError(l3.CONGESTION) from None
        except Refusal as refusal:
            raise refused(refusal) from refusal

    # ---- requests of the server --------------------------------------------------------------------------------------

    async def _pushed(self, server, request):
        """The Answer to a request of the server's: that of the device which it is for."""
        try:
            if request.path != (PATH,):
                return Answer("4.04", None, "only /%s is here" % PATH)
            if request.code != "POST":
                return Answer("4.05", None, "only POST is answered here")
            body = bodies.parse(request.payload)
            ue, where = await self._event(self.function.recipient, body)
            if applications.is_peer(where):
                body = arriving.read(body)
                return _of_outcome(await self._sender.to_application(where, body), body["msgType"])
            answer = await self.coap.relay(where, request, ue)
            told = passed(body, where, answer.code, down=True)
            if told:
                self.events.emit("passed", **told)
            return answer
        except Malformed as error:
            return Answer("4.00", None, str(error))
        except Refusal as refusal:
            return refusal.answer
        except Exception as error:
            self._emit_error("push", error)
            return Answer("5.00", None, "an error of the gateway's own; it is told there")

    # ---- what the gateway does by itself -----------------------------------------------------------------------------

    async def begin(self, decisions, item):
        if isinstance(item, Ask):
            try:
                answer = await self.upstream.ask(item.request, None)
            except Unanswered:
                answer = None
            await self.unasked.add(item, answer)
        else:
            outcome = await self._sender.send(item)
            await self.unrecorded.add(item, outcome)

    def _record(self, push, outcome):
        return self.note_down(self.function.outcome, push, outcome)

    def _note_answer(self, ask, answer):
        return self.note_down(self.function.asked, ask, answer)


def own_keys(keys):
    """The Keys of a gateway's key file, which are as its server has them, as it uses them itself."""
    return replace(keys, sender_id=keys.recipient_id, recipient_id=keys.sender_id)


def _of_outcome(outcome, kind):
    """The Answer to a push of this kind to applications. 4.04 would say that their UE is not here, and end its
    registration at the server: what one of them does not take is no reason for that."""
    if outcome.verdict == DONE:
        return Answer("2.04")
    code, _, detail = outcome.detail.partition(" ")
    if code == NOT_FOUND and kind not in OF_SEGMENTS:
        code = "4.03"
    if outcome.verdict == REFUSED:
        known = code[:2] in ("4.", "5.") and len(code) == 4
        return Answer(code, None, detail) if known else Answer("4.00", None, outcome.detail)
    return Answer("5.03", None, outcome.detail, max_age=int(outcome.max_age or 5))
