# SPDX-License-Identifier: MIT
"""An hour of whatever can happen to a station, by a seed: the access point comes, goes, changes its channel and its
password, the driver refuses, the board sleeps, and an application has its hands in the radio.
"""

import asyncio
import random

import machine
import network
from scene import PASSWORD, SSID, Scene

import idf

HOUR = 3600
GOOD = 60  # s in which it must have joined, once all is good
REASONS = (1, 2, 3, 4, 6, 7, 8, 9, 14, 15, 16, 17, 23, 34, 39) + tuple(range(200, 213))
# What is assumed of the driver and of the access point, for one seed
CHARACTERS = {
    "scan": (100, 300, 1500, 3500),
    "join": (20, 200, 2000),
    "refuse": (20, 200, 3000),
    "dhcp_ms": (50, 200, 3000, 8000),
    "beacons": (1000, 6000),
    "leave_event": (0, 1),
    "leaving": (0, 0, 50, 1500),
    "event_lag": (0, 0, 1, 20, 300, 1500),
    "config_busy": (0, 1),
    "connect_up": (0, 1),
    "csa": (0, 1),
    "lost_ms": (1000, 120000),
    "sleep_told": (-1, 0, 5000),
    "sleep_stuck": (0, 1),
}
# What goes wrong for a time, and the value with which nothing does
TROUBLES = {
    "reason": (0, REASONS),
    "wrong_password": (15, (2, 15, 202, 204, 205)),
    "hang": (0, (1,)),
    "refusals": (0, (1, 3, 30, 1000)),
    "stuck": (0, (1,)),
    "dhcp": (1, (0,)),
}


class Weather:
    """What happens to one scene; `told` is what did."""

    def __init__(self, seed, scene):
        random.seed(seed)
        self.scene = scene
        self.told = []
        self.begun = idf.now()
        self.station = network.WLAN(network.STA_IF)

    def set(self, **knobs):
        self.say("set %r" % (knobs,))
        idf.set(**knobs)

    def say(self, text):
        self.told.append(((idf.now() - self.begun) / 1000, text))

    def begin(self):
        """The driver's character."""
        for name in sorted(CHARACTERS):
            self.set(**{name: random.choice(CHARACTERS[name])})

    def up(self):
        password = PASSWORD if random.getrandbits(2) else "another one"
        channel = random.randint(1, 13)
        self.say("access point up, channel %d, %s" % (channel, password))
        idf.ap_up(SSID, password, channel)

    def down(self):
        self.say("access point down")
        idf.ap_down(SSID)

    def thrown_out(self):
        reason = random.choice(REASONS)
        self.say("thrown out, reason %d" % reason)
        idf.disconnect(reason)

    def trouble(self):
        name = random.choice(sorted(TROUBLES))
        good, bad = TROUBLES[name]
        self.set(**{name: random.choice(bad) if random.getrandbits(1) else good})

    def character(self):
        name = random.choice(sorted(CHARACTERS))
        self.set(**{name: random.choice(CHARACTERS[name])})

    def sleep(self):
        ms = random.choice((10, 1000, 60000, 600000))
        radio = not random.getrandbits(2)  # left on, against all advice
        self.say("sleep of %d ms, radio %s" % (ms, "on" if radio else "off"))
        if not radio:
            self.scene.link.pause()
        machine.lightsleep(ms)
        if not radio:
            self.scene.link.resume()

    def application(self):
        act = random.randint(0, 4)
        self.say("an application: %d" % act)
        try:
            if act == 0:
                self.station.active(False)
            elif act == 1:
                self.station.active(False)
                self.station.active(True)
            elif act == 2:
                self.station.disconnect()
            elif act == 3:
                self.station.config(reconnects=-1)
            else:
                self.station.config(channel=random.randint(1, 13))
        except (OSError, RuntimeError):
            pass  # it is none of ours

    def lease(self):
        address = random.choice(("192.0.2.7", "192.0.2.8", "198.51.100.9", None))
        self.say("lease of %s" % address)
        idf.lease(address)

    def silence(self):
        self.say("the peer owes an answer")
        self.scene.link._asked = 0

    def answer(self):
        self.say("the peer answers")
        self.scene.link._asked = None

    async def live(self):
        events = (
            (self.up,) * 4
            + (self.down,) * 2
            + (self.thrown_out,) * 3
            + (self.trouble,) * 6
            + (self.lease, self.character, self.sleep, self.application, self.silence, self.answer)
        )
        end = idf.now() + HOUR * 1000
        self.begin()
        while idf.now() < end:
            await asyncio.sleep_ms(random.choice((7, 700, 7000, 70000, 300000)))
            random.choice(events)()

    def good(self):
        """From here on nothing is wrong, and whatever the past has left is over."""
        self.say("all is good")
        for name in TROUBLES:
            self.set(**{name: TROUBLES[name][0]})
        idf.ap_up(SSID, PASSWORD)


def play(seed):
    """Play one seed: (the scene, the weather, ms to joining or None)."""
    scene = Scene()
    weather = Weather(seed, scene)
    took = None

    async def act(scene):
        nonlocal took
        await weather.live()
        weather.good()
        try:
            took = await scene.joined(GOOD)
        except AssertionError:
            pass

    scene.play(act)
    return scene, weather, took


def tale(scene, weather):
    """Return the lines of what happened and of what the link said to it, in order."""
    lines = [(when, "  " + what) for when, what in weather.told] + scene.said
    return ["%9.1f s  %s" % line for line in sorted(lines, key=lambda line: line[0])]


def seeds(first, number):
    """Play them all; say which ones have not joined in time, and what happened in the first of them."""
    late = []
    for seed in range(first, first + number):
        scene, weather, took = play(seed)
        if took is None:
            if not late:
                print("\n".join(tale(scene, weather)))
            late.append(seed)
    assert not late, "not joined within %d s: weather.play(seed) for seed in %r" % (GOOD, late)
