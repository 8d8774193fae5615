# SPDX-License-Identifier: MIT
"""ESP-NOW on ESP32: one L3 message a frame, to and from one station (module `espnow` of MicroPython).

Written to the port's own C (ports/esp32/modespnow.c), and run on it; not yet on a radio (boards/esp32/README.md).
"""

import asyncio
import binascii
import gc

import espnow
import network

import msgin5g
from coap.aio.waiting import cancel, loop, now, readable
from coap.compat import const, ticks_diff

from ..health import log

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Datagram, Peer

MAX_FRAME = const(250)  # ESP_NOW_MAX_DATA_LEN; version 2 has 1470, but its peer need not

# Octets of the driver's ring, which is in our heap: four whole frames. Annex A has one request open each way, so that
# two of them may be ours. Each has a header of 13 octets, 14 since lengths have 16 bits, and the last one goes in only
# where two octets more are free.
_RING = const(4 * (14 + MAX_FRAME) + 2)
_FLYING = const(2)  # frames that the driver may have and has not told the end of: a request and a response
_BLOCKS = const(3)  # s; send() may block for 2 s
_PAUSE = const(5000)  # ms that the event loop has after that, until the driver is asked again
_LOOK = const(2000)  # ms between looks at the driver

# OSError.args[1] of what passes by itself, and of what opening anew puts right
_LATER = ("ESP_ERR_ESPNOW_NO_MEM", "ESP_ERR_NO_MEM")
_DOWN = ("ESP_ERR_ESPNOW_IF", "ESP_ERR_ESPNOW_NOT_INIT", "ESP_ERR_ESPNOW_NOT_FOUND")


def mac_address(text):
    """Return 6 octets of "a0b1c2d3e4f5" or "a0:b1:c2:d3:e4:f5". Raise ValueError."""
    octets = binascii.unhexlify(text.replace(":", ""))
    if len(octets) != 6:
        raise ValueError("a MAC address has 6 octets")
    return octets


def link(config):
    """Return the ESPNowLink that `config.peer` asks for. Raise ConfigError for what can't be."""
    try:
        mac = mac_address(config.peer_host)
    except ValueError:
        raise msgin5g.ConfigError("peer", "must name the gateway's MAC address: l3+espnow://a0b1c2d3e4f5")
    if mac[0] & 1:
        raise msgin5g.ConfigError("peer", "must be the MAC address of one station, this is that of a group")
    if config.watchdog and config.watchdog < _BLOCKS:
        raise msgin5g.ConfigError(
            "watchdog", "must be %d s or more, or none: ESP-NOW's driver may take 2 s for a frame" % _BLOCKS
        )
    return ESPNowLink(mac, config.espnow["channel"], config.espnow["pmk"], config.espnow["lmk"])


def _is(error, names):
    return len(error.args) > 1 and error.args[1] in names


