# SPDX-License-Identifier: MIT
"""Who speaks with whom: the parts of the service, their reference points, and the command that plays each."""

from tools.project.drawings.svg import Drawing


def drawing():
    made = Drawing(
        900,
        330,
        "A device speaks CoAP with the gateway and its server, which speaks HTTP with an Application Server;"
        " a device behind a serial line speaks MSGin5G-5 with the gateway; a browser shows what happens.",
    )
    device = made.box(20, 30, 220, 84, ["Device", "app.py and this firmware", "ESP32, Pico, or this machine"])
    line = made.box(20, 216, 220, 84, ["Device on three wires", "an Application Client", "UART, ESP-NOW"])
    gateway = made.box(
        380, 30, 210, 84, ["Gateway and server", ("msgin5g gateway", "code"), "keep, route, report"], "other"
    )
    server = made.box(700, 30, 180, 84, ["Application Server", ("msgin5g as", "code"), "or yours"], "other")
    page = made.box(700, 216, 180, 84, ["Browser", "the page"], "plain")
    made.arrow(device.right, gateway.left, "MSGin5G-1, -6", back=True)
    made.words(310, 92, "CoAP, OSCORE", "small")
    made.arrow(gateway.right, server.left, "MSGin5G-3", back=True)
    made.words(645, 92, "HTTP", "small")
    made.arrow(line.right, gateway.bottom(0.2), back=True)
    made.words(345, 206, "MSGin5G-5", "small", "start")
    made.words(345, 224, "L3 or CoAP", "small", "start")
    made.arrow(page.left, gateway.bottom(0.8))
    made.words(600, 192, "HTTP", "small", "end")
    return made
