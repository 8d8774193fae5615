# SPDX-License-Identifier: MIT
"""The files of a bundle, where no application runs from: what comes is added to them in their order, so their lengths
say what has come. Then the step from what runs to what is tried, and the one that makes it stay."""

import asyncio
import os
from binascii import hexlify
from hashlib import sha256

from coap.compat import const

from . import manifests

_TYPING = const(False)
if _TYPING:
    from collections.abc import Iterable
    from typing import Any

_ROOT = const("slots")
_MANIFEST = const("manifest")
_PIECE = const(16384)  # octets that are asked for at once
_READ = const(512)
_FOLDER = const(0x4000)  # of st_mode
_EEXIST = const(17)
_STARTS = const(3)  # of a trial
_RESERVE = const(8)  # blocks that stay free, for messages


async def pause() -> None:
    """Let other tasks have their turn, that of the watchdog among them: flash takes its time, above all many files."""
    await asyncio.sleep(0)


class Slot:
    """The folder slots/NAME."""

    def __init__(self, name: str) -> None:
        self.folder = _ROOT + "/" + name
        from coap.oscore.files import FileStorage

        make_folder(_ROOT)
        self._files = FileStorage(self.folder)

    def manifest(self) -> "Any":
        """Return its manifest as an open file. Raise OSError where there is none."""
        return open(self.folder + "/" + _MANIFEST, "rb")

    def files(self) -> "Any":
        """Return what goes through the files of its manifest: (octets, SHA-256 in hexadecimal digits, path)."""
        with self.manifest() as file:
            yield from manifests.files(file)

    async def empty(self) -> None:
        """Remove all that is in it, the manifest first: without one nothing in it counts. Raise OSError."""
        self._files.remove(_MANIFEST)
        path = self.folder
        while True:
            inner = None
            for name in os.listdir(path):
                each = path + "/" + name
                if os.stat(each)[0] & _FOLDER:
                    inner = each
                    break
                os.remove(each)
                await pause()
            if inner is not None:
                path = inner
            elif path == self.folder:
                return
            else:
                os.rmdir(path)
                path = path[: path.rfind("/")]

    def begin(self, text: "Iterable[bytes]") -> None:
        """Keep this manifest, in pieces, in a slot that is empty. Raise OSError."""
        new = _MANIFEST + "~"
        for part in text:
            self._files.append(new, part, True)
        self._files.append(new, b"")
        os.rename(self.folder + "/" + new, self.folder + "/" + _MANIFEST)

    async def progress(self) -> "tuple[int, int, int]":
        """Return (where in the contents something is missing, how much to ask for there, octets that are there); it is
        whole where the second is 0. Raise OSError."""
        offset = first = length = have = 0
        goes_on = True
        for size, _, path in self.files():
            await pause()
            there = self._length(path)
            if there > size:
                self._files.remove(path)
                there = 0
            if not size and there < 0:
                self._append(path, b"", 0)
            there = max(there, 0)
            have += there
            if goes_on and there < size:
                if not length:
                    first = offset + there
                elif there:
                    goes_on = False
                length += (size - there) if goes_on else 0
            elif length and size:
                goes_on = False
            offset += size
        return first, min(length, _PIECE), have

    async def write(self, offset: int, parts: "Iterable[Any]") -> None:
        """Write the octets of the contents from `offset` on, where `progress` has said that they are missing. They are
        safe when this returns. Raise OSError, ValueError where they are too many."""
        names = self.files()
        size, _, path = next(names)
        while offset >= size:
            offset -= size
            size, _, path = next(names)
        for part in parts:
            part = memoryview(part)
            while len(part):
                while offset == size:
                    self._files.append(path, b"")
                    await pause()
                    offset = 0
                    size, _, path = next(names)
                take = min(size - offset, len(part))
                self._append(path, part[:take], offset)
                offset += take
                part = part[take:]
        self._files.append(path, b"")

    def _append(self, path, octets, at):
        if not at:
            end = path.find("/")
            while end > 0:
                make_folder(self.folder + "/" + path[:end])
                end = path.find("/", end + 1)
        length = self._files.append(path, octets, True)
        if length != at + len(octets):
            raise OSError("%s is not as long as it was" % path)

    def _length(self, path):
        """Return the octets of a file, -1 where it is not there."""
        try:
            return os.stat(self.folder + "/" + path)[6]
        except OSError:
            return -1

    async def wrong(self) -> "list[str]":
        """Return the paths of the files that have another SHA-256 than the manifest says. Raise OSError."""
        found = []
        buffer = bytearray(_READ)
        view = memoryview(buffer)
        for _, digest, path in self.files():
            hashed = sha256()
            with open(self.folder + "/" + path, "rb") as file:
                size = file.readinto(buffer)
                while size:
                    hashed.update(view[:size])
                    await pause()
                    size = file.readinto(buffer)
            if hexlify(hashed.digest()) != digest:
                found.append(path)
        return found

    def forget(self, path: str) -> None:
        """Remove a file, so that it is asked for anew."""
        self._files.remove(path)


def make_folder(path: str) -> None:
    """Make a folder, where there is none."""
    try:
        os.mkdir(path)
    except OSError as error:
        if error.errno != _EEXIST:
            raise


def room(files: "Iterable[tuple[int, bytes, str]]") -> "tuple[int, int]":
    """Return (octets that these files will take of the file system, octets that they may take)."""
    if not hasattr(os, "statvfs"):
        return 0, 1  # Windows
    found = os.statvfs(".")
    block = found[1]
    blocks = 2 + 4  # the manifest, and the two folders of each slot
    before = ""
    for size, _, path in files:
        blocks += (size + block - 1) // block
        folder = path[: max(0, path.rfind("/"))]
        if folder != before:
            blocks += 2 * (folder.count("/") + 1)  # a pair of blocks for each, at most
        before = folder
    return blocks * block, max(0, found[4] - _RESERVE) * block


# --- from what runs to what is tried ------------------------------------------------------------------------


def switch(slot: Slot, id: str) -> None:
    """Have the next start try what is in the slot, the bundle with this ID, by one write. Raise OSError, ValueError
    where it is an image that the boot loader refuses."""
    with slot.manifest() as file:
        manifest = manifests.Manifest(file)
    from base.record import load, save

    record = load()
    kind = manifest.kind
    record["try"] = slot.folder[-1] if kind == "app" else kind
    record["left"] = _STARTS
    record["trial"] = manifest.trial
    record["confirm"] = manifest.confirm
    record["kind"] = kind
    record["id"] = id
    record["why"] = ""
    record["number"] = manifest.number
    if kind != "image":
        save(record)
        return
    from . import image

    # First the record: one of a trial that never began is seen by the partition that runs.
    record["partition"] = image.target()
    save(record)
    try:
        image.activate()
    except image.Unable as error:
        record["try"] = record["id"] = ""
        save(record)
        raise ValueError(error)


def keep() -> None:
    """Confirm what is on trial in this start, where there is something. Raise OSError."""
    import base

    if base.on:
        if base.load()["kind"] == "image":
            from . import image

            image.confirm()
        base.confirm()
