# SPDX-License-Identifier: MIT
"""What the port's own C for ESP-NOW makes of a driver: each expected value is read in ports/esp32/modespnow.c of
MicroPython 1.25.0, so that the imitation below shows what that C does.
"""

import espnow
import network

import idf
from common import equal, raises

PEER = b"\xa0\xb1\xc2\xd3\xe4\xf5"
OTHER = b"\xa0\xb1\xc2\xd3\xe4\xf6"
KEY = b"k" * 16


def on():
    """(station, radio with PEER), fresh."""
    idf.power_cycle()
    station = network.WLAN(network.STA_IF)
    station.active(True)
    radio = espnow.ESPNow()
    radio.active(True)
    radio.add_peer(PEER)
    return station, radio


def name(function, *arguments, **named):
    """args[1] of the OSError that it ends with: check_esp_err_() of mphalport.c."""
    return raises(OSError, function, *arguments, **named).args[1]


def test_errors_by_their_names():
    idf.power_cycle()
    radio = espnow.ESPNow()
    equal(name(radio.send, PEER, b"x", False), "ESP_ERR_ESPNOW_NOT_INIT")
    equal(name(radio.recv, 0), "ESP_ERR_ESPNOW_NOT_INIT")
    radio.active(True)
    radio.add_peer(PEER)
    equal(name(radio.add_peer, PEER), "ESP_ERR_ESPNOW_EXIST")
    equal(name(radio.send, PEER, b"x", False), "ESP_ERR_ESPNOW_IF")  # the station is off
    station, radio = on()
    equal(name(radio.send, OTHER, b"x", False), "ESP_ERR_ESPNOW_NOT_FOUND")
    equal(name(radio.send, PEER, b"", False), "ESP_ERR_ESPNOW_ARG")
    radio.add_peer(OTHER, channel=6)
    equal(name(radio.send, OTHER, b"x", False), "ESP_ERR_ESPNOW_CHAN")
    station.config(channel=6)
    equal(radio.send(OTHER, b"x", False), True)


def test_lengths():
    _, radio = on()
    equal(radio.send(PEER, bytes(250), False), True)
    equal(radio.send(PEER, bytes(251), False), True)  # version 2, from ESP-IDF 5.4 on
    idf.set(now_limit=250)
    equal(name(radio.send, PEER, bytes(251), False), "ESP_ERR_ESPNOW_ARG")
    equal([(mac, len(octets)) for mac, octets in idf.now_sent()], [(PEER, 250), (PEER, 251)])
    equal(idf.now_sent(), [])


def test_acknowledgements():
    """espnow_send(), lines 511 to 532: with sync it waits for the answer, and says what it was."""
    _, radio = on()
    idf.set(tx=7)
    begun = idf.now()
    equal((radio.send(PEER, b"x"), idf.now() - begun), (True, 7))
    idf.set(ack=0)
    equal((radio.send(PEER, b"x"), radio.stats()), (False, (2, 2, 1, 0, 0)))
    equal(radio.send(PEER, b"x", False), True)
    equal(radio.stats(), (3, 2, 1, 0, 0))
    idf.advance(7)
    equal(radio.stats(), (3, 3, 2, 0, 0))


def test_no_memory():
    """The same, lines 516 to 521: it tries again for 2000 ms, with sync or without, and raises then."""
    _, radio = on()
    idf.set(nomem=3)
    begun = idf.now()
    equal((radio.send(PEER, b"x", False), idf.now() - begun), (True, 3))
    idf.set(nomem_ms=500)
    begun = idf.now()
    equal((radio.send(PEER, b"x", False), idf.now() - begun), (True, 500))
    idf.set(nomem_ms=5000)
    begun = idf.now()
    equal(name(radio.send, PEER, b"x", False), "ESP_ERR_ESPNOW_NO_MEM")
    equal(idf.now() - begun, 2000)


def test_another_channel_than_the_peer():
    station, radio = on()
    idf.set(peer_channel=6)
    equal(radio.send(PEER, b"lost"), False)
    station.config(channel=6)
    equal(radio.send(PEER, b"heard"), True)
    equal(idf.now_sent(), [(PEER, b"heard")])
    equal(idf.now_frame(PEER, b"x", channel=1), False)
    equal(idf.now_frame(PEER, b"x", channel=6), True)


