# SPDX-License-Identifier: MIT
"""ESP-NOW on ESP32: one L3 message a frame, to and from one station (module `espnow` of MicroPython).

Read in the documentation and tried against a stand-in of the module only, not yet on a radio.
"""

import asyncio
import binascii

MAX_FRAME = 250  # ESP_NOW_MAX_DATA_LEN


def mac_address(text):
    """6 octets of "a0b1c2d3e4f5" or "a0:b1:c2:d3:e4:f5". Raises ValueError."""
    octets = binascii.unhexlify(text.replace(":", ""))
    if len(octets) != 6:
        raise ValueError("a MAC address has 6 octets")
    return octets


def _readable(radio):
    # as for sockets: this is how asyncio's own streams wait
    yield asyncio.core._io_queue.queue_read(radio)


class ESPNowLink:
    """`peer` is the MAC address of the gateway's station; `lmk` its 16 octets of key, or None for no encryption.

    With a key, `pmk` must be the same on both ends. A frame is sent without waiting for the other side's
    acknowledgement: the L3 messages have their own.
    """

    def __init__(self, mac, channel=None, pmk=None, lmk=None):
        self.peer = mac
        self._channel = channel
        self._pmk = pmk
        self._lmk = lmk
        self._radio = None

    async def open(self):
        import espnow
        import network

        station = network.WLAN(network.STA_IF)
        station.active(True)
        if self._channel is not None:
            station.config(channel=self._channel)
        radio = espnow.ESPNow()
        radio.active(True)
        if self._pmk is not None:
            radio.set_pmk(self._pmk)
        if self._lmk is None:
            radio.add_peer(self.peer)
        else:
            radio.add_peer(self.peer, lmk=self._lmk, encrypt=True)
        self._radio = radio

    async def receive(self):
        while True:
            await _readable(self._radio)
            mac, message = self._radio.recv(0)
            # anybody's frames come in; only the peer's are ours
            if mac == self.peer and message:
                return message, mac

    def send(self, octets, address):
        if isinstance(octets, list):
            octets = b"".join(
                [part.read(0, len(part)) if hasattr(part, "read") else bytes(part) for part in octets]
            )
        if len(octets) > MAX_FRAME:
            raise OSError("%d octets: an ESP-NOW frame holds %d" % (len(octets), MAX_FRAME))
        try:
            self._radio.send(address, octets, False)
        except OSError as error:
            if len(error.args) > 1 and error.args[1] == "ESP_ERR_ESPNOW_NO_MEM":
                return False  # its queue is full: later
            raise
        return True

    def close(self):
        if self._radio is not None:
            self._radio.active(False)
            self._radio = None
