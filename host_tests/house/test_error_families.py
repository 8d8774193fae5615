# SPDX-License-Identifier: MIT
"""Each error of the firmware that a caller may see belongs to coap.Error, coap.aio.Error or msgin5g.Error."""

import ast
import builtins
import sys
from pathlib import Path

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
sys.path.append(str(FIRMWARE))

import coap  # noqa: E402
import coap.aio  # noqa: E402
import msgin5g  # noqa: E402

# Raised and caught inside a package: of a request that is refused, of octets that say nothing, of what a board lacks.
INTERNAL = {"Unable", "RefusedError", "UnverifiedError", "OlderError", "TagError", "Refusal", "L3Error"}
# Raised by a handler, for the site that called it.
OF_HANDLERS = {"Failure"}


def is_error(name):
    base = getattr(builtins, name, None)
    return isinstance(base, type) and issubclass(base, BaseException)


def classes():
    """{name: file} of the exception classes, whatever their base."""
    found = {}
    for path in sorted(FIRMWARE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
                if any(is_error(base) or base in found for base in bases):
                    found[node.name] = path.relative_to(FIRMWARE).as_posix()
    return found


def test_each_error_belongs_to_a_family():
    family = {error.__name__ for error in coap.Error + coap.aio.Error + msgin5g.Error}
    family |= OF_HANDLERS
    found = {name: file for name, file in classes().items() if not name.startswith("_")}
    assert found, "no error classes?"
    assert {name: file for name, file in found.items() if name not in family | INTERNAL} == {}
    assert family | INTERNAL <= set(found)


def test_each_is_importable_from_its_package():
    for package in (coap, coap.aio, msgin5g):
        for error in package.Error:
            assert getattr(package, error.__name__) is error


def test_the_page_has_each_of_them():
    page = (FIRMWARE.parent / "docs/application.md").read_text()
    for error in coap.Error + msgin5g.Error:
        assert f"`{error.__name__}`" in page
