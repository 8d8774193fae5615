# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""What all of `coap` and `msgin5g` stands on, in one module, since each costs a device 100 octets: where CPython and
MicroPython differ; modules that come late and go early; tables of states.

Modules that come late are that of a name that a package is asked for, that of methods which few objects of a class ever
need, and one that is needed no more.

A table of states says what an event makes of a state. It has four parts: the states; for each of them, the place of the
state whose name an application sees; the events, with a space between; and a line for each state, with the place that
each event leads to. A place is a letter, `a` for the first state. A dot means that the event changes nothing there. The
events are one string, which costs a heap less than a tuple of them. So no name may be a part of one before it.
"""
from collections.abc import Callable
from os import urandom as random_octets
from typing import Any
from typing import Final
from ._contracts import Octets
PLAIN: Final = b" etaoinsrhld.0123456789cumfpgwyb,v-k:%/jxqzETAOINSRHLDCUMFPGWYBVKJXQZ@_+=()[]{}<>!?;&#$*'`~^|"
utf8: Any
def const(value: Any) -> Any:
    """Return the value."""
def ticks_diff(later: int, earlier: int) -> int:
    """Return milliseconds from `earlier` to `later`, right as long as they lie less than 3.1 days apart."""
def earliest(first: int | None, second: int | None) -> int | None:
    """Return the sooner of two ticks, each of which may be None for "never"."""
def json_octets(value: Any) -> bytes:
    """Return `value` as JSON in UTF-8, without spaces, only what JSON must escape escaped (RFC 8259 section 7)."""
def json_string(octets: bytes) -> bytes:
    """Return text in UTF-8 as a JSON string in UTF-8. Raise ValueError where the octets are none."""
def json_value(octets: Octets, end: int | None=None) -> Any:
    """Return what the JSON text in `octets` means. `end` is what `json_string_in` has returned, where that was called.

    Raise ValueError for what is not JSON in UTF-8, what was cut off among it; MicroPython overlooks wrong commas.
    """
def drop_half_modules() -> None:
    """Take the names of modules that there was no memory to begin out of `sys.modules`. MicroPython leaves them there
    without a module, and crashes at the next import of one; to be called wherever a MemoryError is outlived. Raise
    nothing.
    """
def collect_less() -> None:
    """Have MicroPython collect less often than main.py wants where much of the heap is free, and more often where
    little is, as holes count for more than time then (docs/memory.md): for who is about to take and drop much of it,
    with somebody waiting.
    """
def printable(text: str) -> str:
    """Return what a peer wrote as it may be shown: "?" for each control character, which would move a cursor, or make
    a line of its own.

    Octets are looked at, here and wherever a text is a peer's: MicroPython keeps each character that it looks at
    singly in its table of names, for ever, and there are a million of them.
    """
def json_string_in(octets: Octets) -> tuple[int, int]:
    """Return where the longest string among the octets of a JSON text begins and ends, as far as it is found out; an
    end below 0 where there are escapes. It is looked at piece by piece, as a heap that is full may not have room for
    more.

    Raise ValueError where it is not UTF-8, where brackets nest too deeply, or where one is not closed, which
    MicroPython 1.25 overlooks. Those within strings do not count.
    """
def submodule(package: str, name: str) -> Any:
    """Return the module that `from package import name` asks for. MicroPython asks `__getattr__` of the package before
    it looks for a module, so that calls this last. Raise AttributeError where there is none.
    """
def quick(load: Callable[..., Any], *arguments: Any) -> Any:
    """Return `load(*arguments)`, which imports modules of packages that are imported already, and what the interpreter
    has built in or frozen. MicroPython looks for a file with the name of what is built in, at each import of it, in
    each place of `sys.path`, which takes 3.5 ms on an RP2040: so no files are looked at meanwhile.
    """
def later(kind: type, name: str, homes: str) -> None:
    """Bring methods into the class `kind` whose objects seldom need them: its `__getattr__` calls this for a `name`
    that it lacks, and finds it then. Each line of `homes` is a module and a class in it that has such methods, perhaps
    with those names of them that others ask for, so that no other name loads it. All methods of the first one that has
    `name` come in, since one seldom comes alone. Raise AttributeError where none has it.
    """
def whole(kind: Any, homes: str='', asked: str='') -> None:
    """Where the interpreter is CPython, bring them all in at once, and take `__getattr__` out: there it makes each call
    of a method take memory. To be called behind the class.

    Names in `asked` are those that `__getattr__` answers itself, and that are properties on CPython. Where a class or a
    base of it has a property, MicroPython looks through all of them each time that an attribute of an object is set:
    so those have none whose objects are made or changed with each message.
    """
def unload(whole: str) -> None:
    """Give back the memory of a module that has done its work, by its whole name; the next import loads it again."""
def word(table: tuple[tuple[str, ...], bytes, str, bytes], state: str) -> str:
    """Return the word that an application sees for a state."""
def after(table: tuple[tuple[str, ...], bytes, str, bytes], state: str, event: str) -> str | None:
    """Return the state that an event leads to, None where it means nothing in this one. Want no memory."""
