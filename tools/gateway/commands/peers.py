# SPDX-License-Identifier: MIT
"""`peer add|list|remove`: the other MSGin5G Servers that this one exchanges messages and topics with (MSGin5G-8), each
by its home service domain, and the bearer tokens of both directions."""

from dataclasses import replace

from tools.gateway.commands.shared import add_store, domain, from_stdin, http_uri, opened
from tools.store.server.peertables import MODES, ONCE, SERVER, PeerServer
from tools.wire.masking import masked_uri
from tools.words import why


def add_arguments(actions):
    parser = actions.add_parser(
        "peer", help="other MSGin5G Servers: peer add DOMAIN --uri URI, peer list, peer remove DOMAIN"
    )
    verbs = parser.add_subparsers(dest="gateway_verb", required=True)
    add = verbs.add_parser(
        "add",
        help="send what is for this domain to that server, and take from it what is of this domain; at first print"
        " the token that it speaks with, this once. Again: change what is given",
    )
    add.add_argument(
        "--uri", metavar="URI", type=http_uri, help="where that server is: needed the first time"
    )
    add.add_argument(
        "--token",
        metavar="TOKEN",
        help="what we speak with there: `peer add` printed it there; - reads it from stdin",
    )
    add.add_argument(
        "--new-token", action="store_true", help="make another token for it: the earlier one is void"
    )
    add.add_argument(
        "--own-domain", dest="own", metavar="DOMAIN", type=domain, help="the domain that we are there"
    )
    add.add_argument(
        "--topics",
        choices=MODES,
        help="how we subscribe to topics of that server: once for all of ours (default), for each of ours, or not",
    )
    remove = verbs.add_parser("remove", help="it is no peer any more, and its token is void")
    for one in (add, remove):
        one.add_argument("domain", metavar="DOMAIN", type=domain, help="its home service domain")
    add_store(add, remove, verbs.add_parser("list", help="print all, without the tokens"))


def main(args, fail):
    with opened(args) as store:
        return {"add": _add, "remove": _remove, "list": _list}[args.gateway_verb](store, args, fail)


def _add(store, args, fail):
    before = store.peer(args.domain)
    if before is None and args.uri is None:
        return fail("%s is no peer yet: say where it is, --uri URI" % args.domain)
    if args.own == args.domain:
        return fail("--own-domain is the domain of this server, not %s" % args.domain)
    try:
        token = from_stdin(lambda stdin: stdin.readline().strip()) if args.token == "-" else args.token
    except (OSError, ValueError) as error:
        return fail("--token -: %s" % why(error))
    if token is not None and not (token.isascii() and token.isprintable() and token and " " not in token):
        return fail("--token is no bearer token: `peer add` printed it at the other server")
    peer = before or PeerServer(args.domain, args.uri, None, "", ONCE)
    given = {"uri": args.uri, "token": token, "own": args.own, "topics": args.topics}
    peer = replace(peer, **{name: value for name, value in given.items() if value is not None})
    store.set_peer(peer)
    print("%s is at %s" % (peer.domain, masked_uri(peer.uri)))
    if before is None or args.new_token:
        made, had = store.add_peer_token(SERVER, peer.domain)
        while made.startswith("-"):  # it would be read as an option where it is given
            made, _ = store.add_peer_token(SERVER, peer.domain)
        print(
            "it speaks with this token, in the header Authorization: Bearer TOKEN; there: peer add --token TOKEN"
        )
        print(made)
        if had:
            print("its earlier token is void")
    if peer.token is None:
        print("it does not know us yet: give the token that `peer add` prints there, --token TOKEN")
    return 0


def _remove(store, args, fail):
    if not store.remove_peer(args.domain):
        return fail("%s is no peer: see `peer list`" % args.domain)
    print("removed %s" % args.domain)
    return 0


def _list(store, args, fail):
    for peer in store.peers():
        print(
            peer.domain,
            "at",
            masked_uri(peer.uri),
            "token given" if peer.token else "no token yet",
            "topics %s" % peer.topics,
            *(["as %s" % peer.own] if peer.own else []),
        )
    return 0
