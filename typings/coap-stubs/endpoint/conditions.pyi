# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Conditions of a request: RFC 7252 sections 5.10.6.2 and 5.10.8. Imported by servers whose resources have them.

If-Match and If-None-Match are critical: an endpoint lets a request with them in only where its `understands` has their
numbers, and then its application asks `unmet` before it changes anything.
"""
from ..message import Message
OPTIONS: tuple
def unmet(request: Message, etag: bytes | None) -> int | None:
    """Return the code that answers `request` in place of its handler: PRECONDITION_FAILED, or VALID where a GET or
    FETCH has the ETag already. None: the handler is to run.

    `etag` is that of the resource as it is now, b"" where it has none, None where there is no such resource.
    """
