# SPDX-License-Identifier: MIT
"""python -m host_tests.gateway.device.probing FOLDER: a probe into each module below it, wherever the virtual machine
looks for Ctrl-C (interrupts.py).

In a process of its own: CPython 3.11 counts the depth of all conversions to an AST in one place, and reports a
mismatch where one begins within another. In a process with tests one does: a collection of garbage reports what a task
of an earlier test failed of, and the traceback's carets are found with an AST.
"""

import ast
import sys
from pathlib import Path

# What the firmware's main.py begins with.
MAIN = "import builtins\nimport probes\nbuiltins._probe_ = probes.probe\n"


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


def main(folder):
    for path in Path(folder).rglob("*.py"):
        text = path.read_text()
        path.write_text(MAIN + text if path.name == "main.py" else probed(text))


if __name__ == "__main__":
    main(sys.argv[1])
