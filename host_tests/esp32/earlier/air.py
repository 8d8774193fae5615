# SPDX-License-Identifier: MIT
"""What is in the air around the stand-ins of an ESP32: access points that come and go, a driver that refuses, radios.

A test sets the attributes of `air`; from outside of the process, the JSON file that AIR names does.
"""

import json
import os
import time

_FILE = os.getenv("AIR")


class Air:
    def __init__(self):
        self.networks = {}  # name of an access point: its password, "" for an open one
        self.dhcp = True  # whether it gives addresses
        self.scan_ms = 300  # until an access point is found, or not
        self.join_ms = 200  # until it has looked at the password
        self.dhcp_ms = 200
        self.beacons_ms = 600  # until the driver notices that it is gone
        self.wrong_password = 15  # the reason that tells of it: 4WAY_HANDSHAKE_TIMEOUT, or 202, 204
        self.refusals = 0  # connects that the driver will refuse
        self.send_gap_ms = 0  # a datagram sooner than that after the last: ENOMEM
        self.enomem = 0  # how often that was
        self.frames = []  # of ESP-NOW: [mac, octets] that come in
        self.sent = []  # of ESP-NOW: (mac, octets)
        self.espnow_error = None  # "ESP_ERR_ESPNOW_NO_MEM": what the next send ends with
        self.now = time.ticks_ms
        self._text = None

    def look(self):
        if _FILE is None:
            return
        with open(_FILE) as file:
            text = file.read()
        if text and text != self._text:
            self._text = text
            for name, value in json.loads(text).items():
                setattr(self, name, value)

    def since(self, moment):
        return time.ticks_diff(self.now(), moment)


air = Air()
