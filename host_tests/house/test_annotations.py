# SPDX-License-Identifier: MIT
"""What an application or a board makes of the firmware says which types it takes: mypy then checks who makes it."""

import ast
from pathlib import Path

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"

# Modules whose classes leave the package that they are in: public names, what calls return, errors, links, storages.
PUBLIC = (
    *("coap/blockwise/bodies.py", "coap/endpoint/__init__.py", "coap/errors.py", "coap/exchange.py"),
    "coap/message.py",
    *(
        "coap/numbers.py",
        "coap/observe/__init__.py",
        "coap/observe/notifying.py",
        "coap/observe/sequence.py",
        "coap/observe/server.py",
        "coap/oscore/security.py",
        "coap/oscore/state.py",
    ),
    *("coap/aio/call.py", "coap/aio/client.py", "coap/aio/context.py", "coap/aio/errors.py"),
    *(
        "coap/aio/names.py",
        "coap/aio/response.py",
        "coap/aio/serial.py",
        "coap/aio/udp.py",
        "coap/uri/whole.py",
    ),
    *("device/client.py", "device/health.py", "coap/oscore/files.py", "device/links/espnow.py"),
    "device/links/station.py",
    *("msgin5g/application_client.py", "msgin5g/client.py", "msgin5g/config.py", "msgin5g/errors.py"),
    *(
        "msgin5g/base_client.py",
        "msgin5g/rules/requests.py",
        "msgin5g/store/message.py",
        "msgin5g/store/outgoing.py",
    ),
    *("msgin5g/timing.py", "msgin5g/wire/answer.py"),
)
INSIDE = {"Body", "Duplicates"}  # of coap, which nobody else makes


def bare(path):
    """(class, argument) of constructors without an annotation."""
    found = []
    for each in ast.walk(ast.parse((FIRMWARE / path).read_text())):
        if isinstance(each, ast.ClassDef) and not each.name.startswith("_") and each.name not in INSIDE:
            for function in each.body:
                if isinstance(function, ast.FunctionDef) and function.name == "__init__":
                    arguments = function.args.args[1:] + function.args.kwonlyargs
                    found += [(each.name, one.arg) for one in arguments if one.annotation is None]
    return found


def test_public_constructors_say_their_types():
    assert {path: bare(path) for path in PUBLIC if bare(path)} == {}


def hidden(trees):
    """(class, name) of properties that a class further down hides by a method, which is always true, or the reverse."""
    classes = {}  # name: (names of bases, {name: whether it is a property})
    for tree in trees:
        for each in ast.walk(tree):
            if isinstance(each, ast.ClassDef):
                functions = [one for one in each.body if isinstance(one, ast.FunctionDef)]
                kinds = {one.name: bool(one.decorator_list) for one in functions}
                classes[each.name] = [one.id for one in each.bases if isinstance(one, ast.Name)], kinds
    found = []
    for name, (bases, kinds) in classes.items():
        above = list(bases)
        while above:
            further, theirs = classes.get(above.pop(), ((), {}))
            above += further
            found += [(name, each) for each in kinds if theirs.get(each, kinds[each]) != kinds[each]]
    return found


def test_no_method_hides_a_property():
    assert hidden([ast.parse(path.read_text()) for path in FIRMWARE.rglob("*.py")]) == []


def test_it_sees_a_property_that_is_hidden():
    text = """
class Above:
    @property
    def idle(self): pass
class Between(Above): pass
class Below(Between):
    def idle(self): pass
"""
    assert hidden([ast.parse(text)]) == [("Below", "idle")]
