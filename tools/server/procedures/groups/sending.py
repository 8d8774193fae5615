# SPDX-License-Identifier: MIT
"""Messages to a group: a copy for each member but the originator (TS 24.538 clause 6.4.1.2.6 d 3, TS 23.554 clause
8.7.4)."""

from tools.store.messages.messagetables import octets_of
from tools.store.states import FAILED, QUEUED, STORED
from tools.wire.answers import Refusal
from tools.wire.bodies import Address


class Sending:
    def __init__(self, core, reader, rights):
        self._store = core.store
        self._routing = core.routing
        self._quotas = core.deliveries.quotas
        self._reader = reader
        self._rights = rights

    def route(self, item, now):
        """(QUEUED, STORED or FAILED; the cause or ""): failed where no copy was taken, stored where all were."""
        group = self._store.group_of_id(item.target.id)
        if group is None:
            return FAILED, "unknown group"
        cause = self._rights.why_not_sent(item.origin, group)
        if cause:
            return FAILED, cause
        members = [
            member for member in self._store.members(group.document) if self._takes(member, item.origin)
        ]
        targets = [self._address(member) for member in members]
        targets = [target for target in targets if target != item.origin]
        if not targets:
            return FAILED, "nobody else takes part in this group"
        try:  # of one in segments the size is known only now
            self._quotas.refuse_copies(item.target, item.origin, octets_of(item.head, item.parts), now)
        except Refusal as refusal:
            return FAILED, refusal.answer.diagnostic
        taken = self._routing.copies(item, targets, now)
        self._store.note_sent(group.document, [target.id for target in taken])
        if not taken:
            return FAILED, "no member of this group can be reached"
        return (STORED if set(taken.values()) == {STORED} else QUEUED), ""

    def count(self, target):
        """How many members of a group take part."""
        group = self._store.group_of_id(target.id)
        return sum(each.takes_part for each in self._store.members(group.document)) if group else 0

    def _takes(self, member, origin):
        """Whether a message of this originator is for this member, by its state and its messageFilter."""
        wanted = member.entry.get("messageFilter", {})
        most = wanted.get("maxMsgs")
        if not member.takes_part or (most is not None and member.sent >= int(most)):
            return False
        return self._reader.passes(wanted, origin.id)

    def _address(self, member):
        """Of a member, which is a UE unless no UE has its ID and an Application Server does."""
        if not self._store.known(member.id) and self._store.application_server(member.id) is not None:
            return Address("AS", member.id)
        return Address("UE", member.id)
