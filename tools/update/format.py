# SPDX-License-Identifier: MIT
"""The file of an update, a bundle: a signed manifest, and the contents of the files that it names.

All integers are big-endian, and nothing stands between two parts::

    "MSGB", u8 1, u32 length of the manifest, u32 length of the signature,
    manifest, signature, contents of the files in the manifest's order

The signature is one of HSS (RFC 8554) over the octets of the manifest, which has a SHA-256 of each file.
What is here reads no key and verifies nothing.
"""

import hashlib
import re
import struct
from dataclasses import dataclass

APP, CONFIG, IMAGE = KINDS = ("app", "config", "image")
CONFIG_PATH, IMAGE_PATH = "config.json", "image.bin"  # the one file of these kinds
ANY = "any"  # in place of boards
TRIAL = 600  # s, where the manifest does not say it

MAX_PART = 16_384  # octets of the manifest, which are 209 files at most, and of the signature
MAX_CONTENTS = 4 << 20  # octets of all files together
MAX_PATH = 128
MAX_NUMBER = 2**32 - 1
MAX_BOARDS = 16  # that a device reads in one line
MAX_BUNDLE = 13 + 2 * MAX_PART + MAX_CONTENTS

MAGIC = b"MSGB"
_HEAD = struct.Struct(">4sBII")
_VERSION = 1
_TRIALS = range(60, 86_401)

_NAME = re.compile(r"[A-Za-z0-9._-]{1,32}")
_PART = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NEEDS = re.compile(r"(=?)((0|[1-9]\d{0,4})\.(0|[1-9]\d{0,4})\.(0|[1-9]\d{0,4}))", re.ASCII)
_MPY = re.compile(r"([1-9]\d{0,2})\.([0-3])", re.ASCII)  # the second has two bits of sys.implementation._mpy
_WHOLE = re.compile(r"0|[1-9]\d{0,9}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}")


class FormatError(ValueError):
    """No bundle, or no manifest, of this form; the text is a sentence that says what is wrong with it."""


@dataclass(frozen=True)
class File:
    """A file that a manifest names: its octets, the SHA-256 of its contents in hex, its path with a / between parts."""

    size: int
    digest: str
    path: str


@dataclass(frozen=True)
class Manifest:
    """What a manifest says. `boards`: names, or ("any",). `mpy`: "6.3", None without .mpy files. `needs`: the lowest
    version of the firmware, after a "=" the only one. `permit`: devices whose floor is at most this may go back; None
    without. `trial`: seconds. `confirm`: whether the application has to confirm it.
    """

    kind: str
    name: str
    version: str
    number: int
    boards: tuple
    needs: str
    files: tuple
    mpy: str | None = None
    permit: int | None = None
    trial: int = TRIAL
    confirm: bool = False

    @property
    def contents(self):
        """Octets of all files together."""
        return sum(file.size for file in self.files)

    def octets(self):
        """Its text, as it is signed. Raises FormatError for what parse() would refuse."""
        lines = [
            "msgin5g 1",
            f"kind {self.kind}",
            f"name {self.name}",
            f"version {self.version}",
            f"number {self.number}",
            f"board {' '.join(self.boards)}",
            *([] if self.mpy is None else [f"mpy {self.mpy}"]),
            f"needs {self.needs}",
            *([] if self.permit is None else [f"permit {self.permit}"]),
            *([] if self.trial == TRIAL else [f"trial {self.trial}"]),
            *(["confirm"] if self.confirm else []),
            *(f"file {file.size} {file.digest} {file.path}" for file in self.files),
        ]
        made = "".join(f"{line}\n" for line in lines).encode()
        if parse(made) != self:
            raise FormatError(
                "the manifest says other than it should: a value has a space or a line end in it"
            )
        return made


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read. `signed` is the manifest's octets, `contents` that of all files in its order; whether the
    signature is right was not looked at."""

    manifest: Manifest
    signed: bytes
    signature: bytes
    contents: bytes

    @property
    def id(self):
        return bundle_id(self.signed)

    def octets(self):
        """The file."""
        head = _HEAD.pack(MAGIC, _VERSION, len(self.signed), len(self.signature))
        return head + self.signed + self.signature + self.contents

    def files(self):
        """(File, contents) of each, in order."""
        at = 0
        for file in self.manifest.files:
            yield file, self.contents[at : at + file.size]
            at += file.size


def file_of(path, contents):
    """The File of these contents under this path."""
    return File(len(contents), hashlib.sha256(contents).hexdigest(), path)


def bundle_id(signed):
    """16 hex digits: the first 8 octets of the SHA-256 of the manifest's octets."""
    return hashlib.sha256(signed).hexdigest()[:16]


