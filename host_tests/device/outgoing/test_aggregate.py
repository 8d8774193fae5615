# SPDX-License-Identifier: MIT
# heap: 512k, the peer, all that was sent to it and the flash of the board lie in it too
"""Small messages that go out together: TS 24.538 clause 6.4.1.1.3, docs/wire-profile.md, "Aggregation"."""

import coap
from common import equal
from msgin5g.outgoing.together import Aggregate
from msgin5g.security import overhead, request
from msgin5g.store.message import Message
from msgin5g.store.message_store import MessageStore
from msgin5g.wire import aggregates
from msgin5g_scene import DAY, HOUR, MINUTE, SECOND, Scene, agree, answering, clean, imdn, max_age, msgresp

TEN = {"wait": 10}
ONCE = {"max_retransmit": 0}  # a request without an answer comes once only


def started(answer=agree, **more):
    return Scene(answer, aggregation=TEN, **more).start()


def values(asked):
    """The payloads that a request carries, one that is no aggregate in a list of one."""
    body = asked.body
    if "msgList" not in body:
        return [body.get("payload")]
    equal(body["totalMsgCount"], len(body["msgList"]))
    return [element["payload"] for element in body["msgList"]]


def went(scene):
    return [values(asked) for asked in scene.of("MSG")]


def send(scene, *payloads, **options):
    return [scene.send(payload=payload, **options) for payload in payloads]


def states(messages):
    return [each.state for each in messages]


# --- when -------------------------------------------------------------------------------------------------------


def test_messages_wait_for_each_other():
    scene = started()
    messages = send(scene, "1")
    scene.run(4 * SECOND)
    messages += send(scene, "2", "3")
    scene.run(5 * SECOND)
    equal((went(scene), states(messages)), ([], ["queued"] * 3))
    scene.run(SECOND)
    equal((went(scene), states(messages)), ([["1", "2", "3"]], ["accepted"] * 3))
    clean(scene)


def test_they_go_when_they_are_as_many_as_may_be():
    scene = Scene(aggregation={"wait": 10, "messages": 3}).start()
    send(scene, "1", "2", "3", "4")
    equal(went(scene), [["1", "2", "3"]])
    scene.run(10 * SECOND)
    equal(went(scene), [["1", "2", "3"], ["4"]])


def test_one_alone_goes_as_a_message():
    scene = started()
    outgoing = scene.send(payload="1", app_id="7")
    scene.run(10 * SECOND)
    body = scene.of("MSG")[0].body
    equal((body["msgId"], body["payload"], body["appId"]), (outgoing.message_id, "1", "7"))
    equal("msgList" in body or "totalMsgCount" in body, False)


def test_by_default_nothing_waits():
    scene = Scene().start()
    send(scene, "1", "2")
    equal(went(scene), [["1"], ["2"]])


def test_one_that_cannot_join_lets_them_go():
    for payload, options in (
        ("urgent", {"priority": "HIGH"}),
        ("", {}),
        (b"", {}),
        ("x" * 3000, {}),
        ("y", {"store_forward": True}),
        ("z", {"volatile": True}),
    ):
        scene = started()
        send(scene, "1", "2")
        scene.send(payload=payload, **options)
        equal(went(scene)[0], ["1", "2"])
        scene.run(10 * SECOND)
        assert all("msgList" not in asked.body for asked in scene.of("MSG")[1:])


def test_what_goes_to_others_neither_joins_nor_lets_go():
    scene = started()
    send(scene, "1")
    send(scene, "2", to="ue:c@x")
    send(scene, "3", to_type="AS")
    send(scene, "4")
    equal(went(scene), [])
    scene.run(10 * SECOND)
    equal(sorted(went(scene)), [["1", "4"], ["2"], ["3"]])


