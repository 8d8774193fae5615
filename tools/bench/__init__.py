# SPDX-License-Identifier: MIT
"""msgin5g bench: the measured table of the README. Each row is a figure beside the budget that it has to keep."""

import importlib
import json
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tools.errors import UsageError

# Modules with measure() -> rows, by the name that the command takes.
PARTS = {
    "rp2040": "Memory on the RP2040, emulated",
    "imported": "What importing `coap` costs a device",
    "request": "A GET by `coap.aio.Context` on the RP2040, emulated",
    "line": "The RP2040 on a line of 115200 baud, in its own time",
    "sleep": "A day of the RP2040, in its own time",
    "instructions": "Work of the interpreter, unix port",
    "air": "Octets on the air",
    "oscore": "What OSCORE costs",
    "flood": "A device in a flood of forged datagrams",
}
BY_NAME = {"flood"}  # times of this computer, which is busy or not: measured where it is asked for


@dataclass
class Row:
    what: str
    measured: float
    unit: str
    budget: float | None = None  # at most, or at least where `least`
    least: bool = False
    why: str = ""  # the budget is known not to be kept

    @property
    def kept(self):
        if self.budget is None:
            return True
        return self.measured >= self.budget if self.least else self.measured <= self.budget


def add_arguments(parser):
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all but flood)"
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON a row")
    parser.epilog = "Ends with 1 where a budget is not kept and no reason is known."


def main(args):
    for part in args.parts:
        if part not in PARTS:
            raise UsageError(f"bench: no part {part}; there are {', '.join(PARTS)}")
    console = Console(highlight=False)
    good = True
    for part in args.parts or [part for part in PARTS if part not in BY_NAME]:
        rows = []
        for row in importlib.import_module(f"tools.bench.{part}").measure():
            rows.append(row)
            if args.json:
                print(json.dumps({"part": part, **vars(row), "kept": row.kept}), flush=True)
        if not args.json:
            console.print(table(PARTS[part], rows))
        good = good and all(row.kept or row.why for row in rows)
    return 0 if good else 1


def table(title, rows):
    made = Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD, expand=True)
    made.add_column("what", ratio=1)
    made.add_column("measured", justify="right")
    made.add_column("budget", justify="right")
    made.add_column("")
    for row in rows:
        limit = ""
        if row.budget is not None:
            limit = f"{'>=' if row.least else '<='} {row.budget:,} {row.unit}"
        measured = f"{row.measured:,} {row.unit}"
        made.add_row(escape(row.what), measured, limit, "" if row.kept else "[bold red]NOT KEPT")
    made.caption = escape("\n".join(f"not kept: {row.why}" for row in rows if row.why and not row.kept))
    return made
