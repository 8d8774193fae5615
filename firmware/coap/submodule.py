# SPDX-License-Identifier: MIT
"""Modules of a package: that of a name that the package is asked for, and one that is needed no more."""

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


def unload(whole):
    """Give back the memory of a module that has done its work, by its whole name; the next import loads it again."""
    package, _, name = whole.rpartition(".")
    sys.modules.pop(whole, None)
    if hasattr(sys.modules.get(package), name):
        delattr(sys.modules[package], name)
