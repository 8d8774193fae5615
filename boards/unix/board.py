# SPDX-License-Identifier: MIT
"""A board that is this computer: the MicroPython unix port, with its files in the folder that it was started in."""

import hashlib
import os
import socket
import sys
import time

from device.links import Unsupported
from device.storage import FileStorage


class Board:
    name = "unix"

    def __init__(self):
        self.storage = FileStorage("messages")

    def unique_id(self):
        """8 octets, the same as long as the folder stays."""
        return hashlib.sha256(os.getcwd().encode()).digest()[:8]

    def links(self, config):
        """The link that `config.peer` asks for."""
        if config.peer_scheme != "coap":
            raise Unsupported("peer: the unix board has UDP only so far, coap://host:port")
        from device.links.udp import UDPLink

        return UDPLink(config.peer_host, config.peer_port, config.coap["max_datagram"], _address)

    def watchdog(self, timeout_ms):
        raise Unsupported("the unix board has no watchdog; use a service manager that restarts it")

    def sleep(self, ms):
        time.sleep_ms(ms)

    def led(self, on):
        raise Unsupported("the unix board has no LED")

    def reset_cause(self):
        return "power-on"

    def reset(self):
        sys.exit(0)


def _address(sockaddr):
    """(host, port): the unix port says addresses as octets of the C struct."""
    family, address, port = socket.sockaddr(sockaddr)[:3]
    return socket.inet_ntop(family, address), port
