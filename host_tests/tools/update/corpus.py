# SPDX-License-Identifier: MIT
"""Bundles that a device takes, and each kind that it refuses, with the word that its refusal begins with.

`good()` and `bad()` are signed with `key()`, unless a case says otherwise; `public()` is what the device has of it.
They are for a device with the board BOARD, this firmware and .mpy files of MPY, which has confirmed the number FLOOR
before. Manifest and signature go to the device in an offer, the contents piece by piece later: a Case has them apart.
"""

import functools
import json
from dataclasses import dataclass, replace

from pyhsslms import pyhsslms

from tools.image import boards
from tools.update import format

BOARD, OTHER_BOARD = "unix", "rp2040"
FIRMWARE, MPY = boards.version(), "6.3"
NUMBER = 1_796_000_000
FLOOR = NUMBER - 1
APP = b"import data\nprint(data.TEXT)\n"
DATA = b"TEXT = 'new'\n"


class Key:
    """An HSS key of one level, H5 and W4: the shortest to make. It signs with the same one-time key each time, which
    gives the key away: for tests alone."""

    def __init__(self, seed):
        self._lms = pyhsslms.LmsPrivateKey(
            pyhsslms.lms_sha256_m32_h5, pyhsslms.lmots_sha256_n32_w4, SEED=seed * 32, I=seed * 16
        )
        self.public = pyhsslms.u32(1) + self._lms.publicKey().serialize()

    def sign(self, octets):
        """The signature of these octets: 2,352 of them."""
        self._lms.q = 0
        self._lms.ots_priv[0]._signatures_remaining = 1
        return pyhsslms.u32(0) + self._lms.sign(octets)


@dataclass(frozen=True)
class Case:
    """A bundle in its three parts. `cause`: the word that the refusal begins with, or two of which it is one; None
    where it is taken."""

    name: str
    cause: str | None
    manifest: bytes
    signature: bytes
    contents: bytes

    @property
    def id(self):
        return format.bundle_id(self.manifest)

    @property
    def octets(self):
        """The file, whatever is wrong with it."""
        lengths = len(self.manifest).to_bytes(4, "big") + len(self.signature).to_bytes(4, "big")
        return b"MSGB\x01" + lengths + self.manifest + self.signature + self.contents


@functools.cache
def key(seed=b"k"):
    return Key(seed)


def public(seed=b"k"):
    return key(seed).public


def manifest(kind=format.APP, contents=None, **values):
    """A Manifest of an app for BOARD, or of another kind, with these files, {path: octets}."""
    contents = {"app/app.py": APP, "app/data.py": DATA} if contents is None else contents
    files = tuple(format.file_of(path, octets) for path, octets in contents.items())
    made = format.Manifest(kind, "garden", "1.4", NUMBER, (BOARD,), FIRMWARE, files)
    return replace(made, **values)


def case(name, cause, text, contents, seed=b"k"):
    """The Case of this text of a manifest, signed as it is."""
    octets = text if isinstance(text, bytes) else text.encode()
    return Case(name, cause, octets, key(seed).sign(octets), contents)


def good(kind=format.APP, contents=None, name="good", cause=None, **values):
    """A bundle of the right form; with `cause` one that this device refuses all the same."""
    made = manifest(kind, contents, **values)
    contents = {"app/app.py": APP, "app/data.py": DATA} if contents is None else contents
    return case(name, cause, made.octets(), b"".join(contents.values()))


def config(changes, name="config", cause=None, **values):
    """A change of the configuration: a dict, or the octets of config.json."""
    octets = changes if isinstance(changes, bytes) else json.dumps(changes).encode()
    return good(format.CONFIG, {format.CONFIG_PATH: octets}, name=name, cause=cause, **values)


def flipped(made):
    """(place, Case) of `made` with one bit of each octet of manifest and signature turned, and of the contents."""
    parts = (made.manifest, made.signature, made.contents)
    whole = b"".join(parts)
    for place in range(len(whole)):
        octets = bytearray(whole)
        octets[place] ^= 1 << place % 8
        ends = (0, len(parts[0]), len(parts[0]) + len(parts[1]), len(whole))
        cut = [bytes(octets[at:end]) for at, end in zip(ends, ends[1:], strict=False)]
        cause = "hash" if place >= ends[2] else "signature" if place >= ends[1] else "manifest signature"
        yield place, Case(f"flipped-{place}", cause, *cut)


def bad():
    """Each kind of bundle that the device refuses."""
    return [*_signatures(), *_forms(), *_paths(), *_others(), *_contents(), *_configurations()]


