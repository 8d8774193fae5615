# SPDX-License-Identifier: MIT
"""The query parameters of TS 24.544 annex C.2: filters of the collection, parts of a document."""

from typing import NamedTuple

from tools.server.procedures.groups.documents import MEMBERS, MEMBERSHIP
from tools.wire.bodies import Malformed, is_service_id, moment
from tools.wire.outside import clean

_FILTERS = ("val-group-id", "member-id", "val-service-id", "time-period")
_PARTS = {
    "group-members": "members",
    "group-member-details": "memberDetails",
    "group-configuration": "valGrpConf",
}


def query_of(options):
    """{name: value}. Raises Malformed. `member-id` says with any request who asks."""
    said = {}
    for option in options:
        name, _, value = option.partition("=")
        if name not in _FILTERS and name not in _PARTS:
            known = ", ".join((*_FILTERS, *_PARTS))
            raise Malformed("Uri-Query %s" % clean(name, 32), "not known; there are %s" % known)
        if name in said:
            raise Malformed(name, "there twice")
        if name in _PARTS and value not in ("true", "false"):
            raise Malformed(name, "not true or false")
        if name in _FILTERS and not is_service_id(value):
            raise Malformed(name, "without a value")
        said[name] = value
    return said


def asks(path, query):
    """Who a request names as its sender: `member-id`, without it the member in its path; None where it names nobody."""
    named = query.get("member-id")
    if named is None and (path[4:5] == (MEMBERS,) or path[2:3] == (MEMBERSHIP,)):
        named = path[-1]
    return named


def parts_of(query):
    """The parts that a GET of a document names, for `documents.document`; nothing where it is wanted whole."""
    said = {part: query[name] for name, part in _PARTS.items() if name in query}
    return ([part for part, value in said.items() if value == "true"],) if said else ()


class Filters(NamedTuple):
    """All of them must match."""

    group: str | None = None
    member: str | None = None
    service: str | None = None
    period: tuple | None = None
    own: str = ""  # the service that a group is of which names none

    @classmethod
    def of(cls, query, own, ue_of):
        member = query.get("member-id")
        period = query.get("time-period")
        return cls(
            query.get("val-group-id"),
            member and (ue_of(member) or member),
            query.get("val-service-id"),
            period and _period(period),
            own,
        )

    def __bool__(self):
        return self[:4] != (None,) * 4

    def fits(self, group, members):
        return (
            self.group in (None, group.id)
            and (self.member is None or any(member.id == self.member for member in members))
            and (self.service is None or self.service in group.facts.get("valServiceIds", (self.own,)))
            and (self.period is None or self.period[0] <= group.created <= self.period[1])
        )


def _period(text):
    """When a group was made, from and to. How TS 24.544 writes a period is not said."""
    begin, slash, end = text.partition("/")
    if not slash:
        raise Malformed("time-period", "not two date-times with / between them")
    return moment(begin, "time-period"), moment(end, "time-period")
