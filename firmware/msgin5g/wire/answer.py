# SPDX-License-Identifier: MIT
"""What a gateway says to a request of an Application Client, in either format of MSGin5G-5."""

from . import causes


class Answer:
    """What came back of a request: accepted or not, with a cause of A.2.2.17 and its words.

    `code` is what policy.verdict takes: the response code of CoAP where there is one, or 0x100 and the cause.
    """

    def __init__(
        self,
        accepted: bool,
        cause: int | None = None,
        why: str | None = None,
        registration_id: bytes | None = None,
        max_age: int | None = None,
        code: int | None = None,
    ) -> None:
        self.code = code or (0x40 if accepted else 0x100 | (cause or 0))
        self.accepted = accepted
        self.cause = cause
        self.why = why or (None if cause is None else causes.text(cause))
        self.registration_id = registration_id
        self.max_age = max_age
