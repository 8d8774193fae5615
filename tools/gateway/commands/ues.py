# SPDX-License-Identifier: MIT
"""`ue add|list|remove` of the programs with an MSGin5G Server: what a UE is told that knows no more than its UE ID
(TS 24.538 clause 6.2), one at a time or from a list."""

import argparse
import csv
from urllib.parse import urlsplit

from tools.cli.parser import renamed
from tools.gateway import keys as key_files
from tools.gateway.commands.shared import add_store, domain, opened, service_id
from tools.store.gateway.rekeytables import BROUGHT, REFUSED, WAITING
from tools.store.server.configtables import UeConfiguration
from tools.wire import ueconfig
from tools.wire.bodies import is_service_id
from tools.words import counted, why

# of a list, named as the options are
COLUMNS = ("ue_id", "ue", "server", "segment_size", "vendor", "type")
LARGEST_SEGMENT = 2048  # octets, TS 23.554 clause 8.5.1
MAX_TOLD = 20
MAX_LINES = 100_000
LOCAL = "localdomain"  # the domain of UE Service IDs that are made where none is given


class WrongUse(Exception):
    """The sentence says what to do."""


# ---- what is allowed -------------------------------------------------------------------------------------------------


def ue_id(text):
    if not ueconfig.is_ue_id(text):
        raise argparse.ArgumentTypeError(
            "a UE ID is 1 to %d octets of text without control characters, and this is %r"
            % (ueconfig.LONGEST_UE_ID, text[:32])
        )
    return text


def server_uri(text):
    """Address of an MSGin5G Server, as devices take it."""
    try:
        parts = urlsplit(text)
        host, port, rest = (
            parts.hostname,
            parts.port,
            (parts.path, parts.query, parts.fragment, parts.username),
        )
    except ValueError:
        host = None
    printable = is_service_id(text) and text.isascii() and " " not in text
    if host is None or parts.scheme != "coap" or any(rest) or port == 0 or not printable:
        raise argparse.ArgumentTypeError(
            "%r is no address of a server: coap://HOST or coap://HOST:PORT" % text
        )
    return text


def segment_size(text):
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= LARGEST_SEGMENT):
        raise argparse.ArgumentTypeError(
            "%r is not a number of octets from 1 to %d" % (text, LARGEST_SEGMENT)
        )
    return int(text)


def vendor(text):
    if not ueconfig.is_vendor(text):
        raise argparse.ArgumentTypeError(
            "a vendor is 1 to %d octets without control characters" % ueconfig.LONGEST_VENDOR
        )
    return text


def tac(text):
    if not ueconfig.is_type(text):
        raise argparse.ArgumentTypeError("%r is no Type Allocation Code, which has 8 digits" % text)
    return text


_READ = dict(zip(COLUMNS, (ue_id, service_id, server_uri, segment_size, vendor, tac), strict=True))


# ---- the commands ----------------------------------------------------------------------------------------------------


def add_arguments(actions):
    parser = actions.add_parser(
        "ue", help="configurations of UEs by their MSGin5G UE IDs: ue add UE_ID, ue list, ue remove UE_ID"
    )
    verbs = parser.add_subparsers(dest="gateway_verb", required=True)
    add = verbs.add_parser(
        "add", help="in place of an earlier one of this UE ID; its UE Service ID may register then"
    )
    add.add_argument("ue_id", metavar="UE_ID", type=ue_id, nargs="?", help="as in ue_id of its msgin5g.json")
    add.add_argument(
        "--csv",
        dest="list",
        metavar="FILE",
        help="many: a line each, the first one names the columns (%s); all of it or nothing"
        % ", ".join(COLUMNS),
    )
    add.add_argument(
        "--ue", metavar="ID", type=service_id, help="its UE Service ID; without it, it keeps or gets one"
    )
    add.add_argument(
        "--domain",
        metavar="DOMAIN",
        type=domain,
        default=LOCAL,
        help="of a UE Service ID that is made here (default %(default)s)",
    )
    add.add_argument(
        "--server",
        metavar="URI",
        type=server_uri,
        help="its MSGin5G Server, coap://HOST:PORT; default: who it asks",
    )
    add.add_argument(
        "--segment-size",
        metavar="N",
        type=segment_size,
        help="largest payload of a segment, 1 to %d" % LARGEST_SEGMENT,
    )
    add.add_argument(
        "--vendor", metavar="TEXT", type=vendor, help="only for a device that says no other vendor"
    )
    add.add_argument(
        "--type", metavar="TAC", type=tac, help="only for a device that says no other type, 8 digits"
    )
    key = add.add_argument(
        "--key",
        metavar="FILE",
        help="its keys, as in the device's msgin5g.json; where FILE is not there, new keys are made for it"
        " (msgin5g provision --ue-id does this and brings them onto the board)",
    )
    renamed(add, "--oscore", key)
    remove = verbs.add_parser("remove", help="forget it; its UE Service ID stays: `device remove` ends that")
    remove.add_argument("ue_id", metavar="UE_ID", type=ue_id)
    verbs.add_parser("list", help="print all, and whose new keys are on their way")
    rekey = verbs.add_parser(
        "rekey",
        help="give devices new keys, by the gateway and under the old ones, which hold until the new ones are used",
    )
    rekey.add_argument("names", metavar="UE", nargs="*", help="UE Service IDs or UE IDs")
    rekey.add_argument("--all", action="store_true", help="of all devices that have a key")
    add_store(*verbs.choices.values())


