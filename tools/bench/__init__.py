# SPDX-License-Identifier: MIT
"""msgin5g bench: the measured table of the README. Each row is a figure beside the budget that it has to keep."""

import json
from dataclasses import dataclass

from tools.errors import UsageError

# Modules with measure() -> rows, by the name that the command takes.
PARTS = ("rp2040",)


@dataclass
class Row:
    what: str
    measured: float
    unit: str
    budget: float | None = None  # at most, or at least where `least`
    least: bool = False

    @property
    def kept(self):
        if self.budget is None:
            return True
        return self.measured >= self.budget if self.least else self.measured <= self.budget


def add_arguments(parser):
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument("--json", action="store_true", help="one line of JSON a row")


def main(args):
    for part in args.parts:
        if part not in PARTS:
            raise UsageError(f"bench: no part {part}; there are {', '.join(PARTS)}")
    rows = []
    for part in args.parts or PARTS:
        module = __import__(f"tools.bench.{part}", fromlist=["measure"])
        for row in module.measure():
            print(json.dumps({**vars(row), "kept": row.kept}) if args.json else text(row), flush=True)
            rows.append(row)
    return 0 if all(row.kept for row in rows) else 1


def text(row):
    limit = ""
    if row.budget is not None:
        limit = f"{'at least' if row.least else 'at most'} {row.budget:,} {row.unit}"
    return (
        f"{row.what:<58}{row.measured:>11,} {row.unit:<7}{limit:<24}{'' if row.kept else 'NOT KEPT'}".rstrip()
    )
