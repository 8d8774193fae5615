# SPDX-License-Identifier: MIT
"""What a device does not use, it does not pay for: such modules are imported with their first use."""

import ast
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tools.programs.micropython import BIN

ROOT = Path(__file__).resolve().parents[2]
PATH = (ROOT / "firmware", ROOT / "host_tests/device/helpers")

# What a Client has no memory for before these things happen, by what happens
DAY = """
import sys
from msgin5g_scene import Scene, msg, segment
def loaded():
    return [name for name in %r if name in sys.modules]
scene = Scene().start()
print(loaded())
print(scene.send(payload="x" * 100).state, scene.take(), loaded())
scene.post(msg(payload='"y"'))
print(scene.take().payload, loaded())
print(scene.send(payload="x" * 5000).state, loaded())
scene.post(segment(1, 2, message_id="m-2"))
scene.post(segment(2, 2, message_id="m-2"))
print(scene.take().size, loaded())
scene.client.subscribe("t", scene.tick)
print(loaded())
"""
OUT = ["msgin5g.outgoing.outbox", "msgin5g.outgoing.sender"]
IN, MESSAGE = "msgin5g.incoming.receiver", "msgin5g.store.message"
SENDS, TAKES = "msgin5g.outgoing.segmentation", "msgin5g.incoming.reassembly"
TOPICS, BLOCKS = "msgin5g.procedures.topics", "coap.blockwise"
CONFIGURED = ["msgin5g.procedures.configuration", "msgin5g.rules.steps", "msgin5g.wire.configuration"]
RARELY = [
    "msgin5g.wire.configuration_xml",
    "msgin5g.rules.later",
    "msgin5g.outgoing.recut",
    "msgin5g.procedures.discovery",
    "msgin5g.wire.link_format",
    "coap.uri.link_format",
    "msgin5g.config_check",
]


