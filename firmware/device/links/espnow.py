# SPDX-License-Identifier: MIT
"""ESP-NOW on ESP32: one L3 message a frame, to and from one station (module `espnow` of MicroPython).

Read in the documentation and tried against a stand-in of the module only, not yet on a radio.
"""

import asyncio
import binascii

import espnow
import network

import msgin5g
from coap.compat import const

from . import readable

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable

    from contracts import Datagram, Peer

MAX_FRAME = 250  # ESP_NOW_MAX_DATA_LEN; version 2 has 1470, but its peer need not

# OSError.args[1] of what passes by itself, and of what opening anew puts right
_LATER = "ESP_ERR_ESPNOW_NO_MEM"
_DOWN = ("ESP_ERR_ESPNOW_IF", "ESP_ERR_ESPNOW_NOT_INIT", "ESP_ERR_ESPNOW_NOT_FOUND")


def mac_address(text):
    """Return 6 octets of "a0b1c2d3e4f5" or "a0:b1:c2:d3:e4:f5". Raise ValueError."""
    octets = binascii.unhexlify(text.replace(":", ""))
    if len(octets) != 6:
        raise ValueError("a MAC address has 6 octets")
    return octets


def link(config):
    """Return the ESPNowLink that `config.peer` asks for. Raise ConfigError for what is no MAC address."""
    try:
        mac = mac_address(config.peer_host)
    except ValueError:
        raise msgin5g.ConfigError("peer", "must name the gateway's MAC address: l3+espnow://a0b1c2d3e4f5")
    return ESPNowLink(mac, config.espnow["channel"], config.espnow["pmk"], config.espnow["lmk"])


def _is(error, names):
    return len(error.args) > 1 and error.args[1] in names


class ESPNowLink:
    """`peer` is the MAC address of the gateway's station; `lmk` its 16 octets of key, or None for no encryption.

    With a key, `pmk` must be the same on both ends. A frame is sent without waiting for the other side's
    acknowledgement: the L3 messages have their own. `channel` 0 is the one that the station has.
    """

    def __init__(
        self, mac: bytes, channel: int = 0, pmk: bytes | None = None, lmk: bytes | None = None
    ) -> None:
        self.peer = mac
        self.dropped = 0
        self.on_back: "Callable[[], object] | None" = None  # it cannot know when the other station was away
        self._channel = channel
        self._pmk = pmk
        self._lmk = lmk
        self._station = network.WLAN(network.STA_IF)
        self._radio = espnow.ESPNow()
        self._open = False

    async def open(self) -> None:
        """Bring the link up; raise OSError when it cannot be had now."""
        self._begin()

    def _begin(self):
        station = self._station
        station.active(True)
        station.disconnect()  # from an access point of earlier, whose channel it would keep
        # A radio that saves power misses frames.
        station.config(pm=station.PM_NONE)
        if self._channel:
            station.config(channel=self._channel)
        radio = self._radio
        radio.active(False)  # forgets the peers of earlier
        radio.active(True)
        if self._pmk is not None:
            radio.set_pmk(self._pmk)
        if self._lmk is None:
            radio.add_peer(self.peer)
        else:
            radio.add_peer(self.peer, lmk=self._lmk, encrypt=True)
        self._open = True

    async def receive(self) -> "tuple[bytes, Peer]":
        """Return (octets, address) of the next datagram."""
        while True:
            await readable(self._radio)
            try:
                mac, message = self._radio.recv(0)
            except MemoryError:
                self.dropped += 1
                continue
            except OSError as error:
                if not _is(error, _DOWN):
                    raise
                await asyncio.sleep_ms(100)  # type: ignore[attr-defined]
                self._begin()
                continue
            # anybody's frames come in; only the peer's are ours
            if mac == self.peer and message:
                return message, mac

    def send(self, octets: "Datagram", address: "Peer") -> bool:
        """Put a datagram on its way; return False when the link wants it again later."""
        if isinstance(octets, list):
            octets = b"".join(
                [part.read(0, len(part)) if hasattr(part, "read") else bytes(part) for part in octets]
            )
        if len(octets) > MAX_FRAME:
            raise OSError("%d octets: an ESP-NOW frame holds %d" % (len(octets), MAX_FRAME))
        try:
            self._radio.send(address, octets, False)
        except OSError as error:
            if _is(error, (_LATER,)):
                return False  # its queue is full
            if self._open and _is(error, _DOWN):
                self._begin()  # this frame is lost like any, the next one finds it up
            raise
        return True

    def close(self) -> None:
        """Close it; it may be opened again."""
        if self._open:
            self.pause()

    def pause(self) -> None:
        """Switch the radio off, for a sleep."""
        self._open = False
        self._radio.active(False)
        self._station.active(False)

    def resume(self) -> None:
        """Switch the radio on again."""
        self._begin()
