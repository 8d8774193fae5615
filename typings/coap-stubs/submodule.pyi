# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Modules of a package: that of a name that the package is asked for, and one that is needed no more."""
def submodule(package, name):
    """Return the module that `from package import name` asks for. MicroPython asks `__getattr__` of the package before
    it looks for a module, so that calls this last. Raise AttributeError where there is none.
    """
def unload(whole):
    """Give back the memory of a module that has done its work, by its whole name; the next import loads it again."""