@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
def test_a_client_loads_what_it_uses(interpreter):
    python = sys.executable if interpreter == "cpython" else str(BIN / "micropython")
    code = DAY % ([*OUT, IN, MESSAGE, SENDS, TAKES, TOPICS, BLOCKS, *CONFIGURED, *RARELY],)
    path = ":".join(map(str, PATH))
    done = subprocess.run(
        [python, "-c", code],
        env={"PYTHONPATH": path, "MICROPYPATH": f"{path}:.frozen"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == [
        "[]",
        f"accepted None {OUT}",
        f"y {[*OUT, IN, MESSAGE]}",
        f"sent {[*OUT, IN, MESSAGE, SENDS]}",
        f"4 {[*OUT, IN, MESSAGE, SENDS, TAKES]}",
        f"{[*OUT, IN, MESSAGE, SENDS, TAKES, TOPICS]}",
    ], done.stdout + done.stderr


# Parts of classes that come with the first method that is called, on MicroPython alone (coap.compat.later)
ENDPOINT = ["coap.endpoint.continuing", "coap.endpoint.serving", "coap.endpoint.duplicates"]
INCOMING = [
    "msgin5g.rules.refusals",
    "msgin5g.procedures.serving",
    "msgin5g.incoming.taking",
    "msgin5g.store.receiving",
]
OTHERS = [
    "msgin5g.procedures.unregistered",
    "msgin5g.outgoing.answered",
    "msgin5g.store.compacting",
    "msgin5g.store.recovery",
    "msgin5g.store.records",
    "msgin5g.store.finished",
]
PARTS = """
import sys
from msgin5g_scene import Scene, msg
def loaded():
    return [name for name in %r if name in sys.modules]
scene = Scene().start()
print(scene.send(payload="x" * 100).state, loaded())
scene.post(msg(payload='"y"'))
print(scene.take().payload, loaded())
"""


def test_a_class_has_what_its_objects_need():
    path = ":".join(map(str, PATH))
    done = subprocess.run(
        [str(BIN / "micropython"), "-c", PARTS % (ENDPOINT + INCOMING + OTHERS,)],
        env={"MICROPYPATH": f"{path}:.frozen"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == ["accepted []", f"y {ENDPOINT + INCOMING}"], done.stdout + done.stderr


LATER = """
import sys
sys.path.append(%r)
from coap.compat import later, whole
class Kind:
    here = 1
    def __getattr__(self, name):
        later(Kind, name, PARTS)
        return getattr(self, name)
PARTS = "parts Named asked" + chr(10) + "parts Rest"
whole(Kind, PARTS)
kind = Kind()
print(kind.rest(), kind.asked(), kind.word, kind.here)
try:
    kind.none
except AttributeError as error:
    print("none" in str(error))
print(hasattr(Kind, "_hidden"), "__getattr__" in Kind.__dict__)
"""
PARTS_OF_KIND = """
class Named:
    def asked(self):
        return self._hidden()
    def _hidden(self):
        return self.here + 1
class Rest:
    def rest(self):
        return "_hidden" in self.__class__.__dict__
    @property
    def word(self):
        return "word"
"""


@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
def test_methods_that_come_later(interpreter, tmp_path):
    """With the first of a class that is called all of its own come; CPython has all from the beginning."""
    python = sys.executable if interpreter == "cpython" else str(BIN / "micropython")
    (tmp_path / "parts.py").write_text(PARTS_OF_KIND)
    path = str(ROOT / "firmware")
    done = subprocess.run(
        [python, "-c", LATER % str(tmp_path)],
        env={"PYTHONPATH": path, "MICROPYPATH": f"{path}:.frozen"},
        capture_output=True,
        text=True,
    )
    whole = interpreter == "cpython"
    expected = [f"{whole} 2 word 1", "True", f"True {not whole}"]
    assert done.stdout.splitlines() == expected, done.stdout + done.stderr


QUICK = """
import sys
sys.path[:0] = [%r]
from coap.compat import quick, submodule
before = sys.path[:]
def load(fails):
    import binascii
    submodule("coap", "exchange")
    if fails:
        raise ValueError
    return hasattr(binascii, "hexlify")
print(quick(load, False), sys.path == before)
try:
    quick(load, True)
except ValueError:
    print(sys.path == before)
"""


@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
def test_a_file_is_not_looked_for_where_a_module_is_built_in(interpreter, tmp_path):
    """And the places to look in are those of the application again, whatever comes."""
    python = sys.executable if interpreter == "cpython" else str(BIN / "micropython")
    if interpreter == "micropython":  # CPython would take the file
        (tmp_path / "binascii.py").write_text("")
    path = str(ROOT / "firmware")
    done = subprocess.run(
        [python, "-c", QUICK % str(tmp_path)],
        env={"PYTHONPATH": path, "MICROPYPATH": f"{path}:.frozen"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == ["True True", "True"], done.stdout + done.stderr


CUT = """
import sys
sys.path.append(%r)
import coap.compat
real = setattr
said = []
for room in range(4):
    sys.modules.pop("parts", None)
    class Kind:
        here = 1
        def __getattr__(self, name):
            coap.compat.later(Kind, name, "parts Named asked word")
            return getattr(self, name)
    left = [room]
    def starved(*arguments):
        if not left[0]:
            raise MemoryError
        left[0] -= 1
        real(*arguments)
    kind = Kind()
    coap.compat.setattr = starved
    for again in range(2):
        try:
            said.append((kind.asked(), kind.word))
        except MemoryError:
            said.append(None)
        coap.compat.setattr = real
print(said)
"""
PARTS_THAT_CALL = """
class Named:
    def asked(self):
        return self._hidden()
    @property
    def word(self):
        return self._hidden()
    def _hidden(self):
        return self.here + 1
"""


@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
def test_methods_that_memory_lacks_for_in_the_middle(interpreter, tmp_path):
    """Whatever of them came, the next call brings the rest: also what nobody but a sibling asks for."""
    python = sys.executable if interpreter == "cpython" else str(BIN / "micropython")
    (tmp_path / "parts.py").write_text(PARTS_THAT_CALL)
    path = str(ROOT / "firmware")
    done = subprocess.run(
        [python, "-c", CUT % str(tmp_path)],
        env={"PYTHONPATH": path, "MICROPYPATH": f"{path}:.frozen"},
        capture_output=True,
        text=True,
    )
    whole = [None, (2, 2)]
    assert done.stdout == f"{whole * 3 + [(2, 2)] * 2}\n", done.stdout + done.stderr


ASKED = """
import sys
from configuration_scene import content, document, scene, state
made = scene(content(document(server="coap://192.0.2.9", size=512, form=%r))).start()
print(state(made)[0], [name for name in %r if name in sys.modules])
"""


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
def test_a_client_that_is_configured_keeps_what_it_needs_again(interpreter, form):
    python = sys.executable if interpreter == "cpython" else str(BIN / "micropython")
    path = ":".join(map(str, PATH))
    done = subprocess.run(
        [python, "-c", ASKED % (form, CONFIGURED + RARELY)],
        env={"PYTHONPATH": path, "MICROPYPATH": f"{path}:.frozen"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"registered {CONFIGURED}\n", done.stdout + done.stderr


@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
def test_who_asks_for_no_path_has_no_reader_of_uris(interpreter):
    python = sys.executable if interpreter == "cpython" else str(BIN / "micropython")
    code = """
import sys
import coap
print("coap.uri" in sys.modules)
from coap import path_options
print(path_options("/a"), "coap.uri" in sys.modules)
"""
    path = str(ROOT / "firmware")
    done = subprocess.run(
        [python, "-c", code],
        env={"PYTHONPATH": path, "MICROPYPATH": f"{path}:.frozen"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == ["False", "[(11, b'a')] True"], done.stdout + done.stderr


GOT = """
import asyncio
import sys
from coap.aio import Context
async def main():
    async with Context(port=%(port)d), Context() as coap:
        answer = await coap.get("coap://127.0.0.1:%(port)d/a?b=c")
        print(answer.code, answer.ok, answer.text == "")
asyncio.run(main())
print(*sorted(name for name in sys.modules if name.split(".")[0] == "coap"))
"""


@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
def test_a_plain_request_loads_no_server_no_blocks_no_observation_no_keys(interpreter):
    """All of `coap` that a GET has loaded, and its peer, which has nothing to offer and says 4.04 (132)."""
    python = sys.executable if interpreter == "cpython" else str(BIN / "micropython")
    path = str(ROOT / "firmware")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]  # free again for the peer
    done = subprocess.run(
        [python, "-c", GOT % {"port": port}],
        env={"PYTHONPATH": path, "MICROPYPATH": f"{path}:.frozen"},
        capture_output=True,
        text=True,
    )
    answer, loaded = done.stdout.splitlines() or ["", done.stderr]
    assert answer == "132 False True"
    core = "compat endpoint exchange message numbers uri uri.whole endpoint.spans"
    core += " endpoint.continuing endpoint.duplicates endpoint.options endpoint.parameters endpoint.serving"
    network = "aio aio.call aio.client aio.context aio.response aio.serving aio.udp aio.waiting"
    network += " aio._cpython" * (interpreter == "cpython")
    assert loaded.split() == ["coap", *sorted(f"coap.{name}" for name in f"{core} {network}".split())]


# Whose objects are made or changed with each message, and whose methods come into those when first called
CHANGING = {
    "coap/message.py": ["Message"],
    "coap/endpoint/__init__.py": ["Endpoint"],
    "coap/endpoint/parameters.py": ["Exchange"],
    "msgin5g/base_client.py": ["BaseClient"],
    "msgin5g/client.py": ["Client"],
    "msgin5g/incoming/taking.py": ["Taking"],
    "msgin5g/outgoing/copying.py": ["Copying"],
    "msgin5g/outgoing/scheduler.py": ["OutboxScheduler"],
    "msgin5g/outgoing/sender.py": ["MessageSender"],
    "msgin5g/store/message.py": ["Message"],
    "msgin5g/store/outgoing.py": ["Outgoing"],
    "device/runner.py": ["Serving"],
    "device/client.py": ["RunningClient"],
}


@pytest.mark.parametrize("path", CHANGING)
def test_what_changes_with_each_message_has_no_property(path):
    """With one MicroPython looks through the class and its bases for each attribute that is set (docs/bench.md)."""
    tree = ast.parse((ROOT / "firmware" / path).read_text())
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for name in CHANGING[path]:
        # behind `_TYPING` they are for who reads
        methods = [node for node in classes[name].body if isinstance(node, ast.FunctionDef)]
        assert methods and not [node.name for node in methods if node.decorator_list], name
