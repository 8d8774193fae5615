# SPDX-License-Identifier: MIT
# heap: 256k, the server of the groups and all that was asked of it lie in it too
"""Groups, as a member: TS 24.538 clause 6.8.3 by TS 24.544 annex C.2, request by request."""

import json

import coap
import msgin5g
from common import equal, raises
from groups_scene import OWN, ROOT, GroupScene, Server, document, member, said
from msgin5g_scene import HOUR, MINUTE, SECOND

PUMPS, VALVES = "g:pumps@x", "g:valves@x"
ENTRY = ROOT + "/7/members/ue:a@x"


def listed(seconds=None):
    return (coap.GET, ROOT, [OWN])


def test_the_own_groups_are_observed():
    # GET with Observe 0 and member-id, JSON wanted (50); no body
    scene = GroupScene(document(), document(VALVES, "8", [member(type="IMPLICIT")])).start()
    watch = scene.watch()
    equal(watch.state, "subscribed")
    equal(scene.known, [(PUMPS, False), (VALVES, True)])
    equal(scene.told, [(PUMPS, "announced"), (VALVES, "announced")])
    (asked,) = scene.of("GROUP")
    message = asked.message
    equal((message.type, message.code, bytes(message.payload)), (coap.CON, coap.GET, b""))
    equal(
        sorted(message.options),
        [
            (coap.OBSERVE, b""),
            (coap.URI_PATH, b"group-documents"),
            (coap.URI_PATH, b"su-gm"),
            (coap.URI_PATH, b"v1"),
            (coap.URI_QUERY, b"member-id=ue:a@x"),
            (coap.ACCEPT, b"\x32"),
        ],
    )


def token(scene):
    return scene.of("GROUP")[0].message.token


def notified(scene, number, *documents):
    return scene.notify(token(scene), json.dumps(documents).encode(), number)


def test_a_group_comes_and_goes():
    scene = GroupScene(document()).start()
    scene.watch()
    equal(notified(scene, 2, document(), document(VALVES, "8")).type, coap.ACK)
    equal(scene.told[1:], [(VALVES, "announced")])
    equal(notified(scene, 3, document(VALVES, "8")).type, coap.ACK)
    equal(scene.told[2:], [(PUMPS, "gone")])
    notified(scene, 4)
    equal(scene.told[3:], [(VALVES, "gone")])
    equal(scene.known, [])
    equal(len(scene.of("GROUP")), 1)


def test_a_notification_in_blocks_is_asked_for_as_a_whole():
    # Block2 0/1/64 is 0a: the client gets the whole by a GET (RFC 7959 section 2.6), with the token of the observation
    scene = GroupScene(document()).start()
    scene.watch()
    scene.server.documents.append(document(VALVES, "8"))
    octets = json.dumps(scene.server.documents).encode()[:64]
    options = [(coap.OBSERVE, b"\x02"), (coap.BLOCK2, b"\x0a")]
    first = coap.Message(coap.CONTENT, octets, options, coap.CON, 0x7777, token(scene))
    scene.client.receive(coap.encode(first), ("192.0.2.1", 65401), scene.tick)
    scene._pump()
    equal(scene.requests(), [listed(), listed()])
    first, second = [each.message for each in scene.of("GROUP")]
    equal((second.token, second.option(coap.OBSERVE)), (first.token, b""))
    equal(scene.known, [(PUMPS, False), (VALVES, False)])


def test_an_answer_in_blocks():
    # 16 groups, 64 octets a block: more than a datagram holds
    documents = [document("g:%d@x" % number, str(number)) for number in range(8)]
    octets = json.dumps(documents).encode()
    scene = GroupScene().start()

    def answer(asked):
        number = (asked.message.uint(coap.BLOCK2, 0) >> 4) if asked.message.option(coap.BLOCK2) else 0
        part = octets[number * 512 : number * 512 + 512]
        more = len(octets) > number * 512 + 512
        options = [(coap.BLOCK2, coap.uint_octets(number << 4 | (8 if more else 0) | 5))]
        if not number:
            options.insert(0, (coap.OBSERVE, b"\x01"))
        return coap.CONTENT, part, options

    scene.answer = answer
    scene.watch()
    equal(len(scene.known), 8)
    equal(scene.client.endpoint.observations[0].established, True)
    equal(scene.notify(token(scene), b"[]", 2).type, coap.ACK)
    equal(scene.known, [])


