# SPDX-License-Identifier: MIT
"""HMAC (RFC 2104) and HKDF (RFC 5869) with SHA-256, and the keys that RFC 8613 section 3.2.1 derives by them."""

from hashlib import sha256

from ..compat import const

_BLOCK = const(64)  # of SHA-256
_DIGEST = const(32)
_KEY = const(16)
_NONCE = const(13)
_LONGEST_ID = const(7)  # nonce - 6
_ALGORITHM = const(b"\x0a")  # AES-CCM-16-64-128 is 10


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
    """Return the pseudorandom key, section 2.2. No salt is 32 zero octets, which HMAC makes of an empty one. Raise
    ValueError for a secret that is easier to guess than a key."""
    if len(secret) < _KEY:
        raise ValueError("master_secret has %d octets: random ones, 16 or more, are needed" % len(secret))
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


def keys(key, sender_id, recipient_id, id_context):
    """Return what a Security Context has of the pseudorandom key `key`: the Sender Key, the Recipient Key, and the
    nonce of Partial IV 0 of either side. Raise ValueError for IDs that can't be."""
    if id_context is not None and len(id_context) > 255:
        raise ValueError("id_context has %d octets: 255 at most" % len(id_context))
    sender_nonce, recipient_nonce = nonce_bases(key, (sender_id, recipient_id), id_context)
    sender_key = derive(key, sender_id, id_context)
    return sender_key, derive(key, recipient_id, id_context), sender_nonce, recipient_nonce


def nonce_bases(key, ids, id_context):
    """Return the nonces of Partial IV 0 of the sides with these IDs, as numbers: section 5.2, the size of the ID, the
    ID padded to 7, five zeros, XOR the Common IV. Raise ValueError for IDs that can't be those of two sides."""
    common_iv = int.from_bytes(derive(key, b"", id_context, b"IV", _NONCE), "big")
    found = []
    for id in ids:
        if len(id) > _LONGEST_ID or len(ids) > 1 and ids[0] == ids[1]:
            raise ValueError("sender and recipient ID must differ and have at most 7 octets each")
        padded = bytes((len(id),)) + bytes(_LONGEST_ID - len(id)) + id + bytes(5)
        found.append(int.from_bytes(padded, "big") ^ common_iv)
    return found


def byte_string(octets):
    """Return a CBOR byte string, RFC 8949 section 3.1 major type 2, of up to 255 octets."""
    size = len(octets)
    head = (0x40 | size,) if size < 24 else (0x58, size)
    return bytes(head) + octets


def derive(key, id, id_context, kind=b"Key", size=_KEY):
    """Return what section 3.2.1 makes of the pseudorandom key `key`, the Sender Key of the side with this ID by
    default: HKDF-Expand with the CBOR array [id, id_context, alg_aead, type, L]."""
    id_context = b"\xf6" if id_context is None else byte_string(id_context)
    info = b"\x85" + byte_string(id) + id_context + _ALGORITHM
    return expand(key, info + bytes((0x60 | len(kind),)) + kind + bytes((size,)), size)