def test_the_same_expiry_joins_and_another_does_not():
    scene = started(clock=lambda: 1700000000)
    send(scene, "1", "2", store_forward=True, expires=60)
    send(scene, "3", store_forward=True, expires=61)
    equal(went(scene), [["1", "2"]])
    body = scene.of("MSG")[0].body
    equal((body["sfFlag"], body["sfParam"]), (True, {"expireTime": "2023-11-14T22:14:20Z"}))


def test_a_full_outbox_waits_for_nobody():
    """An application must not be refused for what waits by itself: by the number of messages, and by their octets."""
    scene = Scene(aggregation={"wait": 3600}, outbox={"messages": 8}).start()
    messages = [scene.send("ue:%d@x" % number, "1") for number in range(7)]
    equal(went(scene), [])
    messages += [scene.send("ue:%d@x" % number, "1") for number in range(7, 20)]  # no OutboxFull
    equal(states(messages), ["accepted"] * 13 + ["queued"] * 7)
    scene = Scene(aggregation={"wait": 3600}, outbox={"bytes": 1000}).start()
    messages = send(scene, "x" * 250, "y" * 250)
    equal(went(scene), [])
    messages.append(scene.send("ue:c@x", "z"))
    equal((len(went(scene)), states(messages)), (1, ["accepted", "accepted", "queued"]))
    scene.run(3600 * SECOND)
    equal(states(messages), ["accepted"] * 3)


def test_one_that_finds_no_memory_to_be_measured_goes_singly():
    scene = started()

    def starved(outgoing):
        raise MemoryError

    scene.client.procedure("sender")._element = starved
    messages = send(scene, "1", "2")
    equal((went(scene), states(messages)), ([["1"], ["2"]], ["accepted"] * 2))
    equal(scene.client.stats["starved"], 0)


def test_hurry_lets_all_go_until_the_outbox_is_empty():
    scene = started(answering(None, coap.CHANGED), coap=ONCE)
    send(scene, "1", "2")
    scene.call("sender", "hurry")
    equal(went(scene), [["1", "2"]])
    send(scene, "3")  # while the line is busy
    scene.run(5 * MINUTE)
    equal(went(scene)[-1], ["3"])
    scene.forget()
    send(scene, "4")
    equal(went(scene), [])
    scene.run(10 * SECOND)
    equal(went(scene), [["4"]])


def test_the_deadline_knows_of_the_wait():
    scene = started()
    idle = scene.client.next_deadline() % (1 << 29)
    send(scene, "1")
    scene.run(3 * SECOND)
    send(scene, "2")
    equal((scene.client.next_deadline() - scene.tick) % (1 << 29), 7 * SECOND)
    scene.run(7 * SECOND)
    equal(scene.client.next_deadline() % (1 << 29), idle)


def test_who_cannot_send_anyway_is_not_woken():
    scene = Scene(lambda asked: None, aggregation=TEN, coap={"max_retransmit": 0}).start()
    scene.run(4 * SECOND)
    before = scene.client.next_deadline()
    send(scene, "1", "2")
    equal(scene.client.next_deadline(), before)
    scene = started(answering((coap.SERVICE_UNAVAILABLE, b"", max_age(100))))
    scene.send(payload="0", priority="HIGH")
    send(scene, "1", "2")
    equal((scene.client.next_deadline() - scene.tick) % (1 << 29), 100 * SECOND)


# --- what -------------------------------------------------------------------------------------------------------


def test_the_body():
    """Clause 6.4.1.1.3: as a message, without a payload, with the number and the list. What an element may say is said
    by each for itself."""
    scene = started()
    first = scene.send(payload="1", app_id="7", report=True, priority="LOW")
    second = scene.send(payload=b"\x00\xff", app_id=["8", "9"])
    scene.run(10 * SECOND)
    body = scene.of("MSG")[0].body
    outer = body.pop("msgId")
    equal((len(outer), outer in (first.message_id, second.message_id)), (36, False))
    equal(
        body,
        {
            "msgIden": "urn:3gpp:msgin5g",
            "msgType": "MSG",
            "oriAddr": {"oriAddrType": "UE", "addr": "ue:a@x"},
            "destAddr": {"destAddrType": "UE", "addr": "ue:b@x"},
            "sfFlag": False,
            "totalMsgCount": 2,
            "msgList": [
                {
                    "msgId": first.message_id,
                    "appId": "7",
                    "isDelivStatReq": True,
                    "priority": "LOW",
                    "payload": "1",
                },
                {"msgId": second.message_id, "appId": ["8", "9"], "payload": "data:;base64,AP8="},
            ],
        },
    )


