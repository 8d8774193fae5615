# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""AES-CCM (RFC 3610) with a 13-octet nonce, so that two octets tell a length; OSCORE's AES-CCM-16-64-128 (RFC 9053
section 4.2) is this with a tag of 8.

The work is one CBC pass for the tag (section 2.2) and one CTR pass over the text (section 2.3), each one call of C
code whatever the length, with a handful of steps of Python around them.
"""

class TagError(ValueError):
    """The octets were changed, or made with another key, nonce or additional data."""
def seal(key, nonce, aad, text, tag_size=8):
    """Return `text` encrypted, and its tag behind it, as a bytearray. `aad` is authenticated and not sent."""
def open_sealed(key, nonce, aad, sealed, tag_size=8):
    """Return the text in `sealed`, as a bytearray. Raise TagError."""
def read_own(key, nonce, sealed, tag_size=8):
    """Return the text in what `seal` gave to this very program, without looking at the tag."""
