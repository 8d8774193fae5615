# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Modules that come late and go early: that of a name that a package is asked for, that of methods which few objects of
a class ever need, and one that is needed no more.
"""
def submodule(package, name):
    """Return the module that `from package import name` asks for. MicroPython asks `__getattr__` of the package before
    it looks for a module, so that calls this last. Raise AttributeError where there is none.
    """
def quick(load, *arguments):
    """Return `load(*arguments)`, which imports modules of packages that are imported already, and what the interpreter
    has built in or frozen. MicroPython looks for a file with the name of what is built in, at each import of it, in
    each place of `sys.path`, which takes 3.5 ms on an RP2040: so no files are looked at meanwhile.
    """
def later(kind, name, *homes):
    """Bring methods into the class `kind` whose objects seldom need them: its `__getattr__` calls this for a `name`
    that it lacks, and finds it then. Each of `homes` is a module and a class in it that has such methods, perhaps
    with those names of them that others ask for, so that no other name loads it. All methods of the first one that has
    `name` come in, since one seldom comes alone. Raise AttributeError where none has it.
    """
def whole(kind, *homes):
    """Where the interpreter is CPython, bring them all in at once, and take `__getattr__` out: there it makes each call
    of a method take memory. To be called behind the class.
    """
def unload(whole):
    """Give back the memory of a module that has done its work, by its whole name; the next import loads it again."""
