# SPDX-License-Identifier: MIT
"""docs/flash-format.md says what the code does: its table of kinds and fields is that of the recovery."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/flash-format.md").read_text()
STORE = ROOT / "firmware/msgin5g/store"


def constants(path):
    """The values of a module's top-level assignments that are literals, const(...) of one, or names of such."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = evaluate(node.value, found)
    return found


def evaluate(node, known):
    if isinstance(node, ast.Tuple):
        return tuple(evaluate(each, known) for each in node.elts)
    if isinstance(node, ast.Name):
        return known[node.id]
    if isinstance(node, ast.Call) and node.func.id == "const":
        return evaluate(node.args[0], known)
    return node.value if isinstance(node, ast.Constant) else None


def rows(heading):
    """The cells of the table whose first line begins with these words."""
    lines = PAGE[PAGE.index(f"| {heading} |") :].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_kinds_and_their_fields():
    code = {
        kind: tuple(f"{name} {form}" for name, form in fields)
        for kind, _, fields in constants(STORE / "recovery.py")["KINDS"]
    }
    page = {kind: tuple(fields.split(", ")) for kind, _, fields, _ in rows("kind")}
    assert page == code and len(code) == 12


def test_each_type_is_explained():
    used = {form for fields in rows("kind") for form in re.findall(r" (\w)\??(?:,|$)", fields[2])}
    explained = {form for names, _ in rows("type") for form in names.split(", ")}
    assert used == explained - {"?"}


def test_what_the_message_store_writes_can_be_read():
    """Each kind of record that is written has a handler, and each handler's kind is written."""
    written = {
        chr(value)
        for module in ("message_store.py", "receiving.py", "further.py")
        for name, value in constants(STORE / module).items()
        if isinstance(value, int) and chr(value).isupper() and not name.startswith("_MAX_")
    }
    assert written == {kind for kind, *_ in rows("kind")}


def test_each_file_is_written_by_the_firmware():
    code = "".join(path.read_text() for path in (ROOT / "firmware").rglob("*.py"))
    words = {name.strip("`").rstrip("NX") for name, *_ in rows("name")} - {"X~"}
    names = {
        "log-",
        "out-",
        "set-",
        "in-",
        "topics",
        "groups",
        "configuration",
        "gateway",
        "keys",
        "boot",
        "update",
        "oscore-",
        "probe",
    }
    assert words == names
    assert not [word for word in words if f'"{word}' not in code]


def test_the_numbers_on_the_page():
    journal = constants(STORE / "journal.py")
    assert f"of kind {chr(journal['_HEAD'])}, with one field: the version, now {journal['_VERSION']}." in PAGE
    assert f"record:  0x{journal['_MAGIC']:X} |" in PAGE
    assert journal["_HEAD_BODY"] == b"\0\3[%d]" % journal["_VERSION"]
    segment = re.search(r"SEGMENT = (\d+)", (STORE / "journal.py").read_text())[1]
    assert f"once it has {int(segment):,} octets" in PAGE
    store = constants(STORE / "receiving.py")
    assert f"{store['_DIGEST']} octets each, the oldest first, at most {store['_MAX_SEEN']}" in PAGE
