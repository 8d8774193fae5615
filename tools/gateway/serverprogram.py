# SPDX-License-Identifier: MIT
"""Runs the MSGin5G Server by itself: UEs and Gateway UEs over CoAP, Application Servers over HTTP."""

import urllib.parse

from tools.gateway import arguments, nginx
from tools.gateway.commands import table
from tools.gateway.running.serving import Command, Mistake
from tools.server.hosts import address_of, is_loopback
from tools.words import complain, counted


def add_arguments(parser):
    arguments.add_common(parser)
    arguments.add_server(parser)
    nginx.add_arguments(parser)
    table.add(parser, table.SERVER)


def _is_reached(host, uri):
    """Whether who is at this URI may reach somebody who listens on this host, and is told that."""
    if is_loopback(host):
        return is_loopback(urllib.parse.urlsplit(uri).hostname)
    found = address_of(host)
    return not (found and found.is_unspecified)


def server_hints(args, program):
    waiting = program.store.ue_ids_without_configuration()
    if waiting and not args.assign:
        yield "%s a key and no configuration: ue add UE_ID --store %s, or --assign DOMAIN" % (
            counted(len(waiting), "UE ID has", "UE IDs have"),
            args.store,
        )
    elif not args.open and not waiting and not program.store.devices():
        add = "provision --ue" if args.security == "oscore" else "gateway device add"
        yield "no UE Service ID may register yet: msgin5g %s ID --store %s" % (add, args.store)
    if not is_loopback(args.http[0]) and not program.store.has_tokens():
        yield "no Application Server may speak yet: msgin5g gateway as add ID --store %s" % args.store
    if args.exposure and not args.callback and not _is_reached(args.http[0], args.exposure):
        yield "%s cannot tell anything at %s, where --http listens: give --callback URI" % (
            args.exposure,
            args.http[0],
        )


def _make(args, events):
    nginx.check(args)
    from tools.gateway.running.server import ServerProgram  # by who serves, not by a command on the store

    return ServerProgram(arguments.options_of(args, arguments.settings_of(args)), events)


_serve = Command(
    table.mains(table.SERVER),
    _make,
    server_hints,
).main


def main(args):
    if not args.print_nginx:
        return _serve(args)
    try:
        print(nginx.configuration(args), end="")
    except Mistake as mistake:
        complain(str(mistake))
        return 2
    return 0
