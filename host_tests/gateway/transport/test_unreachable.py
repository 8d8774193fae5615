# SPDX-License-Identifier: MIT
"""A peer that has closed its port: what the network says of it (ICMP) ends nothing of anybody else."""

import asyncio
import errno
import itertools
import json
import socket

import aiocoap
import pytest

from host_tests.gateway.scripted import gateway, run
from host_tests.gateway.transport.test_oscore_gateway import reg
from tools.programs.patience import patience

_NUMBERS = itertools.count(1)


class Host:
    """A device by its datagrams: nothing is repeated, so that what is not answered stays so."""

    def __init__(self, running, name):
        self.name = name
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(("127.0.0.1", running.coap_port))

    async def __aenter__(self):
        assert await self.ask() == aiocoap.CHANGED
        return self

    async def __aexit__(self, *_):
        self._socket.close()

    async def ask(self):
        """The code of the answer, in its one datagram."""
        sent = self.send(self.request())
        answer = aiocoap.Message.decode(await self.hear())
        assert (answer.mtype, answer.token) == (aiocoap.ACK, sent[4:6])
        return answer.code

    def request(self):
        number = next(_NUMBERS)
        request = aiocoap.Message(code=aiocoap.POST, payload=json.dumps(reg(self.name)).encode(), _mid=number)
        request.mtype = aiocoap.CON
        request.token = number.to_bytes(2, "big")
        request.opt.uri_path = ("msgin5g",)
        request.opt.content_format = 50
        return request.encode()

    def send(self, octets):
        self._socket.send(octets)
        return octets

    async def hear(self):
        async with patience(10):
            return await asyncio.get_running_loop().sock_recv(self._socket, 2048)


def closed_port():
    """An address where nobody is, which its host says at once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return ("::ffff:127.0.0.1", taken.getsockname()[1], 0, 0)


def udp(running):
    """aiocoap's part that has the socket, and the socket."""
    interface = running.coap.door._interface
    return interface, interface.transport.get_extra_info("socket")


def provoke(ours):
    """What the next call on the socket fails with is an error of this datagram's (udp(7))."""
    ours.sendto(b"\x40\x01\x00\x00", closed_port())


def disturb(running, before):
    """`before(running, remote)` happens on the gateway between each request from now on and its answer."""
    begin = running.coap.begin

    def disturbed(peer, *arguments):
        before(running, running.coap._remotes[peer])
        return begin(peer, *arguments)

    running.coap.begin = disturbed


async def played(before):
    """One device asks while that happens."""
    async with gateway() as running, Host(running, "ue:a") as device:
        disturb(running, before)
        for _ in range(3):
            assert await device.ask() == aiocoap.CHANGED


def test_an_error_of_another_peer_is_real():
    """What the tests below rest on."""

    async def main():
        async with gateway() as running:
            _, ours = udp(running)
            provoke(ours)
            with pytest.raises(ConnectionRefusedError):
                ours.sendto(b"", ("::ffff:127.0.0.1", running.coap_port, 0, 0))

    run(main(), 60)


def test_an_answer_is_sent_though_another_peer_is_gone():
    run(played(lambda running, remote: provoke(udp(running)[1])), 60)


def test_a_request_is_answered_though_what_goes_to_its_sender_meets_an_error_of_another():
    pushed = b"\x50\x00\x00\x09"

    def push(running, remote):
        interface, ours = udp(running)
        provoke(ours)
        message = aiocoap.Message(code=aiocoap.EMPTY, _mtype=aiocoap.NON, _mid=9)
        message.remote = remote
        interface.send(message)

    async def main():
        async with gateway() as running, Host(running, "ue:a") as device:
            disturb(running, push)
            sent = device.send(device.request())
            assert await device.hear() == pushed
            answer = await device.hear()
            assert (answer[:2], answer[4:6]) == (b"\x62\x44", sent[4:6])  # ACK, 2.04

    run(main(), 60)


def test_a_request_is_answered_though_its_own_sender_was_not_reached():
    """The port was closed a moment ago; now somebody asks from there."""

    def refused(running, remote):
        interface, _ = udp(running)
        interface._ctx.dispatch_error(OSError(errno.ECONNREFUSED, "refused"), remote)

    run(played(refused), 60)


def test_a_full_send_buffer_loses_one_datagram_and_no_exchange():
    async def main():
        async with gateway() as running, Host(running, "ue:a") as device:
            outlet = running.coap.outlet

            class Full:
                def sendmsg(self, *_):
                    outlet._socket = real
                    raise BlockingIOError(errno.EAGAIN, "try again")

            real, outlet._socket = outlet._socket, Full()
            request = device.send(device.request())
            async with patience(10):
                while not outlet.unsent:
                    await asyncio.sleep(0.01)
            device.send(request)  # as a device does that hears nothing
            answer = await device.hear()
            assert (answer[:2], answer[4:6]) == (b"\x62\x44", request[4:6])
            assert running.snapshot()["datagrams"]["unsent"] == 1
            assert len(running.journal.find("registered")) == 2

    run(main(), 60)
