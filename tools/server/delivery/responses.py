# SPDX-License-Identifier: MIT
"""What the server itself has to say: message responses (TS 24.538 clauses 6.4.1.2.2 to .5), reports, confirmations.

They go in a lane of their own, and wait for their recipient as long as a message does.
"""

from tools.store.states import QUEUED
from tools.store.tables import CONTROL
from tools.wire import bodies

THROUGH = 10  # times what is remembered of one originator, of who speaks for many


def through_key(who):
    """What is remembered of an Address that speaks for others is remembered under this."""
    return "peer %s %s" % who


class Responses:
    """`count` grows with each one that is queued."""

    def __init__(self, store, settings, elsewhere):
        self._store = store
        self._settings = settings
        self._elsewhere = elsewhere
        self.count = 0
        # By the ID of a service that is in this program: called with (recipient, names, now) where a message of it
        # will not arrive.
        self.within = {}

    def control(self, target, kind, body, now, origin=None, origin_set=""):
        """Queues a report, response or confirmation."""
        self.count += 1
        expires = now + self._settings.keep
        self._store.add(CONTROL, kind, target, origin, body, [], QUEUED, expires, origin_set=origin_set)

    def notify(self, message, names, stored, cause, now):
        """Tells the originator what became of its message, by each of the msgIds that it knows it by: a MSGRESP (clause
        7.3.4.3) to a UE. TS 29.538 has no such call toward an Application Server or a gateway; a failure
        goes there as DeliveryStatusReport in the recipient's name."""
        if message.origin is None or _is_copy(message):
            return
        if message.origin.id in self._settings.within:
            if message.origin.id in self.within and not stored:
                self.within[message.origin.id](message.target, names, now)
            return
        for msg_id in names:
            self._notify(message, msg_id, stored, cause, now)

    def _notify(self, message, msg_id, stored, cause, now):
        service = self._settings.service
        if self.is_told(message.origin):
            status = "stored for deferred delivery" if stored else "failure"
            body = bodies.msgresp(service, message.origin, msg_id, status, cause, message.origin_set)
            self.control(message.origin, "MSGRESP", body, now)
        elif not stored and self.first_report(message.target, message.origin, msg_id):
            body = bodies.imdn(service, message.target, message.origin, msg_id, False, cause)
            self.control(message.origin, "IMDN", body, now, message.target)

    def is_told(self, origin):
        """Whether this originator hears by MSGRESP what became of a message; else its request is answered with that."""
        return origin.type == "UE" and self._elsewhere.find(origin.id) is None

    def is_repeat(self, from_, to, msg_id):
        """Whether this report went out already: reports are repeated, recipients want them once."""
        return self._store.seen(*self._report(from_, to, msg_id)[:2]) is not None

    def first_report(self, from_, to, msg_id):
        """False for a report that went out already; it has gone out from now on."""
        if self.is_repeat(from_, to, msg_id):
            return False
        key, what, most = self._report(from_, to, msg_id)
        self._store.remember(key, what, "", most)
        return True

    def _report(self, from_, to, msg_id):
        what = "%s %s" % (msg_id, to.id.encode().hex())
        way = self._elsewhere.way_to(from_)
        if way is None:
            return "IMDN %s %s" % from_, what, self._settings.remembered
        # Of whom there is behind it nobody here knows: what is remembered is bounded for who speaks for all of them.
        what = "IMDN %s %s" % (from_.id.encode().hex(), what)
        return through_key(way.through), what, THROUGH * self._settings.remembered


def _is_copy(message):
    """Whether it is one of many, for a member of whom its originator has sent it to."""
    to = message.head.get("destAddr", {}).get("destAddrType", message.target.type)
    return "oriDestAddr" in message.head or to != message.target.type
