# SPDX-License-Identifier: MIT
"""Conditions of a request: RFC 7252 sections 5.10.6.2 and 5.10.8. Imported by servers whose resources have them.

If-Match and If-None-Match are critical: an endpoint lets a request with them in only where its `understands` has their
numbers, and then its application asks `unmet` before it changes anything.
"""

from .. import numbers
from ..compat import const

_TYPING = const(False)
if _TYPING:
    from ..message import Message

OPTIONS = (numbers.IF_MATCH, numbers.IF_NONE_MATCH)  # for Endpoint.understands


def unmet(request: "Message", etag: bytes | None) -> int | None:
    """Return the code that answers `request` in place of its handler: PRECONDITION_FAILED, or VALID where a GET or
    FETCH has the ETag already. None: the handler is to run.

    `etag` is that of the resource as it is now, b"" where it has none, None where there is no such resource.
    """
    wanted = found = valid = False
    for number, value in request.options:
        if number == numbers.IF_MATCH:
            wanted = True
            if etag is not None and (not value or value == etag):
                found = True
        elif number == numbers.IF_NONE_MATCH and etag is not None:
            return numbers.PRECONDITION_FAILED
        elif number == numbers.ETAG and value == etag:
            valid = True
    if wanted and not found:
        return numbers.PRECONDITION_FAILED
    return numbers.VALID if valid and request.code in (numbers.GET, numbers.FETCH) else None
