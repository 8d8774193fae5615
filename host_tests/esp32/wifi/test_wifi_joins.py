# SPDX-License-Identifier: MIT
"""Joining, over the port's own C in virtual time: each way in which a network can be missing, what is said of it, and
that the station joins within a minute of its being good, whatever was before.
"""

import asyncio

from scene import DRIVERS, JOINED, PASSWORD, SSID, Scene

import idf
from common import equal

HOUR = 3600
ABSENT = 'Wi-Fi: no access point "home" in range (wifi.ssid)'
REFUSED = 'Wi-Fi: "home" refuses the password (wifi.password)'
NO_ADDRESS = 'Wi-Fi: "home" gives no address: its DHCP does not answer'
SILENT = 'Wi-Fi: "home" does not answer; trying again'


def test_an_access_point_that_is_late():
    for late in (1, 5, 60, HOUR):
        for knobs in DRIVERS:

            async def act(scene, late):
                await asyncio.sleep(late)
                idf.ap_up(SSID, PASSWORD)
                await scene.joined()
                if late > 1:  # a scan may still have been under way
                    equal(scene.lines, [ABSENT, JOINED])

            Scene(**knobs).play(act, late)


def test_an_hour_without_it_is_one_line_and_a_try_each_half_minute():
    async def act(scene):
        await asyncio.sleep(HOUR)
        equal(scene.lines, [ABSENT])
        assert 110 < scene.joins() < 130, scene.joins()
        equal(scene.stats, {})

    idf.ap_up("elsewhere")
    Scene().play(act)


def test_a_wrong_password_then_the_right_one():
    for reason in (15, 202, 204, 205):
        for knobs in DRIVERS:

            async def act(scene):
                idf.ap_up(SSID, "another one")
                await asyncio.sleep(60)
                equal(scene.lines, [REFUSED])
                idf.ap_up(SSID, PASSWORD)
                await scene.joined()
                equal(scene.lines, [REFUSED, JOINED])

            Scene(wrong_password=reason, **knobs).play(act)


def test_the_same_reason_is_told_again_after_another_one():
    """202 stays in status() from the first time on; the second time is told all the same."""

    async def act(scene):
        idf.ap_up(SSID, "another one")
        await asyncio.sleep(120)
        idf.ap_down(SSID)
        await asyncio.sleep(120)
        idf.ap_up(SSID, "another one")
        await asyncio.sleep(60)
        equal(scene.lines, [REFUSED, ABSENT, REFUSED])

    Scene(wrong_password=202).play(act)


SECURITY = 'Wi-Fi: "home" wants another security than this: is wifi.password missing, or is none wanted?'


def test_a_password_that_is_missing():
    async def act(scene):
        scene.link._password = ""
        await asyncio.sleep(60)
        equal(scene.lines, [SECURITY])
        idf.ap_up(SSID)
        await scene.joined()

    Scene(there=True).play(act)


def test_a_password_where_none_is_wanted():
    """The table "Wi-Fi Reason Code" of ESP-IDF, 210: the station does not join an open network with one."""

    async def act(scene):
        idf.ap_up(SSID)
        await asyncio.sleep(60)
        equal(scene.lines, [SECURITY])
        idf.ap_up(SSID, PASSWORD)
        await scene.joined()

    Scene().play(act)


def test_each_reason_and_then_none():
    """Whatever an attempt ends with, for a while, it is told once, and then the station joins."""
    for reason in list(range(1, 25)) + list(range(200, 213)):

        async def act(scene):
            await asyncio.sleep(100)
            equal(len(scene.said), 1)
            idf.set(reason=0)
            await scene.joined()

        scene = Scene(there=True, reason=reason)
        scene.play(act)
        named = "(reason %d)" % reason in scene.lines[0]
        # The port shows 8 as idle, and some have words of their own.
        equal((reason, named), (reason, reason not in (8, 15, 200, 201, 202, 204, 205, 210, 211, 212)))


def test_no_address():
    for knobs in DRIVERS:

        async def act(scene):
            await asyncio.sleep(100)
            equal(scene.lines, [NO_ADDRESS])
            idf.set(dhcp=1)
            await scene.joined()
            equal((scene.lines, scene.stats["unanswered"]), ([NO_ADDRESS, JOINED], scene.joins() - 1))

        Scene(there=True, **dict(knobs, dhcp=0)).play(act)


def test_a_slow_dhcp_is_waited_for():
    async def act(scene):
        await scene.joined()
        equal((scene.lines, scene.joins()), ([JOINED], 1))

    Scene(there=True, dhcp_ms=25000).play(act)


def test_a_slow_dhcp_is_waited_for_behind_a_stale_reason():
    """status() shows the reason of before until there is an address; that there is an access point counts."""

    async def act(scene):
        idf.ap_up(SSID, "another one")
        await asyncio.sleep(4)
        idf.ap_up(SSID, PASSWORD)
        before = scene.joins()
        await scene.joined()
        equal(scene.lines, [REFUSED, JOINED])
        assert scene.joins() - before <= 2, scene.joins()  # one of them was under way

    Scene(wrong_password=202, dhcp_ms=20000).play(act)


