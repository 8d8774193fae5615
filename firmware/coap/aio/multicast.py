# SPDX-License-Identifier: MIT
"""Requests to many, and the sockets of a server that is one of them: RFC 7252 section 8. Loaded when it is used."""

import asyncio

from .. import numbers
from ..compat import const, ticks_diff
from ..message import Message
from .call import Call
from .response import Response
from .waiting import now, wait_for_ms

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Peer

    from .udp import UDPLink

_MOST = const(32)  # answers that wait to be taken
# Of lwIP and Linux, for a port whose `socket` does not name them
_IPPROTO_IP = const(0)
_IPPROTO_IPV6 = const(41)
_ADD_MEMBERSHIP = const(35)
_JOIN_GROUP = const(20)


class Answers:
    """What many answer: an asynchronous iterator of Responses, each with its `peer`.

    `dropped` counts those that were not taken in time, and those in blocks whose rest did not come, for which it waits
    for MAX_TRANSMIT_WAIT longer in all, 93 s (RFC 7252 section 4.8.2).
    """

    def __init__(self, context: "Any", message: Message, uri: "str | Peer", wait: int) -> None:
        self.dropped = 0
        self._context = context
        self._message = message
        self._uri = uri
        self._wait = wait  # ms
        self._call: "Any" = None
        self._task: "Any" = None
        self._fetching: "Any" = None  # the task that asks for the rest of what is in blocks
        self._partial: list[Response] = []  # those it has not asked yet
        self._until = 0  # when it ends at the latest
        self._given_up = False

    def __aiter__(self) -> "Answers":
        return self

    async def __anext__(self) -> Response:
        if self._call is None:
            if self._given_up:
                raise StopAsyncIteration
            await self._begin()
        call = self._call
        while not call.answers:
            if call.error is not None:
                raise call.error
            if call.ended.is_set() and not self._partial:
                if not call.kind and not self._given_up:
                    from .errors import Closed

                    raise Closed()
                raise StopAsyncIteration
            call.news.clear()
            await call.news.wait()
        return call.answers.pop(0)

    def close(self) -> None:
        """Wait for no more answers."""
        self._given_up = True
        if self._call is not None:
            self._context.end(self._task)
            if self._fetching is not None:
                self._context.end(self._fetching)
            self._partial.clear()
            self._call.finish()

    async def _begin(self):
        peer, options = await self._context.resolve(self._uri, True)
        given = self._message
        message = Message(given.code, given.payload, options + list(given.options), numbers.NON)
        self._message = message
        self._until = now() + self._wait + self._context.endpoint.parameters.max_transmit_wait
        self._call = _Many(self)
        self._task = self._context.begin(self._ask(message, peer))

    async def _ask(self, message, peer):
        call = self._call
        endpoint = self._context.endpoint
        try:
            await self._context.call(
                call, lambda: endpoint.request(message, peer, now(), call, many=self._wait)
            )
        except Exception as error:
            call.error = error
        finally:  # cancelled, too
            self._context.end(self._task)
            if not call.kind:
                self._partial.clear()
            call.finish()

    def take(self, answer: Response) -> None:
        """Take the answer of one. The first block of one is put aside until the rest has come, so that nobody else
        waits for that."""
        answers = self._call.answers
        if len(answers) + len(self._partial) >= _MOST:
            self.dropped += 1
        elif not (answer.uint(numbers.BLOCK2) or 0) & 8:
            answers.append(answer)
        else:
            if self._fetching is None:
                self._fetching = self._context.begin(self._fetch())
            self._partial.append(answer)

    async def _fetch(self):
        """Ask those who have more for all of it, one after the other (RFC 7959 section 2.8)."""
        call = self._call
        try:
            while self._partial and (left := ticks_diff(self._until, now())) > 0:
                try:
                    call.answers.append(await wait_for_ms(self._whole(self._partial[0].peer), left))
                except Exception as error:
                    if not _is_expected(error):
                        call.error = error
                    self.dropped += 1  # whatever that peer did, others are to be heard
                self._partial.pop(0)
                call.news.set()
        finally:
            self._context.end(self._fetching)
            self._fetching = None
            self.dropped += len(self._partial)
            self._partial.clear()
            call.news.set()

    def _whole(self, peer):
        """Return what asks `peer` alone."""
        asked = self._message
        options = [each for each in asked.options if each[0] != numbers.NO_RESPONSE]
        return self._context.request(Message(asked.code, asked.payload, options), peer)


def _is_expected(error):
    from ..errors import Error
    from .errors import Error as OfContext

    return isinstance(error, Error + OfContext + (OSError, MemoryError, asyncio.TimeoutError))


class _Many(Call):
    """The tag of the exchange: it takes each response, until there are no more."""

    def __init__(self, owner):
        super().__init__()
        self.owner = owner
        self.answers = []
        self.error = None
        self.news = asyncio.Event()

    def __call__(self, kind, subject, message):
        if message is None:
            super().__call__(kind, subject, message)
        else:
            self.owner.take(Response(message, message.peer))
        self.news.set()

    def finish(self):
        """Let who waits see that it has ended."""
        self.ended.set()
        self.news.set()


def join(context: "Any", group: str, host: str | None, port: int) -> "UDPLink":
    """Return a socket for what is sent to `group` (an address in words), on the interface with the address `host`.
    Raise OSError, ValueError for what is no group.

    It is bound to the group's address, which tells what came by multicast: recvfrom does not say where a datagram went.
    """
    import socket  # here: a board without a network asks many by its link
    import sys

    from .names import prepare
    from .udp import UDPLink, peer_of

    family, _, _, _, sockaddr = socket.getaddrinfo(group, port, 0, socket.SOCK_DGRAM)[0]
    if family == socket.AF_INET:
        octets = _octets(group)
        if octets[0] >> 4 != 14:
            raise ValueError("groups: %r is no multicast address" % group)
        interface = _octets(host) if host and ":" not in host else bytes(4)
        option = (_IPPROTO_IP, getattr(socket, "IP_ADD_MEMBERSHIP", _ADD_MEMBERSHIP), octets + interface)
    else:
        address, _, scope = peer_of(sockaddr)[0].partition("%")
        octets = socket.inet_pton(family, address)
        if octets[0] != 0xFF:
            raise ValueError("groups: %r is no multicast address" % group)
        index = (int(scope) if scope else 0).to_bytes(4, sys.byteorder)
        option = (_IPPROTO_IPV6, getattr(socket, "IPV6_JOIN_GROUP", _JOIN_GROUP), octets + index)
    sock = UDPLink(context.endpoint.max_datagram)
    sock.bind(family, group, port, lambda sock: prepare(sock, family, option))
    return sock


def _octets(address):
    """Return the four octets of an IPv4 address in words. Raise ValueError."""
    try:
        octets = bytes([int(part) for part in address.split(".")])
    except ValueError:
        octets = b""
    if len(octets) != 4:
        raise ValueError("host: %r is no IPv4 address, which tells the network of a group" % address)
    return octets
