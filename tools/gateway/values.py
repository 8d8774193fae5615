# SPDX-License-Identifier: MIT
"""The values of options, read from their text. What cannot be read raises ArgumentTypeError, with what it should be."""

import argparse
import re
import urllib.parse

from tools.gateway.commands.shared import http_uri
from tools.gateway.function.settings import ALL, REGISTERED
from tools.page import turning
from tools.server.hosts import address_of, name_of
from tools.server.settings import PORT
from tools.words import in_words


def add_events(add):
    """The options of a program's events; `events_of` opens what they say."""
    add(
        "--events",
        metavar="FILE",
        help="append events as JSON lines; a full file becomes FILE.1, that FILE.2 and so on",
    )
    add(
        "--events-size",
        metavar="MIB",
        type=octets(1, "MiB"),
        default=turning.MEBIBYTES,
        help="of one such file (%(default)s)",
    )
    add(
        "--events-files",
        metavar="N",
        type=octets(1, "files"),
        default=turning.FILES,
        help="that are there at most; then the oldest goes (%(default)s)",
    )


def events_of(args):
    """The file, or None. Raises OSError, which says what to do."""
    if not args.events:
        return None
    try:
        return turning.TurningFile(args.events, args.events_size << 20, args.events_files)
    except OSError as error:
        raise OSError(
            "cannot write --events %s (%s): give another FILE" % (args.events, in_words(error))
        ) from error


def endpoint(text):
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError("%r is not HOST:PORT" % text)
    return (host.strip("[]") or "0.0.0.0", int(port))


def host(text):
    found = address_of(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
    name = str(found) if found else None if ":" in text else name_of(text)
    if name is None:
        raise argparse.ArgumentTypeError(
            "%r is no name of a host: gateway.example.org, without a port" % text
        )
    return name


def seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1e10:
        raise argparse.ArgumentTypeError("%r is not a number of seconds above 0" % text)
    return value


def octets(lowest, what="octets"):
    def read(text):
        if not re.fullmatch(r"[0-9]{1,12}", text) or int(text) < lowest:
            raise argparse.ArgumentTypeError("%r is not a number of %s from %d" % (text[:64], what, lowest))
        return int(text)

    return read


def base_uri(text):
    """As `http_uri`, and nobody's name in it."""
    if "@" in http_uri(text):
        raise argparse.ArgumentTypeError("%r is not http://HOST or http://HOST:PORT" % text[:64])
    return text.rstrip("/")


def callback_uri(text):
    """As `base_uri`, by a name that the HTTP side can be called by."""
    host(urllib.parse.urlsplit(base_uri(text)).hostname)
    return base_uri(text)


def path_segment(text):
    if not re.fullmatch(r"(?!\.\.?$)[A-Za-z0-9._~@:-]{1,255}", text, re.ASCII):
        raise argparse.ArgumentTypeError("%r is not 1 to 255 letters, digits and . _ ~ @ : -" % text)
    return text


def whom(text):
    if text not in (REGISTERED, ALL):
        raise argparse.ArgumentTypeError("%r is neither %s nor %s" % (text, REGISTERED, ALL))
    return text


def server_uri(text):
    """(host, port) of a coap: URI."""
    try:
        parts = urllib.parse.urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts = host = None
    if not host or parts.scheme != "coap" or parts.path not in ("", "/") or parts.query or parts.username:
        raise argparse.ArgumentTypeError("%r is not coap://HOST or coap://HOST:PORT" % text)
    return host, PORT if port is None else port
