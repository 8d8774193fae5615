# SPDX-License-Identifier: MIT
"""A text option that is no UTF-8, which aiocoap raises UnicodeDecodeError for: refused, and nothing else with it."""

import socket

import aiocoap

from host_tests.gateway.devices import run
from tools.demo.processes import Gateway
from tools.transport.lines import COAP, Line, LinesInterface, encode

# GET, message ID 1, Uri-Path of one octet
WRONG = b"\x40\x01\x00\x01\xb1\xff"
RIGHT = b"\x40\x01\x00\x02\xb1a"


def test_on_a_line():
    class Manager:
        def __init__(self):
            self.heard = []

        def dispatch_message(self, message):
            self.heard.append(message)

    manager, line = Manager(), Line("/dev/none", 115200, 1152, lambda event, **fields: None)
    LinesInterface(manager, [line])
    line.data_received(encode(COAP, WRONG) + encode(COAP, RIGHT))
    assert [(message.mid, message.opt.uri_path) for message in manager.heard] == [(2, ("a",))]


def test_on_udp(tmp_path):
    async def talk():
        async with Gateway(tmp_path, "--open") as gateway:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
                device.connect(gateway.coap)
                device.settimeout(10)
                device.send(WRONG)
                device.send(RIGHT)
                # RFC 7252 section 5.4.3: a critical option that cannot be read is as one that is unknown.
                for expected in ((1, "4.02"), (2, "4.04")):
                    answer = aiocoap.Message.decode(device.recv(2048))
                    assert (answer.mid, answer.code.dotted) == expected

    run(talk())
