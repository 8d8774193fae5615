# SPDX-License-Identifier: MIT
"""What most clients never meet: topics, groups, reports of many, triggers, messages that fail; and what OSCORE refuses,
on the console. Imported with the first of these."""

import sys

from coap.compat import const, ticks_diff

from ..health import log, now

_TYPING = const(False)
if _TYPING:
    from typing import Any

# of msgin5g.events
_EVENT_TOPIC = const(4)
_EVENT_REPORT = const(5)
_EVENT_FAILED = const(6)
_EVENT_GROUP = const(7)
_EVENT_TRIGGER = const(8)
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

    def _on_other(self: "Any", kind: int, subject: "Any") -> None:
        """Hand on an event that is neither of the registration nor of a message."""
        if kind == _EVENT_TOPIC or kind == _EVENT_GROUP:
            cause = ": " + subject.cause if subject.cause else ""
            log("%s: %s%s", subject.title, subject.state, cause)
            self.wake(subject)
            if hasattr(subject, "joined"):
                self._hand(self.on_group, (subject.group_id, subject.state))
        elif kind == _EVENT_REPORT:
            self._hand(subject[0].on_report, subject[1:])
        elif kind == _EVENT_TRIGGER:
            log("a trigger asks to contact %s", subject)
            self._hand(self.on_trigger, (subject,))
        elif kind == _EVENT_FAILED:
            log("a message from %s failed: %s", subject[0], subject[2])
            self._hand(self.on_failed, subject)

    def _hand(self: "Any", function: "Any", arguments: tuple) -> None:
        """Call a function that the application set. An exception of it is told, and does not end the client."""
        if function is not None:
            self._inside = False  # the core has done what it was called for: the function may call it
            self._event = None  # and is called once, whatever becomes of that
            try:
                function(*arguments)
            except Exception as error:
                sys.print_exception(error)  # type: ignore[attr-defined]
            self._inside = True
