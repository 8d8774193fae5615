# SPDX-License-Identifier: MIT
"""What several commands have in common: kinds of arguments, and the store that they open."""

import argparse
import contextlib
import re
import sys

from tools.page.events import sentence
from tools.server.hosts import name_of
from tools.store import opening
from tools.store.faults import NoStore, StoreError
from tools.wire.bodies import is_service_id
from tools.wire.restreading import is_target

STORE_HELP = (
    "SQLite file that remembers all over a restart (default gateway.db; :memory: forgets);"
    " of a server also postgresql://USER@HOST/DATABASE"
)
BEHIND = "%s is behind a message gateway: see `l3g list` and `n3g list`"
LONGEST_URI = 2048  # octets
LONGEST_DOMAIN = 230  # octets: "ue:", 16 digits and "@" stand before it in a UE Service ID


def service_id(text):
    if not is_service_id(text):
        raise argparse.ArgumentTypeError("a UE Service ID is 1 to 255 octets without control characters")
    return text


def domain(text):
    if name_of(text) != text.lower() or text.startswith("[") or len(text) > LONGEST_DOMAIN:
        raise argparse.ArgumentTypeError("%r is no domain: example.org" % text)
    return text.lower()


def http_uri(text):
    """Address of somebody who is posted to: the path of an API goes behind it."""
    if not is_target(text) or len(text) > LONGEST_URI or set("?#") & set(text):
        words = "%r is no http:// or https:// URI with a host, and without a query or fragment"
        raise argparse.ArgumentTypeError(words % text[:64])
    return text


def row_id(text):
    """Of a row in the store."""
    if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        raise argparse.ArgumentTypeError("%r is no ID: a number" % text[:64])
    return int(text)


def from_stdin(read):
    """What `read(stdin)` gives. Raises OSError where it is closed, ValueError where it is no text."""
    if sys.stdin is None:
        raise OSError("standard input is closed")
    return read(sys.stdin)


def add_store(*parsers):
    """The option that names the store."""
    for parser in parsers:
        parser.add_argument("--store", metavar="FILE", default=argparse.SUPPRESS, help=STORE_HELP)


def open_store(args):
    """The store of a command beside the gateway: only an `add` makes one where there is none. Raises StoreError."""
    try:
        store = opening.open_store(args.store, serving=False, create=args.gateway_verb == "add")
    except NoStore as error:
        names = (
            getattr(args, name, None)
            for name in ("app_id", "address", "ue_id", "ue", "as_id", "group", "mgw_id", "area", "domain")
        )
        name = next((each for each in names if each is not None), None)
        if name is None:
            raise
        raise StoreError("there is no %s %s: %s" % (args.gateway_action, name, error)) from None
    for event, fields in store.news():
        print(sentence({"event": event, **fields}), file=sys.stderr, flush=True)
    return store


@contextlib.contextmanager
def opened(args):
    """That store, in one transaction of it, for as long as a command is at work. Raises StoreError."""
    store = open_store(args)
    try:
        with store.transaction():
            yield store
    finally:
        store.close()
