# SPDX-License-Identifier: MIT
"""Which modules a device can come to import: for a board whose file system has no room for all of the library beside
the messages. It is read in the sources, imports within functions too.
"""

import ast
import functools
from pathlib import Path

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
DEVICE = ("base", "msgin5g", "device")  # all of these
LINKS = "device.links."  # but of these only what the board or another one imports
LIBRARY = "coap"  # of this what they, and it itself then, import
NOT_ON_A_BOARD = ("_TYPING", "core is None")  # `asyncio.core` is MicroPython's


def modules(board, firmware=FIRMWARE):
    """Paths below `firmware`, "coap/message.py", of what the device and this `board` (a folder) can import."""
    known = {
        ".".join(path.relative_to(firmware).with_suffix("").parts).removesuffix(".__init__"): path
        for path in firmware.rglob("*.py")
    }
    sources = dict(known)
    sources |= {f"<board> {path.name}": path for path in board.glob("*.py") if path.name != "manifest.py"}
    open_ = [name for name in sources if name.partition(".")[0] != LIBRARY and not name.startswith(LINKS)]
    reached = set(open_)
    while open_:
        name = open_.pop()
        for found in _imports(name, sources[name], known) - reached:
            reached.add(found)
            open_.append(found)
    return {known[name].relative_to(firmware).as_posix() for name in reached & set(known)}


def _imports(name, path, known):
    """Names of modules that a module imports, with the packages that they are in."""
    imports, attributes, words = _read(path.read_text(), name == LIBRARY)
    wanted, aliases = words & known.keys(), {}
    for node in imports:
        if isinstance(node, ast.Import):
            wanted |= {alias.name for alias in node.names}
            aliases |= {alias.asname or alias.name: alias.name for alias in node.names}
        else:
            base = _base(name, path, node)
            names = {alias.name for alias in node.names}
            wanted |= {base, *(f"{base}.{each}" for each in names), *_late(base, known, names)}
            aliases |= {alias.asname or alias.name: f"{base}.{alias.name}" for alias in node.names}
    for owner, attribute in attributes:
        if owner in aliases:
            wanted |= set(_late(aliases[owner], known, {attribute}))
    found = set()
    for each in wanted:
        parts = each.split(".")
        found |= {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    return found & set(known)


@functools.cache
def _read(text, late):
    """What a module says: its import statements, pairs of `owner.attribute`, and the words of its strings, which may be
    a table of what is imported late. Read once: several images may be made of the same text."""
    tree = ast.parse(text)
    attributes, words = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name):
                attributes.add((node.value.id, node.attr))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.update(node.value.split())
    return tuple(_code(tree.body, late)), attributes, words


def _base(name, path, node):
    """The package or module that `from ... import` names."""
    if not node.level:
        return node.module
    parts = name.split(".")
    keep = len(parts) - node.level + (path.stem == "__init__")
    return ".".join(parts[:keep] + ([node.module] if node.module else []))


def _code(body, late=False):
    """Import statements, but for those of type checkers and of CPython, and, unless `late`, those that `__getattr__` of
    a room of the library has for who asks for a name."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and ast.unparse(node.test) in NOT_ON_A_BOARD:
            yield from _code(node.orelse, late)
        elif isinstance(node, ast.expr):
            continue  # no statement is in one
        elif late or not (isinstance(node, ast.FunctionDef) and node.name == "__getattr__"):
            yield from _code(ast.iter_child_nodes(node), late)


def _late(package, known, names):
    """Modules that `__getattr__` of a package imports for these names."""
    if package not in known or known[package].name != "__init__.py":
        return
    for asked, imports in _kept_back(known[package].read_text()):
        if asked & names:
            for each in imports:
                base = _base(package, known[package], each)
                yield base
                yield from (f"{base}.{alias.name}" for alias in each.names)


@functools.cache
def _kept_back(text):
    """[(names, the import statements)] of each `if` of a package that asks for one of these names."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.If):
            asked = {each.value for each in ast.walk(node.test) if isinstance(each, ast.Constant)}
            found.append((asked, [each for each in node.body if isinstance(each, ast.ImportFrom)]))
    return found
