# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""OSCORE (RFC 8613): each request and response protected end to end, with keys that both sides were given.

    from coap import Endpoint
    from coap.oscore import Context, Security

    endpoint = Endpoint(security=Security(Context(master_secret, b"\\x01", b"", storage)))

Imported only where it is asked for.
"""
from ..errors import StateError as StateError
from .context import Context as Context
from .security import Security as Security
