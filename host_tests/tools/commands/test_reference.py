# SPDX-License-Identifier: MIT
"""docs/api is that of the docstrings; each name on a page has one, and says its types."""

import ast
import subprocess
import sys

import pytest

from tools.project import public, reference

LIBRARY = reference.Library()
# What `coap` offers by hand at least, wherever it is defined; what it must not.
OFFERED = {
    "device": {"start"},
    "device.client": {"RunningClient", "Outgoing"},
    "device.console": {"send", "inbox", "wait", "outbox", "status"},
    "msgin5g": {"Client", "ApplicationClient", "Config", "Message", "OutboxFull", "MESSAGE", "MemoryStorage"},
    "coap": {
        "Endpoint",
        "Message",
        "GET",
        "CONTENT",
        "RESPONSE",
        "path_options",
        "BusyError",
        "MessageError",
    },
    "coap.aio": {"Context", "Response", "NoAnswer", "Site", "Request", "File", "Failure", "SerialLink"},
    "coap.aio.observing": {"Changes"},
    "coap.aio.transfers": {"Stream"},
    "coap.aio.multicast": {"Answers"},
    "coap.aio.directory": {"Registration"},
    "coap.aio.udp": {"UDPLink"},
    "coap.observe": {"observe", "Observation"},
    "coap.observe.server": {"Observers"},
    "coap.observe.sequence": {"Clock", "Stored"},
    "coap.oscore": {"Context", "Security", "StateError"},
}


def test_the_pages_are_those_of_the_docstrings():
    there = {path.name: path.read_text() for path in reference.FOLDER.glob("*.md")}
    assert there == reference.texts(), "write them anew: make docs"


@pytest.mark.parametrize("name", OFFERED)
def test_a_page_has_what_its_module_offers(name):
    """As Python finds it, too."""
    offered = set(LIBRARY.offered(name))
    assert OFFERED[name] <= offered
    assert not {"const", "submodule", "endpoint", "quick", "Serving", "runner"} & offered
    code = (
        f"import {name} as module; print([name for name in {sorted(offered)} if not hasattr(module, name)])"
    )
    board = "import sys, types; sys.modules['board'] = types.SimpleNamespace(Board=None); "  # of another interpreter
    environment = {"PYTHONPATH": str(reference.ROOT / "firmware")}
    done = subprocess.run(
        [sys.executable, "-c", board + code], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "[]\n", done.stderr


def test_each_keyword_of_a_request_is_explained():
    """The methods take them as `**keywords`, so nothing else says what there is."""
    client = LIBRARY.modules["coap.aio.client"]
    (made,) = (each for each in client.classes if each.name == "Client")
    functions = {each.name: each.node.args for each in (*made.functions, *client.functions)}
    names = {each.arg for name in ("_method", "options_of") for each in functions[name].args}
    names -= {"self", "code", "payload"}
    page = (reference.FOLDER / "coap.aio.md").read_text()
    assert len(names) > 10
    assert {name for name in names if f"`{name}`" not in page} == set()


def documented():
    """(page, name, Function or Class) of all that the pages show."""
    for page in reference.PAGES:
        for name, (home, each) in LIBRARY.offered(page).items():
            if isinstance(each, public.Value):
                continue
            yield page, name, each
            if isinstance(each, public.Class):
                for one in (each, *(base for _, base in LIBRARY.bases(home, each))):
                    shown = {each.name: each for each in reversed(one.functions)}  # the getter, no setter
                    for function in shown.values():
                        if function.name == "__init__" or reference.is_for_all(home, function):
                            yield page, f"{name}.{function.name}", function


def test_each_has_a_docstring():
    found = list(documented())
    assert len(found) > 100
    bare = [f"{page}: {name}" for page, name, each in found if not each.doc and not name.endswith("__init__")]
    assert bare == []


def test_each_says_its_types():
    """What it takes and what it gives, but for what Python itself says of a special method."""
    bare = []
    for page, name, each in documented():
        if isinstance(each, public.Function):
            args = each.node.args
            named = [
                one
                for one in (*args.posonlyargs, *args.args, *args.kwonlyargs)
                if one.arg not in ("self", "cls")
            ]
            if each.node.returns is None or [one for one in named if one.annotation is None]:
                bare.append(f"{page}: {name}")
    assert bare == []


def test_a_page_shows_a_class_with_what_it_has_from_others(tmp_path):
    """Of a base in another module of ours, and under the name by which the package offers it."""
    library = reference.Library()
    library.modules = {}
    for name, text in MODULES.items():
        path = tmp_path / ("__init__.py" if name == "made" else "other.py")
        path.write_text(text)
        library.modules[name] = public.read(name, path)
    assert reference.page(library, "made") == PAGE


MODULES = {
    "made": '''"""A package."""
from .other import LIMIT, Client as Offered
_HIDDEN = 1
def call(word: "str | None" = None) -> bytes:
    """Say it."""
''',
    "made.other": '''from micropython import const
LIMIT = const(3)  # of those that wait
class Base:
    """A base class of Client.

    It may wait for ever."""
    def wait(self, ms: int) -> None:
        """Wait."""
    def close(self) -> None:
        """End it."""
class Client(Base):
    """One who asks."""
    def __init__(self, peer: str) -> None:
        self.peer = peer
    @property
    def ok(self) -> bool:
        """Whether it is well."""
    async def wait(self, ms: int) -> bool:
        """Wait better."""
    def _hidden(self):
        pass
''',
}
PAGE = """<!-- Made of the docstrings: make docs -->

# `made`

A package.

| constant | value | means |
| --- | --- | --- |
| `LIMIT` | `3` | of those that wait |

## `call(word: str | None=None) -> bytes`

Say it.

## class `Offered`

    Client(peer: str)

One who asks.

It may wait for ever.

Attributes: `peer: str`

### `ok: bool`

Whether it is well.

### `async wait(ms: int) -> bool`

Wait better.

### `close() -> None`

End it.
"""


def test_annotations_are_read_from_quotes():
    node = ast.parse("def call(word: 'int | None') -> 'str': ...").body[0]
    assert reference.signature(public.Function("call", node, [])) == "call(word: int | None) -> str"
