# SPDX-License-Identifier: MIT
"""Forms of the schemas of TS 24.538 that others send, and are understood: clauses 6.4.1.1.7, 6.5, 7.3."""

import coap
from common import equal
from msgin5g import FAILED
from msgin5g_scene import MINUTE, Scene, imdn, msg, segment, segrec

REPORT = '"isDelivStatReq":true,'


def refused(reply, code, why):
    equal((reply.code, bytes(reply.payload)), (code, why))


# --- segments ------------------------------------------------------------------------------------------------


def test_the_last_segment_flag_is_a_string():
    """Clause 7.3.4.1 gives it the type string and names no values: only words for no mean no."""
    for last, whole in (
        ('"1"', True),
        ('"true"', True),
        ('"TRUE"', True),
        ('"yes"', True),
        ('"last"', True),
        ("true", True),
        ("1", True),
        ('"0"', False),
        ('""', False),
        ('"False"', False),
        ('"false"', False),
        ("0", False),
        ("false", False),
        ("null", False),
    ):
        scene = Scene().start()
        equal(scene.post(segment(1, None, '"a"')).code, coap.CHANGED)
        equal(scene.post(segment(2, None, '"b"', last=last)).code, coap.CHANGED)
        message = scene.take()
        equal(message and message.payload, "ab" if whole else None)
    refused(
        Scene().start().post(segment(1, None, last="[]")), coap.BAD_REQUEST, b"lastSegFlag: not true or false"
    )


def each_its_own(number, **more):
    """A segment whose message ID is its own."""
    return segment(number, 3, '"%d"' % number, message_id="m-%d" % number, **more)


def test_each_segment_with_its_own_message_id():
    """The set is known by originator and set ID; the ID of segment 1 names the whole."""
    for order in ((1, 2, 3), (3, 2, 1), (2, 1, 3)):
        for restart in (None, 0, 1, 2):
            scene = Scene().start()
            for position, number in enumerate(order):
                equal(scene.post(each_its_own(number, more=REPORT if number == 1 else "")).code, coap.CHANGED)
                if position == restart:
                    scene = Scene(storage=scene.storage).start()
            message = scene.take()
            equal((message.message_id, message.payload, message.report_requested), ("m-1", "123", True))
            equal([each.body["msgId"] for each in scene.of("IMDN")], ["m-1"])
            # any of them again, over a restart as well: confirmed, and not taken for a new set
            scene = Scene(storage=scene.storage).start()
            for number in order:
                equal(scene.post(each_its_own(number)).code, coap.CHANGED)
            equal((scene.take(), len(scene.client._receiver._reassembly)), (None, 0))
            equal([each.body["result"] for each in scene.of("SEGCONFIR")], [True] * 3)
            # and another set of this originator is not confused with it
            scene.post(segment(1, 1, set_id="s-2", message_id="m-9"))
            equal(scene.take().message_id, "m-9")


def test_what_segment_1_says_holds_for_the_whole():
    """Also over a restart, where another one came first."""
    for restart in (False, True):
        scene = Scene().start()
        scene.post(segment(2, 3, '"b"'))
        scene.post(segment(1, 3, '"a"', more='"appId":"7","priority":"HIGH",' + REPORT))
        if restart:
            scene = Scene(storage=scene.storage).start()
        scene.post(segment(3, 3, '"c"'))
        message = scene.take()
        equal((message.payload, message.app_id, message.priority), ("abc", "7", "HIGH"))
        equal((message.report_requested, len(scene.of("IMDN"))), (True, 1))


def test_segment_numbers_in_more_than_one_pair_of_brackets():
    for text in (
        "(1-1),(2-2)",
        "(1-1), (2-2)",
        "(1-2)",
        "1-2",
        "(1,2)",
        "(1),(2)",
        " ( 1 - 1 ) , ( 2 - 2 ) ",
    ):
        scene = Scene().start()
        scene.send(payload="x" * 2000)
        scene.forget()
        set_id = scene.client.outbox.queue[0].segments.set_id
        equal(scene.post(segrec(set_id, text)).code, coap.CHANGED)
        equal([each.body["segParams"]["segNumb"] for each in scene.of("MSG")], [1, 2])


