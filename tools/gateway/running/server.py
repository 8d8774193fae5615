# SPDX-License-Identifier: MIT
"""A running MSGin5G Server: CoAP toward UEs and Gateway UEs (MSGin5G-1), HTTP toward Application Servers."""

import asyncio
import contextlib
import socket
from dataclasses import replace

from tools.gateway.running.base import LOOK, Running
from tools.gateway.running.runs import AHEAD, Runs
from tools.gateway.sending import Sender
from tools.page import status
from tools.server import counters
from tools.server.callers import Callers
from tools.server.delivery.pushes import DONE
from tools.server.flood import PERIOD
from tools.server.server import Server
from tools.server.unrecorded import Unrecorded
from tools.store.faults import DATABASE_ERRORS
from tools.store.opening import open_store
from tools.transport.arrival.strays import Strays
from tools.transport.coap import PATH, SMALL
from tools.transport.paths import Path
from tools.transport.web.http import HttpTransport
from tools.wire.answers import Refusal, Request
from tools.wire.bodies import Address
from tools.wire.identity import plain


class ServerProgram(Running):
    """`server` decides."""

    mode = "server"

    def __init__(self, options, events=None, clock=None):
        super().__init__(options, events, clock)
        self._open_lines()
        settings = options.settings
        binding, guard = self.secured()
        settings = replace(settings, ahead=AHEAD, protected=guard is not None)
        self.server = Server(self.store, settings, self._emit, binding)
        self.decisions = (self.server,)
        self.sends_as = settings.own
        self.windows = self.server.turns.windows
        self.windows.on_spoke.append(self.history.alive)
        self.coap = self.south(guard, self._is_registered, self._handle, self._topic, self._limit_for)
        self.decisions += self.rekeys(guard, self._where)
        self.coap.begin = self._begin
        self.coap.serve("su-uc", self._configuration)
        self.coap.serve("su-gm", self._groups)
        self.coap.serve(counters.PATH, self._counters, Path)
        callers = Callers(self.store, self.events.emit, options.http[0], options.http_hosts)
        self.http = HttpTransport(
            self.server,
            self._event,
            self.view,
            self.snapshot,
            self.measured,
            self.body_limit,
            options.admin,
            callers,
            self.why_not_ready,
            self.tls,
        )
        self.transports = (*self.lines, self.http, self.coap)
        self.store.told["look"] = self._observed
        self.unrecorded = Unrecorded(self._record, self._later)
        self._sender = Sender(self, self._event, self._emit_error)
        self._runs = Runs(self._sender.send, self._may_go)

    def _open_lines(self):
        """Where a program has `lines`, it makes them here."""

    def set_aside(self, culprit, error, now):
        self.server.isolation.set_aside(*culprit, error, now)

    def opened(self, where):
        node = self.options.node or "%s:%s" % (socket.gethostname(), self.options.coap[1])
        return open_store(where, node=node)

    def changed(self):
        for each in self.coap.paths:
            each.look()

    def status_parts(self, now):
        return super().status_parts(now) | status.of_server(self, now)

    async def listen(self):
        self.server.exposure.listens_at(self.http_uri)
        await super().listen()
        if self.server.is_node:
            self.store.told["spent"] = self._hear_spent
            self.task(self._tell_spent())
            door = self.coap.door
            door.strays = strays = Strays(door, self._find_stray, self.task)
            self.store.told["datagram"] = strays.hear

    async def _find_stray(self, address, octets):
        try:
            return await self._event(self._pass_on, plain(address), address, octets)
        except Refusal:  # the store is not working: nobody knows
            return True

    def _pass_on(self, peer, address, octets, now):
        for ue in sorted(self.store.ues_at(peer, now)):
            node = self.store.node_of(Address("UE", ue), now)
            if node not in (None, self.store.node):
                self.store.tell("datagram", [list(address), octets.hex()], node)
                return True
        return False

    async def _tell_spent(self):
        """What sources of requests have spent is one budget at all nodes."""
        while True:
            await asyncio.sleep(PERIOD)
            spent = self.server.take_spent(PERIOD)
            if spent:  # by itself: a round of requests that are refused writes nothing, and tells nothing
                with contextlib.suppress(*DATABASE_ERRORS):  # the next ones are told when it is back
                    self.store.tell("spent", spent)

    def _hear_spent(self, spent, node):
        self.server.spent_elsewhere(spent, self.clock())

    def stopping(self):
        self.unrecorded.stop()

    # ---- requests ----------------------------------------------------------------------------------------------------

    def _handle(self, peer, request):
        return self._answer("request", peer, self._decide(peer, request))

    def _begin(self, peer, request, respond):
        """For the transport: the same of a POST, without a task for it; whether that can be."""
        self._respond(respond, "request", peer, self._served, peer, request)
        return True

    async def _decide(self, peer, request):
        return await self._event(self._served, peer, request)

    def _served(self, peer, request, now):
        return self.server.request(peer, request.content_format, request.payload, now)

    def _request(self, peer, content_format, octets):
        """A POST to the service, by itself."""
        return self._handle(peer, Request("POST", (PATH,), payload=octets, content_format=content_format))

    def _topic(self, peer, topic, observe, content_format, octets):
        event = self._event(self.server.topic, peer, topic, observe, content_format, octets)
        return self._answer("topic", peer, event)

    async def _configuration(self, peer, request):
        await self._in_a_window(peer, request)
        return await self._configure(peer, request)

    async def _in_a_window(self, peer, request):
        """What is looked at again for who observes it waits until one of the UEs there can be told."""
        while request.again and (pause := self._sleeps(peer)) is not None:
            await asyncio.sleep(min(pause, LOOK))

    def _sleeps(self, peer):
        try:
            return self.server.sleeps(peer, self.clock())
        except Exception:  # the store cannot be read: the look will tell why
            return None

    def _configure(self, peer, request):
        return self._answer("configuration", peer, self._event(self._configured, peer, request))

    def _configured(self, peer, request, now):
        return self.server.configuration(peer, request, now)

    async def _groups(self, peer, request):
        await self._in_a_window(peer, request)
        return await self._manage(peer, request)

    async def _manage(self, peer, request):
        answer = await self._answer("groups", peer, self._event(self._managed, peer, request))
        if request.code != "GET" and answer.about:
            self._observed(answer.about)
            if self.store.node is not None:
                self.quietly(self._tell_observed, sorted(answer.about))
        return answer

    def _tell_observed(self, names, now):
        self.store.tell("look", names)

    def _observed(self, names, node=None):
        """What has one of these names has changed, here or at another node: who observes it hears of it."""
        for each in self.coap.paths:
            each.look(frozenset(names))

    def _managed(self, peer, request, now):
        return self.server.groups(peer, request, now)

    async def _counters(self, peer, request):
        return self.counted(await self._answer("counters", peer, self._event(self._count, peer, request)))

    def _count(self, peer, request, now):
        return self.server.count(peer, request, now)

    def _where(self, ue, now):
        if not self.store.serves(Address("UE", ue), now):
            return None
        registration = self.store.registration(ue, now)
        return None if registration is None or registration.via is not None else registration.peer

    def _limit_for(self, peer):
        return self.body_limit if self._is_registered(peer) else SMALL

    def _is_registered(self, peer):
        try:
            return self.server.is_registered(peer, self.clock())
        except Exception:  # the store cannot be read: the request itself will tell why
            return False

    # ---- pushes ------------------------------------------------------------------------------------------------------

    async def begin(self, decisions, item):
        with self._runs.begun(item) as run:
            outcome = await run.send()
            await self.unrecorded.add(item, outcome)

    def _may_go(self, push):
        return not self.draining.begun and self.server.may_go(push)

    async def _record(self, push, outcome):
        try:
            await self._event(self.server.outcome, push, outcome)
        except Exception as failure:
            if isinstance(failure, Refusal) and failure.answer.code == "5.03":
                raise
            error = failure.__cause__ or failure
            error.taken = outcome.verdict == DONE
            await self._event(self.server.broken, push, error)
