# SPDX-License-Identifier: MIT
"""Sentences: the singular, and what the system refuses. The system's words are those of POSIX <errno.h>."""

import ast
import errno
import re
import socket
from pathlib import Path

import pytest
import serial

from tools.errors import UsageError
from tools.words import counted, in_words, ranged, why, with_name

ROOT = Path(__file__).resolve().parents[3]
# `line/ports.py` has a table of its own, on boards; `transport/coap.py` an errno that came without an error.
OF_NUMBERS = {"tools/words.py", "tools/line/ports.py", "tools/transport/coap.py"}


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (1, ["message"], "1 message"),
        (0, ["message"], "0 messages"),
        (2, ["message"], "2 messages"),
        (1024, ["octet"], "1024 octets"),
        (1, ["reply", "replies"], "1 reply"),
        (3, ["reply", "replies"], "3 replies"),
        (1, ["UE ID has", "UE IDs have"], "1 UE ID has"),
    ],
)
def test_one_thing_is_not_things(number, words, said):
    assert counted(number, *words) == said


@pytest.mark.parametrize(
    ("ranges", "said"),
    [  # the forms of segNoList: TS 24.538 clause 7.3.6.2, and a number by itself
        ("(8-8)", "segment 8"),
        ("(2-4)", "segments 2 to 4"),
        ("(2-4, 8-8)", "segments 2 to 4, 8"),
        ("5", "segment 5"),
        ("(1-1,3-3)", "segments 1, 3"),
    ],
)
def test_a_list_of_segments_is_said(ranges, said):
    assert ranged(ranges, "segment") == said


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one line", "one line"),
        (
            "it does not run\nWays to have it:\n  Debian:  apt\n  elsewhere: on the PATH\n",
            "it does not run. Ways to have it: Debian: apt; elsewhere: on the PATH",
        ),
        (
            'compile:\n  File "x.py", line 3\nSyntaxError: bad',
            'compile: File "x.py", line 3. SyntaxError: bad',
        ),
        ("", ""),
    ],
)
def test_a_mistake_is_one_line(text, line):
    assert str(UsageError(text)) == line
    assert str(UsageError(text, "b")) == line + "\nb"


def test_an_error_of_the_system_is_told_without_its_number():
    with pytest.raises(OSError) as caught:
        open("/no/such/file")
    assert in_words(caught.value) == "No such file or directory"
    assert why(caught.value).startswith("No such file or directory: ")
    assert with_name(caught.value).startswith("/no/such/file: No such file or directory: ")


def test_what_libraries_put_around_it_is_left_out():
    asyncio_says = OSError(
        errno.EADDRINUSE, "error while attempting to bind on address ('::', 80): [errno 98] in use"
    )
    assert in_words(asyncio_says) == "Address already in use"
    pyserial_says = serial.SerialException(
        errno.ENOENT, "could not open port /dev/x: [Errno 2] No such file: '/dev/x'"
    )
    assert in_words(pyserial_says) == "No such file or directory"
    assert in_words(serial.SerialException("[Errno 5] it is gone")) == "it is gone"
    assert why(OSError("standard input is closed")) == "standard input is closed"
    assert in_words(TimeoutError()) == "TimeoutError"
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert in_words(unknown) == "Name or service not known" and "look at the name" in why(unknown)


def test_nobody_says_it_otherwise():
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (ROOT / "tools").rglob("*.py")
        if path.relative_to(ROOT).as_posix() not in OF_NUMBERS
        for line in path.read_text().splitlines()
        if re.search(r"\bstrerror\b|\.errno\}", line)
    ]
    assert not found, "say it by tools.words: why(error), in_words(error), with_name(error)"


# ---- one thing is not things, wherever a number stands before what is counted

THINGS = (
    "applications areas attributes blocks boards bytes characters classes copies datagrams devices days differences"
    " elements entries events files frames functions groups hours keys lines members messages minutes mistakes modules"
    " names octets packages packets recipients records reports requests retransmissions rows seconds segments servers"
    " steps subscriptions things times topics UEs warnings"
).replace(" ", "|")
# A number that is a limit, or one of several, may be any; who reads "at most 1 octets" has asked for it.
LIMIT = r"(All|at most|more than|than|of|to|in|has|have|holds|after|first|last|with) $"


