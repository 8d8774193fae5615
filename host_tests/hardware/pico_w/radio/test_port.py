# SPDX-License-Identifier: MIT
"""What the port's C makes of the driver: the values and traps that the link is written for. The numbers are those of
cyw43.h, what is expected comes from network_cyw43.c and from the driver's cyw43_ctrl.c and cyw43_lwip.c.
"""

import cyw43

import idf
from common import equal, raises

DOWN, JOIN, NOIP, UP, FAIL, NONET, BADAUTH = 0, 1, 2, 3, -1, -2, -3
EPERM = 1


def on(**knobs):
    cyw43.power_cycle()
    cyw43.set(**knobs)
    wlan = cyw43.WLAN(0)
    wlan.active(True)
    return wlan


def after(ms):
    end = idf.now() + ms
    while idf.now() < end:
        idf.advance(end - idf.now())


def seen(wlan, ms=5000):
    """The values of status(), one after the other."""
    found = []
    for _ in range(ms // 10):
        if wlan.status() not in found[-1:]:
            found.append(wlan.status())
        after(10)
    return found


def test_joining():
    wlan = on()
    equal((wlan.status(), wlan.isconnected(), wlan.active()), (DOWN, False, True))
    cyw43.ap_up("home", "secret")
    wlan.connect("home", "secret")
    equal(seen(wlan), [JOIN, NOIP, UP])
    equal((wlan.isconnected(), wlan.ifconfig()[:2]), (True, ("192.168.4.2", "255.255.255.0")))
    equal(wlan.status("rssi"), -60)


def test_no_such_network():
    wlan = on()
    wlan.connect("home", "secret")
    equal(seen(wlan), [JOIN, NONET])
    cyw43.ap_up("home", "secret")
    equal(seen(wlan), [NONET])  # nothing is tried again by itself


def test_a_wrong_password_shows_in_many_ways():
    for how, expected in enumerate(([JOIN, BADAUTH], [JOIN, BADAUTH], [JOIN, DOWN], [JOIN, FAIL], [JOIN])):
        wlan = on(wrong_password=how)
        cyw43.ap_up("home", "another")
        wlan.connect("home", "secret")
        equal((how, seen(wlan)), (how, expected))


def test_a_network_that_is_gone():
    wlan = on(rejoins=0)
    cyw43.ap_up("home", "secret")
    wlan.connect("home", "secret")
    after(5000)
    cyw43.ap_down("home")
    equal(seen(wlan, 10000), [UP, JOIN])  # "joining", for ever
    equal(wlan.ifconfig()[0], "192.168.4.2")  # of the last time


def test_a_network_that_is_gone_without_a_word():
    wlan = on(told=0)
    cyw43.ap_up("home", "secret")
    wlan.connect("home", "secret")
    after(5000)
    cyw43.ap_down("home")
    equal(seen(wlan, 60000), [UP])
    equal(wlan.status("rssi"), 0)


def test_disconnect_is_told_later_and_spoils_the_next_attempt():
    wlan = on(leave=300)
    cyw43.ap_up("home", "secret")
    wlan.connect("home", "secret")
    after(5000)
    wlan.disconnect()
    equal(wlan.status(), UP)
    wlan.connect("home", "secret")
    equal(seen(wlan, 20000), [UP, DOWN])
    equal(cyw43.state(), "associated")  # and the driver takes no note of it
    wlan.connect("home", "secret")
    equal(seen(wlan), [JOIN, UP])


def test_inactive_is_not_off():
    wlan = on()
    cyw43.ap_up("home", "secret")
    wlan.connect("home", "secret")
    after(5000)
    wlan.active(False)
    equal((wlan.active(), wlan.isconnected(), wlan.status()), (False, True, UP))
    wlan.deinit()
    equal((wlan.isconnected(), wlan.status(), wlan.ifconfig()[0]), (False, DOWN, "0.0.0.0"))
    equal(raises(OSError, wlan.connect, "home", "secret").errno, EPERM)


def test_disconnect_starts_a_chip_that_is_off():
    cyw43.power_cycle()
    before = idf.now()
    cyw43.WLAN(0).disconnect()
    equal(idf.now() - before >= cyw43.get("start"), True)


def test_a_chip_that_does_not_start_is_told_by_connect_alone():
    cyw43.power_cycle()
    cyw43.set(broken=1)
    wlan = cyw43.WLAN(0)
    wlan.active(True)
    equal(wlan.active(), True)
    equal(raises(OSError, wlan.connect, "home", "secret").errno, EPERM)


def test_an_address_outlives_its_network():
    wlan = on()
    cyw43.ap_up("home", "secret")
    wlan.connect("home", "secret")
    after(5000)
    cyw43.ap_up("home", "secret", "10.0.0.7")
    cyw43.disconnect(8)
    after(1000)
    equal(wlan.isconnected(), False)
    wlan.connect("home", "secret")
    while not wlan.isconnected():
        after(10)
    equal(wlan.ifconfig()[0], "192.168.4.2")
    after(5000)
    equal((wlan.isconnected(), wlan.ifconfig()[0]), (True, "10.0.0.7"))


def test_power_save_is_as_the_driver_has_it_after_each_start():
    wlan = on()
    equal(wlan.config("pm"), 0xA11142)
    wlan.config(pm=0xA11140)
    wlan.deinit()
    wlan.active(True)
    equal(wlan.config("pm"), 0xA11142)


def test_a_scan():
    wlan = on()
    cyw43.ap_up("home", "secret")
    before = idf.now()
    equal([entry[0] for entry in wlan.scan()], [b"home"])
    equal(idf.now() - before >= cyw43.get("scan"), True)
