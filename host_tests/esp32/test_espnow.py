# SPDX-License-Identifier: MIT
"""The ESP-NOW link on the port's own C (modespnow.c, network_wlan.c), in virtual time: opening, sending, channels."""

import asyncio

import espnow
import network

import idf
import virtual
from common import equal, raises
from device.links.espnow import ESPNowLink, link, mac_address
from msgin5g import Config, ConfigError

GATEWAY = mac_address("a0b1c2d3e4f5")
PMK, LMK = b"p" * 16, b"l" * 16
WATCHDOG = 3000  # ms; the shortest that the link takes


def opened(act=None, up=True, **keys):
    """A link on a board that has just been switched on; `act(link, radio, station)` runs in its event loop."""
    idf.power_cycle()
    made = ESPNowLink(GATEWAY, **keys)
    radio, station = espnow.ESPNow(), network.WLAN(network.STA_IF)

    async def main():
        if up:
            await made.open()
        if act is not None:
            await act(made, radio, station)
        made.close()

    virtual.run(main())
    return made


def peers(radio):
    """{MAC address: (LMK, channel, interface, encrypted)} that the driver has."""
    return {peer[0]: peer[1:] for peer in radio.get_peers()}


def test_addresses():
    equal(GATEWAY, b"\xa0\xb1\xc2\xd3\xe4\xf5")
    equal(mac_address("a0:b1:c2:d3:e4:f5"), GATEWAY)
    for text in ("", "a0b1c2d3e4", "a0b1c2d3e4f5a6", "peer"):
        raises(ValueError, mac_address, text)


def test_opening_without_keys():
    async def act(made, radio, station):
        equal((radio.active(), station.active(), station.config("pm")), (True, True, station.PM_NONE))
        equal(peers(radio), {GATEWAY: (bytes(16), 0, network.STA_IF, False)})
        equal(idf.calls().get("esp_now_set_pmk"), None)
        await made.open()  # again, as after an error: the peer is not there twice
        equal(len(peers(radio)), 1)
        made.close()
        equal((radio.active(), station.active()), (False, False))
        await made.open()
        equal(made.send(b"x", GATEWAY), True)

    opened(act)


def test_a_peer_with_keys_is_encrypted():
    async def act(made, radio, station):
        for _ in range(2):
            # The channel of a peer stays 0: add_peer takes any, and then send fails where it is not the radio's.
            equal(peers(radio), {GATEWAY: (LMK, 0, network.STA_IF, True)})
            equal(radio.peer_count(), (1, 1))
            radio.active(False)
            await asyncio.sleep(5)
        # set before the peer is there, each time anew: esp_now_deinit() forgets it
        equal((idf.calls()["esp_now_set_pmk"], idf.calls()["esp_now_add_peer"]), (3, 3))

    opened(act, pmk=PMK, lmk=LMK)


def test_sending():
    async def act(made, radio, station):
        equal(made.send([bytearray(b"\x02"), b"\x01"], GATEWAY), True)
        equal(made.send(bytes(250), GATEWAY), True)
        equal(idf.now_sent(), [(GATEWAY, b"\x02\x01"), (GATEWAY, bytes(250))])
        error = raises(OSError, made.send, bytes(251), GATEWAY)
        assert "251 octets: an ESP-NOW frame holds 250" in str(error), error
        equal(idf.now_sent(), [])

    opened(act)


def test_the_drivers_queue_is_never_filled():
    """ESP-IDF, "ESP-NOW", "Send ESP-NOW Data": the next one after the callback of the one before; too many at once give
    ESP_ERR_ESPNOW_NO_MEM, for which the C of send() waits."""
    for ms in (1, 2, 50):

        async def act(made, radio, station, ms=ms):
            idf.set(tx=ms)
            for number in range(10):
                taken = [made.send(bytes([number]), GATEWAY) for _ in range(3)]
                equal(taken, [True, True, False])  # two on their way
                equal(len(idf.now_sent()), 2)
                await asyncio.sleep_ms(ms + 1)
            equal(radio.stats()[:3], (20, 20, 0))

        opened(act)


