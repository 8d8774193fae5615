# SPDX-License-Identifier: MIT
"""HMAC (RFC 2104) and HKDF (RFC 5869) with SHA-256."""

from hashlib import sha256

from ..compat import const

_BLOCK = const(64)  # of SHA-256
_DIGEST = const(32)


def hmac(key, *parts):
    """HMAC-SHA-256 over the parts one behind the other, 32 octets."""
    if len(key) > _BLOCK:
        key = sha256(key).digest()
    key = key + bytes(_BLOCK - len(key))
    inner = sha256(bytes([octet ^ 0x36 for octet in key]))
    for part in parts:
        inner.update(part)
    outer = sha256(bytes([octet ^ 0x5C for octet in key]))
    outer.update(inner.digest())
    return outer.digest()


def extract(salt, secret):
    """Return the pseudorandom key, section 2.2. No salt is 32 zero octets, which HMAC makes of an empty one."""
    return hmac(salt, secret)


def expand(key, info, size):
    """Return `size` octets of key material, section 2.3; at most 255 * 32."""
    material = block = b""
    counter = 0
    while len(material) < size:
        counter += 1
        block = hmac(key, block, info, bytes((counter,)))
        material += block
    return material[:size]
