# SPDX-License-Identifier: MIT
"""`group add|list|remove` of the programs with an MSGin5G Server: groups that an administrator makes, as UEs make
theirs by TS 24.544."""

import argparse
import time

from tools.cli.parser import renamed
from tools.gateway.commands.shared import add_store, opened, service_id
from tools.server.elsewhere import home_domain
from tools.server.procedures.groups.documents import MAX_MEMBERS
from tools.store.server.grouptables import ADMINISTRATOR, EXPLICIT, IMPLICIT, NORMAL, Member
from tools.wire.outside import utf8
from tools.words import counted


def _name(text):
    if not 1 <= len(utf8(text) or b"") <= 255:
        raise argparse.ArgumentTypeError("a name is 1 to 255 octets")
    return text


def add_arguments(actions):
    parser = actions.add_parser(
        "group",
        help="groups of UEs and Application Servers: group add ID MEMBER..., group list, group remove ID",
    )
    verbs = parser.add_subparsers(dest="gateway_verb", required=True)
    add = verbs.add_parser(
        "add", help="make a group, or add members to it; one that is there becomes what is said"
    )
    add.add_argument("group", metavar="ID", type=service_id, help="its Group Service ID")
    add.add_argument("--name", metavar="TEXT", type=_name, help="what people call it")
    administrator = add.add_argument(
        "--administrator",
        metavar="MEMBER",
        type=service_id,
        action="append",
        default=[],
        help="a member that may change and delete it; several times for several",
    )
    renamed(add, "--admin", administrator)
    add.add_argument(
        "--explicit", action="store_true", help="each MEMBER has to join before it gets anything"
    )
    add.add_argument("member", metavar="MEMBER", nargs="+", type=service_id, help="UE or AS Service ID")
    remove = verbs.add_parser("remove", help="forget a group; with MEMBER only that it is a member")
    remove.add_argument("group", metavar="ID", type=service_id)
    remove.add_argument("member", metavar="MEMBER", nargs="*", type=service_id)
    add_store(add, remove, verbs.add_parser("list", help="print all, with their members"))


def main(args, fail):
    """Gives the exit code, that of `fail(sentence)` where it is not done. Raises StoreError."""
    with opened(args) as store:
        return {"add": _add, "remove": _remove, "list": _list}[args.gateway_verb](store, args, fail)


def _add(store, args, fail):
    wanted = dict.fromkeys(args.member, EXPLICIT if args.explicit else IMPLICIT)
    wanted |= dict.fromkeys(args.administrator, ADMINISTRATOR)
    group = store.group_of_id(args.group)
    before = {member.id: member for member in store.members(group.document)} if group else {}
    if len(wanted.keys() | before.keys()) > MAX_MEMBERS:
        return fail("a group has at most %d members" % MAX_MEMBERS)
    facts = dict(group.facts if group else {}, **({"groupName": args.name} if args.name else {}))
    new = [_member(before.get(id_), id_, type_) for id_, type_ in wanted.items()]
    if group is None:
        store.add_group(args.group, NORMAL, None, time.time(), facts, new)
        print("added %s with %s" % (args.group, counted(len(new), "member")))
    else:
        store.change_group(group.document, facts, (before | {member.id: member for member in new}).values())
        added = len(wanted.keys() - before.keys())
        print("%s was there; added to it: %s" % (args.group, counted(added, "member")))
    for id_ in wanted:
        if not _is_known(store, id_):
            print("%s is not known yet: nothing is kept for it before it is" % id_)
    return 0


def _is_known(store, id_):
    """Served here, or behind who is told what is for it."""
    here = store.known(id_) or store.application_server(id_) is not None
    domain = home_domain(id_)
    return here or store.message_gateway_of(id_, domain) is not None or store.peer(domain) is not None


def _member(before, id_, type_):
    return Member(id_, type_, before.registered, before.entry, before.sent) if before else Member(id_, type_)


def _remove(store, args, fail):
    group = store.group_of_id(args.group)
    if group is None:
        return fail("%s is not in %s: see `group list`" % (args.group, args.store))
    if not args.member:
        store.remove_group(group.document)
        print("removed %s" % args.group)
        return 0
    missing = [id_ for id_ in args.member if store.member(group.document, id_) is None]
    if missing:
        return fail("%s is no member of %s: see `group list`" % (missing[0], args.group))
    for id_ in args.member:
        gone = store.remove_member(group.document, id_)
        waited = ", and %s that waited for it" % counted(gone, "message") if gone else ""
        print("removed %s from %s%s" % (id_, args.group, waited))
    return 0


def _list(store, args, fail):
    for group in store.groups():
        name = group.facts.get("groupName")
        by = "made by %s" % group.creator if group.creator else ""
        print(group.id, group.category, *([repr(name)] if name else []), *([by] if by else []))
        for member in store.members(group.document):
            joined = " (joined)" if member.registered else ""
            print("  %s %s%s" % (member.id, member.type, joined))
    return 0
