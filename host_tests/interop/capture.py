# SPDX-License-Identifier: MIT
"""Datagrams as a capture file, so that nobody needs the right to listen on an interface."""

import struct
import time

from tools.impair import Impairment, Profile

# What the file says; who spoke in truth is told by the direction alone.
DEVICE = ((192, 0, 2, 2), 49152)
GATEWAY = ((192, 0, 2, 1), 65401)
_RAW_IPV4 = 228  # LINKTYPE_IPV4


class Capture:
    """A pcap file (draft-ietf-opsawg-pcap) with IPv4 and UDP heads around what is added."""

    def __init__(self, path):
        self.count = 0
        self._file = open(path, "wb")
        self._file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, _RAW_IPV4))

    def add(self, datagram, to_device):
        source, destination = (GATEWAY, DEVICE) if to_device else (DEVICE, GATEWAY)
        packet = _ipv4(_udp(datagram, source, destination), source[0], destination[0])
        seconds, fraction = divmod(time.time_ns(), 10**9)
        self._file.write(struct.pack("<IIII", seconds, fraction // 1000, len(packet), len(packet)) + packet)
        self.count += 1

    def close(self):
        self._file.close()


class Relay(Impairment):
    """Hands on each datagram at once, and has it in a Capture."""

    def __init__(self, upstream, capture):
        super().__init__(upstream, Profile("nothing happens", delay=0))
        self._capture = capture

    def pass_on(self, datagram, fates, send):
        self._capture.add(datagram, fates.to_device)
        super().pass_on(datagram, fates, send)


def _udp(datagram, source, destination):
    """RFC 768, its checksum over the pseudo header too."""
    head = struct.pack(">HHHH", source[1], destination[1], 8 + len(datagram), 0)
    pseudo = bytes((*source[0], *destination[0], 0, 17)) + head[4:6]
    checksum = _checksum(pseudo + head + datagram) or 0xFFFF  # 0 would say that there is none
    return head[:6] + struct.pack(">H", checksum) + datagram


def _ipv4(payload, source, destination):
    """RFC 791, without options."""
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, 17, 0)
    addresses = bytes((*source, *destination))
    checksum = struct.pack(">H", _checksum(head + addresses))
    return head[:10] + checksum + addresses + payload


def _checksum(octets):
    """RFC 1071: the complement of the sum in ones' complement."""
    octets += bytes(len(octets) % 2)
    total = sum(struct.unpack(">%dH" % (len(octets) // 2), octets))
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    return total ^ 0xFFFF