def test_the_watch_outlives_a_restart():
    scene = GroupScene(document(), document(VALVES, "8")).start()
    scene.watch()
    again = GroupScene(
        document(VALVES, "8", [member(registered=True)]), storage=scene.storage, seed=2
    ).start()
    equal(again.requests(), [listed()])
    equal(again.told, [(PUMPS, "gone")])  # what was known before is not announced once more
    equal(again.known, [(VALVES, True)])


def test_the_end_of_the_watch():
    # GET with Observe 1 and the same token: RFC 7641 section 3.6
    scene = GroupScene(document()).start()
    scene.watch()
    before = token(scene)
    equal(scene.call("groups", "unwatch").state, "unsubscribed")
    last = scene.of("GROUP")[-1].message
    equal((last.option(coap.OBSERVE), last.token, last.path.partition("?")[0]), (b"\x01", before, ROOT))
    equal((scene.files, scene.known), ([], []))
    scene.run(10 * HOUR)
    equal(len(scene.of("GROUP")), 2)
    equal(scene.call("groups", "unwatch").state, "unsubscribed")


def test_it_is_asked_again_in_time():
    # before Max-Age is over; a server that does not notify is asked every few minutes
    scene = GroupScene(document()).start()
    scene.watch()
    scene.run(HOUR)
    equal(len(scene.of("GROUP")), 2)
    scene = GroupScene().start()
    scene.answer = lambda asked: (
        said(document(), observe=None) if asked.kind == "GROUP" else scene.server(asked)
    )
    scene.watch()
    scene.run(4 * MINUTE + 15 * SECOND)
    equal(len(scene.of("GROUP")), 2)


def test_a_refused_watch():
    scene = GroupScene().start()
    scene.server.documents = coap.FORBIDDEN
    watch = scene.watch()
    equal((watch.state, watch.cause[:4], scene.files), ("refused", "4.03", []))
    scene.run(3 * HOUR)
    equal(len(scene.of("GROUP")), 1)


def test_what_is_not_understood_is_not_observed():
    # though the server says that it notifies: RFC 7641 section 3.6
    scene = GroupScene().start()
    scene.answer = lambda asked: (
        (coap.CONTENT, b"[7]", [(coap.OBSERVE, b"\x01")]) if asked.kind == "GROUP" else scene.server(asked)
    )
    for _ in range(9):
        equal(scene.watch().state, "refused")
    equal(len(scene.client.endpoint.observations), 0)


def test_a_watch_that_is_refused_later_stays():
    # what was granted is asked for again, over a restart too, and what is known is kept
    scene = GroupScene(document()).start()
    watch = scene.watch()
    scene.server.documents = coap.FORBIDDEN
    while watch.cause is None:
        scene.run(MINUTE)
    equal((watch.state, watch.cause[:4]), ("refused", "4.03"))
    scene.server.documents = [document()]
    equal(scene.call("groups", "join", PUMPS).state, "done")
    again = GroupScene(document(), storage=scene.storage, seed=2).start()
    equal((again.requests(), again.told, again.known), ([listed()], [], [(PUMPS, False)]))


def granting(asked):
    """Topics are observed."""
    return coap.CONTENT, b'{"subStatus":true}', [(coap.OBSERVE, b"\x01"), (coap.MAX_AGE, b"\x0e\x10")]


def test_topics_and_groups_share_what_can_be_observed():
    # 8 in all: docs/application.md
    scene = GroupScene(document()).start()
    scene.answer = lambda asked: granting(asked) if asked.kind == "TOPIC" else scene.server(asked)
    for number in range(8):
        scene.call("topics", "subscribe", "t%d" % number)
    raises(ValueError, scene.client.call, "groups", "watch", scene.tick)
    scene._pump()
    equal((scene.requests(), scene.files), ([], ["topics"]))
    scene.answer = scene.server
    scene.call("topics", "unsubscribe", "t0")
    equal(scene.watch().state, "subscribed")
    raises(ValueError, scene.client.call, "topics", "subscribe", "t8", scene.tick)
    equal(scene.call("groups", "join", PUMPS).state, "done")  # which observes nothing
    scene.call("groups", "unwatch")
    equal(scene.call("topics", "subscribe", "t8").state, "subscribed")


