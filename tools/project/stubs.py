# SPDX-License-Identifier: MIT
"""Stubs of `coap` for editors and type checkers, made of its sources: `python -m tools.project.stubs` writes them anew.

typings has a package of stubs alone (PEP 561), which pip installs where an editor looks for types: what runs on a board
has neither annotations nor docstrings.
"""

import ast
import shutil
from pathlib import Path

from tools.image import boards, bytecode
from tools.project import public

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "typings"
NAME = "coap-stubs"
CONTRACTS = bytecode.FIRMWARE / "contracts.pyi"
HEAD = "# SPDX-License-Identifier: MIT\n# Made of the source: python -m tools.project.stubs\n"
PROJECT = """{made}
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "{version}"
description = "Types of coap, a CoAP for MicroPython, for editors and type checkers"
license = {{ text = "MIT" }}
requires-python = ">=3.11"

[tool.setuptools.packages.find]
include = ["{name}*"]

[tool.setuptools.package-data]
"*" = ["*.pyi"]
"""
_SHOWN = (ast.Constant, ast.UnaryOp)  # defaults that say something by themselves


def modules(package="coap"):
    """{path of the stub: Module} of all of `coap`, or of another package of the firmware."""
    found = {}
    for path in bytecode.sources(bytecode.FIRMWARE / package):
        name = path.relative_to(bytecode.FIRMWARE)
        dotted = ".".join(name.parts[:-1] if name.stem == "__init__" else name.with_suffix("").parts)
        found[Path(*name.parts[1:]).with_suffix(".pyi")] = public.read(dotted, path)
    return found


def texts():
    """{path below FOLDER: text} of the stubs, and of what pip reads."""
    found = {Path(NAME) / path: text(module) for path, module in modules().items()}
    found[Path(NAME) / "_contracts.pyi"] = CONTRACTS.read_text()
    return found | {Path("pyproject.toml"): PROJECT.format(made=HEAD, name=NAME, version=boards.version())}


def text(module):
    """The stub of a module."""
    shown = _Shown(module)
    parts = [HEAD]
    if module.doc:
        parts.append(_doc(module.doc, ""))
    parts += shown.imports() + shown.lines
    return "\n".join(parts) + "\n"


class _Shown:
    """What a stub has of a module: what is public, and what that names."""

    def __init__(self, module):
        self.module = module
        self.named = set()  # by annotations and the like
        self.lines = []
        everything = [*module.values, *module.classes, *module.functions]
        waiting = [each for each in everything if public.is_public(each.name) and each.name != "__getattr__"]
        done = set()
        made = {}
        while waiting:
            for each in waiting:
                done.add(each.name)
                made[each.name] = self._of(each)
            waiting = [each for each in everything if each.name in self.named - done]
        for each in everything:
            if each.name in made:
                self.lines += made.pop(each.name)

    def imports(self):
        """Those that the rest needs, and what a package offers: each name with itself as its alias."""
        found = set()
        star = [f"from typing import {name}" for name in ("Any", "Final") if name in self.named]
        for node, typing in self.module.imports:
            for alias in node.names:
                name = alias.asname or alias.name
                if alias.name == "*":
                    star.append(ast.unparse(node))
                elif isinstance(node, ast.ImportFrom) and is_offered(self.module, node, alias, typing):
                    found.add(_from(node, self.module, f"{alias.name} as {name}"))
                elif name.split(".")[0] in self.named and isinstance(node, ast.Import):
                    found.add(ast.unparse(ast.Import([alias])))
                elif name in self.named:
                    found.add(_from(node, self.module, ast.unparse(alias)))
        return sorted({*found, *star}, key=lambda line: (line.startswith("from ."), line))

    def _of(self, each):
        if isinstance(each, public.Value):
            return self._value(each, "")
        return self._function(each, "") if isinstance(each, public.Function) else self._class(each)

    def _value(self, value, indent):
        if value.value is not None and not indent:
            self.named.add("Final")
            return [f"{value.name}: Final = {ast.unparse(value.value)}"]
        return [f"{indent}{value.name}: {self._type(value.annotation)}"]

    def _class(self, each):
        bases = ", ".join(self._type(base) for base in each.node.bases)
        lines = ["", f"class {each.name}({bases}):" if bases else f"class {each.name}:"]
        if each.doc:
            lines.append(_doc(each.doc, "    "))
        for value in each.values:
            if public.is_public(value.name) and value.name != "__slots__":
                lines += self._value(value, "    ")
        for function in each.functions:
            if (
                public.is_public(function.name) and function.name != "__getattr__"
            ):  # CPython's classes are whole
                lines += self._function(function, "    ")
        return lines if len(lines) > 2 else [*lines, "    ..."]

    def _function(self, function, indent):
        node = function.node
        lines = [f"{indent}@{ast.unparse(each)}" for each in function.decorators]
        word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
        returns = f" -> {self._type(node.returns)}" if node.returns else ""
        lines.append(f"{indent}{word} {function.name}({self._arguments(node.args)}){returns}:")
        if function.doc:
            return [*lines, _doc(function.doc, indent + "    ")]
        return [*lines[:-1], lines[-1] + " ..."]

    def _arguments(self, args):
        return arguments(args, self._type)

    def _type(self, node):
        node = opened(node)
        self.named |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        return ast.unparse(node)


def is_offered(module, node, alias, typing):
    """Whether what a module imports is for others too: with its own name as its alias, by a package that is there for
    that alone, or from Python under another name."""
    name = alias.asname or alias.name
    if typing:
        return alias.asname == alias.name
    if module.is_package and not module.classes:
        return public.is_public(name) and name != "const"
    return bool(alias.asname) and (alias.asname == alias.name or not node.level)


def arguments(args, text, without=()):
    """The arguments of a function as they are written: `text` gives that of an annotation."""

    def shown(each):
        return each and ast.arg(each.arg, ast.Name(text(each.annotation)) if each.annotation else None)

    bare = ast.arguments(
        [shown(each) for each in args.posonlyargs],
        [shown(each) for each in args.args if each.arg not in without],
        shown(args.vararg),
        [shown(each) for each in args.kwonlyargs],
        [each and _default(each) for each in args.kw_defaults],
        shown(args.kwarg),
        [_default(each) for each in args.defaults],
    )
    return ast.unparse(bare)


def opened(node):
    """An annotation; what stands in quotes is read."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return ast.parse(node.value, mode="eval").body
    return node


def _from(node, module, name):
    """An import of one name. What is for type checkers alone lies in the stubs themselves."""
    if node.module == "contracts":
        depth = module.name.count(".") + module.is_package
        return f"from {'.' * depth}_contracts import {name}"
    return f"from {'.' * node.level}{node.module or ''} import {name}"


def _default(node):
    return node if isinstance(node, _SHOWN) else ast.Constant(...)


def _doc(doc, indent):
    """A docstring as it stands in a file."""
    lines = doc.replace("\\", "\\\\").replace('"""', '\\"""').split("\n")
    if doc.endswith('"'):
        lines[-1] = lines[-1][:-1] + '\\"'
    lines = ['"""' + lines[0], *lines[1:]]
    text = "\n".join(indent + line if line else "" for line in lines)
    return text + '"""' if len(lines) == 1 else f'{text}\n{indent}"""'


def main():
    shutil.rmtree(FOLDER / NAME, ignore_errors=True)
    for path, text in texts().items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_text(text)


if __name__ == "__main__":
    main()