def test_confirmable_where_one_wants_a_report():
    for report, type in ((False, coap.NON), (True, coap.CON)):
        scene = started(coap={"confirmable": "spec"})
        send(scene, "1")
        send(scene, "2", report=report)
        scene.run(10 * SECOND)
        equal(scene.of("MSG")[0].message.type, type)


def test_all_fit_the_datagram_to_the_octet():
    """With and without OSCORE; quotes count with their escapes."""
    _fit({"mode": "none"})
    _fit({"master_secret": "000102030405060708090a0b0c0d0e0f", "sender_id": "01", "recipient_id": "02"})


def _fit(security):
    scene = Scene(aggregation={"wait": 10, "messages": 255}, security=security)
    sender, config = scene.client.procedure("sender"), scene.client.config
    for number in range(20):
        scene.client.send("ue:b@x", ('"%d' % number) * 13, scene.tick)
    queue = scene.client.outbox.queue
    elements = sender._gathered()["UE", "ue:b@x"][2]
    equal(elements, queue[: len(elements)])

    def size(count):
        outer = Aggregate(queue[0].message_id, queue[:count])
        body = aggregates.join(sender._head(outer), [sender._element(each) for each in queue[:count]])
        token = 4  # octets
        return len(coap.encode(request(config, body, True))) + token + overhead(config)

    assert size(len(elements)) <= 1152 < size(len(elements) + 1)


def test_the_datagram_is_not_exceeded():
    for size in (512, 640, 1152):
        scene = Scene(
            aggregation={"wait": 10, "messages": 255}, coap={"max_datagram": size}, segments={"size": 2048}
        ).start()
        for number in range(30):
            scene.send(payload=("%d" % number) * (number + 1))
        scene.run(10 * SECOND)
        sizes = [len(asked.datagram) for asked in scene.of("MSG")]
        assert max(sizes) <= size, sizes
        joined = [asked for asked in scene.of("MSG")[:-1] if "msgList" in asked.body]
        assert max([len(asked.datagram) for asked in joined]) > size - 130, sizes
        equal(sum(went(scene), []), [("%d" % number) * (number + 1) for number in range(30)])


def test_the_limit_of_a_segment_holds_for_the_list():
    scene = Scene(aggregation={"wait": 10, "messages": 255}, segments={"size": 200}).start()
    send(scene, *["%d" % number * 20 for number in range(9)])
    scene.run(10 * SECOND)
    for asked in scene.of("MSG"):
        octets = asked.octets
        start = octets.find(b"[")
        assert start < 0 or octets.rfind(b"]") + 1 - start <= 200
    equal([len(each) for each in went(scene)], [2, 2, 2, 2, 1])


def test_many_destinations_have_their_own():
    scene = started()
    for number in range(4):
        send(scene, "%d" % number, to="group:g@x", to_type="GROUP", report=True)
        send(scene, "%d" % number, to="news", to_type="TOPIC")
    scene.run(10 * SECOND)
    equal(went(scene), [["0", "1", "2", "3"]] * 2)
    types = [asked.body["destAddr"]["destAddrType"] for asked in scene.of("MSG")]
    equal(sorted(types), ["GROUP", "TOPIC"])


# --- what comes back ----------------------------------------------------------------------------------------------


