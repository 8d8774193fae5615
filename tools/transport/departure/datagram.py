# SPDX-License-Identifier: MIT
"""One bare datagram of UDP, to a port that is not of CoAP: it stands for the trigger that a network would bring."""

import ipaddress
import socket

from tools.server.delivery.pushes import DONE, REFUSED, Outcome
from tools.server.isolation import reason_of


def send(peer, octets):
    """The Outcome: that it went out, which is all that is known."""
    try:
        host = ipaddress.ip_address(peer.host.partition("%")[0])
        family = socket.AF_INET if host.version == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto(octets, (peer.host, peer.port))
    except (OSError, ValueError) as error:
        return Outcome(REFUSED, reason_of(error), answered=False)
    return Outcome(DONE, "sent")
