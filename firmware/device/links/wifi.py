# SPDX-License-Identifier: MIT
"""CoAP over UDP over Wi-Fi: a station that joins its access point, again and again for as long as that takes.

Nothing here waits within the event loop. What is wrong is said once, in one line, until it changes.
"""

import asyncio

import network

from coap.compat import const
from msgin5g import ConfigError

from ..log import log
from .udp import UDPLink

_LOOK = const(100)  # ms between looks at the station
_PATIENCE = const(30000)  # ms for joining, the address included
_FIRST_PAUSE = const(1000)  # ms from a failure to the next try, doubled
_LONGEST_PAUSE = const(30000)

# Reasons of IEEE 802.11 (below 200) and of Espressif's driver, as WLAN.status() gives them when it has given up.
# A wrong password shows as the first of these on most access points, on few as the last (micropython#11625).
_PASSWORD = (15, 202, 204)  # 4WAY_HANDSHAKE_TIMEOUT, AUTH_FAIL, HANDSHAKE_TIMEOUT
_NOT_THERE = (201, 212)  # NO_AP_FOUND, NO_AP_FOUND_IN_RSSI_THRESHOLD
_SECURITY = (210, 211)  # NO_AP_FOUND_W_COMPATIBLE_SECURITY, NO_AP_FOUND_IN_AUTHMODE_THRESHOLD


def link(config):
    """The WiFiLink that `config` asks for. Raises ConfigError where it does not name an access point."""
    wifi = config.wifi
    if not wifi["ssid"]:
        raise ConfigError(
            "wifi.ssid", "must be the name of an access point, for this peer is reached over Wi-Fi"
        )
    return WiFiLink(
        wifi["ssid"], wifi["password"], config.peer_host, config.peer_port, config.coap["max_datagram"]
    )


def _address(sockaddr):
    return sockaddr[:2]


class WiFiLink(UDPLink):
    """A UDPLink that is open once the station has an address. A datagram for a network that is away is lost like
    any other, counted in `stats`, and CoAP sends it again.
    """

    def __init__(self, ssid, password, host, port, max_datagram):
        super().__init__(host, port, max_datagram, _address)
        self.on_back = None
        self.stats = {
            "lost": 0,  # datagrams that had nowhere to go
            "outages": 0,  # times that the access point vanished
        }
        self._ssid = ssid
        self._password = password
        self._station = network.WLAN(network.STA_IF)
        self._joined = asyncio.Event()
        self._keeper = None
        self._told = None
        self._known = False  # whether it ever joined
        self._slept = False

    async def open(self):
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())
        await self._joined.wait()
        await super().open()

    @property
    def alive(self):
        return self._keeper is None or not self._keeper.done()

    def send(self, octets, address):
        if self._station.isconnected():
            try:
                return super().send(octets, address)
            except OSError:
                if self._station.isconnected():
                    raise
        self.stats["lost"] += 1
        return True

    def close(self):
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None
        super().close()
        self._leave()
        self._station.active(False)

    def pause(self):
        """Switches the radio off, for a sleep; `resume` has it join again."""
        self._slept = True
        self._leave()
        self._station.active(False)

    def resume(self):
        self._station.active(True)

    async def _keep(self):
        pause = _FIRST_PAUSE
        while True:
            self._slept = False
            trouble = await self._join()
            if trouble is None:
                self._known = True
                pause = _FIRST_PAUSE
                self._tell('joined "%s" as %s' % (self._ssid, self._station.ifconfig()[0]))
                self._joined.set()
                if self.on_back is not None:  # not before the link was open
                    self.on_back()
                while self._station.isconnected():
                    await asyncio.sleep_ms(_LOOK)
                if not self._slept:
                    self.stats["outages"] += 1
                    self._tell(self._reason(_NOT_THERE[0]))
            elif not self._slept:
                self._tell(trouble)
                await asyncio.sleep_ms(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    async def _join(self):
        """Tries once. None when there is an address, else a sentence that says what is wrong."""
        station = self._station
        # The driver refuses to connect while it is still about something else.
        self._leave()
        try:
            station.active(True)
            # No repeats by the driver itself: it would say "connecting" all the while (micropython#12315).
            station.config(reconnects=0)
            station.connect(self._ssid, self._password)
        except (OSError, RuntimeError) as error:
            self._reset()
            return "the radio's driver refuses (%s); trying again" % error
        for _ in range(_PATIENCE // _LOOK):
            if station.isconnected():
                return None
            status = station.status()
            if status != network.STAT_CONNECTING and status != network.STAT_GOT_IP:
                return self._reason(status)
            await asyncio.sleep_ms(_LOOK)
        try:
            station.status("rssi")
        except OSError:  # not associated
            return '"%s" does not answer; trying again' % self._ssid
        return '"%s" gives no address: its DHCP does not answer' % self._ssid

    def _reason(self, status):
        if status in _PASSWORD:
            return '"%s" refuses the password (wifi.password)' % self._ssid
        if status in _NOT_THERE:
            # Once it was there, its name is right.
            text = (
                '"%s" vanished; waiting for it'
                if self._known
                else 'no access point "%s" in range (wifi.ssid)'
            )
            return text % self._ssid
        if status in _SECURITY:
            return (
                '"%s" wants another security than this: is a password missing (wifi.password)?' % self._ssid
            )
        return '"%s" does not let it in (reason %s); trying again' % (self._ssid, status)

    def _leave(self):
        try:
            self._station.disconnect()
        except (OSError, RuntimeError):
            pass  # it was not started

    def _reset(self):
        try:
            self._station.active(False)
        except (OSError, RuntimeError):
            pass

    def _tell(self, text):
        if text != self._told:
            self._told = text
            log("Wi-Fi: %s", text)
