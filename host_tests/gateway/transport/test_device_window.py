# SPDX-License-Identifier: MIT
"""A device on MicroPython that takes several segments at once, over UDP that loses some, and all ACKs of one: so many
are out, the message comes whole."""

import asyncio
import random

import pytest

from host_tests.gateway.devices import APPS, AS, UE, config, run
from tools.demo.application_server import ApplicationServer
from tools.demo.processes import Device, Gateway

TEXT = "".join("%03d " % number for number in range(300))  # 1200 octets: nineteen segments of 64


COPIES = 5  # of a Confirmable message that nobody acknowledges: MAX_RETRANSMIT is 4 (RFC 7252 section 4.8)
SILENT = 3  # of the segments that go to the device, this one is answered in vain


class Way(asyncio.DatagramProtocol):
    """Between the device and the gateway. Of a hundred datagrams `loss` are lost, from a fixed seed. `most`: segments
    that were outstanding at once (RFC 7252 section 4.7: an ACK is "still expected"), those that were lost as well."""

    def __init__(self, gateway, loss):
        self._gateway, self._loss, self._random = gateway, loss, random.Random(7)
        self._device = None
        self._out, self._known = {}, []  # message ID: copies; all message IDs of segments
        self.most, self.lost, self.given_up = 0, 0, 0

    def connection_made(self, transport):
        self._transport = transport

    @property
    def port(self):
        return self._transport.get_extra_info("sockname")[1]

    def datagram_received(self, octets, source):
        message_id, kind = octets[2:4], octets[0] >> 4 & 3
        if source != self._gateway:
            self._device = source
        elif kind == 0 and b'"segNumb"' in octets:
            self._went(message_id)
        silent = self._loss and source != self._gateway and message_id in self._known[SILENT : SILENT + 1]
        if self._random.random() * 100 < self._loss or silent:
            self.lost += 1
        elif source == self._gateway:
            self._transport.sendto(octets, self._device)
        else:
            if kind == 2:
                self._out.pop(message_id, None)
            self._transport.sendto(octets, self._gateway)

    def _went(self, message_id):
        if message_id not in self._known:
            if COPIES in self._out.values():  # given up, and with it all else that was out
                self.given_up += 1
                self._out.clear()
            self._known.append(message_id)
            self._out[message_id] = 0
        if message_id in self._out:  # else this copy has met its ACK on the way
            self._out[message_id] += 1
        self.most = max(self.most, len(self._out))


@pytest.mark.parametrize("window, loss", [(1, 0), (2, 15)])
def test_a_device_gets_its_segments(tmp_path, window, loss):
    async def main():
        options = ("--open", "--coap-ack-timeout", "0.05", "--retry-min", "0.1")
        async with Gateway(tmp_path, *options) as gateway, ApplicationServer(AS, gateway.http) as server:
            await server.register()
            _, way = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: Way(gateway.coap, loss), local_addr=("127.0.0.1", 0)
            )
            device = Device(tmp_path / "device", APPS / "echo.py")
            segments = {"size": 64} | ({"window": window} if window > 1 else {})
            device.configure(config(way.port, segments=segments, coap={"ack_timeout": 0.05}))
            async with device:
                await gateway.event("registered", ue=UE)
                for number in range(2):
                    text = "%d %s" % (number, TEXT)
                    message_id = await server.send(UE, text, report=False)
                    await device.told.until(
                        lambda told, text=text: told.get("payload") == text, "the device to tell it"
                    )
                    await gateway.event("segment-confirmed", msgId=message_id, result=True)
            return way

    way = run(main())
    assert way.most == window and bool(way.lost) == bool(way.given_up) == bool(loss)
