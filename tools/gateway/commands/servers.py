# SPDX-License-Identifier: MIT
"""`msgin5g gateway as`: a bearer token for each Application Server that may speak over HTTP."""

import time

from tools.gateway.commands.shared import add_store, opened, service_id
from tools.wire.masking import masked_uri

LAST = (
    "no token is left: where --http is a loopback address, every program on this machine may be any Application"
    " Server again"
)


def add_arguments(actions):
    parser = actions.add_parser(
        "as", help="bearer tokens of Application Servers: as add ID, as list, as remove ID"
    )
    verbs = parser.add_subparsers(dest="gateway_verb", required=True)
    add = verbs.add_parser("add", help="make its token, in place of an earlier one, and print it, this once")
    remove = verbs.add_parser("remove", help="its token is void, and it is not registered any more")
    for one in (add, remove):
        one.add_argument("as_id", metavar="ID", type=service_id, help="the AS Service ID it speaks for")
    listed = verbs.add_parser("list", help="print all, without the tokens: they are kept nowhere")
    add_store(add, remove, listed)


def main(args, fail):
    with opened(args) as store:
        return {"add": _add, "remove": _remove, "list": _list}[args.gateway_verb](store, args, fail)


def _add(store, args, fail):
    first = not store.has_tokens()
    token, had = store.add_token(args.as_id)
    print("%s speaks with this token, in the header Authorization: Bearer TOKEN" % args.as_id)
    print(token)
    if had:
        print("its earlier token is void")
    if first:
        print("from now on every Application Server needs its own")
    registered = store.application_server(args.as_id)
    if registered:
        print("it stays registered at %s, until it registers anew" % masked_uri(registered.target_uri))
    return 0


def _remove(store, args, fail):
    if not store.remove_token(args.as_id):
        return fail("%s has no token: see `as list`" % args.as_id)
    store.remove_as(args.as_id)
    print("removed %s" % args.as_id)
    if not store.has_tokens():
        print(LAST)
    return 0


def _list(store, args, fail):
    for id_, made in store.tokens():
        registered = store.application_server(id_)
        where = (
            "registered at %s" % (masked_uri(registered.target_uri) or "no targetUri") if registered else ""
        )
        print(id_, "token of %s" % time.strftime("%Y-%m-%d %H:%M", time.localtime(made)), where)
    return 0
