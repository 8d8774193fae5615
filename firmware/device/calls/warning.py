# SPDX-License-Identifier: MIT
"""What OSCORE refuses, on the console. Imported where it refuses something."""

from coap.compat import const, ticks_diff

from ..health import log, now

_TYPING = const(False)
if _TYPING:
    from typing import Any

_WARN_AGAIN = const(60000)  # ms until the same trouble is told again


class Warning:
    """Methods of RunningClient, whose attributes they use."""

    def _warn(self: "Any", security: "Any") -> None:
        """Tell what OSCORE refuses, each kind once a minute, so that a flood of bad packets does not flood the
        console."""
        trouble = security.trouble
        security.trouble = None
        if trouble not in self._warned:
            self._warned[trouble] = now()
            log("security: %s", trouble)

    def _forget_warnings(self: "Any", at: int) -> None:
        # Removed here, and not only when told again: a tick that is kept for days has wrapped.
        for trouble in list(self._warned):
            if ticks_diff(at, self._warned[trouble]) > _WARN_AGAIN:
                del self._warned[trouble]
