# SPDX-License-Identifier: MIT
"""The Wi-Fi link over the port's own C, in virtual time: its configuration, its addresses, and what it sends."""

import asyncio
import socket

from scene import CON, JOINED, NAME, PASSWORD, SSID, Scene

import idf
from common import equal, raises
from device.links import wifi
from msgin5g import Config, ConfigError

RADIO = {
    "role": "client",
    "ue_service_id": "ue:a@x",
    "peer": "coap://127.0.0.1:9",
    "security": {"mode": "none"},
    "wifi": {"ssid": SSID, "password": PASSWORD},
}


def test_joins_and_says_its_address():
    async def act(scene):
        await scene.joined(1)
        equal(scene.lines, [JOINED])
        equal(scene.link.peer, ("127.0.0.1", 9))
        equal(scene.link.send(b"x", scene.link.peer), True)
        equal(scene.link.stats, {"lost": 0, "outages": 0})

    scene = Scene(there=True)
    scene.play(act)
    equal(scene.station.active(), False)  # closed: the radio is off


def test_a_link_that_was_closed_leaves_the_radio_off():
    """Whenever the board sleeps, which pauses the link that it has last made and resumes it."""

    async def act(scene):
        await scene.joined()
        scene.link.close()
        scene.link.pause()
        scene.link.resume()
        await asyncio.sleep(60)
        equal(scene.station.active(), False)

    Scene(there=True).play(act)


def test_an_open_network():
    async def act(scene):
        scene.link._password = ""
        idf.ap_up(SSID)
        await scene.joined(1)

    Scene().play(act)


def test_a_gateway_that_was_found():
    # as msgin5g.procedures.discovery has the link use one; back to the name that the configuration gives in the end
    async def act(scene):
        await scene.joined()
        link = scene.link
        asked = link.peer
        link.use(("192.0.2.9", 5683))
        equal(link.peer, ("192.0.2.9", 5683))
        idf.ap_down(SSID)
        await asyncio.sleep(8)
        idf.ap_up(SSID, PASSWORD)
        back = []
        link.on_back = lambda: back.append(link.peer)
        await scene.joined()
        equal(back, [("192.0.2.9", 5683)])  # not that of the configuration
        unknown = ("not.known.invalid", 1)
        link.use(unknown)
        equal(link.peer, unknown)
        raises(OSError, link.send, b"x", unknown)  # lost, and not sent to anybody else
        link.use(asked)
        equal((link.peer, link._host), (asked, "localhost"))

    Scene(there=True, host="localhost").play(act)


def test_a_group_needs_nothing_but_its_address():
    # lwIP sends to one by the interface that has the network, and the port knows no option about it
    # (ports/esp32/modsocket.c, socket_setsockopt)
    async def act(scene):
        await scene.joined()
        equal(scene.link.peer, ("224.0.1.187", 65401))
        equal(scene.link.send(b"x", scene.link.peer), True)
        scene.link.use(("127.0.0.1", 9))
        equal(scene.link.send(b"x", ("224.0.1.187", 65401)), True)

    scene = Scene(there=True)
    scene.link = wifi.link(Config(dict(RADIO, peer="discover:")))
    scene.play(act)


def test_sending_too_fast_means_later():
    async def act(scene):
        await scene.joined()
        link = scene.link
        equal([link.send(b"x", link.peer) for _ in range(3)], [True, False, False])
        await asyncio.sleep_ms(20)
        equal((link.send(b"x", link.peer), socket.refused[0] - before, link.stats["lost"]), (True, 2, 0))

    before = socket.refused[0]
    Scene(there=True, send_gap=20).play(act)


def test_the_socket_is_the_first_to_notice():
    """EHOSTUNREACH between two looks of the link is a lost datagram, no error."""

    async def act(scene):
        await scene.joined()
        scene.station.disconnect()
        equal(scene.link.send(b"x", scene.link.peer), True)
        equal(scene.link.stats["lost"], 1)

    Scene(there=True).play(act)


def test_the_event_loop_never_waits():
    """While the link tries, and is refused, a task that wants each millisecond has it. What the port's own C waits for,
    the radio's events as it is switched, is `event_lag` and no more."""
    for knobs in ({}, {"dhcp": 0}, {"hang": 1}, {"refusals": 20}, {"event_lag": 5, "refusals": 20}):

        async def act(scene, knobs):
            for _ in range(40000):
                before = idf.now()
                await asyncio.sleep_ms(1)
                late = idf.now() - before - 1
                assert late <= 2 * idf.get("event_lag"), (knobs, late)

        Scene(there="dhcp" in knobs, **knobs).play(act, knobs)


def test_from_the_configuration():
    given = {"role": "client", "ue_service_id": "ue:a@x", "peer": "coap://192.0.2.1"}
    error = raises(ConfigError, wifi.link, Config(given))
    equal(error.key, "wifi.ssid")
    assert "name of an access point" in str(error), error
    given["wifi"] = RADIO["wifi"]
    assert isinstance(wifi.link(Config(given)), wifi.WiFiLink)


def test_what_this_board_cannot_reach_is_said_at_the_start():
    def error(**more):
        return str(raises(ConfigError, wifi.link, Config(dict(RADIO, **more))))

    assert error(peer="coap://[fd00::1]").startswith("peer: must be a name or an IPv4 address")
    # No name ends in a number, so nobody need ask a name server for these.
    for host in ("192.168.1.300", "192.168.1", "192.168..1", "192.168.1.1.1", "1"):
        assert host + " is none" in error(peer="coap://" + host), host
    # lwIP asks a name server at 0, 1, 2 and 4 s, and gives it up at 7 s (dns_check_entry); a DHCP may name three.
    assert error(peer="coap://" + NAME, watchdog=21).startswith("watchdog: must be 22 s or more")
    wifi.link(Config(dict(RADIO, peer="coap://" + NAME, watchdog=22)))
    wifi.link(Config(dict(RADIO, watchdog=8)))


def test_a_name_is_looked_up_again_when_the_network_is_back():
    async def act(scene):
        await scene.joined()
        backs = []
        scene.link.on_back = lambda: backs.append(scene.link.peer)
        for address in ("127.0.0.2", None, "127.0.0.3"):
            scene.names.address = address
            idf.ap_down(SSID)
            await asyncio.sleep(8)
            idf.ap_up(SSID, PASSWORD)
            await scene.joined()
        # Where nobody knew it, it stayed what it was.
        equal(backs, [("127.0.0.2", 9), ("127.0.0.2", 9), ("127.0.0.3", 9)])
        equal(scene.names.asked, 4)

    Scene(there=True, host=NAME).play(act)


def test_a_name_is_looked_up_again_when_nothing_is_heard():
    async def act(scene):
        await scene.joined()
        link = scene.link
        scene.names.address = "127.0.0.2"
        for _ in range(4):
            link.send(CON, link.peer)
            equal(link.peer, ("127.0.0.1", 9))
            await asyncio.sleep(60)
        link.send(CON, link.peer)
        equal((link.peer, scene.names.asked), (("127.0.0.2", 9), 2))
        # What no answer is owed for says nothing.
        link._asked = None
        scene.names.address = "127.0.0.3"
        for _ in range(10):
            link.send(b"\x50\x02\x00\x01", link.peer)
            await asyncio.sleep(60)
        equal(scene.names.asked, 2)

    Scene(there=True, host=NAME).play(act)
