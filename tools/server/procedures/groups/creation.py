# SPDX-License-Identifier: MIT
"""Making a group, by its category: TS 24.544 clauses 6.2.2 (NORMAL), 6.2.6 (LOCATION_BASED) and 6.2.11 (TEMPORARY)."""

from tools.server.procedures.groups.documents import (
    LOCATION_BASED,
    MAX_MEMBERS,
    REGROUP,
    TEMPORARY,
    united,
)
from tools.store.server.grouptables import Member
from tools.wire.answers import Refusal
from tools.wire.bodies import Malformed


class Creation:
    def __init__(self, core, reader, rights):
        self._store = core.store
        self._settings = core.settings
        self._reader = reader
        self._rights = rights

    def create(self, body, ue, asker, now):
        """The Group of a VALGroupDocument, made by this UE. Raises Malformed, Refusal."""
        if self._settings.groups_by == "admin":
            raise Refusal("4.03", "groups are made by command only: msgin5g gateway group add")
        said = self._reader.document(body)
        if said.category == REGROUP:
            raise Refusal("4.03", "REGROUP is not known here; TEMPORARY takes several groups together")
        if self._store.group_of_id(said.id) is not None:
            raise Refusal("4.09", "there is a group %s" % said.id)
        if self._store.count_groups(ue) >= self._settings.groups_each:
            raise Refusal("4.03", "one UE has at most %d groups: DELETE one" % self._settings.groups_each)
        if self._store.count_groups() >= self._settings.groups_all:
            raise Refusal("5.03", "too many groups: msgin5g gateway group remove", max_age=3600)
        members = said.members
        if said.category == TEMPORARY:
            members = self._included(said, asker) | members
        elif said.category == LOCATION_BASED:
            members = self._there(said) | members
        if len(members) > MAX_MEMBERS:
            raise Refusal("4.03", "a group has at most %d members" % MAX_MEMBERS)
        return self._store.add_group(said.id, said.category, ue, now, said.facts, members.values())

    def _included(self, said, asker):
        """The members of all groups that a temporary one includes."""
        found = []
        for id_ in said.facts.get("inclValGroupIds", ()):
            group = self._store.group_of_id(id_)
            if group is None or not self._rights.may_read(asker, group):
                raise Refusal("4.03", "inclValGroupIds: %s is no group of yours" % id_)
            if group.category == TEMPORARY:
                raise Refusal("4.03", "inclValGroupIds: %s is temporary itself" % id_)
            found.append(self._store.members(group.document))
        if not found:
            raise Malformed("inclValGroupIds", "missing: the groups that a temporary one takes together")
        return united(found)

    def _there(self, said):
        """The UEs that are in its areas now; who comes and goes later changes nothing."""
        found = {}
        for area in said.facts.get("geoIds", ()):
            ues = self._store.area(area)
            if ues is None:
                raise Refusal("4.04", "geoIds: there is no area %s: msgin5g gateway area add" % area)
            found |= {ue: Member(ue) for ue in ues}
        if not said.facts.get("geoIds"):
            raise Malformed("geoIds", "missing: the areas of a group by location")
        return found
