# SPDX-License-Identifier: MIT
"""VALGroupDocument and GroupMember of TS 24.544 annex C.2, read and written.

A member is {"valUserId": UE Service ID} or {"valUeId": MSGin5G UE ID}; a bare string is read as the former.
"""

from dataclasses import replace
from typing import NamedTuple
from urllib.parse import quote

from tools.store.server.grouptables import ADMINISTRATOR, EXPLICIT, IMPLICIT, NORMAL, Member
from tools.wire import bodies
from tools.wire.bodies import Malformed

ROOT = ("su-gm", "v1")
COLLECTION, MEMBERS, MEMBERSHIP = "group-documents", "members", "group-membership"
LOCATION_BASED, REGROUP, TEMPORARY = "LOCATION_BASED", "REGROUP", "TEMPORARY"
CATEGORIES = (NORMAL, LOCATION_BASED, REGROUP, TEMPORARY)
TYPES = (ADMINISTRATOR, EXPLICIT, IMPLICIT)
LARGEST = 32768  # octets of a document that is sent to us
MAX_MEMBERS = 256
_TEXTS = ("groupName", "grpDesc", "valGrpConf", "extGrpId", "com5GLanType")
_LISTS = ("inclValGroupIds", "valServiceIds", "geoIds")
_MANY = 64  # entries of such a list
_LONG_TEXT = 4096  # octets of grpDesc, valGrpConf


class Said(NamedTuple):
    """A VALGroupDocument that was read."""

    id: str
    category: str
    facts: dict
    members: dict  # Service ID: Member


class Reader:
    """`ue_of(ue_id)` gives the UE Service ID of a MSGin5G UE ID, or None."""

    def __init__(self, ue_of):
        self._ue_of = ue_of

    def document(self, body):
        """The Said of a VALGroupDocument. Raises Malformed."""
        category = bodies.text(body, "category").upper()
        if category not in CATEGORIES:
            raise Malformed("category", "not one of %s" % ", ".join(CATEGORIES))
        facts = {}
        for name in _TEXTS:
            longest = _LONG_TEXT if name in ("grpDesc", "valGrpConf") else 255
            if body.get(name) is not None:
                facts[name] = bodies.text(body, name, longest=longest)
        for name in _LISTS:
            values = _list(body, name, _MANY)
            if not all(bodies.is_service_id(value) for value in values):
                raise Malformed(name, "not a list of texts of 1 to 255 octets without control characters")
            if values:
                facts[name] = values
        priority = bodies.number(body, "priority", 0, 255)
        if priority is not None:
            facts["priority"] = priority
        return Said(_id(body), category, facts, self._members(body))

    def _members(self, body):
        """Those of `memberDetails`; who is only in `members` has nothing to do to be one."""
        found = {}
        for place, entry in enumerate(_list(body, "memberDetails", MAX_MEMBERS)):
            where = "memberDetails[%d]" % place
            if not isinstance(entry, dict):
                raise Malformed(where, "not an object")
            try:
                member = self.member(entry)
            except Malformed as error:
                raise Malformed("%s.%s" % (where, error.member), error.reason) from None
            if member.id in found:
                raise Malformed(where + ".memberId", "there twice")
            found[member.id] = member
        for place, entry in enumerate(_list(body, "members", MAX_MEMBERS)):
            id_ = self.target(entry, "members[%d]" % place)
            found.setdefault(id_, Member(id_, entry={"memberId": entry}))
        if len(found) > MAX_MEMBERS:
            raise Malformed("members", "more than %d" % MAX_MEMBERS)
        return found

    def member(self, body, before=None):
        """The Member that a GroupMember says; what it leaves out is as `before`. Raises Malformed."""
        entry = dict(before.entry) if before else {}
        if body.get("memberId") is not None or before is None:
            id_ = self.target(body.get("memberId"), "memberId")
            if before is None:  # one that `group add` made has none, and is named by its ID
                entry["memberId"] = body["memberId"]
        else:
            id_ = before.id
        type_ = bodies.text(body, "membershipType", before.type if before else None).upper()
        if type_ not in TYPES:
            raise Malformed("membershipType", "not one of %s" % ", ".join(TYPES))
        registered = before.registered if before else False
        state = bodies.record(body, "membershipState")
        if state.get("registered") is not None:
            try:
                registered = bodies.flag(state, "registered")
            except Malformed as error:
                raise Malformed("membershipState.registered", error.reason) from None
        if body.get("messageFilter") is not None:
            entry["messageFilter"] = self._filter(bodies.record(body, "messageFilter"))
        if body.get("memberConfig") is not None:
            entry["memberConfig"] = body["memberConfig"]
        same = before is not None and entry.get("messageFilter") == before.entry.get("messageFilter")
        return Member(id_, type_, registered, entry, before.sent if same else 0)

    def _filter(self, given):
        try:
            self.senders(given)
            bodies.number(given, "maxMsgs", 0, 2**31)
        except Malformed as error:
            raise Malformed("messageFilter." + error.member, error.reason) from None
        return given

    def senders(self, given):
        """The Service IDs whose messages pass a messageFilter (`tgtUe`); None: those of all. Raises Malformed."""
        wanted = given.get("tgtUe")
        if wanted is None:
            return None
        wanted = wanted if isinstance(wanted, list) else [wanted]
        return {self.target(each, "tgtUe") for each in wanted}

    def passes(self, given, sender):
        """Whether a messageFilter that was read lets the messages of this sender through."""
        try:
            senders = self.senders(given)
        except Malformed:  # one of its UE IDs is of no UE any more: it names those that it does
            wanted = given["tgtUe"] if isinstance(given["tgtUe"], list) else [given["tgtUe"]]
            senders = {each.get("valUserId") if isinstance(each, dict) else each for each in wanted}
        return senders is None or sender in senders

    def target(self, value, member):
        """The Service ID of a ValTargetUe."""
        if value is None:
            raise Malformed(member, "missing")
        if isinstance(value, str):
            value = {"valUserId": value}
        if not isinstance(value, dict):
            raise Malformed(member, 'not {"valUserId": UE Service ID} or {"valUeId": UE ID}')
        user, ue_id = value.get("valUserId"), value.get("valUeId")
        if user is None and isinstance(ue_id, str):
            user = self._ue_of(ue_id)
            if user is None:
                raise Malformed(member + ".valUeId", "no UE with this UE ID: msgin5g gateway ue add")
        if not bodies.is_service_id(user):
            raise Malformed(member, "no valUserId of 1 to 255 octets of text without control characters")
        return user


