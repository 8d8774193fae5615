# SPDX-License-Identifier: MIT
"""Host and device read bundles alike: each manifest that one refuses the other refuses, and each signature. So this
test imports both sides."""

import io

import pytest

from device.update import lms, manifests
from host_tests.tools.update import corpus
from tools.update import format, shown
from tools.update.keys import SigningKey

CASES = [
    corpus.good(),
    corpus.config({"registration": {"lifetime": 60}}, boards=("any",)),
    corpus.good(name="any", boards=("any",)),
    corpus.good(name="permit", number=corpus.FLOOR - 1, permit=corpus.FLOOR, trial=86_400, confirm=True),
    corpus.good(name="boards", boards=tuple(f"{number:02}{'b' * 30}" for number in range(format.MAX_BOARDS))),
    corpus.good(name="image", kind=format.IMAGE, contents={format.IMAGE_PATH: b"x"}, boards=("esp32",)),
    corpus.good(name="deep", contents={"app/" + "/".join(12 * ["a" * 9]): b"", "fw/b.mpy": b"M"}, mpy="6.3"),
    *corpus.bad(),
]


def of_host(octets):
    """What the host reads in a manifest; None where it refuses it."""
    try:
        found = format.parse(octets)
    except format.FormatError:
        return None
    files = [(file.size, file.digest, file.path) for file in found.files]
    values = (found.kind, found.name, found.version, found.number, found.boards, found.mpy or "", found.needs)
    return (*values, found.permit or 0, found.trial, found.confirm, files)


def of_device(octets):
    try:
        found = manifests.Manifest(io.BytesIO(octets))
        manifests.check_paths(lambda: io.BytesIO(octets))
    except ValueError:
        return None
    assert found.id == format.bundle_id(octets)
    listed = manifests.files(io.BytesIO(octets))
    files = [(size, digest.decode(), path) for size, digest, path in listed]
    assert (found.files, found.size) == (len(files), sum(size for size, _, _ in files))
    boards = tuple(board.decode() for board in found.boards)
    values = (found.kind, found.name, found.version, found.number, boards)
    values += (found.mpy.decode(), found.needs.decode())
    return (*values, found.permit, found.trial, found.confirm, files)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_manifest(case):
    if len(case.manifest) > format.MAX_PART:  # a device refuses it by its length
        assert of_host(case.manifest) is None
        return
    assert of_host(case.manifest) == of_device(case.manifest)
    assert (of_host(case.manifest) is None) == (case.cause == "manifest")


def test_each_octet_of_a_manifest_turned():
    text = corpus.manifest(
        contents={"app/app.mpy": b"", "fw/a/b.mpy": b"x"},
        mpy="6.3",
        permit=corpus.FLOOR,
        trial=900,
        confirm=True,
    ).octets()
    taken = 0
    for place in range(len(text)):
        for bit in range(8):
            octets = bytearray(text)
            octets[place] ^= 1 << bit
            found = of_host(bytes(octets))
            assert found == of_device(bytes(octets)), (place, bit)
            taken += found is not None
    assert 100 < taken < len(text) * 8  # a name may have another letter


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_signature(case):
    right = lms.verify(corpus.public(), case.manifest, case.signature)
    assert right == shown.is_signed(corpus.public(), case.manifest, case.signature)
    assert right == (case.cause != "signature")


def test_what_the_key_signs(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    key = SigningKey.make(tmp_path / "key", 32)
    signature = key.sign(CASES[0].manifest)
    assert lms.verify(key.public, CASES[0].manifest, signature)
    assert not lms.verify(key.public, CASES[1].manifest, signature)
    assert not lms.verify(corpus.public(), CASES[0].manifest, signature)
