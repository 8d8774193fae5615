# SPDX-License-Identifier: MIT
"""What passes a relay, and what it says itself: by the octets of one datagram (RFC 7252 section 3), which it never
changes."""

import ipaddress

from tools.transport.arrival import datagrams
from tools.transport.arrival.datagrams import CON

_URI_HOST = 3
_NOT_FOUND = 0x84
_ELSEWHERE = b"Uri-Host: not the server behind this relay"
_NOBODY = b"the client is not there any more"


def is_coap(octets):
    """Version 1, and a whole header."""
    return len(octets) >= 4 and octets[0] >> 6 == 1


def is_request(octets):
    return 0 < octets[1] < 32


def named_host(octets):
    """The Uri-Host of a request, in small letters and without brackets; None where it has none or cannot be read."""
    if not is_request(octets):
        return None
    value = datagrams.first_option(octets, _URI_HOST)
    try:
        return None if value is None else plain(value.decode())
    except UnicodeDecodeError:
        return ""  # a host, and certainly not the server


def plain(host):
    """A name or an address, in the one way that is compared."""
    host = host.lower().rstrip(".")
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return host


def elsewhere(octets, number):
    """4.04 for a request that is for another server; None where nothing can be answered. `number`: a message ID of
    ours, for what is Non-confirmable."""
    return _not_found(octets, _ELSEWHERE, number)


def nobody(octets):
    """4.04 for a Confirmable request to a client that is gone (clause 6.4.2.4.2); None for all else."""
    return _not_found(octets, _NOBODY, None)


def _not_found(octets, diagnostic, number):
    datagram = datagrams.read(octets)
    if datagram is None or not datagram.is_request:
        return None
    answer = datagram.answer(_NOT_FOUND, diagnostic=diagnostic)
    if datagram.mtype == CON:
        return answer
    if datagram.mtype != datagrams.NON or number is None:
        return None
    return (
        bytes((answer[0] & 0xCF | datagrams.NON << 4,)) + answer[1:2] + number.to_bytes(2, "big") + answer[4:]
    )
