# SPDX-License-Identifier: MIT
"""What is remembered of a message that ended. Imported by who asks for that."""


class FinishedMessage:
    """What is remembered of a message that ended."""

    final = True
    reports = on_report = None

    def __init__(self, message_id: str, to: str, to_type: str, state: str, cause: str | None) -> None:
        self.message_id = message_id
        self.to = to
        self.to_type = to_type
        self.state = state
        self.cause = cause
