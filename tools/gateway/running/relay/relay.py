# SPDX-License-Identifier: MIT
"""A running relay: one socket toward the clients, and one toward the server for each of them, which the server so
tells apart by their addresses. It keeps nothing but that, and repeats nothing: what is lost here is lost as on any
network, and CoAP at the two ends mends it.
"""

import asyncio
import collections
import contextlib
import errno
import itertools
import socket
import time
from dataclasses import dataclass

from tools.gateway.running.relay import passing
from tools.gateway.running.relay.clients import MOST, Clients, host_of
from tools.gateway.running.relay.lookup import Lookup
from tools.gateway.running.relay.sockets import (
    LARGEST,
    NO_ROOM,
    NOBODY,
    Way,
    is_own,
    listening,
    says_nobody,
    source,
    text,
)
from tools.server.flood import Flood
from tools.words import in_words

_BATCH = 128  # datagrams of one socket before the others have their turn
_RATE = 1000  # datagrams a second of one host; the gateway takes as many of one device
_ANSWERS = 20, 5  # of the relay's own: a second to one host, and how many seconds' worth at once
_TOLD = 5, 20  # events of one kind a second, and how many seconds' worth at once; all are counted
_SWEEP = 2.0  # s
_SUMMARY = 10.0  # s between two events about losses
_TRIES = 8  # each takes away one error that belongs to an earlier datagram


@dataclass(frozen=True)
class Options:
    """`server`: (host, port). `names`: more names that a Uri-Host may have for it. `idle`: seconds."""

    listen: tuple
    server: tuple
    names: tuple = ()
    idle: float = 3600.0
    clients: int = MOST


class Itself(OSError):
    """The server is the relay."""


