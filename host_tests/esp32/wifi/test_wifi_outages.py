# SPDX-License-Identifier: MIT
"""Losing a network and having it again, over the port's own C in virtual time: the access point vanishes, throws the
station out, gives another address or none, passes nothing; the board sleeps; an application switches the radio.
"""

import asyncio

import machine
from scene import CON, JOINED, PASSWORD, SSID, VANISHED, Scene

import idf
from common import equal

HOUR = 3600
REASONS = (2, 8, 15) + tuple(range(200, 213))


def test_vanishing():
    for away in (1, 10, 60, HOUR):

        async def act(scene, away):
            await scene.joined()
            back = []
            scene.link.on_back = lambda: back.append(scene.station.isconnected())
            for outage in range(1, 4):
                idf.ap_down(SSID)
                await asyncio.sleep(away)
                if away > 6:
                    equal(scene.lines[-1], VANISHED)
                    for _ in range(5):
                        equal(
                            scene.link.send(b"x", scene.link.peer), True
                        )  # taken, and lost, as on a network
                    equal(scene.link.stats["lost"], 5 * outage)
                idf.ap_up(SSID, PASSWORD)
                await scene.joined()
                equal(scene.link.send(b"x", scene.link.peer), True)
            # The driver waits 6 s for beacons, so it does not see a second.
            seen = 3 if away > 6 else 0
            equal((scene.stats.get("outages", 0), back), (seen, [True] * seen))
            equal(scene.lines, [JOINED] + [VANISHED, JOINED] * seen)

        Scene(there=True).play(act, away)


def test_thrown_out():
    for knobs in ({}, {"event_lag": 20}, {"leave_event": 0}, {"leaving": 1500}):
        for reason in REASONS:

            async def act(scene, reason):
                await scene.joined()
                for _ in range(3):
                    idf.disconnect(reason)
                    await asyncio.sleep(3)
                    await scene.joined()
                equal((scene.stats["outages"], len(scene.said)), (3, 7))

            scene = Scene(there=True, **knobs)
            scene.play(act, reason)
            word = "vanished" if reason in (200, 201, 212) else "is lost"
            assert all(word in line for line in scene.lines[1::2]), (reason, scene.lines)


def test_another_address_while_it_is_up():
    async def act(scene):
        await scene.joined()
        back = []
        scene.link.on_back = lambda: back.append(scene.station.ifconfig()[0])
        idf.lease("192.0.2.9")
        await asyncio.sleep(11)
        equal(scene.lines[1:], ['Wi-Fi: joined "home" as 192.0.2.9'])
        equal((back, scene.stats, scene.joins()), (["192.0.2.9"], {"addresses": 1}, 1))

    Scene(there=True).play(act)


def test_another_address_after_an_outage():
    async def act(scene):
        await scene.joined()
        back = []
        scene.link.on_back = lambda: back.append(scene.station.ifconfig()[0])
        idf.ap_down(SSID)
        await asyncio.sleep(60)
        idf.lease("192.0.2.9")
        idf.ap_up(SSID, PASSWORD)
        await scene.joined()
        equal(scene.lines[1:], [VANISHED, 'Wi-Fi: joined "home" as 192.0.2.9'])
        equal((back, scene.stats), (["192.0.2.9"], {"outages": 1, "addresses": 1}))

    Scene(there=True).play(act)


def test_a_lease_that_ends():
    """The port goes on saying "connected": network_wlan_ip_event_handler() knows IP_EVENT_STA_GOT_IP only."""
    for lost_ms in (1000, 120000):

        async def act(scene):
            await scene.joined()
            idf.set(dhcp=0)
            idf.lease(None)
            await asyncio.sleep(300)
            equal(scene.station.isconnected(), False)  # it has left by itself
            idf.set(dhcp=1)
            await scene.joined()

        Scene(there=True, lost_ms=lost_ms).play(act)


def test_another_channel():
    for csa in (0, 1):  # whether the access point announces it

        async def act(scene, csa):
            await scene.joined()
            for channel in (6, 13, 1):
                idf.ap_up(SSID, PASSWORD, channel)
                await asyncio.sleep(8)
                await scene.joined()
            equal(scene.stats.get("outages", 0), 0 if csa else 3)

        Scene(there=True, csa=csa).play(act, csa)


def test_asleep_and_awake():
    for knobs in (
        {},
        {"event_lag": 5},
        {"event_lag": 1500},
        {"leave_event": 0},
        {"leaving": 1500},
        {"sleep_stuck": 1},
    ):

        async def act(scene):
            await scene.joined()
            for _ in range(3):
                scene.link.pause()
                equal(scene.station.active(), False)
                machine.lightsleep(60000)
                scene.link.resume()
                await asyncio.sleep_ms(300)
                await scene.joined()
            equal((scene.lines, scene.stats), ([JOINED], {}))  # nothing happened that anybody need know

        Scene(there=True, **knobs).play(act)


def test_asleep_while_it_joins():
    for moment in range(0, 800, 50):

        async def act(scene, moment):
            await asyncio.sleep_ms(moment)
            scene.link.pause()
            machine.lightsleep(1000)
            scene.link.resume()
            await asyncio.sleep_ms(300)
            await scene.joined()
            equal(scene.lines, [JOINED])

        Scene(there=True).play(act, moment)


def test_asleep_with_the_radio_on():
    """An application that calls machine.lightsleep() itself: the network is gone, and nobody may tell the port."""
    for knobs in ({"sleep_told": -1}, {"sleep_told": 0}, {"sleep_told": 5000}, {"sleep_stuck": 1}):

        async def act(scene):
            await scene.joined()
            machine.lightsleep(60000)
            await asyncio.sleep(15)
            await scene.joined()
            equal(scene.stats["outages"], 1)

        Scene(there=True, **knobs).play(act)


def test_an_application_that_switches_the_radio():
    def off(station):
        station.active(False)

    def off_and_on(station):
        station.active(False)
        station.active(True)

    def leave(station):
        station.disconnect()

    for act_on in (off, off_and_on, leave):
        for moment in (100, 400, 5000):

            async def act(scene, act_on, moment):
                await asyncio.sleep_ms(moment)
                act_on(scene.station)
                await asyncio.sleep(2)
                await scene.joined()

            Scene(there=True).play(act, act_on, moment)


def test_a_network_that_passes_nothing_is_left_and_joined_again():
    async def act(scene):
        await scene.joined()
        link = scene.link
        await asyncio.sleep(HOUR)  # nothing is asked, so nothing is missed
        equal(scene.joins(), 1)
        link.send(CON, link.peer)
        await asyncio.sleep(14 * 60)
        equal(scene.joins(), 1)
        await asyncio.sleep(2 * 60)
        equal((scene.joins(), scene.stats), (2, {"silences": 1}))
        said = 'Wi-Fi: nothing came from 127.0.0.1 for 15 min over "home"; joining again'
        equal(scene.lines[-2:], [said, JOINED])
        await asyncio.sleep(30 * 60)
        # the third time with the radio switched off
        equal((scene.joins(), scene.stats), (4, {"silences": 3, "resets": 1}))
        equal(idf.calls()["esp_wifi_stop"], 1)
        link._asked = None  # the peer is heard
        await asyncio.sleep(HOUR)
        equal((scene.stats["silences"], scene.is_joined()), (3, True))

    Scene(there=True, passes=0).play(act)
