# SPDX-License-Identifier: MIT
"""`socket` for the emulated Pico, which has no network: each datagram goes over UART0 in a frame (RFC 1055) with its
address before it, and the computer at the other end sends it by UDP (carrier.py).

What `coap.aio` and the programs of docs/coap.md ask of a port's socket is here, as the Pico W has it.
"""

import io
import time

import machine

AF_INET = 2
SOCK_DGRAM = 2
_POLL, _READ, _WRITE = 3, 1, 4
_EAGAIN, _ETIMEDOUT = 11, 110
_END, _ESC = b"\xc0", b"\xdb"

_line = machine.UART(0, 921600, rxbuf=8192, txbuf=2048)
_sockets = {}
_rest = b""


class socket(io.IOBase):
    """A datagram socket, its number on the line in the first octet of each frame."""

    def __init__(self, family=AF_INET, kind=SOCK_DGRAM, proto=0):
        self._number = len(_sockets)
        _sockets[self._number] = self
        self._came = []
        self._timeout = None  # s; 0 does not wait
        _say(self._number, "o", ("0.0.0.0", 0), b"")

    def bind(self, sockaddr):
        _say(self._number, "b", sockaddr, b"")

    def setblocking(self, flag):
        self._timeout = None if flag else 0

    def settimeout(self, seconds):
        self._timeout = seconds

    def setsockopt(self, level, option, value):
        if isinstance(value, (bytes, bytearray)):
            _say(self._number, "s", ("0.0.0.0", option), bytes((level,)) + value)

    def sendto(self, octets, sockaddr):
        _say(self._number, "d", sockaddr, octets)
        return len(octets)

    def recvfrom(self, size):
        start = time.ticks_ms()
        while True:
            _take()
            if self._came:
                octets, sockaddr = self._came.pop(0)
                return octets[:size], sockaddr
            if self._timeout == 0:
                raise OSError(_EAGAIN)
            if self._timeout is not None and time.ticks_diff(time.ticks_ms(), start) >= self._timeout * 1000:
                raise OSError(_ETIMEDOUT)
            time.sleep_ms(1)

    def ioctl(self, request, argument):
        if request != _POLL:
            return 0
        _take()
        return argument & (_WRITE | (_READ if self._came else 0))

    def close(self):
        _say(self._number, "c", ("0.0.0.0", 0), b"")


def getaddrinfo(host, port, family=0, kind=0):
    return [(AF_INET, SOCK_DGRAM, 0, "", (host, port))]


def _say(number, what, sockaddr, octets):
    host, port = sockaddr
    head = bytes([number, ord(what)] + [int(part) for part in host.split(".")] + [port >> 8, port & 255])
    content = (head + octets).replace(_ESC, b"\xdb\xdd").replace(_END, b"\xdb\xdc")
    _line.write(content + _END)


def _take():
    global _rest
    while _line.any():
        *frames, _rest = (_rest + _line.read(_line.any())).split(_END)
        for frame in frames:
            frame = frame.replace(b"\xdb\xdc", _END).replace(b"\xdb\xdd", _ESC)
            if len(frame) >= 7 and frame[0] in _sockets:
                sockaddr = ".".join(str(part) for part in frame[1:5]), frame[5] << 8 | frame[6]
                _sockets[frame[0]]._came.append((frame[7:], sockaddr))