def _signatures():
    made = good()
    other = key(b"o").sign(made.manifest)
    of_another = key().sign(manifest(version="1.5").octets())
    type_at = 4 + 4  # behind the levels and the leaf: the type of the one-time signature
    for name, signature in {
        "another-key": other,
        "of-another-manifest": of_another,
        "one-octet": b"\0",
        "cut": made.signature[:-1],
        "half": made.signature[: len(made.signature) // 2],
        "longer": made.signature + b"\0",
        "zeros": bytes(len(made.signature)),
        "more-levels": b"\0\0\0\1" + made.signature[4:],
        "most-levels": b"\xff\xff\xff\xff" + made.signature[4:],
        "last-leaf": made.signature[:4] + b"\xff\xff\xff\xff" + made.signature[8:],
        "shorter-chains": made.signature[:type_at] + b"\0\0\0\4" + made.signature[type_at + 4 :],
        "no-type": made.signature[:type_at] + b"\0\0\0\0" + made.signature[type_at + 4 :],
    }.items():
        yield replace(made, name=f"signature-{name}", cause="signature", signature=signature)


def _forms():
    """Rightly signed, and no manifest."""
    text = manifest(trial=900, confirm=True, permit=NUMBER).octets().decode()
    files = text[text.index("file ") :]
    for name, wrong in {
        "empty": "",
        "line-end": text[:-1],
        "crlf": text.replace("\n", "\r\n"),
        "mark": "\ufeff" + text,
        "no-text": text.encode() + b"file 1 \xff\n",
        "newer": text.replace("msgin5g 1", "msgin5g 2"),
        "kind": text.replace("kind app", "kind boot"),
        "name": text.replace("garden", "gar/den"),
        "long-name": text.replace("garden", 33 * "g"),
        "no-version": text.replace("version 1.4\n", ""),
        "number-0": text.replace(f"number {NUMBER}", "number 0"),
        "large-number": text.replace(f"number {NUMBER}", f"number {2**32}"),
        "number-twice": text.replace("board", f"number {NUMBER}\nboard"),
        "order": text.replace(f"needs {FIRMWARE}\n", "").replace("file", f"needs {FIRMWARE}\nfile", 1),
        "unknown-line": text.replace("confirm\n", "confirm\nurl http://192.0.2.1\n"),
        "any-of-two": text.replace(f"board {BOARD}", f"board any {BOARD}"),
        "mpy-without": text.replace("needs", f"mpy {MPY}\nneeds"),
        "needs": text.replace(f"needs {FIRMWARE}", "needs 1"),
        "short-trial": text.replace("trial 900", "trial 59"),
        "long-trial": text.replace("trial 900", "trial 86401"),
        "no-files": text.replace(files, ""),
        "behind-files": text + "confirm\n",
        "large-file": text.replace(f"file {len(APP)} ", f"file {2**32} "),
        "files-too-large": text.replace(f"file {len(APP)} ", f"file {4 << 20} "),
        "short-hash": text.replace(" app/data.py", "0 app/data.py"),
        "two-configurations": text.replace("kind app", "kind config"),
        "too-long": text + "".join(f"file 0 {64 * '0'} app/{at:03}\n" for at in range(205)),
    }.items():
        assert wrong != text, name
        yield case(f"manifest-{name}", "manifest", wrong, APP + DATA)


def _paths():
    """Rightly signed, and a file would come to lie elsewhere, or in another's way."""
    text = manifest().octets().decode()
    for wrong in (
        "../msgin5g.json",
        "app/../msgin5g.json",
        "app/../../slots/now",
        "app/../../../boot.py",
        "app/..",
        "app/.",
        "/boot.py",
        "/app/boot.py",
        "app//boot.py",
        "app/",
        "app",
        "boot.py",
        "slots/now",
        "messages/log-1",
        "App/boot.py",
        "app\\..\\boot.py",
        "app/a b.py",
        "app/\u00e4.py",
        "app/a\0.py",
        "c:/boot.py",
        "app/" + 65 * "a",
        "app/" + "/".join(13 * ["a" * 9]),
        "app/app.py",  # twice
        "app/App.py",
        "app/app.py/data.py",
        "config.json",
        "image.bin",
    ):
        changed = text.replace(" app/data.py\n", f" {wrong}\n")
        yield case(f"path-{wrong}", "manifest", changed, APP + DATA)


def _others():
    """All right, for another device or another time."""
    compiled = {"app/app.mpy": b"M\x06\x00\x1f"}
    yield good(name="another-board", cause="board", boards=(OTHER_BOARD,))
    yield good(name="another-mpy", cause="mpy", contents=compiled, mpy="5.0")
    yield good(name="another-mpy-minor", cause="mpy", contents=compiled, mpy="6.0")
    yield good(name="newer-firmware", cause="firmware", needs="999.0.0")
    yield good(name="only-firmware", cause="firmware", needs="=0.0.1")
    yield good(name="older", cause="number", number=FLOOR - 1)
    yield good(name="the-same-number", cause="number", number=FLOOR, version="1.5")
    yield good(name="permit-for-older-ones", cause="number", number=FLOOR - 1, permit=FLOOR - 1)


def _contents():
    """The contents are not those of the manifest: seen once they have come."""
    made = good()
    yield replace(made, name="hash-first", cause="hash", contents=b"I" + made.contents[1:])
    yield replace(made, name="hash-last", cause="hash", contents=made.contents[:-1] + b"!")
    yield replace(made, name="hash-exchanged", cause="hash", contents=DATA + APP)


def _configurations():
    """Changes of the configuration that no device makes."""
    for name, changes in {
        "security": {"security": {"mode": "none"}},
        "no-security": {"security": None},
        "update": {"update": {"key": public(b"o").hex()}},
        "no-update": {"update": None},
        "list": ["peer"],
        "text": b'"peer"',
        "no-json": b"{",
        "empty": b"",
        "no-peer": {"peer": "nowhere"},
        "unknown": {"no_such_key": 1},
    }.items():
        yield config(changes, name=f"config-{name}", cause="config", boards=(format.ANY,))
