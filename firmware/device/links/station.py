# SPDX-License-Identifier: MIT
"""CoAP over UDP over Wi-Fi: a station that joins its access point, again and again for as long as that takes.

Nothing here waits within the event loop. What is wrong is said once, in one line, until it changes. What a port's own
driver has of its own is in `wifi` (ESP32) and in `cyw43` (Pico W).
"""

import asyncio

import network

import msgin5g
from coap.aio.udp import UDPLink
from coap.aio.waiting import cancel, loop, now
from coap.compat import const, ticks_diff

from ..health import feed, log

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Peer

_LOOK = const(200)  # ms between looks at a station that begins to join
_SOON = const(5000)  # ms for which it is looked at so often
_GLANCE = const(1000)  # ms between looks later on
PATIENCE = const(30000)  # ms for joining, the address included
_FIRST_PAUSE = const(1000)  # ms from one try to the next, doubled
_LONGEST_PAUSE = const(30000)
_CHECK = const(10000)  # ms between looks at what costs more than isconnected()
_SILENCE = const(900000)  # ms without an answer of the peer until the station joins anew
_LATE = const(60000)  # ms after which the keeper, the task that joins, is dead if it has done nothing

# What a port raises for an error of the driver: the second for one that it has no words for
# (ports/esp32/network_common.c, esp_exceptions_helper).
REFUSED = (OSError, RuntimeError)


def link(config, kind, look_up):
    """Return the link of this class that `config` asks for, where looking up a name may take `look_up` seconds in which
    nobody feeds the watchdog. Raise ConfigError where it does not name an access point.
    """
    wifi = config.wifi
    if not wifi["ssid"]:
        raise msgin5g.ConfigError(
            "wifi.ssid", "must be the name of an access point, for this peer is reached over Wi-Fi"
        )
    host = config.peer_host
    if ":" in host:
        raise msgin5g.ConfigError("peer", "must be a name or an IPv4 address: this link has no IPv6")
    if numeric(host) and not _four(host.split(".")):
        raise msgin5g.ConfigError(
            "peer", "must be a name or an IPv4 address, four numbers up to 255: %s is none" % host
        )
    if config.watchdog and config.watchdog < look_up and not numeric(host):
        raise msgin5g.ConfigError(
            "watchdog", "must be %d s or more, or none: looking up %s may take so long" % (look_up, host)
        )
    return kind(wifi["ssid"], wifi["password"], host, config.peer_port, config.coap["max_datagram"])


def numeric(host):
    """Return whether this is an address, which nobody needs to look up."""
    return host.replace(".", "").isdigit()


def _four(parts):
    return len(parts) == 4 and all([part and int(part) < 256 for part in parts])


