# SPDX-License-Identifier: MIT
"""What all of `coap` and `msgin5g` stands on, in one module, since each costs a device 100 octets: where CPython and
MicroPython differ; modules that come late and go early; tables of states.

Modules that come late are that of a name that a package is asked for, that of methods which few objects of a class ever
need, and one that is needed no more.

A table of states says what an event makes of a state. It has four parts: the states; for each of them, the place of the
state whose name an application sees; the events, with a space between; and a line for each state, with the place that
each event leads to. A place is a letter, `a` for the first state. A dot means that the event changes nothing there. The
events are one string, which costs a heap less than a tuple of them. So no name may be a part of one before it.
"""

import gc
import json
import sys
from os import urandom as random_octets  # noqa: F401  # for who needs some

try:
    from micropython import const
except ImportError:  # CPython has no constant folding to ask for

    def const(value: "Any") -> "Any":
        """Return the value."""
        return value


_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Octets


_THRESHOLD = const(16384)  # octets, half of that of firmware/main.py
_PIECE = const(128)  # octets of JSON that are looked at at a time
_TEXT = const(256)
_DEEPEST = const(32)  # brackets within brackets in JSON: each open one costs the heap 64 octets and more

# Ticks may wrap. The period divides that of each MicroPython port (2**30 on 32 bits, 2**62 on 64),
# and sums of two ticks stay small integers on a 32-bit board, which big ones would not.
_PERIOD = const(1 << 29)
_HALF = const(1 << 28)

# Characters that JSON never escapes, for `octets.strip(PLAIN)`: what is left begins with one that it may escape. That
# takes a third of what `json` does. The most frequent come first, for each octet is looked for from there.
PLAIN = b" etaoinsrhld.0123456789cumfpgwyb,v-k:%/jxqzETAOINSRHLDCUMFPGWYBVKJXQZ@_+=()[]{}<>!?;&#$*'`~^|"


def ticks_diff(later: int, earlier: int) -> int:
    """Return milliseconds from `earlier` to `later`, right as long as they lie less than 3.1 days apart."""
    return ((later - earlier + _HALF) & (_PERIOD - 1)) - _HALF


def earliest(first: int | None, second: int | None) -> int | None:
    """Return the sooner of two ticks, each of which may be None for "never"."""
    if first is None:
        return second
    # as ticks_diff, whose call would take more than that
    if second is None or ((first - second + _HALF) & (_PERIOD - 1)) <= _HALF:
        return first
    return second


if sys.implementation.name == "micropython":

    def json_octets(value: "Any") -> bytes:
        """Return `value` as JSON in UTF-8, without spaces, only what JSON must escape escaped (RFC 8259 section 7)."""
        return json.dumps(value, separators=(",", ":")).encode()

    # The octets of a str in UTF-8: here it is a buffer of them, and needs no copy. And what `json` reads.
    utf8: "Any" = memoryview
    _source: "Any" = memoryview

else:
    utf8 = str.encode
    _source = bytes

    def json_octets(value: "Any") -> bytes:
        """Return `value` as JSON in UTF-8, without spaces, only what JSON must escape escaped (RFC 8259 section 7)."""
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def json_string(octets: bytes) -> bytes:
    """Return text in UTF-8 as a JSON string in UTF-8. Raise ValueError where the octets are none."""
    if octets.strip(PLAIN):
        return json_octets(str(octets, "utf-8"))  # of octets `json` does not look whether they are UTF-8
    return b'"' + octets + b'"'


def json_value(octets: "Octets", end: int | None = None) -> "Any":
    """Return what the JSON text in `octets` means. `end` is what `json_string_in` has returned, where that was called.

    Raise ValueError for what is not JSON in UTF-8, what was cut off among it; MicroPython overlooks wrong commas.
    """
    if end is None:
        end = json_string_in(octets)[1]
    if end < 0:
        # Never two copies at once, nor one while the value grows: a heap that is full may not have the room.
        text = str(octets, "utf-8")
        if "\\ud" in text or "\\uD" in text:
            from .json_text import join_surrogates

            octets = utf8(join_surrogates(text))
        text = ""
    return json.loads(_source(octets))


