# SPDX-License-Identifier: MIT
"""The statements of the families in PostgreSQL's words. They are said in what SQLite knows as well, but for parameters,
lists, comparisons with what may be NULL, rows that one of several takes, and the signs that SQLite is shown its way by
(a plus before a column, CROSS JOIN).
"""

import re
from dataclasses import dataclass

_TOKENS = re.compile(
    r"""(?P<quoted>'(?:[^']|'')*'|"[^"]*")
    | (?P<not_in>\bNOT\s+IN\s*\(\s*SELECT\s+value\s+FROM\s+json_each\(\s*\?(?P<none>\d*)\s*\)\s*\))
    | (?P<in>\bIN\s*\(\s*SELECT\s+value\s+FROM\s+json_each\(\s*\?(?P<any>\d*)\s*\)\s*\))
    | (?P<is>\bIS\s+(?P<isnt>NOT\s+)?\?(?P<same>\d*))
    | (?P<cross>\bCROSS\s+(?=JOIN\s+\w+\s+ON\b))
    | (?P<plus>(?:(?<=\bAND\s)|(?<=\bWHERE\s))\+(?=[a-z_]))
    | (?P<claim>/\*claim\*/)
    | (?P<value>\?(?P<number>\d*))""",
    re.VERBOSE,
)
_WORD = re.compile(r"[a-z_][a-z_0-9]*")
_WRITES = re.compile(r"\b(?:INSERT\s+INTO|(?<!\bDO\s)UPDATE|DELETE\s+FROM)\s+(\w+)")
_RETURNING = re.compile(r"\bRETURNING\b")
_SET = re.compile(r"\bSET\s+(.*?)(?=\s+(?:WHERE|FROM|RETURNING)\b|$)", re.DOTALL)
_ASSIGNED = re.compile(r"(?:^|,)\s*(\w+)\s*=")


@dataclass(frozen=True)
class Translation:
    """`sql` has $1 and so on; `order`: which of the values each of them is; `tables`: those that are written, none by
    what only reads; `table`: that of the statement as a whole, None where it reads; of it, `change`: INSERT, UPDATE or
    DELETE; `columns`: those that are set in a row that is there; `upserts`: whether an INSERT does that; `returns`:
    whether it gives rows; `called`: what the table is called in it; `words`: every name in it."""

    sql: str
    order: tuple[int, ...]
    tables: tuple[str, ...]
    table: str | None
    change: str | None
    columns: frozenset[str]
    upserts: bool
    returns: bool
    words: frozenset[str]
    called: str | None


def translate(statement):
    """The Translation of a statement of the families."""
    numbers = {}  # of a value: the parameter
    highest = 0

    def parameter(number):
        nonlocal highest
        value = int(number) if number else highest + 1
        highest = max(highest, value)
        return "$%d" % numbers.setdefault(value, len(numbers) + 1)

    def replaced(match):
        if match["quoted"]:
            return match[0]
        if match["not_in"]:
            return "<> ALL(%s)" % parameter(match["none"])
        if match["in"]:
            return "= ANY(%s)" % parameter(match["any"])
        if match["is"]:
            words = "IS NOT DISTINCT FROM" if match["isnt"] is None else "IS DISTINCT FROM"
            return "%s %s" % (words, parameter(match["same"]))
        if match["plus"] or match["cross"]:
            return ""
        if match["claim"]:
            return "FOR UPDATE SKIP LOCKED"
        return parameter(match["number"])

    sql = _TOKENS.sub(replaced, statement)
    bare = re.sub(r"'(?:[^']|'')*'", "''", statement)
    reads = bare.startswith("SELECT")
    whole = _outside(bare)
    written = None if reads else _WRITES.search(whole)
    change = written and written[0].split()[0]
    sets = _SET.search(whole) if written else None
    return Translation(
        sql,
        tuple(value - 1 for value in numbers),
        () if reads else tuple(_WRITES.findall(bare)),
        written and written[1],
        change,
        frozenset(_ASSIGNED.findall(sets[1]) if sets else ()),
        bool(change == "INSERT" and sets),
        bool(_RETURNING.search(whole)),
        frozenset(_WORD.findall(bare)),
        written and _called(bare, written[1]),
    )


def _called(statement, table):
    alias = re.search(r"\b%s\s+AS\s+(\w+)" % table, statement)
    return alias[1] if alias else table


def _outside(text):
    """Without what stands in brackets."""
    depth, kept = 0, []
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth == 0:
            kept.append(character)
    return "".join(kept)