def test_beside_wifi_the_channel_is_that_of_the_access_point():
    station, radio = on()
    station.config(reconnects=0)
    idf.set(peer_channel=1)
    equal(radio.send(PEER, b"1"), True)
    idf.ap_up("home", "", 11)
    station.connect("home", "")
    idf.advance(300)
    # network_wlan_config(), channel: esp_exceptions() of an error without words
    equal(str(raises(RuntimeError, station.config, channel=1))[:18], "Wifi Unknown Error")
    equal((radio.send(PEER, b"2"), station.config("channel")), (False, 11))
    while idf.state() != "up":
        idf.advance(1000)
    idf.set(peer_channel=11)
    equal(radio.send(PEER, b"3"), True)
    idf.ap_up("home", "", 3)  # announced, and followed
    equal((radio.send(PEER, b"4"), station.config("channel")), (False, 3))
    equal([octets for _, octets in idf.now_sent()], [b"1", b"3"])


def test_the_ring_holds_one_long_frame():
    """recv_cb(), line 559, wants more room than the frame takes: of 526 octets two frames of 263 are one too many."""
    _, radio = on()
    equal(radio.config("rxbuf"), 526)
    for number in range(5):
        equal(idf.now_frame(PEER, bytes([number]) * 250), True)
    equal(radio.stats()[3:], (1, 4))
    equal(radio.recv(0), [PEER, bytes(250)])
    equal((radio.recv(0), radio.any()), ((None, None), False))
    begun = idf.now()
    equal((radio.recv(100), idf.now() - begun), ((None, None), 100))


def test_a_frame_that_is_too_long():
    """espnow_hdr_t, line 75, has eight bits for a length: of 256 octets it says 0, and what follows is no header."""
    for length, says in ((251, None), (256, 0), (300, 44)):
        _, radio = on()
        equal(idf.now_frame(PEER, b"z" * length), True)
        if says is None:  # "msg_len > ESP_NOW_MAX_DATA_LEN", line 434
            equal(str(raises(ValueError, radio.recv, 0)), "ESPNow.recv(): buffer error")
        else:
            equal(radio.recv(0), [PEER, b"z" * says] if says else (None, None))
        equal(str(raises(ValueError, radio.recv, 0)), "ESPNow.recv(): buffer error")
        idf.now_frame(PEER, b"good")
        raises(ValueError, radio.recv, 0)
        radio.active(False)
        radio.active(True)  # a new ring
        idf.now_frame(PEER, b"good")
        equal(radio.recv(0), [PEER, b"good"])


def test_switched_off():
    _, radio = on()
    radio.active(False)
    equal(idf.now_frame(PEER, b"x"), False)
    radio.active(True)
    equal(radio.get_peers(), ())  # "all of the information of paired devices are deleted"


def test_keys():
    _, radio = on()
    equal(idf.now_frame(PEER, b"x", lmk=KEY), False)
    radio.del_peer(PEER)
    radio.add_peer(PEER, lmk=KEY, encrypt=True)
    heard = [idf.now_frame(PEER, b"x", lmk=lmk) for lmk in (KEY, b"l" * 16, None)]
    equal(heard, [True, False, False])
    equal(idf.now_frame(OTHER, b"x"), True)
    for number in range(6):
        radio.add_peer(bytes(5) + bytes([number]), lmk=KEY, encrypt=True)
    equal(name(radio.add_peer, OTHER, lmk=KEY, encrypt=True), "ESP_ERR_ESPNOW_FULL")
    for number in range(13):
        radio.add_peer(bytes(5) + bytes([16 + number]))
    equal(name(radio.mod_peer, bytes(5) + bytes([16]), lmk=KEY, encrypt=True), "ESP_ERR_ESPNOW_FULL")
    radio.mod_peer(PEER, lmk=b"l" * 16, encrypt=True)
    equal(name(radio.add_peer, OTHER), "ESP_ERR_ESPNOW_FULL")  # ESP_NOW_MAX_TOTAL_PEER_NUM


def test_what_is_wrong_is_said():
    for mac, octets, lmk in (
        (b"short", b"x", None),
        (PEER, b"", None),
        (PEER, bytes(1471), None),
        (PEER, b"x", b"l"),
    ):
        raises(ValueError, idf.now_frame, mac, octets, lmk=lmk)
