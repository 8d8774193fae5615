# SPDX-License-Identifier: MIT
"""Sentences that people read: things that are counted, and what the system says when it refuses something."""

import errno
import os
import re
import socket
import sys

# What to do, where the system's own words leave that open. The rest of them is understood as it is.
_ADVICE = {
    errno.ENOENT: "look at the name",
    errno.EEXIST: "take another name",
    errno.EACCES: "look whose it is (ls -l)",
    errno.EPERM: "look whose it is (ls -l)",
    errno.EISDIR: "name a file",
    errno.ENOTDIR: "one of the names before the last is a file",
    errno.ENOSPC: "make room there, then run it again",
    errno.EDQUOT: "make room there, then run it again",
    errno.EROFS: "take another place",
    errno.EFBIG: "it has become too large",
    errno.EMFILE: "allow more of them (ulimit -n)",
    errno.EADDRINUSE: "end who has it, or take another port",
    errno.EADDRNOTAVAIL: "take an address of this machine (ip address), or 0.0.0.0 for all of them",
    errno.ECONNREFUSED: "nobody listens there: start it, or look at the address",
    errno.ENETUNREACH: "look at the network of this machine",
    errno.EHOSTUNREACH: "look at the network of this machine",
    errno.ETIMEDOUT: "look at the address, and whether it runs",
}

_NUMBER = re.compile(r"\[Errno -?\d+\] ?")


def counted(number, one, many=None):
    """ "1 message", "0 messages"; `many` where it is not `one` with an s: counted(n, "UE ID has", "UE IDs have")."""
    return f"{number} {one if number == 1 else many or one + 's'}"


_RANGES = 8  # of a list, which may be long, that are said


def ranged(ranges, one):
    """Of a list of ranges as `segNoList` has it: "segment 8", "segments 2 to 4, 8"."""
    spans = [[end.strip(" ()") for end in span.split("-")] for span in str(ranges).split(",")]
    said = [ends[0] if ends[0] == ends[-1] else f"{ends[0]} to {ends[-1]}" for ends in spans[:_RANGES]]
    more = f" and {len(spans) - _RANGES} more" if len(spans) > _RANGES else ""
    return f"{one if len(spans) == 1 and ' ' not in said[0] else one + 's'} {', '.join(said)}{more}"


def one_line(text):
    """The lines of a text as one: one that begins with a capital begins a sentence, any other goes on."""
    said = ""
    for line in filter(None, (" ".join(line.split()) for line in str(text).splitlines())):
        between = " " if not said or said[-1] in ".:;,!?" else ". " if line[0].isupper() else "; "
        said += between + line
    return said.strip()


def complain(sentences):
    """A line each on stderr, as of this program."""
    for sentence in sentences.splitlines() or [""]:
        print(f"msgin5g: {sentence}", file=sys.stderr)


def in_words(error):
    """What the system says of an OSError, without its number and without the name; what any other error says."""
    number = getattr(error, "errno", None)
    # asyncio and pyserial put addresses and names into strerror, which whoever tells of it says, too.
    said = os.strerror(number) if number in errno.errorcode else getattr(error, "strerror", None)
    return _NUMBER.sub("", str(said or error)) or type(error).__name__


def why(error):
    """The same, and what to do about it."""
    advice = _ADVICE.get(getattr(error, "errno", None))
    if isinstance(error, socket.gaierror):
        advice = "look at the name, and at the network of this machine"
    return f"{in_words(error)}: {advice}" if advice else in_words(error)


def with_name(error):
    """The same with the name of what it was about, where the error has one: for who does not know what was tried."""
    name = getattr(error, "filename", None)
    return why(error) if name is None else f"{os.fsdecode(name) or 'no name'}: {why(error)}"
