# SPDX-License-Identifier: MIT
"""The Wi-Fi link against a stand-in of the driver, in virtual time: each way in which a network can be missing, what is
said of it, and that it always comes back.
"""

import asyncio
import socket

import network

import virtual
from air import air
from common import equal, raises
from device.links import station, udp, wifi
from msgin5g import Config, ConfigError

SECRET = "correct horse"
HOME = {"home": SECRET}


class Scene:
    """A link that was told to open, on a fresh radio, and what it says."""

    def __init__(self, **around):
        air.__init__()
        for name, value in around.items():
            setattr(air, name, value)
        network.WLAN._station = None
        self.station = network.WLAN(network.STA_IF)
        self.said = []
        self.link = wifi.WiFiLink("home", SECRET, "127.0.0.1", 9, 1152)

    def play(self, act):
        """Runs the coroutine `act(self)` in virtual time."""
        heard, station.log = station.log, lambda text, *arguments: self.said.append(text % arguments)

        async def main():
            self.opening = asyncio.create_task(self.link.open())
            try:
                await act(self)
            finally:
                self.opening.cancel()
                self.link.close()

        try:
            virtual.run(main())
        finally:
            station.log = heard
        for line in self.said:
            assert SECRET not in line, line


async def opened(scene):
    await asyncio.wait_for(scene.opening, 60)


def test_joins_and_says_its_address():
    async def act(scene):
        await opened(scene)
        equal(scene.said, ['Wi-Fi: joined "home" as 192.0.2.7'])
        equal(scene.link.peer, ("127.0.0.1", 9))
        equal(scene.link.send(b"x", scene.link.peer), True)
        equal(scene.link.stats, {"lost": 0, "outages": 0})

    scene = Scene(networks=HOME)
    scene.play(act)
    equal(scene.station.active(), False)  # closed: the radio is off


def test_a_gateway_that_was_found():
    # as msgin5g.procedures.discovery has the link use one; back to the name that the configuration gives in the end
    async def act(scene):
        await opened(scene)
        link = scene.link
        asked = link.peer
        link.use(("192.0.2.9", 5683))
        equal(link.peer, ("192.0.2.9", 5683))
        air.networks.clear()
        await asyncio.sleep(2)
        air.networks["home"] = SECRET
        back = []
        link.on_back = lambda: back.append(link.peer)
        await asyncio.sleep(60)
        equal(back, [("192.0.2.9", 5683)])  # not that of the configuration
        unknown = ("not.known.invalid", 1)
        link.use(unknown)
        equal(link.peer, unknown)
        raises(OSError, link.send, b"x", unknown)  # lost, and not sent to anybody else
        link.use(asked)
        equal((link.peer, link._host), (asked, "localhost"))

    scene = Scene(networks=HOME)
    scene.link = wifi.WiFiLink("home", SECRET, "localhost", 9, 1152)
    scene.play(act)


def test_a_group_needs_nothing_but_its_address():
    # lwIP sends to one by the interface that has the network, and the port knows no option about it
    # (ports/esp32/modsocket.c, socket_setsockopt)
    async def act(scene):
        await opened(scene)
        equal(scene.link.peer, ("224.0.1.187", 65401))
        equal(scene.link.send(b"x", scene.link.peer), True)
        scene.link.use(("127.0.0.1", 9))
        equal(scene.link.send(b"x", ("224.0.1.187", 65401)), True)

    scene = Scene(networks=HOME)
    given = {"role": "client", "ue_service_id": "ue:a@x", "peer": "discover:", "security": {"mode": "none"}}
    scene.link = wifi.link(Config(dict(given, wifi={"ssid": "home", "password": SECRET})))
    scene.play(act)


def test_an_open_network():
    async def act(scene):
        await opened(scene)

    Scene(networks={"home": ""}).play(act)


def test_no_such_access_point():
    async def act(scene):
        await asyncio.sleep(3600)
        # One line, not one for each try; some 30 s apart in the end, so for an hour not more than 130 tries.
        equal(scene.said, ['Wi-Fi: no access point "home" in range (wifi.ssid)'])
        assert 110 < scene.station.joins < 140, scene.station.joins
        air.networks["home"] = SECRET
        await opened(scene)
        equal(scene.said[1:], ['Wi-Fi: joined "home" as 192.0.2.7'])

    Scene(networks={"elsewhere": ""}).play(act)


def test_a_wrong_password():
    for reason in (15, 202, 204):

        async def act(scene):
            await asyncio.sleep(600)
            equal(scene.said, ['Wi-Fi: "home" refuses the password (wifi.password)'])
            air.networks["home"] = SECRET
            await opened(scene)

        Scene(networks={"home": "another one"}, wrong_password=reason).play(act)


