# SPDX-License-Identifier: MIT
"""Modules of a package that is asked for names. Imported by the first `from package import module`."""


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
