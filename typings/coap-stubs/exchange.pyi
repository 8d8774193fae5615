# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The kinds of an endpoint's events, and the states of what it has sent. `endpoint` has these figures itself, so that a
device does not load their names.
"""
from typing import Final
REQUEST: Final = 1
RESPONSE: Final = 2
RESET: Final = 3
TIMEOUT: Final = 4
INCOMPLETE: Final = 5
REFUSED: Final = 6
NOTIFICATION: Final = 7
STALE: Final = 8
PIECE: Final = 9
QUEUED: Final = 0
SENT: Final = 1
ACKNOWLEDGED: Final = 2
