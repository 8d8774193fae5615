# SPDX-License-Identifier: MIT
"""msgin5g trace: a picture of who said what to whom, or one line for each message."""

import argparse
import collections
import itertools
import os
import sys
import time

from tools.cli.parser import renamed
from tools.errors import UsageError
from tools.gateway import keys as key_files
from tools.gateway.values import octets
from tools.trace import material, sources, svg, text
from tools.trace.picture import TooMany
from tools.trace.reader import Reader
from tools.trace.steps import Said, steps
from tools.words import complain, counted, why, with_name

EPILOG = """
SOURCE is
  PORT   a board: the trace that it keeps since console.trace(True); its application is interrupted for that.
         With --wire a serial adapter on one wire of a line, which has one direction
  FILE   what console.trace() printed; a capture, pcap or pcapng, as of `msgin5g gateway --pcap`; the octets of a
         serial line (slipmux); or the JSON of /api/messages/FROM/MSGID
  -      a capture that comes in:  tshark -i any -f 'udp port 65401' -w - | msgin5g trace --from -

In a picture what was sent again is one arrow with x and how often, the segments of a message are one arrow. A line of
--lines has the time, who spoke to whom, what CoAP says (type, code, message ID, token), what is in it (the kind of
TS 24.538, the beginning of the message ID, segment n/m, "to" or "from" whom), and octets. Protected messages are OSCORE
and no more, unless --key or --store has their keys.
"""
MOST = 20000  # messages of one picture


def _end(port):
    def read(given):
        host, colon, number = given.rpartition(":")
        host = host.strip("[]") or None
        if not (number.isascii() and number.isdigit() and 1 <= int(number) <= 65535):
            raise argparse.ArgumentTypeError(f"{given!r} is no {port}: a port from 1 to 65535, or HOST:PORT")
        return host, int(number)

    return read


def add_arguments(parser):
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    add = parser.add_argument
    add("--from", dest="source", metavar="SOURCE", help="what to read, see below")
    add("of_before", metavar="SOURCE", nargs="*", help=argparse.SUPPRESS)  # the first version had no --from
    add("--svg", metavar="FILE", help="draw the picture as SVG into this file")
    add(
        "--title",
        metavar="TEXT",
        help="of that picture, for who cannot see it (default: the name of what is drawn)",
    )
    add("--lines", action="store_true", help="one line for each message in place of a picture")
    add("--device", metavar="HOST:PORT", help="of a capture with several devices, the one to draw")
    add("--wire", action="store_true", help="the port is one wire of a line")
    add("--baudrate", metavar="N", type=octets(300), default=115200, help="of that line (%(default)s)")
    coap = add(
        "--coap",
        metavar="HOST:PORT",
        type=_end("gateway"),
        default=(None, 65401),
        help="where the gateway is in captures, or its port alone (default: 65401)",
    )
    renamed(parser, "--port", coap)
    add(
        "--server",
        metavar="HOST:PORT",
        type=_end("server"),
        help="the same of the server, where it is apart from the gateway",
    )
    add(
        "--key",
        metavar="FILE",
        action="append",
        default=[],
        help="a device's msgin5g.json, or the file of `gateway device add --key`; may be given several times",
    )
    add("--store", metavar="FILE", help="a gateway's store: the keys of all its devices")
    add("--payload", action="store_true", help="show the payloads of messages, too")


def main(args):
    try:
        keys = [key_files.read(path) for path in args.key]
        keys += material.keys_of_store(args.store) if args.store else []
    except (key_files.KeyFileError, OSError, ValueError) as error:
        raise UsageError(f"trace: {with_name(error)}") from None
    reader = Reader(keys, args.payload)
    ends = sources.Ends(args.coap, args.server)
    if not args.source:
        return _as_before(args, ends, reader)
    return _shown(args, ends, reader)


def _as_before(args, ends, reader):
    """As the first version took it: a line for each message of each SOURCE, and a port was a wire of a line."""
    if not args.of_before:
        raise UsageError("trace: --from is missing: what to read (see msgin5g trace --help)")
    print(
        "msgin5g: SOURCE is named with --from now, with --lines, a wire of a line with --wire",
        file=sys.stderr,
    )
    args.lines = True
    for source in args.of_before:
        args.source, args.wire = source, sources.is_port(source)
        _shown(args, ends, reader)
    return 0


def _shown(args, ends, reader):
    try:
        if args.wire or args.source == "-":
            return _lines(
                args, map(reader.read, sources.read(args.source, ends, args.wire and args.baudrate))
            )
        found = material.read(args.source, ends, reader)
        if args.lines:
            if found.steps is not None:
                raise UsageError("trace: a message's life has no lines: leave --lines out")
            return _lines(args, found.said)
        return _picture(args, found)
    except sources.Unreadable as error:
        raise UsageError(f"trace: {error}") from None


def _lines(args, said):
    counts = collections.Counter()
    for each in said:
        if isinstance(each, Said):
            counts[each.kind] += 1
            print(line(each), flush=True)
    words = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    print(
        f"{counted(counts.total(), 'message')}: {words}" if counts else "nothing was heard", file=sys.stderr
    )
    return 0


def line(said):
    clock = "-"
    if said.seconds is not None:
        clock = time.strftime("%H:%M:%S", time.localtime(said.seconds)) + f".{said.seconds % 1:.3f}"[2:]
    return f"{clock:12} {said.way:33} {said.text}"


def _picture(args, found):
    rows = found.steps
    if rows is None:
        said = _before_damage(found)
        if len(said) > MOST:
            raise UsageError(
                f"trace: {args.source} has more than {MOST} messages: use --lines, or capture less"
            )
        if any(isinstance(each, Said) and not each.to for each in said):
            raise UsageError(
                f"trace: {args.source} has the octets of a line, which say not who spoke: use --lines"
            )
        rows = steps(material.of_device(said, args.device))
    if not rows:
        raise UsageError(f"trace: nothing was said in {args.source}")
    try:
        if args.svg:
            title = args.title or f"{os.path.basename(args.source)}: {counted(len(rows), 'step')}"
            _write(args.svg, svg.draw(rows, title))
        else:
            for each in text.draw(rows):
                print(each)
    except TooMany as who:
        raise UsageError(
            f"trace: more devices than a picture has room for: --device HOST:PORT names one of {who}"
        ) from None
    if found.missing:
        complain(f"trace: {found.missing}")
    return 0


def _before_damage(found):
    """What was said, MOST and one more at the most. A capture whose end is damaged, by a power cut, has a beginning."""
    said = []
    try:
        said.extend(itertools.islice(found.said, MOST + 1))
    except sources.Unreadable as error:
        if not said:
            raise
        found.missing = f"{error}; drawn is what stands before that"
    return said


def _write(path, drawn):
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(drawn)
    except OSError as error:
        raise UsageError(f"trace: --svg {path}: {why(error)}") from None
