# SPDX-License-Identifier: MIT
"""The device against each kind of bundle that it has to refuse, signed by another implementation than the tests' own:
nothing of one runs, the server is told why, and each is counted."""

import sys
from types import SimpleNamespace

import pytest

from host_tests.interpreters import HELPERS
from host_tests.tools.update import corpus

for _folder in HELPERS:
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))

from update_scene import Place, Scene, settings, u32  # noqa: E402


@pytest.fixture
def device():
    """A device with the key of the corpus, that has confirmed the number FLOOR."""
    key = {"key": corpus.public().hex()}
    with Place(settings(update=key)):
        scene = Scene(update=key)
        scene.run()
        scene.updates.noted.floors = dict.fromkeys(("app", "config", "image"), corpus.FLOOR)
        scene.updates.noted.write()
        yield scene


def of(case):
    """A case as what the server of these tests sends."""
    head = b"O\0" + u32(len(case.manifest)) + case.manifest + case.signature
    octets_of_id = bytes.fromhex(case.id)

    def piece(offset, size):
        return b"P" + octets_of_id + u32(offset) + case.contents[offset : offset + size]

    return SimpleNamespace(offer=lambda again=False: head, piece=piece)


def give(device, case):
    """Offer it, give it all that it asks for, and return what it says in the end."""
    bundle = of(case)
    device.offer(bundle).load(bundle)
    device.run()
    return device.last()


@pytest.mark.parametrize("case", corpus.bad(), ids=lambda case: case.name)
def test_what_is_refused(device, case):
    said = give(device, case)
    assert said["state"] == "refused"
    assert said["cause"].split(":")[0] in case.cause.split()
    assert (device.board.resets, device.count("refused")) == (0, 1)
    # and it takes a good one behind that
    assert give(device, corpus.good())["state"] == "verified"
    assert device.board.resets == 1


def test_each_octet_flipped(device):
    """No octet of manifest, signature and contents is another without a refusal."""
    flips = 0
    for place, case in corpus.flipped(corpus.good()):
        said = give(device, case)
        assert said["state"] == "refused", place
        word = said["cause"].split(":")[0]
        # what costs little is looked at before the signature
        assert word in ("manifest", "signature", "board", "firmware", "number", "hash"), (place, said)
        assert word == "hash" or place < len(case.manifest) + len(case.signature)
        flips += 1
    assert (device.board.resets, device.count("refused")) == (0, flips)


@pytest.mark.parametrize("end", [0, 1, 5, 6, 7, 100, -2353, -2352, -1])
def test_an_offer_that_is_cut_off(device, end):
    case = corpus.good()
    bundle = of(case)
    device.give(bundle.offer()[:end])
    assert device.board.resets == 0
    assert not device.client.said or device.last()["state"] == "refused"
    assert device.count("refused") + device.count("ignored") == 1
