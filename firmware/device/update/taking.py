# SPDX-License-Identifier: MIT
"""Offers and pieces of a bundle, from messages to the files of a slot (docs/updates.md).

What comes is never in the heap as a whole, and each step leaves on flash what the next start goes on with. Whoever may
send this device a message may offer something: so what costs little is looked at first, and one signature of each in
30 s.
"""

from coap.compat import const
from msgin5g.timing import Countdown

from . import manifests
from .slot import Slot, pause, room

_TYPING = const(False)
if _TYPING:
    from collections.abc import Iterator
    from typing import Any

    from .noted import Noted

_HEAD = const(6)  # octets of an offer before the manifest
_PIECE_HEAD = const(13)
_LONGEST = const(16384)  # octets of manifest, and of signature
_VERIFY = const(30000)  # ms from one verification for a sender to the next
_SENDERS = const(4)  # for so many within that time
_QUIET = const(300000)  # ms without a piece of who offered a bundle, after which somebody else may offer it
_SKIPPED = const(256)
_ENOSPC = const(28)


class Refused(Exception):
    """A bundle is not taken; str() is the cause."""


class Octets:
    """The octets of a message, as a file: `size` of them from `start` on. Raise ValueError for one of text."""

    def __init__(self, message: "Any", start: int, size: int) -> None:
        self._chunks = iter(message.chunks())
        self._rest: "Any" = b""
        self._left = start + size
        while start > 0:
            start -= len(self.read(min(start, _SKIPPED)))

    def read(self, size: int) -> bytes:
        """Return `size` octets, fewer at the end."""
        octets = bytes(self._next(size))
        while len(octets) < size and self._left > 0:
            octets += self._next(size - len(octets))
        return octets

    def parts(self) -> "Iterator[Any]":
        """Yield all that is left, in pieces as they lie in the storage."""
        part = self._next(_LONGEST)
        while len(part):
            yield part
            part = self._next(_LONGEST)

    def _next(self, size):
        while not len(self._rest) and self._left > 0:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise ValueError("it is cut off")
            if isinstance(chunk, str):
                raise ValueError("it is text")
            self._rest = memoryview(chunk)
        part = self._rest[: min(size, self._left)]
        self._rest = self._rest[len(part) :]
        self._left -= len(part)
        return part


