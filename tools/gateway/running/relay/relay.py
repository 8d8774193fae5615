# SPDX-License-Identifier: MIT
"""A running relay: one socket toward the clients, and one toward the server for each of them, which the server so
tells apart by their addresses. It keeps nothing but that, and repeats nothing: what is lost here is lost as on any
network, and CoAP at the two ends mends it.
"""

import asyncio
import collections
import errno
import itertools
import socket
import struct
import sys
import time
from dataclasses import dataclass

from tools.gateway.running.relay import passing
from tools.gateway.running.relay.clients import MOST, Clients, host_of
from tools.gateway.running.relay.lookup import Lookup
from tools.server.flood import Flood

_LARGEST = 65535  # of a UDP datagram
_BATCH = 128  # datagrams of one socket before the others have their turn
_BUFFER = 4 << 20  # octets asked of the kernel for all clients together
_RATE = 1000  # datagrams a second of one host; the gateway takes as many of one device
_ANSWERS = 20, 5  # of the relay's own: a second to one host, and how many seconds' worth at once
_TOLD = 5, 20  # events of one kind a second, and how many seconds' worth at once; all are counted
_SWEEP = 2.0  # s
_SUMMARY = 10.0  # s between two events about losses
_TRIES = 8  # each takes away one error that belongs to an earlier datagram
_IP_RECVERR, _IP_PKTINFO, _IPV6_RECVERR = 11, 8, 25  # Linux
_ERRORS = {(socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR)}
_NOBODY = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH}
_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


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


class Way:
    """The socket of one client toward the server."""

    def __init__(self, server, family):
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        try:
            self.socket.connect(server)  # only the server is heard then, and what the network says of it
        except OSError:
            self.socket.close()
            raise
        self.source = ()  # ancillary data that makes an answer leave from the address that the client wrote to


