# SPDX-License-Identifier: MIT
"""What a request is answered with, in words that CoAP knows but without a CoAP."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    code: str  # "2.04", "4.00", ...
    body: dict | None = None  # JSON of a registration's answer
    diagnostic: str = ""  # RFC 7252 section 5.5.2
    max_age: int | None = None
    size1: int | None = None


class Refusal(Exception):
    """Ends the handling of a request; the fields are those of the Answer."""

    def __init__(self, code, diagnostic="", max_age=None, size1=None):
        super().__init__("%s %s" % (code, diagnostic))
        self.answer = Answer(code, None, diagnostic, max_age, size1)
