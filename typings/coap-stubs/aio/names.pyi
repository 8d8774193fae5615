# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Addresses of names. Without blocking other tasks on CPython; a look-up of MicroPython's ports blocks."""
from typing import Any

class Names:
    """What names stand for, kept for a minute."""
    def __init__(self) -> None: ...
    async def address(self, host: str, ipv6: bool) -> str:
        """Return an address (text) of a name, an IPv6 one where `ipv6` is true and there is one, else an IPv4 one where
        there is one. Raise OSError where the name is not known.
        """
def chosen(found: list[Any], ipv6: bool) -> str:
    """Return the address to use of what getaddrinfo found, of the family that is wanted where there is one. Raise
    OSError where nothing was found.
    """