def read(octets):
    """The Bundle in these octets, the whole of a file. Raises FormatError, also where a file's SHA-256 is another."""
    if len(octets) < _HEAD.size or not octets.startswith(MAGIC):
        raise FormatError("it is no bundle: msgin5g bundle makes one")
    _, version, manifest_length, signature_length = _HEAD.unpack_from(octets)
    if version != _VERSION:
        raise FormatError(
            f"it is a bundle of form {version}, and this program reads form {_VERSION}: take a newer one"
        )
    for length, what in ((manifest_length, "manifest"), (signature_length, "signature")):
        if length > MAX_PART:
            raise FormatError(f"its {what} has {length} octets, and may have {MAX_PART}")
    at = _HEAD.size + manifest_length
    signed, signature = octets[_HEAD.size : at], octets[at : at + signature_length]
    if len(signed) < manifest_length or len(signature) < signature_length:
        raise FormatError("it is cut short: it ends before its files begin")
    manifest = parse(signed)
    bundle = Bundle(manifest, signed, signature, octets[at + signature_length :])
    if len(bundle.contents) != manifest.contents:
        wrong = "is cut short" if len(bundle.contents) < manifest.contents else "goes on behind its end"
        raise FormatError(
            f"it {wrong}: its files have {manifest.contents} octets, and {len(bundle.contents)} are there"
        )
    for file, contents in bundle.files():
        if file_of(file.path, contents) != file:
            raise FormatError(f"{file.path} is damaged: its SHA-256 is not the one of the manifest")
    return bundle


def parse(signed):
    """The Manifest in these octets. Raises FormatError."""
    if len(signed) > MAX_PART:
        raise FormatError(f"the manifest has {len(signed)} octets, and may have {MAX_PART}")
    try:
        text = signed.decode()
    except UnicodeDecodeError:
        raise FormatError("the manifest is no text in UTF-8") from None
    if not text.endswith("\n"):
        raise FormatError("the manifest does not end with the end of a line")
    lines = _Lines(text[:-1].split("\n"))
    if lines.value("msgin5g") != "1":
        raise FormatError("the manifest is not of form 1")
    kind = lines.value("kind")
    if kind not in KINDS:
        raise FormatError(f"kind is one of {', '.join(KINDS)}, not {kind!r}")
    manifest = Manifest(
        kind,
        lines.name("name"),
        lines.name("version"),
        lines.number("number"),
        boards=_boards(lines.value("board")),
        mpy=_like(_MPY, "mpy", lines.value("mpy", optional=True), "as 6.3 is"),
        needs=_like(_NEEDS, "needs", lines.value("needs"), "a version as 0.3.0 is, or =0.3.0"),
        permit=lines.number("permit", optional=True),
        trial=_trial(lines.number("trial", optional=True)),
        confirm=lines.alone("confirm"),
        files=tuple(_file(line) for line in lines.rest("file")),
    )
    _check_files(manifest)
    return manifest


