# SPDX-License-Identifier: MIT
"""Folders of the firmware that a slot brings in place of the frozen ones.

MicroPython looks for a module in one place, the `__path__` of its package, which is a single string; and what stands in
for `__import__` is not told which module asks, so it could not tell what `from ..rules import steps` means there. So
what takes another's place is a folder, with all of its modules: the package is imported from there once, before
anything else, and has its `__path__` from then on, whatever is imported of it, unloaded and imported again. It costs
nothing after that: no call, and no stack, of which an RP2040 has little left.

A folder with an `__init__` is such a package. A folder without one is only on the way to it: of `fw/msgin5g/rules` and
no `fw/msgin5g/__init__`, the room `rules` is the slot's, and all else of `msgin5g` what it was. CPython's import has
no need of this, and cannot go by it.
"""

import os
import sys

_FOLDER = 0x4000  # as os.ilistdir has it
_INIT = ("__init__.mpy", "__init__.py")
_LINE = 1024  # octets of a line of the manifest that are looked at

_asked = (
    None  # the package that this module stands for, by name and itself, and where its modules lie this once
)


def __getattr__(name):
    """Where the modules of the package lie that this module stands for: asked by the import of one, which has its
    answer before it looks, so that whatever the module itself imports finds the package again."""
    if name != "__path__" or _asked is None:
        raise AttributeError(name)
    package, itself, place = _asked
    sys.modules[package] = itself
    return place


def other(slot):
    """Return the one version of the firmware that what is in a slot was made for, by its manifest; "" where it is that
    of what was flashed. By cable, or with another MicroPython, a board gets a new one beside the slot that it has."""
    needs = b""
    try:
        with open(slot + "/manifest", "rb") as file:
            line = file.readline(_LINE)
            while line and not line.startswith(b"file "):
                if line.startswith(b"needs ="):
                    needs = line[7:].strip()
                line = file.readline(_LINE)
    except OSError:
        return ""  # no update brought it
    needs = str(needs, "utf-8")
    return "" if needs == (_flashed() if needs else "") else needs


def _flashed():
    """Return the version of what was flashed. Not from coap.version: with that all of `coap` would be imported, whose
    place a slot may take."""
    path = sys.path[:]
    sys.path[:] = [(place + "/" if place else "") + "coap" for place in path]
    try:
        return __import__("version").VERSION
    except ImportError:
        return ""
    finally:
        sys.path[:] = path
        sys.modules.pop("version", None)


def begin(folder):
    """Let the packages in `folder` take the place of those of their names, and modules beside them, too. To be called
    before any of them is imported.

    Raise ImportError for what cannot take a place, and whatever the `__init__` of a package raises.
    """
    place = os.getcwd().rstrip("/") + "/" + folder  # an application may go elsewhere
    packages = []
    modules = []
    _look(place, "", packages, modules)
    # What imports another is behind it: rooms behind the packages that they lie in, and of those coap is the first.
    for name in sorted({name.split(".")[0] for name in packages}):
        _import(name, place if name in packages else None)
    for name in sorted(packages):
        if "." in name:
            _enter(name, place)
    for name in modules:
        _import(name, place)


def _look(place, prefix, packages, modules):
    """Find what there is, in this folder and below it."""
    for name, kind, *_ in os.ilistdir(place):
        if kind == _FOLDER:
            whole = place + "/" + name
            if prefix + name == "base":
                pass  # what no update replaces
            elif any(init in os.listdir(whole) for init in _INIT):
                packages.append(prefix + name)
            else:
                _look(whole, prefix + name + ".", packages, modules)
        elif prefix:
            raise ImportError(
                "%s has no __init__, and %s alone cannot take a place" % (prefix[:-1].replace(".", "/"), name)
            )
        else:
            modules.append(name.split(".")[0])


def _import(name, place):
    """Import what lies in no package, from this place or from where it is."""
    if place is None:
        __import__(name)
        return
    sys.path.insert(0, place)
    try:
        _check(__import__(name), place)
    finally:
        sys.path.remove(place)


def _enter(name, place):
    """Import a package that lies in another one."""
    global _asked
    parent, _, last = name.rpartition(".")
    package = __import__(parent, None, None, (last,))
    _asked = parent, package, place + "/" + parent.replace(".", "/")
    sys.modules[parent] = itself = sys.modules[__name__]
    try:
        _check(__import__(name, None, None, (last,)), place)
    finally:
        sys.modules[parent] = package
        _asked = None
    setattr(package, last, sys.modules[name])
    delattr(itself, last)  # the import had it for the package


def _check(module, place):
    """Raise ImportError where it was there before: others may hold it."""
    if not getattr(module, "__path__", module.__file__).startswith(place):
        raise ImportError("%s was imported before its place was taken" % module.__name__)
