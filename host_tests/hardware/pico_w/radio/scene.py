# SPDX-License-Identifier: MIT
"""A link that is told to open on a Pico W that was just switched on, and what it says."""

import asyncio

import cyw43

import idf
import virtual
from device.links import station
from device.links.cyw43 import CYW43Link

SECRET = "correct horse"
MINUTE = 60000


class Scene:
    def __init__(self, **knobs):
        cyw43.power_cycle()
        cyw43.set(**knobs)
        self.said = []
        self.link = CYW43Link("home", SECRET, "192.0.2.1", 5683, 1152)
        self.began = idf.now()

    def play(self, act):
        """Runs the coroutine `act(self)` in virtual time."""
        heard, station.log = station.log, lambda text, *arguments: self.said.append(text % arguments)
        try:
            virtual.run(virtual.opening(self, act))
        finally:
            station.log = heard
        for line in self.said:
            assert SECRET not in line, line

    def home(self, password=SECRET, address="192.168.4.2"):
        cyw43.ap_up("home", password, address)

    def joined(self):
        """Whether it is there for a datagram: by the link and by the chip."""
        link = self.link
        return link._joined.is_set() and link._own_address() is not None and cyw43.state() == "associated"

    async def within(self, ms):
        """Waits until it has joined; how long that took. AssertionError where it takes longer."""
        began = idf.now()
        while not self.joined():
            assert idf.now() - began <= ms, (self.said, cyw43.state(), self.link._station.status())
            await asyncio.sleep_ms(100)
        return idf.now() - began

    async def wait(self, ms):
        await asyncio.sleep_ms(ms)
