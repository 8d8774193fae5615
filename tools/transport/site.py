# SPDX-License-Identifier: MIT
"""What aiocoap does for each request and nobody needs: a copy of the message for each step down a path, a second pipe
for what goes wrong, the text of the message as the name of a task, and the same addresses parsed again and again.
Together they take longer than the rest of a request's way to the decisions.
"""

import asyncio
import functools
import ipaddress

import aiocoap
from aiocoap import error, resource
from aiocoap.transports.udp6 import UDP6EndpointAddress

_ADDRESSES = 4096  # that are known in all the forms that aiocoap asks for


class Site(resource.Site):
    """`often`: the resource at this path, which gets a request as it came, path and all."""

    def __init__(self, path, often):
        super().__init__()
        self._path, self._often = path, often

    async def render_to_pipe(self, pipe):
        opt = pipe.request.opt
        if opt.uri_path == self._path and opt.uri_path_abbrev is None:
            await self._often.render_to_pipe(pipe)
        else:
            await super().render_to_pipe(pipe)


def answer_by(context, site):
    """In the place of how aiocoap's Context calls its site."""

    def render_to_pipe(pipe):
        drive(pipe, site.render_to_pipe, context.log)

    context.render_to_pipe = render_to_pipe


def drive(pipe, render, log):
    """Runs the coroutine function that answers a request into its aiocoap.pipe.Pipe. What it raises is the last
    response; where nobody wants one any more, it is cancelled."""

    async def whole():
        try:
            await render(pipe)
        except Exception as failure:
            pipe.add_response(message_of(failure, log), is_last=True)

    pipe.on_interest_end(asyncio.create_task(whole(), name="request").cancel)


def message_of(failure, log):
    """aiocoap's Message that says what went wrong in answering a request."""
    if isinstance(failure, error.RenderableError):
        try:
            message = failure.to_message()
            if message is not None:
                return message
        except Exception as second:
            failure = second
    log.error("An error in answering a request: %r", failure, exc_info=failure)
    return aiocoap.Message(code=aiocoap.INTERNAL_SERVER_ERROR)


def keep_time(manager, tuning):
    """`manager`: aiocoap's MessageManager, which then keeps the times of this TransportTuning: the empty ACK of a
    request that waits for the disk, and the repeats of whatever goes out. aiocoap leaves a separate response at the
    times that RFC 7252 proposes, and for so long nothing else may go out to its peer."""
    process, add = manager._process_request, manager._add_exchange

    def processing(request):
        request.transport_tuning = tuning
        process(request)

    def adding(message, monitor):
        message.transport_tuning = tuning
        add(message, monitor)

    manager._process_request, manager._add_exchange = processing, adding


def know_addresses():
    """For all interfaces of UDP in this process."""
    known = functools.lru_cache(_ADDRESSES)
    UDP6EndpointAddress._strip_v4mapped = staticmethod(known(UDP6EndpointAddress._strip_v4mapped))

    @known
    def is_multicast(host):
        return ipaddress.ip_address(host.partition("%")[0]).is_multicast

    def hashed(self):
        try:
            return self.known_hash
        except AttributeError:
            self.known_hash = hash(self.sockaddr[:-1])
            return self.known_hash

    UDP6EndpointAddress.__hash__ = hashed  # which each table that a request goes through asks for
    UDP6EndpointAddress.is_multicast = property(lambda self: is_multicast(self._plainaddress()))
    UDP6EndpointAddress.is_multicast_locally = property(lambda self: is_multicast(self._plainaddress_local()))


know_addresses()