class StationLink(UDPLink):
    """A UDPLink that is open once the station has an address. A datagram for a network that is away is lost like
    any other, counted in `stats`, and CoAP sends it again.

    A driver's own class has the methods at the end. What they return are words, or None where nothing is wrong.
    """

    def __init__(self, ssid: str, password: str, host: str, port: int, max_datagram: int) -> None:
        super().__init__(max_datagram, host, port)
        self.stats = {
            "lost": 0,  # datagrams that had nowhere to go
            "outages": 0,  # times that the network was gone; more counters from their first event on
        }
        self._ssid = ssid
        self._password = password
        self._station = network.WLAN(network.STA_IF)
        self._joined = asyncio.Event()
        self._keeper: "Any" = None
        self._told = None
        self._had: "Any" = None  # the address of the last time that it was joined
        self._slept = False
        self._was_refused = False  # by the driver, the last time that it was to begin
        self._silence = 0  # ms, of a peer that owes an answer
        self._loop = None  # in which the keeper is

    async def open(self) -> None:
        """Bring the link up; raise OSError when it cannot be had now."""
        if self._keeper is None:
            self._begin()
        await self._joined.wait()
        await super().open()

    def _look_up(self):
        feed()  # it blocks
        return super()._look_up()

    def _begin(self):
        self._loop = loop()
        self._beat = now()
        self._keeper = asyncio.create_task(self._keep())

    def again(self) -> None:
        """Begin the task anew; a station that has joined stays so."""
        cancel(self._keeper, self._loop)
        self._begin()

    @property
    def alive(self) -> bool:
        """Whether the task that keeps it is there."""
        return self._keeper is None or (not self._keeper.done() and ticks_diff(now(), self._beat) < _LATE)

    def send(self, octets: bytes | bytearray, address: "Peer") -> bool:
        """Put a datagram on its way; return False when the link wants it again later."""
        if self._station.isconnected():
            try:
                return super().send(octets, address)
            except OSError:
                if self._station.isconnected():
                    raise
        self.stats["lost"] += 1
        return True

    def close(self) -> None:
        """Close it; it may be opened again."""
        if self._keeper is not None:
            cancel(self._keeper, self._loop)
            self._keeper = None
            self._joined = asyncio.Event()
        super().close()
        self._leave()
        self._switch(False)

    def pause(self) -> None:
        """Switch the radio off, for a sleep; `resume` has it join again."""
        self._slept = True
        self._leave()
        self._switch(False)

    def resume(self) -> None:
        """Switch the radio on again, if the link was not closed."""
        if self._keeper is not None:
            self._switch(True)

    async def _keep(self):
        while True:
            try:
                await self._keep_joined()
            except MemoryError:  # an application may have all of it, for a time
                await asyncio.sleep_ms(_FIRST_PAUSE)

    async def _keep_joined(self):
        pause = _FIRST_PAUSE
        while True:
            self._slept = False
            address = self._own_address()
            if address is None:
                if await self._try(pause):
                    pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            if self._had not in (None, address):
                self._count("addresses")
            self._had = address
            self._tell('joined "%s" as %s' % (self._ssid, address))
            self._joined.set()
            if self.on_back is not None:  # not before the link was open
                self._renew()
                self.on_back()
            await self._watch(address)

    async def _watch(self, address):
        """Return when the station has to join, or has another address."""
        waited = 0
        while not self._slept:
            self._beat = now()
            self._silence = 0 if self._asked is None else self._silence + _GLANCE
            if self._silence >= _SILENCE:
                self._leave_silence()
                await asyncio.sleep_ms(_GLANCE)  # for the driver to take note
                break
            waited += _GLANCE
            found = address if self._station.isconnected() else None
            if waited == _CHECK:
                waited = 0
                # A port stays "connected" where an event was lost, and where a lease ended (esp32 takes no notice of
                # IP_EVENT_STA_LOST_IP).
                found = self._own_address()
            if found is None:
                self._count("outages")
                self._tell(self._lost())
            if found != address:
                break
            await asyncio.sleep_ms(_GLANCE)

    def _own_address(self):
        """Return the station's address, None while it has none."""
        if self._station.isconnected() and self._associated():
            address = self._station.ifconfig()[0]
            if address != "0.0.0.0":
                return address
        return None

    def _renew(self):
        """Look the peer up anew: the network may be another one, where its name has another address."""
        try:
            self._look_up()
        except OSError as error:
            log("Wi-Fi: %s is not known here (%s)", self._host, error)

    def _leave_silence(self):
        """Leave a network that seems to be there, for the peer owes an answer; each third time switch the radio off."""
        self._silence = 0
        self._tell(
            'nothing came from %s for %d min over "%s"; joining again'
            % (self._host, _SILENCE // 60000, self._ssid)
        )
        self._leave()
        if self._count("silences") % 3 == 0:
            self._reset()

    async def _try(self, pause):
        """Try to join, for `pause` ms or as long as it may still come to something; say what is wrong. Return whether
        it failed, False after a sleep too.
        """
        trouble = await self._start()
        if trouble is not None and not self._was_refused:
            pause = _FIRST_PAUSE  # the radio was switched off, which may be all that it needs
        self._was_refused = trouble is not None
        waited = 0
        while not self._slept:
            self._beat = now()
            if self._own_address() is not None:
                return False
            if trouble is None:
                trouble = self._failed()
            if trouble is not None:
                self._tell(trouble)
            patience = self._patience(pause) if trouble is None else pause
            if waited >= patience and (waited >= PATIENCE or not self._associated()):
                break
            look = _LOOK if waited < _SOON else _GLANCE
            await asyncio.sleep_ms(look)
            waited += look
        else:
            return False
        associated = self._associated()
        if associated:
            self._tell('"%s" gives no address: its DHCP does not answer' % self._ssid)
        elif trouble is None:
            self._tell(self._unanswered())
        if (associated or self._hangs(trouble)) and self._count("unanswered") % 3 == 0:
            self._reset()  # it may be the driver that hangs
        return True

    def _refused(self, error):
        self._count("refusals")
        self._reset()
        return "the radio's driver refuses (%s); trying again" % error

    def _wrong_password(self):
        return '"%s" refuses the password (wifi.password)' % self._ssid

    def _not_there(self):
        # It was there before, so its name is right.
        text = '"%s" vanished; waiting for it'
        if self._had is None:
            text = 'no access point "%s" in range (wifi.ssid)'
        return text % self._ssid

    def _leave(self):
        try:
            self._station.disconnect()
        except REFUSED:
            pass  # the radio was not started

    def _reset(self):
        self._count("resets")
        self._switch(False)

    def _switch(self, on):
        try:
            self._station.active(on)
        except REFUSED:
            pass  # told when it joins

    def _count(self, name):
        self.stats[name] = count = self.stats.get(name, 0) + 1
        return count

    def _tell(self, text):
        if text != self._told:
            self._told = text
            log("Wi-Fi: %s", text)

    # ---- the driver's own

    if _TYPING:  # what each driver's class has, and what costs heap here

        async def _start(self):
            """Begin to join; return what the driver has against it."""
            raise NotImplementedError

        def _associated(self):
            """Return whether there is an access point, with an address or without."""
            raise NotImplementedError

        def _failed(self):
            """Return why the attempt has failed, once that is sure."""
            raise NotImplementedError

        def _lost(self):
            """Return what to say of a network that is gone."""
            raise NotImplementedError

    def _patience(self, pause):
        """Return the ms that an attempt may take that has not failed."""
        return PATIENCE

    def _unanswered(self):
        """Return what to say of an attempt whose time is over."""
        return '"%s" does not answer; trying again' % self._ssid

    def _hangs(self, trouble):
        """Return whether this attempt, which ended in `trouble`, shows that the driver itself may hang."""
        return trouble is None