def test_more_on_flash_than_can_be_observed_keeps_nobody_from_starting():
    scene = GroupScene()
    scene.storage.replace("topics", json.dumps([["t%d" % number, False] for number in range(8)]).encode())
    scene.storage.replace("groups", b'1\n[[false],["g:pumps@x",true]]')
    again = GroupScene(document(), storage=scene.storage, seed=2)
    again.answer = lambda asked: granting(asked) if asked.kind == "TOPIC" else again.server(asked)
    again.start()
    again.run(HOUR)
    equal([each.state for each in again.client.procedure("topics").subscriptions], ["subscribed"] * 8)


def test_a_server_that_goes_back_on_it():
    # an error notification ends the observation (RFC 7641 section 4.2): the device asks again
    scene = GroupScene(document()).start()
    scene.watch()
    equal(scene.notify(token(scene), b"no", 2, coap.NOT_FOUND).type, coap.ACK)
    scene.run(10 * SECOND)
    equal(len(scene.of("GROUP")), 2)
    equal(scene.told, [(PUMPS, "announced")])


def test_joining():
    # TS 24.544 clause 6.2.7: PUT on the own entry's resUri, registered, the rest as it was
    entry = member(messageFilter={"maxMsgs": 3}, memberConfig={"x": [1]})
    scene = GroupScene(document(details=[member("ue:b@x"), entry])).start()
    call = scene.call("groups", "join", PUMPS)
    equal((call.state, call.cause), ("done", None))
    equal(scene.requests(), [listed(), (coap.PUT, ENTRY, [])])
    put = scene.of("GROUP")[-1]
    equal(put.message.uint(coap.CONTENT_FORMAT, 99), 50)
    equal(put.message.type, coap.CON)
    entry["membershipState"] = {"registered": True}
    equal(put.body, entry)
    equal(scene.of("GROUP")[0].message.option(coap.OBSERVE), None)
    equal(scene.files, [])


def test_leaving():
    scene = GroupScene(document(details=[member(registered=True)])).start()
    scene.watch()
    call = scene.call("groups", "leave", PUMPS)
    equal(call.state, "done")
    equal(scene.requests()[1:], [listed(), (coap.DELETE, ENTRY, [])])
    equal(bytes(scene.of("GROUP")[-1].message.payload), b"")
    equal(scene.told, [(PUMPS, "announced"), (PUMPS, "left")])
    notified(scene, 2)
    equal(scene.told[2:], [])  # it is not gone as well


def test_left_without_a_watch_is_told():
    scene = GroupScene(document()).start()
    scene.call("groups", "leave", PUMPS)
    equal(scene.told, [(PUMPS, "left")])


def test_a_leave_whose_answer_was_lost():
    # the second DELETE finds nothing: that is what was wanted
    scene = GroupScene(document()).start()
    scene.server.code[coap.DELETE] = None
    call = scene.call("groups", "leave", PUMPS)
    equal(call.state, "waiting")
    scene.run(2 * MINUTE)
    scene.server.code[coap.DELETE] = coap.NOT_FOUND
    scene.run(5 * MINUTE)
    equal((call.state, scene.told), ("done", [(PUMPS, "left")]))


def test_who_the_members_are():
    scene = GroupScene(document()).start()
    scene.server.whole = document(
        members=[{"valUserId": "ue:a@x"}, {"valUeId": "imei-1"}, "ue:c@x", {"no": 1}, 7]
    )
    call = scene.call("groups", "members", PUMPS)
    equal((call.state, call.result), ("done", ["ue:a@x", "imei-1", "ue:c@x"]))
    equal(scene.requests(), [listed(), (coap.GET, ROOT + "/7", ["group-members=true", OWN])])


