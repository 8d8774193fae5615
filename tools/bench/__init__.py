# SPDX-License-Identifier: MIT
"""msgin5g bench: the measured table of the README. Each row is a figure beside its limit."""

import importlib
import json
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tools.bench import limits
from tools.errors import UsageError

# By the name that the command takes: the room of the module with measure() -> rows, and the title of its table.
PARTS = {
    "rp2040": ("device", "Memory on the RP2040, emulated"),
    "imported": ("device", "What importing `coap` costs a device"),
    "request": ("device", "A GET by `coap.aio.Context` on the RP2040, emulated"),
    "line": ("device", "The RP2040 on a line of 115200 baud, in its own time"),
    "sleep": ("device", "A day of the RP2040, in its own time"),
    "instructions": ("device", "Work of the interpreter, unix port"),
    "air": ("peers", "Octets on the air"),
    "oscore": ("device", "What OSCORE costs"),
    "flood": ("server", "A device in a flood of forged datagrams"),
}
BY_NAME = {"flood"}  # times of this computer, which is busy or not: measured where it is asked for


@dataclass
class Row:
    """A figure. `limit` is the name of its limit in limits.toml; `beside` another figure of the same run, which it may
    not be above."""

    what: str
    measured: float
    unit: str
    limit: str | None = None
    beside: float | None = None

    def __post_init__(self):
        self.known = limits.of(self.limit) if self.limit else None
        if self.known and self.known.unit != self.unit:
            raise UsageError(
                f"bench: {self.what} is in {self.unit}, its limit {self.limit} in {self.known.unit}"
            )

    @property
    def kept(self):
        """Whether it is within its limit."""
        if self.known:
            return self.known.keeps(self.measured)
        return self.beside is None or self.measured <= self.beside

    @property
    def good(self):
        """Whether it is within the limit, or, where that is known not to be kept, within what is held."""
        return self.known.holds(self.measured) if self.known else self.kept

    @property
    def budget(self):
        """The limit as the table has it."""
        if self.known:
            return str(self.known)
        return "" if self.beside is None else f"<= {self.beside:,} {self.unit}"

    @property
    def note(self):
        """What is said where it is not kept."""
        if self.kept or not self.known or not self.known.held:
            return ""
        fallen = "" if self.good else f", and falls behind {self.known.held:,} {self.unit}, which was held"
        return f"not kept: {self.known.why}{fallen}"


def add_arguments(parser):
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all but flood)"
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON a row")
    parser.epilog = "Ends with 1 where a limit is not kept, or where it is known not to be, what was held."


def main(args):
    for part in args.parts:
        if part not in PARTS:
            raise UsageError(f"bench: no part {part}; there are {', '.join(PARTS)}")
    console = Console(highlight=False)
    good = True
    for part in args.parts or [part for part in PARTS if part not in BY_NAME]:
        rows = []
        for row in importlib.import_module(f"tools.bench.{PARTS[part][0]}.{part}").measure():
            rows.append(row)
            if args.json:
                print(json.dumps(as_json(part, row)), flush=True)
        if not args.json:
            console.print(table(PARTS[part][1], rows))
        good = good and all(row.good for row in rows)
    return 0 if good else 1


def as_json(part, row):
    """A row for programs."""
    told = {"part": part, "what": row.what, "measured": row.measured, "unit": row.unit, "kept": row.kept}
    if row.known:
        told |= {
            "limit": row.limit,
            "least": row.known.least,
            "value": row.known.value,
            "goal": row.known.goal,
        }
    return told


def table(title, rows):
    made = Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD, expand=True)
    made.add_column("what", ratio=1)
    made.add_column("measured", justify="right")
    made.add_column("limit", justify="right")
    made.add_column("")
    for row in rows:
        measured = f"{row.measured:,} {row.unit}"
        made.add_row(escape(row.what), measured, row.budget, "" if row.kept else "[bold red]NOT KEPT")
    made.caption = escape("\n".join(row.note for row in rows if row.note))
    return made
