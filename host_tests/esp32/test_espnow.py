# SPDX-License-Identifier: MIT
"""The ESP-NOW link against stand-ins of MicroPython's modules `espnow` and `network`."""

import espnow
import network

import virtual
from air import air
from common import equal, raises
from device.links.espnow import ESPNowLink, link, mac_address
from msgin5g import Config, ConfigError

GATEWAY = mac_address("a0b1c2d3e4f5")
KEYS = {"pmk": b"p" * 16, "lmk": b"l" * 16}


def opened(**keys):
    """(link, radio, station), all of them fresh."""
    air.__init__()
    espnow._radio = network.WLAN._station = None
    made = ESPNowLink(GATEWAY, **keys)
    virtual.run(made.open())
    return made, espnow.ESPNow(), network.WLAN(network.STA_IF)


def test_addresses():
    equal(GATEWAY, b"\xa0\xb1\xc2\xd3\xe4\xf5")
    equal(mac_address("a0:b1:c2:d3:e4:f5"), GATEWAY)
    for text in ("", "a0b1c2d3e4", "a0b1c2d3e4f5a6", "peer"):
        raises(ValueError, mac_address, text)


def test_opening_with_and_without_keys():
    made, radio, station = opened()
    equal((radio.active(), radio.pmk, radio.peers), (True, None, {GATEWAY: (b"", 0, False)}))
    equal((station.active(), station.config("pm"), station.config("channel")), (True, station.PM_NONE, 1))
    made, radio, station = opened(channel=6, **KEYS)
    equal((radio.pmk, radio.peers), (KEYS["pmk"], {GATEWAY: (KEYS["lmk"], 0, True)}))
    equal(station.config("channel"), 6)
    virtual.run(made.open())  # again, as after an error: the peer is not there twice
    made.close()
    equal((radio.active(), station.active()), (False, False))


def test_sending():
    made, radio, _ = opened()
    equal(made.send([bytearray(b"\x02"), b"\x01"], GATEWAY), True)
    equal(air.sent.pop(), (GATEWAY, b"\x02\x01"))
    equal(made.send(bytes(250), GATEWAY), True)
    error = raises(OSError, made.send, bytes(251), GATEWAY)
    assert "251 octets: an ESP-NOW frame holds 250" in str(error), error


def test_a_full_queue_means_later():
    made, _, _ = opened()
    air.espnow_error = "ESP_ERR_ESPNOW_NO_MEM"
    equal(made.send(b"x", GATEWAY), False)
    equal(made.send(b"x", GATEWAY), True)


def test_a_radio_that_was_switched_off_is_opened_anew():
    """As by an application of its own that uses the station: the frame is lost, the next one goes."""
    for take_down in (
        lambda radio, station: station.active(False),  # ESP_ERR_ESPNOW_IF
        lambda radio, station: radio.active(False),  # ESP_ERR_ESPNOW_NOT_INIT
        lambda radio, station: radio.peers.clear(),  # ESP_ERR_ESPNOW_NOT_FOUND
    ):
        made, radio, station = opened(**KEYS)
        take_down(radio, station)
        raises(OSError, made.send, b"x", GATEWAY)
        equal(made.send(b"x", GATEWAY), True)
        equal(radio.peers, {GATEWAY: (KEYS["lmk"], 0, True)})


def test_receiving_from_the_peer_alone():
    made, _, _ = opened()
    air.frames = [[bytes(6), b"stranger"], [GATEWAY, b""], [GATEWAY, b"\x02\x01"]]
    equal(virtual.run(made.receive()), (b"\x02\x01", GATEWAY))


def test_receiving_with_a_radio_that_was_switched_off():
    made, radio, _ = opened()
    air.frames = [[GATEWAY, b"\x02\x01"]]
    radio.active(False)
    equal(virtual.run(made.receive()), (b"\x02\x01", GATEWAY))
    equal(radio.active(), True)


def test_a_frame_that_there_is_no_memory_for():
    made, radio, _ = opened()
    air.frames = [[GATEWAY, b"lost"], [GATEWAY, b"\x02\x01"]]
    receive = radio.recv

    def full(timeout):
        radio.recv = receive
        receive(timeout)
        raise MemoryError

    radio.recv = full
    equal(virtual.run(made.receive()), (b"\x02\x01", GATEWAY))
    equal(made.dropped, 1)


def test_asleep_and_awake():
    made, radio, station = opened(channel=6, **KEYS)
    made.pause()
    equal((radio.active(), station.active()), (False, False))
    made.resume()
    equal((made.send(b"x", GATEWAY), station.config("channel")), (True, 6))


def test_from_the_configuration():
    given = {
        "role": "application client",
        "ue_service_id": "ue:a@x",
        "peer": "l3+espnow://a0b1c2d3e4f5",
        "espnow": {"channel": 6, "pmk": "70" * 16, "lmk": "6c" * 16},
    }
    opened()
    made = link(Config(given))
    virtual.run(made.open())
    equal(espnow.ESPNow().peers, {GATEWAY: (KEYS["lmk"], 0, True)})
    given["peer"] = "l3+espnow://gateway"
    error = raises(ConfigError, link, Config(given))
    equal(error.key, "peer")
    assert "l3+espnow://a0b1c2d3e4f5" in str(error), error
