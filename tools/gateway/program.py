# SPDX-License-Identifier: MIT
"""Runs the emulated MSGin5G Gateway UE with the MSGin5G Server built in."""

from tools.gateway import appcommands, arguments, ascommands, devicecommands, quarantinecommands, uecommands
from tools.gateway.running.serving import Command
from tools.gateway.runtime import Gateway
from tools.gateway.serverprogram import server_hints


def add_arguments(parser):
    arguments.add_common(parser)
    arguments.add_server(parser)
    arguments.add_gateway(parser)
    arguments.add_lines(parser)
    actions = parser.add_subparsers(
        dest="gateway_action", metavar="device|ue|application|target|as|quarantine"
    )
    appcommands.add_arguments(actions, arguments.service_id, arguments.STORE_HELP)
    ascommands.add_arguments(actions, arguments.service_id, arguments.STORE_HELP)
    quarantinecommands.add_arguments(actions, arguments.STORE_HELP)
    devicecommands.add_arguments(actions, arguments.service_id, arguments.STORE_HELP)
    uecommands.add_arguments(actions, arguments.domain, arguments.STORE_HELP)


def _make(args, events):
    options = arguments.options_of(args, arguments.settings_of(args), **arguments.gateway_options(args))
    return Gateway(options, events)


main = Command(
    "gateway",
    {
        "device": devicecommands.main,
        "ue": uecommands.main,
        "application": appcommands.main,
        "target": appcommands.main,
        "as": ascommands.main,
        "quarantine": quarantinecommands.main,
    },
    _make,
    server_hints,
).main