def test_a_set_that_is_given_up_is_an_event():
    """TS 23.554 clause 8.5.2 step 6: the application hears of it."""
    events = []
    scene = Scene().start()
    scene.on_event = lambda kind, subject: events.append(subject) if kind == FAILED else None
    scene.post(segment(1, 2))
    scene.run(MINUTE)
    equal(events, [("ue:b@x", "m-1", "segments are missing")])
    equal((scene.client.stats["given_up"], scene.take()), (1, None))
    # a server that holds nothing of it any more
    scene.answer = lambda asked: coap.NOT_FOUND if asked.kind == "SEGREC" else coap.CHANGED
    scene.post(segment(1, 2, set_id="s-2", message_id="m-2"))
    scene.run(MINUTE)
    equal(events[1:], [("ue:b@x", "m-2", "segments are missing")])
    # its room is taken by what others need, and what it turns out to be is no payload
    for more, why in (
        ('"%s"' % ("x" * 800), "there is no room for all of its segments"),
        ('"data:;base64,*"', "its payload is not base64"),
    ):
        del events[:]
        scene = Scene(segments={"bytes": 2048}).start()
        scene.on_event = lambda kind, subject: events.append(subject) if kind == FAILED else None
        scene.post(segment(1, None, '"data:;base64,%s"' % ("AAAA" * 200)))
        scene.post(segment(2, None, '"data:;base64,%s"' % ("AAAA" * 200)))
        scene.post(segment(3, None, more, last="true"))
        equal(events, [("ue:b@x", "m-1", why)])
        equal((scene.client.stats["given_up"], scene.files), (1, []))


# --- aggregates ----------------------------------------------------------------------------------------------


def test_what_is_outside_of_an_aggregate_holds_inside():
    """Clause 6.4.1.1.7 a 1: outer elements are copied into each message that has none of its own."""
    outer = '"appId":"7","priority":"HIGH",' + REPORT
    elements = '{"msgId":"e-1"},{"msgId":"e-2","appId":"8","priority":"LOW","isDelivStatReq":false}'
    scene = Scene().start()
    equal(scene.post(msg("outer", more='%s"msgList":[%s],' % (outer, elements))).code, coap.CHANGED)
    found = [scene.take(), scene.take()]
    equal(
        [(each.message_id, each.app_id, each.priority) for each in found],
        [("e-1", "7", "HIGH"), ("e-2", "8", "LOW")],
    )
    equal([each.report_requested for each in found], [True, False])
    equal([each.body["msgId"] for each in scene.of("IMDN")], ["e-1"])


def test_an_empty_aggregate():
    scene = Scene().start()
    refused(scene.post(msg(more='"msgList":[],')), coap.BAD_REQUEST, b"msgList: empty")
    body = imdn("m-1").replace(b'"DelSta":"success"', b'"msgList":[]')
    refused(scene.post(body), coap.BAD_REQUEST, b"msgList: empty")
    equal(scene.take(), None)


# --- members -------------------------------------------------------------------------------------------------


def test_an_address_without_its_type():
    scene = Scene().start()
    body = msg().replace(b'"oriAddrType":"UE",', b"").replace(b'"destAddrType":"UE",', b"")
    equal(scene.post(body).code, coap.CHANGED)
    message = scene.take()
    equal((message.sender, message.sender_type, message.to_type), ("ue:b@x", "UE", "UE"))


def test_several_application_ids():
    for text, app_id in (
        ('["7","8"]', ("7", "8")),
        ('["7"]', "7"),
        ("[]", None),
        ('"7"', "7"),
    ):
        for restart in (False, True):
            scene = Scene().start()
            equal(scene.post(msg(more='"appId":%s,' % text)).code, coap.CHANGED)
            if restart:
                scene = Scene(storage=scene.storage).start()
            equal(scene.take().app_id, app_id)
    refused(Scene().start().post(msg(more='"appId":["7",8],')), coap.BAD_REQUEST, b"appId: not a string")


def test_a_message_to_several_applications():
    for app_id in (["7", "8"], ("7", "8")):
        scene = Scene(lambda asked: None).start()
        scene.send(app_id=app_id)
        scene = Scene(storage=scene.storage).start()
        equal(scene.of("MSG")[0].body["appId"], ["7", "8"])


def test_words_for_people_bring_no_lines_of_their_own():
    """What is printed on a console comes from outside: a cause, or the diagnostic payload of an error."""
    scene = Scene(lambda asked: (coap.FORBIDDEN, "no\n\x1b[2Jregistered \u009b \u00e4".encode())).start()
    equal(scene.client.registration.cause, "4.03 no??[2Jregistered ? \u00e4")
    scene = Scene().start()
    outgoing = scene.send(report=True)
    scene.post(imdn(outgoing.message_id, "failure", cause="no\\nregistered\\u0000\\u007f"))
    equal(outgoing.cause, "no?registered??")
