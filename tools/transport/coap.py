# SPDX-License-Identifier: MIT
"""CoAP by aiocoap: the /msgin5g resource and the topics below it, and pushes to devices.

What aiocoap does not do by itself and is done here: a bound on bodies that come in blocks (RFC 7959), unknown critical
options (RFC 7252 section 5.4.1), a limit on the wait for a separate response, a port of its own (`arrival.port`).
"""

import asyncio
import inspect
import os
import time

import aiocoap
from aiocoap import error, oscore, resource
from aiocoap.numbers.constants import TransportTuning
from aiocoap.transports.oscore import OSCOREAddress, TransportOSCORE
from aiocoap.transports.udp6 import MessageInterfaceUDP6, UDP6EndpointAddress
from aiocoap.util import hostportjoin, hostportsplit

from tools.server.delivery.pushes import LATER, Outcome
from tools.server.flood import Flood
from tools.transport.arrival.port import listen
from tools.transport.arrival.straight import Straight
from tools.transport.blocks import MAX_OCTETS, Answers, Bodies, Shelf, TooMany
from tools.transport.departure.again import Again
from tools.transport.departure.beside import BESIDE, let_beside
from tools.transport.departure.hush import Hush
from tools.transport.departure.late import Late
from tools.transport.departure.outlet import Outlet
from tools.transport.departure.tokens import draw
from tools.transport.departure.wide import widen
from tools.transport.discovery import PATH as WELL_KNOWN
from tools.transport.door import Door
from tools.transport.lines import LineAddress, LinesInterface
from tools.transport.observers import Acknowledgements, Observers
from tools.transport.paths import Paths
from tools.transport.requests import answer_of, message_of, request_of, response, unknown_option
from tools.transport.security import SecureSite, speaker
from tools.transport.site import Site, answer_by, keep_time
from tools.wire import bodies
from tools.wire.answers import Refusal
from tools.wire.identity import Peer, plain

PATH = "msgin5g"
_ONLY = (PATH,)
JSON = 50
SMALL = 4096  # octets of body in blocks from somebody who is not registered: enough for a registration


def peer_of(remote):
    """The Peer at an address of aiocoap's; a Speaker where it has proved who it is."""
    if isinstance(remote, OSCOREAddress):
        strike = getattr(remote, "strike", None)
        return speaker(peer_of(remote.underlying_address), remote.security_context, strike)
    if isinstance(remote, LineAddress):
        return Peer(remote.line.name, 0)
    if type(remote) is UDP6EndpointAddress and remote.sockaddr[0].startswith("::ffff:"):
        return plain(remote.sockaddr)  # as below, for each datagram of a flood
    host, port = hostportsplit(remote.hostinfo)
    return Peer(host, port or 5683)


LARGEST = 1124  # octets of payload that aiocoap takes for one datagram


class Unanswered(Refusal):
    """Nothing came back (5.04), or nothing that means anything (5.02): the request may have been taken or not."""


_SEEN = "it has seen this sequence number before: the store was put back from an older copy; the numbers go ahead now"
_MISTRUST = "it answers %s unprotected: it has other keys, or security.mode none"
_OVER = "its window ended before it answered"
_GONE = "it is not there, says a relay on the way, or it has security.mode none (4.04 unprotected)"


def _objection(request):
    """The answer to a request with options that are not for us, or None."""
    unknown = unknown_option(request)
    if unknown:
        return unknown
    if request.opt.accept not in (None, JSON):
        return aiocoap.Message(code=aiocoap.NOT_ACCEPTABLE)
    return None


class MessageResource(resource.Resource):
    """POST /msgin5g. `handle` gets (peer, Request) and gives an Answer, or what is awaited for one."""

    def __init__(self, transport):
        super().__init__()
        self._transport = transport

        self._block1 = transport.bodies  # in the place of aiocoap's
        self._block2 = Answers(transport.whose, transport.answers)

    async def render_to_pipe(self, request):
        message = request.request
        block = message.opt.block1
        if block and block.more and not self._transport.allows(message.remote):
            raise TooMany  # whole requests are counted where they are decided about
        if block:
            await super().render_to_pipe(request)
        else:
            answer = await self._block2.extract_or_insert(message, lambda: self.render(message))
            request.add_response(answer, is_last=True)

    async def render(self, request):
        if request.code is not aiocoap.POST:
            raise error.UnallowedMethod
        answer = await self._answered(request, _objection(request))
        unwanted = request.opt.no_response
        if unwanted is not None:
            answer.opt.no_response = unwanted
        return answer

    async def _answered(self, request, objection):
        if objection:
            return objection
        if hasattr(request, "answered"):  # it was decided about on the straight way
            return request.answered
        peer = self._transport.met(request.remote)
        answer = self._transport.handle(peer, request_of(request))
        return response(await answer if inspect.isawaitable(answer) else answer)


