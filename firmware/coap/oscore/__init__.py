# SPDX-License-Identifier: MIT
"""OSCORE (RFC 8613): each request and response protected end to end, with keys that both sides were given.

    from coap import Endpoint
    from coap.oscore import Context, Security

    endpoint = Endpoint(security=Security(Context(master_secret, b"\\x01", b"", storage)))

Imported only where it is asked for.
"""

from ..compat import const
from .context import Context
from .security import Security

_TYPING = const(False)
if _TYPING:  # what __getattr__ finds
    from ..errors import StateError as StateError


def __getattr__(name):
    if name == "StateError":
        from ..errors import StateError

        return StateError
    from ..submodule import submodule

    return submodule("coap.oscore", name)
