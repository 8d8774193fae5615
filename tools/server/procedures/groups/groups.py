# SPDX-License-Identifier: MIT
"""The group management server of TS 24.544 (clauses 6.2.2, 6.2.4 to 6.2.7, 6.2.9, 6.2.11, 6.2.12; annex C.2) at the
MSGin5G Server, and messages to groups."""

from dataclasses import replace

from tools.server.isolation import place_of, reason_of
from tools.server.procedures.groups import documents
from tools.server.procedures.groups.creation import Creation
from tools.server.procedures.groups.documents import COLLECTION, LARGEST, MEMBERS, MEMBERSHIP, ROOT
from tools.server.procedures.groups.queries import Filters, asks, parts_of, query_of
from tools.server.procedures.groups.rights import Rights
from tools.server.procedures.groups.sending import Sending
from tools.server.procedures.procedure import Procedure
from tools.wire import seal
from tools.wire.answers import Answer, Refusal
from tools.wire.bodies import Malformed

MAX_LISTED = 256  # groups in one answer
MAX_AGE = 60  # s
_NOT_THERE = "no such group document"


class Groups(Procedure):
    """Its requests have no msgType. `Answer.about` names what an observer must look at: "group ID" of a document,
    "member ID" of what a UE is a member of."""

    def __init__(self, core):
        super().__init__(core)
        self._reader = documents.Reader(self._ue_of)
        self._rights = Rights(core.store, core.speakers, self._ue_of)
        self._creation = Creation(core, self._reader, self._rights)
        self._sending = Sending(core, self._reader, self._rights)

    def _ue_of(self, ue_id):
        """The UE Service ID of a MSGin5G UE ID, or None."""
        found = self._store.configuration(ue_id)
        return found and found.ue

    def request(self, peer, request, now):
        """The Answer to a request below `su-gm`. Raises Malformed and Refusal."""
        seal.check_accept(request)
        if len(request.payload) > LARGEST:
            raise Refusal("4.13", "a document has at most %d octets" % LARGEST, size1=LARGEST)
        serve, names = self._resource(request)
        query = query_of(request.query)
        asker = self._rights.asker(peer, asks(request.path, query), now, request.again)
        return serve(self, _Asked(peer, request, query, asker, now), *names)

    def route(self, item, now):
        return self._sending.route(item, now)

    def recipients(self, target, now):
        return self._sending.count(target)

    def _resource(self, request):
        """(what serves it, the names in its path)."""
        path = request.path
        below = path[len(ROOT) :]
        shape = tuple(each if place % 2 == 0 else "" for place, each in enumerate(below))
        methods = _RESOURCES.get(shape)
        if path[: len(ROOT)] != ROOT or methods is None or "" in below:
            raise Refusal("4.04", "nothing there; groups are in %s" % "/".join((*ROOT, COLLECTION)))
        if request.code not in methods:
            raise Refusal("4.05", "there are %s here" % ", ".join(methods))
        return methods[request.code], below[1::2]

    # ---- the collection ----------------------------------------------------------------------------------------------

    def _create(self, asked):
        """Clauses 6.2.2, 6.2.6 and 6.2.11: by category."""
        ue = asked.asker.one
        group = self._creation.create(seal.read_body(asked.request), ue, asked.asker, asked.now)
        members = self._store.members(group.document)
        self._tell("group-created", group, ue, members=len(members))
        location = (*ROOT, COLLECTION, group.document)
        about = _about(group, members)
        return self._content(asked, documents.document(group, members), about, code="2.01", location=location)

    def _list(self, asked):
        filters = Filters.of(asked.query, self._settings.service, self._ue_of)
        return self._listed(asked, filters)

    def _membership(self, asked, member):
        """Has no clause of its own in TS 24.544: as the collection with `member-id`."""
        filters = Filters.of(asked.query | {"member-id": member}, self._settings.service, self._ue_of)
        return self._listed(asked, filters)

    def _listed(self, asked, filters):
        """Each document with the entry of who is asked for, and not those of all others; whole where one group is
        named, and no member."""
        found = {}  # in order
        for ue in sorted(asked.asker.ues) if filters else ():
            found |= dict.fromkeys(self._store.groups_with(ue, MAX_LISTED, filters.group))
        listed, own = [], {filters.member} if filters.member else asked.asker.ues
        for document in [*found][:MAX_LISTED]:
            try:
                group, members = self._store.group(document), self._store.members(document)
            except (TypeError, ValueError) as error:  # its row is damaged: the others are there
                fields = {"reason": reason_of(error), "place": place_of(error)}
                self._emit("error", kind="group " + document, **fields)
                continue
            if filters.fits(group, members):
                if filters.group is None or filters.member:
                    members = [member for member in members if member.id in own]
                    parts = ("memberDetails",)
                    listed.append(documents.document(group, members, parts))
                else:
                    listed.append(documents.document(group, members))
        about = frozenset("member " + ue for ue in {*own, *asked.asker.ues})
        return self._content(asked, listed, about, observable=filters.member is not None)

    # ---- a document --------------------------------------------------------------------------------------------------

    def _group(self, document):
        group = self._store.group(document)
        if group is None:
            raise Refusal("4.04", _NOT_THERE)
        return group

    def _read(self, asked, document):
        group = self._group(document)
        self._rights.expect_reader(asked.asker, group)
        members = self._store.members(document)
        value = documents.document(group, members, *parts_of(asked.query))
        return self._content(asked, value, frozenset(("group " + document,)), observable=True)

    def _change(self, asked, document):
        """Clause 6.2.5 (configuration) and 6.2.4 (membership). Who has joined is not put out by who did not know."""
        group = self._group(document)
        self._rights.expect_administrator(asked.asker, group, "PUT")
        said = self._reader.document(seal.read_body(asked.request))
        if (said.id, said.category) != (group.id, group.category):
            raise Refusal("4.03", "valGroupId and category of a group stay as they are")
        before = {member.id: member for member in self._store.members(document)}
        members = [_kept(before.get(member.id), member) for member in said.members.values()]
        gone = self._store.change_group(document, said.facts, members)
        self._tell("group-changed", group, sorted(asked.asker.ues)[0], members=len(members))
        for ue, messages in gone.items():
            self._tell("group-left", group, ue, messages=messages)
        about = _about(group, [*before.values(), *members])
        group = replace(group, facts=said.facts)
        return self._content(asked, documents.document(group, members), about, code="2.04")

    def _delete(self, asked, document):
        """Clause 6.2.12."""
        group = self._group(document)
        self._rights.expect_administrator(asked.asker, group, "DELETE")
        members = self._store.members(document)
        self._store.remove_group(document)
        self._tell("group-removed", group, sorted(asked.asker.ues)[0])
        return Answer("2.02", about=_about(group, members))

    # ---- a member ----------------------------------------------------------------------------------------------------

    def _read_member(self, asked, document, name):
        group = self._group(document)
        self._rights.expect_reader(asked.asker, group)
        member = self._store.member(document, self._ue_of(name) or name)
        if member is None:
            raise Refusal("4.04", "no such member")
        value = documents.member_entry(group, member)
        return self._content(asked, value, frozenset(("group " + document,)), observable=True)

    def _put_member(self, asked, document, name):
        """Clause 6.2.7: a member joins; an administrator may change and add one (6.2.4)."""
        group, id_ = self._group(document), self._ue_of(name) or name
        before = self._store.member(document, id_)
        administers = self._rights.may_change(asked.asker, group)
        if before is None and not administers:
            self._rights.expect_reader(asked.asker, group)
            raise Refusal("4.03", "only its creator and its administrators may add members")
        if not administers and id_ not in asked.asker.ues:
            raise Refusal("4.03", "each member joins by itself")
        if before is None and len(self._store.members(document)) >= documents.MAX_MEMBERS:
            raise Refusal("4.03", "a group has at most %d members" % documents.MAX_MEMBERS)
        body = seal.read_body(asked.request)
        member = self._reader.member({"memberId": name} | body if before is None else body, before)
        if member.id != id_:
            raise Malformed("memberId", "is not the member that the path names")
        if not administers and replace(member, registered=before.registered) != before:
            raise Refusal("4.03", "a member changes only its own membershipState")
        self._store.put_member(document, member)
        if before is None and not member.takes_part:
            members = len(self._store.members(document))
            self._tell("group-changed", group, sorted(asked.asker.ues)[0], members=members)
        elif before is None or member.registered != before.registered:
            self._tell("group-joined" if member.takes_part else "group-left", group, id_, messages=0)
        return Answer("2.04" if before else "2.01", about=_about(group, [member]))

    def _remove_member(self, asked, document, name):
        """Clause 6.2.9: a member leaves; an administrator may remove one (6.2.4)."""
        group, id_ = self._group(document), self._ue_of(name) or name
        if not self._rights.may_change(asked.asker, group):
            if id_ not in asked.asker.ues:
                self._rights.expect_reader(asked.asker, group)
                raise Refusal("4.03", "each member leaves by itself")
        member = self._store.member(document, id_)
        if member is None:
            raise Refusal("4.04", "no such member")
        gone = self._store.remove_member(document, id_)
        self._tell("group-left", group, id_, messages=gone)
        return Answer("2.02", about=_about(group, [member]))

    # ---- what is answered --------------------------------------------------------------------------------------------

    def _tell(self, event, group, ue, **more):
        self._emit(event, group=group.id, ue=ue, **more)

    def _content(self, asked, value, about, code="2.05", location=(), observable=False):
        """What came through a Gateway UE is not observed: notifications name nobody."""
        octets, content_format, etag = seal.representation(value, asked.request.accept)
        reads = code == "2.05"
        known = reads and etag in asked.request.etags
        return Answer(
            "2.03" if known else code,
            max_age=MAX_AGE if reads else None,
            octets=None if known else octets,
            content_format=None if known else content_format,
            etag=etag if reads else None,
            location=location,
            observable=observable and asked.asker.via is None,
            about=about,
        )


class _Asked:
    def __init__(self, peer, request, query, asker, now):
        self.peer = peer
        self.request = request
        self.query = query
        self.asker = asker
        self.now = now


def _about(group, members):
    """Whom a change of this group concerns."""
    creator = {"member " + group.creator} if group.creator else set()
    return frozenset({"group " + group.document, *("member " + member.id for member in members), *creator})


def _kept(before, member):
    """As a whole document says a member, which may have joined meanwhile; what it was sent counts on."""
    if before is None:
        return member
    same = before.entry.get("messageFilter") == member.entry.get("messageFilter")
    return replace(member, registered=member.registered or before.registered, sent=before.sent if same else 0)


_RESOURCES = {
    (COLLECTION,): {"GET": Groups._list, "POST": Groups._create},
    (COLLECTION, ""): {"GET": Groups._read, "PUT": Groups._change, "DELETE": Groups._delete},
    (COLLECTION, "", MEMBERS, ""): {
        "GET": Groups._read_member,
        "PUT": Groups._put_member,
        "DELETE": Groups._remove_member,
    },
    (MEMBERSHIP, ""): {"GET": Groups._membership},
}
