# SPDX-License-Identifier: MIT
"""A row of the bench: a figure, of which kind it is, and what it may be."""

from dataclasses import dataclass

from tools.bench import limits
from tools.errors import UsageError

# exact: the same on each machine and in each run. ratio: of two figures of one run, so that the machine counts for
# little. machine: time and memory of this computer, which is busy or not; for a reader, and compared with nothing.
KINDS = ("exact", "ratio", "machine")


@dataclass
class Row:
    """`measured` is None where it could not be, and `needs` says then what to do.

    `limit` is the name of its limit in limits.toml; `beside` another figure of the same run, which it may not be
    above. A `what` that begins with spaces belongs to the last one that does not. Rows of one `chart` are bars of it,
    and `by` names the program that was measured, where it is not ours.
    """

    what: str
    measured: float | None
    unit: str
    limit: str | None = None
    beside: float | None = None
    kind: str = "exact"
    chart: str = ""
    by: str = ""
    needs: str = ""

    def __post_init__(self):
        self.known = limits.of(self.limit) if self.limit else None
        if self.known and self.known.unit != self.unit:
            raise UsageError(
                f"bench: {self.what} is in {self.unit}, its limit {self.limit} in {self.known.unit}"
            )
        if self.kind not in KINDS:
            raise UsageError(f"bench: {self.what}: no kind {self.kind}; there are {', '.join(KINDS)}")
        if (self.measured is None) != bool(self.needs):
            raise UsageError(f"bench: {self.what}: a figure, or what is needed to have it")

    @property
    def kept(self):
        """Whether it is within its limit."""
        if self.measured is None:
            return True
        if self.known:
            return self.known.keeps(self.measured)
        return self.beside is None or self.measured <= self.beside

    @property
    def good(self):
        """Whether it is within the limit, or, where that is known not to be kept, within what is held."""
        return self.kept or bool(self.known and self.known.holds(self.measured))

    @property
    def figure(self):
        """The figure as the table has it."""
        return "not measured" if self.measured is None else f"{self.measured:,} {self.unit}".strip()

    @property
    def budget(self):
        """The limit as the table has it."""
        if self.known:
            return str(self.known)
        return "" if self.beside is None else f"<= {self.beside:,} {self.unit}"

    @property
    def note(self):
        """What is to be said below the table."""
        if self.needs:
            return f"not measured: {self.needs}"
        if self.kept or not self.known or not self.known.why:
            return ""
        fallen = "" if self.good else f", and falls behind {self.known.held:,} {self.unit}, which was held"
        return f"not kept: {self.known.why}{fallen}"

    def as_json(self):
        """The row for programs: what is not said of it is left out."""
        told = {
            "what": self.what,
            "measured": self.measured,
            "unit": self.unit,
            "kind": self.kind,
            "kept": self.kept,
        }
        if self.known:
            told |= {
                "limit": self.limit,
                "least": self.known.least,
                "value": self.known.value,
                "goal": self.known.goal,
            }
        told |= {
            name: getattr(self, name) for name in ("beside", "chart", "by", "needs") if getattr(self, name)
        }
        return told
