# SPDX-License-Identifier: MIT
"""What a gateway says to a request of an Application Client, in either format of MSGin5G-5."""

from . import causes


class Answer:
    """What came back of a request: accepted or not, with a cause of A.2.2.17 and its words."""

    def __init__(self, accepted, cause=None, why=None, registration_id=None, max_age=None):
        self.accepted = accepted
        self.cause = cause
        self.why = why or (None if cause is None else causes.text(cause))
        self.registration_id = registration_id
        self.max_age = max_age
