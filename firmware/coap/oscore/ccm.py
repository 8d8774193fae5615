# SPDX-License-Identifier: MIT
"""AES-CCM (RFC 3610) with a 13-octet nonce, so that two octets tell a length; OSCORE's AES-CCM-16-64-128 (RFC 9053
section 4.2) is this with a tag of 8.

The work is one CBC pass for the tag (section 2.2) and one CTR pass over the text (section 2.3), each one call of C
code whatever the length, with a handful of steps of Python around them.
"""

from ..compat import const
from . import aes

_BLOCK = const(16)
_LENGTH = const(2)  # L, octets of a length field: 15 - 13
_ZEROS = const(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")  # a block of them
# The last octet of each of the first counter blocks, behind a mark that the rest of the block takes the place of
_COUNTED = const(80)
_COUNTERS = const(
    b"\xff\x00\xff\x01\xff\x02\xff\x03\xff\x04\xff\x05\xff\x06\xff\x07\xff\x08\xff\x09\xff\x0a\xff\x0b"
    b"\xff\x0c\xff\x0d\xff\x0e\xff\x0f\xff\x10\xff\x11\xff\x12\xff\x13\xff\x14\xff\x15\xff\x16\xff\x17"
    b"\xff\x18\xff\x19\xff\x1a\xff\x1b\xff\x1c\xff\x1d\xff\x1e\xff\x1f\xff\x20\xff\x21\xff\x22\xff\x23"
    b"\xff\x24\xff\x25\xff\x26\xff\x27\xff\x28\xff\x29\xff\x2a\xff\x2b\xff\x2c\xff\x2d\xff\x2e\xff\x2f"
    b"\xff\x30\xff\x31\xff\x32\xff\x33\xff\x34\xff\x35\xff\x36\xff\x37\xff\x38\xff\x39\xff\x3a\xff\x3b"
    b"\xff\x3c\xff\x3d\xff\x3e\xff\x3f\xff\x40\xff\x41\xff\x42\xff\x43\xff\x44\xff\x45\xff\x46\xff\x47"
    b"\xff\x48\xff\x49\xff\x4a\xff\x4b\xff\x4c\xff\x4d\xff\x4e\xff\x4f"
)

_number = int.from_bytes  # looked up once: MicroPython goes through all built-in names for `int`


class TagError(ValueError):
    """The octets were changed, or made with another key, nonce or additional data."""


def seal(key, nonce, aad, text, tag_size=8):
    """Return `text` encrypted, and its tag behind it, as a bytearray. `aad` is authenticated and not sent."""
    sealed = _stream(key, nonce, text)
    tag = _tag(key, nonce, aad, text, tag_size, sealed)
    sealed = sealed[_BLOCK:]
    sealed += tag.to_bytes(tag_size, "big")
    return sealed


def open_sealed(key, nonce, aad, sealed, tag_size=8):
    """Return the text in `sealed`, as a bytearray. Raise TagError."""
    end = len(sealed) - tag_size
    if end < 0:
        raise TagError("shorter than a tag")
    stream = _stream(key, nonce, sealed[:end])
    text = stream[_BLOCK:]
    tag = _tag(key, nonce, aad, text, tag_size, stream)
    # All octets are looked at whatever they are: how long it takes must not say how many of them were right.
    if tag ^ _number(sealed[end:], "big"):
        raise TagError("the tag does not fit")
    return text


def read_own(key, nonce, sealed, tag_size=8):
    """Return the text in what `seal` gave to this very program, without looking at the tag."""
    return _stream(key, nonce, memoryview(sealed)[: len(sealed) - tag_size])[_BLOCK:]


def _stream(key, nonce, text):
    """Return the first key stream block S_0, which is for the tag, and `text` under those that follow."""
    first = b"\x01" + nonce + b"\0"  # A_0: flags L - 1, the nonce, the counter, of which one octet is missing
    size = len(text)
    if aes.CTR_THERE:
        out = bytearray(_BLOCK + size)
        out[_BLOCK:] = text
        aes.aes(key, aes.CTR, first + b"\0").encrypt(out, out)
        return out
    # Key stream from ECB, and one XOR of two long integers instead of one for each octet.
    blocks = 1 + (size + _BLOCK - 1) // _BLOCK
    stream = bytearray(_COUNTERS[: 2 * blocks].replace(b"\xff", first))
    if blocks > _COUNTED:
        for i in range(_COUNTED, blocks):
            stream += first[:14] + i.to_bytes(_LENGTH, "big")
    aes.aes(key, aes.ECB).encrypt(stream, stream)
    both = _number(stream[_BLOCK : _BLOCK + size], "big") ^ _number(text, "big")
    stream[_BLOCK:] = both.to_bytes(size, "big")
    return stream


def _tag(key, nonce, aad, text, size, stream):
    """Return the tag T as a number, encrypted with the first block of `stream`."""
    # B_0: flags, nonce, length of the text; then the additional data with its length, then the text, each padded
    length = len(text)
    flags = (size - 2) // 2 << 3 | _LENGTH - 1
    head = b""
    if aad:
        flags |= 64
        head = len(aad).to_bytes(2, "big") + aad
    blocks = bytearray(flags.to_bytes(1, "big") + nonce)
    blocks += length.to_bytes(_LENGTH, "big")
    blocks += head
    blocks += _ZEROS[: -len(head) % _BLOCK]
    blocks += text
    blocks += _ZEROS[: -length % _BLOCK]
    aes.aes(key, aes.CBC, _ZEROS).encrypt(blocks, blocks)
    last = len(blocks) - _BLOCK
    return _number(blocks[last : last + size], "big") ^ _number(stream[:size], "big")
