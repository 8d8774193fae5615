# SPDX-License-Identifier: MIT
"""Stands in for the module `espnow` of MicroPython's esp32 port, where its radio would be: what its documentation says,
with the errors that it names. Nothing here shows that a radio works.
"""

import io

import network

from air import air

MAX_DATA_LEN = 250
KEY_LEN = 16
MAX_TOTAL_PEER_NUM = 20

# esp_now.h: ESP_ERR_WIFI_BASE 0x3000 + 100 and so on
_ERRORS = {
    "ESP_ERR_ESPNOW_NOT_INIT": 12389,
    "ESP_ERR_ESPNOW_NO_MEM": 12391,
    "ESP_ERR_ESPNOW_FULL": 12392,
    "ESP_ERR_ESPNOW_NOT_FOUND": 12393,
    "ESP_ERR_ESPNOW_EXIST": 12395,
    "ESP_ERR_ESPNOW_IF": 12396,
    "ESP_ERR_ESPNOW_CHAN": 12397,
}
_EINVAL = 22
_POLL = 3  # MP_STREAM_POLL
_READABLE = 1  # MP_STREAM_POLL_RD


def error(name):
    return OSError(-_ERRORS[name], name)


_radio = None


def ESPNow():
    """The same object each time."""
    global _radio
    if _radio is None:
        _radio = _ESPNow()
    return _radio


class _ESPNow(io.IOBase):
    def __init__(self):
        self.peers = {}  # mac: (lmk, channel, encrypt)
        self.pmk = None
        self._active = False

    def active(self, on=None):
        if on is not None:
            if not on:
                self.peers.clear()
            self._active = bool(on)
        return self._active

    def stats(self):
        return 0, 0, 0, 0, 0

    def set_pmk(self, pmk):
        self._check()
        if len(pmk) != KEY_LEN:
            raise ValueError("pmk")
        self.pmk = bytes(pmk)

    def add_peer(self, mac, lmk=b"", channel=0, ifidx=0, encrypt=None):
        self._check()
        if len(mac) != 6 or (lmk and len(lmk) != KEY_LEN):
            raise ValueError("mac, lmk")
        if mac in self.peers:
            raise error("ESP_ERR_ESPNOW_EXIST")
        if len(self.peers) == MAX_TOTAL_PEER_NUM:
            raise error("ESP_ERR_ESPNOW_FULL")
        if channel not in (0, network.WLAN(network.STA_IF).config("channel")):
            raise error("ESP_ERR_ESPNOW_CHAN")
        self.peers[bytes(mac)] = (lmk, channel, bool(lmk) if encrypt is None else encrypt)

    def send(self, mac, message, sync=True):
        self._check()
        if air.espnow_error:
            name, air.espnow_error = air.espnow_error, None
            raise error(name)
        if len(message) > MAX_DATA_LEN:
            raise ValueError("message")
        if mac not in self.peers:
            raise error("ESP_ERR_ESPNOW_NOT_FOUND")
        if not network.WLAN(network.STA_IF).active():
            raise error("ESP_ERR_ESPNOW_IF")
        if sync:
            raise AssertionError("waits for the other side, and with it the event loop")
        air.sent.append((bytes(mac), bytes(message)))
        return True

    def recv(self, timeout_ms=None):
        self._check()
        if timeout_ms != 0:
            raise AssertionError("waits, and with it the event loop")
        return air.frames.pop(0) if air.frames else (None, None)

    def ioctl(self, request, argument):
        if request != _POLL:
            return -_EINVAL  # above all no 0 to who asks for a descriptor, which would be that of stdin
        return _READABLE & argument if air.frames else 0

    def _check(self):
        if not self._active:
            raise error("ESP_ERR_ESPNOW_NOT_INIT")
