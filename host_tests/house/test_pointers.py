# SPDX-License-Identifier: MIT
"""Each pointer leads somewhere: files, sections, clauses and tests that comments, docstrings and pages name.

A pointer is followed wherever a person may read it: in the comments and docstrings of all Python and JavaScript of the
project, in the comments of other files, and in each page of Markdown.
"""

import ast
import functools
import io
import re
import subprocess
import tokenize
from pathlib import Path

import pytest

from tools.project import clauses as conformance

ROOT = Path(__file__).resolve().parents[2]

# Files that are named here and are not of this repository: the user's own, MicroPython's, and what is made.
FOREIGN = {
    "app.py": "the application on a board",
    "make-pins.py": "MicroPython",
    "makemanifest.py": "MicroPython",
    "modules/espnow.py": "MicroPython, of its esp32 port",
    "mpy-tool.py": "MicroPython",
    "my-device/app.py": "of a reader",
    "my-device/msgin5g.json": "of a reader",
}
PLACEHOLDERS = {"test_x", "test_same"}  # any test
# Those of the message type that CONTRIBUTING.md invents; test_contributing.py runs them.
PLACEHOLDERS |= {"test_a_ping_is_answered_and_counted", "test_a_ping_about_nothing_is_refused"}
OTHERS = {"gc", "asyncio", "ticks_ms", "len", "metadata", "deepsleep"}  # of Python and MicroPython

# How many sections each section of an RFC has: {section or appendix: its sections}, for those that are cited by one.
RFCS = {
    768: {},
    791: {3: 3},
    1071: {1: 0, 2: 3, 3: 0, 4: 4},
    1055: {},
    1662: {1: 2, 2: 0, 3: 2, 4: 8, 5: 2, 6: 0, 7: 0, "A": 0, "B": 0, "C": 2},
    2104: {},
    2397: {},
    3339: {1: 0, 2: 0, 3: 0, 4: 4, 5: 8, 6: 0, 7: 0, 8: 0, "A": 0, "B": 0, "C": 0, "D": 0},
    3610: {8: 0},
    3986: {1: 3, 2: 5, 3: 5, 4: 5, 5: 4, 6: 2, 7: 6},
    4122: {1: 0, 2: 0, 3: 0, 4: 5, 5: 0, 6: 0},
    4291: {1: 0, 2: 8, 3: 0, 4: 0},
    4648: {4: 0, 5: 0, 10: 0},
    5869: {},
    6690: {1: 3, 2: 3, 3: 3, 4: 1, 5: 0, 6: 0, 7: 4, 8: 0, 9: 2},
    6750: {1: 3, 2: 3, 3: 1, 4: 0, 5: 3, 6: 2},
    6874: {},
    7252: {1: 2, 2: 4, 3: 2, 4: 8, 5: 10, 6: 5, 7: 2, 8: 2, 9: 1, 10: 2, 11: 6, 12: 8, "A": 0, "B": 0},
    7396: {2: 0},
    7493: {1: 0, 2: 3, 3: 0, 4: 4},
    7641: {1: 5, 2: 0, 3: 6, 4: 5, 5: 0, 6: 0, 7: 0, 8: 0, 9: 2, "A": 2, "B": 0},
    7959: {1: 0, 2: 10, 3: 4, 4: 0, 5: 0, 6: 0, 7: 2, 8: 2},
    7967: {2: 2, 3: 4},
    8132: {1: 4, 2: 7, 3: 4, 6: 2},
    8259: {1: 3, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0, 8: 3, 9: 0, 10: 0, 11: 0, 12: 0, 13: 0},
    8288: {},
    8323: {},
    8446: {1: 4, 2: 3, 3: 8, 4: 6, 5: 5, 6: 2, 7: 5, 8: 3, 9: 3, 10: 0, 11: 0},
    8516: {1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0},
    8554: {1: 3, 2: 0, 3: 3, 4: 6, 5: 4, 6: 4, 7: 1, 8: 0, 9: 3, "A": 0, "F": 0},
    8613: {1: 1, 2: 0, 3: 3, 4: 3, 5: 4, 6: 3, 7: 5, 8: 4, 9: 0, 10: 0, 11: 4, 12: 8, 13: 9, "B": 2, "C": 8},
    8768: {3: 0, 6: 2},
    8949: {1: 2, 2: 1, 3: 4, 4: 2, 5: 6, 6: 2, 7: 2, 8: 1, 9: 5, 10: 0},
    9052: {5: 4, 4: 4, 3: 1},
    9053: {2: 3, 3: 2, 4: 2, 5: 2, 6: 3, 7: 1},
    9110: {4: 3, 5: 6, 6: 6, 7: 8, 8: 8, 9: 3, 10: 2, 11: 7, 12: 5, 13: 2, 14: 6, 15: 6},
    9112: {1: 2, 2: 3, 3: 3, 4: 0, 5: 2, 6: 3, 7: 4, 8: 0, 9: 8},
    9146: {},
    9175: {2: 6, 3: 4, 4: 4},
    9177: {},
    9176: {4: 3, 5: 3},
    9290: {2: 0},
    9293: {},
    9562: {5: 8, 6: 12},
    9858: {"A": 1},
}


