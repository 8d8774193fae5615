# SPDX-License-Identifier: MIT
"""Groups in the store (TS 24.544): each is a document of the group management, with its members.

A document has a name that nobody guesses; who knows a group's ID does not know that.
"""

import json
import secrets
from dataclasses import dataclass, field

from tools.store.tables import record
from tools.wire.bodies import Address

SCHEMA = """
CREATE TABLE IF NOT EXISTS val_group (
  document TEXT PRIMARY KEY, id TEXT UNIQUE, category TEXT, creator TEXT, created REAL, facts TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS val_group_creator ON val_group (creator);
CREATE TABLE IF NOT EXISTS val_group_member (
  document TEXT, member TEXT, type TEXT, registered INTEGER, sent INTEGER, entry TEXT,
  PRIMARY KEY (document, member)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS val_group_member_member ON val_group_member (member)
"""
ADMINISTRATOR, EXPLICIT, IMPLICIT = "ADMINISTRATOR", "EXPLICIT", "IMPLICIT"
NORMAL = "NORMAL"


@dataclass(frozen=True)
class Member:
    """`id`: its UE or AS Service ID; `entry`: what else its GroupMember says (`memberId` as it was given,
    `messageFilter`, `memberConfig`); `sent`: messages of the group that it was sent since it has that filter."""

    id: str
    type: str = IMPLICIT
    registered: bool = False  # it has joined: what EXPLICIT members have to
    entry: dict = field(default_factory=dict)
    sent: int = 0

    @property
    def takes_part(self):
        return self.registered or self.type != EXPLICIT


@dataclass(frozen=True)
class Group:
    """`document`: groupDocId; `id`: valGroupId; `creator`: a UE Service ID, None where a command made it; `facts`: what
    else its VALGroupDocument says, without members."""

    document: str
    id: str
    category: str = NORMAL
    creator: str | None = None
    created: float = 0
    facts: dict = field(default_factory=dict)


_GROUP = "document, id, category, creator, created, facts"


class GroupTables:
    """For Store, whose `_db` these methods use."""

    def add_group(self, id_, category, creator, now, facts, members):
        """The Group that is made; its ID is not there yet."""
        made = Group(secrets.token_hex(8), id_, category, creator, now, facts)
        values = (made.document, id_, category, creator, now, json.dumps(facts))
        self._db.execute("INSERT INTO val_group (%s) VALUES (?,?,?,?,?,?)" % _GROUP, values)
        for member in members:
            self.put_member(made.document, member)
        return made

    def change_group(self, document, facts, members):
        """Keeps other facts and members of a group. {who is no member any more: what `remove_member` gives}"""
        self._db.execute("UPDATE val_group SET facts=? WHERE document=?", (json.dumps(facts), document))
        kept, gone = {member.id for member in members}, {}
        for member in self.members(document):
            if member.id not in kept:
                gone[member.id] = self.remove_member(document, member.id)
        for member in members:
            self.put_member(document, member)
        return gone

    def remove_group(self, document):
        """What was accepted for its members before still goes to them. False where it is not there."""
        self._db.execute("DELETE FROM val_group_member WHERE document=?", (document,))
        return self._db.execute("DELETE FROM val_group WHERE document=?", (document,)).rowcount > 0

    def group(self, document):
        return self._group("document", document)

    def group_of_id(self, id_):
        return self._group("id", id_)

    def _group(self, column, value):
        query = "SELECT %s FROM val_group WHERE %s=?" % (_GROUP, column)
        row = self._db.execute(query, (value,)).fetchone()
        return row and _group_of(row)

    def groups(self):
        return [_group_of(row) for row in self._db.execute("SELECT %s FROM val_group ORDER BY id" % _GROUP)]

    def groups_with(self, ue, most, id_=None):
        """The documents of the oldest groups that this is a member of, or the creator; at most so many. `id_`: of the
        one with this ID alone."""
        query = (
            "SELECT document FROM val_group WHERE document IN (SELECT document FROM val_group WHERE creator=?1"
            " UNION SELECT document FROM val_group_member WHERE member=?1) AND id=coalesce(?2, id)"
            " ORDER BY created, document LIMIT ?3"
        )
        return [document for (document,) in self._db.execute(query, (ue, id_, most))]

    def count_groups(self, creator=None):
        """Of a creator; of all without."""
        if creator is None:
            return self._one("SELECT count(*) FROM val_group")
        return self._one("SELECT count(*) FROM val_group WHERE creator=?", creator)

    def groups_for_people(self):
        """(ID, name, category, creator, members, members that take part) of all."""
        query = (
            "SELECT id, facts, category, creator, count(member),"
            " count(CASE WHEN type<>'EXPLICIT' OR registered THEN 1 END) FROM val_group LEFT JOIN val_group_member"
            " USING (document) GROUP BY document, id, facts, category, creator ORDER BY id"
        )
        return [(id_, _name_in(facts), *rest) for id_, facts, *rest in self._db.execute(query).fetchall()]

    # ---- members -----------------------------------------------------------------------------------------------------

    def members(self, document):
        query = "SELECT member, type, registered, entry, sent FROM val_group_member WHERE document=?"
        return [_member_of(row) for row in self._db.execute(query + " ORDER BY member", (document,))]

    def member(self, document, id_):
        query = (
            "SELECT member, type, registered, entry, sent FROM val_group_member WHERE document=? AND member=?"
        )
        row = self._db.execute(query, (document, id_)).fetchone()
        return row and _member_of(row)

    def put_member(self, document, member):
        values = (document, member.id, member.type, member.registered, member.sent, json.dumps(member.entry))
        self._db.execute(
            "INSERT INTO val_group_member (document, member, type, registered, sent, entry) VALUES (?,?,?,?,?,?)"
            " ON CONFLICT (document, member) DO UPDATE SET type=excluded.type, registered=excluded.registered,"
            " sent=excluded.sent, entry=excluded.entry",
            values,
        )

    def note_sent(self, document, ids):
        """One more message of the group for each of these members."""
        self._db.executemany(
            "UPDATE val_group_member SET sent=sent+1 WHERE document=? AND member=?",
            [(document, id_) for id_ in ids],
        )

    def remove_member(self, document, id_):
        """What waits for it from this group goes as well: the number of messages."""
        self._db.execute("DELETE FROM val_group_member WHERE document=? AND member=?", (document, id_))
        group = self._one("SELECT id FROM val_group WHERE document=?", document)
        return sum(self.drop_sent_to("GROUP", group, Address(type_, id_)) for type_ in ("UE", "AS"))

    def forget_member(self, ue):
        """For who removes a UE Service ID: who has it later is no member, and has made nothing."""
        self._db.execute("DELETE FROM val_group_member WHERE member=?", (ue,))
        self._db.execute("UPDATE val_group SET creator=NULL WHERE creator=?", (ue,))


def _name_in(facts):
    try:
        return record(facts).get("groupName")
    except (TypeError, ValueError):
        return None


def _group_of(row):
    *rest, facts = row
    return Group(*rest, record(facts))


def _member_of(row):
    id_, type_, registered, entry, sent = row
    return Member(id_, type_, bool(registered), record(entry), sent)
