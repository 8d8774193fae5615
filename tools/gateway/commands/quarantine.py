# SPDX-License-Identifier: MIT
"""`msgin5g gateway quarantine`: what was set aside after an error of the gateway's own, while it runs or not."""

import time

from tools.gateway.commands.shared import add_store, open_store, row_id
from tools.page.events import sentence
from tools.server.server import Server
from tools.server.settings import Settings


def add_arguments(actions):
    parser = actions.add_parser(
        "quarantine", help="what was set aside after an error: quarantine list, retry ID, drop ID"
    )
    verbs = parser.add_subparsers(dest="gateway_verb", required=True)
    verbs.add_parser("list", help="print all: what each is, and why it is there")
    for verb, text in (
        ("retry", "it goes on where it was, and comes back where that fails again"),
        ("drop", "the end of it; its originator is told where that could not be done before"),
    ):
        one = verbs.add_parser(verb, help=text)
        one.add_argument("ids", metavar="ID", nargs="*", type=row_id, help="as `quarantine list` says them")
        one.add_argument("--all", action="store_true", help="all that is there")
    add_store(*verbs.choices.values())


def main(args, fail):
    verb = args.gateway_verb
    if verb != "list" and bool(args.ids) == args.all:
        return fail("quarantine %s: give the IDs that `quarantine list` says, or --all" % verb)
    store = open_store(args)
    try:
        if verb == "list":
            return _list(store)
        quarantine = Server(store, Settings(), _say).quarantine
        with store.transaction():
            ids = [each["id"] for each in quarantine.listed()] if args.all else args.ids
            missing = [id_ for id_ in ids if store.aside(id_) is None]
            if missing:
                return fail("there is no %d in %s: see `quarantine list`" % (missing[0], args.store))
            for id_ in ids:
                getattr(quarantine, verb)(id_, time.time())
    finally:
        store.close()
    return 0


def _list(store):
    for each in Server(store, Settings()).quarantine.listed():
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(each["at"]))
        told = "" if each["told"] else " Its originator could not be told yet."
        print("%d  %s  %s%s" % (each["id"], when, _line({"event": "quarantined", **each}), told))
    return 0


def _say(event, **fields):
    print(_line({"event": event, **fields}))


def _line(record):
    return " ".join(sentence(record).split())
