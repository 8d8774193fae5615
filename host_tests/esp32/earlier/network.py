# SPDX-License-Identifier: MIT
"""Stands in for the module `network` of MicroPython's esp32 port, where its radio and its driver would be.

It does what the documentation of network.WLAN says and what ports/esp32/network_wlan.c does where that is silent:
status() says "connecting" for as long as the driver tries again by itself, and the reason only when it has given up;
connect() is refused while it is still about something. Nothing here shows that a radio works.
"""

from air import air

STA_IF = 0
AP_IF = 1
STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_ASSOC_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010

_NO_COMPATIBLE_SECURITY = 210


class WLAN:
    """The station; the same object each time."""

    IF_STA = 0
    IF_AP = 1
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2
    _station = None

    def __new__(cls, interface=STA_IF):
        if interface != STA_IF:
            raise ValueError("invalid WLAN interface identifier")
        if WLAN._station is None:
            WLAN._station = object.__new__(cls)
            WLAN._station.begin()
        return WLAN._station

    def __init__(self, interface=STA_IF):
        pass

    def begin(self):
        self.joins = 0  # calls of connect() that were taken
        self.broken = False  # by a sleep with the radio on
        self.settings = {"reconnects": -1, "channel": 1, "pm": WLAN.PM_PERFORMANCE}
        self._active = False
        self._stop()
        self._reason = 0

    def _stop(self):
        self._state = "idle"
        self._requested = False
        self._tries = 0
        self._gone = None

    def active(self, on=None):
        if on is not None:
            if not on:
                self._stop()
                self.broken = False
            self._active = bool(on)
        return self._active

    def connect(self, ssid=None, key=None, *, bssid=None):
        self._step()
        if not self._active:
            raise OSError("Wifi Not Started")
        if self._state != "idle" or self.broken:
            raise OSError("Wifi Internal Error")
        if air.refusals:
            air.refusals -= 1
            raise OSError("Wifi Internal Error")
        if not isinstance(ssid, str) or not isinstance(key, str):
            raise TypeError("ssid and key are strings")
        self.joins += 1
        self._ssid, self._key = ssid, key
        self._requested = True
        self._tries = 0
        self._go("scanning")

    def disconnect(self):
        if not self._active:
            raise OSError("Wifi Not Started")
        self._stop()

    def isconnected(self):
        self._step()
        return self._state == "up"

    def status(self, parameter=None):
        self._step()
        if parameter == "rssi":
            if self._state not in ("joined", "up"):
                raise OSError("Wifi Not Connected")
            return -60
        if parameter is not None:
            raise ValueError("unknown status param")
        if self._state == "up":
            return STAT_GOT_IP
        if self._requested and (self._limit() == 0 or self._tries < self._limit()):
            return STAT_CONNECTING
        return self._reason or STAT_IDLE

    def config(self, name=None, **settings):
        if name is not None:
            if name not in self.settings:
                raise ValueError("unknown config param")
            return self.settings[name]
        for key, value in settings.items():
            if key not in self.settings:
                raise ValueError("unknown config param")
            if key == "channel" and not 1 <= value <= 14:
                raise OSError("Wifi Unknown Error 0x0102")  # ESP_ERR_INVALID_ARG
            self.settings[key] = value

    def ifconfig(self):
        up = self.isconnected()
        return ("192.0.2.7", "255.255.255.0", "192.0.2.1", "192.0.2.1") if up else ("0.0.0.0",) * 4

    def _limit(self):
        return self.settings["reconnects"] + 1  # 0 for -1, which is for ever

    def _go(self, state):
        self._state = state
        self._since = air.now()

    def _fail(self, reason):
        self._reason = reason
        self._gone = None
        self._state = "idle"
        if self._requested:
            self._tries += 1
            if self._limit() == 0 or self._tries < self._limit():
                self._go("scanning")

    def _step(self):
        """What the driver's own task did since the last look."""
        air.look()
        if self._state == "scanning" and air.since(self._since) >= air.scan_ms:
            if self._ssid not in air.networks:
                self._fail(STAT_NO_AP_FOUND)
            elif air.networks[self._ssid] and not self._key:
                self._fail(_NO_COMPATIBLE_SECURITY)
            else:
                self._go("joining")
        if self._state == "joining" and air.since(self._since) >= air.join_ms:
            if air.networks.get(self._ssid) not in ("", self._key):
                self._fail(air.wrong_password if self._ssid in air.networks else STAT_NO_AP_FOUND)
            else:
                self._go("joined")
        if self._state in ("joined", "up"):
            if self._ssid in air.networks:
                self._gone = None
            elif self._gone is None:
                self._gone = air.now()
            elif air.since(self._gone) >= air.beacons_ms:
                self._fail(STAT_BEACON_TIMEOUT)
        if self._state == "joined" and air.dhcp and air.since(self._since) >= air.dhcp_ms:
            self._state = "up"
            self._reason = 0