def test_reports_name_elements():
    scene = started()
    messages = send(scene, "1", "2", "3", report=True)
    scene.run(10 * SECOND)
    equal(states(messages), ["accepted"] * 3)
    scene.post(imdn(messages[1].message_id))
    scene.post(imdn(messages[2].message_id, "failure", cause="no"))
    equal(states(messages), ["accepted", "delivered", "failed"])
    scene.run(2 * DAY)
    equal(messages[0].state, "accepted")
    clean(scene)


def test_a_response_with_the_id_of_the_whole_is_for_all():
    for restart in (False, True):
        scene = started()
        messages = send(scene, "1", "2", report=True)
        scene.run(10 * SECOND)
        outer = scene.of("MSG")[0].body["msgId"]
        if restart:
            scene.client.flush()
            scene = started(storage=scene.storage, seed=9)
            messages = scene.client.outbox.waiting[:]
        equal(states(messages), ["accepted"] * 2)
        equal(scene.post(msgresp(outer.upper(), more=',"Cause":"not there"')).code, coap.CHANGED)
        equal([(each.state, each.cause) for each in messages], [("failed", "not there")] * 2)
        equal(scene.client.stats["unexpected"], 0)
        scene.post(msgresp(outer))
        equal(scene.client.stats["unexpected"], 1)


def test_a_response_with_the_id_of_an_element_is_for_that_one():
    scene = started()
    messages = send(scene, "1", "2", report=True)
    scene.run(10 * SECOND)
    scene.post(msgresp(messages[0].message_id))
    equal(states(messages), ["failed", "accepted"])


def test_stored_for_all():
    scene = started()
    messages = send(scene, "1", "2", report=True, store_forward=True)
    scene.run(10 * SECOND)
    scene.post(msgresp(scene.of("MSG")[0].body["msgId"], '"DelSta":"stored for deferred delivery"'))
    equal(states(messages), ["stored"] * 2)


def test_a_final_error_dissolves_it():
    """One bad element must not take the rest along: each goes by itself, in order."""

    def answer(asked):
        if asked.kind == "MSG" and ("msgList" in asked.body or asked.body["payload"] == "2"):
            return coap.BAD_REQUEST, b"payload: bad"
        return agree(asked)

    scene = started(answer)
    messages = send(scene, "1", "2", "3")
    scene.run(10 * SECOND)
    equal(went(scene), [["1", "2", "3"], ["1"], ["2"], ["3"]])
    equal(states(messages), ["accepted", "failed", "accepted"])
    equal(messages[1].cause, "4.00 payload: bad")
    clean(scene)


def test_a_dissolved_one_is_not_joined_again_after_a_restart():
    left = [(coap.BAD_REQUEST, b""), None]
    scene = started(lambda asked: left.pop(0) if asked.kind == "MSG" and left else agree(asked))
    send(scene, "1", "2", "3")
    scene.run(10 * SECOND)
    equal(went(scene), [["1", "2", "3"], ["1"]])
    scene = started(storage=scene.storage, seed=9)
    scene.run(MINUTE)
    equal(went(scene), [["1"], ["2"], ["3"]])


def test_what_is_tried_again_is_the_same():
    for said in (None, "reset", (coap.SERVICE_UNAVAILABLE, b"", max_age(60)), coap.UNAUTHORIZED):
        scene = started(answering(said, said, coap.CHANGED), coap=ONCE)
        messages = send(scene, "1", "2")
        scene.run(10 * SECOND)
        first = scene.of("MSG")[0].octets
        send(scene, "3")
        scene.run(HOUR)
        octets = [asked.octets for asked in scene.of("MSG")]
        equal([each == first for each in octets], [True, True, True, False])
        equal((went(scene)[3], states(messages)), (["3"], ["accepted"] * 2))


def test_the_back_off_is_that_of_one():
    scene, one = (
        Scene(answering((coap.SERVICE_UNAVAILABLE, b"")), **more) for more in ({"aggregation": TEN}, {})
    )
    for each in (scene, one):
        each.start()
        send(each, "1")
    send(scene, "2")
    for each in (scene, one):
        each.run(10 * SECOND)
        each.forget()
        each.run(HOUR)
    equal(abs(len(scene.of("MSG")) - len(one.of("MSG"))) < 3, True)


