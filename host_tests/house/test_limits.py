# SPDX-License-Identifier: MIT
"""Each limit of a figure stands in tools/bench/limits.toml, and not beside it in a test or a part of the bench."""

import ast
import re
from pathlib import Path

import pytest

from tools.bench import limits, readme

ROOT = Path(__file__).resolve().parents[2]
BENCH = sorted((ROOT / "tools/bench").rglob("*.py"))
USERS = [path for path in sorted((ROOT / "host_tests").rglob("*.py")) if "tools.bench" in path.read_text()]


def numbers(node):
    """The values of a number, or of numbers that are multiplied."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield node.value
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        for left in numbers(node.left):
            yield from (left * right for right in numbers(node.right))


def own_limits(source, rows=True):
    """Lines of a program that hold a limit of their own."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            if node.id.isupper() and ("BUDGET" in node.id or "LIMIT" in node.id) and node.id != "LIMITS":
                yield node.lineno
        elif rows and isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Row":
            given = [
                *node.args[3:],
                *(word.value for word in node.keywords if word.arg in ("limit", "beside")),
            ]
            yield from (node.lineno for value in given if list(numbers(value)))


def compared(source):
    """(line, number) of all that is compared with < or >, of a thousand and more: less is counted everywhere."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and not isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In):
            for side in (node.left, *node.comparators):
                yield from ((node.lineno, number) for number in numbers(side) if number > 999)


def test_what_is_looked_for_is_found():
    assert list(own_limits("BUDGET = 5\nx = Row('a', 5, 'ms', 1500)\ny = Row('a', 5, 'ms', 'line.a')")) == [
        1,
        2,
    ]
    assert list(own_limits("Row('a', 5, 'ms', beside=7 * 1024)\nRow('a', 5, 'ms', beside=other)")) == [1]
    assert list(compared("assert 150 * 1024 <= free\nassert a == 2000\nassert 3 < b")) == [(1, 153_600)]


def test_no_part_of_the_bench_has_a_limit_of_its_own():
    assert [path for path in BENCH if path.name == "line.py"] and len(USERS) > 3
    assert [(path.name, line) for path in BENCH for line in own_limits(path.read_text())] == []


def test_no_test_says_a_limit_again():
    values = {
        value
        for limit in limits.read(limits.PATH).values()
        for value in (limit.value, limit.goal, limit.held)
    }
    said = [
        (path.name, line) for path in USERS for line, number in compared(path.read_text()) if number in values
    ]
    assert said == []
    named = [path.name for path in USERS if list(own_limits(path.read_text(), rows=False))]
    assert named == []


def test_each_limit_is_that_of_a_figure():
    """By its name: all of it, or behind the dot, where a table of a part or of a test has it so."""
    texts = [path.read_text() for path in BENCH if path.name != "readme.py"] + [
        path.read_text() for path in USERS
    ]
    said = set(re.findall(r'"([a-z_0-9.]+)"', "".join(texts)))
    unused = [name for name in limits.read(limits.PATH) if not {name, name.partition(".")[2]} & said]
    assert [name for name in unused if not name.startswith("loss.")] == []


@pytest.mark.parametrize("name", readme.BLOCKS)
def test_the_figures_of_a_page(name):
    """As the command writes them, and each within what the tests hold."""
    text = (ROOT / name).read_text()
    figures = readme.figures(name, text)
    assert text == readme.replaced(name, text, figures), "msgin5g bench --readme"
    lines = {line.key: line for line in readme.BLOCKS[name] if line.limit}
    assert len(figures) > len(readme.BLOCKS[name]) / 2
    missed = [
        line.text
        for key, line in lines.items()
        if key in figures and not limits.of(line.limit).holds(figures[key][0])
    ]
    assert missed == []
