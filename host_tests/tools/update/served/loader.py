# SPDX-License-Identifier: MIT
"""A device's side of an update, as docs/updates.md has it, without a flash and without looking at signatures: what is
heard by an application of a device goes in, what it says comes out."""

import hashlib
import json
import struct

APPLICATION = "msgin5g.update"
PIECE, AHEAD = 16384, 2


def sizes(manifest):
    return [int(line.split()[1]) for line in manifest.decode().splitlines() if line.startswith("file ")]


class Loader:
    """`hear(octets)` gives the JSON objects that it answers. `refuses`: a cause; `ends`: what becomes of a trial."""

    def __init__(self, refuses=None, ends="confirmed", piece=PIECE):
        self.refuses, self.ends, self.piece = refuses, ends, piece
        self.id = self.total = None
        self.state, self.cause = "none", ""
        self.contents, self.asked = {}, []  # {offset: octets}; what it has asked for
        self.offers = self.unasked = 0
        self.again = []  # the flag of each offer

    @property
    def whole(self):
        return b"".join(self.contents[offset] for offset in sorted(self.contents))

    def hear(self, octets):
        return {79: self._offer, 80: self._piece, 88: self._stop}[octets[0]](octets)

    def says(self, **members):
        made = {"id": self.id, "state": self.state, "have": len(self.whole), "of": self.total}
        return made | ({"cause": self.cause} if self.cause else {}) | members

    def _offer(self, octets):
        flags, length = struct.unpack(">BI", octets[1:6])
        manifest = octets[6 : 6 + length]
        assert len(manifest) == length and octets[6 + length :], "no signature behind the manifest"
        id_ = hashlib.sha256(manifest).hexdigest()[:16]
        self.offers += 1
        self.again.append(flags & 1)
        if id_ != self.id:
            self.id, self.total, self.contents, self.asked = id_, sum(sizes(manifest)), {}, []
            self.state, self.cause = "loading", ""
        elif flags & 1 and self.state in ("refused", "rolled-back", "stopped"):
            self.contents, self.asked, self.state, self.cause = {}, [], "loading", ""
        if self.refuses:
            self.state, self.cause = "refused", self.refuses
        return self.goes_on()

    def goes_on(self):
        """What it says when it is asked, or after a start: what it still wants, or how it stands."""
        if self.state != "loading":
            return [self.says()]
        missing = [at for at in range(0, self.total, self.piece) if at not in self.contents]
        self.asked = [[offset, min(self.piece, self.total - offset)] for offset in missing[:AHEAD]]
        return [self.says(get=self.asked)]

    def _piece(self, octets):
        (offset,) = struct.unpack(">I", octets[9:13])
        if (
            octets[1:9].hex() != self.id
            or self.state != "loading"
            or [offset, len(octets) - 13] not in self.asked
        ):
            self.unasked += 1
            return []
        self.asked.remove([offset, len(octets) - 13])
        self.contents[offset] = octets[13:]
        if self.asked:
            return []
        if len(self.whole) < self.total:
            return self.goes_on()
        self.state = "verified"
        said = [self.says()]
        self.state = "trying"
        said.append(self.says())
        if self.ends:
            self.state = self.ends
            self.cause = "start: 3 starts failed" if self.ends == "rolled-back" else ""
            said.append(self.says())
        return said

    def _stop(self, octets):
        if octets[1:].hex() == self.id and self.state in ("loading", "verified"):
            self.state = "stopped"
        return [self.says()]


def message(said):
    """The text of what it says."""
    text = json.dumps(said)
    assert len(text) <= 400, "longer than a device says"
    return text