class ESPNowLink:
    """`peer` is the MAC address of the gateway's station; `lmk` its 16 octets of key, or None for no encryption.

    With a key, `pmk` must be the same on both ends. A frame is sent without waiting for the other side's
    acknowledgement: the L3 messages have their own. `channel` 0 is the one that the station has.

    ESP-NOW that was switched off, by whomever, is opened again within some seconds. An application may use the station
    for Wi-Fi beside it: the channel is the access point's then.
    """

    def __init__(
        self, mac: bytes, channel: int = 0, pmk: bytes | None = None, lmk: bytes | None = None
    ) -> None:
        self.peer = mac
        self.stats = {"reopened": 0}  # times that it was opened again
        self.on_back: "Callable[[], object] | None" = None  # it cannot know when the other station was away
        self._channel = channel
        self._pmk = pmk
        self._lmk = lmk
        self._station = network.WLAN(network.STA_IF)
        self._radio = espnow.ESPNow()
        self._keeper: "Any" = None
        self._loop = None  # in which the keeper is
        self._open = False
        self._refused = None  # when the driver had no memory
        self._told: "str | None" = None
        self._lost = 0
        _, _, _, self._taken, self._full = self._radio.stats()

    @property
    def dropped(self) -> int:
        """How many frames, anybody's, came and were lost: the ring was full, or was begun anew with them in it."""
        return self._lost + max(0, self._radio.stats()[4] - self._full)

    def _count(self):
        """Count what is in the ring as lost, and add up what did not get in."""
        _, _, _, came, full = self._radio.stats()
        self._lost += max(0, came - self._taken) + max(0, full - self._full)
        self._taken, self._full = came, full

    async def open(self) -> None:
        """Bring the link up; raise OSError when it cannot be had now."""
        try:
            self._station.active(True)
            self._station.disconnect()  # from an access point of earlier, whose channel it would keep
        except RuntimeError as error:
            raise OSError(str(error))
        try:
            self._start()
        except (OSError, MemoryError):
            self.pause()  # perhaps nobody tries again
            raise
        self._open = True
        if self._keeper is None:
            self._begin()

    def _begin(self):
        self._loop = loop()
        self._keeper = asyncio.create_task(self._keep())

    def again(self) -> None:
        """Begin the task anew."""
        cancel(self._keeper, self._loop)
        self._begin()

    @property
    def alive(self) -> bool:
        """Whether the task that keeps it is there."""
        return self._keeper is None or not self._keeper.done()

    def _start(self):
        """Switch everything on, whatever was; raise OSError where the driver refuses."""
        station = self._station
        try:
            station.active(True)
            # A radio that saves power misses frames.
            station.config(pm=station.PM_NONE)
        except RuntimeError as error:  # the port's, for what it has no word for
            raise OSError(str(error))
        self._renew()
        self._tune()

    def _renew(self):
        """Begin ESP-NOW anew, with an empty ring and the one peer."""
        radio = self._radio
        self._count()
        try:
            radio.active(False)
        except OSError as error:
            raise RuntimeError("ESP-NOW can't be opened any more, but by a reset (%s)" % error)
        # Where active() itself finds no memory, it can be called no more: its C takes it for on then, the driver not.
        gc.collect()
        bytearray(_RING + 64)
        gc.collect()
        radio.config(rxbuf=_RING)  # type: ignore[call-arg]  # the stubs of 1.25 have no room for it
        radio.active(True)
        if radio.stats()[3] < self._taken:
            self._taken = self._full = 0  # its counters began anew as well
        self._refused = None
        if self._pmk is not None:
            radio.set_pmk(self._pmk)
        if self._lmk is None:
            radio.add_peer(self.peer)
        else:
            radio.add_peer(self.peer, lmk=self._lmk, encrypt=True)

    def _whole(self):
        """Return whether station, driver and peer are as they were left."""
        try:
            self._radio.get_peer(self.peer)
        except OSError:
            return False
        return self._station.active()

    def _tune(self):
        """Go to the channel that is asked for; raise OSError while it can't be had."""
        station = self._station
        if self._channel and station.config("channel") != self._channel:
            try:
                if station.isconnected():
                    raise OSError("that of the access point that it has joined")
                station.config(channel=self._channel)
            except (OSError, RuntimeError) as error:
                raise OSError(
                    "espnow.channel is %d, and the radio stays on %d: %s"
                    % (self._channel, station.config("channel"), error)
                )

    async def _keep(self):
        """Look after the driver: nothing wakes a reader whose radio was switched off."""
        before = None
        while True:
            await asyncio.sleep_ms(_LOOK)  # type: ignore[attr-defined]
            try:
                before = self._look(before) if self._open else None
            except MemoryError:
                pass  # an application may have all of it, for a time

    def _look(self, before):
        """Open again what was switched off; return how many frames were sent, and told the end of. `before` is that
        of the last look."""
        flying = self._radio.stats()[:2]
        stuck = flying[0] > flying[1] and flying == before
        try:
            if stuck or not self._whole():
                self.stats["reopened"] += 1
                self._start()
                log("ESP-NOW: opened again")
            else:
                self._tune()
            self._told = None
        except (OSError, MemoryError) as error:
            if self._told != str(error):
                self._told = str(error)
                log("ESP-NOW: %s", error)
        return flying

    async def receive(self) -> "tuple[bytes, Peer]":
        """Return (octets, address) of the next datagram. Raise MemoryError where one is lost for want of memory."""
        radio = self._radio
        while True:
            await readable(radio)
            try:
                mac, message = radio.recv(0)
            except MemoryError:  # it has left the ring
                self._taken += 1
                self._lost += 1
                raise
            except ValueError:  # the C has lost its place, and sees it
                self._again()
                continue
            except OSError:  # off: the keeper sees to it
                await asyncio.sleep_ms(_LOOK)  # type: ignore[attr-defined]
                continue
            try:
                whole = self._in_place(mac)
            except MemoryError:
                self._lost += mac is not None
                raise
            if not whole:
                if mac is not None:
                    self._taken -= 1  # it is none
                self._again()
            # anybody's frames come in; only the peer's are ours
            elif mac == self.peer and message:
                return message, mac

    def _in_place(self, mac):
        """Count what recv() gave, from `mac` or None; return whether the C has its place in the ring still."""
        radio = self._radio
        if mac is not None:
            self._taken += 1
        came = radio.stats()[3]
        if not radio.any():
            self._taken = came  # with what an application has taken by itself
            return True
        # Of a frame over 250 octets the C of older versions keeps 8 bits of the length: it gives a part of it, or
        # nothing, and reads on in the rest, which its sender may have made look like frames of others. So there is
        # more in the ring than frames that came.
        return mac is not None and self._taken < radio.stats()[3]

    def _again(self):
        """Begin ESP-NOW anew; where that fails, the keeper tries again."""
        self.stats["reopened"] += 1
        try:
            self._renew()
        except (OSError, MemoryError):
            pass

    def send(self, octets: "Datagram", address: "Peer") -> bool:
        """Put a datagram on its way; return False when the link wants it again later.

        While the driver has no memory it blocks, for 2 s at most, and then is not asked for 5 s.
        """
        if isinstance(octets, list):
            octets = b"".join(
                [part.read(0, len(part)) if hasattr(part, "read") else bytes(part) for part in octets]
            )
        if len(octets) > MAX_FRAME:
            raise OSError("%d octets: an ESP-NOW frame holds %d" % (len(octets), MAX_FRAME))
        if self._refused is not None and ticks_diff(now(), self._refused) < _PAUSE:
            return False
        self._refused = None
        sent, told = self._radio.stats()[:2]
        if sent - told >= _FLYING:
            return False  # its queue is never filled
        try:
            self._radio.send(address, octets, False)
        except OSError as error:
            if _is(error, _LATER):
                self._refused = now()
                return False
            if self._open and _is(error, _DOWN):
                self.stats["reopened"] += 1
                try:
                    self._start()  # this frame is lost like any, the next one finds it up
                except (OSError, MemoryError, RuntimeError):
                    pass  # the keeper says why
            raise
        return True

    def close(self) -> None:
        """Close it; it may be opened again."""
        if self._keeper is not None:
            cancel(self._keeper, self._loop)
            self._keeper = None
        if self._open:
            self.pause()

    def pause(self) -> None:
        """Switch the radio off, for a sleep."""
        self._open = False
        self._count()
        for part in (self._radio, self._station):
            try:
                part.active(False)
            except (OSError, RuntimeError):
                pass  # it is off

    def resume(self) -> None:
        """Switch the radio on again, if the link was not closed; where that fails, the keeper goes on trying."""
        if self._keeper is None:
            return
        self._open = True
        try:
            self._start()
        except (OSError, MemoryError) as error:
            log("ESP-NOW: %s", error)
