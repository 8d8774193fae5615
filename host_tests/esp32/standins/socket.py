# SPDX-License-Identifier: MIT
"""Stands in for ports/esp32/modsocket.c over lwIP: the sockets of this machine, reached over the station of `idf`.

_socket_getaddrinfo() and socket_recvfrom() give addresses as tuples; socket_sendto() raises the errno of lwip_sendto(),
which is EHOSTUNREACH where no interface leads there (ip4_route() finds none) and ENOMEM where no buffer is free; what
comes while the station is away is lost. Two knobs: `send_gap` and `passes`.
"""

import io
import select

import usocket

import idf

AF_INET = usocket.AF_INET
SOCK_DGRAM = usocket.SOCK_DGRAM

_EAGAIN = 11
_ENOMEM = 12
_EINVAL = 22
_EHOSTUNREACH = 118  # newlib's
_POLL = 3  # MP_STREAM_POLL
_CLOSE = 4  # MP_STREAM_CLOSE
_READABLE = 1  # MP_STREAM_POLL_RD, as in select

refused = [0]  # how often there was no memory


def _is_up():
    return idf.state() == "up"


def getaddrinfo(host, port, family=0, kind=0, *more):
    found = usocket.getaddrinfo(host, port, family, kind)
    return [entry[:-1] + (_tuple(entry[-1]),) for entry in found]


def _tuple(sockaddr):
    family, address, port = usocket.sockaddr(sockaddr)[:3]
    return usocket.inet_ntop(family, address), port


def _octets(address):
    if not isinstance(address, tuple):
        raise TypeError("an address is a tuple")
    return usocket.getaddrinfo(address[0], address[1])[0][-1]


class socket(io.IOBase):
    def __init__(self, family=AF_INET, kind=SOCK_DGRAM):
        self._socket = usocket.socket(family, kind)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._sent = None

    def setblocking(self, on):
        self._socket.setblocking(on)

    def bind(self, address):
        self._socket.bind(_octets(address))

    def recvfrom(self, size):
        self._lose()
        octets, sockaddr = self._socket.recvfrom(size)
        return octets, _tuple(sockaddr)

    def sendto(self, octets, address):
        if not _is_up():
            raise OSError(_EHOSTUNREACH)
        if self._sent is not None and idf.now() - self._sent < idf.get("send_gap"):
            refused[0] += 1
            raise OSError(_ENOMEM)
        self._sent = idf.now()
        if not idf.get("passes"):
            return len(octets)
        return self._socket.sendto(octets, _octets(address))

    def close(self):
        if self._socket is not None:
            self._poll.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def ioctl(self, request, argument):
        if request == _CLOSE:
            self.close()
            return 0
        if request != _POLL:
            return -_EINVAL  # above all no 0 to who asks for a descriptor, which would be that of stdin
        if self._socket is None:
            return 0
        self._lose()
        return _READABLE & argument if self._poll.poll(0) else 0

    def _lose(self):
        """What comes while the station is away."""
        if not _is_up() or not idf.get("passes"):
            while self._poll.poll(0):
                self._socket.recvfrom(1)
