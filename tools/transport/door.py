# SPDX-License-Identifier: MIT
"""The UDP socket of aiocoap, read in batches and with a fair turn for each source.

aiocoap takes one datagram a round of the event loop, makes objects of it and keeps something, whoever sent it. Here a
datagram is judged first, by its octets; what is refused costs a few microseconds and leaves nothing behind. A batch
bounds the work in total: however much comes in, everything else has its turn after each one.
"""

import asyncio
import socket
import sys
import time

from aiocoap import BAD_OPTION
from aiocoap.transports.udp6 import UDP6EndpointAddress
from aiocoap.util import socknumbers

from tools.server.flood import Flood
from tools.server.isolation import place_of, reason_of
from tools.store.faults import Unavailable
from tools.transport.arrival import datagrams
from tools.transport.arrival.turns import Turns
from tools.transport.discovery import hear_own_groups_only

_BATCH = 256  # datagrams looked at before others have their turn: some milliseconds
_AT_ONCE = 8  # requests handed on in one round of the event loop: each may be a transaction
_SHARE = 4  # one of so many turns is a stranger's, if there is one
_MAX_EACH, _MAX_ALL = 64, 2048  # requests that wait for their turn: of one source, in all
_BUFFER = 4 << 20  # octets asked of the kernel; it gives what net.core.rmem_max allows
_LARGEST = 4096  # as aiocoap
_ANSWERS = 20, 5  # refusals that are answered: a second to one address, and how many seconds' worth at once
_ANSWERS_ALL = 200, 5
_TRIED, _STILL = (
    32,
    8,
)  # while more comes than can be read: after so many refusals one of so many is looked at
_GOOD = 4096  # addresses that something has verified from
_ANY_IPV6, _ANY_IPV4 = bytes(16), bytes(10) + b"\xff\xff" + bytes(4)  # what leaves has whichever address fits
_SO_RXQ_OVFL = 40  # Linux: with a datagram comes how many the kernel has dropped


