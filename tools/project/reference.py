# SPDX-License-Identifier: MIT
"""The reference, made of docstrings: `python -m tools.project.reference` writes docs/api anew.

A page for each module that an application imports. It has what the module offers, wherever in its package that is
defined. Of `coap`, a library, that is whatever has no underscore; of `msgin5g` and `device`, whose rooms call each
other, what says its types: calls for applications do.
"""

import ast
from pathlib import Path

from tools.project import public, stubs

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs/api"
MADE = "<!-- Made of the docstrings: make docs -->\n"
# What an application names in its imports; all else is found by these.
PAGES = (
    "device",
    "device.client",
    "device.console",
    "device.update",
    "msgin5g",
    "coap",
    "coap.aio",
    "coap.aio.observing",
    "coap.aio.transfers",
    "coap.aio.multicast",
    "coap.aio.directory",
    "coap.aio.udp",
    "coap.observe",
    "coap.observe.server",
    "coap.observe.sequence",
    "coap.oscore",
    "coap.uri.whole",
    "coap.uri.link_format",
    "coap.compat",
)


# What says its types and is called by the rooms beside it alone.
INSIDE = {"abandon", "again", "is_in", "next_message"}


class Library:
    """All modules, and where a name of one is defined."""

    def __init__(self):
        packages = {name.partition(".")[0] for name in PAGES}
        self.modules = {module.name: module for each in packages for module in stubs.modules(each).values()}

    def offered(self, name):
        """{name: (Module, Value, Function, Class)} of a module: its own, and what it has from others to offer."""
        module = self.modules[name]
        found = {}
        for node, typing in module.imports:
            source = self.source(module, node)
            if source is None or not _is_library(module) and _is_library(self.modules[source]):
                continue
            for alias in node.names:
                if alias.name == "*":
                    found |= {one: it for one, it in self.offered(source).items() if public.is_public(one)}
                elif stubs.is_offered(module, node, alias, typing):
                    found |= self.defined(source, alias.name, alias.asname or alias.name)
        for home, names in _homes(module):
            found |= {one: it for one, it in self.offered(home).items() if one in names}
        own = [*module.values, *module.functions, *module.classes]
        return found | {each.name: (module, each) for each in own if is_for_all(module, each)}

    def defined(self, source, name, shown):
        """{shown: its definition}; nothing for a module, which has a page of its own or is no one's business."""
        found = None if f"{source}.{name}" in self.modules else self.offered(source).get(name)
        return {shown: found} if found else {}

    def source(self, module, node):
        """The name of the module of `coap` that is imported from, or None."""
        if not isinstance(node, ast.ImportFrom):
            return None
        words = module.name.split(".")
        words = words[: len(words) - node.level + module.is_package] if node.level else []
        name = ".".join([*words, *([node.module] if node.module else [])])
        return name if name in self.modules and name != module.name else None

    def is_on_a_page(self, each):
        pages = [name for name in PAGES if name in self.modules]
        return any(each is one for name in pages for _, one in self.offered(name).values())

    def bases(self, module, each):
        """(Module, Class) of each base that is defined in `coap`, the nearest first."""
        for base in each.node.bases:
            found = self._find(module, ast.unparse(base))
            if found:
                yield found
                yield from self.bases(*found)

    def _find(self, module, name):
        for each in module.classes:
            if each.name == name:
                return module, each
        for node, _ in module.imports:
            source = self.source(module, node)
            for alias in node.names if source else ():
                if (alias.asname or alias.name) == name:
                    return self._find(self.modules[source], alias.name)
        return None


def _homes(module):
    """(module, names in it) of what a package finds when it is asked for: the rows of its `_HOMES`."""
    for value in module.values:
        for row in value.value.value.split("\n") if value.name == "_HOMES" else ():
            home, *names = row.split()
            yield (home if home.startswith("coap.") else f"{module.name}.{home}"), names


def is_for_all(module, each):
    """Whether what a module or a class of it has is for whoever uses the package."""
    if not _is_shown(each.name):
        return False
    if _is_library(module):
        return True
    if each.name in INSIDE:
        return False
    if isinstance(each, public.Class):
        return not each.typing
    if isinstance(each, public.Function):
        return each.node.returns is not None
    if any(each is one for one in module.values):
        return each.value is not None
    return each.said and _text(each.annotation) != "Any"


def _is_library(module):
    return module.name.partition(".")[0] not in ("device", "msgin5g")


def _is_shown(name):
    return not name.startswith("_") and name != "const"


def texts():
    """{file name: text} of the pages."""
    library = Library()
    return {f"{name}.md": page(library, name) for name in PAGES if name in library.modules}


def page(library, name):
    module = library.modules[name]
    offered = library.offered(name)
    parts = [MADE, f"# `{name}`\n", _prose(module.doc)]
    values = [(shown, each) for shown, (_, each) in offered.items() if isinstance(each, public.Value)]
    if values:
        parts.append("\n".join(_table(values)) + "\n")
    for shown, (_, each) in offered.items():
        if isinstance(each, public.Function):
            parts += [f"## `{signature(each, shown)}`\n", _prose(each.doc)]
    for shown, (home, each) in offered.items():
        if isinstance(each, public.Class):
            parts += [f"## class `{shown}`\n", *members(library, home, each)]
    return "\n".join(part for part in parts if part)


def members(library, home, each):
    """What a class has, with what it has from bases of ours that a page does not show."""
    chain = [each, *(base for _, base in library.bases(home, each))]
    functions = {}
    for one in chain:
        for function in one.functions:
            if function.name == "__init__" or is_for_all(home, function):
                functions.setdefault(function.name, function)
    made = functions.pop("__init__", None)
    yield f"    {_made(each.name, made)}\n"
    yield _prose(each.doc)
    for _, base in library.bases(home, each):
        if _is_library(home) and not library.is_on_a_page(base):
            yield _prose(
                (base.doc or "").partition("\n\n")[2]
            )  # the first paragraph says what it is a base of
    names = {value.name: value for one in reversed(chain) for value in one.values if is_for_all(home, value)}
    names = {name: value for name, value in names.items() if name not in functions}
    if names:
        yield (
            "Attributes: " + ", ".join(f"`{name}: {_text(v.annotation)}`" for name, v in names.items()) + "\n"
        )
    for function in functions.values():
        if _is_shown(function.name):
            yield f"### `{_attribute(function) if function.is_property else signature(function)}`\n"
            yield _prose(function.doc)


def signature(function, name=None):
    """A call as it is written, with its types."""
    word = "async " if isinstance(function.node, ast.AsyncFunctionDef) else ""
    return f"{word}{name or function.name}({_arguments(function.node.args)}){_returns(function)}"


def _attribute(function):
    return function.name + (f": {_text(function.node.returns)}" if function.node.returns else "")


def _made(name, made):
    return f"{name}({_arguments(made.node.args) if made else ''})"


def _arguments(args):
    return stubs.arguments(args, _text, without=("self", "cls"))


def _returns(function):
    return f" -> {_text(function.node.returns)}" if function.node.returns else ""


def _text(node):
    return ast.unparse(stubs.opened(node))


def _table(values):
    """Constants, with what their source says of each, where it says something of one."""
    said = any(each.comment for _, each in values)
    yield "| constant | value |" + " means |" * said
    yield "| --- | --- |" + " --- |" * said
    for name, each in values:
        shown = ast.unparse(each.value) if each.value is not None else _text(each.annotation)
        yield f"| `{name}` | `{shown}` |" + f" {each.comment} |" * said


def _prose(doc):
    return f"{doc}\n" if doc else ""


def main():
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.md"):
        old.unlink()
    for name, text in texts().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
