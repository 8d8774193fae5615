# SPDX-License-Identifier: MIT
"""One Wi-Fi link on a chip that was just switched on, over the port's own C, in virtual time; and what it says."""

import asyncio

import network

import idf
import virtual
from coap.aio import udp
from device.links import station, wifi

SSID = "home"
PASSWORD = "correct horse"
NAME = "gateway.example"
JOINED = 'Wi-Fi: joined "home" as 192.0.2.7'
VANISHED = 'Wi-Fi: "home" vanished; waiting for it'
CON = b"\x40\x02\x00\x01"  # of CoAP, for which an answer is owed
# How the driver may be, for scenes that must hold for all of it (idf/c/knobs.h)
DRIVERS = (
    {},
    {"event_lag": 5},
    {"event_lag": 1500},
    {"leave_event": 0},
    {"leaving": 500},
    {"config_busy": 1},
    {"connect_up": 1},
    {"scan": 3500, "join": 2000, "refuse": 3000, "dhcp_ms": 3000},
)


class Names:
    """The module socket, with a name server: `address` is what it says of NAME, None for not answering."""

    def __init__(self, socket):
        self._socket = socket
        self.address = "127.0.0.1"
        self.asked = 0

    def __getattr__(self, name):
        return getattr(self._socket, name)

    def getaddrinfo(self, host, *more):
        if host == NAME:
            self.asked += 1
            host = self.address
            if host is None:
                raise OSError(-202)  # EAI_FAIL of lwIP
        return self._socket.getaddrinfo(host, *more)


class Scene:
    """A link that was told to open, with the access point "home" where `there`. `said` is [(seconds, line)]."""

    def __init__(self, there=False, host="127.0.0.1", **knobs):
        idf.power_cycle()
        idf.set(**knobs)
        if there:
            idf.ap_up(SSID, PASSWORD)
        self.station = network.WLAN(network.STA_IF)
        self.said = []
        self.names = Names(udp.socket)
        self.link = wifi.WiFiLink(SSID, PASSWORD, host, 9, 1152)
        self.opening = None

    @property
    def lines(self):
        return [line for _, line in self.said]

    @property
    def stats(self):
        """What was counted, without what was not."""
        return {name: count for name, count in self.link.stats.items() if count}

    def is_joined(self):
        """Whether the driver, the port and the link agree that there is a network."""
        return (
            self.opening.done()
            and idf.state() == "up"
            and self.station.isconnected()
            and self.station.ifconfig()[0] != "0.0.0.0"
            and [line for line in self.lines if "not known here" not in line][-1].startswith("Wi-Fi: joined")
        )

    async def joined(self, within=60):
        """Wait until it has joined; return after how many ms. AssertionError where it takes more than `within` s."""
        begun = idf.now()
        while not self.is_joined():
            waited = idf.now() - begun
            assert waited <= within * 1000, "not joined after %d s: %r" % (within, self.said[-5:])
            await asyncio.sleep_ms(100)
        return idf.now() - begun

    def joins(self):
        """Return how often the driver was asked to join."""
        return idf.calls().get("esp_wifi_connect", 0)

    def play(self, act, *arguments):
        """Runs the coroutine `act(self, *arguments)` in virtual time."""
        begun = idf.now()

        def log(text, *values):
            line = text % values
            assert PASSWORD not in line, line
            self.said.append(((idf.now() - begun) / 1000, line))

        heard, station.log = station.log, log
        udp.socket = self.names

        try:
            virtual.run(virtual.opening(self, act, *arguments))
        finally:
            station.log = heard
            udp.socket = self.names._socket