def main(args, fail):
    """Gives the exit code, that of `fail(sentence)` where it is not done. Raises StoreError, KeyFileError, OSError."""
    try:
        wanted = _wanted(args) if args.gateway_verb == "add" else ()
        with opened(args) as store:
            return _VERBS[args.gateway_verb](store, args, wanted)
    except WrongUse as error:
        return fail(error)


def _wanted(args):
    """What `add` is to add: (line of the list or None, values by column) of each."""
    if (args.ue_id is None) == (args.list is None):
        raise WrongUse("ue add: give one UE ID, or --csv FILE")
    if args.list is None:
        return [(None, {name: getattr(args, name) for name in COLUMNS})]
    given = [name for name in (*COLUMNS[1:], "key") if getattr(args, name) is not None]
    if given:
        raise WrongUse("--%s is for one UE ID; with --csv each line has its own" % given[0].replace("_", "-"))
    return read(args.list)


def read(path):
    """(line, values by column) of each line of a list. Raises WrongUse with every mistake in it."""
    found, mistakes, lines = [], [], {}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, strict=True)
            _check_header(path, table.fieldnames)
            for row in table:
                if len(found) + len(mistakes) >= MAX_LINES:
                    raise WrongUse("%s has more than %d lines: cut it" % (path, MAX_LINES))
                _line(table.line_num, row, lines, found, mistakes)
    except OSError as error:
        raise WrongUse("%s: %s" % (path, why(error))) from None
    except UnicodeDecodeError:
        raise WrongUse("%s is not UTF-8 text" % path) from None
    except csv.Error as error:
        raise WrongUse("%s, line %d: %s" % (path, table.reader.line_num, error)) from None
    _nothing_done(path, mistakes)
    if not found:
        raise WrongUse("%s has no UE below its first line" % path)
    return found


def _check_header(path, names):
    if not names or "ue_id" not in names:
        raise WrongUse(
            "%s, line 1: it must name its columns, ue_id among them; there are %s"
            % (path, ", ".join(COLUMNS))
        )
    for name in names:
        if name not in COLUMNS:
            raise WrongUse("%s, line 1: %r is no column; there are %s" % (path, name, ", ".join(COLUMNS)))
        if names.count(name) > 1:
            raise WrongUse("%s, line 1: column %s is there twice" % (path, name))


def _line(number, row, lines, found, mistakes):
    if None in row:
        mistakes.append((number, "it has more columns than the first line"))
        return
    values = dict.fromkeys(COLUMNS)
    wrong = []
    for name, text in row.items():
        text = (text or "").strip()
        if not text:
            continue
        try:
            values[name] = _READ[name](text)
        except argparse.ArgumentTypeError as error:
            wrong.append((number, "column %s: %s" % (name, error)))
    if not wrong and values["ue_id"] is None:
        wrong.append((number, "column ue_id: is empty"))
    for name in ("ue_id", "ue"):
        value = values[name]
        if value is not None and lines.setdefault((name, value), number) != number:
            wrong.append((number, "column %s: is that of line %d already" % (name, lines[name, value])))
    mistakes += wrong
    if not wrong:
        found.append((number, values))


