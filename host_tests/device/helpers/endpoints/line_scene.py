# SPDX-License-Identifier: MIT
"""A serial line in memory: two ends that asyncio can wait for, on each interpreter in its own way."""

import io

try:
    from socket import socketpair  # CPython's asyncio waits for what the system knows
except ImportError:
    socketpair = None

_POLL, _IN, _OUT = 3, 1, 4


class _Memory(io.IOBase):
    """What MicroPython's asyncio can wait for."""

    def __init__(self):
        self.other = None
        self.octets = b""
        self.ended = False
        self.most = 1 << 16

    def ioctl(self, request, argument):
        if request != _POLL:
            return 0
        ready = _OUT if self.ended or len(self.other.octets) < self.most else 0
        if self.octets or self.ended:
            ready |= _IN
        return ready & argument

    def read(self, size):
        taken, self.octets = self.octets[:size], self.octets[size:]
        return taken or (b"" if self.ended else None)

    def write(self, octets):
        taken = bytes(octets[: self.most - len(self.other.octets)])
        self.other.octets += taken
        return len(taken) or None

    def close(self):
        self.ended = self.other.ended = True


class _Pair:
    def __init__(self, sock):
        self._sock = sock
        sock.setblocking(False)

    def fileno(self):
        return self._sock.fileno()

    def read(self, size):
        try:
            return self._sock.recv(size)
        except BlockingIOError:
            return None

    def write(self, octets):
        try:
            return self._sock.send(octets)
        except BlockingIOError:
            return None

    def close(self):
        self._sock.close()


def line():
    """The two ends of a line."""
    if socketpair is not None:
        return [_Pair(end) for end in socketpair()]
    one, other = _Memory(), _Memory()
    one.other, other.other = other, one
    return [one, other]