@functools.cache
def tree():
    """The files of the project, those not yet committed too."""
    run = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return sorted(name for name in listed if name and (ROOT / name).exists())


def comments(text):
    """[(line, text)] of Python's comments, each block of them as one, and docstrings."""
    found = []
    end = column = None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            words = token.string.lstrip("#!: ")
            if end == token.start[0] - 1 and column == token.start[1]:
                found[-1] = (found[-1][0], found[-1][1] + "\n" + words)
            else:
                found.append((token.start[0], words))
            end, column = token.start
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            words = ast.get_docstring(node, clean=False)
            if words:
                found.append((node.body[0].lineno, words))
    return found


def readable(name):
    """[(line, text)] of what a person reads in a file, one sentence in one piece where that is possible."""
    if name.endswith(".png"):  # what stands on a picture is text of the page
        return []
    text = (ROOT / name).read_text()
    if name.endswith((".py", ".pyi")):
        return comments(text)
    if name.endswith((".mjs", ".js", ".css", ".h", ".c")):
        return [
            (text.count("\n", 0, match.start()) + 1, re.sub(r"^\s*(//|\*)", " ", match[0], flags=re.M))
            for match in re.finditer(r"/\*.*?\*/|(?:^[ \t]*//.*\n)+|\s//.*", text, re.S | re.M)
            if "://" not in match[0][:8]
        ]
    if name == "Makefile" or name.endswith((".toml", ".cmake", ".yaml", ".gitignore", "/run")):
        return [
            (number, line[line.index("#") :])
            for number, line in enumerate(text.split("\n"), 1)
            if "#" in line and "'" not in line
        ]
    return [(1, text)] if name.endswith(".md") else []


@functools.cache
def headings(name):
    """The sections of a page, as they are written."""
    text = re.sub(r"^```.*?^```", "", (ROOT / name).read_text(), flags=re.S | re.M)
    return re.findall(r"^#+ (.*)$", text, re.M)


