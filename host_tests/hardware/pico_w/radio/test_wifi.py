# SPDX-License-Identifier: MIT
"""The link over the Pico W's radio: each way in which a network can be missing, what is said of it, and that it always
comes back, over all that is assumed of the chip (c/air.h).
"""

import asyncio

import cyw43
import machine
from scene import MINUTE, SECRET, Scene

import idf
from board import Board
from coap.aio import udp
from common import Random, equal, raises
from device import health
from device.links import cyw43 as links
from msgin5g import Config, ConfigError

# What is not known of the chip: each alone, and the worst of all together.
KNOBS = (
    {},
    {"rejoins": 0},
    {"leave": 700},
    {"leave": 5000},
    {"leave_always": 0},
    {"survives": 1, "leave": 700},
    {"scan": 4000, "join": 3000, "start": 1500, "dhcp_ms": 5000},
    {"scan": 20, "join": 10, "start": 10, "dhcp_ms": 10},
    {"rejoins": 0, "leave": 5000, "survives": 1, "scan": 4000, "join": 3000, "dhcp_ms": 5000},
)


def each(act, **more):
    """Plays `act` with each of them; the scenes."""
    for knobs in KNOBS:
        scene = Scene(**dict(knobs, **more))
        scene.play(act)
        yield scene


def test_joins_and_says_its_address():
    async def act(scene):
        scene.home()
        await scene.within(MINUTE)
        equal(scene.link._station.config("pm"), 0xA11140)
        await scene.wait(MINUTE)

    for scene in each(act):
        equal(scene.said, ['Wi-Fi: joined "home" as 192.168.4.2'])
        equal(cyw43.calls()["cyw43_wifi_join"], 1)
        equal(scene.link.stats, {"lost": 0, "outages": 0})


def test_an_open_network():
    async def act(scene):
        scene.link._password = ""
        scene.home("")
        await scene.within(MINUTE)

    list(each(act))


def test_an_access_point_that_is_late():
    def after(ms):
        async def act(scene):
            await scene.wait(ms)
            scene.home()
            await scene.within(MINUTE)
            await scene.wait(MINUTE)

        return act

    for ms in (1000, 5000, 31000, 3600000):
        for scene in each(after(ms)):
            equal(scene.said[-1], 'Wi-Fi: joined "home" as 192.168.4.2')
            # Where it was quick enough for the first attempt there is nothing else to say.
            equal(scene.said[:-1] in ([], ['Wi-Fi: no access point "home" in range (wifi.ssid)']), True)


def test_a_wrong_password_then_the_right_one():
    async def act(scene):
        scene.home("another")
        await scene.wait(5 * MINUTE)
        equal(scene.joined(), False)
        scene.home()
        await scene.within(MINUTE)

    for how in range(5):
        for scene in each(act, wrong_password=how):
            equal("password" in scene.said[0], True)
            equal(scene.said[-1], 'Wi-Fi: joined "home" as 192.168.4.2')


def test_an_access_point_that_vanishes():
    async def act(scene):
        scene.home()
        await scene.within(MINUTE)
        for gone in (2000, 20000, 300000):
            cyw43.ap_down("home")
            await scene.wait(gone)
            scene.home()
            await scene.wait(cyw43.get("beacons"))
            await scene.within(MINUTE)
        equal(scene.link.stats["outages"] >= 2, True)

    for scene in each(act):
        equal('Wi-Fi: "home" vanished; waiting for it' in scene.said, True)


def test_thrown_out():
    async def act(scene):
        scene.home()
        await scene.within(MINUTE)
        for reason in (1, 2, 4, 6, 7, 8, 15, 34):
            cyw43.disconnect(reason)
            await scene.wait(1000)
            await scene.within(MINUTE)
            await scene.wait(MINUTE)
            equal(scene.joined(), True)

    # Where the chip is back before the next look nobody has missed it.
    equal(max(scene.link.stats["outages"] for scene in each(act)) >= 8, True)


def test_no_dhcp_for_a_time():
    async def act(scene):
        scene.home()
        await scene.wait(200000)
        equal(scene.joined(), False)
        cyw43.set(dhcp=1)
        await scene.within(MINUTE)

    for scene in each(act, dhcp=0):
        equal('Wi-Fi: "home" gives no address: its DHCP does not answer' in scene.said, True)


