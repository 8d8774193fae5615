# SPDX-License-Identifier: MIT
"""What the port's own C for Wi-Fi makes of a driver: each expected value is read in ports/esp32/network_wlan.c (and
network_common.c, modmachine.c) of MicroPython 1.25.0, so that the imitation below shows what that C does.
"""

import machine
import network

import idf
from common import Random, equal, raises

IDLE, CONNECTING, GOT_IP = 1000, 1001, 1010  # modnetwork.h


def on():
    """A station that was switched on, and does not try again by itself."""
    idf.power_cycle()
    station = network.WLAN(network.STA_IF)
    station.active(True)
    station.config(reconnects=0)
    return station


def pass_ms(ms):
    while ms > 0:
        ms -= idf.advance(ms)


def joined():
    station = on()
    idf.ap_up("home", "secret", 6)
    station.connect("home", "secret")
    pass_ms(1000)
    equal((station.status(), station.isconnected(), idf.state()), (GOT_IP, True, "up"))
    return station


def test_a_station_that_is_off():
    idf.power_cycle()
    station = network.WLAN(network.STA_IF)
    equal((station.active(), station.status()), (False, IDLE))
    # esp_exceptions_helper(), ESP_ERR_WIFI_NOT_STARTED
    equal(str(raises(OSError, station.disconnect)), "Wifi Not Started")
    # ESP_ERR_WIFI_CONN: "The station interface don't initialized"
    equal(str(raises(OSError, station.status, "rssi")), "Wifi Internal Error")
    equal(str(raises(OSError, station.connect, "home", "secret")), "Wifi Not Started")


def test_joining_takes_its_time():
    station = on()
    idf.set(scan=1000, join=100, dhcp_ms=10)
    idf.ap_up("home", "secret", 11, -70)
    station.connect("home", "secret")
    seen = []
    for _ in range(1200):
        state = idf.state()
        if not seen or seen[-1][0] != state:
            seen.append((state, idf.now() - seen[0][1] if seen else idf.now(), station.status()))
        pass_ms(1)
    expected = [("joining", 1000, CONNECTING), ("associated", 1100, CONNECTING), ("up", 1110, GOT_IP)]
    equal(seen[1:], expected)
    equal(station.ifconfig(), ("192.0.2.7", "255.255.255.0", "192.0.2.1", "192.0.2.1"))
    equal((station.config("channel"), station.status("rssi"), station.config("ssid")), (11, -70, "home"))


def test_a_stale_reason_stays_until_there_is_an_address():
    """network_wlan_status(), lines 366 to 380, looks at the last reason before it looks whether it is connecting; only
    network_wlan_ip_event_handler(), line 180, clears it.
    """
    for reason, shown in ((201, 201), (202, 202), (205, 202), (210, 210), (211, 211), (212, 212), (8, IDLE)):
        station = on()
        idf.outcomes(reason)
        station.connect("home", "secret")
        equal(station.status(), CONNECTING)
        pass_ms(1000)
        equal((station.status(), idf.state()), (shown, "idle"))
        idf.ap_up("home", "secret")
        station.connect("home", "secret")
        equal((station.status(), idf.state()), (shown, "scanning"))
        pass_ms(500)
        equal((station.status(), idf.state()), (shown, "associated"))
        pass_ms(500)
        equal((station.status(), idf.state()), (GOT_IP, "up"))


def test_other_reasons_show_only_between_attempts():
    """The same, lines 381 to 390: with a request of which no attempt has failed it is "connecting"."""
    for reason in (2, 15, 200, 203, 204, 1, 255):
        station = on()
        idf.ap_up("home", "secret")
        idf.outcomes(reason)
        station.connect("home", "secret")
        pass_ms(1000)
        equal((station.status(), idf.state()), (reason, "idle"))
        station.connect("home", "secret")
        equal(station.status(), CONNECTING)
        station.disconnect()
        equal(station.status(), IDLE)  # ASSOC_LEAVE


def test_disconnect_tells_nothing_where_the_driver_does_not():
    station = on()
    idf.set(leave_event=0)
    station.connect("home", "secret")
    pass_ms(1000)
    station.connect("home", "secret")
    station.disconnect()
    equal((station.status(), idf.state()), (201, "idle"))


def test_connecting_while_it_connects():
    """esp_wifi_connect(): "sta is connecting, return error", ESP_ERR_WIFI_CONN; the words: network_common.c."""
    station = on()
    idf.ap_up("home", "secret")
    station.connect("home", "secret")
    equal(str(raises(OSError, station.connect, "home", "secret")), "Wifi Internal Error")
    pass_ms(1000)
    equal(station.status(), GOT_IP)
    station.connect("home", "secret")  # connected: ignored
    idf.set(connect_up=1)
    equal(str(raises(OSError, station.connect, "home", "secret")), "Wifi Internal Error")
    station.disconnect()
    station.connect("home", "secret")
    idf.set(config_busy=1)
    equal(str(raises(OSError, station.connect, "home", "secret")), "Wifi Internal State Error")