def test_the_members_by_their_entries():
    scene = GroupScene(document()).start()
    scene.server.whole = document(details=[member("ue:b@x"), member("ue:c@x")])
    equal(scene.call("groups", "members", PUMPS).result, ["ue:b@x", "ue:c@x"])


def test_a_member_by_its_ue_id():
    # a ValTargetUe may name the UE (valUeId) and not its user
    entry = member(memberId={"valUeId": "imei-1"})
    entry["resUri"] = ROOT + "/7/members/imei-1"
    scene = GroupScene(document(details=[entry]), ue_id="imei-1").start()
    scene.call("groups", "join", PUMPS)
    equal(scene.requests()[1:], [(coap.PUT, ROOT + "/7/members/imei-1", [])])


def test_where_a_resource_is():
    # an absolute URI, a path, what is below the root of the API; an entry without one is below the document
    for uri in (
        "coap://192.0.2.9:5683/su-gm/v1/group-documents/7",
        "group-documents/7",
        "/group-documents/7",
    ):
        found = document(details=[member(resUri=None)], resUri=uri)
        scene = GroupScene(found).start()
        scene.call("groups", "leave", PUMPS)
        equal(scene.requests()[1:], [(coap.DELETE, ENTRY, [])])
        equal(
            [each for each in scene.of("GROUP")[1].message.options if each[0] == coap.URI_PATH][-1][1],
            b"ue:a@x",
        )


def test_a_resource_elsewhere_is_not_touched():
    for uri in ("/msgin5g", "/su-uc/v1/x", "coap://x", "/su-gm/v1/%", 7, "/su-gm/../msgin5g"):
        scene = GroupScene(document(details=[member(resUri=uri)])).start()
        call = scene.call("groups", "leave", PUMPS)
        equal((call.state, call.cause[:31]), ("refused", "answer not understood, resUri: "[:31]))
        equal(len(scene.of("GROUP")), 1)


def test_no_such_group():
    scene = GroupScene(document(VALVES)).start()
    for what in ("join", "leave", "members"):
        call = scene.call("groups", what, PUMPS)
        equal(
            (call.state, call.cause), ("refused", "there is no such group, or this device is no member of it")
        )


def test_refusals_in_words():
    for code in (coap.FORBIDDEN, coap.NOT_FOUND):
        scene = GroupScene(document()).start()
        scene.server.code[coap.PUT] = code
        call = scene.call("groups", "join", PUMPS)
        equal((call.state, call.cause), ("refused", coap.code_text(code)))
        scene.run(HOUR)
        equal(len(scene.of("GROUP")), 2)


def test_a_server_that_cannot_now():
    # 5.03 and silence: again, as long as somebody waits
    scene = GroupScene(document()).start()
    scene.server.code[coap.PUT] = coap.SERVICE_UNAVAILABLE
    call = scene.call("groups", "join", PUMPS)
    equal(call.state, "waiting")
    scene.server.code[coap.PUT] = coap.CHANGED
    scene.run(10 * SECOND)
    equal(call.state, "done")


def test_a_withdrawn_call_is_not_asked_again():
    for documents in (None, coap.SERVICE_UNAVAILABLE):  # on the air; waiting for its turn
        scene = GroupScene(document()).start()
        scene.server.documents = documents
        call = scene.call("groups", "join", PUMPS)
        scene.call("groups", "withdraw", call)
        scene.call("groups", "withdraw", call)
        scene.run(HOUR)
        equal(len(scene.of("GROUP")), 1)
        scene.server.documents = [document()]
        equal(scene.call("groups", "join", PUMPS).state, "done")  # the air is free


def test_a_server_that_forgot_the_device():
    # 4.01: it registers anew, and asks again
    scene = GroupScene(document()).start()
    scene.server.documents = coap.UNAUTHORIZED
    call = scene.call("groups", "join", PUMPS)
    equal(scene.count["REG"], 2)
    scene.server.documents = [document()]
    scene.run(MINUTE)
    equal(call.state, "done")