def test_another_address():
    """An address of before is kept by lwIP until DHCP says that it is wrong: the peer is looked up anew, and asked."""

    async def act(scene):
        back = []
        scene.home()
        await scene.within(MINUTE)
        await scene.wait(1000)
        scene.link.on_back = lambda: back.append(scene.link._station.ifconfig()[0])
        scene.home(address="10.0.0.7")
        cyw43.disconnect(8)
        await scene.wait(MINUTE)
        equal(back[-1], "10.0.0.7")
        equal(scene.link.stats["addresses"], 1)

    list(each(act))


def test_asleep_and_awake():
    async def act(scene):
        scene.home()
        await scene.within(MINUTE)
        scene.link.pause()
        equal(cyw43.state(), "idle")
        scene.link.resume()
        await scene.within(MINUTE)
        scene.link.pause()
        await scene.wait(MINUTE)  # another task runs on meanwhile
        scene.link.resume()
        await scene.within(MINUTE)
        equal(scene.link.stats["outages"], 0)

    list(each(act))


def test_the_board_sleeps_for_as_long_as_it_was_told():
    """Though the port comes back at once while the radio's chip has something to tell."""
    scene = Scene()

    async def act(scene):
        board = Board()
        board._radio = scene.link
        scene.home()
        await scene.within(MINUTE)
        machine.slept, machine.pending = 0, 3
        before = health.now()
        board.sleep(5000)
        equal((machine.pending, health.now() - before >= 5000, machine.slept <= 5000), (0, True, True))
        equal(machine.slept > 4900, True)
        await scene.within(MINUTE)

    scene.play(act)


def test_a_chip_that_does_not_start():
    async def act(scene):
        scene.home()
        await scene.within(MINUTE)
        equal(scene.link.stats["refusals"], 2)  # setting the power save starts it, too

    for scene in each(act, broken=4):
        equal("driver refuses" in scene.said[0], True)


def test_the_watchdog_has_its_whole_time_for_each_start_of_the_chip():
    """One that does not start is tried by each call in turn, and nothing else runs meanwhile."""
    fed = []

    async def health(scene):
        while True:
            fed.append(idf.now())
            await scene.wait(500)

    async def act(scene):
        others = asyncio.create_task(health(scene))
        scene.home()
        await scene.within(MINUTE)
        others.cancel()

    feed, links.feed = links.feed, lambda: fed.append(idf.now())
    try:
        for broken in (0, 1, 2, 3, 7):
            del fed[:]
            Scene(start=1500, broken=broken).play(act)
            longest = max(later - before for before, later in zip(fed, fed[1:]))
            equal((broken, longest >= 1500, longest <= 1600), (broken, True, True))
    finally:
        links.feed = feed


def test_events_that_are_lost():
    """Of joining: the driver never gets to know that it has. There are four to an attempt."""

    async def act(scene):
        scene.home()
        await scene.within(MINUTE)

    for lost in range(1, 5):
        list(each(act, deaf=lost))


def test_a_network_that_is_gone_without_a_word():
    """By the silence of a peer that owes an answer."""

    async def act(scene):
        scene.home()
        await scene.within(MINUTE)
        await asyncio.wait_for_ms(scene.opening, MINUTE)
        cyw43.ap_down("home")
        await scene.wait(MINUTE)
        equal(scene.link._station.isconnected(), True)
        equal(scene.link.send(b"\x40\x01\x00\x01", scene.link.peer), True)
        await scene.wait(17 * MINUTE)
        equal(scene.link._station.isconnected(), False)
        scene.home()
        await scene.within(MINUTE)

    for scene in each(act, told=0):
        equal(any("nothing came from 192.0.2.1 for 15 min" in line for line in scene.said), True)


def test_an_application_that_switches_the_radio():
    """It is joined all the same, and left where the peer is silent: active(False) does nothing but be remembered."""
    for switch in ("active", "deinit", "disconnect"):

        async def act(scene, switch=switch):
            scene.home()
            await scene.within(MINUTE)
            getattr(scene.link._station, switch)(*([False] if switch == "active" else []))
            await scene.wait(10000)
            await scene.within(MINUTE)
            left = cyw43.calls().get("cyw43_wifi_leave", 0)
            outages = scene.link.stats["outages"]
            scene.link._asked = 0
            await scene.wait(16 * MINUTE)
            if cyw43.get("leave") < 1000:  # else what was left by itself counts as lost
                equal(scene.link.stats["outages"], outages)
            equal((switch, cyw43.calls().get("cyw43_wifi_leave", 0) - left), (switch, 1))
            await scene.within(MINUTE)

        list(each(act))


