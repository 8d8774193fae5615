# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""HMAC (RFC 2104) and HKDF (RFC 5869) with SHA-256, and the keys that RFC 8613 section 3.2.1 derives by them."""
def hmac(key, *parts):
    """HMAC-SHA-256 over the parts one behind the other, 32 octets."""
def extract(salt, secret):
    """Return the pseudorandom key, section 2.2. No salt is 32 zero octets, which HMAC makes of an empty one. Raise
    ValueError for a secret that is easier to guess than a key.
    """
def expand(key, info, size):
    """Return `size` octets of key material, section 2.3; at most 255 * 32."""
def keys(key, sender_id, recipient_id, id_context):
    """Return what a Security Context has of the pseudorandom key `key`: the Sender Key, the Recipient Key, and the
    nonce of Partial IV 0 of either side. Raise ValueError for IDs that can't be.
    """
def nonce_bases(key, ids, id_context):
    """Return the nonces of Partial IV 0 of the sides with these IDs, as numbers: section 5.2, the size of the ID, the
    ID padded to 7, five zeros, XOR the Common IV. Raise ValueError for IDs that can't be those of two sides.
    """
def byte_string(octets):
    """Return a CBOR byte string, RFC 8949 section 3.1 major type 2, of up to 255 octets."""
def derive(key, id, id_context, kind=b'Key', size=...):
    """Return what section 3.2.1 makes of the pseudorandom key `key`, the Sender Key of the side with this ID by
    default: HKDF-Expand with the CBOR array [id, id_context, alg_aead, type, L].
    """