def test_a_driver_without_memory_means_later():
    """send() blocks for 2 s in C then, and nothing is lost; between two of these the event loop has its turn."""

    async def act(made, radio, station):
        for seconds in (1, 3, 30):
            idf.set(nomem=1000 * seconds)  # as many calls of esp_now_send() fail, one each ms
            blocked, tries, began = [], 0, idf.now()
            while True:
                before = idf.now()
                done = made.send(b"x", GATEWAY)
                if idf.now() > before + 10:  # the clock goes on a little by being read
                    blocked.append((before - began, idf.now() - before))
                if done:
                    break
                tries += 1
                await asyncio.sleep_ms(20)
            equal(idf.now_sent(), [(GATEWAY, b"x")])
            assert max(ms for _, ms in blocked) <= 2001 < WATCHDOG, blocked
            ends = [at + ms for at, ms in blocked]
            assert all(at - end >= 5000 for end, (at, _) in zip(ends, blocked[1:])), blocked
            equal(len(blocked) - seconds // 2 in (0, 1), True)
            equal(tries == 0, seconds < 2)  # for a short time the C waits by itself

    opened(act)


def test_an_error_without_a_name_is_a_frame_that_is_lost():
    async def act(made, radio, station):
        radio.del_peer(GATEWAY)
        radio.add_peer(GATEWAY, channel=9)  # accepted, and ESP_ERR_ESPNOW_CHAN with each frame
        error = raises(OSError, made.send, b"x", GATEWAY)
        equal(error.args[1], "ESP_ERR_ESPNOW_CHAN")

    opened(act)


def test_a_radio_that_was_switched_off_is_opened_anew():
    """As by an application of its own that uses the station: the frame is lost, the next one goes."""
    for take_down in (
        lambda radio, station: station.active(False),  # ESP_ERR_ESPNOW_IF
        lambda radio, station: radio.active(False),  # ESP_ERR_ESPNOW_NOT_INIT
        lambda radio, station: radio.del_peer(GATEWAY),  # ESP_ERR_ESPNOW_NOT_FOUND
    ):

        async def act(made, radio, station, take_down=take_down):
            take_down(radio, station)
            raises(OSError, made.send, b"x", GATEWAY)
            equal(made.send(b"x", GATEWAY), True)
            equal(peers(radio), {GATEWAY: (LMK, 0, network.STA_IF, True)})
            equal(made.stats, {"reopened": 1})

        opened(act, pmk=PMK, lmk=LMK)


def test_a_frame_whose_end_is_never_told():
    """The callback of a frame is lost: the driver is begun anew, and the counters of the C with it."""

    async def act(made, radio, station):
        idf.set(tx=3600000)
        equal([made.send(b"x", GATEWAY) for _ in range(3)], [True, True, False])
        await asyncio.sleep(6)
        equal(made.send(b"y", GATEWAY), True)
        equal(made.stats, {"reopened": 1})
        idf.set(tx=2)

    opened(act)


def test_the_channel():
    async def act(made, radio, station):
        equal(station.config("channel"), 6)
        equal(made.send(b"x", GATEWAY), True)
        made.pause()
        made.resume()
        equal(station.config("channel"), 6)
        station.config(channel=3)  # somebody else's wish
        await asyncio.sleep(3)
        equal(station.config("channel"), 6)

    opened(act, channel=6)


def test_a_channel_that_cannot_be_had_is_said():
    """esp_wifi.h, esp_wifi_set_channel(): not while the station scans or connects; nor one that the country has not.
    The port has a RuntimeError for that."""

    async def act(made, radio, station):
        try:
            await made.open()
        except OSError as error:
            assert "espnow.channel is 15, and the radio stays on 1: Wifi Unknown Error" in str(error), error
            assert made.alive
        else:
            raise AssertionError("it opened")

    opened(act, up=False, channel=15)

    async def joining(made, radio, station):
        idf.ap_up("home", "password", 11)
        station.active(True)
        station.connect("home", "password")
        await made.open()  # which has the station leave that
        equal(station.config("channel"), 6)
        station.connect("home", "password")  # whose scan is all over the channels
        said = raises(OSError, made._tune) if station.config("channel") != 6 else None
        assert said is None or "Wifi Unknown Error" in str(said), said
        equal(made.send(b"x", GATEWAY), True)

    opened(joining, up=False, channel=6)


def test_beside_wifi_the_channel_is_the_access_points():
    """The application has its own Wi-Fi. What the link wants comes back with the last of it."""

    async def act(made, radio, station):
        idf.set(peer_channel=6)
        idf.ap_up("home", "password", 11)
        station.connect("home", "password")
        for _ in range(20):
            await asyncio.sleep(1)
        equal((station.isconnected(), station.config("channel")), (True, 11))  # not thrown out
        equal((made.send(b"x", GATEWAY), idf.now_sent()), (True, []))  # it is not heard
        equal((radio.active(), made.stats["reopened"]), (True, 0))
        said = raises(OSError, made._tune)
        equal(
            str(said),
            "espnow.channel is 6, and the radio stays on 11: that of the access point that it has joined",
        )
        # ESP-NOW alone is opened again, and the network stays
        radio.active(False)
        await asyncio.sleep(5)
        equal((radio.active(), station.isconnected()), (True, True))
        station.disconnect()
        await asyncio.sleep(5)
        equal(
            (station.config("channel"), made.send(b"y", GATEWAY), idf.now_sent()),
            (6, True, [(GATEWAY, b"y")]),
        )

    opened(act, channel=6)


def test_asleep_and_awake():
    async def act(made, radio, station):
        made.pause()
        equal((radio.active(), station.active()), (False, False))
        await asyncio.sleep(10)
        equal((radio.active(), station.active()), (False, False))  # nobody wakes it
        made.resume()
        equal((made.send(b"x", GATEWAY), station.config("channel")), (True, 6))
        equal(peers(radio), {GATEWAY: (LMK, 0, network.STA_IF, True)})
        equal(made.stats, {"reopened": 0})

    opened(act, channel=6, pmk=PMK, lmk=LMK)


def test_a_link_that_is_not_open_leaves_the_radio_off():
    """One that could not be opened, for perhaps nobody tries again; one that was closed, whenever the board sleeps."""

    def off(radio, station):
        equal((radio.active(), station.active()), (False, False))

    async def refused(made, radio, station):
        for _ in range(2):
            try:
                await made.open()
            except OSError:
                off(radio, station)
            else:
                raise AssertionError("it opened")

    opened(refused, up=False, channel=15)

    async def stuck(made, radio, station):
        def refuse(*on):
            raise OSError(-12389, "ESP_ERR_ESPNOW_NOT_INIT")

        made._radio.active = refuse  # as after an esp_now_init() that failed, for good
        made.pause()
        equal(station.active(), False)  # the chip must not sleep with it on
        del made._radio.active

    opened(stuck)

    async def closed(made, radio, station):
        made.close()
        made.pause()  # as Board.sleep() does
        made.resume()
        await asyncio.sleep(5)
        off(radio, station)

    opened(closed)


def test_from_the_configuration():
    given = {
        "role": "application client",
        "ue_service_id": "ue:a@x",
        "peer": "l3+espnow://a0b1c2d3e4f5",
        "espnow": {"channel": 6, "pmk": "70" * 16, "lmk": "6c" * 16},
    }
    idf.power_cycle()
    made = link(Config(given))

    async def main():
        await made.open()
        equal(peers(espnow.ESPNow()), {GATEWAY: (LMK, 0, network.STA_IF, True)})
        made.close()

    virtual.run(main())
    for key, value, says in (
        ("peer", "l3+espnow://gateway", "l3+espnow://a0b1c2d3e4f5"),
        ("peer", "l3+espnow://ffffffffffff", "of one station"),
        ("watchdog", 2, "must be 3 s or more, or none"),
    ):
        error = raises(ConfigError, link, Config(dict(given, **{key: value})))
        equal(error.key, key)
        assert says in str(error), error
