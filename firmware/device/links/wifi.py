# SPDX-License-Identifier: MIT
"""Wi-Fi of the ESP32: a `station` by the driver of its port.

WLAN.status() shows some reasons until there is an address, through all attempts that come after
(ports/esp32/network_wlan.c, network_wlan_status; micropython#17339). So it says what is wrong and ends no attempt: what
does is an address, or its time.
"""

import asyncio

import network

from coap.compat import const

from . import station
from .station import PATIENCE, REFUSED, StationLink

_MOMENT = const(1000)  # ms from leaving to joining
_DOUBT = const(15000)  # ms for joining where status() cannot say whether it still does
_LOOK_UP = const(22)  # s: lwIP waits 7 s for each of up to three name servers, in ticks of a second

# Reasons of IEEE 802.11 (below 200) and of Espressif's driver, as WLAN.status() gives them; they have eight bits there.
_REASONS = const(256)
# A wrong password shows as the first of these on most access points, on few as the last (micropython#11625). The port
# gives 202 for 205, CONNECTION_FAIL, too.
_PASSWORD = (15, 202, 204)  # 4WAY_HANDSHAKE_TIMEOUT, AUTH_FAIL, HANDSHAKE_TIMEOUT
_NOT_THERE = (200, 201, 212)  # BEACON_TIMEOUT, NO_AP_FOUND, NO_AP_FOUND_IN_RSSI_THRESHOLD
_SECURITY = (210, 211)  # NO_AP_FOUND_W_COMPATIBLE_SECURITY, NO_AP_FOUND_IN_AUTHMODE_THRESHOLD


def link(config):
    """Return the WiFiLink that `config` asks for. Raise ConfigError where it does not name an access point."""
    return station.link(config, WiFiLink, _LOOK_UP)


class WiFiLink(StationLink):
    """A StationLink by the driver of the ESP32."""

    _ended = True  # whether the driver is known to be about nothing

    async def _start(self):
        wlan = self._station
        if not self._ended or self._associated():
            # It refuses to connect while it is about something else, and may for a moment after.
            self._leave()
            await asyncio.sleep_ms(_MOMENT)
        self._ended = False
        trouble = None
        try:
            wlan.active(True)
            # No repeats by the driver itself: it would say "connecting" all the while (micropython#12315).
            wlan.config(reconnects=0)
            wlan.connect(self._ssid, self._password)
        except REFUSED as error:
            self._ended = True
            trouble = self._refused(error)
        self._before = wlan.status()
        return trouble

    def _leave(self):
        self._ended = True
        super()._leave()

    def _associated(self):
        try:
            self._station.status("rssi")
        except REFUSED:
            return False
        return True

    def _failed(self):
        status = self._station.status()
        if status < _REASONS and status != self._before and not self._associated():
            self._ended = True
            return self._reason(status)
        return None

    def _patience(self, pause):
        if self._station.status() == network.STAT_CONNECTING:
            return PATIENCE
        # the reason of an attempt before, and this one may have ended for the same
        return max(pause, _DOUBT)

    def _unanswered(self):
        return self._reason(self._station.status())

    def _hangs(self, trouble):
        return trouble is None and self._station.status() >= _REASONS

    def _lost(self):
        self._ended = True
        status = self._station.status()
        if status in _NOT_THERE:
            return self._not_there()
        return '"%s" is lost (status %d); joining again' % (self._ssid, status)

    def _reason(self, status):
        if status >= _REASONS:
            return super()._unanswered()
        if status in _PASSWORD:
            return self._wrong_password()
        if status in _NOT_THERE:
            return self._not_there()
        if status in _SECURITY:
            return (
                '"%s" wants another security than this: is wifi.password missing, or is none wanted?'
                % self._ssid
            )
        return '"%s" does not let it in (reason %s); trying again' % (self._ssid, status)
