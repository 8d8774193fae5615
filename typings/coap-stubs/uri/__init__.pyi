# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Paths and queries, and the options that stand for them: RFC 7252 section 6.4. Whole URIs are in `coap.uri.whole`,
which who has none does not load.
"""
from typing import Final
from .. import numbers as numbers
HEX: Final = b'0123456789abcdef'
def path_options(path: str) -> list[tuple[int, bytes]]:
    """Uri-Path and Uri-Query options of what stands behind the authority of a URI, an absolute path and perhaps
    a query: "/a/b?c=1" -> three options, "/" -> none (section 6.4). %XX is an octet.

    Raise ValueError that names the part: no "/" at the beginning, a fragment, a "%" without two hex digits, "." and
    "..", a part of more than 255 octets.
    """
def unescaped(part: str) -> bytes:
    """Return the octets that a part of a URI stands for. Raise ValueError."""
