# SPDX-License-Identifier: MIT
"""Runs the emulated MSGin5G Gateway UE with the MSGin5G Server built in."""

from dataclasses import replace

from tools import private
from tools.gateway import arguments
from tools.gateway import keys as key_files
from tools.gateway.commands import table
from tools.gateway.running.serving import Command, Mistake
from tools.gateway.serverprogram import server_hints
from tools.page.sinks import say
from tools.server.settings import Settings
from tools.words import why

_OF_SERVER = ("admin", "assign", "config_server", "exposure", "callback", "bmg", "aggregate", "groups_by")
CLEAR = "WARNING: toward the server there is no authentication and no encryption. Keep it on a network that you trust."


def add_arguments(parser):
    arguments.add_common(parser)
    arguments.add_server(parser)
    arguments.add_gateway(parser)
    arguments.add_lines(parser)
    table.add(parser, table.GATEWAY)


def _make(args, events):
    if args.upstream is None:
        for option in ("upstream_key", "upstream_security"):
            if getattr(args, option) is not None:
                raise Mistake("--%s means nothing without --upstream" % option.replace("_", "-"))
    else:
        for option in _OF_SERVER:
            if getattr(args, option) and getattr(args, option) != getattr(Settings, option, None):
                raise Mistake("--%s is for the server: give it to msgin5g server" % option.replace("_", "-"))
    options = arguments.options_of(args, arguments.settings_of(args), **arguments.gateway_options(args))
    # What serves is imported by who serves: a command on the store does not wait for aiocoap and aiohttp.
    if args.upstream is None:
        from tools.gateway.runtime import Gateway

        return Gateway(options, events)
    from tools.gateway.running.apart import GatewayUe

    return GatewayUe(replace(options, upstream=args.upstream, upstream_keys=_north_keys(args)), events)


def _north_keys(args):
    """The Keys of the gateway itself toward its server, None where that is in the clear. Raises Mistake,
    KeyFileError."""
    if args.name is None:
        raise Mistake("--upstream needs --ue ID: the UE Service ID that the server knows this gateway by")
    if (args.upstream_security or args.security) == "none":
        if args.upstream_key is not None:
            raise Mistake(
                "--upstream-key is not used with security none toward the server: leave out one of both"
            )
        say(CLEAR)
        return None
    if args.upstream_key is None:
        raise Mistake(
            "--upstream needs --upstream-key FILE, which `msgin5g server device add %s --gateway --key FILE` makes"
            " at the server; or --upstream-security none" % args.name
        )
    try:
        if private.mend(args.upstream_key):
            say(private.MENDED.format(args.upstream_key))
        from tools.gateway.running.apart import own_keys

        return own_keys(key_files.read(args.upstream_key))
    except OSError as error:
        raise Mistake("--upstream-key %s: %s" % (args.upstream_key, why(error))) from error


def hints(args, program):
    """Sentences on what nobody can do yet."""
    if args.upstream is None:
        yield from server_hints(args, program)
    elif not (args.open or program.store.devices() or program.store.ue_ids_without_configuration()):
        add = "provision --ue" if args.security == "oscore" else "gateway device add"
        yield "no device may come yet: msgin5g %s ID --store %s" % (add, args.store)


main = Command(
    table.mains(table.GATEWAY),
    _make,
    hints,
).main
