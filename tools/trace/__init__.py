# SPDX-License-Identifier: MIT
"""msgin5g trace: one line for each message of a capture or of a serial line."""

import argparse
import collections
import os
import sys
import time

from tools.errors import UsageError
from tools.gateway import keys as key_files
from tools.trace import sources
from tools.trace.reader import Reader
from tools.words import with_name

EPILOG = """
SOURCE is
  FILE   a capture, pcap or pcapng, of UDP; or the octets of a serial line as they came (slipmux)
  -      a capture that comes in:  tshark -i any -f 'udp port 65401' -w - | msgin5g trace -
  PORT   a serial device that listens on the line, /dev/ttyUSB1: one wire has one direction

A line has the time, who spoke to whom, what CoAP says (type, code, message ID, token), what is in it (the kind of
TS 24.538, the beginning of the message ID, segment n/m, "to" or "from" whom), and octets: of the datagram, and of the
payload where there is one. Protected messages are OSCORE and no more, unless --key names the device's key file.
"""


def _within(lowest, highest):
    def read(text):
        if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {lowest} to {highest}")
        return int(text)

    return read


def add_arguments(parser):
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("source", metavar="SOURCE", nargs="+", help="what to read, see below")
    parser.add_argument(
        "--port",
        type=_within(1, 65535),
        default=65401,
        help="UDP port of the gateway in captures (%(default)s)",
    )
    parser.add_argument(
        "--baudrate", type=_within(300, 10_000_000), default=115200, help="of serial devices (%(default)s)"
    )
    parser.add_argument(
        "--key",
        metavar="FILE",
        action="append",
        default=[],
        help="a device's msgin5g.json, or the file of `gateway device add --oscore`; may be given several times",
    )


def main(args):
    try:
        reader = Reader([key_files.read(path) for path in args.key])
    except (key_files.KeyFileError, OSError) as error:
        raise UsageError(f"trace: {with_name(error)}") from None
    counts = collections.Counter()
    for source in args.source:
        try:
            for heard in sources.read(source, args.port, args.baudrate):
                kind, text = reader.text(heard)
                counts[kind] += 1
                print(line(heard, text), flush=True)
        except sources.Unreadable as error:
            raise UsageError(f"trace: {error}") from None
        except BrokenPipeError:  # `| head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    print(f"{counts.total()} messages: {said}" if counts else "nothing was heard", file=sys.stderr)
    return 0


def line(heard, text):
    clock = "-"
    if heard.seconds is not None:
        clock = time.strftime("%H:%M:%S", time.localtime(heard.seconds)) + f".{heard.seconds % 1:.3f}"[2:]
    return f"{clock:12} {heard.way:33} {text}"
