# SPDX-License-Identifier: MIT
"""The way of what nearly every request is: a small Confirmable POST to the service, with no option but its path and
Content-Format. aiocoap makes a pipe, a task, a timer and a dozen calls of it. Here its decision is begun at once, and
the response goes to aiocoap's MessageManager when that is made. All others take aiocoap's way.
"""

import asyncio

import aiocoap
from aiocoap.numbers import OptionNumber
from aiocoap.transports.oscore import OSCOREAddress

from tools.transport.requests import response
from tools.transport.site import message_of
from tools.wire.answers import Request


class Straight:
    """`transport.begin(peer, Request, respond)` begins a decision whose Answer goes to `respond`, once; False where the
    request is to take aiocoap's way, as all do where it is None. `seconds`: after which a request that has no response
    yet is acknowledged. `protected`: requests have come by a Guard."""

    def __init__(self, transport, path, seconds, protected):
        self._transport = transport
        self._path = path
        self._seconds = seconds
        self._protected = protected
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
            before = self._waiting.pop(key, None)
            if before is not None:  # this one takes its Token: the older response would be taken for its own
                before.cancel()
                manager._piggyback_opportunities.pop((request.remote, request.token), None)
            if key in tokens.incoming_requests or not self._take(manager, key, request):
                process(request)

        manager._process_request = processing

    def stop(self):
        """No response leaves any more."""
        self._waiting.clear()
        self._unacknowledged.clear()
        if self._timer is not None:
            self._timer.cancel()

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
        waiting = _Waiting(self, manager, key, request)
        self._waiting[key] = waiting
        manager._piggyback_opportunities[request.remote, request.token] = (request.mid, waiting)
        self._acknowledge_later(waiting)
        peer = self._transport.met(remote)
        made = Request("POST", (self._path,), payload=plain.payload, content_format=content_format)
        if self._transport.begin(peer, made, waiting.respond):
            return True
        waiting.cancel()
        del self._waiting[key], manager._piggyback_opportunities[request.remote, request.token]
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
            (request.opened[1] if self._protected else request).answered = message
            manager.token_manager.process_request(request)
            return
        if self._protected:
            context, _, identifiers = request.opened
            try:
                message, _ = context.protect(message, identifiers)
            except Exception as failure:  # there is no number for it
                message = message_of(failure, manager.log)
        message.token, message.request = request.token, request
        message.remote = request.remote.as_response_address()
        manager.send_message(message, _nobody)


def _nobody():
    """Hears that a response was refused."""


class _Waiting:
    """A request whose response is not made yet. To aiocoap it is the timer of its acknowledgement."""

    __slots__ = ("_of", "key", "manager", "request")

    def __init__(self, of, manager, key, request):
        self._of, self.manager, self.key, self.request = of, manager, key, request

    def cancel(self):
        self._of._unacknowledged.pop(self, None)

    def acknowledge(self):
        request = self.request
        self.manager._piggyback_opportunities.pop((request.remote, request.token), None)
        self.manager._send_empty_ack(request.remote, request.mid, "its response takes long")

    def respond(self, answer):
        """Sends it, whatever becomes of that: it raises nothing."""
        try:
            self._of._respond(self, answer)
        except Exception as failure:
            self.manager.log.error("An error in sending a response: %r", failure, exc_info=failure)
