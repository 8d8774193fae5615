# SPDX-License-Identifier: MIT
"""msgin5g doctor: what this machine has and lacks, a line each, with what to do. It changes nothing."""

import dataclasses
import importlib
import json

from tools.doctor.finding import LACKS, unknown
from tools.doctor.machine import Machine
from tools.image import boards
from tools.server.settings import PORT
from tools.words import counted

# (what it is about, who looks): each gives its findings. It is imported when it looks, so that what this system does
# not have, fcntl on Windows, is a line of one check and not the end of all.
CHECKS = (
    ("Python", "python.interpreter"),
    ("Python packages", "python.packages"),
    ("MicroPython", "python.micropython"),
    ("image", "python.images"),
    ("serial port", "ports.serial_ports"),
    ("firmware", "onboard.firmware"),
    ("CoAP port", "network.coap_port"),
    ("HTTP port", "network.http_port"),
    ("firewall", "firewall.firewall"),
    ("clock", "clock.clock"),
    ("store", "stores.store"),
    ("device", "stores.keys_of_device"),
    ("disk", "stores.disk"),
)


def add_arguments(parser):
    parser.description = (
        "What this machine has and lacks, a line each: ok, lacks, or unknown for what could not be checked, with what"
        " to do. Nothing is changed, and no board interrupted. The exit code is 1 where something is lacking."
    )
    add = parser.add_argument
    add("--port", metavar="PORT", help="a board: its port, and the version of the firmware on it")
    add(
        "--board",
        metavar="BOARD",
        choices=boards.names(),
        help=f"what the image of this one is built with: {', '.join(boards.names())}",
    )
    add("--store", metavar="FILE", default="gateway.db", help="the gateway's (default: %(default)s)")
    add("--state", metavar="DIR", help="the folder of a device on this machine: its configuration and keys")
    add(
        "--coap",
        metavar="HOST:PORT",
        type=_address,
        default=("0.0.0.0", PORT),
        help="where the gateway is to listen (default: 0.0.0.0:%d)" % PORT,
    )
    add(
        "--http",
        metavar="HOST:PORT",
        type=_address,
        default=("127.0.0.1", 8065),
        help="where its page is to be (default: 127.0.0.1:8065)",
    )
    add("--json", action="store_true", help="one JSON object a line, for programs")


def _address(text):
    from tools.gateway.values import endpoint  # which not every system can import

    return endpoint(text)


def main(args):
    found = []
    for finding in examine(Machine(), args):
        found.append(finding)
        print(json.dumps(dataclasses.asdict(finding)) if args.json else finding.line(), flush=True)
    lacking = sum(finding.state == LACKS for finding in found)
    if lacking and not args.json:
        print(f"{counted(lacking, 'thing')} to see to")
    return 1 if lacking else 0


def examine(machine, args, checks=CHECKS):
    """Yields a Finding for each thing that was looked at."""
    for name, look in checks:
        module, _, function = look.partition(".")
        try:
            yield from getattr(importlib.import_module(f"tools.doctor.{module}"), function)(machine, args)
        except Exception as error:  # of one check; the others say what they find
            yield unknown(name, f"{type(error).__name__}: {error}")
