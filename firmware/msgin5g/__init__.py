# SPDX-License-Identifier: MIT
"""The device side of the 3GPP message service for the massive IoT: TS 23.554, TS 24.538 (docs/clauses.md).

Nothing here waits or touches a socket; `device` makes a running client of it.
"""

from .client import CHANGED, MESSAGE, REGISTRATION, Client
from .config import Config
from .errors import BodyError, ConfigError, OutboxFull
from .outbox import Outgoing
from .receiver import Message
from .storage import MemoryStorage