class Relay:
    """`async with Relay(options, events) as relay:` runs it; `.port`."""

    def __init__(self, options, events, clock=time.monotonic):
        self.options = options
        self._emit = events.emit
        self._flush = events.flush
        self._clock = clock
        self.clients = Clients(options.idle, options.clients)
        self.counts = collections.Counter()
        self._summed = collections.Counter()  # losses that were told
        self._floods = Flood(_RATE)
        self._answers = Flood(_ANSWERS[0], burst=_ANSWERS[1])
        self._told = Flood(_TOLD[0], burst=_TOLD[1])
        self._numbers = itertools.count(int(clock() * 1000))
        self._names = {passing.plain(name) for name in (options.server[0], *options.names)}
        self._lookup = Lookup(options.server, self._found, self._emit)
        self._server = None  # (address, family) once it is known
        self._silent = False  # the server's host says that nobody is there
        self._timers = []
        self.port = None

    # ---- its life ----------------------------------------------------------------------------------------------------

    async def __aenter__(self):
        self._loop = asyncio.get_running_loop()
        self._listen(*self.options.listen)
        try:
            self._loop.add_reader(self._socket.fileno(), self._read_clients)
            listen = "[%s]:%d" if ":" in self.options.listen[0] else "%s:%d"
            self._emit(
                "relaying", listen=listen % (self.options.listen[0], self.port), server=self._lookup.name
            )
            await self._lookup.start()
            self._every(min(self.options.idle / 4, _SWEEP), self.sweep)
            self._every(_SUMMARY, self.summary)
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(self, *exception):
        await self._lookup.stop()
        self._close()
        self.summary()

    def _listen(self, host, port):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = made = socket.socket(family, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
                made.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
            else:
                made.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            made.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
            made.bind((host, port))
        except BaseException:
            made.close()
            raise
        self.port = made.getsockname()[1]

    def _every(self, seconds, function):
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
                octets, ancillary, _, address = self._socket.recvmsg(_LARGEST, 256)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # an error of an earlier datagram, which its queue has too
                continue
            self.uplink(octets, ancillary, address)

    def uplink(self, octets, ancillary, address):
        """A datagram of a client."""
        now = self._clock()
        if not passing.is_coap(octets):
            self.counts["no CoAP"] += 1
        elif not self._floods.allows(host_of(address), now):
            self.counts["too many of one host"] += 1
        elif self._is_for_another(octets):
            self._refuse(octets, ancillary, address, now)
        elif self._server is None:
            self.counts["the server is not known yet"] += 1
        else:
            client = self.clients.heard(address, now) or self._admit(address, now)
            if client is not None:
                client.way.source = _source(ancillary)
                client.up += 1
                self._send_to_server(client, octets)

    def _is_for_another(self, octets):
        host = passing.named_host(octets)
        return host is not None and host not in self._names

    def _refuse(self, octets, ancillary, address, now):
        self.counts["for another server"] += 1
        if self._may_tell("refused", now):
            self._emit(
                "refused",
                peer=_text(address),
                kind="request",
                code="4.04",
                reason="Uri-Host is another server",
            )
        answer = passing.elsewhere(octets, next(self._numbers) & 0xFFFF)
        if answer is not None and self._answers.allows(host_of(address), now):
            self._send_to_client(answer, _source(ancillary), address)

    def _admit(self, address, now):
        """A place for who speaks first, or None where there is no socket to be had."""
        try:
            way = self._open()
        except OSError as error:
            self.counts["no socket"] += 1
            if self._may_tell("relay-failed", now):
                self._emit("relay-failed", peer=_text(address), reason=error.strerror or str(error))
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
            other = self.clients.spare() if error.errno in _NO_ROOM else None
            if other is None:
                raise
        self._lose(other, "others needed its socket")
        return Way(*self._server)

    # ---- from the server to clients ----------------------------------------------------------------------------------

    def _read_server(self, client):
        for _ in range(_BATCH):
            try:
                octets = client.way.socket.recv(_LARGEST)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._server_says(error)
                return
            self.downlink(client, octets)

    def downlink(self, client, octets):
        """A datagram of the server for a client."""
        now = self._clock()
        if self._silent:
            self._silent = False
            self._emit("server-back", server=self._lookup.name)
        if not passing.is_coap(octets):
            self.counts["no CoAP"] += 1
        elif self.clients.is_gone(client, now):
            self.counts["its client is gone"] += 1
            answer = passing.nobody(octets)
            if answer is not None:
                self._send_to_server(client, answer)
        else:
            if not client.answered:
                client.answered = True
                if self._may_tell("relayed", now):
                    port = client.way.socket.getsockname()[1]
                    self._emit("relayed", peer=_text(client.address), port=port)
            client.down += 1
            self._send_to_client(octets, client.way.source, client.address)

    def _server_says(self, error):
        """Its host, or the way there: what was sent is lost, and will be sent again."""
        self.counts["the server cannot be reached"] += 1
        if not self._silent:
            self._silent = True
            self._emit("server-silent", server=self._lookup.name, reason=error.strerror or str(error))

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
                if failure.errno in _NOBODY:
                    said(failure)
                if failure.errno == errno.EMSGSIZE:
                    break
        if error is None:
            self.counts["no room to send"] += 1
        else:
            self.counts["not sent: %s" % (error.strerror or error)] += 1

    def _read_errors(self):
        """What hosts of clients said: nobody is at that address."""
        now = self._clock()
        for _ in range(_BATCH):
            try:
                _, ancillary, _, address = self._socket.recvmsg(_LARGEST, 1024, socket.MSG_ERRQUEUE)
            except OSError:
                return
            if any(_refused(*item) for item in ancillary):
                self.counts["its client cannot be reached"] += 1
                self.clients.unreachable(address, now)

    # ---- what ends ---------------------------------------------------------------------------------------------------

    def sweep(self):
        """Ends what has been silent for long."""
        for client in self.clients.ended(self._clock()):
            self._end(client, "it is gone")
        self._flush()

    def _lose(self, client, reason):
        self.counts["places lost"] += 1
        self._end(client, reason)

    def _end(self, client, reason):
        if client.answered and self._may_tell("relay-ended", self._clock()):
            peer = _text(client.address)
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
                self._emit("relay-lost", datagrams=count - self._summed[reason], reason=reason)
                self._summed[reason] = count

    def _may_tell(self, kind, now):
        return self._told.allows(kind, now)

    def _found(self, address, family):
        """The server is at this address from now on: who spoke before gets a new way with his next word."""
        if self._is_own(address, family):
            raise Itself(
                "%s is this relay itself: give --server the address of the server" % self._lookup.name
            )
        self._server = address, family
        self._names.add(passing.plain(address[0]))
        for client in self.clients:
            self.clients.remove(client)
            self._end_way(client)

    def _is_own(self, address, family):
        own = self._socket.getsockname()
        if address[1] != own[1]:
            return False
        if own[0] not in ("0.0.0.0", "::"):
            return passing.plain(address[0]) == passing.plain(own[0])
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address[0], 0, *address[2:]))
            except OSError:  # an address of another machine
                return False
        return True


def _refused(level, kind, value):
    """Whether ancillary data of the error queue (ip(7), struct sock_extended_err) says that nobody is there."""
    return (level, kind) in _ERRORS and int.from_bytes(value[:4], sys.byteorder) in _NOBODY


def _source(ancillary):
    """The ancillary data for an answer, from that of what it answers."""
    for level, kind, value in ancillary:
        if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            return ((level, kind, value),)
        if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
            _, mine, _ = struct.unpack_from("@I4s4s", value)
            return ((level, kind, struct.pack("@I4s4s", 0, mine, bytes(4))),)
    return ()


def _text(address):
    host = address[0].removeprefix("::ffff:")
    return ("[%s]:%d" if ":" in host else "%s:%d") % (host, address[1])
