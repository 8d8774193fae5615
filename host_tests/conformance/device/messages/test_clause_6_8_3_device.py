# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.8.3, groups by SEAL group management, at a member: the CoAP of TS 24.544 annex C.2. The firmware's
core, and a server made by hand."""

import json
import urllib.parse

import aiocoap
import pytest
from aiocoap.numbers.types import Type

from host_tests.conformance.device.core import PEER, UE, body, registered

MODULES = (
    "firmware/msgin5g/procedures/groups.py",
    "firmware/msgin5g/wire/groups.py",
    "firmware/msgin5g/rules/subscriptions.py",
    "firmware/coap/observe/__init__.py",
)
ALSO = ("host_tests/device/procedures/test_msgin5g_groups.py",)
GROUP, ROOT = "g:pumps@example.org", ("su-gm", "v1", "group-documents")
ENTRY = (*ROOT, "d1", "members", UE)


def entry(kind="EXPLICIT", registered=False, **more):
    """A GroupMember of TS 24.544 annex C."""
    uri = "/" + "/".join(urllib.parse.quote(each, safe="") for each in ENTRY)
    found = {"memberId": {"valUserId": UE}, "membershipType": kind, "resUri": uri}
    return found | {"membershipState": {"registered": registered}} | more


def document(group=GROUP, **more):
    """A VALGroupDocument."""
    found = {"valGroupId": group, "category": "NORMAL", "resUri": "/su-gm/v1/group-documents/d1"}
    return found | {"memberDetails": [entry()]} | more


class Member:
    """A registered device; `asked` is what it asks for now, `answer` the server's word."""

    def __init__(self):
        self.core = registered()
        self.told = []

    def call(self, method, *arguments):
        found = self.core.client.call("groups", method, *arguments, self.core.tick)
        self._hear()
        return found

    def _hear(self):
        self.core._drain()
        while True:
            event = self.core.client.next_event()
            if event is None:
                return
            if hasattr(event[1], "joined"):
                self.told.append((event[1].group_id, event[1].state))

    def asked(self):
        self.core._drain()
        (request,) = self.core.requests
        self.core.requests.clear()
        return request

    def answer(self, request, said=None, code=aiocoap.CONTENT, **options):
        payload = None if said is None else json.dumps(said).encode()
        self.core.answer(request, payload, code, **options)
        self._hear()

    def notify(self, token, said, number, code=aiocoap.CONTENT):
        payload = b"" if said is None else json.dumps(said).encode()
        found = aiocoap.Message(code=code, payload=payload, observe=number)
        found.mtype, found.mid, found.token = Type.CON, 7000 + number, token
        self.core.client.receive(found.encode(), PEER, self.core.tick)
        answers = self.core._answers
        self._hear()
        return answers.pop(found.mid)

    def watching(self, *documents):
        self.call("watch")
        request = self.asked()
        self.answer(request, list(documents), observe=1, max_age=3600)
        return request.token


# ---- TS 24.544 clause 6.2.7: announcement and joining ----------------------------------------------------------------


def test_24_544_6_2_7_announcements_are_observed_with_the_own_identity():
    member = Member()
    member.call("watch")
    request = member.asked()
    assert (request.code, request.mtype, request.payload) == (aiocoap.GET, Type.CON, b"")
    assert request.opt.uri_path == ROOT and request.opt.uri_query == ("member-id=" + UE,)
    assert (request.opt.observe, request.opt.accept) == (0, 50)


def test_24_544_6_2_7_a_group_is_announced():
    member = Member()
    token = member.watching(document())
    assert member.told == [(GROUP, "announced")]
    acknowledged = member.notify(token, [document(), document("g:valves@example.org")], 2)
    assert acknowledged.mtype == Type.ACK
    assert member.told[1:] == [("g:valves@example.org", "announced")]


def test_24_544_6_2_7_a_member_joins_by_its_own_entry():
    """PUT on the resource of the entry, with membershipState, the rest unchanged."""
    member = Member()
    call = member.call("join", GROUP)
    looked = member.asked()
    assert (looked.code, looked.opt.uri_path, looked.opt.observe) == (aiocoap.GET, ROOT, None)
    own = entry(messageFilter={"maxMsgs": 3}, memberConfig={"any": [1]})
    member.answer(looked, [document(memberDetails=[entry(memberId={"valUserId": "ue:z@example.org"}), own])])
    request = member.asked()
    assert (request.code, request.mtype, request.opt.uri_path) == (aiocoap.PUT, Type.CON, ENTRY)
    assert request.opt.content_format == 50
    assert body(request) == own | {"membershipState": {"registered": True}}
    member.answer(request, code=aiocoap.CHANGED)
    assert call.state == "done"


@pytest.mark.parametrize("code", [aiocoap.FORBIDDEN, aiocoap.NOT_FOUND, aiocoap.BAD_REQUEST])
def test_24_544_6_2_7_a_refusal_is_told(code):
    member = Member()
    call = member.call("join", GROUP)
    member.answer(member.asked(), [document()])
    member.answer(member.asked(), code=code)
    assert (call.state, call.cause[:4]) == ("refused", code.dotted)
    member.core.run(3000)
    assert not [each for each in member.core.requests if each.opt.uri_path[0] == "su-gm"]


def test_24_544_6_2_7_who_is_no_member_is_told_so():
    member = Member()
    call = member.call("join", GROUP)
    member.answer(member.asked(), [])
    assert call.state == "refused" and "no member" in call.cause
    assert member.core.requests == []


# ---- TS 24.544 clause 6.2.9: leaving ---------------------------------------------------------------------------------


def test_24_544_6_2_9_a_member_leaves_by_deleting_its_own_entry():
    member = Member()
    call = member.call("leave", GROUP)
    member.answer(member.asked(), [document()])
    request = member.asked()
    assert (request.code, request.opt.uri_path, request.payload) == (aiocoap.DELETE, ENTRY, b"")
    member.answer(request, code=aiocoap.DELETED)
    assert (call.state, member.told) == ("done", [(GROUP, "left")])


# ---- TS 24.544 clauses 6.2.5, 6.2.12: the documents, and their end ---------------------------------------------------


def test_24_544_6_2_5_the_members_are_asked_for():
    member = Member()
    call = member.call("members", GROUP)
    member.answer(member.asked(), [document()])
    request = member.asked()
    assert (request.code, request.opt.uri_path) == (aiocoap.GET, (*ROOT, "d1"))
    assert "group-members=true" in request.opt.uri_query
    member.answer(request, document(members=[{"valUserId": UE}, {"valUserId": "ue:z@example.org"}]))
    assert (call.state, call.result) == ("done", [UE, "ue:z@example.org"])


def test_24_544_6_2_12_a_group_that_was_deleted_is_gone():
    member = Member()
    token = member.watching(document())
    assert member.notify(token, [], 2).mtype == Type.ACK
    assert member.told[1:] == [(GROUP, "gone")]


def test_an_observation_that_ends_by_an_error_is_begun_again():
    member = Member()
    token = member.watching(document())
    assert member.notify(token, None, 2, aiocoap.NOT_FOUND).mtype == Type.ACK
    member.core.run(10)
    request = member.asked()
    assert (request.opt.uri_path, request.opt.observe) == (ROOT, 0)


# ---- sending and receiving -------------------------------------------------------------------------------------------


def test_a_message_to_a_group_names_it():
    core = registered()
    core.client.send(GROUP, "on", core.tick, to_type="GROUP")
    assert body(core.next("MSG"))["destAddr"] == {"destAddrType": "GROUP", "addr": GROUP}