class Taking:
    """What comes for the slot that does not run.

    `noted` is the Noted of this device, `board` the name of its board, `key` the public key in octets, `config` the
    Config of the client. `asked` is the piece that was asked for, (offset, octets), None while there is none; `stats`
    has the counters.
    """

    def __init__(self, noted: "Noted", board: str, key: bytes, config: "Any", stats: dict) -> None:
        self.noted = noted
        self.asked: "Any" = None
        self.have = self.of = 0
        self.stats = stats
        self._board = board
        self._key = key
        self._config = config
        self._verified: dict = {}  # by sender the Countdown to when its next signature may be looked at
        self._heard: "Any" = None  # Countdown to when the sender counts as silent
        for name in ("update_pieces", "update_ignored", "update_refused"):
            stats[name] = 0

    # --- where it stands ----------------------------------------------------------------------------------

    def slot(self) -> Slot:
        """Return the slot that does not run. Raise OSError during a trial: then either of them is needed."""
        record = _record()
        if record["try"]:
            raise OSError("slots: a trial is on")
        return Slot("b" if record["now"] == "a" else "a")

    async def resume(self) -> None:
        """Find out what is there of a bundle that is loading, and what to ask for. Raise OSError."""
        slot = self.slot()
        with slot.manifest() as file:
            manifest = manifests.Manifest(file)
        if manifest.id != self.noted.id:
            raise OSError("slots: the manifest is another one")
        self.of = manifest.size
        if manifest.kind == "image":
            self.have = _image().begin(manifest.size, self.noted.have)
            self.asked = (self.have, min(_LONGEST, self.of - self.have))
        else:
            offset, length, self.have = await slot.progress()
            self.asked = (offset, length)

    async def forget(self) -> None:
        """Give the place of a bundle back that is not wanted any more."""
        self.asked = None
        self.have = self.of = 0
        try:
            await self.slot().empty()
        except OSError:
            pass  # the next offer tries it again

    # --- an offer -------------------------------------------------------------------------------------------

    async def offer(self, message: "Any", now: int) -> "tuple[str, str]":
        """Take an offer. Return (ID of the bundle, its state): "loading" where it comes from now on. Raise Refused with
        the ID as second argument."""
        head = Octets(message, 0, min(_HEAD, message.size)).read(_HEAD)
        length = int.from_bytes(head[2:], "big")
        if not 0 < length <= min(_LONGEST, message.size - _HEAD):
            raise Refused("manifest: its length in the offer is wrong", "")
        if not 0 < message.size - _HEAD - length <= _LONGEST:
            raise Refused("signature: there is none, or it is too long", _id(message, length))
        try:
            manifest = manifests.Manifest(Octets(message, _HEAD, length))
        except ValueError as error:
            raise Refused("manifest: %s" % error, _id(message, length))
        again = head[1] & 1
        known = self._known(manifest, again)
        if known is not None and (known != "loading" or message.sender == self.noted.sender):
            return manifest.id, known
        try:
            await self._check(manifest, message, length, now)
        except Refused as error:
            raise Refused(error.args[0], manifest.id)
        self._heard = Countdown(_QUIET, now)
        why = await self._begin(manifest, message, length)
        if why:
            await self.drop()
            raise Refused(why, manifest.id)
        return manifest.id, "loading"

    def _known(self, manifest, again):
        """Return the state of a bundle that is known, None for one that is taken anew."""
        noted = self.noted
        if noted.id == manifest.id and noted.state in ("loading", "verified", "trying"):
            return noted.state
        if noted.runs[manifest.kind] == manifest.id and not _gone(manifest.kind):
            return "confirmed"
        if noted.bad[0] == manifest.id and not again:
            return "rolled-back"
        return None

    async def _check(self, manifest, message, length, now):
        """Raise Refused where this bundle is not taken, or not now."""
        noted = self.noted
        if _record()["try"]:
            raise Refused("busy: another bundle is on trial")
        if not noted.told:
            raise Refused("busy: how the one before ended is not told yet")
        if noted.is_newer():
            raise Refused("storage: newer firmware has written the file update")
        # What was confirmed and runs no more may come again; nothing that is as old, or older.
        same = noted.runs[manifest.kind] == manifest.id
        why = manifests.refusal(manifest, self._board, 0 if same else noted.floors[manifest.kind])
        if why:
            raise Refused(why)
        if noted.state in ("loading", "verified") and message.sender != noted.sender:
            if self._heard is not None and self._heard.left(now) > 0:
                raise Refused("busy: %s sends another one" % noted.sender[:80])
        self.age(now)
        if message.sender in self._verified or len(self._verified) >= _SENDERS:
            raise Refused("busy: a signature was looked at within 30 s")
        self._verified[message.sender] = Countdown(_VERIFY, now)
        if not await self._is_signed(message, length):
            raise Refused("signature: it is none of the key of this device")
        try:
            manifests.check_paths(lambda: Octets(message, _HEAD, length))
        except ValueError as error:
            raise Refused("manifest: %s" % error)

    async def _is_signed(self, message, length):
        from . import lms

        start = _HEAD + length
        signature = bytearray(message.size - start)
        at = 0
        for part in Octets(message, start, len(signature)).parts():
            signature[at : at + len(part)] = part
            at += len(part)
        for found in lms.steps(self._key, Octets(message, _HEAD, length), signature):
            if found is not None:
                return found
            await pause()
        return False

    async def _begin(self, manifest, message, length):
        """Make room for a bundle, and note it. Return why that cannot be, or None. A cut leaves the one before, or
        nothing, or this one."""
        noted = self.noted
        sender = message.sender, message.sender_type or "AS"
        try:
            if noted.id == manifest.id and noted.state == "loading":
                noted.sender, noted.sender_type = sender  # what has come stays, whoever goes on with it
                noted.write()
                return None
            self.asked = None
            slot = self.slot()
            await slot.empty()
            if manifest.kind == "image":
                image = _image()
                try:
                    image.begin(manifest.size)
                except image.Unable as error:
                    return "image: %s" % error
            else:
                needs, has = room(manifests.files(Octets(message, _HEAD, length)))
                if needs > has:
                    return "space: it needs %d octets, and has %d" % (needs, has)
            _forget_trial(manifest.id)
            noted.begin(manifest.id, manifest.kind, *sender, state="loading")
            slot.begin(Octets(message, _HEAD, length).parts())
            noted.write()
        except Refused as error:
            return error.args[0]
        except OSError as error:
            return cause(error)
        return None

    async def drop(self) -> None:
        """Know of no bundle any more."""
        await self.forget()
        self.noted.begin("", "app", "", "", "")
        try:
            self.noted.write()
        except OSError:
            pass  # the next start finds no manifest, and knows it too

    # --- pieces -----------------------------------------------------------------------------------------------

    async def piece(self, message: "Any", now: int) -> bool:
        """Write a piece, and return whether it was the one that was asked for: `asked` is the next one then. Raise
        OSError."""
        head = Octets(message, 0, _PIECE_HEAD).read(_PIECE_HEAD)
        offset, size = int.from_bytes(head[9:], "big"), message.size - _PIECE_HEAD
        if self.asked != (offset, size) or not size:
            return False
        parts = Octets(message, _PIECE_HEAD, size).parts()
        if self.noted.kind == "image":
            for part in parts:
                _image().write(part)
            self.noted.have = offset + size
            self.noted.write()
        else:
            await self.slot().write(offset, parts)
        self.stats["update_pieces"] += 1
        self._heard = Countdown(_QUIET, now)
        await self.resume()
        return True

    def age(self, now: int) -> None:
        """Let time go by."""
        if self._heard is not None:
            self._heard.advance(now)
        for sender in list(self._verified):
            if self._verified[sender].advance(now) <= 0:
                del self._verified[sender]

    async def finish(self) -> None:
        """Look at all that has come. Where it is what the manifest says, it is ready to be tried; files that are not
        are asked for once more: `asked` says so. Raise Refused, OSError."""
        noted, slot = self.noted, self.slot()
        if noted.kind == "image":
            await self._finish_image(slot)
            return
        wrong = await slot.wrong()
        if wrong and noted.again:
            raise Refused("hash: %s came with another SHA-256 twice" % wrong[0])
        if wrong:
            noted.again = True
            noted.write()
            for path in wrong:
                slot.forget(path)
            await self.resume()
        elif noted.kind == "config":
            from .configuring import prepare

            try:
                prepare(slot.folder + "/config.json", self._config)
            except ValueError as error:
                raise Refused("config: %s" % error)

    async def _finish_image(self, slot):
        from binascii import unhexlify

        _, digest, _ = next(slot.files())
        if not await _image().end(unhexlify(digest)):
            if self.noted.again:
                raise Refused("hash: the image came with another SHA-256 twice")
            self.noted.again = True
            self.noted.have = 0
            self.noted.write()
            await self.resume()


