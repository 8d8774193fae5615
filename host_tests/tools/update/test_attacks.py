# SPDX-License-Identifier: MIT
"""What a device says to each kind of bundle that it must not take, and to one with any octet turned: it refuses it,
with its cause, counts that, and what runs is as it was. The device's own code, on CPython; pyhsslms has signed.
"""

import json
import sys
from pathlib import Path

import pytest

from host_tests.interpreters import HELPERS
from host_tests.tools.update import corpus

for folder in map(str, HELPERS):
    if folder not in sys.path:
        sys.path.append(folder)

import update_scene  # noqa: E402
from base.record import load  # noqa: E402

KEY = {"key": corpus.public().hex()}


class Sent:
    """A Case as the peer of the scene sends it."""

    def __init__(self, case):
        self._case = case

    def offer(self, again=False):
        case = self._case
        return b"O" + bytes([again]) + len(case.manifest).to_bytes(4, "big") + case.manifest + case.signature

    def piece(self, offset, size):
        octets = self._case.contents[offset : offset + size]
        return b"P" + bytes.fromhex(self._case.id) + offset.to_bytes(4, "big") + octets


@pytest.fixture
def device():
    """A device that runs an application by update: FLOOR is the number that it has confirmed."""
    with update_scene.Place(update_scene.settings(update=KEY)):
        scene = update_scene.Scene(update=KEY)
        scene.take(Sent(corpus.good(number=corpus.FLOOR))).start().run()
        assert scene.states() == ["confirmed"] and load()["now"] == "a"
        yield scene


def on_flash():
    """All that the device runs, and what it goes by."""
    return update_scene.tree("slots/a"), update_scene.read("slots/now"), update_scene.read("msgin5g.json")


@pytest.mark.parametrize("case", corpus.bad(), ids=lambda case: case.name)
def test_each_kind_is_refused(device, case):
    before = on_flash()
    said = len(device.client.said)
    device.offer(Sent(case)).load(Sent(case))
    device.run()
    assert device.refusal() in case.cause.split(), device.last()
    assert device.last()["id"] in (case.id, "")
    assert device.count("refused") == 1
    assert len(device.client.said) > said
    assert (on_flash(), device.board.resets) == (before, 1)
    # A right one is taken all the same.
    device.take(Sent(corpus.good())).start().run()
    assert (device.states(), load()["now"]) == (["confirmed"], "b")


def test_each_octet_turned(device):
    """Of manifest and signature in an offer: it never comes to loading; of the contents: it is never tried."""
    before = on_flash()
    whole = corpus.good()
    for refused, (place, case) in enumerate(corpus.flipped(whole), 1):
        device.offer(Sent(case))
        if case.cause == "hash":
            assert device.last()["state"] == "loading", place
            device.load(Sent(case))
        assert device.last()["state"] == "refused", place
        # A manifest that is one all the same may be one for others.
        causes = ["board", "firmware", "number", "mpy"] if "manifest" in case.cause else []
        assert device.refusal() in [*case.cause.split(), *causes], (place, device.last())
        assert device.count("refused") == refused
        device.client.said.clear()
    device.run()
    assert (on_flash(), device.board.resets) == (before, 1)
    assert device.take(Sent(whole)).board.resets == 2


@pytest.mark.parametrize("end", [0, 1, 5, 6, 7, 200, -len(corpus.good().signature)])
def test_half_an_offer(device, end):
    before = on_flash()
    device.give(Sent(corpus.good()).offer()[:end])
    device.run()
    assert "loading" not in device.states()[1:]
    assert on_flash() == before


def test_a_configuration_that_is_taken(device):
    case = corpus.config({"registration": {"lifetime": 600}}, boards=("any",))
    device.take(Sent(case)).start().run()
    assert device.states() == ["confirmed"]
    changed = json.loads(Path("msgin5g.json").read_text())
    assert changed == update_scene.settings(update=KEY) | {"registration": {"lifetime": 600}}
