# SPDX-License-Identifier: MIT
"""The calls of a message on its way about what waits of it. Imported with the first of them."""

import msgin5g

from .granted import wait_or_withdraw


async def changed(runner, what, core, timeout_s, *arguments):
    """Return whether a message was updated or discarded; raise UpdateError where the server refuses that, or says
    nothing in time."""
    if runner.core.config.role != "client":
        raise ValueError("%s: MSGin5G-5 has no such thing; a device of role client has it" % what)
    change = runner.call("stored", what, core, *arguments)
    change.told = lambda: runner.wake(change)
    then = "the server is told all the same" if change.here else "it may still take effect"
    return await wait_or_withdraw(runner, "stored", change, timeout_s, msgin5g.UpdateError, then)