def test_a_report_before_the_answer():
    """Of one: it is done, and the others still wait for the answer; without one they are sent singly."""
    scene = started(answering(None, coap.CHANGED), coap=ONCE)
    messages = send(scene, "1", "2", "3", report=True)
    scene.run(10 * SECOND)
    scene.post(imdn(messages[1].message_id))
    equal(states(messages), ["sent", "delivered", "sent"])
    scene.run(5 * MINUTE)
    equal(states(messages), ["accepted", "delivered", "accepted"])
    equal(sum(went(scene)[1:], []), ["1", "3"])


def test_reports_of_all_before_the_answer():
    scene = started(answering(None, coap.CHANGED), coap=ONCE)
    messages = send(scene, "1", "2", report=True)
    following = scene.send(payload="x" * 3000)
    for each in messages:
        scene.post(imdn(each.message_id))
    equal(states(messages), ["delivered"] * 2)
    scene.run(HOUR)
    # the slot on the air was free for its segments
    cut = [each.body.get("isSegmented", False) for each in scene.of("MSG")]
    equal((following.state, cut), ("accepted", [False] + [True] * (len(cut) - 1)))
    clean(scene)


# --- expiry -------------------------------------------------------------------------------------------------------


def test_who_expires_before_it_goes_is_not_in_it():
    scene = started()
    messages = send(scene, "1", expires=5) + send(scene, "2", "3")
    scene.run(10 * SECOND)
    equal((states(messages), went(scene)), (["expired", "accepted", "accepted"], [["2", "3"]]))


def test_who_went_out_in_it_does_not_leave_it():
    scene = started(answering(None, None, coap.CHANGED), coap=ONCE)
    messages = send(scene, "1", expires=30) + send(scene, "2")
    scene.run(10 * MINUTE)
    equal(went(scene), [["1", "2"]] * 3)
    octets = [asked.octets for asked in scene.of("MSG")]
    equal(octets[1:], octets[:1] * 2)
    equal(states(messages), ["accepted"] * 2)


def test_it_expires_with_the_last():
    scene = started(answering(None))
    messages = send(scene, "1", expires=30) + send(scene, "2", expires=300)
    scene.run(299 * SECOND)
    equal(states(messages), ["sent"] * 2)
    scene.run(SECOND)
    equal(states(messages), ["expired"] * 2)
    scene.forget()
    scene.run(HOUR)
    equal(went(scene), [])
    clean(scene)


# --- restarts -------------------------------------------------------------------------------------------------------


def test_a_restart_repeats_exactly_it():
    for more in ({"aggregation": TEN}, {}):  # switched off meanwhile, too
        scene = started(answering(None))
        send(scene, "1", "2", report=True)
        scene.run(10 * SECOND)
        send(scene, "3")
        first = scene.of("MSG")[0].octets
        scene = Scene(storage=scene.storage, seed=9, **more).start()
        equal(scene.of("MSG")[0].octets, first)
        equal(went(scene), [["1", "2"], ["3"]])


def test_of_two_records_of_a_message_the_newer_one_counts():
    """The memory ended behind the first."""
    scene = started(answering(None))
    sender = scene.client.procedure("sender")
    join = sender._join

    def starved(aggregate):
        sender._join = join
        raise MemoryError

    sender._join = starved
    send(scene, "1", "2", expires=3600)
    scene.run(10 * SECOND)
    equal((went(scene), scene.client.stats["starved"]), ([["1", "2"]], 1))
    first = scene.of("MSG")[0].octets
    left = [None, coap.CHANGED]
    scene = started(
        lambda asked: left.pop(0) if asked.kind == "MSG" and left else agree(asked),
        storage=scene.storage,
        seed=9,
        coap=ONCE,
    )
    scene.run(HOUR)
    equal(([asked.octets for asked in scene.of("MSG")], scene.client.stats["starved"]), ([first] * 2, 0))
    clean(scene)
    equal(scene.client.procedure("sender")._aggregates, [])


