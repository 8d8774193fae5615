# SPDX-License-Identifier: MIT
"""What a module of the firmware offers, read in its source: for the stubs and the reference, which are made of that.

Nothing is imported: what stands behind `_TYPING` is read like the rest, so that a package which finds its names when
they are asked for says there which they are.
"""

import ast
import io
import tokenize
from dataclasses import dataclass, field

_KINDS = {int: "int", str: "str", bytes: "bytes", bool: "bool", float: "float"}
_DISPLAYS = {ast.Tuple: "tuple", ast.List: "list", ast.Dict: "dict", ast.Set: "set"}
_DECORATORS = {"property", "staticmethod", "classmethod", "setter"}
UNKNOWN = ast.Name("Any")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass
class Function:
    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef
    decorators: list[ast.expr]

    @property
    def doc(self):
        return ast.get_docstring(self.node)

    @property
    def is_property(self):
        return any(ast.unparse(each) == "property" for each in self.decorators)


@dataclass
class Value:
    """A constant of a module, or an attribute. `value` is given where it is a number or a text; `said` is whether the
    source says the type, `comment` what stands behind a constant."""

    name: str
    annotation: ast.expr
    value: ast.expr | None = None
    said: bool = False
    comment: str = ""


@dataclass
class Class:
    name: str
    node: ast.ClassDef
    typing: bool = False  # whether it is there for types alone
    values: list[Value] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)

    @property
    def doc(self):
        return ast.get_docstring(self.node)


@dataclass
class Module:
    name: str
    doc: str | None
    is_package: bool
    imports: list[tuple[ast.Import | ast.ImportFrom, bool]] = field(
        default_factory=list
    )  # and whether for types
    values: list[Value] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    classes: list[Class] = field(default_factory=list)


def is_public(name):
    return not name.startswith("_") or name.startswith("__") and name.endswith("__")


def read(name, path):
    """The Module of a file."""
    text = path.read_text()
    tree, comments = ast.parse(text), _comments(text)
    found = Module(name, ast.get_docstring(tree), path.stem == "__init__")
    for node, typing in _statements(tree.body, False):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.imports.append((node, typing))
        elif isinstance(node, ast.ClassDef):
            found.classes.append(_class(node))
            found.classes[-1].typing = typing
        elif isinstance(node, FUNCTIONS):
            found.functions.append(Function(node.name, node, []))
        else:
            for value in _values(node):
                value.comment = " ".join(
                    comments[line] for line in range(node.lineno, node.end_lineno + 1) if line in comments
                )
                found.values.append(value)
    found.functions = list({each.name: each for each in found.functions}.values())
    names = [each.name for each in found.values]
    for each in found.values:
        if names.count(each.name) > 1:
            each.value = None  # one or the other
    found.values = list({each.name: each for each in found.values}.values())
    return found


def _comments(text):
    """{line: what stands behind "#" there}, but for what is said to a tool."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    found = {each.start[0]: each.string.lstrip("# ") for each in tokens if each.type == tokenize.COMMENT}
    return {line: said for line, said in found.items() if not said.startswith(("noqa", "type:"))}


def _statements(body, typing):
    """(statement, whether it is behind `_TYPING`) of a body. Of what is tried, what has no MicroPython to it."""
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "_TYPING":
            yield from _statements(node.body, True)
        elif isinstance(node, ast.If):  # one way or the other, with the same names
            yield from _statements(node.body + node.orelse, typing)
        elif isinstance(node, ast.Try):
            yield from _statements(node.body, typing)
            for handler in node.handlers:
                yield from _statements(handler.body, typing)
        else:
            yield node, typing


def _class(node):
    found = Class(node.name, node)
    for each, _ in _statements(node.body, False):
        if isinstance(each, FUNCTIONS):
            decorators = [
                one for one in each.decorator_list if ast.unparse(one).split(".")[-1] in _DECORATORS
            ]
            found.functions.append(Function(each.name, each, decorators))
        else:
            found.values += _values(each)
    known = {each.name for each in (*found.values, *found.functions)}
    for function in found.functions:
        for value in _attributes(function.node):
            if value.name not in known:
                known.add(value.name)
                found.values.append(value)
    return found


def _attributes(function):
    """What a method sets of its object, with the type that is said, or that of the argument, or of the literal."""
    arguments = {each.arg: each.annotation for each in _arguments(function.args)}
    for node in ast.walk(function):
        if isinstance(node, ast.AnnAssign):
            if _of_self(node.target):
                yield Value(node.target.attr, node.annotation, said=True)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if _of_self(target):
                    name = node.value.id if isinstance(node.value, ast.Name) else None
                    said = arguments.get(name)
                    yield Value(target.attr, said or _type(node.value), said=said is not None)


def _of_self(node):
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _arguments(args):
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, (args.vararg, args.kwarg))]


def _values(node):
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [Value(node.target.id, node.annotation, said=True)]
    if not isinstance(node, ast.Assign):
        return []
    names = [target.id for target in node.targets if isinstance(target, ast.Name)]
    value = _plain(node.value)
    known = value if isinstance(value, ast.Constant) and isinstance(value.value, (int, str, bytes)) else None
    return [Value(name, _type(value), known) for name in names]


def _plain(value):
    """Of const(VALUE), the value."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "const":
        return value.args[0]
    return value


def _type(value):
    value = _plain(value)
    if isinstance(value, ast.Constant) and type(value.value) in _KINDS:
        return ast.Name(_KINDS[type(value.value)])
    if isinstance(value, ast.BinOp) and {type(each) for each in ast.walk(value)} & {ast.BitOr, ast.LShift}:
        return ast.Name("int")
    return ast.Name(_DISPLAYS[type(value)]) if type(value) in _DISPLAYS else UNKNOWN
