# SPDX-License-Identifier: MIT
"""Which program has which commands: a new one is a file with `add_arguments(actions)` and `main(args, fail)`, and a
row here."""

from tools.gateway.commands import (
    applications,
    areas,
    devices,
    groups,
    messagegateways,
    peers,
    quarantine,
    servers,
    ues,
)

# The name of the command: its module.
SERVER = {
    "device": devices,
    "ue": ues,
    "group": groups,
    "as": servers,
    "l3g": messagegateways,
    "n3g": messagegateways,  # `l3g` adds the parser of both
    "area": areas,
    "peer": peers,
    "quarantine": quarantine,
}
GATEWAY = SERVER | {
    "application": applications,
    "target": applications,
}  # `application` adds the parser of both


def add(parser, table):
    """The commands of a program."""
    actions = parser.add_subparsers(dest="gateway_action", metavar="|".join(table))
    for module in dict.fromkeys(table.values()):
        module.add_arguments(actions)


def mains(table):
    """What runs each command, by its name."""
    return {name: module.main for name, module in table.items()}
