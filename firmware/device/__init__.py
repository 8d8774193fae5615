# SPDX-License-Identifier: MIT
"""The protocol as a running device, on asyncio: `client = await start()` (docs/application.md, "The calls")."""

from .starting import start
