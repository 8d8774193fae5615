# SPDX-License-Identifier: MIT
"""The port for triggers is there before anybody hears of it: who is told of it with a registration may send to it at
once."""

import asyncio
import sys

from common import Random, Skip, equal
from msgin5g import Client, MemoryStorage
from msgin5g_scene import configuration

try:
    import socket
except ImportError:
    socket = None


def is_free(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        return True
    except OSError:
        return False
    finally:
        sock.close()


class Link:
    """`sent`: of each datagram, whether the port was free when it went out."""

    peer = ("127.0.0.1", 9)

    def __init__(self, port):
        self._port = port
        self.sent = []

    async def open(self):
        pass

    async def receive(self):
        await asyncio.sleep(60)

    def send(self, octets, address):
        self.sent.append(is_free(self._port))
        return True

    def close(self):
        pass


def running(port):
    from device.client import RunningClient

    config = configuration(ue_id="urn:imei:35-209900-176148-1", triggers={"port": port})
    return RunningClient(Client(config, MemoryStorage(), Random(1).bytes), Link(port), MemoryStorage())


def a_port():
    if socket is None:
        raise Skip("this board has no sockets")
    if sys.implementation.name != "micropython":
        raise Skip("the tasks of a device are those of MicroPython")
    return next(port for port in range(50000, 60000) if is_free(port))


async def sent(client, count=1):
    while len(client._link.sent) < count:
        await asyncio.sleep(0.01)
    return client._link.sent


def test_it_is_open_before_the_registration_leaves():
    async def act():
        port = a_port()
        client = running(port)
        equal((await sent(client))[0], False)
        client.abandon()
        await asyncio.sleep(0)
        equal(is_free(port), True)

    asyncio.run(act())


def test_nor_is_it_closed_by_a_task_of_before():
    async def act():
        port = a_port()
        client = running(port)
        await sent(client)
        equal(client.again(), True)
        for _ in range(10):
            equal(is_free(port), False)
            await asyncio.sleep(0)
        client.abandon()

    asyncio.run(act())
