# SPDX-License-Identifier: MIT
"""`area add|list|remove`: broadcast areas that the server broadcasts to by itself, and the UEs in each (TS 23.554
clause 6.3). An area of a Broadcast Message Gateway needs no more than `--bmg`."""

import argparse
import re

from tools.gateway.commands.shared import add_store, http_uri, opened, service_id
from tools.server.elsewhere import home_domain
from tools.wire.bodies import is_service_id


def broadcast_gateway(text):
    """(Broadcast Area ID, URI) of AREA=URI; the area may have a "=", too."""
    area, scheme, rest = re.match(r"(.*?)(?:=(https?:)(.*))?$", text, re.DOTALL).groups()
    if scheme is None or not is_service_id(area):
        raise argparse.ArgumentTypeError("%r is not AREA=http://HOST:PORT" % text)
    return area, http_uri(scheme + rest)


def add_arguments(actions):
    parser = actions.add_parser(
        "area", help="broadcast areas: area add AREA UE...|*, area list, area remove AREA"
    )
    verbs = parser.add_subparsers(dest="gateway_verb", required=True)
    add = verbs.add_parser("add", help="say which UEs are in it, in place of an earlier one of this ID")
    remove = verbs.add_parser("remove", help="forget it")
    for one in (add, remove):
        one.add_argument("area", metavar="AREA", type=service_id, help="its Broadcast Area ID")
    add.add_argument(
        "ues", metavar="UE", type=service_id, nargs="+", help="a UE Service ID, or '*' for every UE"
    )
    add_store(add, remove, verbs.add_parser("list", help="print all"))


def main(args, fail):
    with opened(args) as store:
        return {"add": _add, "remove": _remove, "list": _list}[args.gateway_verb](store, args, fail)


def _add(store, args, fail):
    store.add_area(args.area, args.ues)
    print("%s is a broadcast area with %s" % (args.area, _words(args.ues)))
    for ue in dict.fromkeys(args.ues):
        if not store.known(ue) and store.message_gateway_of(ue, home_domain(ue)):
            print("%s is behind a message gateway: it gets no broadcast" % ue)
    return 0


def _remove(store, args, fail):
    if not store.remove_area(args.area):
        return fail("there is no area %s: see `area list`" % args.area)
    print("removed %s" % args.area)
    return 0


def _list(store, args, fail):
    for area, ues in store.areas():
        print(area, _words(ues))
    return 0


def _words(ues):
    return "every UE" if "*" in ues else ", ".join(dict.fromkeys(ues))