def test_a_driver_that_refuses():
    station = on()
    idf.ap_up("home", "secret")
    idf.set(refusals=2)
    for _ in range(2):
        equal(str(raises(OSError, station.connect, "home", "secret")), "Wifi Internal Error")
    station.connect("home", "secret")
    station.disconnect()
    idf.set(leaving=50)
    raises(OSError, station.connect, "home", "secret")
    pass_ms(50)
    station.connect("home", "secret")
    station.disconnect()
    idf.set(leaving=0, stuck=1)
    pass_ms(3600000)
    raises(OSError, station.connect, "home", "secret")
    station.active(False)
    station.active(True)
    station.connect("home", "secret")


def test_it_tries_again_by_itself():
    """network_wlan_wifi_event_handler(), lines 138 to 156: at once, for ever with reconnects=-1, else so often."""
    for reconnects, tried in ((-1, 20), (0, 1), (3, 4)):
        station = on()
        station.config(reconnects=reconnects)
        before = idf.calls()["esp_wifi_connect"] if "esp_wifi_connect" in idf.calls() else 0
        station.connect("home", "secret")
        pass_ms(300 * 20 - 1)
        equal(idf.calls()["esp_wifi_connect"] - before, tried)


def test_an_access_point_that_vanishes():
    station = joined()
    idf.ap_down("home")
    pass_ms(5999)
    equal(station.isconnected(), True)
    pass_ms(1)
    equal((station.isconnected(), station.status(), station.ifconfig()[0]), (False, 200, "0.0.0.0"))
    station = joined()
    idf.ap_down("home")
    pass_ms(5000)
    idf.ap_up("home", "secret", 6)
    pass_ms(60000)
    equal(station.status(), GOT_IP)


def test_thrown_out():
    for reason in (2, 8, 15, 200, 204, 212):
        station = joined()
        equal(idf.disconnect(reason), True)
        equal((station.isconnected(), idf.state()), (False, "idle"))
        equal(station.status(), IDLE if reason == 8 else reason)
        equal(idf.disconnect(reason), False)


def test_an_event_on_its_way():
    station = joined()
    idf.set(event_lag=25)
    idf.disconnect(2)
    equal((station.isconnected(), idf.state()), (True, "idle"))
    pass_ms(25)
    equal(station.isconnected(), False)


def test_an_access_point_that_changes_its_channel():
    station = joined()
    idf.ap_up("home", "secret", 11)
    pass_ms(60000)
    equal((station.status(), station.config("channel")), (GOT_IP, 11))
    idf.set(csa=0)
    idf.ap_up("home", "secret", 3)
    pass_ms(6000)
    equal((station.status(), station.config("channel")), (200, 11))


def test_no_address():
    station = on()
    idf.ap_up("home", "secret")
    idf.set(dhcp=0)
    station.connect("home", "secret")
    pass_ms(10000)
    equal((station.status(), station.isconnected(), idf.state()), (CONNECTING, False, "associated"))
    idf.set(dhcp=1)  # asked 200 ms after it was associated, at 0.7 s, then after 0.5, 1, 2, 4, 4 s
    pass_ms(2199)
    equal(station.isconnected(), False)
    pass_ms(1)
    equal(station.isconnected(), True)


def test_a_password_for_an_open_network_and_none_for_another():
    """The table "Wi-Fi Reason Code", 210: "in secure mode [...]; however, an Open AP is found", and the reverse."""
    for wanted, given in (("", "secret"), ("secret", "")):
        station = on()
        idf.ap_up("home", wanted)
        station.connect("home", given)
        pass_ms(1000)
        equal((station.status(), idf.state()), (210, "idle"))


def test_what_an_interface_that_is_off_takes():
    """esp_wifi_set_config(): "only when specified interface is enabled"; network_wlan_config() calls it at its end."""
    on()
    point = network.WLAN(network.AP_IF)
    equal(str(raises(OSError, point.config, ssid="mine")), "Wifi Invalid Mode")
    point.active(True)
    point.config(ssid="mine")
    equal(point.config("ssid"), "mine")


def test_a_scan():
    """esp_wifi_scan_get_ap_records(): "sorted in descending order based on RSSI"."""
    station = on()
    for name, rssi in (("far", -90), ("near", -30), ("there", -60)):
        idf.ap_up(name, "secret", 6, rssi)
    found = [(each[0], each[3]) for each in station.scan()]
    equal(found, [(b"near", -30), (b"there", -60), (b"far", -90)])


def test_power():
    """esp_wifi_set_max_tx_power(): "range is [8, 84]" of 0.25 dBm, else ESP_ERR_INVALID_ARG."""
    station = on()
    station.config(txpower=2)
    equal(station.config("txpower"), 2)
    for power in (1.75, 21.25):
        said = str(raises(RuntimeError, station.config, txpower=power))
        equal(said, "Wifi Unknown Error 0x0102")


