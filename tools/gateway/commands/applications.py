# SPDX-License-Identifier: MIT
"""`msgin5g gateway application` and `msgin5g gateway target`: provisions Application Clients of MSGin5G-5."""

import argparse
import contextlib
import ipaddress
import re

from tools.gateway.applications import digest
from tools.gateway.commands.shared import BEHIND, add_store, from_stdin, opened, service_id
from tools.store.gateway.apptables import app_id_of
from tools.wire.bodies import is_service_id
from tools.words import why


def add_arguments(actions):
    application = actions.add_parser(
        "application",
        help="provision Application Clients on other UEs: application add APP_ID, list, remove APP_ID",
    )
    verbs = application.add_subparsers(dest="gateway_verb", required=True)
    add = verbs.add_parser("add", help="let it register, in place of an earlier one of this Application ID")
    add.add_argument("app_id", metavar="APP_ID", type=_app_id)
    add.add_argument(
        "--ue",
        metavar="ID",
        type=service_id,
        required=True,
        help="the UE Service ID it gets; several may have one",
    )
    add.add_argument(
        "--credential-file",
        metavar="FILE",
        required=True,
        help="its credential as hexadecimal digits, as in the device's msgin5g.json; - reads standard input",
    )
    verbs.add_parser("remove", help="forget it").add_argument("app_id", metavar="APP_ID", type=_app_id)
    verbs.add_parser("list", help="print all")
    target = actions.add_parser(
        "target", help="which service ID an FQDN, IPv4 or IPv6 address of an L3 message stands for"
    )
    target_verbs = target.add_subparsers(dest="gateway_verb", required=True)
    add = target_verbs.add_parser("add", help="in place of an earlier one of this address")
    add.add_argument("address", metavar="ADDRESS", type=_address)
    add.add_argument("service_id", metavar="SERVICE_ID", type=service_id)
    target_verbs.add_parser("remove", help="forget it").add_argument(
        "address", metavar="ADDRESS", type=_address
    )
    target_verbs.add_parser("list", help="print all")
    add_store(*verbs.choices.values(), *target_verbs.choices.values())


def main(args, fail):
    credential = None
    if args.gateway_action == "application" and args.gateway_verb == "add":
        try:
            credential = bytes.fromhex(_content(args.credential_file))
        except (OSError, ValueError) as error:
            return fail("--credential-file %s: %s" % (args.credential_file, why(error)))
        if not 1 <= len(credential) <= 65535:
            return fail("a credential has 1 to 65535 octets")
    with opened(args) as store:
        if args.gateway_action == "target":
            return _target(store, args, fail)
        return _application(store, args, credential, fail)


def _content(file):
    if file == "-":
        return from_stdin(lambda stdin: stdin.read())
    with open(file, encoding="ascii") as opened:
        return opened.read()


def _application(store, args, credential, fail):
    if args.gateway_verb == "list":
        for each in store.applications():
            print(each.app_id, each.ue, "registered at %s" % each.identifier if each.identifier else "")
        return 0
    if args.gateway_verb == "remove":
        if not store.remove_application(args.app_id):
            return fail("there is no application %s: see `application list`" % args.app_id)
        print("removed %s" % args.app_id)
        return 0
    if store.is_behind_message_gateway(args.ue):
        return fail(BEHIND % args.ue)
    before = store.application(args.app_id)
    add(store, args.app_id, args.ue, credential)
    again = "; it has to register again"
    instead = " in place of " + before.ue + again if before and before.ue != args.ue else ""
    if before and before.ue == args.ue and before.identifier is not None:
        instead = again
    print("added %s as %s%s" % (args.app_id, args.ue, instead))
    return 0


def add(store, app_id, ue, credential):
    """Lets the application register as `ue`, in place of an earlier one of this Application ID."""
    store.add_application(app_id, ue, digest(credential))
    store.add_device(ue)


def _target(store, args, fail):
    if args.gateway_verb == "list":
        for address, service_id in store.targets():
            print(address, service_id)
        return 0
    if args.gateway_verb == "remove":
        if not store.remove_target(args.address):
            return fail("there is no target %s: see `target list`" % args.address)
        print("removed %s" % args.address)
        return 0
    store.add_target(args.address, args.service_id)
    print("%s stands for %s" % (args.address, args.service_id))
    return 0


def _app_id(text):
    if not is_service_id(text):
        raise argparse.ArgumentTypeError(
            "an Application ID is a number from 0 to 65535, or (for devices with CoAP) text of 1 to 255 octets"
            " without control characters"
        )
    return app_id_of(text)


def _address(text):
    """The target as L3 messages name it: addresses in their one form, names in lower case."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(text))
    if not re.fullmatch(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*", text) or not 3 <= len(text) <= 253:
        raise argparse.ArgumentTypeError("%r is no FQDN, IPv4 or IPv6 address" % text)
    return text.lower()
