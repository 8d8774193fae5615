# SPDX-License-Identifier: MIT
"""Stands in for extmod/modlwip.c: a socket from which nothing comes, and names that are addresses. sendto() raises
EHOSTUNREACH where no interface leads there, as udp_sendto() finds (ERR_RTE)."""

import io

import network

AF_INET = 2
SOCK_DGRAM = 2

_EAGAIN = 11
_EHOSTUNREACH = 113  # MP_EHOSTUNREACH, py/mperrno.h

sent = []


def getaddrinfo(host, port, family=0, kind=0, *more):
    return [(AF_INET, SOCK_DGRAM, 0, "", (host, port))]


class socket(io.IOBase):
    def __init__(self, family=AF_INET, kind=SOCK_DGRAM):
        pass

    def setblocking(self, on):
        pass

    def bind(self, address):
        pass

    def recvfrom(self, size):
        raise OSError(_EAGAIN)

    def sendto(self, octets, address):
        if not network.WLAN(network.STA_IF).isconnected():
            raise OSError(_EHOSTUNREACH)
        sent.append(bytes(octets))
        return len(octets)

    def close(self):
        pass

    def ioctl(self, request, argument):
        return 0
