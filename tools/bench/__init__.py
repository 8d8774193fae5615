# SPDX-License-Identifier: MIT
"""msgin5g bench: what things cost, each figure beside its limit and, where there is one, beside that of a peer."""

import importlib
import json
import sys
import traceback
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tools.bench import charts, limits, readme, results
from tools.bench.peers import packages
from tools.bench.row import Row
from tools.errors import UsageError
from tools.words import counted

# By the name that the command takes: the room of the module with measure() -> rows, and the title of its table.
PARTS = {
    "rp2040": ("device", "Memory on the RP2040, emulated"),
    "heap": ("device", "Where the heap of a Client goes, RP2040, emulated"),
    "imported": ("device", "What importing `coap` costs a device"),
    "request": ("device", "A GET by `coap.aio.Context` on the RP2040, emulated"),
    "line": ("device", "The RP2040 on a line of 115200 baud, in its own time"),
    "sleep": ("device", "A day of the RP2040, in its own time"),
    "instructions": ("device", "Work of the interpreter, unix port"),
    "loss": ("device", "Messages on a network that loses, in virtual time"),
    "clients": ("peers", "A message of 100 octets, and what others need for it"),
    "air": ("peers", "Octets on the air"),
    "oscore": ("device", "What OSCORE costs"),
    "signature": ("device", "The signature of an update, verified"),
    "broker": ("peers", "Messages that an MQTT broker accepts"),
    "flat": ("server", "What a message costs the server, by what is there besides"),
    "parallel": ("server", "Application Servers side by side"),
    "devices": ("server", "What registered devices cost the server"),
    "accepted": ("server", "Messages accepted, each on the disk"),
    "flood": ("server", "A device in a flood of forged datagrams"),
}
# Measured where asked for: times of this computer, which is busy or not, and what says where a figure comes from
BY_NAME = {"flood", "heap"}


def add_arguments(parser):
    default = "all but " + " and ".join(sorted(BY_NAME))
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: {default})")
    parser.add_argument("--json", action="store_true", help="one line of JSON a row")
    parser.add_argument(
        "--against", metavar="FILE", type=Path, help="a bench.json of another run, to compare this one with"
    )
    parser.add_argument(
        "--readme",
        action="store_true",
        help=f"measure nothing: write the figures of {results.shown()} into README.md and pages of docs",
    )
    parser.add_argument(
        "--peers",
        metavar="FOLDER",
        type=Path,
        help=f"packages of MicroPython to compare with: {packages.NAMES}",
    )
    parser.epilog = (
        f"Figures go to {results.shown()}, charts lie beside it. Ends with 1 where a limit is not kept, or, where it "
        "is known not to be, what was held; where a part could not be measured; and with --against where an exact "
        "figure differs, or a ratio by more than 10 %."
    )


def main(args):
    for part in args.parts:
        if part not in PARTS:
            raise UsageError(f"bench: no part {part}; there are {', '.join(PARTS)}")
    if args.readme:
        readme.write(results.load(results.PATH))
        return 0
    packages.take(args.peers)
    # Before it is written to: it may be the same file.
    before = results.load(args.against) if args.against else None
    parts = args.parts or [part for part in PARTS if part not in BY_NAME]
    good = [_measure(part, args.json) for part in parts]
    charts.write(results.load(results.PATH), results.PATH.parent)
    if before is not None:
        differences = results.differences(results.load(results.PATH), before, parts)
        for difference in differences:
            print(f"bench: {difference}", file=sys.stderr)
        if not args.json:
            print(f"bench: {counted(len(differences), 'difference')} from {args.against}")
        good.append(not differences)
    return 0 if all(good) else 1


def _measure(part, as_json):
    """Measures a part, says and keeps it. False where something is not as it has to be."""
    room, title = PARTS[part]
    rows = []
    try:
        for row in importlib.import_module(f"tools.bench.{room}.{part}").measure():
            rows.append(row)
            if as_json:
                print(json.dumps({"part": part, **row.as_json()}), flush=True)
        results.keep(part, title, rows)
    except Exception as error:  # the other parts go on
        if not isinstance(error, UsageError):
            traceback.print_exc()
        print(f"bench: {part} could not be measured. {error}", file=sys.stderr, flush=True)
        return False
    if not as_json:
        Console(highlight=False).print(table(title, rows))
    return all(row.good for row in rows)


def table(title, rows):
    made = Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD, expand=True)
    made.add_column("what", ratio=1)
    made.add_column("measured", justify="right")
    made.add_column("limit", justify="right")
    made.add_column("")
    for row in rows:
        made.add_row(escape(row.what), row.figure, row.budget, "" if row.kept else "[bold red]NOT KEPT")
    made.caption = escape("\n".join(dict.fromkeys(row.note for row in rows if row.note)))
    return made
