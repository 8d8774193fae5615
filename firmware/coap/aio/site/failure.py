# SPDX-License-Identifier: MIT
"""The exception that a handler ends with where the answer is an error."""

from ... import numbers


class Failure(Exception):
    """Raised by a handler: the request is answered with this code, 4.xx or 5.xx, and a text for people (RFC 7252
    section 5.5.2). Raise ValueError for another code."""

    def __init__(self, code: int, text: str = "") -> None:
        if not 128 <= code < 192:
            raise ValueError("%s is no code of an error: 4.xx or 5.xx" % numbers.code_text(code))
        super().__init__(text)
        self.code = code
        self.text = text
