# SPDX-License-Identifier: MIT
"""Devices that look for a gateway (TS 23.554 clause 8.2.8): /.well-known/core of RFC 6690, asked of a multicast group
or of this gateway alone. Answers are not protected, in whatever mode: they give an address, and who is there is proved
by OSCORE afterwards. So nobody has to be known, and each answer is small, and bounded for each host and in all.

aiocoap could join a group, but its socket hears it only where it listens at all addresses; and in mode oscore nothing
unprotected reaches it. So each group has a socket of its own here, and answers leave from aiocoap's.
"""

import asyncio
import ipaddress
import random
import re
import socket
import struct
import time

import aiocoap
from aiocoap import resource
from aiocoap.error import UnparsableMessage

from tools.server.flood import Flood
from tools.server.isolation import reason_of
from tools.server.settings import PORT
from tools.transport.arrival import datagrams

PATH = (".well-known", "core")
GROUP = "224.0.1.187"  # All CoAP Nodes, RFC 7252 section 12.8
LEISURE = 1.0  # s: a device listens for 3
_LINK_FORMAT = 40
_TARGET, _TYPE = "/msgin5g", "msgin5g.gw"
_MARK = b".well-known\x04core"  # in each request for it: the second option has the number of the first
_EACH, _ALL = (
    (10, 2),
    (100, 2),
)  # answers a second to one host and to all, and how many seconds' worth at once
_WAITING = 256  # answers to the group that wait for their turn
_BATCH = 64  # datagrams of the group before others have their turn
_LARGEST = 1152
_REJOIN = 60.0  # s: a network may have come
_ALL_GROUPS = 49  # IP_MULTICAST_ALL, Linux
_UNDERSTOOD = {
    aiocoap.OptionNumber.URI_HOST,
    aiocoap.OptionNumber.URI_PORT,
    aiocoap.OptionNumber.URI_PATH,
    aiocoap.OptionNumber.URI_QUERY,
    aiocoap.OptionNumber.ACCEPT,
    aiocoap.OptionNumber.BLOCK2,
}


class Links(resource.Resource):
    """The one link, to whoever asks. `size`: the largest datagram; `name`: the UE Service ID of the gateway."""

    def __init__(self, size, name=None):
        super().__init__()
        self._attributes = {"href": _TARGET, "rt": _TYPE, "sz": str(size)}
        text = '<%s>;rt="%s";sz=%d' % (_TARGET, _TYPE, size)
        if name is not None:
            self._attributes["ep"] = name
            text += ';ep="%s"' % re.sub(r'(["\\])', r"\\\1", name)
        self._link = text.encode()

    def matches(self, queries):
        """Whether the link passes each filter of RFC 6690 section 4.1; what is no filter is ignored."""
        return all(self._passes(*query.split("=", 1)) for query in queries if "=" in query)

    def _passes(self, attribute, pattern):
        value = self._attributes.get(attribute)
        if value is None:
            return False
        return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern

    async def render_get(self, request):
        """Within OSCORE, where aiocoap cuts what is too large."""
        return self._objection(request) or self._found(request)

    def _found(self, request):
        payload = self._link if self.matches(request.opt.uri_query) else b""
        return aiocoap.Message(code=aiocoap.CONTENT, payload=payload, content_format=_LINK_FORMAT)

    def _objection(self, request):
        for option in request.opt.option_list():
            if option.number.is_critical() and option.number not in _UNDERSTOOD:
                return aiocoap.Message(code=aiocoap.BAD_OPTION, payload=b"option %d" % option.number)
        if request.opt.accept not in (None, _LINK_FORMAT):
            return aiocoap.Message(code=aiocoap.NOT_ACCEPTABLE)
        return None

    def to_one(self, request):
        """The answer to a request for this gateway alone, with the block that it asks for; None for silence."""
        answer = self._objection(request)
        if answer is not None:  # RFC 7252 section 5.4.1: of a Non-confirmable one nothing is said
            return answer if request.mtype is aiocoap.CON else None
        answer = self._found(request)
        block = request.opt.block2
        if block:
            if block.size_exponent > 6 or block.block_number and block.start >= len(answer.payload):
                return aiocoap.Message(code=aiocoap.BAD_REQUEST, payload=b"Block2: there is no such block")
            end = block.start + block.size
            answer.opt.block2 = block.block_number, end < len(answer.payload), block.size_exponent
            answer.payload = answer.payload[block.start : end]
        return answer

    def to_group(self, request):
        """The same to one for a group: None wherever others may have more to say (RFC 7252 section 8.2)."""
        asked = any(query.startswith("rt=") for query in request.opt.uri_query)
        if request.mtype is not aiocoap.NON or not asked or self._objection(request):
            return None
        return self._found(request) if self.matches(request.opt.uri_query) else None


def discovery_of(options, emit):
    """A Discovery, where the Options of a program ask for one, else None."""
    return Discovery(Links(options.settings.max_datagram, options.name), emit) if options.discovery else None


