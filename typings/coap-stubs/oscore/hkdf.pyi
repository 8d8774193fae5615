# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""HMAC (RFC 2104) and HKDF (RFC 5869) with SHA-256."""
def hmac(key, *parts):
    """HMAC-SHA-256 over the parts one behind the other, 32 octets."""
def extract(salt, secret):
    """Return the pseudorandom key, section 2.2. No salt is 32 zero octets, which HMAC makes of an empty one."""
def expand(key, info, size):
    """Return `size` octets of key material, section 2.3; at most 255 * 32."""
