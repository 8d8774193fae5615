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
    sealed = memoryview(sealed)
    stream = _stream(key, nonce, sealed[:end])
    text = stream[_BLOCK:]
    tag = _tag(key, nonce, aad, text, tag_size, stream)
    # All octets are looked at whatever they are: how long it takes must not say how many of them were right.
    if tag ^ int.from_bytes(sealed[end:], "big"):
        raise TagError("the tag does not fit")
    return text


def read_own(key, nonce, sealed, tag_size=8):
    """Return the text in what `seal` gave to this very program, without looking at the tag."""
    return _stream(key, nonce, memoryview(sealed)[: len(sealed) - tag_size])[_BLOCK:]


def _stream(key, nonce, text):
    """Return the first key stream block S_0, which is for the tag, and `text` under those that follow."""
    first = b"\x01" + nonce + b"\0\0"  # A_0: flags L - 1, the nonce, the counter
    out = bytearray(_BLOCK + len(text))
    out[_BLOCK:] = text
    if aes.CTR_THERE:
        aes.aes(key, aes.CTR, first).encrypt(out, out)
        return out
    # Key stream from ECB, and one XOR of two long integers instead of one for each octet.
    size = len(out)
    blocks = (size + _BLOCK - 1) // _BLOCK
    stream = bytearray(first * blocks)
    for i in range(1, blocks):
        stream[16 * i + 14] = i >> 8
        stream[16 * i + 15] = i & 255
    aes.aes(key, aes.ECB).encrypt(stream, stream)
    both = int.from_bytes(memoryview(stream)[:size], "big") ^ int.from_bytes(out, "big")
    return bytearray(both.to_bytes(size, "big"))


def _tag(key, nonce, aad, text, size, stream):
    """Return the tag T as a number, encrypted with the first block of `stream`."""
    # B_0: flags, nonce, length of the text; then the additional data with its length, then the text, each padded
    flags = (64 if aad else 0) | (size - 2) // 2 << 3 | _LENGTH - 1
    parts = [bytes((flags,)), nonce, len(text).to_bytes(_LENGTH, "big")]
    if aad:
        parts += (len(aad).to_bytes(2, "big"), aad, _ZEROS[: -(len(aad) + 2) % _BLOCK])
    parts += (text, _ZEROS[: -len(text) % _BLOCK])
    blocks = bytearray(b"".join(parts))
    aes.aes(key, aes.CBC, _ZEROS).encrypt(blocks, blocks)
    last = len(blocks) - _BLOCK
    return int.from_bytes(blocks[last : last + size], "big") ^ int.from_bytes(stream[:size], "big")
