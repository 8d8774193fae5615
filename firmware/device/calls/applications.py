# SPDX-License-Identifier: MIT
"""Several applications behind one running client: TS 24.538 clause 6.4.1.1.6 b. Imported with the first of them."""

from coap.compat import const

_TYPING = const(False)
if _TYPING:
    from collections.abc import AsyncIterator
    from typing import Any

    from msgin5g.store.message import Message


class Application:
    """One application: an inbox of its own, and what it sends says its Application ID, `app_id`."""

    def __init__(self, client: "Any", app_id: str) -> None:
        self._client = client
        self.app_id = app_id
        self.lent = None  # the message that receive() is about to return; Ctrl-C may come before the application has it

    async def send(self, to: str, payload: "Any", **options: "Any") -> "Any":
        """Do what `client.send` does, with this application's ID in the place of the option `app_id`."""
        if "app_id" in options:
            raise ValueError("app_id: is that of this application, %s" % self.app_id)
        return await self._client.send(to, payload, app_id=self.app_id, **options)

    async def receive(self, timeout_s: float | None = None) -> "Message":
        """Wait for the next Message that names this application and return it. As `client.receive` does."""
        return await self._client.next_message(self, self.app_id, timeout_s)

    def messages(self) -> "AsyncIterator[Message]":
        """Return what `async for message in application.messages()` goes through."""
        return self._client.messages(self)


class Applications:
    """Methods of RunningClient, whose attributes they use."""

    if _TYPING:
        applications: "dict[str, Application] | None"

    def application(self: "Any", app_id: str) -> "Application":
        """Return one of several applications behind this device, the same one each time: it has the messages that
        name its Application ID to itself, and `send`, `receive`, `messages` as the client has, which keeps all that
        name none of those. Open it before the first message is received.

        Raise ValueError for what can be none, for the ninth, and on MSGin5G-5.
        """
        if self.core.config.role != "client":
            raise ValueError(
                "application: MSGin5G-5 has one for each device; a device of role client has several"
            )
        if self.applications is None:
            self.applications = {}
        self.call("receiver", "open", app_id)  # as often as one likes
        if app_id not in self.applications:
            self.applications[app_id] = Application(self, app_id)
        return self.applications[app_id]