def test_the_client_of_dhcp():
    """esp_netif_lwip.c: it runs while there is a network, and an address that was set stops it. The errors:
    esp_netif_types.h.
    """
    station = on()
    station.ifconfig("dhcp")
    equal(station.ipconfig("dhcp4"), False)
    station = joined()
    equal(station.ipconfig("dhcp4"), True)
    said = str(raises(RuntimeError, station.ifconfig, "dhcp"))
    equal(said, "Wifi Unknown Error 0x5004")  # ESP_ERR_ESP_NETIF_DHCP_ALREADY_STARTED
    own = ("192.0.2.50", "255.255.255.0", "192.0.2.1", "192.0.2.1")
    for _ in range(2):  # ESP_ERR_ESP_NETIF_DHCP_ALREADY_STOPPED is none, esp_ifconfig(), line 131
        station.ifconfig(own)
    equal((station.ifconfig(), station.ipconfig("dhcp4")), (own, False))
    idf.disconnect(2)
    equal(station.ifconfig(), own)
    station.connect("home", "secret")
    pass_ms(500)
    equal((station.isconnected(), station.ifconfig()), (True, own))


def test_another_address():
    """Nothing in network_wlan.c looks at ip_changed."""
    station = joined()
    idf.lease("192.0.2.9")
    equal((station.isconnected(), station.ifconfig()[0]), (True, "192.0.2.9"))
    idf.disconnect(2)
    idf.lease("192.0.2.11")
    station.connect("home", "secret")
    pass_ms(1000)
    equal((station.isconnected(), station.ifconfig()[0]), (True, "192.0.2.11"))


def test_a_lease_that_ends_goes_unnoticed():
    """network_wlan_ip_event_handler() knows IP_EVENT_STA_GOT_IP only: isconnected() stays true without an address."""
    station = joined()
    idf.set(dhcp=0)
    idf.lease(None)
    pass_ms(200000)  # IP_EVENT_STA_LOST_IP comes after 120 s
    equal((station.isconnected(), station.status(), station.ifconfig()[0]), (True, GOT_IP, "0.0.0.0"))


def test_light_sleep_with_the_radio_on():
    for told, connected in ((0, False), (-1, True)):
        station = joined()
        idf.set(sleep_told=told)
        before = idf.now()
        machine.lightsleep(5000)
        equal((idf.now() - before, idf.state(), station.isconnected()), (5000, "idle", connected))
    station = joined()
    idf.set(sleep_told=300, sleep_stuck=1)
    machine.lightsleep(5000)
    equal(station.isconnected(), True)
    pass_ms(300)
    equal((station.isconnected(), station.status()), (False, 200))
    raises(OSError, station.connect, "home", "secret")


def test_what_ended_the_last_run():
    """mp_machine_reset_cause(), lines 190 to 212: by esp_reset_reason_t, from EXT (2) to SDIO (10)."""
    causes = []
    for reason in range(1, 11):
        idf.set(reset_reason=reason)
        causes.append(machine.reset_cause())
    power_on, hard, watchdog, asleep = 1, 2, 3, 4
    equal(causes, [power_on, hard, hard, hard, watchdog, watchdog, watchdog, asleep, power_on, 0])
    idf.power_cycle()


def test_a_watchdog_is_refused_no_time():
    # machine_wdt.c, line 47
    equal(str(raises(ValueError, machine.WDT, timeout=0)), "WDT timeout too short")


def test_the_same_seed_the_same_story():
    """Whatever the driver does, the imitation does the same again: a story that failed can be told again."""

    def story(seed):
        random = Random(seed)
        station = on()
        seen = []
        for _ in range(200):
            what = random.below(5)
            if what == 0:
                idf.ap_up("home", random.choice(("secret", "other")), 1 + random.below(13))
            elif what == 1:
                idf.ap_down("home")
            elif what == 2:
                idf.disconnect(random.choice((2, 8, 15, 200, 204)))
            elif what == 3:
                idf.set(event_lag=random.below(50), dhcp=random.below(2), leave_event=random.below(2))
            else:
                try:
                    station.connect("home", "secret")
                except OSError as error:
                    seen.append(str(error))
            pass_ms(random.below(3000))
            seen.append((idf.state(), station.status(), station.isconnected()))
            assert station.isconnected() or idf.state() != "up" or idf.get("event_lag"), seen
        return seen

    equal(story(1), story(1))
    assert story(1) != story(2)
    states = {line[0] for seed in range(20) for line in story(seed) if isinstance(line, tuple)}
    equal(states, {"idle", "scanning", "joining", "associated", "up"})


def test_what_is_wrong_is_said():
    idf.power_cycle()
    equal(str(raises(ValueError, idf.set, nonsense=1)), "no such knob: nonsense")
    equal(str(raises(ValueError, idf.ap_up, "x" * 33)), "more than 32 octets")
    equal(str(raises(ValueError, idf.ap_up, "home", "", 15)), "a channel is 1 to 14")
    equal(str(raises(ValueError, idf.disconnect, 0)), "a reason is 1 to 255")
    equal(str(raises(ValueError, idf.lease, "192.0.2")), "an IPv4 address, or None")
    equal(str(raises(ValueError, idf.advance, -1)), "time does not go back")
    raises(OSError, idf.mapped, "no such file")
    for number in range(8):
        idf.ap_up("home %d" % number)
    raises(ValueError, idf.ap_up, "home 8")
    idf.power_cycle()
