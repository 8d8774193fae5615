# SPDX-License-Identifier: MIT
"""Sentences: the singular, and what the system refuses. The system's words are those of POSIX <errno.h>."""

import errno
import re
import socket
from pathlib import Path

import pytest
import serial

from tools.words import counted, in_words, why, with_name

ROOT = Path(__file__).resolve().parents[3]
# `line/ports.py` has a table of its own, on boards; `transport/coap.py` an errno that came without an error.
OF_NUMBERS = {"tools/words.py", "tools/line/ports.py", "tools/transport/coap.py"}


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (1, ["message"], "1 message"),
        (0, ["message"], "0 messages"),
        (2, ["message"], "2 messages"),
        (1024, ["octet"], "1,024 octets"),
        (1, ["reply", "replies"], "1 reply"),
        (3, ["reply", "replies"], "3 replies"),
    ],
)
def test_one_thing_is_not_things(number, words, said):
    assert counted(number, *words) == said


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
