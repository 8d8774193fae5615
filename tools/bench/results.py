# SPDX-License-Identifier: MIT
"""What was measured, as build/bench/bench.json keeps it, and the comparison of two runs.

    {"air": {"title": "...", "rows": [{"what": "...", "measured": 5, "unit": "octets", "kind": "exact", ...}]}}

A part that is measured again replaces what was there of it, and leaves the others.
"""

import itertools
import json
from pathlib import Path

from tools.errors import UsageError
from tools.words import in_words

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "build/bench/bench.json"
APART = 1.1  # how far two ratios may be, the greater of the smaller


def shown():
    """The file's name for a reader."""
    return str(PATH.relative_to(ROOT)) if PATH.is_relative_to(ROOT) else str(PATH)


def load(path):
    """The parts of a file; UsageError where there is none, or it is something else."""
    try:
        parts = json.loads(path.read_text())
        named(parts)
    except OSError as error:
        raise UsageError(f"bench: {path}: {in_words(error)}; `make bench` writes it") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"bench: {path} is no bench.json; `make bench` writes one") from None
    return parts


def keep(part, title, rows):
    """Writes a part into the file."""
    parts = load(PATH) if PATH.exists() else {}
    parts[part] = {"title": title, "rows": [row.as_json() for row in rows]}
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(json.dumps(parts, indent=1) + "\n")


def named(parts):
    """{(part, "what"): row} of all parts, or (part, "what: of it") for a row that belongs to another. The second of a
    name is "what (2)"."""
    found = {}
    for part, told in parts.items():
        head = ""
        for row in told["rows"]:
            what = row["what"].strip()
            if row["what"].startswith(" "):
                what = f"{head}: {what}"
            else:
                head = what
            row["measured"], row["unit"], row["kind"]
            numbers = (f" ({number})" if number > 1 else "" for number in itertools.count(1))
            found[next((part, what + end) for end in numbers if (part, what + end) not in found)] = row
    return found


def differences(now, before, parts):
    """Sentences: where these parts of two runs are not the same. What is of a machine is not compared."""
    new, old = ({name: row for name, row in named(run).items() if name[0] in parts} for run in (now, before))
    said = [f"{part}: not in the other run" for part in parts if part not in before]
    for name in sorted(set(new) | set(old)):
        if name[0] not in before or name[0] not in now:
            continue
        place = f"{name[0]}: {name[1]}"
        if name not in new or name not in old:
            said.append(f"{place}: only in {'the other' if name in old else 'this'} run")
        elif not _same(new[name], old[name]):
            said.append(
                f"{place}: {_figure(new[name])} ({new[name]['kind']}) in place of {_figure(old[name])}"
            )
    return said


def _same(new, old):
    if new["kind"] != old["kind"] or new["unit"] != old["unit"]:
        return False
    one, other = new["measured"], old["measured"]
    if new["kind"] == "machine" or one == other:
        return True
    if new["kind"] == "exact" or None in (one, other) or one * other <= 0:
        return False
    return max(one / other, other / one) <= APART


def _figure(row):
    return "not measured" if row["measured"] is None else f"{row['measured']:,} {row['unit']}".strip()
