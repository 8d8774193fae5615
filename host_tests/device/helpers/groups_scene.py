# SPDX-License-Identifier: MIT
"""What the tests of groups share: documents as TS 24.544 annex C has them, and a server that says what a test gives."""

import json

import coap
from msgin5g import GROUP
from msgin5g_scene import UE, Scene, agree, max_age

ROOT = "/su-gm/v1/group-documents"
OWN = "member-id=ue:a@x"


def member(name=UE, type="EXPLICIT", registered=False, document="7", **more):
    """A GroupMember."""
    entry = {
        "memberId": {"valUserId": name},
        "membershipType": type,
        "membershipState": {"registered": registered},
        "resUri": "%s/%s/members/%s" % (ROOT, document, name.replace("@", "%40").replace(":", "%3A")),
    }
    entry.update(more)
    return entry


def document(group="g:pumps@x", number="7", details=None, **more):
    """A VALGroupDocument with the entry of the device."""
    members = [member(document=number)] if details is None else details
    found = {
        "valGroupId": group,
        "category": "NORMAL",
        "resUri": "%s/%s" % (ROOT, number),
        "memberDetails": members,
    }
    found.update(more)
    return found


def said(*documents, observe=1, seconds=3600):
    """2.05 with these documents."""
    options = max_age(seconds)
    if observe is not None:
        options = [(coap.OBSERVE, coap.uint_octets(observe))] + options
    return coap.CONTENT, json.dumps(documents).encode(), options


class Server:
    """Answers of a server: `documents` to who asks for groups, `whole` to who asks for a document, `code` to PUT and
    DELETE; each may be a code, or None for silence."""

    def __init__(self, *documents):
        self.documents = list(documents)
        self.whole = None
        self.code = {coap.PUT: coap.CHANGED, coap.DELETE: coap.DELETED}

    def __call__(self, asked):
        if asked.kind != "GROUP":
            return agree(asked)
        message = asked.message
        if message.code != coap.GET:
            return self.code[message.code]
        if message.path != ROOT:
            found = self.whole
            return (
                found
                if found is None or isinstance(found, int)
                else (coap.CONTENT, json.dumps(found).encode())
            )
        if self.documents is None or isinstance(self.documents, int):
            return self.documents
        return said(*self.documents, observe=None if message.option(coap.OBSERVE) is None else 1)


class GroupScene(Scene):
    """A Scene whose peer is a Server; `told` are (group, state) of the events."""

    def __init__(self, *documents, **config):
        self.server = config.pop("server", None) or Server(*documents)
        self.told = []
        super().__init__(self.server, **config)

    def on_event(self, kind, subject):
        if kind == GROUP and hasattr(subject, "joined"):
            self.told.append((subject.group_id, subject.state))

    def watch(self):
        return self.call("groups", "watch")

    @property
    def known(self):
        return [(each.group_id, each.joined) for each in self.client.procedure("groups").known]

    def requests(self):
        """(code, path, queries) of what was asked about groups."""
        found = []
        for asked in self.of("GROUP"):
            message = asked.message
            queries = [str(value, "utf-8") for number, value in message.options if number == coap.URI_QUERY]
            found.append((message.code, message.path.partition("?")[0], queries))
        return found
