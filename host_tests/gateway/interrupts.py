# SPDX-License-Identifier: MIT
"""The firmware and MicroPython's asyncio with a probe wherever its virtual machine looks for Ctrl-C: at each jump.
There an application can have KeyboardInterrupt raised, as a board does.

A real SIGINT would be no better: the unix port raises out of the signal's handler, in the middle of malloc too, which
no board does and no program survives.
"""

import ast
import os

from tools import bytecode
from tools.demo.processes import Device
from tools.image import workshop

# What the probes call, and what the firmware's main.py begins with.
PROBES = """
left = 0  # places until Ctrl-C; none where it is 0

def probe(value=None):
    global left
    if left:
        left -= 1
        if not left:
            raise KeyboardInterrupt
    return value
"""
MAIN = "import builtins\nimport probes\nbuiltins._probe_ = probes.probe\n"
ASYNCIO = ("__init__", "core", "event", "funcs", "lock", "stream")


class Probes(ast.NodeTransformer):
    """A probe for each test of a condition, and for each round of a loop."""

    def _probed(self, value):
        return ast.Call(ast.Name("_probe_", ast.Load()), [value], [])

    def visit_If(self, node):
        self.generic_visit(node)
        node.test = self._probed(node.test)
        return node

    visit_While = visit_IfExp = visit_If

    def visit_For(self, node):
        self.generic_visit(node)
        node.body.insert(0, ast.Expr(self._probed(ast.Constant(None))))
        return node

    def visit_BoolOp(self, node):
        self.generic_visit(node)
        node.values[:-1] = [self._probed(value) for value in node.values[:-1]]
        return node

    def visit_comprehension(self, node):
        self.generic_visit(node)
        node.ifs = [self._probed(test) for test in node.ifs]
        return node


def probed(text):
    return ast.unparse(ast.fix_missing_locations(Probes().visit(ast.parse(text))))


def compiled(folder):
    """The folder of it all, as .mpy files, below `folder`."""
    asyncio = workshop.sources(print) / "extmod/asyncio"
    files = {f"asyncio/{name}.py": asyncio / f"{name}.py" for name in ASYNCIO}
    for path in bytecode.FIRMWARE.rglob("*.py"):
        files[str(path.relative_to(bytecode.FIRMWARE))] = path
    del files["manifest.py"]
    for name, path in files.items():
        text = path.read_text()
        made = folder / "source" / name
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(MAIN + text if name == "main.py" else probed(text))
    (folder / "source/probes.py").write_text(PROBES)
    return bytecode.compiled(folder / "source", folder / "compiled")


class ProbedDevice(Device):
    """A Device with that firmware; its code lies in the heap."""

    def __init__(self, folder, app, firmware):
        super().__init__(folder, app, heap="4m")
        self._firmware = firmware

    def _prepare(self):
        command, environment = super()._prepare()
        path = os.pathsep.join((str(self._firmware), "/rom", ".frozen"))
        return command, {**environment, "MICROPYPATH": path}
