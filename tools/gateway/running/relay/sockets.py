# SPDX-License-Identifier: MIT
"""The sockets of a relay, with what Linux says of them: which of our addresses a datagram came to, and that nobody is
at the address that one went to (ip(7), ipv6(7), udp(7))."""

import errno
import socket
import struct
import sys

from tools.gateway.running.relay.passing import plain

LARGEST = 65535  # of a UDP datagram
NOBODY = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH}
NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_BUFFER = 4 << 20  # octets asked of the kernel for all clients together
_IP_RECVERR, _IP_PKTINFO, _IPV6_RECVERR = 11, 8, 25
_ERRORS = {(socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR)}


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


def listening(host, port):
    """The socket that all clients write to; of `::` for IPv4 too. OSError where it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
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
    return made


def source(ancillary):
    """The ancillary data for an answer, from that of what it answers."""
    for level, kind, value in ancillary:
        if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            return ((level, kind, value),)
        if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
            _, mine, _ = struct.unpack_from("@I4s4s", value)
            return ((level, kind, struct.pack("@I4s4s", 0, mine, bytes(4))),)
    return ()


def says_nobody(ancillary):
    """Whether that of the error queue says that nobody is there (struct sock_extended_err)."""
    return any(
        (level, kind) in _ERRORS and int.from_bytes(value[:4], sys.byteorder) in NOBODY
        for level, kind, value in ancillary
    )


def is_own(listener, address, family):
    """Whether what is sent to this address comes in at the listener."""
    own = listener.getsockname()
    if address[1] != own[1]:
        return False
    if own[0] not in ("0.0.0.0", "::"):
        return plain(address[0]) == plain(own[0])
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address[0], 0, *address[2:]))
        except OSError:  # an address of another machine
            return False
    return True


def text(address):
    """host:port, for people."""
    host = address[0].removeprefix("::ffff:")
    return ("[%s]:%d" if ":" in host else "%s:%d") % (host, address[1])