def anchor(heading):
    """What GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


# A name in capitals stands for any.
FILE = re.compile(
    r"(?<![\w/.:*<{-])((?:\.\./|\./)*(?:[\w-]+/)*[a-z][\w-]*\.(?:py|pyi|mjs|md|toml|svg)"
    r"|(?:[\w-]+/)+[\w-]+\.json)\b(?![\w*(/]|\.\w)"
)


@functools.cache
def endings():
    """Each path of the tree, and what is left of it without its first folders."""
    return {"/".join(name.split("/")[cut:]) for name in tree() for cut in range(name.count("/") + 1)}


def lost_files(name, text):
    """The files that a text names and that are not there."""
    if "." not in text:
        return
    text = re.sub(r"\w+://\S+|github:\S+", " ", text)
    if name.endswith(".md"):
        text = re.sub(r"^(?: {4}|>>> ).*$", " ", text, flags=re.M)
    for match in FILE.finditer(text):
        word = re.sub(r"^(\.\./|\./)+", "", match[1])
        any_name = any(part.isupper() for part in re.split(r"[/.]", word))
        if word not in FOREIGN and not any_name and not word.startswith("build/") and word not in endings():
            yield word


PAGE = r"(README(?:\.md)?|docs/[\w-]+\.md)(?:'s)?,?\s+((?:\"[^\"]+\"(?:,?\s+(?:and\s+)?)?)+)"


def lost_sections(name, text):
    """Sections of pages, in quotation marks behind the page: README, "At the REPL"; docs/coap.md, "A client"."""
    for page, quoted in re.findall(PAGE, text) if '"' in text else ():
        if page.startswith("README"):  # of the board where it has one
            beside = str(Path(name).parent / "README.md")
            page = beside if name.startswith("boards/") and beside in tree() else "README.md"
        for heading in re.findall(r'"([^"]+)"', quoted):
            if (ROOT / page).exists() and " ".join(heading.split()) not in headings(page):
                yield f"{page}: {heading}"
    for words in re.findall(r"\bprofile(?:'s)?\s+sections?\s+\d+", text):
        yield f"no page: {words}"


NUMBERS = r"(\d+|[A-Z])((?:\.\d+)*)"


def lost_rfcs(text):
    """RFC n section m where there is no such section, and RFCs that nobody looked into (add them to RFCS)."""
    for number, kind, rest in re.findall(
        r"\bRFCs?\s?(\d+)(?:,?\s+(sections?|appendix|appendices)\s+((?:(?:\d+|[A-Z]\b)(?:\.\d+)*(?:,\s+|\s+and\s+|\s+to\s+)?)+))?",
        text,
    ):
        if int(number) not in RFCS:
            yield f"RFC {number}"
            continue
        for first, more in re.findall(r"\b" + NUMBERS, rest) if kind else ():
            sections = RFCS[int(number)]
            key = int(first) if first.isdigit() else first
            second = int(more.split(".")[1]) if more else 0
            if key not in sections or second > sections[key] or ".0" in more:
                yield f"RFC {number} section {first}{more}"


@functools.cache
def clauses():
    """The clauses that have tests or a reason for none: docs/clauses.md."""
    numbers = (number for each in conformance.all_clauses() for number in each.numbers)
    return {number.rpartition(" ")[2] for number in (*numbers, *conformance.listed())}


def lost_clauses(text):
    """Clauses of TS 24.538 (the one that is meant where no other is named) that our tables do not have."""
    for other, rest in re.findall(
        r"(?:\bTS\s(\d+\.\d+),?\s+)?\bclauses?\s+((?:(?:[A-Z](?=\.\d)|\d+)(?:\.\d+)*(?:,\s+|\s+and\s+|\s+to\s+)?)+)",
        text,
    ):
        if other not in ("", "24.538"):
            continue
        for word in re.findall(r"(?<![\w.])(?:[A-Z]\.\d+|\d+)(?:\.\d+)*", rest):
            if not any(
                (word + ".").startswith(each + ".") or each.startswith(word + ".") for each in clauses()
            ):
                yield f"clause {word}"


@functools.cache
def defined():
    """Each function, method, class and test of the project; of C, what is declared and what Python sees of it."""
    found = set()
    for name in tree():
        if name.endswith((".py", ".pyi")):
            found |= set(re.findall(r"^\s*(?:async )?(?:def|class) (\w+)", (ROOT / name).read_text(), re.M))
        elif name.endswith((".c", ".h")):
            text = (ROOT / name).read_text()
            found |= set(re.findall(r"^[a-z][\w ]*[ *](\w+)\(", text, re.M))
            found |= set(re.findall(r"MP_ROM_QSTR\(MP_QSTR_(\w+)\), MP_ROM_PTR", text))
    return found


def lost_tests(text):
    for word in re.findall(r"(?<![\w/*-])(test_\w+)(?![\w*/]|\.py)", text):
        if word not in defined() | PLACEHOLDERS and word + ".py" not in endings() and not word.endswith("_"):
            yield word


@functools.cache
def members():
    """Each name that something of the project is given: by def, class, or an assignment."""
    found = set(defined())
    for name in tree():
        if name.endswith(".py"):
            text = (ROOT / name).read_text()
            found |= set(re.findall(r"(?:\bself\.|^\s*)(\w+)(?:: [^=\n]+)? =", text, re.M))
    return found


def lost_names(name, text):
    """Functions that a page calls (`send(...)`, `client.send()`), and members of our classes (`Endpoint.poll`)."""
    # docs/api is made of docstrings, which are read as such.
    calls = name.endswith(".md") and not name.startswith("docs/api/")
    for span in re.findall(r"`([^`\n]+)`", text):
        for owner, word in re.findall(r"(?:^|[\s(])((?:\w+\.)*)([a-z_]\w*)\(", span) if calls else ():
            if owner.partition(".")[0] not in OTHERS and word not in defined() and word not in OTHERS:
                yield span
        member = re.fullmatch(r"([A-Z][a-z]\w*)\.(\w+)(?:\(.*)?", span)
        if member and member[1] in defined() and member[2] not in members():
            yield span


def lost(name, text):
    """All pointers of a text that lead nowhere."""
    yield from lost_files(name, text)
    yield from lost_sections(name, text)
    yield from lost_rfcs(text)
    yield from lost_clauses(text)
    yield from lost_tests(text)
    yield from lost_names(name, text)


@pytest.mark.parametrize("folder", ["firmware", "boards", "tools", "host_tests", "examples", "docs", ""])
def test_each_pointer_leads_somewhere(folder):
    """All files of a folder; "" are those of the root."""
    looked = 0
    nowhere = []
    for name in tree():
        top = name.partition("/")[0] if "/" in name else ""
        if top != folder or name == "host_tests/house/test_pointers.py":
            continue
        for line, text in readable(name):
            looked += 1
            nowhere += [f"{name}:{line}: {pointer}" for pointer in lost(name, text)]
    assert looked
    assert not nowhere, "\n".join(nowhere)


def test_each_file_of_the_table_of_clauses_is_there():
    """Of docs/coap.md: modules of firmware/coap, tests of host_tests, a name alone in the folder of the one before."""
    table = (ROOT / "docs/coap.md").read_text().partition("## Which clause is where")[2]
    rows = re.findall(r"^\|([^|]+)\|([^|]+)\|([^|]+)\|$", table, re.MULTILINE)
    found = []
    for _, modules, tests in rows[2:]:
        found += [ROOT / "firmware/coap" / name for name in re.findall(r"`([^`]+)`", modules)]
        folder = None
        for name in re.findall(r"`([^`]+)`", tests):
            path = ROOT / "host_tests" / name if "/" in name else folder / name
            folder = path.parent
            found.append(path)
    assert len(found) > 80
    assert [path for path in found if not path.exists()] == []


def test_each_link_of_a_page_leads_somewhere():
    """[text](path#section) of Markdown, relative to the page."""
    links = nowhere = 0
    for name in tree():
        if not name.endswith(".md"):
            continue
        for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / name).read_text()):
            if "://" in target or target.startswith("mailto:"):
                continue
            links += 1
            path, _, section = target.partition("#")
            there = (ROOT / name).parent / path if path else ROOT / name
            if not there.exists():
                nowhere += 1
                print(f"{name}: {target}: no such file")
            elif section and section not in [
                anchor(heading) for heading in headings(there.resolve().relative_to(ROOT))
            ]:
                nowhere += 1
                print(f"{name}: {target}: no such section")
    assert links > 50
    assert not nowhere


