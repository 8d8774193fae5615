# SPDX-License-Identifier: MIT
"""The ESP-NOW link against a stand-in of MicroPython's modules `espnow` and `network`, as their documentation has them.

They stand where the radio would; nothing here shows that a radio works.
"""

import asyncio
import sys

from common import equal, raises
from device.links.espnow import ESPNowLink, mac_address

GATEWAY = mac_address("a0:b1:c2:d3:e4:f5")


class Radio:
    """espnow.ESPNow: send(mac, msg, sync), recv(timeout) -> (mac, msg) or (None, None)."""

    def __init__(self):
        self.calls = []
        self.frames = []
        self.error = None

    def active(self, on):
        self.calls.append(("active", on))

    def set_pmk(self, key):
        self.calls.append(("set_pmk", key))

    def add_peer(self, mac, **named):
        self.calls.append(("add_peer", mac, named))

    def send(self, mac, message, sync):
        if self.error:
            raise self.error
        self.calls.append(("send", mac, bytes(message), sync))

    def recv(self, timeout):
        return self.frames.pop(0) if self.frames else (None, None)


class Module:
    STA_IF = 0

    def __init__(self, radio):
        self.ESPNow = lambda: radio
        self.WLAN = lambda interface: self

    def active(self, on):
        pass

    def config(self, **named):
        self.named = named


def opened(**keys):
    radio = Radio()
    sys.modules["espnow"] = sys.modules["network"] = Module(radio)
    link = ESPNowLink(GATEWAY, **keys)
    asyncio.run(link.open())
    return link, radio


def test_addresses():
    equal(GATEWAY, b"\xa0\xb1\xc2\xd3\xe4\xf5")
    equal(mac_address("a0b1c2d3e4f5"), GATEWAY)
    for text in ("", "a0b1c2d3e4", "a0b1c2d3e4f5a6", "peer"):
        raises(ValueError, mac_address, text)


def test_opening_with_and_without_keys():
    equal(opened()[1].calls, [("active", True), ("add_peer", GATEWAY, {})])
    link, radio = opened(channel=6, pmk=b"p" * 16, lmk=b"l" * 16)
    equal(
        radio.calls[1:], [("set_pmk", b"p" * 16), ("add_peer", GATEWAY, {"lmk": b"l" * 16, "encrypt": True})]
    )
    equal(sys.modules["network"].named, {"channel": 6})
    link.close()
    equal(radio.calls[-1], ("active", False))


def test_sending():
    link, radio = opened()
    equal(link.send([bytearray(b"\x02"), b"\x01"], GATEWAY), True)
    equal(radio.calls[-1], ("send", GATEWAY, b"\x02\x01", False))
    equal(link.send(bytes(250), GATEWAY), True)
    error = raises(OSError, link.send, bytes(251), GATEWAY)
    assert "251 octets: an ESP-NOW frame holds 250" in str(error), error
    radio.error = OSError(-12391, "ESP_ERR_ESPNOW_NO_MEM")  # its queue is full: to be tried again
    equal(link.send(b"x", GATEWAY), False)
    radio.error = OSError(-12393, "ESP_ERR_ESPNOW_NOT_FOUND")
    raises(OSError, link.send, b"x", GATEWAY)


def test_receiving_from_the_peer_alone():
    from device.links import espnow

    async def at_once():
        pass

    link, radio = opened()
    radio.frames = [(bytes(6), b"stranger"), (None, None), (GATEWAY, b"\x02\x01")]
    real, espnow._readable = espnow._readable, lambda radio: at_once()
    try:
        equal(asyncio.run(link.receive()), (b"\x02\x01", GATEWAY))
    finally:
        espnow._readable = real
