# SPDX-License-Identifier: MIT
"""The limits of limits.toml, for the rows of the bench and for the tests: `of("heap.idle_free")`."""

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tools.errors import UsageError

PATH = Path(__file__).with_suffix(".toml")
_MEMBERS = {"unit", "at_most", "at_least", "goal", "held", "why"}


@dataclass(frozen=True)
class Limit:
    name: str
    unit: str
    value: float
    least: bool = False  # at least, not at most
    goal: float | None = None
    held: float | None = None  # what nothing may fall behind while the limit itself is not kept
    why: str = ""  # where the rest goes

    def keeps(self, measured):
        """Whether this figure is within the limit."""
        return self._within(measured, self.value)

    def holds(self, measured):
        """Whether this figure is within the limit, or, where that is not kept yet, within what is: for the tests."""
        return self._within(measured, self.value if self.held is None else self.held)

    def __str__(self):
        return f"{'>=' if self.least else '<='} {self.value:,} {self.unit}"

    def _within(self, measured, value):
        return measured >= value if self.least else measured <= value


def of(name):
    """The limit of this name, as group.name; UsageError where there is none."""
    known = read(PATH)
    if name not in known:
        raise UsageError(
            f"{PATH.name} has no limit {name!r}: write it there, with unit and at_most or at_least"
        )
    return known[name]


@functools.cache
def read(path):
    """{group.name: Limit} of a file; UsageError names what is wrong with it."""
    try:
        groups = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path.name}: {error}") from None
    found = {}
    for group, entries in groups.items():
        if not isinstance(entries, dict):
            raise UsageError(f"{path.name}: {group} stands in no group: [group] above it")
        for name, entry in entries.items():
            found[f"{group}.{name}"] = _limit(path, f"{group}.{name}", entry)
    return found


def _limit(path, name, entry):
    wrong = None
    if not isinstance(entry, dict) or not isinstance(entry.get("unit"), str):
        wrong = 'a limit is { unit = "...", at_most = ... }'
    elif unknown := sorted(set(entry) - _MEMBERS):
        wrong = f"no member {unknown[0]!r}; there are {', '.join(sorted(_MEMBERS))}"
    elif ("at_most" in entry) == ("at_least" in entry):
        wrong = "one of at_most and at_least"
    elif ("held" in entry) != bool(entry.get("why")):
        wrong = "held and why go together: what is kept, and where the rest goes"
    if wrong:
        raise UsageError(f"{path.name}: {name}: {wrong}")
    least = "at_least" in entry
    limit = Limit(
        name,
        entry["unit"],
        entry["at_least" if least else "at_most"],
        least,
        *(entry.get(member) for member in ("goal", "held")),
        entry.get("why", ""),
    )
    if limit.goal is not None and not limit.keeps(limit.goal):
        raise UsageError(f"{path.name}: {name}: the goal lies within the limit, or is none")
    if limit.held is not None and limit.keeps(limit.held):
        raise UsageError(f"{path.name}: {name}: the limit is kept, so held and why go")
    return limit
