# SPDX-License-Identifier: MIT
"""msgin5g store: a store copied whole to another place, and taken back."""

from contextlib import closing

from tools.errors import UsageError
from tools.store.engine.copying.copy import copy, take_back
from tools.store.faults import StoreError
from tools.store.opening import is_postgres, masked, open_store
from tools.words import counted

_STORE = "sqlite:FILE, a file's name, or postgresql://USER@HOST/DATABASE"


def add_arguments(parser):
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    moving = verbs.add_parser(
        "copy",
        help="all of a store into an empty one, which is the store from then on",
        description="All of a store into an empty one, which is the store from then on: nobody serves from either"
        " meanwhile, and from the old one no more until it is taken back.",
    )
    moving.add_argument("store", metavar="FROM", help=_STORE)
    moving.add_argument("to", metavar="TO", help="the same; it is made where it is a file")
    moving.set_defaults(verb=_copy)
    back = verbs.add_parser(
        "take-back",
        help="lets a store that was copied be served again",
        description="Lets a store that was copied be served again. What happened in the other one since then is not in"
        " it.",
    )
    back.add_argument("store", metavar="STORE", help=_STORE)
    back.set_defaults(verb=_take_back)
    restored = verbs.add_parser(
        "restored",
        help="a database was put back from a backup: no number of a key is used twice",
        description="After a database of PostgreSQL was put back from a backup, before any node serves from it: the"
        " numbers of all keys go ahead, and each device is asked once whether its request is new.",
    )
    restored.add_argument("store", metavar="STORE", help="postgresql://USER@HOST/DATABASE")
    restored.set_defaults(verb=_restored)


def main(args):
    try:
        return args.verb(args)
    except StoreError as error:
        raise UsageError(str(error)) from None


def _copy(args):
    counts, keys = copy(args.store, args.to)
    for name, count in sorted(counts.items()):
        print("%9s %s" % (f"{count:,}", name))
    print(
        "%s has all of %s: %s in %s, the numbers of %s gone ahead"
        % (
            masked(args.to),
            masked(args.store),
            counted(sum(counts.values()), "row"),
            counted(len(counts), "table"),
            counted(keys, "key"),
        )
    )
    print("serve from it: msgin5g server --store %s" % masked(args.to))
    return 0


def _restored(args):
    if not is_postgres(args.store):
        raise UsageError(
            "%s is a file, which notices by itself that it was put back (docs/security.md): give the URI of a database"
            % args.store
        )
    with closing(open_store(args.store, serving=False, create=False)) as store:
        told = store.restore()
    print(
        "%s: the numbers of %s gone ahead by %s"
        % (told["store"], counted(told["keys"], "key"), f"{told['ahead']:,}")
    )
    return 0


def _take_back(args):
    where = take_back(args.store)
    if where is None:
        print("%s was not copied: it can be served" % masked(args.store))
    else:
        print("%s can be served again: never serve from %s any more" % (masked(args.store), where))
    return 0
