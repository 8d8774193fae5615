# SPDX-License-Identifier: MIT
"""GET /msgin5g/<topic> with Observe (RFC 7641), or /msgin5g/<topic>/<topic> for several: observations of aiocoap, and
notifications of which the acknowledgement is known.

An observation lives as long as this program and its device; the subscription, in the store, longer. Without one the
message is POSTed.
"""

import asyncio
import itertools

import aiocoap
from aiocoap import resource

from tools.wire import bodies

JSON = 50
_SEQUENCE = 1 << 24


class Acknowledgements:
    """What aiocoap keeps for itself: that a response was acknowledged. It sets a message's future `acknowledged`."""

    def __init__(self):
        self._waiting = {}

    def attach(self, manager):
        send, remove = manager.send_message, manager._remove_exchange

        def sending(message, messageerror_monitor):
            send(message, messageerror_monitor)
            future = getattr(message, "acknowledged", None)
            if future is not None:
                self._waiting = {key: each for key, each in self._waiting.items() if not each.done()}
                self._waiting[message.remote, message.mid] = future

        def removing(message):
            future = self._waiting.pop((message.remote, message.mid), None)
            remove(message)
            if future is not None and message.mtype is aiocoap.ACK and not future.done():
                future.set_result(True)

        manager.send_message = sending
        manager._remove_exchange = removing


class _Observer:
    """A device that observes topics, at `peer`. `ended` is done once it observes none of them any more."""

    def __init__(self, pipe, peer):
        self.pipe = pipe
        self.peer = peer
        self.ended = asyncio.get_running_loop().create_future()
        self.keys = set()  # (topic, ue)


class Observers(resource.Resource, resource.PathCapable):
    """All topics. `await ask(request, topics)` gives (peer, ue, Message, the topics that may be observed)."""

    def __init__(self, ask, tuning):
        super().__init__()
        self._ask = ask
        self._tuning = tuning
        self._observers = {}  # (topic, ue): _Observer
        self._numbers = itertools.count(1)

    async def render_to_pipe(self, pipe):
        request = pipe.request
        topics = request.opt.uri_path  # a whole name in each option
        if not any(topics):
            pipe.add_response(aiocoap.Message(code=aiocoap.NOT_FOUND), is_last=True)
            return
        if request.code is not aiocoap.GET:
            pipe.add_response(aiocoap.Message(code=aiocoap.METHOD_NOT_ALLOWED), is_last=True)
            return
        peer, ue, answer, granted = await self._ask(request, topics)
        if request.opt.observe in (0, 1):  # else it asks, and changes nothing
            for topic in topics:
                self._leave((topic, ue))
        if request.opt.observe != 0 or not granted:
            pipe.add_response(answer, is_last=True)
            return
        observer = _Observer(pipe, peer)
        observer.keys = {(topic, ue) for topic in granted}
        self._observers |= dict.fromkeys(observer.keys, observer)
        try:
            answer.opt.observe = next(self._numbers) % _SEQUENCE
            pipe.add_response(answer, is_last=False)
            # Until aiocoap ends it, others take its place, or the time granted is over: that is an end of which
            # nothing goes out.
            await asyncio.wait([observer.ended], timeout=answer.opt.max_age)
            pipe.add_response(aiocoap.Message(code=aiocoap.CONTENT, no_response=26), is_last=True)
        finally:
            for key in tuple(observer.keys):
                self._leave(key)

    def _leave(self, key):
        """This topic is not observed any more."""
        observer = self._observers.pop(key, None)
        if observer is not None:
            observer.keys.discard(key)
            if not observer.keys:
                observer.ended.cancel()

    async def notify(self, peer, body, ue):
        """Whether the device at `peer` has acknowledged the message as a notification. False also where it observes
        nothing that it belongs to."""
        origin = body.get("oriDestAddr")
        if not origin or origin["destAddrType"] != "TOPIC":
            return False
        observer = self._observers.get((origin["addr"], ue))
        if observer is None or observer.peer != peer:
            return False
        message = aiocoap.Message(code=aiocoap.CONTENT, payload=bodies.encode(body))
        message.opt.content_format = JSON
        message.opt.observe = next(self._numbers) % _SEQUENCE
        acknowledged = message.acknowledged = asyncio.get_running_loop().create_future()
        observer.pipe.add_response(message, is_last=False)
        try:
            await asyncio.wait(
                [acknowledged, observer.ended],
                timeout=self._tuning.MAX_TRANSMIT_WAIT + 1,
                return_when=asyncio.FIRST_COMPLETED,
            )
            return acknowledged.done()
        finally:
            acknowledged.cancel()

    # aiocoap asks for these; what comes here is small and answered in one piece

    async def needs_blockwise_assembly(self, request):
        return False

    async def render(self, request):
        raise NotImplementedError("render_to_pipe is what aiocoap calls")