def _nothing_done(path, mistakes):
    if not mistakes:
        return
    told = ["%s, line %d: %s" % (path, line, what) for line, what in mistakes[:MAX_TOLD]]
    left = len(mistakes) - len(told)
    told += ["and %d more" % left] if left > 0 else []
    raise WrongUse("\n".join([*told, "nothing was done"]))


def _add(store, args, wanted):
    if args.key:
        keys, new = key_files.obtain(store, args.key)
        key_files.add_ue_id(store, args.ue_id, keys, args.key)
    mistakes, made = [], []
    for line, values in wanted:
        before = store.configuration(values["ue_id"])
        one = UeConfiguration(
            values["ue_id"],
            values["ue"] or (before.ue if before else store.service_id_of(values["ue_id"], args.domain)),
            values["server"],
            values["segment_size"],
            values["vendor"],
            values["type"],
        )
        cause = store.put_configuration(one)
        if cause:
            mistakes.append((line, cause))
        made.append((one, before))
    if mistakes and args.list is None:
        raise WrongUse(mistakes[0][1])
    _nothing_done(args.list, mistakes)  # and the transaction is undone
    if args.list is not None:
        print("added %s" % counted(len(made), "UE"))
        return 0
    (one, before), *_ = made
    print("added %s as %s" % (one.ue_id, one.ue))
    if args.key:
        key_files.say(args.key, new)
    if before and before.ue != one.ue:
        print("it was %s, which may still register: device remove %s" % (before.ue, before.ue))
    return 0


def _remove(store, args, wanted):
    before = store.configuration(args.ue_id)
    if not store.remove_configuration(args.ue_id):
        raise WrongUse("%s is not in %s: see `ue list`" % (args.ue_id, args.store))
    print("removed %s" % args.ue_id)
    if before and store.provisioned(before.ue):
        print("%s may still register: device remove %s" % (before.ue, before.ue))
    return 0


def _list(store, args, wanted):
    for each in store.configurations():
        more = [
            "segments of %d" % each.seg_size if each.seg_size else "",
            "at %s" % each.server if each.server else "",
            "vendor %s" % each.vendor if each.vendor else "",
            "type %s" % each.type if each.type else "",
            "assigned to %s" % each.assigned_to if each.assigned_to else "",
            "with a key" if store.key_of_ue_id(each.ue_id) else "",
        ]
        print(each.ue_id, each.ue, *[word for word in more if word])
    for name in store.ue_ids_without_configuration():
        print(name, "has a key and no configuration yet")
    for name, state, cause in store.rekeys():
        print(name, _REKEYED[state] + (": " + cause if cause else ""))
    return 0


_REKEYED = {
    WAITING: "new keys wait for it",
    BROUGHT: "was brought new keys, and has not used them yet",
    REFUSED: "takes no new keys",
}


def _rekey(store, args, wanted):
    if bool(args.names) == args.all:
        raise WrongUse("ue rekey: name UEs, or --all")
    known = store.keys_to_renew()
    digests = list(known)
    if args.names:
        digests = list(dict.fromkeys(_key_of(store, name, known) for name in args.names))
    if not digests:
        raise WrongUse("%s has no device with a key: msgin5g provision, or device add --key" % args.store)
    ids = key_files.free_ids(store.kids_in_use())
    begun = 0
    for digest in digests:
        before = store.rekey(digest)
        if before is None or before.state == REFUSED:
            store.begin_rekey(digest, key_files.renewed(known[digest], next(ids)), 0)
            begun += 1
    if begun:
        print("new keys for %s: each gets them when it can be reached" % counted(begun, "device"))
    if begun < len(digests):
        print("%s on the way already: see `ue list`" % counted(len(digests) - begun, "new key"))
    return 0


def _key_of(store, name, known):
    """The digest of its keys."""
    digest = store.key_of_ue(name) or store.key_of_ue_id(name)
    if digest is None:
        raise WrongUse("%s has no key: see `device list` and `ue list`" % name)
    if digest not in known:
        raise WrongUse("%s is a gateway, which has its keys from a file: device add --gateway --key" % name)
    return digest


_VERBS = {"add": _add, "list": _list, "remove": _remove, "rekey": _rekey}