def test_what_has_nowhere_to_go_is_lost_and_counted():
    scene = Scene()

    async def act(scene):
        scene.home()
        await scene.within(MINUTE)
        await asyncio.wait_for_ms(scene.opening, MINUTE)
        equal(scene.link.send(b"x", scene.link.peer), True)
        cyw43.ap_down("home")
        await scene.wait(MINUTE)
        equal(scene.link.send(b"x", scene.link.peer), True)
        equal(scene.link.stats["lost"], 1)

    scene.play(act)


def test_closed_the_chip_is_off_and_stays_so():
    scene = Scene()

    async def act(scene):
        scene.home()
        await scene.within(MINUTE)
        scene.link.close()
        before = dict(cyw43.calls())
        scene.link.close()
        equal(cyw43.state(), "idle")
        equal(cyw43.calls()["cyw43_wifi_leave"], before["cyw43_wifi_leave"])  # that would start it

    scene.play(act)


# ---- a random hour

GOOD = 5 * MINUTE  # at the end: nothing happens any more


def happen(scene, dice):
    """One of the things that happen."""
    what = dice.below(10)
    if what == 0:
        cyw43.ap_down("home")
    elif what == 1:
        scene.home("another")
    elif what == 2:
        scene.home(address="10.0.0.%d" % (2 + dice.below(200)))
    elif what == 3:
        cyw43.disconnect(dice.choice((1, 2, 4, 6, 7, 8, 15)))
    elif what == 4:
        cyw43.set(dhcp=dice.below(2))
    elif what == 5:
        scene.link.pause()
        scene.link.resume()
    elif what == 6:
        cyw43.set(broken=dice.below(4))
    elif what == 7:
        # Events of joining; of a loss that is never told the silence of the peer tells, after longer than this waits.
        if cyw43.state() != "associated":
            cyw43.set(deaf=dice.below(5))
    elif what == 8:  # an application
        station = scene.link._station
        dice.choice((station.disconnect, station.deinit, lambda: station.active(False)))()
    else:
        scene.home()


def hour(seed):
    dice = Random(seed)
    scene = Scene(
        wrong_password=dice.below(5),
        rejoins=dice.below(2),
        leave=dice.choice((0, 20, 300, 2000)),
        leave_always=dice.below(2),
        survives=dice.below(2),
        scan=dice.choice((20, 900, 4000)),
        join=dice.choice((10, 300, 3000)),
        start=dice.choice((50, 250, 1500)),
        dhcp_ms=dice.choice((10, 400, 5000)),
        beacons=dice.choice((1000, 5000)),
    )

    async def act(scene):
        left = 60 * MINUTE
        while left > 0:
            step = dice.choice((50, 500, 3000, 20000, 120000, 600000))
            await scene.wait(step)
            left -= step
            happen(scene, dice)
        cyw43.set(dhcp=1, broken=0, deaf=0)
        scene.home()
        await scene.wait(cyw43.get("beacons"))
        await scene.within(MINUTE)
        await scene.wait(GOOD)
        equal((scene.joined(), scene.link.alive), (True, True))

    try:
        scene.play(act)
    except AssertionError as error:
        raise AssertionError("seed %d: %s" % (seed, error))


def test_a_random_hour_ends_joined():
    """Within a minute of the access point being good, whatever came before."""
    for seed in range(400):
        hour(seed)


# ---- what is asked for


def test_from_the_configuration():
    given = {
        "role": "client",
        "ue_service_id": "ue:a@x",
        "peer": "coap://gateway.example.org",
        "security": {"mode": "none"},
        "wifi": {"ssid": "home", "password": SECRET},
        "watchdog": 8,
    }
    link = links.link(Config(given))  # a name may be looked up: the watchdog is fed meanwhile
    equal(type(link), links.CYW43Link)
    raises(ConfigError, links.link, Config(dict(given, wifi={"ssid": "", "password": ""})))
    raises(ConfigError, links.link, Config(dict(given, peer="coap://[fd00::1]")))


def test_the_watchdog_is_fed_while_a_name_is_looked_up_and_not_for_ever():
    fed = []

    class Slow:
        SOCK_DGRAM = 2

        @staticmethod
        def getaddrinfo(*arguments):
            for _ in range(50):
                for timer in list(machine.timers):
                    timer.callback(timer)
            raise OSError(-2)

    real = udp.socket, links.feed
    udp.socket, links.feed = Slow, lambda: fed.append(1)
    try:
        link = links.CYW43Link("home", SECRET, "gateway.example.org", 5683, 1152)
        raises(OSError, link._look_up)
    finally:
        udp.socket, links.feed = real
    equal((len(fed), machine.timers), (30, []))
