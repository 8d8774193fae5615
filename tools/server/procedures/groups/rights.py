# SPDX-License-Identifier: MIT
"""Who may do what with a group: members read it, its creator and ADMINISTRATORs change it, each joins and leaves for
itself (TS 24.544; which of them is authorised to what is left open there)."""

from typing import NamedTuple

from tools.store.server.grouptables import ADMINISTRATOR, EXPLICIT
from tools.wire.answers import Refusal
from tools.wire.bodies import Address

NO_MEMBER = "not a member of this group"
_NO_ADMINISTRATOR = "only its creator and its administrators may: %s"
_WHICH = "which UE? there are several here: member-id in the query must name it"


class Asker(NamedTuple):
    """`ues`: who a request may come from, one where it could be said; `via`: the Gateway UE that it came through."""

    ues: set
    via: str | None = None

    @property
    def one(self):
        """The UE that asks. Refuses where there are several."""
        if len(self.ues) > 1:
            raise Refusal("4.00", _WHICH)
        (ue,) = self.ues
        return ue


class Rights:
    def __init__(self, store, speakers, ue_of):
        self._store = store
        self._speakers = speakers
        self._ue_of = ue_of

    def asker(self, peer, named, now, again):
        """`named`: who may have sent the request, a UE Service ID or UE ID, or None."""
        return Asker(*self._speakers.asks(peer, named and (self._ue_of(named) or named), now, again))

    def may_read(self, asker, group):
        return any(ue == group.creator or self._store.member(group.document, ue) for ue in asker.ues)

    def may_change(self, asker, group):
        return any(ue == group.creator or self._is_administrator(group, ue) for ue in asker.ues)

    def _is_administrator(self, group, ue):
        member = self._store.member(group.document, ue)
        return member is not None and member.type == ADMINISTRATOR

    def expect_reader(self, asker, group):
        """Refuses who is no member, nor the creator."""
        if not self.may_read(asker, group):
            raise Refusal("4.03", NO_MEMBER)

    def expect_administrator(self, asker, group, what):
        if not self.may_change(asker, group):
            raise Refusal("4.03", _NO_ADMINISTRATOR % what)

    def why_not_sent(self, origin, group):
        """Why this Address may not send to the group; None where it may: a member that takes part, the creator, an
        Application Server that is registered."""
        here = origin.type == "AS" and self._store.application_server(origin.id) is not None
        if here or origin == Address("UE", group.creator):
            return None
        member = self._store.member(group.document, origin.id)
        if member is None:
            return NO_MEMBER
        if member.type == EXPLICIT and not member.registered:
            return NO_MEMBER + ": it has not joined"
        return None
