# SPDX-License-Identifier: MIT
"""The way of what nearly every request is: a small Confirmable POST to the service, with no option but its path and
Content-Format. aiocoap makes a pipe, a task, a timer and a dozen calls of it. Here its decision is begun at once, and
the response goes to aiocoap's MessageManager when that is made. All others take aiocoap's way.
"""

import asyncio
import logging
import socket

import aiocoap
from aiocoap.numbers import OptionNumber
from aiocoap.transports.oscore import OSCOREAddress
from aiocoap.transports.udp6 import UDP6EndpointAddress

from tools.transport.arrival.recent import content as recent_content
from tools.transport.requests import response
from tools.transport.site import message_of
from tools.wire.answers import Request

_CON, _POST = 0x40, 0x02  # the first two octets of such a datagram, without the length of its Token
_FORMAT, _JSON = b"\x11\x32", 50  # Content-Format right behind Uri-Path
_PKTINFO = socket.IPPROTO_IPV6, socket.IPV6_PKTINFO


class Straight:
    """`transport.begin(peer, Request, respond)` begins a decision whose Answer goes to `respond`, once; False where the
    request is to take aiocoap's way, as all do where it is None. `seconds`: after which a request that has no response
    yet is acknowledged. `guard`: the Guard that requests have come by, or None."""

    def __init__(self, transport, path, seconds, guard):
        self._transport = transport
        self._path = path
        uri_path = bytes((0xB0 | len(path),)) + path.encode()
        self._heads = (uri_path + _FORMAT + b"\xff", uri_path + b"\xff")
        self._seconds = seconds
        self._guard, self._protected = guard, guard is not None
        self._waiting = {}  # (token, remote): the _Waiting
        self._unacknowledged = {}  # _Waiting: when it is acknowledged; the first one is the next
        self._timer = None

    def attach(self, manager):
        """`manager`: aiocoap's MessageManager."""
        if self._transport.begin is None:
            return
        process, tokens = manager._process_request, manager.token_manager

        def processing(request):
            key = request.token, request.remote
            self._replace(manager, key)
            if key in tokens.incoming_requests or not self._take(manager, key, request):
                process(request)

        manager._process_request = processing

    def attach_door(self, door, manager, recent):
        """`door`: a Door, of whose datagrams those that go this way are not made messages of; `recent`: a Recent."""
        if self._transport.begin is None or self._protected or manager.log.isEnabledFor(logging.DEBUG):
            return  # the log is to have each of them
        interface, incoming = manager.message_interface, manager.token_manager.incoming_requests

        def take(octets, ancillary, flags, address):
            end = 4 + (octets[0] & 15)
            if octets[0] & 0xF0 != _CON or octets[1] != _POST or not octets.startswith(self._heads, end):
                return False
            local = next((item[2] for item in ancillary if item[:2] == _PKTINFO), None)
            remote = UDP6EndpointAddress(address, interface, pktinfo=local)
            request = _Bare(octets, end, remote)
            key, seen, content = (request.token, remote), (remote, request.mid), recent_content(octets)
            if key in incoming or recent.came(seen, content):
                return False
            recent.add(seen, content)
            self._replace(manager, key)
            head, _, payload = octets[end:].partition(b"\xff")
            form = _JSON if head.endswith(_FORMAT) else None
            if self._begin(manager, key, request, remote, payload, form):
                return True
            recent.pop(seen)
            return False

        door.straight = take

    def stop(self):
        """No response leaves any more."""
        self._waiting.clear()
        self._unacknowledged.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _replace(self, manager, key):
        """Another request takes the Token of one that waits: the older response would be taken for its own."""
        before = self._waiting.pop(key, None)
        if before is not None:
            before.cancel()
            manager._piggyback_opportunities.pop(key[::-1], None)

    def _take(self, manager, key, request):
        """Whether it goes this way."""
        plain = request.opened[1] if self._protected else request
        if request.mtype is not aiocoap.CON or plain.code is not aiocoap.POST:
            return False
        content_format, path = None, False
        for option in plain.opt.option_list():
            if option.number == OptionNumber.CONTENT_FORMAT and content_format is None:
                content_format = int(option.value)
            elif option.number == OptionNumber.URI_PATH and option.value == self._path and not path:
                path = True
            else:
                return False
        if not path:
            return False
        remote = request.remote
        if self._protected:
            remote = OSCOREAddress(request.opened[0], remote)
            remote.strike = request.opened[3]
        return self._begin(manager, key, request, remote, plain.payload, content_format)

    def _begin(self, manager, key, request, remote, payload, content_format):
        """`remote`: who it is from."""
        waiting = self._waiting[key] = _Waiting(self, manager, key, request)
        manager._piggyback_opportunities[key[::-1]] = (request.mid, waiting)
        self._acknowledge_later(waiting)
        peer = self._transport.met(remote)
        made = Request("POST", (self._path,), payload=payload, content_format=content_format)
        if self._transport.begin(peer, made, waiting.respond):
            return True
        waiting.cancel()
        del self._waiting[key], manager._piggyback_opportunities[key[::-1]]
        return False

    # ---- acknowledgements --------------------------------------------------------------------------------------------

    def _acknowledge_later(self, waiting):
        loop = asyncio.get_running_loop()
        self._unacknowledged[waiting] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._acknowledge)

    def _acknowledge(self):
        """All that have waited for so long."""
        loop, self._timer = asyncio.get_running_loop(), None
        while self._unacknowledged:
            waiting, due = next(iter(self._unacknowledged.items()))
            if due > loop.time():
                self._timer = loop.call_at(due, self._acknowledge)
                break
            del self._unacknowledged[waiting]
            waiting.acknowledge()

    # ---- responses ---------------------------------------------------------------------------------------------------

    def _respond(self, waiting, answer):
        if self._waiting.get(waiting.key) is not waiting:
            return  # nobody waits for it
        del self._waiting[waiting.key]
        request, manager = waiting.request, waiting.manager
        try:
            message = response(answer)
        except Exception as failure:
            message = message_of(failure, manager.log)
        if len(message.payload) > request.remote.maximum_payload_size:  # in blocks
            if isinstance(request, _Bare):
                request = aiocoap.Message.decode(request.octets, request.remote)
            (request.opened[1] if self._protected else request).answered = message
            manager.token_manager.process_request(request)
            return
        if self._protected:
            message = self._guard.protect(message, request.opened)
        message.token, message.request = request.token, request
        message.remote = request.remote.as_response_address()
        manager.send_message(message, _nobody)


def _nobody():
    """Hears that a response was refused."""


class _Bare:
    """A request of which no message was made."""

    __slots__ = ("mid", "octets", "remote", "token")
    mtype = aiocoap.CON

    def __init__(self, octets, end, remote):
        self.octets, self.remote = octets, remote
        self.mid, self.token = octets[2] << 8 | octets[3], octets[4:end]


class _Waiting:
    """A request whose response is not made yet. To aiocoap it is the timer of its acknowledgement."""

    __slots__ = ("_of", "key", "manager", "request")

    def __init__(self, of, manager, key, request):
        self._of, self.manager, self.key, self.request = of, manager, key, request

    def cancel(self):
        self._of._unacknowledged.pop(self, None)

    def acknowledge(self):
        request = self.request
        self.manager._piggyback_opportunities.pop(self.key[::-1], None)
        self.manager._send_empty_ack(request.remote, request.mid, "its response takes long")

    def respond(self, answer):
        """Sends it, whatever becomes of that: it raises nothing."""
        try:
            self._of._respond(self, answer)
        except Exception as failure:
            self.manager.log.error("An error in sending a response: %r", failure, exc_info=failure)
