# SPDX-License-Identifier: MIT
"""The calls of a running client about groups. Imported with the first of them."""

import msgin5g

from .granted import wait_until_done


async def known(runner, timeout_s):
    """Return the groups of this device, once the server has said which."""
    watch = _ask(runner, "watch")
    await wait_until_done(runner, watch, timeout_s, "groups", msgin5g.GroupError)
    return list(runner.core.procedure("groups").known)


async def called(runner, what, group, timeout_s):
    """Return what came of a call ("join", "leave", "members"); raise GroupError where the server refuses it, or says
    nothing in time."""
    call = _ask(runner, what, group)
    then = "it is not asked again; the last request may still take effect"
    try:
        await wait_until_done(runner, call, timeout_s, call.title, msgin5g.GroupError, then)
    finally:
        if not call.done:  # in vain, or who called was cancelled
            runner.wake(call)
            if runner.fault() is None:
                _ask(runner, "withdraw", call)
    return call.result


def _ask(runner, method, *arguments):
    if runner.core.config.role != "client":
        raise ValueError("groups: MSGin5G-5 has no such thing; a device of role client has them")
    return runner.call("groups", method, *arguments)
