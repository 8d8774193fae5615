# SPDX-License-Identifier: MIT
"""Hash-based signatures: HSS and LMS of RFC 8554, verified. They need SHA-256 and nothing else, and a quantum computer
breaks them no more than another.

The parameter sets are those of RFC 8554 with SHA-256 (32 octets a hash): LMS_SHA256_M32_H5 to H25, LMOTS_SHA256_N32_W1
to W8; and those of NIST SP 800-208 with SHA-256/192 (24 octets): LMS_SHA256_M24_H5 to H25, LMOTS_SHA256_N24_W1 to W8.
As SP 800-208 section 4 has it, all levels of one key have hashes of one size.
"""

from hashlib import sha256

from coap.compat import const

_TYPING = const(False)
if _TYPING:
    from collections.abc import Iterator
    from typing import Any

# How many chains a one-time signature has, p of RFC 8554 table 1: for W1, W2, W4, W8 with 32 octets, then with 24.
_CHAINS = (265, 133, 67, 34, 200, 101, 51, 26)


def verify(public: bytes, message: "Any", signature: bytes) -> bool:
    """Return whether `signature` is one of `message` under the HSS public key `public` (RFC 8554 section 6.3).

    `message` is octets, or has `read(n)`: then it is read to its end, 256 octets at a time. Octets that are no key or
    no signature are False. What `read` raises goes on.
    """
    for right in steps(public, message, signature):
        if right:
            return True
    return False


def steps(public: bytes, message: "Any", signature: bytes) -> "Iterator[bool | None]":
    """Do the same piece by piece: each piece ends with None, the last with what `verify` returns. A piece is one chain,
    at most 255 hashes, so that tasks and a watchdog have their turn between them."""
    octets = memoryview(signature)
    more = _number(public, 0) - 1
    right = more >= 0 and len(octets) > 4 and _number(octets, 0) == more
    key = memoryview(public)[4:]
    at = 4
    while right:
        # Each level: what it signs is the next one's key, the last one's is the message.
        kind, one_time, leaf = _number(key, 0), _number(key, 4), _number(octets, at)
        right = 5 <= kind <= 14 and 1 <= one_time <= 8 and (kind > 9) == (one_time > 4)
        if not right:
            break
        size = 24 if kind > 9 else 32
        height = 5 * ((kind - 5) % 5 + 1)
        path = at + 8 + size * (1 + _CHAINS[one_time - 1])
        end = path + 4 + size * height
        after = octets[end : end + 24 + size] if more else octets[end:]
        right = (
            len(key) == 24 + size
            and end <= len(octets)
            and len(after) == (24 + size if more else 0)
            and _number(octets, at + 4) == one_time
            and _number(octets, path) == kind
            and leaf >> height == 0
        )
        if not right:
            break
        # I, q, i, j and a hash: what a chain hashes each time, and the beginnings of all other hashes
        block = bytearray(55)
        block[:16] = key[8:24]
        block[16:20] = octets[at : at + 4]
        yield from _one_time(block, size, one_time, octets[at + 8 : path], after if more else message)
        right = _root(block, size, leaf + (1 << height), octets[path + 4 : end]) == bytes(key[24:])
        if not more:
            break
        key = after
        at = end + 24 + size
        more -= 1
    yield right


def _one_time(block, size, one_time, octets, message):
    """Leave the LM-OTS public key that the one-time signature leads to in `block`, from 23 on: section 4.6."""
    begun = sha256(memoryview(block)[:20])
    begun.update(b"\x81\x81")
    begun.update(octets[:size])
    if hasattr(message, "read"):
        part = message.read(256)
        while part:
            begun.update(part)
            part = message.read(256)
    else:
        begun.update(message)
    digits = bytearray(begun.digest()[:size] + b"\0\0")
    width = 1 << (one_time - 1) % 4
    top = (1 << width) - 1
    # The checksum of section 4.4: its digits begin at the left of 16 bits.
    left = 0
    for i in range(size * 8 // width):
        left += top - _digit(digits, i, width)
    left <<= 16 - (_CHAINS[one_time - 1] - size * 8 // width) * width
    digits[size], digits[size + 1] = left >> 8, left & 255
    ends = sha256(memoryview(block)[:20])
    ends.update(b"\x80\x80")
    hashed = memoryview(block)[: 23 + size]
    for i in range(_CHAINS[one_time - 1]):
        block[20], block[21] = i >> 8, i & 255
        hashed[23:] = octets[size + i * size : size + (i + 1) * size]
        for j in range(_digit(digits, i, width), top):
            block[22] = j
            block[23:] = sha256(hashed).digest()
        ends.update(hashed[23:])
        yield
    block[23:] = ends.digest()


def _root(block, size, node, path):
    """Return the root that the leaf's key in `block` and the path lead to, section 5.4.2."""
    left, right, kind = b"", block[23 : 23 + size], b"\x82\x82"
    at = 0
    while True:
        block[16:20] = node.to_bytes(4, "big")
        hashed = sha256(memoryview(block)[:20])
        hashed.update(kind)
        hashed.update(left)
        hashed.update(right)
        found = hashed.digest()[:size]
        if node == 1:
            return found
        beside = path[at : at + size]
        left, right = (beside, found) if node & 1 else (found, beside)
        kind = b"\x83\x83"
        node >>= 1
        at += size


def _digit(octets, index, width):
    """Return digit `index` of `octets`, each of `width` bits, section 3.1.3."""
    each = 8 // width
    return octets[index // each] >> (each - 1 - index % each) * width & (1 << width) - 1


def _number(octets, at):
    return int.from_bytes(octets[at : at + 4], "big")
