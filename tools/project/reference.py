# SPDX-License-Identifier: MIT
"""The reference of `coap`, made of its docstrings: `python -m tools.project.reference` writes docs/api anew.

A page for each module that an application imports. It has what the module offers, wherever in `coap` that is defined.
"""

import ast
from pathlib import Path

from tools.project import public, stubs

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs/api"
MADE = "<!-- Made of the docstrings: make docs -->\n"
# What an application names in its imports; all else is found by these.
PAGES = (
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


class Library:
    """All modules, and where a name of one is defined."""

    def __init__(self):
        self.modules = {module.name: module for module in stubs.modules().values()}

    def offered(self, name):
        """{name: (Module, Value, Function, Class)} of a module: its own, and what it has from others to offer."""
        module = self.modules[name]
        found = {}
        for node, typing in module.imports:
            source = self.source(module, node)
            if source is None:
                continue
            for alias in node.names:
                if alias.name == "*":
                    found |= {one: it for one, it in self.offered(source).items() if public.is_public(one)}
                elif stubs.is_offered(module, node, alias, typing):
                    found |= self.defined(source, alias.name, alias.asname or alias.name)
        own = [*module.values, *module.functions, *module.classes]
        return found | {each.name: (module, each) for each in own if _is_shown(each.name)}

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
        parts.append(
            "\n".join(["| constant | value |", "| --- | --- |", *(_row(*value) for value in values)]) + "\n"
        )
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
            functions.setdefault(function.name, function)
    made = functions.pop("__init__", None)
    yield f"    {_made(each.name, made)}\n"
    yield _prose(each.doc)
    for _, base in library.bases(home, each):
        if not library.is_on_a_page(base):
            yield _prose(base.doc)
    names = {value.name: value for one in reversed(chain) for value in one.values if _is_shown(value.name)}
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


def _row(name, value):
    shown = ast.unparse(value.value) if value.value is not None else _text(value.annotation)
    return f"| `{name}` | `{shown}` |"


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