class Relay:
    """`async with Relay(options, events) as relay:` runs it; `.port`."""

    def __init__(self, options, events, clock=time.monotonic):
        self.options = options
        self._emit = events.emit
        self._flush = events.flush
        self._clock = clock
        self.clients = Clients(options.idle, options.clients)
        self.counts = collections.Counter()
        self.passed = collections.Counter(up=0, down=0)  # datagrams
        self._summed = collections.Counter()  # losses that were told
        self._floods = Flood(_RATE)
        self._answers = Flood(_ANSWERS[0], burst=_ANSWERS[1])
        self._told = Flood(_TOLD[0], burst=_TOLD[1])
        self._numbers = itertools.count(int(clock() * 1000))
        self._names = {passing.plain(name) for name in (options.server[0], *options.names)}
        self._lookup = Lookup(options.server, self._found, self._emit)
        self._server = None  # (address, family) once it is known
        self._silent = False  # the server's host says that nobody is there
        self._proved = False  # the server was heard at the address that we have
        self._timers = []
        self.port = None

    # ---- its life ----------------------------------------------------------------------------------------------------

    async def __aenter__(self):
        self._loop = asyncio.get_running_loop()
        self._socket = listening(*self.options.listen)
        self.port = self._socket.getsockname()[1]
        try:
            self._loop.add_reader(self._socket.fileno(), self._read_clients)
            listen = text((self.options.listen[0], self.port))
            self._emit("relaying", listen=listen, server=self._lookup.name)
            await self._lookup.start()
            self.every(min(self.options.idle / 4, _SWEEP), self.sweep)
            self.every(_SUMMARY, self.summary)
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(self, *exception):
        await self._lookup.stop()
        self._close()
        self.summary()

    @property
    def has_server(self):
        """Whether the address of the server is known."""
        return self._server is not None

    def every(self, seconds, function):
        """Calls it again and again, as long as the relay runs."""
        place = len(self._timers)

        def again():
            self._timers[place] = self._loop.call_later(seconds, again)
            function()

        self._timers.append(self._loop.call_later(seconds, again))

    def _close(self):
        for timer in self._timers:
            timer.cancel()
        for client in self.clients:
            self._end_way(client)
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    # ---- from clients to the server ----------------------------------------------------------------------------------

    def _read_clients(self):
        self._read_errors()
        for _ in range(_BATCH):
            try:
                octets, ancillary, _, address = self._socket.recvmsg(LARGEST, 256)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # an error of an earlier datagram, which its queue has too
                continue
            self.uplink(octets, ancillary, address)

    def uplink(self, octets, ancillary, address):
        """A datagram of a client."""
        now = self._clock()
        if not passing.is_coap(octets):
            self.counts["what came was no CoAP"] += 1
        elif not self._floods.allows(host_of(address), now):
            self.counts["there were too many datagrams of one host"] += 1
        elif self._is_for_another(octets):
            self._refuse(octets, ancillary, address, now)
        elif self._server is None:
            self.counts["the server was not known yet"] += 1
        else:
            client = self.clients.heard(address, now) or self._admit(address, now)
            if client is not None:
                client.way.source = source(ancillary)
                client.up += 1
                self.passed["up"] += 1
                self._send_to_server(client, octets)

    def _is_for_another(self, octets):
        host = passing.named_host(octets)
        return host is not None and host not in self._names

    def _refuse(self, octets, ancillary, address, now):
        self.counts["it was for another server"] += 1
        if self._may_tell("refused", now):
            self._emit(
                "refused",
                peer=text(address),
                kind="request",
                code="4.04",
                reason="Uri-Host is another server",
            )
        answer = passing.elsewhere(octets, next(self._numbers) & 0xFFFF)
        if answer is not None and self._answers.allows(host_of(address), now):
            self._send_to_client(answer, source(ancillary), address)

    def _admit(self, address, now):
        """A place for who speaks first, or None where there is no socket to be had."""
        try:
            way = self._open()
        except OSError as error:
            self.counts["there was no socket for a client"] += 1
            if self._may_tell("relay-failed", now):
                self._emit("relay-failed", peer=text(address), reason=in_words(error))
            return None
        client, out = self.clients.add(address, now)
        client.way = way
        for other in out:
            self._lose(other, "others needed its place")
        self._loop.add_reader(client.way.socket.fileno(), self._read_server, client)
        return client

    def _open(self):
        """One more socket; where the system has none, that of another client makes room."""
        try:
            return Way(*self._server)
        except OSError as error:
            other = self.clients.spare() if error.errno in NO_ROOM else None
            if other is None:
                raise
        self._lose(other, "others needed its socket")
        return Way(*self._server)

    # ---- from the server to clients ----------------------------------------------------------------------------------

    def _read_server(self, client):
        for _ in range(_BATCH):
            try:
                octets = client.way.socket.recv(LARGEST)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._server_says(error)
                return
            self.downlink(client, octets)

    def downlink(self, client, octets):
        """A datagram of the server for a client."""
        now = self._clock()
        self._proved = True
        if self._silent:
            self._silent = False
            self._emit("server-back", server=self._lookup.name)
        if not passing.is_coap(octets):
            self.counts["what came was no CoAP"] += 1
        elif self.clients.is_gone(client, now):
            self.counts["its client was gone"] += 1
            answer = passing.nobody(octets)
            if answer is not None:
                self._send_to_server(client, answer)
        else:
            if not client.answered:
                client.answered = True
                if self._may_tell("relayed", now):
                    port = client.way.socket.getsockname()[1]
                    self._emit("relayed", peer=text(client.address), port=port)
            client.down += 1
            self.passed["down"] += 1
            self._send_to_client(octets, client.way.source, client.address)

    def _server_says(self, error):
        """Its host, or the way there: what was sent is lost, and will be sent again."""
        self.counts["nobody was at the address of the server"] += 1
        if not self._silent:
            self._silent = True
            self._emit("server-silent", server=self._lookup.name, reason=in_words(error))
        if not self._proved:
            self._proved = True  # until there is another
            self._loop.call_soon(self._try_another)

    def _try_another(self):
        with contextlib.suppress(Itself):
            self._lookup.next()

    # ---- sending -----------------------------------------------------------------------------------------------------

    def _send_to_client(self, octets, source, address):
        self._send(lambda: self._socket.sendmsg((octets,), source, 0, address))

    def _send_to_server(self, client, octets):
        self._send(lambda: client.way.socket.send(octets), self._server_says)

    def _send(self, send, said=lambda error: None):
        """Linux hands an error of an earlier datagram (udp(7)) to whatever is sent next, which then is not sent."""
        error = None
        for _ in range(_TRIES):
            try:
                send()
                return
            except (BlockingIOError, InterruptedError):
                break
            except OSError as failure:
                error = failure
                if failure.errno in NOBODY:
                    said(failure)
                if failure.errno == errno.EMSGSIZE:
                    break
        if error is None:
            self.counts["there was no room to send"] += 1
        else:
            self.counts["it could not be sent (%s)" % in_words(error)] += 1

    def _read_errors(self):
        """What hosts of clients said: nobody is at that address."""
        now = self._clock()
        for _ in range(_BATCH):
            try:
                _, ancillary, _, address = self._socket.recvmsg(LARGEST, 1024, socket.MSG_ERRQUEUE)
            except OSError:
                return
            if says_nobody(ancillary):
                self.counts["nobody was at the address of its client"] += 1
                self.clients.unreachable(address, now)

    # ---- what ends ---------------------------------------------------------------------------------------------------

    def sweep(self):
        """Ends what has been silent for long."""
        for client in self.clients.ended(self._clock()):
            self._end(client, "it is gone")
        self._flush()

    def _lose(self, client, reason):
        self.counts["a client lost its place"] += 1
        self._end(client, reason)

    def _end(self, client, reason):
        if client.answered and self._may_tell("relay-ended", self._clock()):
            peer = text(client.address)
            self._emit("relay-ended", peer=peer, up=client.up, down=client.down, reason=reason)
        self._end_way(client)

    def _end_way(self, client):
        if client.way is not None:
            self._loop.remove_reader(client.way.socket.fileno())
            client.way.socket.close()
            client.way = None

    def summary(self):
        """Tells what was lost since the last time."""
        for reason, count in self.counts.items():
            if count > self._summed[reason]:
                self._emit("relay-lost", times=count - self._summed[reason], reason=reason)
                self._summed[reason] = count

    def _may_tell(self, kind, now):
        return self._told.allows(kind, now)

    def _found(self, address, family):
        """The server is at this address from now on: who spoke before gets a new way with his next word."""
        if is_own(self._socket, address, family):
            raise Itself(
                "%s is this relay itself: give --server the address of the server" % self._lookup.name
            )
        self._server, self._proved = (address, family), False
        self._names.add(passing.plain(address[0]))
        for client in self.clients:
            self.clients.remove(client)
            self._end_way(client)
