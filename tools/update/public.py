# SPDX-License-Identifier: MIT
"""The public key of who signs updates: one line of hexadecimal digits in a file, and what it says: RFC 8554,
RFC 9858."""

import re
from dataclasses import dataclass
from pathlib import Path

from tools.errors import UsageError
from tools.words import why

_DIGITS = re.compile(r"[0-9a-fA-F]+")
_LEVELS = 2  # at most, of what a device takes
_PREFIX = 12  # levels, LMS type, LM-OTS type
_ID = 16
# LMS and LM-OTS types with SHA-256 begin at these, with hashes of so many octets
_SIZES = {32: (5, 1), 24: (10, 5)}
_HEIGHTS = (5, 10, 15, 20, 25)
_WIDTHS = (1, 2, 4, 8)
_CHAINS = {32: (265, 133, 67, 34), 24: (200, 101, 51, 26)}  # p of RFC 8554 table 1 and RFC 9858 table 1
_LONGEST = 4096  # octets of a file that is looked at


@dataclass(frozen=True)
class PublicKey:
    """An HSS public key with SHA-256, as a device has it. `size`: octets of a hash; `height`, `width`: H and W of its
    parameters; `id`: I, which is another for each key."""

    octets: bytes
    levels: int
    size: int
    height: int
    width: int

    @property
    def id(self):
        return self.octets[_PREFIX : _PREFIX + _ID]

    @property
    def signature(self):
        """Octets of a signature, where each level has the same parameters: RFC 8554 sections 4.5, 5.4 and 6.2."""
        chains = _CHAINS[self.size][_WIDTHS.index(self.width)]
        each = 12 + self.size * (1 + chains + self.height)
        return 4 + self.levels * each + (self.levels - 1) * (24 + self.size)

    def __str__(self):
        """The names of its parameters."""
        kind = f"LMS_SHA256_M{self.size}_H{self.height}, LMOTS_SHA256_N{self.size}_W{self.width}"
        return kind if self.levels == 1 else f"{self.levels} levels of {kind}"


def parse(octets):
    """The PublicKey in these octets; None where it is none that a device takes."""
    levels, kind, one_time = (int.from_bytes(octets[at : at + 4], "big") for at in (0, 4, 8))
    for size, (first, first_one_time) in _SIZES.items():
        height, width = kind - first, one_time - first_one_time
        fits = height in range(len(_HEIGHTS)) and width in range(len(_WIDTHS))
        if fits and len(octets) == _PREFIX + _ID + size and 1 <= levels <= _LEVELS:
            return PublicKey(octets, levels, size, _HEIGHTS[height], _WIDTHS[width])
    return None


def read(path):
    """The PublicKey in a file, one line of hexadecimal digits. Raises UsageError."""
    try:
        with open(path, "rb") as file:
            text = file.read(_LONGEST).decode(errors="replace").strip()
    except OSError as error:
        raise UsageError(f"{path}: {why(error)}") from None
    if text.startswith("{"):
        raise UsageError(
            f"{path} is the key that signs, which no device may have: name {Path(path).name}.pub"
        )
    if not _DIGITS.fullmatch(text) or len(text) % 2 or (found := parse(bytes.fromhex(text))) is None:
        raise UsageError(f"{path} is no public key for updates: msgin5g keys make FILE makes FILE.pub")
    return found
