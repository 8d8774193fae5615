# SPDX-License-Identifier: MIT
"""What may wait, of whom and for whom: what would be one too many is refused before anything is done for it."""

import json

from tools.store.messages.quotatables import SETS
from tools.store.server.peertables import SERVER
from tools.store.tables import CONTROL, DATA
from tools.wire import payload as payloads
from tools.wire.answers import Refusal

LITTLE = 20  # who has less than this part of a quota waiting may use the last tenth of the room
_LAST = 0.9
PEER = 4  # another server has this part of the room for all of its UEs


class Quotas:
    """Each method raises Refusal: 4.13 for what is too large, 5.03 for what may be taken later."""

    def __init__(self, store, settings):
        self._store = store
        self._settings = settings
        # By kind of target that is many: how many get what is sent to one, called with (target, now).
        self.spreads = {}

    def refuse_full(self, target, origin, elements=0):
        """Refuses a message that would be one too many: for its recipient, of its originator, or of all together. Each
        of the `elements` of an aggregated one may have to wait by itself.
        An originator that does not take its reports and responses is refused too, since each message leaves another
        one for it."""
        settings = self._settings
        count = max(1, elements)
        of_target, owed, messages, octets, everybodys, all_octets = self._store.room(target, origin)
        if _too_many(of_target, count, settings.pending_each):
            raise _full("too many messages wait for the recipient")
        if owed >= settings.pending_each:
            raise _full("take the reports and responses that wait for you")
        most = max(settings.quota_octets, 4 * settings.max_message)
        if _too_many(messages, count, settings.quota) or octets >= most:
            raise _full("too many of your own messages wait")
        # The last tenth is for originators of which little waits, so that those who fill their shares do not shut
        # out others.
        little = messages < settings.quota / LITTLE and octets < most / LITTLE
        share = 1 if little else _LAST
        if (
            _too_many(everybodys, count, share * settings.pending_all)
            or all_octets >= share * settings.pending_octets
        ):
            raise _full("too many messages wait")

    def refuse_copies(self, target, origin, octets, now):
        """Refuses a message of so many octets that goes to many, where its copies would be too many of its originator:
        each is one that waits."""
        count = self.spreads.get(target.type)
        copies = count(target, now) if count else 1
        if copies < 2:
            return
        settings = self._settings
        most = max(settings.quota_octets, 4 * settings.max_message)
        if copies * octets > most:
            cause = "to %d recipients at most %d octets go" % (copies, most // copies)
            raise Refusal("4.13", cause, size1=most // copies)
        messages, waiting = self._store.waiting(origin)
        if messages and (messages + copies > settings.quota or waiting + copies * octets > most):
            raise _full("too many of your own messages wait")

    def refuse_domain(self, who, lane=DATA):
        """Refuses what would be one too many of all whom another server speaks for, or a message gateway that has whole
        domains: nobody here knows how many UEs those have."""
        if who is None:
            return
        settings, store = self._settings, self._store
        domains = [who.id] if who.type == SERVER else store.domains_behind(*who)
        loads = [store.load_of_domain(lane, domain) for domain in domains]
        messages, octets = (sum(each) for each in zip(*loads, strict=True)) if loads else (0, 0)
        if messages >= settings.pending_all / PEER or octets >= settings.pending_octets / PEER:
            raise _full("too many of what you sent wait")

    def has_room(self, copies, item):
        """Whether so many copies of a message can wait, beside what waits already."""
        waiting, octets = self._store.waiting()
        more = copies * (sum(map(payloads.content_size, item.parts)) or len(json.dumps(item.head)))
        return (
            waiting + copies <= self._settings.pending_all and octets + more <= self._settings.pending_octets
        )

    def refuse_reports(self, origin, target, msg_ids):
        """A report on a message of its recipient is owed, and always gets in: there are no more of them than
        messages. Any other report counts against a quota of its reporter, and leaves room for those that are
        owed."""
        count = sum(self._store.seen(target.key, msg_id) is None for msg_id in msg_ids)
        if not count:
            return
        settings = self._settings
        if _too_many(self._store.pending(target, CONTROL), count, settings.pending_each / 2):
            raise _full("too many reports wait for the recipient")
        if _too_many(self._store.load(CONTROL, origin)[0], count, settings.quota):
            raise _full("too many of your own reports wait")

    def refuse_large(self, value):
        """Refuses a payload that is larger than any may be."""
        limit = self._settings.max_message
        if value is not None and payloads.content_size(value) > limit:
            raise self.too_large()

    def too_large(self):
        limit = self._settings.max_message
        return Refusal("4.13", "larger than %d octets" % limit, size1=limit)

    def refuse_sets(self, origin):
        """Refuses the first segment of a set that would be one too many; `origin`: the Address of its sender."""
        sets, _ = self._store.load(SETS, origin)
        everybodys, _ = self._store.load(SETS)
        if sets >= self._settings.sets_each or everybodys >= self._settings.sets_all and sets:
            raise Refusal("5.03", "too many unfinished segment sets", max_age=10)


def _too_many(waiting, more, most):
    """Whether more than `most` would wait. Several that come while nothing waits are taken, or they never could be."""
    return waiting >= most or more > 1 and 0 < waiting > most - more


def _full(why):
    return Refusal("5.03", why + "; try again later", max_age=10)