def test_a_password_that_is_missing():
    async def act(scene):
        scene.link._password = ""
        await asyncio.sleep(60)
        equal(len(scene.said), 1)
        assert "is a password missing (wifi.password)?" in scene.said[0], scene.said

    Scene(networks=HOME).play(act)


def test_another_reason_is_told_by_its_number():
    async def act(scene):
        await asyncio.sleep(60)
        equal(scene.said, ['Wi-Fi: "home" does not let it in (reason 203); trying again'])

    Scene(networks={"home": "another one"}, wrong_password=203).play(act)


def test_no_address():
    async def act(scene):
        await asyncio.sleep(120)
        equal(scene.said, ['Wi-Fi: "home" gives no address: its DHCP does not answer'])
        air.dhcp = True
        await opened(scene)

    Scene(networks=HOME, dhcp=False).play(act)


def test_a_slow_dhcp_is_waited_for():
    async def act(scene):
        await opened(scene)
        equal((len(scene.said), scene.station.joins), (1, 1))

    Scene(networks=HOME, dhcp_ms=25000).play(act)


def test_an_access_point_that_hangs():
    async def act(scene):
        await asyncio.sleep(40)
        equal(scene.said, ['Wi-Fi: "home" does not answer; trying again'])

    Scene(networks=HOME, join_ms=100000).play(act)


def test_a_driver_that_refuses():
    async def act(scene):
        await opened(scene)
        equal(len(scene.said), 2)  # five refusals, told once
        assert "refuses (Wifi Internal Error)" in scene.said[0], scene.said

    Scene(networks=HOME, refusals=5).play(act)


def test_an_access_point_that_vanishes_and_comes_back():
    async def act(scene):
        await opened(scene)
        back = []
        scene.link.on_back = lambda: back.append(scene.station.isconnected())
        for outage in range(1, 4):
            del air.networks["home"]
            await asyncio.sleep(outage * 300)
            equal(scene.said[-1], 'Wi-Fi: "home" vanished; waiting for it')
            for _ in range(5):
                equal(scene.link.send(b"x", scene.link.peer), True)  # taken, and lost, as on a network
            equal(scene.link.stats, {"lost": 5 * outage, "outages": outage})
            air.networks["home"] = SECRET
            await asyncio.sleep(31 + 1)  # the longest pause between two tries, and the join
            equal((scene.said[-1], back), ('Wi-Fi: joined "home" as 192.0.2.7', [True] * outage))
            equal(scene.link.send(b"x", scene.link.peer), True)
        equal(scene.link.stats, {"lost": 15, "outages": 3})
        equal(len(scene.said), 1 + 3 * 2)

    Scene(networks=dict(HOME)).play(act)


def test_vanishing_between_two_looks():
    """The socket is the first to notice: EHOSTUNREACH is a lost datagram, no error."""

    async def act(scene):
        await opened(scene)
        scene.station.disconnect()
        equal(scene.link.send(b"x", scene.link.peer), True)
        equal(scene.link.stats["lost"], 1)

    Scene(networks=HOME).play(act)


def test_sending_too_fast_means_later():
    async def act(scene):
        await opened(scene)
        link = scene.link
        equal([link.send(b"x", link.peer) for _ in range(3)], [True, False, False])
        await asyncio.sleep_ms(20)
        equal((link.send(b"x", link.peer), air.enomem, link.stats["lost"]), (True, 2, 0))

    Scene(networks=HOME, send_gap_ms=20).play(act)


def test_asleep_and_awake():
    async def act(scene):
        await opened(scene)
        scene.link.pause()
        equal(scene.station.active(), False)
        scene.link.resume()
        await asyncio.sleep(2)
        equal((scene.station.isconnected(), scene.link.stats["outages"]), (True, 0))
        equal(len(scene.said), 1)  # nothing happened that anybody need know

    Scene(networks=HOME).play(act)


def test_asleep_while_it_joins():
    async def act(scene):
        await asyncio.sleep_ms(250)
        scene.link.pause()
        scene.link.resume()
        await opened(scene)
        equal(len(scene.said), 1)

    Scene(networks=HOME).play(act)


def test_the_event_loop_never_waits():
    """While the link tries, a task that wants each millisecond has it."""

    async def act(scene):
        for _ in range(5000):
            before = air.now()
            await asyncio.sleep_ms(1)
            equal(air.now() - before, 1)

    Scene(networks={}).play(act)


def test_from_the_configuration():
    given = {"role": "client", "ue_service_id": "ue:a@x", "peer": "coap://192.0.2.1"}
    error = raises(ConfigError, wifi.link, Config(given))
    equal(error.key, "wifi.ssid")
    assert "name of an access point" in str(error), error
    given["wifi"] = {"ssid": "home", "password": SECRET}
    assert isinstance(wifi.link(Config(given)), wifi.WiFiLink)


