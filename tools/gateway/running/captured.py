# SPDX-License-Identifier: MIT
"""--pcap: what the CoAP sockets and the serial lines of a program say and hear, in a capture."""

import socket
from ipaddress import IPv6Address

from tools.gateway.running.options import NoCapture
from tools.server.hosts import address_of
from tools.transport.lines import COAP, L3
from tools.wire.capture import L3_PORT, Capture
from tools.words import why


def begin(program):
    """The Capture of a Running that listens, where its options ask for one. Raises NoCapture."""
    path = program.options.pcap
    if path is None:
        return None
    try:
        capture = Capture(path, failed=lambda reason: program.events.emit("capture-ended", reason=reason))
    except OSError as error:
        raise NoCapture("--pcap %s: %s" % (path, why(error))) from error
    _tap(program.coap, capture, address_of(program.options.coap[0]), program.coap_port)
    north = getattr(program, "north", None)
    if north is not None:
        _tap(north.coap, capture, None, north.port)
    for number, line in enumerate(program.lines):
        line.tap = _of_line(capture, number, program.coap_port)
    return capture


def _tap(coap, capture, bound, port):
    host = str(bound or "::")  # the datagrams know better, as a rule

    def came(octets, ancillary, flags, address):
        capture.datagram(octets, address[:2], (_ours(ancillary) or host, port))

    def went(octets, ancillary, flags, address):
        capture.datagram(octets, (_ours(ancillary) or host, port), address[:2])

    coap.door.tap, coap.outlet.tap = came, went


def _ours(ancillary):
    """Our address that a datagram came to, or leaves from; None where it does not say."""
    for level, kind, octets in ancillary:
        if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            address = IPv6Address(octets[:16])
            return None if address.is_unspecified else str(address)
    return None


def _of_line(capture, number, port):
    def tap(kind, content, outgoing):
        if kind in (COAP, L3):
            capture.frame(content, number, L3_PORT if kind == L3 else port, outgoing)

    return tap