def texts(path):
    """(line, text with ⟨expression⟩ in place of what is put in) of each string of a module but docstrings."""
    tree = ast.parse(path.read_text())
    said = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = []
            for part in node.values:
                if isinstance(part, ast.Constant):
                    said.add(id(part))
                    parts.append(part.value)
                else:  # a format is for tables, and for what is never one
                    parts.append("…" if part.format_spec else f"⟨{ast.unparse(part.value)}⟩")
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.lineno, re.sub(r"%d|\{(\w+)\}", r"⟨\1⟩", node.value)


def plurals(text):
    """What is counted there, and may be one of it. Names in capitals are numbers of this program."""
    for found in re.finditer(rf"⟨([^⟩]*)⟩ (?:(?:older|more|other|UE|application) )?(?:{THINGS})\b", text):
        if not re.search(LIMIT, text[: found.start()]) and not re.fullmatch(r"[A-Z_.]+", found[1]):
            yield found[0]


def test_the_search_for_plurals_finds_them(tmp_path):
    path = tmp_path / "code.py"
    path.write_text(
        'f"{len(x)} messages wait"\n"%d UEs" % n\n"{octets} octets"\n'
        'f"{MANY} devices"\n"at most %d octets"\nf"{n:,} octets"\nf"{x} keeps datagrams"\ncounted(n, "message")\n'
    )
    assert sorted(line for line, text in texts(path) if list(plurals(text))) == [1, 2, 3]


def test_a_count_of_one_is_said_in_the_singular():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in (ROOT / "tools").rglob("*.py")
        if "node_modules" not in path.parts and "apps" not in path.parts  # of devices, which have no tools
        for line, text in texts(path)
        if list(plurals(text))
    ]
    assert not found, "say it by tools.words.counted: " + "\n".join(found)


def test_so_it_is_on_the_page():
    """What was "sent 2 times" says so from two on."""
    found = [
        f"{path.name}: {text}"
        for path in (ROOT / "tools/page/static").glob("*.js")
        for text in plurals(
            re.sub(r"sent \$\{[^}]*\} times", "", path.read_text()).replace("${", "⟨").replace("}", "⟩")
        )
    ]
    assert not found, "say it by plural() of words.js"


# ---- nor by putting the error itself into a sentence, which has its number in it

# Errors of all kinds, told with their type.
ANY = {
    "tools/doctor/__init__.py",
    "tools/bench/__init__.py",
    "tools/wire/seal.py",
    "tools/transport/web/http.py",
}


def put_in(path):
    """(line, text) of each error of the system that goes into a string as it is."""
    for handler in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(handler, ast.ExceptHandler) and handler.name and handler.type):
            continue
        if not re.search(r"\b(OSError|Exception|SerialException|ClientError)\b", ast.unparse(handler.type)):
            continue
        for node in ast.walk(handler):
            used = []
            if isinstance(node, ast.FormattedValue):
                used = [node.value]
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
                used = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "str":
                used = node.args
            if any(isinstance(each, ast.Name) and each.id == handler.name for each in used):
                yield node.lineno, ast.unparse(node)


def test_the_search_for_errors_in_strings_finds_them(tmp_path):
    path = tmp_path / "code.py"
    path.write_text(
        "try: pass\nexcept OSError as e:\n a = f'{e}'\n b = '%s' % e\n"
        " c = '%s %d' % (e, 1)\n d = str(e)\n g = f'{why(e)}'\n"
        "except ValueError as e:\n h = str(e)\n"
    )
    assert sorted(line for line, _ in put_in(path)) == [3, 4, 5, 6]


def test_no_error_of_the_system_goes_into_a_sentence_with_its_number():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in (ROOT / "tools").rglob("*.py")
        if "node_modules" not in path.parts and path.relative_to(ROOT).as_posix() not in ANY
        for line, text in put_in(path)
    ]
    assert not found, "say it by tools.words: why(error), in_words(error), with_name(error)"