def drop_half_modules() -> None:
    """Take the names of modules that there was no memory to begin out of `sys.modules`. MicroPython leaves them there
    without a module, and crashes at the next import of one; to be called wherever a MemoryError is outlived. Raise
    nothing."""
    if sys.implementation.name != "micropython":
        return  # None there means that somebody forbids that import
    name: "str | None" = ""
    while name is not None:
        sys.modules.pop(name, None)
        name = None
        for each in sys.modules:  # of which `get` has None, and `in` says that it is there
            if sys.modules.get(each) is None:
                name = each
                break


def collect_less() -> None:
    """Have MicroPython collect less often than main.py wants where much of the heap is free, and more often where
    little is, as holes count for more than time then (docs/memory.md): for who is about to take and drop much of it,
    with somebody waiting."""
    if hasattr(gc, "mem_free"):
        gc.threshold(max(_THRESHOLD, gc.mem_free() // 3))  # type: ignore[attr-defined]


def printable(text: str) -> str:
    """Return what a peer wrote as it may be shown: "?" for each control character, which would move a cursor, or make
    a line of its own.

    Octets are looked at, here and wherever a text is a peer's: MicroPython keeps each character that it looks at
    singly in its table of names, for ever, and there are a million of them.
    """
    octets = text.encode()
    if not octets.strip(PLAIN):
        return text
    shown = bytearray()
    for octet in octets:
        if octet < 0xA0 and shown[-1:] == b"\xc2":  # U+0080 to U+009F
            shown[-1] = 0x3F
        else:
            shown.append(0x3F if octet < 0x20 or octet == 0x7F else octet)
    return str(shown, "utf-8")


def _check_utf_8(view):
    """Raise ValueError where it is not UTF-8."""
    size = len(view)
    end = 0
    while end < size:  # by pieces that end with a character
        start = end
        end += _TEXT
        if size - end < _TEXT:  # MicroPython looks for shorter ones among all names
            end = size
        while end < size and view[end] & 0xC0 == 0x80:
            end += 1
        str(view[start:end], "utf-8")  # UnicodeError is a ValueError


def json_string_in(octets: "Octets") -> tuple[int, int]:
    """Return where the longest string among the octets of a JSON text begins and ends, as far as it is found out; an
    end below 0 where there are escapes. It is looked at piece by piece, as a heap that is full may not have room for
    more.

    Raise ValueError where it is not UTF-8, where brackets nest too deeply, or where one is not closed, which
    MicroPython 1.25 overlooks. Those within strings do not count.
    """
    view = memoryview(octets)
    _check_utf_8(view)
    longest = end = 0
    begun = -1  # where the string began that goes on
    inside = 0
    escaped = escapes = False
    depth = opened = 0
    for at in range(0, len(view), _PIECE):
        octets = bytes(view[at : at + _PIECE])
        if escaped:
            octets = octets[1:]
            escaped = False
        if b"\\" in octets:
            # A quote behind an escaped backslash ends a string, an escaped one does not. A backslash that is in no
            # string is no JSON: whatever stands behind it is never read.
            octets = octets.replace(b"\\\\", b"").replace(b'\\"', b"")
            escapes = True
            escaped = octets.endswith(b"\\")
        quote = octets.find(b'"')
        if quote < 0:
            if inside:
                continue
        else:
            if inside and at + quote - begun > end - longest:
                longest = begun
                end = at + quote
            begun = at + octets.rfind(b'"') + 1
            parts = octets.split(b'"')
            octets = b"".join(parts[inside::2])  # what is in no string
            inside ^= len(parts) - 1 & 1
        opens = octets.count(b"[") + octets.count(b"{")
        opened += opens
        if opened > _DEEPEST:
            from .json_text import depth_behind

            depth = depth_behind(octets, depth, _DEEPEST)
        else:
            depth += opens - octets.count(b"]") - octets.count(b"}")
    if depth > 0:
        raise ValueError("JSON is cut off")
    return longest, -1 if escapes else end


# --- modules that come late and go early -------------------------------------------------------------------


def submodule(package: str, name: str) -> "Any":
    """Return the module that `from package import name` asks for. MicroPython asks `__getattr__` of the package before
    it looks for a module, so that calls this last. Raise AttributeError where there is none.
    """
    whole = package + "." + name
    try:
        if not name.startswith("_"):
            return __import__(whole, None, None, (name,))
    except ImportError as error:
        if whole + "'" not in str(error):  # it is there, and what it imports is not
            raise
    raise AttributeError(name)


def quick(load: "Callable[..., Any]", *arguments: "Any") -> "Any":
    """Return `load(*arguments)`, which imports modules of packages that are imported already, and what the interpreter
    has built in or frozen. MicroPython looks for a file with the name of what is built in, at each import of it, in
    each place of `sys.path`, which takes 3.5 ms on an RP2040: so no files are looked at meanwhile."""
    if sys.implementation.name != "micropython":
        return load(*arguments)
    places = sys.path
    sys.path = [".frozen"]  # where there is none, MicroPython ignores what is imported already
    try:
        return load(*arguments)
    finally:
        sys.path = places  # not `sys.path[:]`, which wants memory: an application's own modules would be lost


def later(kind: type, name: str, homes: str) -> None:
    """Bring methods into the class `kind` whose objects seldom need them: its `__getattr__` calls this for a `name`
    that it lacks, and finds it then. Each line of `homes` is a module and a class in it that has such methods, perhaps
    with those names of them that others ask for, so that no other name loads it. All methods of the first one that has
    `name` come in, since one seldom comes alone. Raise AttributeError where none has it.
    """
    for row in homes.split("\n"):
        module, part, *names = row.split()
        if names and name not in names:
            continue
        home = __import__(module, None, None, (part,))
        methods = getattr(home, part).__dict__ if hasattr(home, part) else ()
        if name in methods:
            _bring(methods, kind, names)
            delattr(home, part)  # it has done its work
            return
    raise AttributeError(name)


def _bring(methods, kind, asked):
    """Bring methods into a class, last those that others ask for (`asked`): where memory lacks in the middle, or
    Ctrl-C comes, what is missing is asked for again, and what only a sibling calls is there."""
    for each in methods:
        if each not in asked and not each.startswith("__"):
            setattr(kind, each, methods[each])
    for each in asked:
        setattr(kind, each, methods[each])


def whole(kind: "Any", homes: str = "", asked: str = "") -> None:
    """Where the interpreter is CPython, bring them all in at once, and take `__getattr__` out: there it makes each call
    of a method take memory. To be called behind the class.

    Names in `asked` are those that `__getattr__` answers itself, and that are properties on CPython. Where a class or a
    base of it has a property, MicroPython looks through all of them each time that an attribute of an object is set:
    so those have none whose objects are made or changed with each message.
    """
    if sys.implementation.name != "micropython":
        ask = kind.__getattr__
        del kind.__getattr__
        for name in asked.split():
            setattr(kind, name, property(lambda self, name=name: ask(self, name)))  # type: ignore[misc]
        for home in homes.split("\n") if homes else ():
            module, part = home.split()[:2]
            _bring(getattr(__import__(module, None, None, (part,)), part).__dict__, kind, ())


def unload(whole: str) -> None:
    """Give back the memory of a module that has done its work, by its whole name; the next import loads it again."""
    package, _, name = whole.rpartition(".")
    # A package that is asked for what it has not loads it.
    if sys.modules.pop(whole, None) is not None and hasattr(sys.modules.get(package), name):
        delattr(sys.modules[package], name)


# --- tables of states --------------------------------------------------------------------------------------


def word(table: "tuple[tuple[str, ...], bytes, str, bytes]", state: str) -> str:
    """Return the word that an application sees for a state."""
    names = table[0]
    return names[table[1][names.index(state)] - 0x61]


def after(table: "tuple[tuple[str, ...], bytes, str, bytes]", state: str, event: str) -> str | None:
    """Return the state that an event leads to, None where it means nothing in this one. Want no memory."""
    names, _, events, places = table
    column = events.count(" ", 0, events.index(event))
    place = places[names.index(state) * (len(places) // len(names)) + column]
    return None if place == 0x2E else names[place - 0x61]
