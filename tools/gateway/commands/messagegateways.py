# SPDX-License-Identifier: MIT
"""`l3g add|list|remove` and `n3g add|list|remove`: the Legacy 3GPP and the Non-3GPP Message Gateways that the server
knows, which UEs are behind each, and the bearer token that it speaks with (TS 23.554 clause 5.2)."""

from tools.gateway.commands.shared import add_store, domain, http_uri, opened, service_id
from tools.wire.masking import masked_uri

KINDS = {"l3g": ("L3G", "Legacy 3GPP"), "n3g": ("N3G", "Non-3GPP")}


def add_arguments(actions):
    for name, (_, words) in KINDS.items():
        parser = actions.add_parser(
            name,
            help="%s Message Gateways: %s add ID --uri URI UE..., list, remove ID" % (words, name),
        )
        verbs = parser.add_subparsers(dest="gateway_verb", required=True)
        add = verbs.add_parser(
            "add",
            help="send what is for these UEs to this gateway, in place of an earlier one of this ID; print the token"
            " that it speaks with, this once",
        )
        add.add_argument("--uri", metavar="URI", type=http_uri, required=True, help="where the gateway is")
        remove = verbs.add_parser("remove", help="its UEs are known no more, and its token is void")
        for one in (add, remove):
            one.add_argument("mgw_id", metavar="ID", type=service_id, help="its MGW Service ID")
        add.add_argument(
            "whom",
            metavar="UE|@DOMAIN",
            type=_whom,
            nargs="+",
            help="a UE Service ID, or all in a domain that are known by no other way: @sms.example.org",
        )
        add_store(
            add, remove, verbs.add_parser("list", help="print all, without the tokens: they are kept nowhere")
        )


def _whom(text):
    return "@" + domain(text[1:]) if text.startswith("@") else service_id(text)


def main(args, fail):
    with opened(args) as store:
        return {"add": _add, "remove": _remove, "list": _list}[args.gateway_verb](store, args, fail)


def _add(store, args, fail):
    kind, words = KINDS[args.gateway_action]
    here = next((who for who in args.whom if store.known(who)), None)
    if here is not None:
        return fail("%s is served here: device remove %s first" % (here, here))
    other = store.add_message_gateway(kind, args.mgw_id, args.uri, args.whom)
    if other:
        return fail("%s is behind %s: %s remove %s first" % (other[0], other[2], other[1].lower(), other[2]))
    token, _ = store.add_peer_token(kind, args.mgw_id)
    print("%s is a %s Message Gateway at %s" % (args.mgw_id, words, masked_uri(args.uri)))
    print("for %s" % ", ".join(args.whom))
    print("it speaks with this token, in the header Authorization: Bearer TOKEN")
    print(token)
    return 0


def _remove(store, args, fail):
    kind, _ = KINDS[args.gateway_action]
    if not store.remove_message_gateway(kind, args.mgw_id):
        return fail("there is no %s: see `%s list`" % (args.mgw_id, args.gateway_action))
    print("removed %s" % args.mgw_id)
    return 0


def _list(store, args, fail):
    for gateway, whom in store.message_gateways(KINDS[args.gateway_action][0]):
        print(gateway.id, "at", masked_uri(gateway.uri), "for", ", ".join(whom))
    return 0
