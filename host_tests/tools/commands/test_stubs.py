# SPDX-License-Identifier: MIT
"""The stubs of `coap` are those of its sources, and say of the modules what is so; an editor needs nothing else."""

import ast
import os
import shutil
import subprocess
import sys

import jedi
import pytest

from tools.project import public, stubs

# What is only for a type checker, and what is no module.
NOT_THERE = "coap._contracts\ncoap.manifest\n"


def test_the_stubs_are_those_of_the_sources():
    kept = {path for path in stubs.FOLDER.rglob("*.*") if path.suffix in (".pyi", ".toml")}
    there = {path.relative_to(stubs.FOLDER): path.read_text() for path in kept}
    assert there == stubs.texts(), "write them anew: make docs"


@pytest.fixture
def written(tmp_path):
    """The folder of stubs that are those of the sources, whatever is kept; as a package that mypy finds."""
    for path, text in stubs.texts().items():
        if path.suffix == ".pyi":
            file = tmp_path / "coap" / path.relative_to(stubs.NAME)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    return tmp_path


def stubtest(folder):
    (folder / "allowed").write_text(NOT_THERE)
    environment = os.environ | {"MYPYPATH": str(folder), "PYTHONPATH": str(stubs.ROOT / "firmware")}
    command = [sys.executable, "-m", "mypy.stubtest", "coap", "--concise", "--allowlist", folder / "allowed"]
    # Its cache lies in the folder that it runs in.
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)


def test_they_say_what_is_so(written):
    done = stubtest(written)
    assert done.returncode == 0, done.stdout + done.stderr


WRONG = {
    "message.pyi": (
        "def option(self, number: int",
        "def option(self, code: int",
        "coap.message.Message.option",
    ),
    "__init__.pyi": ("from .numbers import *", "from .numbers import *\nNOTHING: int", "coap.NOTHING"),
    "numbers.pyi": ("GET: Final = 1", "GET: Final = 2", "coap.numbers.GET"),
}


def test_what_is_not_so_is_found(written):
    for file, (right, wrong, _) in WRONG.items():
        path = written / "coap" / file
        text = path.read_text()
        assert text.count(right) == 1
        path.write_text(text.replace(right, wrong))
    done = stubtest(written)
    assert done.returncode == 1
    found = {line.split(" ")[0] for line in done.stdout.splitlines()}
    assert {name for _, _, name in WRONG.values()} <= found, done.stdout + done.stderr


def completed(folder, code):
    """What an editor offers behind this, which knows the stubs and nothing else of ours."""
    project = jedi.Project(folder, sys_path=[str(folder)], smart_sys_path=False)
    return {each.name for each in jedi.Script(code, project=project).complete()}


COMPLETED = {
    "import coap\ncoap.": {"GET", "path_options", "Endpoint", "BusyError", "CONTENT_FORMAT", "__version__"},
    "import coap\ncoap.Message(coap.GET).": {"code", "payload", "options", "option", "uint", "path"},
    "import coap\nendpoint = coap.Endpoint()\nendpoint.": {
        "request",
        "receive",
        "poll",
        "stats",
        "max_datagram",
    },
    "from coap import aio\naio.": {"Context", "Response", "NoAnswer", "Refused", "Incomplete", "Unverified"},
    "from coap.aio import Context\nContext.": {
        "get",
        "put",
        "observe",
        "stream",
        "multicast",
        "register",
        "ping",
        "request",
        "serve",
        "address",
    },
    "from coap import oscore\noscore.": {"Context", "Security", "StateError"},
    "from coap.observe import observe\nobserve(1, 2, 3, 4).": {"established", "register", "accept", "cancel"},
}


@pytest.mark.parametrize("code", COMPLETED, ids=lambda code: code.splitlines()[-1])
def test_an_editor_completes_public_names(code, written):
    shutil.move(written / "coap", written / stubs.NAME)
    assert COMPLETED[code] <= completed(written, code)
    (written / stubs.NAME).rename(written / "elsewhere")
    assert not COMPLETED[code] & completed(written, code)


def test_what_pip_installs_is_all_of_them(tmp_path):
    pytest.importorskip("setuptools")
    shutil.copytree(stubs.FOLDER, tmp_path / "typings")
    command = [sys.executable, "-c", "from setuptools import setup; setup()", "--quiet", "build"]
    command += ["--build-lib", tmp_path / "site"]
    done = subprocess.run(command, cwd=tmp_path / "typings", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    built = {path.relative_to(tmp_path / "site") for path in (tmp_path / "site").rglob("*.*")}
    assert built == {path for path in stubs.texts() if path.suffix == ".pyi"}


SOURCE = '''
"""A module."""
from os import urandom as octets
from .other import Seen, _unseen
try:
    from micropython import const
except ImportError:
    def const(value):
        """Return it."""
        return value
_TYPING = const(False)
if _TYPING:
    from typing import Any
    from contracts import Peer
    from .later import found as found
_HIDDEN = const(3)
SHOWN = const(1 << 3)
NUMBER = const(7)
LIMITS = (1, 2)
def __getattr__(name):
    return name
def call(peer: "Peer", count: int = _HIDDEN, more=None, *rest: int) -> "Base | None":
    """Say "so"."""
class _Above:
    depth = 1
class _Apart:
    pass
class Base(_Above):
    width = 3
    if _TYPING:
        height: int
    def __init__(self, peer: "Peer", free=1):
        self.peer = peer
        self._own = 1
        self.made = {}
        self.other = peer.other
        self.free = free
    @property
    def size(self) -> int:
        return 1
    async def wait(self, *, ms: int = 5) -> None:
        pass
    def _hidden(self):
        pass
    def __getattr__(self, name):
        return name
'''
STUB = '''
"""A module."""
from os import urandom as octets
from typing import Any
from typing import Final
from .._contracts import Peer
from .later import found as found
SHOWN: int
NUMBER: Final = 7
LIMITS: tuple
class _Above:
    depth: int
class Base(_Above):
    width: int
    height: int
    peer: Peer
    made: dict
    other: Any
    free: Any
    def __init__(self, peer: Peer, free=1): ...
    @property
    def size(self) -> int: ...
    async def wait(self, *, ms: int=5) -> None: ...
def const(value):
    """Return it."""
def call(peer: Peer, count: int=..., more=None, *rest: int) -> Base | None:
    """Say "so"."""
'''


def test_what_a_source_says_and_does_not_say(tmp_path):
    """What is private, or a type checker's alone, stays out, but for a base; a constant has its number."""
    file = tmp_path / "__init__.py"
    file.write_text(SOURCE)
    shown = stubs.text(public.read("coap.made", file))
    assert ast.unparse(ast.parse(shown)) == ast.unparse(ast.parse(STUB))
