# SPDX-License-Identifier: MIT
"""Wi-Fi of the Raspberry Pi Pico W and Pico 2 W: a `station` by the driver of their radio's chip, the CYW43439.

What is known of that driver is from MicroPython's extmod/network_cyw43.c and from cyw43-driver's cyw43_ctrl.c and
cyw43_lwip.c, which status() and isconnected() come from.
"""

import machine

from coap.compat import const

from ..health import feed
from . import station
from .station import REFUSED, StationLink, numeric

# of WLAN.status() (cyw43.h)
_DOWN = const(0)  # left, by us or by the access point
_NO_ADDRESS = const(2)  # CYW43_LINK_NOIP, then UP
_NO_NETWORK = const(-2)
_BAD_AUTHENTICATION = const(-3)

# no power save (MicroPython's page of the Pico W): a frame would wait for up to 200 ms
_AWAKE = const(0xA11140)
# A name server that is not there costs lwIP 7 s; there may be two of them, and two kinds of address.
_FEED = const(1000)  # ms between feeds while a name is looked up
_FEEDS = const(30)


def link(config):
    """Return the CYW43Link that `config` asks for. Raise ConfigError where it does not name an access point."""
    return station.link(config, CYW43Link, 0)


class CYW43Link(StationLink):
    """A StationLink by the driver of the CYW43439."""

    async def _start(self):
        wlan = self._station
        # Nothing is left before. That is told later (EV_DISASSOC), and where it comes in the middle of an attempt the
        # driver takes it for the end of this one. The next attempt takes the place of the last, as in the pico-sdk's
        # cyw43_arch_wifi_connect_until.
        try:
            # The chip is started here, where it is off. That it does not start is told by connect() only, and each of
            # these tries it, which blocks.
            feed()
            wlan.active(True)
            feed()
            wlan.config(pm=_AWAKE)
            feed()
            wlan.connect(self._ssid, self._password)
        except REFUSED as error:
            return self._refused(error)
        return None

    def _associated(self):
        # What there is: status("rssi") of a network that is gone is no error here, but any number. A network that is
        # gone without a word is noticed by the silence of the peer.
        return self._station.status() >= _NO_ADDRESS

    def _failed(self):
        status = self._station.status()
        if status > _DOWN:
            return None
        if status == _NO_NETWORK:
            return self._not_there()
        if status == _BAD_AUTHENTICATION:
            return self._wrong_password()
        return '"%s" does not let it in (status %d); trying again. Is wifi.password right?' % (
            self._ssid,
            status,
        )

    def _unanswered(self):
        # The driver tries again by itself where keys do not come, which is one way to refuse a password.
        return super()._unanswered() + ". Is wifi.password right?"

    def _lost(self):
        return '"%s" is lost; joining again' % self._ssid

    def _leave(self):
        # The chip would be started for it. active() does not tell: it is what an application asked for last.
        if self._station.status() != _DOWN:
            super()._leave()

    def _switch(self, on):
        super()._switch(on)
        if not on:
            self._station.deinit()  # active(False) alone does nothing to a station (cyw43_wifi_set_up)

    def _look_up(self):
        """Look up the address of the peer; return its family. The watchdog, whose longest time may be shorter than
        that, is fed meanwhile, for 30 s at most.
        """
        if numeric(self._host):
            return super()._look_up()
        feeds = _FEEDS

        def still(_):
            nonlocal feeds
            if feeds:
                feeds -= 1
                feed()

        timer = machine.Timer(-1, period=_FEED, mode=machine.Timer.PERIODIC, callback=still)
        try:
            return super()._look_up()
        finally:
            timer.deinit()