class Discovery:
    """Hears the group and what the Door gives it; answers by aiocoap's socket. `clock` and `spread` (seconds until an
    answer to the group) may be replaced."""

    def __init__(self, links, emit=lambda event, **fields: None, clock=time.monotonic):
        self.links = links
        self._emit = emit
        self.clock = clock
        self._each = Flood(_EACH[0], burst=_EACH[1])
        self._all = Flood(_ALL[0], burst=_ALL[1])
        self._waiting = {}  # (address, message ID, token): the timer of its answer
        self._groups = []  # (socket, the interfaces where it is a member)
        self._timer = None
        self._failed = None
        self.answered = self.dropped = 0

    def spread(self):
        return random.random() * LEISURE

    @property
    def counts(self):
        """For people."""
        return {"discovered": self.answered, "discovery-dropped": self.dropped}

    # ---- one request -------------------------------------------------------------------------------------------------

    @staticmethod
    def concerns(datagram, octets):
        """Whether a datagram may be a request for /.well-known/core in the clear: a look that costs next to nothing."""
        return datagram.code == aiocoap.GET and datagram.oscore is None and _MARK in octets

    def take(self, datagram, octets, ancillary, address):
        """Answers a datagram that was sent to this gateway alone; False where it is none of this."""
        if not self.concerns(datagram, octets):
            return False
        if self._allows(address):
            request = _read(octets)
            if request is None:
                return False
            answer = self.links.to_one(request)
            if answer is not None:
                self._send(request, answer, ancillary, address)
        return True

    def heard(self, octets, address):
        """A datagram to the group, of this (host, port) of IPv4."""
        datagram = datagrams.read(octets)
        if datagram is None or not self.concerns(datagram, octets):
            return
        key = address, datagram.mid, datagram.token
        if key in self._waiting:  # it came over another interface as well
            return
        if len(self._waiting) >= _WAITING or not self._allows(address):
            return
        request = _read(octets)
        answer = request and self.links.to_group(request)
        if answer:
            self._waiting[key] = asyncio.get_running_loop().call_later(
                self.spread(), self._send_later, key, request, answer
            )

    def _allows(self, address):
        now = self.clock()
        allowed = self._each.allows(address[0], now) and self._all.allows(None, now)
        self.dropped += not allowed
        return allowed

    def _send_later(self, key, request, answer):
        del self._waiting[key]
        host, port = key[0]
        self._send(request, answer, [], ("::ffff:" + host, port, 0, 0))

    def _send(self, request, answer, ancillary, address):
        confirmed = request.mtype is aiocoap.CON
        answer.mtype = aiocoap.ACK if confirmed else aiocoap.NON
        answer.mid = request.mid if confirmed else self._manager._next_message_id()
        answer.token = request.token
        self.answered += 1
        self._manager.message_interface.transport.sendmsg(answer.encode(), ancillary, 0, address)

    # ---- the groups --------------------------------------------------------------------------------------------------

    def start(self, manager):
        """`manager`: aiocoap's MessageManager over its socket, which says where the gateway listens. Joins the group
        at the port of the service, where devices ask, and at that of the gateway."""
        self._manager = manager
        host, port = manager.message_interface.transport.get_extra_info("socket").getsockname()[:2]
        bound = ipaddress.IPv6Address(host.partition("%")[0])
        self._host = bound.ipv4_mapped
        if bound == ipaddress.IPv6Address("::"):
            self._host = ipaddress.IPv4Address("0.0.0.0")
        if self._host is None:
            self._tell_failure("%s is an IPv6 address, and the group is of IPv4" % bound)
            return
        heard = []
        for number in sorted({PORT, port}):
            try:
                group = _socket(number)
            except OSError as error:
                self._tell_failure(reason_of(error))
                continue
            self._groups.append((group, set()))
            asyncio.get_running_loop().add_reader(group.fileno(), self._read, group)
            if self._join(*self._groups[-1]):
                heard.append("%s:%d" % (GROUP, number))
        if heard:
            self._emit("discoverable", groups=", ".join(heard))
        if self._host.is_unspecified:
            self._wait()

    def _wait(self):
        self._timer = asyncio.get_running_loop().call_later(_REJOIN, self._again)

    def _again(self):
        for group, joined in self._groups:
            self._join(group, joined)
        self._wait()

    def _join(self, group, joined):
        """On all interfaces, or on the one that has our address; whether there is one."""
        wanted = {None}
        if self._host.is_unspecified:
            wanted = {index for index, _ in socket.if_nameindex()}
        joined &= wanted  # one that went and came back has another index
        for index in sorted(wanted - joined, key=lambda index: index or 0):
            address = self._host.packed if index is None else bytes(4)
            membership = socket.inet_aton(GROUP) + address + struct.pack("@i", index or 0)
            try:
                group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
                joined.add(index)
            except OSError as error:
                self._tell_failure(reason_of(error))
        return bool(joined)

    def _tell_failure(self, reason):
        if self._failed is None:  # a join is tried again and again
            self._failed = reason
            self._emit("discovery-failed", group=GROUP, reason=reason)

    def _read(self, group):
        for _ in range(_BATCH):
            try:
                octets, address = group.recvfrom(_LARGEST + 1)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # of a datagram; the next may be well
                continue
            if len(octets) <= _LARGEST:
                self.heard(octets, address)

    def stop(self):
        if self._timer:
            self._timer.cancel()
        for timer in self._waiting.values():
            timer.cancel()
        self._waiting.clear()
        while self._groups:
            group, _ = self._groups.pop()
            asyncio.get_running_loop().remove_reader(group.fileno())
            group.close()


def hear_own_groups_only(opened):
    """Linux gives a socket at all addresses the datagrams of each group that anybody on the machine has joined."""
    opened.setsockopt(socket.IPPROTO_IP, _ALL_GROUPS, 0)


def _socket(port):
    """Of the group itself, so that it gets nothing else; several gateways of a machine may have one each."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            made.setsockopt(socket.SOL_SOCKET, option, 1)
        hear_own_groups_only(made)
        made.bind((GROUP, port))
    except OSError:
        made.close()
        raise
    return made


def _read(octets):
    """The request, or None for what is none or is for another path."""
    try:
        request = aiocoap.Message.decode(octets)
        return request if request.opt.uri_path == PATH else None
    except (UnparsableMessage, ValueError):  # a text option may be no text
        return None