def test_an_answer_that_is_too_long():
    # All own groups are more than is read (Size2 says so): then the group alone is asked for; where that is too long
    # as well the call goes on for who waits, in words.
    scene = GroupScene(document()).start()

    def answer(asked):
        if asked.kind != "GROUP":
            return scene.server(asked)
        queries = [value for number, value in asked.message.options if number == coap.URI_QUERY]
        if asked.message.code != coap.GET or (narrow and len(queries) == 2):
            return scene.server(asked)
        return coap.CONTENT, b"[" + b" " * 63, [(coap.BLOCK2, b"\x0a"), (coap.SIZE2, b"\x20\x00")]

    scene.answer = answer
    narrow = True
    call = scene.call("groups", "join", PUMPS)
    equal(call.state, "done")
    equal(scene.requests()[:2], [listed(), (coap.GET, ROOT, ["val-group-id=g:pumps@x", OWN])])
    narrow = False
    call = scene.call("groups", "join", PUMPS)
    equal((call.state, call.cause), ("waiting", "an answer that is too long, or changed on its way"))


class Always(Server):
    """It answers with these octets whatever it is asked about groups."""

    def __init__(self, octets):
        super().__init__()
        self.octets = octets

    def __call__(self, asked):
        return (coap.CONTENT, self.octets) if asked.kind == "GROUP" else super().__call__(asked)


def test_answers_that_are_none():
    for octets in (
        b"",
        b"x",
        b"7",
        b"[7]",
        b"\xff",
        b'[{"valGroupId":7}]',
        b'[{"valGroupId":""}]',
        b"[" * 40,
    ):
        scene = GroupScene().start()
        scene.answer = Always(octets)
        call = scene.call("groups", "join", PUMPS)
        equal((call.state, call.cause[:22]), ("refused", "answer not understood,"))
        watch = scene.watch()
        equal((watch.state, watch.cause[:22], scene.known), ("refused", "answer not understood,", []))
    for details in (7, [7], [{"memberId": 7}], {"memberId": "ue:a@x"}):
        scene = GroupScene(document(memberDetails=details)).start()
        scene.server.whole = []
        equal(scene.call("groups", "members", PUMPS).cause, "answer not understood, body: no document")
        scene.server.whole = document(memberDetails=details)
        equal(scene.call("groups", "members", PUMPS).state, "done")
        scene.watch()
        equal(scene.known, [(PUMPS, True)])


def test_a_notification_that_is_none():
    scene = GroupScene(document()).start()
    scene.watch()
    equal(scene.notify(token(scene), b"[7]", 2).type, coap.ACK)
    equal(scene.known, [(PUMPS, False)])
    scene.run(10 * SECOND)
    equal(len(scene.of("GROUP")), 2)  # it asks


def test_what_can_be_no_group():
    scene = GroupScene().start()
    for group in ("", 7, None, "a\n", "g" * 243):
        raises(ValueError, scene.client.call, "groups", "join", group, scene.tick)
    equal(len(scene.of("GROUP")), 0)


def test_so_many_calls_at_once():
    scene = GroupScene(document()).start()
    scene.server.documents = None
    for number in range(8):
        scene.call("groups", "join", "g:%d" % number)
    raises(msgin5g.GroupError, scene.client.call, "groups", "join", "g:8", scene.tick)


def test_a_storage_that_is_damaged_or_newer():
    for octets in (b"1\n[[", b"1\n[7,[8],[[]]]", b"x\n[[false]]", b""):
        scene = GroupScene(document())
        scene.storage.replace("groups", octets)
        GroupScene(document(), storage=scene.storage, seed=2).start()
    scene.storage.replace("groups", b"2\n[[false]]")
    again = GroupScene(document(), storage=scene.storage, seed=3).start()
    again.watch()
    equal(again.storage.read("groups", 0, 99), b"2\n[[false]]")


def test_small_datagrams_ask_for_small_blocks():
    # 512 octets a datagram: blocks of 256 (exponent 4), so that options and protection have room
    scene = GroupScene(document(), coap={"max_datagram": 512}).start()
    scene.watch()
    equal(scene.of("GROUP")[0].message.option(coap.BLOCK2), b"\x04")
