# SPDX-License-Identifier: MIT
"""Modules that come late and go early: that of a name that a package is asked for, that of methods which few objects of
a class ever need, and one that is needed no more."""

import sys


def submodule(package, name):
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


def quick(load, *arguments):
    """Return `load(*arguments)`, which imports modules of packages that are imported already, and what the interpreter
    has built in or frozen. MicroPython looks for a file with the name of what is built in, at each import of it, in
    each place of `sys.path`, which takes 3.5 ms on an RP2040: so no files are looked at meanwhile."""
    if sys.implementation.name != "micropython":
        return load(*arguments)
    places = sys.path[:]
    sys.path[:] = [".frozen"]  # where there is none, MicroPython ignores what is imported already
    try:
        return load(*arguments)
    finally:
        sys.path[:] = places


def later(kind, name, *homes):
    """Bring methods into the class `kind` whose objects seldom need them: its `__getattr__` calls this for a `name`
    that it lacks, and finds it then. Each of `homes` is a module and a class in it that has such methods, perhaps
    with those names of them that others ask for, so that no other name loads it. All methods of the first one that has
    `name` come in, since one seldom comes alone. Raise AttributeError where none has it.
    """
    for row in homes:
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


def _bring(methods, kind, asked=()):
    """Bring methods into a class, last those that others ask for (`asked`): where memory lacks in the middle, or
    Ctrl-C comes, what is missing is asked for again, and what only a sibling calls is there."""
    for each in methods:
        if each not in asked and not each.startswith("__"):
            setattr(kind, each, methods[each])
    for each in asked:
        setattr(kind, each, methods[each])


def whole(kind, *homes):
    """Where the interpreter is CPython, bring them all in at once, and take `__getattr__` out: there it makes each call
    of a method take memory. To be called behind the class."""
    if sys.implementation.name != "micropython":
        del kind.__getattr__
        for home in homes:
            module, part = home.split()[:2]
            _bring(getattr(__import__(module, None, None, (part,)), part).__dict__, kind)


def unload(whole):
    """Give back the memory of a module that has done its work, by its whole name; the next import loads it again."""
    package, _, name = whole.rpartition(".")
    sys.modules.pop(whole, None)
    if hasattr(sys.modules.get(package), name):
        delattr(sys.modules[package], name)