def test_a_slow_join_is_waited_for():
    """Where status() has a stale reason nobody sees whether it still joins; it is left alone all the same."""

    async def act(scene):
        await asyncio.sleep_ms(3500)
        idf.ap_up(SSID, PASSWORD)
        await scene.joined()
        equal(scene.joins(), 2)

    Scene(scan=3000, join=8000).play(act)


def test_a_driver_that_comes_to_no_end():
    async def act(scene):
        await asyncio.sleep(200)
        equal(scene.lines, [SILENT])
        tries = scene.stats["unanswered"]
        assert 6 <= tries <= 12, tries  # each 15 to 30 s, and a second
        equal(scene.stats["resets"], tries // 3)
        idf.set(hang=0)
        await scene.joined()

    Scene(there=True, hang=1).play(act)


def test_a_driver_that_refuses():
    for refusals in (1, 5, 200):

        async def act(scene, refusals):
            while idf.get("refusals"):
                await asyncio.sleep(1)
            await scene.joined()
            equal(len(scene.said), 2)  # all of them told once
            assert "refuses (Wifi Internal Error)" in scene.lines[0], scene.lines
            equal(scene.stats, {"refusals": refusals, "resets": refusals})

        Scene(there=True, refusals=refusals).play(act, refusals)


def test_a_refusal_after_long_pauses_is_followed_by_a_short_one():
    """The radio was switched off for it, which may be all that it needs."""

    async def act(scene):
        await asyncio.sleep(600)
        idf.set(refusals=1)
        idf.ap_up(SSID, PASSWORD)
        await scene.joined()
        seconds = [when for when, _ in scene.said]
        equal((scene.lines[0], len(seconds)), (ABSENT, 3))
        assert "refuses" in scene.lines[1], scene.lines
        assert seconds[2] - seconds[1] < 5, seconds

    Scene().play(act)


def test_a_driver_that_refuses_for_long_after_it_left():
    """Longer than the link waits, so that it switches the radio off: the station joins all the same."""

    async def act(scene):
        await asyncio.sleep(100)
        idf.set(dhcp=1)
        await scene.joined()

    Scene(there=True, dhcp=0, leaving=10000).play(act)


def test_a_driver_that_refuses_until_it_is_switched_off():
    async def act(scene):
        await scene.joined(3)
        equal(scene.stats, {"refusals": 1, "resets": 1})

    Scene(there=True, stuck=1).play(act)


class Failing:
    """The station, one of whose calls fails for some times."""

    def __init__(self, station, name, error, times):
        self._station = station
        self._name = name
        self._error = error
        self.times = times

    def __getattr__(self, name):
        if name != self._name or self.times == 0:
            return getattr(self._station, name)
        return self._fail

    def _fail(self, *arguments, **settings):
        self.times -= 1
        raise self._error


def test_each_call_that_fails():
    """esp_exceptions_helper() makes OSError or RuntimeError of an error, and an application can have all memory."""
    errors = (OSError("Wifi Not Initialized"), RuntimeError("Wifi Unknown Error 0x0101"), MemoryError())
    for name in ("active", "config", "connect", "disconnect"):
        for error in errors:

            async def act(scene, name, error):
                failing = scene.link._station = Failing(scene.station, name, error, 20)
                await asyncio.sleep(1)
                idf.ap_down(SSID)
                while failing.times and name != "disconnect":
                    await asyncio.sleep(1)
                scene.link.pause()
                scene.link.resume()
                failing.times = 0
                idf.ap_up(SSID, PASSWORD)
                await scene.joined()

            if not (
                isinstance(error, MemoryError) and name in ("active", "disconnect")
            ):  # they allocate nothing
                Scene(there=True).play(act, name, error)


def test_a_reading_that_fails():
    """status("rssi") fails for a station that is not associated; ifconfig() may lack the memory for its strings."""
    for name in ("status", "ifconfig"):

        async def act(scene, name):
            failing = scene.link._station = Failing(scene.station, name, MemoryError(), 20)
            await scene.joined()
            equal(failing.times, 0)

        Scene(there=True).play(act, name)


def test_a_keeper_that_is_gone_is_seen_and_begun_again():
    async def act(scene):
        def fails():
            raise ValueError("of whoever wants to know that it is back")

        await scene.joined()
        link, joins, back = scene.link, scene.joins(), []
        link._keeper.cancel()  # as an application may do to any task
        await asyncio.sleep_ms(1)
        equal(link.alive, False)
        link.again()
        await asyncio.sleep(100)
        equal((link.alive, scene.is_joined(), scene.joins()), (True, True, joins))  # it stayed so
        idf.ap_down(SSID)
        await asyncio.sleep(8)
        link.on_back = fails
        idf.ap_up(SSID, PASSWORD)
        await asyncio.sleep(60)
        equal(link.alive, False)
        link.on_back = lambda: back.append(True)
        link.again()
        await asyncio.sleep(100)
        equal((link.alive, back), (True, [True]))

    Scene(there=True).play(act)


def test_a_keeper_that_does_nothing_for_a_minute_counts_as_gone():
    """As one does that never has the memory for a look."""

    async def act(scene):
        alive = []
        failing = scene.link._station = Failing(scene.station, "status", MemoryError(), 70)
        while failing.times:
            await asyncio.sleep(1)
            alive.append(scene.link.alive)
        equal((alive[55], alive[65]), (True, False))
        await scene.joined()
        equal(scene.link.alive, True)

    Scene(there=True).play(act)