class AnyResource(MessageResource):
    """Every path and method: of a program that decides by the whole Request."""

    async def render_to_pipe(self, request):
        discovery = self._transport.discovery
        if discovery and request.request.opt.uri_path == WELL_KNOWN:
            await discovery.links.render_to_pipe(request)
        else:
            await super().render_to_pipe(request)

    async def render(self, request):
        return await self._answered(request, unknown_option(request))


class CoapTransport:
    """`handle` and `topic` decide about requests: POSTs, and GETs of topics."""

    def __init__(
        self,
        handle,
        topic,
        body_limit,
        ack_timeout=2.0,
        lines=(),
        guard=None,
        watch=None,
        rate=1000,
        largest=0,
        discovery=None,
    ):
        self.handle = handle
        self._topic = topic  # None: whatever is asked goes to `handle`
        self.body_limit = body_limit
        self._tuning = TransportTuning()
        self._tuning.ACK_TIMEOUT = ack_timeout
        self._tuning.EMPTY_ACK_DELAY = ack_timeout / 2  # of what a device waits for before it sends again
        self._observers = Observers(self._ask, self._tuning)
        self._lines = lines
        self._guard = guard  # in security mode oscore
        self._watch = watch  # sees requests first: the same one, or one that only watches
        self.discovery = discovery  # of a gateway that devices may find
        self.door = Door(watch.judge, watch.emit, discovery=discovery) if watch else None
        self.outlet = Outlet()
        self._recents = []
        self._hush = Hush()
        self.again = Again(peer_of)
        shelf = Shelf(octets=max(MAX_OCTETS, 4 * largest))
        self.bodies = Bodies(self.whose, lambda request: body_limit(peer_of(request.remote)), shelf)
        self.answers = Shelf()
        self.paths = []
        self._blocks = Flood(rate)
        self.clock = time.monotonic
        self._addresses = {}  # of the lines, by name
        self._remotes = {}  # peer: aiocoap's remote, which also knows our address that the peer spoke to
        self._context = None
        self.wide = False  # many requests at once to one address
        self.begin = None  # as of `Straight`: what begins to decide about a POST without waiting for it
        self._straight = Straight(self, PATH, self._tuning.EMPTY_ACK_DELAY, guard)

    @property
    def counts(self):
        """What became of the datagrams, those that came and those that went."""
        return {
            **self.door.counts,
            "sent": self.outlet.sent,
            "unsent": self.outlet.unsent,
            "repeated": self.again.repeated,
            "duplicates": sum(recent.duplicates for recent in self._recents),
        }

    @property
    def protected(self):
        """Whether requests have to be protected by OSCORE."""
        return self._guard is not None

    @property
    def refusals(self):
        """How many requests were refused before anything was made of them, by cause."""
        return self._watch.refusals

    def serve(self, name, decide, kind=Paths):
        """Before the start: what decides about all requests below this first segment of a path, as in `paths.Paths`, or
        with `paths.Path` at it."""
        self.paths.append(kind(name, self, decide))

    async def start(self, host, port, reuse_port=False):
        """Listens; returns the port. OSError when it is taken, by others than `reuse_port` allows."""
        site = self._site()
        if self._guard:
            site = SecureSite(site, self._guard)
        context = aiocoap.Context(serversite=site, loggername="coap-server")
        answer_by(context, site)
        port = await listen(context, host, port, reuse_port)
        self._context = context
        self._late = Late(context, self._remotes.get, self._guard, self._tuning)
        if self._lines:
            self._addresses = (await LinesInterface.attach(context, self._lines)).addresses
        acknowledgements = Acknowledgements()
        for interface in context.request_interfaces:
            acknowledgements.attach(interface.token_interface)
            self.outlet.attach(interface.token_interface)
            self._hush.attach(interface.token_interface)
            self.again.attach(interface.token_interface)
            draw(interface.token_interface)
            keep_time(interface.token_interface, self._tuning)
            self._straight.attach(interface.token_interface)
            if self.wide:
                widen(interface.token_interface)
            else:
                let_beside(interface.token_interface, self._hush.end)
        if self._watch:
            for interface in context.request_interfaces:
                manager = interface.token_interface
                recent = self._watch.attach(manager)
                self._recents.append(recent)
                self.again.watch(recent)
                if isinstance(manager.message_interface, MessageInterfaceUDP6):
                    self.door.attach(manager, recent)
                    self._straight.attach_door(self.door, manager, recent)
                    if self.discovery:
                        self.discovery.start(manager)
        if self._guard:
            context.request_interfaces.insert(0, TransportOSCORE(context, context))
        return port

    def _site(self):
        if self._topic is None:
            return AnyResource(self)
        site = Site(_ONLY, MessageResource(self))
        site.add_resource([PATH], self._observers)
        for each in self.paths:
            site.add_resource(each.prefix, each)
        if self.discovery:
            site.add_resource(WELL_KNOWN, self.discovery.links)
        return site

    def whose(self, request):
        """Whose share of the room a request takes: its key's; in mode none that of a registered address, or the one
        that all others of a host have together."""
        peer = peer_of(request.remote)
        other = peer if self.body_limit(peer) > SMALL else peer.host
        return getattr(peer, "identity", None) or other

    def allows(self, remote):
        """Whether one more block is not too many of its key; in mode none the door has already counted it."""
        if not isinstance(remote, OSCOREAddress):
            return True
        return self._blocks.allows(remote.security_context.digest, self.clock())

    def met(self, remote):
        """The Peer at an address that a request came from, which is remembered."""
        peer = peer_of(remote)
        self.remember(peer, remote)
        return peer

    def remember(self, peer, remote):
        self._remotes.pop(peer, None)
        self._remotes[peer] = remote
        if len(self._remotes) > 4096:  # the oldest; its next push finds the way by address alone
            del self._remotes[next(iter(self._remotes))]

    async def _ask(self, request, topics):
        """What Observers asks for each GET."""
        objection = _objection(request)
        if objection:
            return None, None, objection, ()
        peer = self.met(request.remote)
        observe = request.opt.observe
        answer = await self._topic(peer, topics, observe, request.opt.content_format, request.payload)
        ue, granted = None, ()
        if answer.code == "2.05":  # then the body says who it is
            ue = bodies.address(bodies.parse(request.payload), "oriAddr", ("UE",)).id
        if ue is not None and answer.observable:
            told = answer.body.get("msgTopics", [{"msgTopic": topics[0]} | answer.body])
            granted = [each["msgTopic"] for each in told if each["subStatus"]]
        return peer, ue, response(answer), granted

    async def push(self, peer, body, ue, seconds=None, beside=False):
        """Brings one body to the device of this UE Service ID, as a notification where it observes what this belongs
        to, else by a request; the Outcome. `seconds`: how long the device listens; nothing is sent after that.
        `beside`: it may be on its way beside others."""
        if seconds is not None and seconds <= 0:
            return Outcome(LATER, _OVER, answered=False, cut=True)
        pushing = asyncio.ensure_future(self._push(peer, body, ue, beside))
        try:
            await asyncio.wait([pushing], timeout=seconds)
            if pushing.done():
                return pushing.result()
            remote = self._addresses.get(peer.host) or self._remotes.get(peer)
            self._hush.end(getattr(remote, "underlying_address", remote))
            await asyncio.wait([pushing], timeout=0.1)
            if pushing.done() and pushing.result().verdict != LATER:
                return pushing.result()
        finally:
            pushing.cancel()
        return Outcome(LATER, _OVER, answered=False, cut=seconds < self._tuning.MAX_TRANSMIT_SPAN)

    async def _push(self, peer, body, ue, beside):
        if await self._observers.notify(peer, body, ue):
            return Outcome.of_coap("2.05", "notified")
        return (await self.exchange(peer, body, ue, beside))[0]

    async def exchange(self, peer, body, ue=None, beside=False):
        """As push, with the payload of the response: (Outcome, octets). Without `ue`, to whom spoke from there last."""
        context = None
        if self._guard:
            context = self._context_for(peer, ue)
            if context is None:
                return Outcome(LATER, "it has no key: msgin5g provision", answered=False), b""
        message = aiocoap.Message(code=aiocoap.POST, payload=bodies.encode(body))
        message.opt.content_format = JSON
        message.opt.uri_path = (PATH,)
        try:
            answer = await self.ask(peer, message, context, beside=beside)
        except (TimeoutError, oscore.NotAProtectedMessage, oscore.ProtectionInvalid, error.Error) as failure:
            return self._outcome(failure, ue, context), b""
        diagnostic = answer.payload.decode(errors="replace")[:200]
        return Outcome.of_coap(answer.code.dotted, diagnostic, answer.opt.max_age), answer.payload

    def _context_for(self, peer, ue):
        """Of OSCORE: the UE's, or that of whom spoke from there last; None where there is none."""
        if ue:
            return self._guard.context_of_ue(ue)
        return getattr(self._remotes.get(peer), "security_context", None)

    async def ask(self, peer, message, context=None, whole=True, beside=False):
        """The response to a request of ours. `whole`: it was made to fit one datagram; else aiocoap cuts it in blocks,
        and puts together a response in blocks.

        Raises TimeoutError where it was acknowledged and no more, and the errors of aiocoap.
        """
        if beside:
            message.transport_tuning = BESIDE
        known = self._remotes.get(peer)
        remote = self._addresses.get(peer.host) or getattr(known, "underlying_address", known)
        if remote is not None:
            message.remote = remote
        else:
            asked = aiocoap.Message(code=aiocoap.GET, uri="coap://%s" % hostportjoin(peer.host, peer.port))
            await self._context.find_remote_and_interface(asked)
            message.remote = asked.remote
        if context is not None:
            message.remote = OSCOREAddress(context, message.remote)
        request = self._context.request(message, handle_blockwise=not whole)
        # A response that is cancelled while its datagram comes in makes aiocoap raise: at the end of the gateway it
        # is left to aiocoap's own end, and what it ends with is looked at.
        request.response.add_done_callback(lambda future: future.cancelled() or future.exception())
        await asyncio.wait([request.response], timeout=self._tuning.MAX_TRANSMIT_WAIT + 1)
        if not request.response.done():
            request.response.cancel()
            raise TimeoutError
        answer = request.response.result()
        if message.opt.observe == 0 and whole:
            request._stop_interest()  # a notification would find nobody, and gets a Reset
        return answer

    async def respond(self, peer, back, answer):
        """Answers a request once more (`Request.back`); the Outcome is that of the datagram, DONE with its ACK."""
        return await self._late.respond(peer, back, response(answer))

    async def relay(self, peer, request, ue=None):
        """The Answer of a device, or of a server, to a Request that comes from elsewhere. Raises Unanswered."""
        context = self._context_for(peer, ue) if self._guard else None
        if self._guard and context is None:
            raise Unanswered("5.02", "there is no key for it")
        small = len(request.payload) <= LARGEST
        whole = small and (request.code == "POST" or request.observe is not None)
        try:
            return answer_of(await self.ask(peer, message_of(request), context, whole))
        except (TimeoutError, oscore.NotAProtectedMessage, oscore.ProtectionInvalid, error.Error) as failure:
            silent = isinstance(failure, TimeoutError | error.TimeoutError)
            reason = self._outcome(failure, ue, context).detail
            raise Unanswered("5.04" if silent else "5.02", reason) from failure

    def _outcome(self, failure, ue, context):
        """What became of a body whose request ended in an error: in any case it is tried again later."""
        if isinstance(failure, TimeoutError):
            return Outcome(LATER, "acknowledged, but no response came", answered=False, behind=True)
        if isinstance(failure, oscore.NotAProtectedMessage):
            plain = failure.plain_message
            replay = plain.code is aiocoap.UNAUTHORIZED and plain.payload.startswith(b"Replay")
            if replay and self._guard.jumped(ue, context):  # RFC 8613 section 8.2
                return Outcome(LATER, _SEEN)
            gone = plain.code is aiocoap.NOT_FOUND
            return Outcome(LATER, _GONE if gone else _MISTRUST % plain.code.dotted)
        if isinstance(failure, oscore.ProtectionInvalid):
            return Outcome(LATER, "its answer does not verify: its keys are others")
        return Outcome(LATER, _reason(failure), answered=isinstance(failure, error.MessageError))

    async def stop(self):
        if self.discovery:
            self.discovery.stop()
        self._straight.stop()
        if self._context:
            for interface in self._context.request_interfaces:
                manager = getattr(interface, "token_interface", None)
                # What is not answered by now never is: no empty ACK is to leave by a socket that is closed.
                for _, timer in getattr(manager, "_piggyback_opportunities", {}).values():
                    timer.cancel()
            await self._context.shutdown()


def _reason(failure):
    if isinstance(failure, error.ConRetransmitsExceeded):
        return "no answer"
    if isinstance(failure, error.MessageError):
        return "RST"
    number = getattr(failure.__cause__, "errno", None) or getattr(failure, "errno", None)
    if number:
        return os.strerror(number)
    return str(failure.__cause__ or failure) or type(failure).__name__