@pytest.mark.parametrize(
    "text",
    [
        "as docs/nowhere.md says",
        "see `procedures/nowhere.py`",
        'the README, "A section that is gone", has it',
        'docs/coap.md, "No such section"',
        "an answer (profile section 4)",
        "RFC 7252 section 5.11",
        "RFC 7252 sections 4.2 and 15",
        "RFC 1",
        "TS 24.538 clause 6.12.1",
        "as clauses 6.3 and 9.9 say",
        "`test_that_was_never_written`",
        "call `client.never_there(1)`",
        "as `Endpoint.never_there` does",
    ],
)
def test_it_sees_a_pointer_that_leads_nowhere(text):
    assert list(lost("docs/coap.md", text))


@pytest.mark.parametrize(
    "text",
    [
        "docs/coap.md, `procedures/topics.py` and test_pointers.py",
        'the README, "At the REPL"',
        "RFC 7252 sections 4.2 and 5.10.1, RFC 8613 appendix B.1.2",
        "TS 24.538 clauses 6.3, 6.4.1.1 and A.2.2.17; TS 23.554 clause 8.9",
        "`test_it_sees_a_pointer_that_leads_nowhere`",
        "call `await client.send(to, payload)`, `gc.collect()`; `Endpoint.poll`, `Backoff.deadline`",
    ],
)
def test_it_lets_a_good_pointer_be(text):
    assert not list(lost("docs/coap.md", text))
