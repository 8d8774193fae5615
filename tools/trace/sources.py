# SPDX-License-Identifier: MIT
"""Where messages are heard: captures of UDP, octets of a serial line."""

import contextlib
import os
import stat
import sys
import time
from typing import NamedTuple

import dpkt
import serial

from tools.trace.steps import DEVICE, GATEWAY, SERVER
from tools.transport.lines import COAP, L3, Framer
from tools.wire import capture
from tools.wire.outside import FIRST, LAST
from tools.words import counted, why

_NG = b"\x0a\x0d\x0d\x0a"  # how pcapng begins
_MAGIC = {bytes.fromhex(magic) for magic in ("a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1")}
_CHUNK = 4096
_LONGEST_FRAME = 65535
_BLOCK = 16 << 20  # octets of a block of a capture; a packet has 64 KiB
# https://www.tcpdump.org/linktypes.html, by number: what stands before the IP packet
_LINKS = {
    0: dpkt.loopback.Loopback,
    1: dpkt.ethernet.Ethernet,
    108: dpkt.loopback.Loopback,
    113: dpkt.sll.SLL,
    276: dpkt.sll2.SLL2,
}
_BARE_IP = (12, 101, 228, 229)


class Unreadable(Exception):
    """The sentence says what and why."""


class Heard(NamedTuple):
    seconds: float | None  # since 1970
    who: str  # of tools.trace.steps.ORDER, a device with its address; of a line its name, and to nobody
    to: str
    source: object  # who spoke, and to whom: equal for equal ends
    destination: object
    kind: int  # of slipmux; COAP for a datagram
    octets: bytes


class Ends(NamedTuple):
    """Whose ends are whose in a capture: (host or None for any, port)."""

    gateway: tuple
    server: tuple | None = None

    def names(self, source, destination):
        """(who, to), or None where neither is ours."""
        if self.server and _fits(self.server, destination):
            return GATEWAY, SERVER
        if self.server and _fits(self.server, source):
            return SERVER, GATEWAY
        if _fits(self.gateway, destination):
            return f"{DEVICE} %s:%d" % source, GATEWAY
        if _fits(self.gateway, source):
            return GATEWAY, f"{DEVICE} %s:%d" % destination
        return None


def _fits(end, address):
    return end[1] == address[1] and end[0] in (None, address[0])


def read(source, ends, baudrate=None):
    """Yields a Heard for each message of a capture, of the octets of a line in a file, or, with a `baudrate`, of a wire
    that is listened to. Raises Unreadable."""
    with contextlib.ExitStack() as stack:
        try:
            if source == "-":
                yield from _capture(source, sys.stdin.buffer, ends)
            elif baudrate is not None:
                yield from _wire(source, stack.enter_context(serial.serial_for_url(source, baudrate)))
            else:
                file = stack.enter_context(open(source, "rb"))
                if is_capture(file.peek(4)):
                    yield from _capture(source, file, ends)
                else:
                    yield from _dump(source, file)
        except (OSError, serial.SerialException) as error:
            raise Unreadable(f"{source}: {why(error)}") from None


def is_capture(octets):
    """Whether a file that begins so is one."""
    return octets[:4] in _MAGIC or octets[:4] == _NG


def is_port(source):
    """Whether it is a serial port, and no file."""
    return "://" in source or os.path.exists(source) and stat.S_ISCHR(os.stat(source).st_mode)


# ---- datagrams -------------------------------------------------------------------------------------------------------


class _Bounded:
    """A file for dpkt, which asks for as many octets as a capture says that there are."""

    def __init__(self, file):
        self._file = file

    def read(self, size):
        if not 0 <= size <= _BLOCK:
            raise ValueError(f"a block of {size} octets")
        return self._file.read(size)


def _capture(name, file, ends):
    begin = file.peek(4)[:4]
    if not is_capture(begin):
        raise Unreadable(f"{name}: what comes in is no capture (tshark -w - makes one)")
    other = 0
    try:
        bounded = _Bounded(file)
        reader = dpkt.pcapng.Reader(bounded) if begin == _NG else dpkt.pcap.Reader(bounded)
        link = reader.datalink()
        if link not in _LINKS and link not in _BARE_IP:
            raise Unreadable(f"{name}: packets of link type {link} are not understood")
        count = 0
        for seconds, packet in reader:
            seconds = float(seconds) if FIRST <= seconds <= LAST else None
            heard = _datagram(seconds, packet, link, ends)
            count += heard is not None
            other += heard is None
            if heard:
                yield heard
    except (dpkt.Error, ValueError) as error:
        raise Unreadable(f"{name} is a damaged capture: {error}") from None
    if other and not count:
        raise Unreadable(
            f"{name}: of {counted(other, 'packet')} none is UDP of port {ends.gateway[1]}; --coap names another"
        )


def _datagram(seconds, packet, link, ends):
    """None for what is no UDP of these ends."""
    try:
        if link in _BARE_IP:
            ip = dpkt.ip6.IP6(packet) if packet[0] >> 4 == 6 else dpkt.ip.IP(packet)
        else:
            ip = _LINKS[link](packet).data
        udp = ip.data
        if not isinstance(udp, dpkt.udp.UDP):
            return None
        source = dpkt.utils.inet_to_str(ip.src), udp.sport
        destination = dpkt.utils.inet_to_str(ip.dst), udp.dport
    except (dpkt.Error, AttributeError, IndexError, ValueError):
        return None
    kind = COAP
    if capture.L3_PORT in (source[1], destination[1]):  # of our own captures: a line with L3
        kind, ends = L3, Ends((None, capture.L3_PORT))
    names = ends.names(source, destination)
    return names and Heard(seconds, *names, source, destination, kind, bytes(udp.data))


# ---- frames ----------------------------------------------------------------------------------------------------------


def _dump(name, file):
    frames = 0
    framer = Framer(_LONGEST_FRAME)
    while octets := file.read(_CHUNK):
        for frame in framer.feed(octets):
            frames += 1
            yield _frame(None, name, frame)
    if not frames:
        raise Unreadable(f"{name} is no capture, and holds no frame of slipmux")


def _wire(name, line):
    framer = Framer(_LONGEST_FRAME)
    while True:
        octets = line.read(max(1, line.in_waiting))
        for frame in framer.feed(octets):
            yield _frame(time.time(), name, frame)


def _frame(seconds, name, frame):
    # A line has two ends and no addresses: an answer is found by its token alone.
    return Heard(seconds, os.path.basename(name), "", None, None, *frame)
