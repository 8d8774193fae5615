# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The exception that a handler ends with where the answer is an error."""

class Failure(Exception):
    """Raised by a handler: the request is answered with this code, 4.xx or 5.xx, and a text for people (RFC 7252
    section 5.5.2). Raise ValueError for another code.
    """
    code: int
    text: str
    def __init__(self, code: int, text: str='') -> None: ...