def _record():
    """Return the record of the slots. A device pays for what reads it once there is something to take."""
    from base.record import load

    return load()


def _gone(kind):
    """Return whether what was confirmed does not run: the slot was given up by hand, cannot be imported, or fails."""
    import base

    from ..health import starts

    return kind == "app" and (not base.folder or (starts is not None and starts.safe))


def _forget_trial(id):
    """Have the record not name a bundle that comes again: its trial is yet to come."""
    from base.record import load, save

    record = load()
    if record["id"] == id:
        record["id"] = record["why"] = ""
        save(record)


def _image():
    """Return the module for images. Raise Refused on a board whose firmware has none."""
    try:
        from . import image
    except ImportError:
        raise Refused("image: this board has one slot for MicroPython; flash it by cable")
    return image


def cause(error: OSError) -> str:
    """Return what is said of a storage that failed."""
    return "%s: %s" % ("space" if error.args and error.args[0] == _ENOSPC else "storage", error)


def _id(message, length):
    """Return the ID of a manifest that is none."""
    from binascii import hexlify
    from hashlib import sha256

    digest = sha256()
    try:
        for part in Octets(message, _HEAD, length).parts():
            digest.update(part)
    except ValueError:
        return ""
    return str(hexlify(digest.digest()[:8]), "utf-8")
