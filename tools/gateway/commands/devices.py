# SPDX-License-Identifier: MIT
"""`device add|list|remove` of the programs with an MSGin5G Server: which UE Service IDs may register, which of them
are Gateway UEs, and which may be registered by which of these (TS 23.554 clause 8.2.7)."""

from tools.cli.parser import renamed
from tools.gateway import keys as key_files
from tools.gateway.commands.shared import BEHIND, add_store, opened, service_id


class WrongUse(Exception):
    """The sentence says what to do."""


def add_arguments(actions):
    device = actions.add_parser(
        "device", help="provision UE Service IDs: device add ID, device list, device remove ID"
    )
    verbs = device.add_subparsers(dest="gateway_verb", required=True)
    add = verbs.add_parser("add", help="let it register")
    key = add.add_argument(
        "--key",
        metavar="FILE",
        help="its keys, as in the device's msgin5g.json; where FILE is not there, new keys are made for it"
        " (msgin5g provision does this and brings them onto the board)",
    )
    renamed(add, "--oscore", key)
    add.add_argument(
        "--gateway",
        action="store_true",
        help="it is a Gateway UE: it may register the UEs that are added --via it, and speak for them",
    )
    add.add_argument(
        "--via",
        metavar="GWID",
        type=service_id,
        help="the Gateway UE that may register it; it needs no keys here then",
    )
    add.add_argument("--broadcaster", action="store_true", help="it may send to broadcast areas")
    for one in (add, verbs.add_parser("remove", help="forget it")):
        one.add_argument("ue", metavar="ID", type=service_id)
    verbs.add_parser("list", help="print all")
    for one in verbs.choices.values():
        # SUPPRESS: without it this default would overwrite a --store that stands before `device`.
        add_store(one)


def main(args, fail):
    """Gives the exit code, that of `fail(sentence)` where it is not done. Raises StoreError, KeyFileError, OSError."""
    adds = args.gateway_verb == "add"
    if adds and args.gateway and args.via is not None:
        return fail("--gateway and --via exclude each other: a Gateway UE is behind no other")
    if adds and args.via == args.ue:
        return fail("--via %s: a UE is not behind itself; a Gateway UE is added with --gateway" % args.via)
    try:
        with opened(args) as store:
            return _VERBS[args.gateway_verb](store, args)
    except WrongUse as error:
        return fail(error)


def _list(store, args):
    gateways = set(store.gateways())
    for ue in store.devices():
        behind = store.gateway_of(ue)
        more = " is a gateway" if ue in gateways else " via %s" % behind if behind else ""
        print(ue + more + (" may broadcast" if store.is_broadcaster(ue) else ""))
    return 0


def _remove(store, args):
    known = store.known(args.ue)  # on an open server one is that nobody has added
    if not store.remove_device(args.ue) and not known:
        raise WrongUse("%s is not in %s: see `device list`" % (args.ue, args.store))
    print("removed %s" % args.ue)
    return 0


def _add(store, args):
    ue = args.ue
    _look_first(store, ue, args)
    file = args.key
    if file:
        keys, made = key_files.obtain(store, file)
        added = key_files.add(store, ue, keys, file)
    else:
        added = store.add_device(ue)
    print(("added %s" if added else "%s is there already") % ue)
    if args.gateway:
        store.add_gateway(ue)
        print("%s is a gateway: add the UEs behind it with --via %s" % (ue, ue))
    if args.broadcaster:
        store.add_broadcaster(ue)
        print("%s may broadcast" % ue)
    if args.via is not None:
        store.put_behind(ue, args.via)
        print("%s may be registered by %s" % (ue, args.via))
    if file and made and args.gateway:
        print("new keys in %s: msgin5g gateway --upstream URI --ue %s --upstream-key %s" % (file, ue, file))
    elif file:
        key_files.say(file, made)
    return 0


def _look_first(store, ue, args):
    """Raises WrongUse before anything is made."""
    if store.is_behind_message_gateway(ue):
        raise WrongUse(BEHIND % ue)
    if args.via is not None and not store.is_gateway(args.via):
        raise WrongUse("--via %s: it is no gateway yet: device add %s --gateway" % (args.via, args.via))
    if args.via is not None and store.is_gateway(ue):
        raise WrongUse("%s is a gateway, which is behind no other: device remove %s first" % (ue, ue))
    if args.gateway and store.gateway_of(ue) is not None:
        raise WrongUse(
            "%s is behind %s, so it cannot be a gateway: device remove %s first"
            % (ue, store.gateway_of(ue), ue)
        )


_VERBS = {"add": _add, "list": _list, "remove": _remove}
