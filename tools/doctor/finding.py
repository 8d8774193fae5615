# SPDX-License-Identifier: MIT
"""What a check found: a line, with what to do."""

from dataclasses import dataclass

from tools.wire.outside import clean

_LONGEST = 1 << 13  # octets of a line
OK, LACKS, UNKNOWN = "ok", "lacks", "unknown"


@dataclass(frozen=True)
class Finding:
    """`state`: OK, LACKS, or UNKNOWN for what could not be checked; `todo`: what to do, empty where that is nothing."""

    check: str
    state: str
    said: str
    todo: str = ""

    def line(self):
        """One line, whatever somebody else's text has in it."""
        text = f"{self.check}: {self.said}" + (f"; {self.todo}" if self.todo else "")
        return f"{self.state:8}{clean(' '.join(text.split()), _LONGEST)}"


def ok(check, said, todo=""):
    return Finding(check, OK, said, todo)


def lacks(check, said, todo):
    return Finding(check, LACKS, said, todo)


def unknown(check, said, todo=""):
    return Finding(check, UNKNOWN, "could not be checked: " + said, todo)
