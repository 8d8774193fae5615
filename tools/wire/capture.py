# SPDX-License-Identifier: MIT
"""Captures in pcapng (draft-ietf-opsawg-pcapng) of what a program says and hears, for Wireshark and `msgin5g trace`.

A datagram is written as the IP packet that it came in, made anew: the heads say what the socket knows. What goes over a
serial line is written as UDP too, between addresses that no network has (TEST-NET-1): the gateway is 192.0.2.1, the
device on its first line 192.0.2.2, on its second 192.0.2.3. CoAP is on the port of the gateway there, an L3 message on
L3_PORT.

The file is bounded: when it is full it gets ".1" behind its name, in the place of the one before, and a new one begins.
"""

import ipaddress
import os
import stat
import time

from tools import held
from tools.words import in_words

L3_PORT = 65400
_LONGEST = 65535 - 20 - 8  # octets that a UDP datagram of IPv4 can have
LARGEST = 32 << 20  # octets of one file; there are two
_RAW = 101  # LINKTYPE_RAW: an IP packet, of version 4 or 6
_LINE = "192.0.2.%d"
_LINES = 253


class Capture:
    """Raises OSError where the file cannot be made. `failed(reason)` is called once where it cannot be written any
    more; nothing is written then."""

    def __init__(self, path, largest=LARGEST, failed=lambda reason: None, clock=time.time):
        self._path = os.fspath(path)
        self._largest = largest
        self._failed = failed
        self._clock = clock
        self._begin()

    def _begin(self):
        # What is in it may be meant for nobody else.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError("it is no ordinary file")
            held.hold(descriptor)  # of two programs each would write over what the other wrote
            os.truncate(descriptor, 0)
        except held.Held as who:
            self.close()
            raise OSError(f"{who} writes it already") from None
        except OSError:
            self.close()
            raise
        import dpkt  # sixty modules, and few gateways write captures

        kind = dpkt.pcapng.InterfaceDescriptionBlockLE
        self._writer = dpkt.pcapng.Writer(self._file, idb=kind(snaplen=65535, linktype=_RAW))

    def datagram(self, octets, source, destination):
        """A UDP datagram, between (host, port) and (host, port). Of a longer frame of a line its end is left out."""
        if self._file is None:
            return
        packet = _packet(octets[:_LONGEST], source, destination)
        try:
            if self._file.tell() + len(packet) + 64 > self._largest:
                self._file.close()
                os.replace(self._path, self._path + ".1")
                self._begin()
            self._writer.writepkt(packet, self._clock())
        except OSError as error:
            self.close()
            self._failed(in_words(error))

    def frame(self, octets, line, port, outgoing):
        """What goes over the serial line of this number, from 0; `outgoing`: to the device."""
        ends = (_LINE % 1, port), (_LINE % (2 + line % _LINES), port)
        self.datagram(octets, *(ends if outgoing else reversed(ends)))

    def close(self):
        """No more is written."""
        if self._file is not None:
            file, self._file = self._file, None
            file.close()


def _packet(octets, source, destination):
    import dpkt

    addresses = [_address(host) for host, _ in (source, destination)]
    length = 8 + len(octets)
    udp = dpkt.udp.UDP(sport=source[1], dport=destination[1], ulen=length, data=octets)
    if all(address.version == 4 for address in addresses):
        kind, more = dpkt.ip.IP, {"len": 20 + length, "ttl": 64}
    else:
        addresses = [_as_6(address) for address in addresses]
        kind, more = dpkt.ip6.IP6, {"plen": length, "hlim": 64, "nxt": dpkt.ip.IP_PROTO_UDP}
    return bytes(
        kind(src=addresses[0].packed, dst=addresses[1].packed, p=dpkt.ip.IP_PROTO_UDP, data=udp, **more)
    )


def _address(host):
    address = ipaddress.ip_address(host.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def _as_6(address):
    return ipaddress.IPv6Address(f"::ffff:{address}") if address.version == 4 else address