NAME = "gateway.example"
CON = b"\x40\x02\x00\x01"


RADIO = {
    "role": "client",
    "ue_service_id": "ue:a@x",
    "peer": "coap://127.0.0.1:9",
    "security": {"mode": "none"},
    "wifi": {"ssid": "home", "password": SECRET},
}


class Sockets:
    """The module socket, with a name server: `address` is what it says of NAME, None for not answering."""

    def __init__(self):
        self.AF_INET = socket.AF_INET
        self.SOCK_DGRAM = socket.SOCK_DGRAM
        self.socket = socket.socket
        self.address = "127.0.0.1"
        self.asked = 0

    def getaddrinfo(self, host, *more):
        if host == NAME:
            self.asked += 1
            host = self.address
            if host is None:
                raise OSError(-202)  # EAI_FAIL of lwIP
        return socket.getaddrinfo(host, *more)


def named(scene, act):
    """Plays with a peer that is a name, the ticks of the link in virtual time too."""
    scene.link = wifi.WiFiLink("home", SECRET, NAME, 9, 1152)
    sockets = Sockets()
    real = udp.socket, udp.now
    udp.socket = sockets
    udp.now = lambda: air.now() & 0x1FFFFFFF
    try:
        scene.play(lambda scene: act(scene, sockets))
    finally:
        udp.socket, udp.now = real


def test_a_name_is_looked_up_again_when_the_network_is_back():
    async def act(scene, names):
        await opened(scene)
        backs = []
        scene.link.on_back = lambda: backs.append(scene.link.peer)
        for address in ("127.0.0.2", None, "127.0.0.3"):
            names.address = address
            air.networks.clear()
            await asyncio.sleep(5)
            air.networks["home"] = SECRET
            await asyncio.sleep(40)
        # Where nobody knew it, it stayed what it was.
        equal(backs, [("127.0.0.2", 9), ("127.0.0.2", 9), ("127.0.0.3", 9)])
        equal(names.asked, 4)

    named(Scene(networks=dict(HOME)), act)


def test_a_name_is_looked_up_again_when_nothing_is_heard():
    async def act(scene, names):
        await opened(scene)
        link = scene.link
        names.address = "127.0.0.2"
        for _ in range(4):
            link.send(CON, link.peer)
            equal(link.peer, ("127.0.0.1", 9))
            await asyncio.sleep(60)
        link.send(CON, link.peer)
        equal((link.peer, names.asked), (("127.0.0.2", 9), 2))
        # What no answer is owed for says nothing.
        link._asked = None
        names.address = "127.0.0.3"
        for _ in range(10):
            link.send(b"\x50\x02\x00\x01", link.peer)
            await asyncio.sleep(60)
        equal(names.asked, 2)

    named(Scene(networks=dict(HOME)), act)


def test_an_access_point_that_passes_nothing_is_left_and_joined_again():
    async def act(scene):
        await opened(scene)
        link = scene.link
        station = link._station
        calls = []

        class Counted:
            def __getattr__(self, name):
                if name in ("connect", "active"):
                    calls.append(name)
                return getattr(station, name)

        link._station = Counted()
        await asyncio.sleep(3600)  # nothing is asked, so nothing is missed
        equal(calls, [])
        link.send(CON, link.peer)
        await asyncio.sleep(14 * 60)
        equal(calls, [])
        await asyncio.sleep(2 * 60)
        equal((calls.count("connect"), calls.count("active"), link.stats["silences"]), (1, 1, 1))
        assert "nothing came from 127.0.0.1 for 15 min" in scene.said[-2], scene.said
        assert "joined" in scene.said[-1], scene.said
        await asyncio.sleep(30 * 60)
        equal((calls.count("connect"), calls.count("active"), link.stats["silences"]), (3, 4, 3))
        link._asked = None  # the peer is heard
        await asyncio.sleep(3600)
        equal(link.stats["silences"], 3)
        equal(station.isconnected(), True)

    Scene(networks=HOME).play(act)


def test_what_this_board_cannot_reach_is_said_at_the_start():
    def error(**more):
        return str(raises(ConfigError, wifi.link, Config(dict(RADIO, **more))))

    assert error(peer="coap://[fd00::1]").startswith("peer: must be a name or an IPv4 address")
    assert error(peer="coap://" + NAME, watchdog=8).startswith("watchdog: must be 20 s or more")
    wifi.link(Config(dict(RADIO, peer="coap://" + NAME, watchdog=30)))
    wifi.link(Config(dict(RADIO, watchdog=8)))