class _Lines:
    """The lines of a manifest, one after another."""

    def __init__(self, lines):
        self._left = lines[::-1]

    def value(self, key, optional=False):
        """What stands behind the key in the next line; None where another key does and this one is optional."""
        if self._left and self._left[-1].startswith(f"{key} "):
            return self._left.pop()[len(key) + 1 :]
        if optional:
            return None
        found = repr(self._left[-1][:40]) if self._left else "the end"
        raise FormatError(f"{key} is missing from the manifest: {found} stands in its place")

    def name(self, key):
        return _like(_NAME, key, self.value(key), "1 to 32 letters, digits, dots, lines - and _")

    def number(self, key, optional=False):
        value = self.value(key, optional)
        return None if value is None else _whole(key, value, range(1, MAX_NUMBER + 1))

    def alone(self, key):
        """Whether the next line is this word."""
        found = self._left[-1:] == [key]
        del self._left[len(self._left) - found :]
        return found

    def rest(self, key):
        """What stands behind the key in each line that is left."""
        while self._left:
            yield self.value(key)


def _like(form, key, value, meant):
    if value is not None and not form.fullmatch(value):
        raise FormatError(f"{key} is {meant}, not {value[:40]!r}")
    return value


def _whole(key, value, numbers):
    if not _WHOLE.fullmatch(value) or int(value) not in numbers:
        raise FormatError(f"{key} is a whole number from {numbers[0]} to {numbers[-1]}, not {value[:40]!r}")
    return int(value)


def _trial(seconds):
    if seconds is None:
        return TRIAL
    return _whole("trial", str(seconds), _TRIALS)


def _boards(value):
    boards = tuple(value.split(" "))
    if len(boards) > MAX_BOARDS:
        raise FormatError(f"board has at most {MAX_BOARDS} names, not {len(boards)}")
    for board in boards:
        _like(_NAME, "board", board, "names with one space between them, or any")
    if len(set(boards)) < len(boards) or (ANY in boards and boards != (ANY,)):
        raise FormatError(f"board names each board once, or is any alone, not {value[:40]!r}")
    return boards


def _file(line):
    parts = line.split(" ")
    if len(parts) != 3:
        raise FormatError(f"file has a size, a SHA-256 and a path, not {line[:40]!r}")
    size, digest, path = parts
    _like(_DIGEST, "the SHA-256 of a file", digest, "64 hex digits")
    return File(_whole("the size of a file", size, range(MAX_CONTENTS + 1)), digest, _path(path))


def _path(path):
    parts = path.split("/")
    if len(path) > MAX_PATH or not all(_PART.fullmatch(part) and part not in (".", "..") for part in parts):
        raise FormatError(
            f"a path has at most {MAX_PATH} octets, in parts of 1 to 64 letters, digits, dots, lines - and _ with a /"
            f" between them, and none is . or .., not {path[:40]!r}"
        )
    return path


def _check_files(manifest):
    """What files of this kind have to be, together."""
    files, kind = manifest.files, manifest.kind
    if manifest.contents > MAX_CONTENTS:
        raise FormatError(f"its files have {manifest.contents} octets together, and may have {MAX_CONTENTS}")
    if kind == APP:
        _check_paths([file.path for file in files])
    else:
        only = CONFIG_PATH if kind == CONFIG else IMAGE_PATH
        if [file.path for file in files] != [only]:
            raise FormatError(f"of kind {kind} there is one file, {only}")
    compiled = any(file.path.endswith(".mpy") for file in files)
    if compiled != (manifest.mpy is not None):
        raise FormatError("mpy is said where there are .mpy files, and only there")
    if manifest.boards == (ANY,) and (compiled or kind == IMAGE):
        raise FormatError("board is any only without .mpy files, and for no image: name the boards")


def _check_paths(paths):
    """That each is of an app, and that all of them can be there at once."""
    if not paths:
        raise FormatError("there is no file in it")
    taken = {}  # in small letters: where a file system takes A for a, one of two such files would be lost
    for path in paths:
        if not path.startswith(("app/", "fw/")):
            raise FormatError(f"files of an app lie in app/ or fw/, and {path} does not")
        if path.lower() in taken:
            raise FormatError(f"{path} and {taken[path.lower()]} cannot both be there")
        taken[path.lower()] = path
    for path in taken:
        while path := path.rpartition("/")[0]:
            if path in taken:
                raise FormatError(f"{taken[path]} is a file and a folder")
