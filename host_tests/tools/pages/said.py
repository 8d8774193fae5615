# SPDX-License-Identifier: MIT
"""Sentences that a person may be told: read from the code that says them, with "..." for what differs each time."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# Who says something by a call: the name of what is called, and which argument has the sentence. "Refusal" is said to
# whoever asked, by its code; the others become the cause of a message, or of a registration, that came to nothing.
CALLS = {
    "Refusal": 1,
    "refusals.Refusal": 1,
    "later": 0,
    "_full": 0,
    "self._give_up": 1,
    "self.ends.fail": 1,
    "self._deliveries.ends.fail": 1,
    "self.end": 2,
    "self._put_off": 1,
    "self._on": 1,
    "self._dropped": 1,
    "msgin5g.OutboxFull": 0,
    "msgin5g.UpdateError": 0,
    "msgin5g.GroupError": 0,
    "ClientError": 0,
    "StoppedError": 0,
    "failure": 0,
    "self._tell": 0,
}
# Rooms, and how the names of their constants with sentences begin or end.
ROOMS = (
    "firmware/device",
    "firmware/msgin5g",
    "tools/server",
    "tools/gateway",
    "tools/transport",
    "tools/wire",
)
# Whose functions return sentences, too; and what is no trouble there: the words of a trace, of lists, of events
RETURN = ("firmware/device", "tools/server", "tools/gateway")
NAMES = (
    "firmware/device/tracing.py",
    "tools/gateway/commands/",
    "tools/gateway/arriving.py",
    "tools/gateway/sending.py",
)
CONSTANTS = re.compile(
    "_?(CLEAR|UNKNOWN|REPLAY|ANOTHER_KEY|SEEN|MISTRUST|OVER|GONE|CLOSED|FORBIDDEN|NOT_BEHIND|FOREIGN|NO_SERVER"
    "|UNREACHABLE|CAUSE|OWN|NO_MEMBER|NOT_THERE|WHICH|NO_ADMINISTRATOR|MISSING)"
)


def words(node):
    """The sentence of an expression, or None: of a % its left side, of a choice none, for each is one by itself."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return words(node.left)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = words(node.left), words(node.right)
        return None if left is None and right is None else (left or "...") + (right or "...")
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "const":
        return words(node.args[0])
    return None


def plain(text):
    """A sentence with "..." for each part that differs."""
    text = re.sub(r"%(\(\w+\))?[-+ 0-9.]*[sdrgxc]|\{\w+\}", "...", text)
    return re.sub(r"(\.\.\.)+", "...", text).strip()


def said():
    """{sentence: file} of all that is said by the calls above, as a FAILED outcome, as a `cause` or by a constant."""
    found = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for text in _in(ast.parse(path.read_text()), room in RETURN and not name.startswith(NAMES)):
                text = plain(text)
                if re.search("[A-Za-z].* ", text):
                    found.setdefault(text, name)
    return found


def _in(tree, returns):
    for node in ast.walk(tree):
        texts = []
        if isinstance(node, ast.Call):
            place = CALLS.get(ast.unparse(node.func))
            if place is not None and len(node.args) > place:
                texts = _each(node.args[place])
        elif (
            isinstance(node, ast.Tuple)
            and len(node.elts) == 2
            and ast.unparse(node.elts[0]) in ("FAILED", "state")
        ):
            texts = _each(node.elts[1])
        elif isinstance(node, ast.Return) and node.value is not None:
            texts = _each(node.value) if returns else []
        elif isinstance(node, ast.Assign):
            name = ast.unparse(node.targets[0])
            if name in ("cause", "state, cause", "why", "reason") or CONSTANTS.fullmatch(name):
                texts = _each(node.value.elts[-1] if isinstance(node.value, ast.Tuple) else node.value)
        yield from filter(None, texts)


def _each(node):
    """The sentences of an expression, each of a choice."""
    if isinstance(node, ast.IfExp):
        return _each(node.body) + _each(node.orelse)
    if isinstance(node, ast.BoolOp):
        return [text for each in node.values for text in _each(each)]
    return [words(node)]