def test_nothing_goes_out_before_its_record():
    """Where the storage refuses it, each goes by itself, which needs no record."""
    scene = started()
    messages = send(scene, "1", "2")
    storage = scene.storage
    append = storage.append

    def refuse(name, octets):
        raise OSError(28)

    storage.append = refuse
    scene.run(10 * SECOND)
    storage.append = append
    equal((went(scene), states(messages)), ([["1"], ["2"]], ["accepted"] * 2))


def test_what_waited_when_the_power_went_goes_at_once():
    scene = started()
    send(scene, "1", "2")
    scene = started(storage=scene.storage, seed=9)
    equal(went(scene), [["1", "2"]])


def test_volatile_ones_join_each_other_and_are_forgotten():
    scene = started(answering(None))
    send(scene, "1", "2", volatile=True)
    scene.run(10 * SECOND)
    equal(went(scene), [["1", "2"]])
    equal(scene.storage.names(), [])
    scene = started(storage=scene.storage, seed=9)
    scene.run(MINUTE)
    equal(went(scene), [])


def test_the_record_outlives_the_log_segments():
    scene = started(answering(None))
    scene.client.journal.SEGMENT = 600
    send(scene, "1", "2", report=True)
    scene.run(10 * SECOND)
    first = scene.of("MSG")[0].octets
    for number in range(20):
        scene.send("ue:c@x", "w" * 150, priority="HIGH")
        scene.post(imdn("%d" % number))
        if len(scene.client.outbox.queue) > 6:  # few, as flash lies in the heap here
            for each in scene.client.outbox.queue[2:]:
                scene.client.sender.end(each, "failed", "enough", scene.tick)
    assert "log-1" not in scene.storage.names() and "log-3" not in scene.storage.names()
    scene = started(storage=scene.storage, seed=9)
    scene.run(MINUTE)
    equal([asked.octets for asked in scene.of("MSG") if "msgList" in asked.body], [first])


def test_the_record_outlives_what_is_written_before_it_is_taken_up():
    """As by a message whose last segment came before the power went."""
    scene = started(answering(None))
    send(scene, "1", "2", report=True)
    scene.run(10 * SECOND)
    first = scene.of("MSG")[0].octets
    store = MessageStore(scene.storage)
    store.journal.SEGMENT = 600
    store.recover()
    for number in range(20):
        message = Message("ue:b@x", "UE", "ue:a@x", "UE", "m-%d" % number, None, None, False)
        store.received(message, b"w" * 150, False)
        store.taken(message)
    assert "log-1" not in scene.storage.names()
    scene = started(storage=scene.storage, seed=9)
    equal([asked.octets for asked in scene.of("MSG")], [first])


# --- other errors ---------------------------------------------------------------------------------------------------


def test_a_payload_that_is_gone_takes_none_along():
    scene = started()
    messages = send(scene, "1", "2", "3")

    def gone(offset, size):
        raise OSError("gone")

    messages[1].source.read = gone
    scene.run(10 * SECOND)
    equal(states(messages), ["accepted", "failed", "accepted"])
    equal(sorted(sum(went(scene), [])), ["1", "3"])


def test_many_messages_keep_their_order():
    scene = Scene(aggregation={"wait": 10, "messages": 3}).start()
    sent = []
    for number in range(40):
        options = {"priority": "HIGH"} if number % 5 == 0 else {"volatile": True} if number % 7 == 0 else {}
        sent.append("%d" % number)
        scene.MAX_ASKED = 100
        scene.send(payload=sent[-1], **options)
        if number % 11 == 0:
            scene.run(SECOND)
    scene.run(10 * SECOND)
    equal(sum(went(scene), []), sent)
