# SPDX-License-Identifier: MIT
"""Runs the MSGin5G Server by itself: UEs and Gateway UEs over CoAP, Application Servers over HTTP."""

import socket
import urllib.parse

from tools.gateway import arguments, nginx
from tools.gateway.commands import table
from tools.gateway.running.serving import Command, Mistake
from tools.server.hosts import address_of, is_loopback
from tools.store.postgres.naming import is_postgres
from tools.words import complain, counted


def add_arguments(parser):
    arguments.add_common(parser)
    arguments.add_server(parser)
    parser.add_argument(
        "--node",
        metavar="NAME",
        type=arguments.node_name,
        help="what this one of several servers on one PostgreSQL store is called (the machine and --coap's port)",
    )
    parser.add_argument(
        "--reuse-port",
        action="store_true",
        help="let other servers of this machine listen on the ports of --coap and --http, too, each a --node of one"
        " PostgreSQL store: the kernel gives each of them its devices, by their addresses (SO_REUSEPORT)",
    )
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
    if args.node is not None and not is_postgres(args.store):
        raise Mistake("--node is for one of several servers on one database: give --store postgresql://...")
    if args.reuse_port:
        _check_shared(args)
    from tools.gateway.running.server import ServerProgram  # by who serves, not by a command on the store

    return ServerProgram(
        arguments.options_of(args, arguments.settings_of(args), reuse_port=args.reuse_port), events
    )


def _check_shared(args):
    """Raises Mistake where nobody could share the ports, or who shares them would be one by name."""
    if not hasattr(socket, "SO_REUSEPORT"):
        raise Mistake("--reuse-port is not to be had on this system: put NGINX before them (--print-nginx)")
    if not is_postgres(args.store):
        raise Mistake("--reuse-port is for nodes of one database: give --store postgresql://...")
    if args.node is None:
        raise Mistake("--reuse-port needs --node NAME: what listens on one port has one name else")
    for name in ("coap", "http"):
        if not getattr(args, name)[1]:
            raise Mistake("--reuse-port needs a port to share: give --%s HOST:PORT, other than 0" % name)


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
