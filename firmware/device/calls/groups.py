# SPDX-License-Identifier: MIT
"""The calls of a running client about the groups that it is a member of: TS 24.538 clause 6.8.3. Imported with the
first of them."""

import msgin5g
from coap.compat import const

from .granted import wait_or_withdraw, wait_until_done

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from msgin5g.procedures.groups import Group


class Groups:
    """Methods of RunningClient, whose attributes they use."""

    async def groups(self: "Any", timeout_s: float | None = 60) -> "list[Group]":
        """Return the groups that this device is a member of, once the server has said which, and be told of each change
        from then on, over restarts too: `client.on_group` (TS 24.544 clause 6.2.7).

        Raise msgin5g.GroupError where it refuses, or has not answered within `timeout_s` seconds (and then the device
        goes on trying); ValueError on MSGin5G-5, and where as many topics are subscribed as a device can have;
        msgin5g.StorageError.
        """
        watch = _ask(self, "watch")
        await wait_until_done(self, watch, timeout_s, "groups", msgin5g.GroupError)
        return list(self.core.procedure("groups").known)

    async def join(self: "Any", group: str, timeout_s: float | None = 60) -> None:
        """Register with a group that has this device as a member: from then on what is sent to it comes here (TS 24.544
        clause 6.2.7).

        Raise msgin5g.GroupError, in words, where the server refuses, knows no such group or does not answer within
        `timeout_s` seconds; ValueError for what can be no group, and on MSGin5G-5.
        """
        await _called(self, "join", group, timeout_s)

    async def leave(self: "Any", group: str, timeout_s: float | None = 60) -> None:
        """End the membership of this device in a group (TS 24.544 clause 6.2.9). Raise as `join` does."""
        await _called(self, "leave", group, timeout_s)

    async def group_members(self: "Any", group: str, timeout_s: float | None = 60) -> list[str]:
        """Return the UE Service IDs of a group's members. Raise as `join` does."""
        return await _called(self, "members", group, timeout_s)


async def _called(client, what, group, timeout_s):
    call = _ask(client, what, group)
    then = "it is not asked again; the last request may still take effect"
    return await wait_or_withdraw(client, "groups", call, timeout_s, msgin5g.GroupError, then)


def _ask(client, method, *arguments):
    if client.core.config.role != "client":
        raise ValueError("groups: MSGin5G-5 has no such thing; a device of role client has them")
    return client.call("groups", method, *arguments)
