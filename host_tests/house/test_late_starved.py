# SPDX-License-Identifier: MIT
"""What comes late may find no memory: each module that a device loads with its first use does so here, once. Nothing is
lost by that, and nothing stays half done."""

import subprocess
from pathlib import Path

import pytest

from tools.programs.micropython import BIN

ROOT = Path(__file__).resolve().parents[2]
# The firmware, in a file system that has no memory the first time that a file of it is opened
STARTS = """
import os, sys, vfs
class Starving:
    late = False
    met = []
    def mount(self, readonly, mkfs): pass
    def stat(self, path): return os.stat(FIRMWARE + path)
    def open(self, path, mode):
        if self.late and path not in self.met:
            self.met.append(path)
            raise MemoryError
        return open(FIRMWARE + path, mode)
FIRMWARE = %r
vfs.mount(Starving(), "/late")
import coap, coap.uri
from msgin5g_scene import HOUR, MINUTE, Scene, imdn, msg
scene = Scene().start()
client = scene.client
Starving.late = True
def again(call, *arguments, **options):
    "What an application does, that such a call has told to come later."
    while True:
        try:
            return call(*arguments, **options)
        except MemoryError:
            pass
def post(body):
    while True:
        reply = scene.post(body)
        if reply is not None and reply.code == coap.CHANGED:
            return
"""
WAYS = {
    "each way": """
first = again(scene.send, payload="x", report=True)
post(imdn(first.message_id))
print(first.state)
post(msg(payload='"y"'))
print(again(scene.take).payload)
scene.run(MINUTE)
print(client.idle, client.on_air)
""",
    "a request that could not be made": """
make, calls = client.endpoint.request, []
def request(*arguments):
    calls.append(0)
    if len(calls) == 1:
        raise MemoryError
    return make(*arguments)
client.endpoint.request = request
first = again(client.offer, "ue:b@x", "x", scene.tick)
scene._pump()
scene.run(MINUTE)
print(first.state)
print(client.idle, client.on_air)
""",
    "a file that cannot be read": """
class File:
    def read(self, size):
        raise OSError(5)
def send():
    outgoing = client.offer("ue:b@x", (File(), 5000), scene.tick)
    try:
        while not client.spool(outgoing, scene.tick):
            pass
    finally:
        if outgoing.spool is not None:
            client.drop(outgoing, scene.tick)
try:
    again(send)
except OSError:
    print("refused")
first = again(scene.send, payload="x")
scene.run(MINUTE)
print(first.state)
print(client.idle, client.on_air)
""",
}
ENDS = {
    "each way": ["delivered", "y", "True 0"],
    "a request that could not be made": ["accepted", "True 0"],
    "a file that cannot be read": ["refused", "accepted", "True 0"],
}


@pytest.mark.parametrize("way", WAYS)
def test_what_comes_late_may_find_no_memory(way):
    path = f"/late:{ROOT / 'host_tests/device/helpers'}:.frozen"
    done = subprocess.run(
        [BIN / "micropython", "-c", STARTS % str(ROOT / "firmware") + WAYS[way] + "print(len(Starving.met))"],
        env={"MICROPYPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    *ends, late = done.stdout.splitlines() or [0]
    assert ends == ENDS[way], done.stdout + done.stderr
    assert int(late)