class Door:
    """`judge(remote, Datagram, Recent)` gives (source, None) for a request that goes on, whose turn is that of its
    source (a str for the host of a stranger), or (None, what to give Datagram.answer, or None for silence)."""

    def __init__(self, judge, emit=lambda event, **fields: None, clock=time.monotonic, discovery=None):
        self._judge = judge
        self._discovery = discovery
        self._emit = emit
        self._clock = clock
        self._turns = Turns(_MAX_EACH, _MAX_ALL)
        self._strangers = Turns(_MAX_EACH, _MAX_ALL)  # in mode none: of hosts, not of who is registered
        self._answers = Flood(_ANSWERS[0], burst=_ANSWERS[1])
        self._answers_all = Flood(_ANSWERS_ALL[0], burst=_ANSWERS_ALL[1])
        self._told = Flood(1, burst=5)
        self.tap = None  # is called with what `recvmsg` gives: (octets, ancillary, flags, address)
        self.straight = (
            None  # takes a datagram (octets, ancillary, flags, address) from before aiocoap, or gives False
        )
        self.strays = None  # of a node among others: Strays
        self._serving = False
        self._behind = False  # there is more than one batch holds
        self._refusals = {}  # while that is so: address: how many of its datagrams were refused
        self._good = {}  # addresses, the longest silent first
        self.skipped = self.dropped = 0
        self.received = self.broken = self.refused = self.stray = self.handled = self.failed = 0

    @property
    def counts(self):
        """For people: what became of the datagrams."""
        return {
            "datagrams": self.received,
            "broken": self.broken,
            "refused": self.refused,
            "stray": self.stray,
            "skipped": self.skipped,
            "dropped": self.dropped,
            "lost": self._turns.lost + self._strangers.lost,
            "requests": self.handled,
            "failed": self.failed,
            **(self._discovery.counts if self._discovery else {}),
        }

    def attach(self, manager, recent):
        """`manager`: aiocoap's MessageManager over a MessageInterfaceUDP6; `recent`: its Recent."""
        self._manager, self._recent = manager, recent
        self._interface = interface = manager.message_interface
        self._deliver = interface.datagram_msg_received
        interface.datagram_msg_received = self.on_datagram
        self._socket = interface.transport.get_extra_info("socket")
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        hear_own_groups_only(self._socket)
        loop = self._loop = asyncio.get_running_loop()
        loop.add_reader(self._socket.fileno(), self._read)  # in the place of aiocoap's own

    def _read(self):
        self._errors()
        for _ in range(_BATCH):
            try:
                octets, ancillary, flags, address = self._socket.recvmsg(_LARGEST, 1024)
            except (BlockingIOError, InterruptedError):
                self._behind = False
                self._refusals.clear()
                return
            except OSError as error:
                self._interface.error_received(error)
                return
            if self._behind and self._is_worthless(address):
                self.received += 1
                self.skipped += 1
            else:
                self.on_datagram(octets, _local(ancillary), flags, address)
        self._behind = True
        for level, kind, octets in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, _SO_RXQ_OVFL):
                self.dropped = int.from_bytes(octets[:4], sys.byteorder)

    def _is_worthless(self, address):
        """Whether to drop a datagram unread, because more comes than can be judged: from an address without a
        verified datagram most are dropped, so that others are reached before the kernel drops them. A good address
        stays good, even where others forge it."""
        refusals = self._refusals.get(address, 0)
        if refusals < _TRIED or address in self._good:
            return False
        self._refusals[address] = refusals + 1
        return refusals % _STILL != 0

    def _errors(self):
        for _ in range(_BATCH):
            try:
                error = self._socket.recvmsg(_LARGEST, 1024, socknumbers.MSG_ERRQUEUE)
            except OSError:
                return
            self._interface.datagram_errqueue_received(*error)

    def on_datagram(self, octets, ancillary, flags, address):
        """A datagram, as `recvmsg` gives it. Whatever it makes us raise, the ones behind it are read."""
        try:
            if self.tap:
                self.tap(octets, ancillary, flags, address)
            self._take(octets, ancillary, flags, address)
        except Exception as error:
            self._raised(address, error)

    def _take(self, octets, ancillary, flags, address):
        self.received += 1
        datagram = datagrams.read(octets)
        if datagram is None or flags & socket.MSG_TRUNC:
            self.broken += 1
            return
        remote = UDP6EndpointAddress(address, self._interface)
        if not datagram.is_request:
            if self._is_expected(remote, datagram):
                self._hand_on((octets, ancillary, flags, address))
                return
            self.stray += 1
            if self.strays is not None and self.strays.take(datagram, octets, ancillary, address):
                return
            source, answer = None, ()  # a ping, or a response to nothing: a Reset (RFC 7252 section 4.2)
        elif self._discovery and self._discovery.take(datagram, octets, ancillary, address):
            return
        else:
            source, answer = self._judge(remote, datagram, self._recent)
        if source is not None:
            self._good.pop(address, None)
            self._good[address] = True
            if len(self._good) > _GOOD:
                del self._good[next(iter(self._good))]
            turns = self._strangers if isinstance(source, str) else self._turns
            if turns.put(source, (octets, ancillary, flags, address)) and not self._serving:
                self._serving = True
                self._loop.call_soon(self._serve)
            return
        self._refuse(datagram, answer, ancillary, address)

    def reject(self, datagram, ancillary, address):
        """Nobody has asked for it."""
        self._refuse(datagram, (), ancillary, address)

    def take_expected(self, octets, address):
        """A datagram that has come to another node: whether it fits an exchange of this one."""
        datagram = datagrams.read(octets)
        if datagram is None or datagram.is_request:
            return False
        if not self._is_expected(UDP6EndpointAddress(address, self._interface), datagram):
            return False
        family = _ANY_IPV4 if address[0].startswith("::ffff:") else _ANY_IPV6
        self._hand_on((octets, [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, family + bytes(4))], 0, address))
        return True

    def _refuse(self, datagram, answer, ancillary, address):
        self.refused += datagram.is_request
        if self._behind and (address in self._refusals or len(self._refusals) < _GOOD):
            self._refusals[address] = self._refusals.get(address, 0) + 1
        if answer is not None and datagram.mtype == datagrams.CON:
            now = self._clock()
            if self._answers.allows(address[0], now) and self._answers_all.allows(None, now):
                octets = datagram.answer(*answer) if answer else datagram.reset()
                self._interface.transport.sendmsg(octets, ancillary, 0, address)

    def _is_expected(self, remote, datagram):
        """An empty message ends an exchange that is open; a response belongs to a request that is."""
        if datagram.code == datagrams.EMPTY:
            open_ = self._manager._active_exchanges or ()
            return datagram.mtype in (datagrams.ACK, datagrams.RST) and (remote, datagram.mid) in open_
        return (datagram.token, remote) in (self._manager.token_manager.outgoing_requests or ())

    def _serve(self):
        for number in range(_AT_ONCE):
            first, second = self._turns, self._strangers
            if number % _SHARE == 0:
                first, second = second, first
            item = first.pop() or second.pop()
            if item is None:
                break
            self.handled += 1
            self._hand_on(item)
        self._serving = bool(len(self._turns) or len(self._strangers))
        if self._serving:
            self._loop.call_soon(self._serve)

    def _hand_on(self, item):
        self._recent.datagram = item[0]
        try:
            if self.straight is None or not self.straight(*item):
                self._deliver(*item)
        except (
            UnicodeError
        ):  # a critical option that is no text is as one that is unknown (RFC 7252 section 5.4.3)
            self.broken += 1
            octets, ancillary, _, address = item
            datagram = datagrams.read(octets)
            if datagram.is_request:
                self._refuse(datagram, (BAD_OPTION, None, b"no UTF-8"), ancillary, address)
        except Exception as error:
            self._raised(item[3], error)
        finally:
            self._recent.datagram = None

    def _raised(self, address, error):
        """An error of our own: counted, and some a second are told. That the database is away is told by who writes; to
        the device it is as if the datagram had been lost: it sends it again (RFC 7252 section 4.2)."""
        self.failed += 1
        if isinstance(error, Unavailable):
            return
        if self._told.allows(None, self._clock()):
            reason, place = reason_of(error), place_of(error)
            self._emit("error", kind="datagram", peer="%s:%d" % address[:2], reason=reason, place=place)


def _local(ancillary):
    """The ancillary data that makes an answer leave from the address that the datagram came to."""
    wanted = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO)
    return [item for item in ancillary if item[:2] == wanted]