def _id(body):
    id_ = bodies.text(body, "valGroupId")
    if not bodies.is_service_id(id_):
        raise Malformed("valGroupId", "not 1 to 255 octets of text without control characters")
    return id_


def _list(body, name, most):
    values = body.get(name)
    if values is None:
        return []
    if not isinstance(values, list):
        raise Malformed(name, "not a list")
    if len(values) > most:
        raise Malformed(name, "more than %d" % most)
    return values


def united(groups):
    """The members of several groups, for one of category TEMPORARY: each as it takes part most."""
    found = {}
    for members in groups:
        for member in members:
            known = found.get(member.id)
            if known is None or _weight(member) > _weight(known):
                found[member.id] = replace(member, sent=0)
    return found


def _weight(member):
    return member.type == ADMINISTRATOR, member.type == IMPLICIT, member.registered


# ---- writing ---------------------------------------------------------------------------------------------------------


def path_of(group, *below):
    """`resUri`, as a path: what stands before it is how the server was reached."""
    return "/" + "/".join(quote(each, safe="") for each in (*ROOT, COLLECTION, group.document, *below))


def member_entry(group, member):
    """The GroupMember of a Member."""
    entry = {"memberId": member.entry.get("memberId", {"valUserId": member.id})}
    entry["membershipType"] = member.type
    entry["membershipState"] = {"registered": member.registered}
    entry |= {name: member.entry[name] for name in ("messageFilter", "memberConfig") if name in member.entry}
    return entry | {"resUri": path_of(group, MEMBERS, member.id)}


def document(group, members, parts=("members", "memberDetails", "valGrpConf")):
    """The VALGroupDocument of a Group with these of its members, and with these parts of it."""
    entries = [member_entry(group, member) for member in members]
    written = {"valGroupId": group.id, "category": group.category}
    written |= {name: value for name, value in group.facts.items() if name != "valGrpConf"}
    if "members" in parts:
        written["members"] = [entry["memberId"] for entry in entries]
    if "memberDetails" in parts:
        written["memberDetails"] = entries
    if "valGrpConf" in parts and "valGrpConf" in group.facts:
        written["valGrpConf"] = group.facts["valGrpConf"]
    return written | {"resUri": path_of(group)}
