# SPDX-License-Identifier: MIT
"""The protocol as a running device, on asyncio: `client = await start()` (README, "An application")."""

from .starting import start
