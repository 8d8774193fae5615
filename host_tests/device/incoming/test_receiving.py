# SPDX-License-Identifier: MIT
"""What the device answers to requests, and what becomes of the messages: TS 24.538 clauses 6.4.1.1.6 to .9."""

import coap
from common import equal
from msgin5g_scene import MINUTE, PEER, SECOND, Scene, agree, always, imdn, max_age, msg, segment

REPORT = '"isDelivStatReq":true,'


def refused(reply, code, why):
    equal((reply.code, bytes(reply.payload)), (code, why))


# --- messages ----------------------------------------------------------------------------------------------


def test_a_message():
    scene = Scene().start()
    reply = scene.post(msg(more='"appId":"7","priority":"HIGH",' + REPORT))
    equal((reply.code, bytes(reply.payload), scene.arrivals), (coap.CHANGED, b"", 1))
    message = scene.take()
    equal((message.payload, message.size, list(message.chunks())), ("hi", 2, ["hi"]))
    equal(
        (message.sender, message.sender_type, message.to, message.to_type), ("ue:b@x", "UE", "ue:a@x", "UE")
    )
    equal(
        (message.message_id, message.app_id, message.priority, message.report_requested),
        ("m-1", "7", "HIGH", True),
    )
    equal(scene.take(), None)


def test_members_that_are_left_out():
    scene = Scene().start()
    body = (
        msg().replace(b',"sfFlag":false', b"").replace(b',"payload":"hi"', b"").replace(b'"UE"', b'"AS"', 1)
    )
    equal(scene.post(body).code, coap.CHANGED)
    message = scene.take()
    equal((message.sender_type, message.app_id, message.priority), ("AS", None, "NORMAL"))
    equal((message.report_requested, message.payload, message.size), (False, "", 0))


def test_forms_that_are_read_kindly():
    for more, priority in (
        ('"priority":"MEDIUM",', "NORMAL"),
        ('"priority ":"MIDDLE",', "NORMAL"),
        ('"priority":null,', "NORMAL"),
        ('"priority":"LOW","secCred":{},"sfParam":7,"unknown":[[]],', "LOW"),
        ('"isSegmented":"false","segParams":null,"oriDestAddr":null,"msgList":null,', "NORMAL"),
    ):
        scene = Scene().start()
        equal(scene.post(msg(more=more)).code, coap.CHANGED)
        equal(scene.take().priority, priority)
    scene = Scene().start()
    scene.post(msg(more='"isDelivStatReq ":"True",'), format=None)
    equal(scene.take().report_requested, True)


def test_octets_and_characters():
    scene = Scene().start()
    for number, (value, payload, size) in enumerate(
        (
            ('"data:;base64,AP9oaQ=="', b"\x00\xffhi", 4),
            ('"data:;base64,"', b"", 0),
            ('"\\ud83d\\ude00 \\u00e4\\n"', "\U0001f600 \u00e4\n", 8),
            ('"\U0001f600"', "\U0001f600", 4),
            ('"data:text/plain,x"', "data:text/plain,x", 17),
        )
    ):
        equal(scene.post(msg("m-%d" % number, value)).code, coap.CHANGED)
        message = scene.take()
        equal((message.payload, message.size), (payload, size))


def test_a_message_again():
    scene = Scene().start()
    for _ in range(3):
        equal(scene.post(msg(more=REPORT)).code, coap.CHANGED)
    equal(scene.take().payload, "hi")
    equal((scene.take(), scene.arrivals, scene.count["IMDN"]), (None, 1, 1))
    equal((scene.client.stats["received"], scene.client.stats["repeated"]), (1, 2))


def test_64_message_ids_are_remembered():
    scene = Scene().start()
    for number in range(64):
        scene.post(msg("m-%d" % number))
        scene.take()
    scene.post(msg("m-0"))
    equal(scene.take(), None)
    scene.post(msg("m-64"))
    scene.take()
    scene.post(msg("m-0"))
    equal(scene.take().message_id, "m-0")


def test_a_group_and_a_topic():
    scene = Scene().start()
    scene.post(msg(more='"oriDestAddr":{"destAddrType":"GROUP","addr":"group:all@x"},'))
    message = scene.take()
    equal((message.to, message.to_type, message.sender), ("group:all@x", "GROUP", "ue:b@x"))
    body = msg("m-2").replace(
        b'"destAddrType":"UE","addr":"ue:a@x"', b'"destAddrType":"TOPIC","addr":"weather"'
    )
    scene.post(body)
    message = scene.take()
    equal((message.to, message.to_type), ("weather", "TOPIC"))


def aggregated(elements, more=""):
    return msg("outer", '"no"', more='%s"msgList":[%s],' % (more, ",".join(elements)))


def test_an_aggregated_message():
    scene = Scene(ue_service_id="ue:a@x").start()
    elements = (
        '{"msgId":"e-1","payload":"one","appId":"1","isDelivStatReq":true}',
        '{"msgId":"e-2","payload":"data:;base64,AA==","priority":"LOW"}',
        '{"msgId":"e-1","payload":"again"}',
    )
    equal(scene.post(aggregated(elements, '"totalMsgCount":3,')).code, coap.CHANGED)
    first, second = scene.take(), scene.take()
    equal((first.message_id, first.payload, first.app_id, first.sender), ("e-1", "one", "1", "ue:b@x"))
    equal((second.message_id, second.payload, second.priority), ("e-2", b"\x00", "LOW"))
    equal((scene.take(), [each.body["msgId"] for each in scene.of("IMDN")]), (None, ["e-1"]))
    # again: acknowledged, even where the inbox is full
    equal(scene.post(aggregated(elements)).code, coap.CHANGED)
    equal(scene.take(), None)


def test_an_aggregated_message_keeps_its_order():
    scene = Scene().start()
    names = ["e-%d" % (number * 7 % 9) for number in range(9)]
    equal(scene.post(aggregated(['{"msgId":"%s"}' % name for name in names])).code, coap.CHANGED)
    equal([scene.take().message_id for _ in names], names)


def test_an_aggregated_message_that_does_not_fit_or_is_wrong():
    scene = Scene(inbox={"messages": 2}).start()
    elements = ['{"msgId":"e-%d"}' % number for number in range(3)]
    refused(
        scene.post(aggregated(elements)),
        coap.REQUEST_ENTITY_TOO_LARGE,
        b"msgList: the inbox holds 2 messages",
    )
    scene.post(msg())
    equal(scene.post(aggregated(elements[:2])).code, coap.SERVICE_UNAVAILABLE)
    # one that is wrong: none is taken
    refused(scene.post(aggregated(['{"msgId":"e-1"}', "{}"])), coap.BAD_REQUEST, b"msgId: missing")
    refused(scene.post(aggregated(["7"])), coap.BAD_REQUEST, b"msgList: not an array of objects")
    refused(
        scene.post(aggregated(elements[:1], '"totalMsgCount":2,')),
        coap.BAD_REQUEST,
        b"totalMsgCount: is not the length of msgList",
    )
    scene.take()
    equal(scene.take(), None)


# --- refusals ------------------------------------------------------------------------------------------------


def test_a_full_inbox_asks_to_come_later():
    scene = Scene(inbox={"messages": 2}).start()
    scene.post(msg("m-1"))
    scene.post(segment(1, 2, set_id="s", message_id="m-2"))
    for body in (msg("m-3"), segment(1, 2, set_id="t", message_id="m-3")):
        reply = scene.post(body)
        refused(reply, coap.SERVICE_UNAVAILABLE, b"the inbox is full")
        equal(reply.uint(coap.MAX_AGE), 10)
    # what goes on is let in, and a repeat is acknowledged
    equal(scene.post(segment(2, 2, set_id="s", message_id="m-2")).code, coap.CHANGED)
    equal(scene.post(msg("m-1")).code, coap.CHANGED)
    scene.take()
    equal(scene.post(msg("m-3")).code, coap.CHANGED)
    equal(scene.client.stats["refused"], 2)


def test_other_path_method_and_format():
    scene = Scene().start()
    for named, code, why in (
        ({"path": "/other"}, coap.NOT_FOUND, b"only /msgin5g"),
        ({"path": "/msgin5g/x"}, coap.NOT_FOUND, b"only /msgin5g"),
        ({"path": "/"}, coap.NOT_FOUND, b"only /msgin5g"),
        ({"code": coap.GET}, coap.METHOD_NOT_ALLOWED, b"only POST"),
        ({"code": coap.PUT}, coap.METHOD_NOT_ALLOWED, b"only POST"),
        ({"code": coap.DELETE}, coap.METHOD_NOT_ALLOWED, b"only POST"),
        ({"format": 0}, coap.UNSUPPORTED_CONTENT_FORMAT, b"only application/json (50)"),
        ({"format": 60}, coap.UNSUPPORTED_CONTENT_FORMAT, b"only application/json (50)"),
    ):
        refused(scene.post(msg(), **named), code, why)
    equal(scene.take(), None)


def test_malformed_bodies_name_the_member():
    scene = Scene().start()
    good = msg()
    for old, new, why in (
        (good, b"", b"body: not JSON in UTF-8"),
        (good, b"{]}", b"body: not JSON in UTF-8"),
        (good, b"[]", b"body: not a JSON object"),
        (good, b"7", b"body: not a JSON object"),
        (b'"hi"', b'"\xff"', b"body: not JSON in UTF-8"),
        (b'"hi"', b'"\\ud83d"', b"body: not JSON in UTF-8"),
        (b'"hi"', b'"\\ude00"', b"body: not JSON in UTF-8"),
        (b"urn:3gpp:msgin5g", b"urn:other", b"msgIden: not urn:3gpp:msgin5g"),
        (b'"msgIden"', b'"x"', b"msgIden: missing"),
        (b'"msgType"', b'"x"', b"msgType: missing"),
        (b'"MSG"', b'"GSM"', b"msgType: unknown"),
        (b'"MSG"', b"null", b"msgType: missing"),
        (b'"m-1"', b'""', b"msgId: empty"),
        (b'"m-1"', b"1", b"msgId: not a string"),
        (b'"m-1"', b'"%s"' % (b"x" * 65), b"msgId: longer than 64 octets"),
        (b'{"oriAddrType":"UE","addr":"ue:b@x"}', b'"ue:b@x"', b"oriAddr: not an object"),
        (b'"oriAddrType":"UE"', b'"oriAddrType":"GROUP"', b"oriAddr.oriAddrType: not one of UE, AS"),
        (b'"ue:b@x"', b'""', b"oriAddr.addr: empty"),
        (b'"ue:b@x"', b'"%s"' % (b"x" * 256), b"addr: longer than 255 octets"),
        (b'"destAddr"', b'"d"', b"destAddr: missing"),
        (b'"hi"', b"{}", b"payload: not a string"),
        (b'"hi"', b'"data:;base64,*"', b"payload: not base64"),
        (b'"sfFlag":false', b'"priority":"FAST"', b"priority: not one of HIGH, NORMAL, LOW"),
        (b'"sfFlag":false', b'"appId":7', b"appId: not a string"),
        (b'"sfFlag":false', b'"isDelivStatReq":1', b"isDelivStatReq: not true or false"),
        (b'"sfFlag":false', b'"isSegmented":true', b"segParams: missing"),
        (b'"sfFlag":false', b'"segParams":{"segNumb":1}', b"segId: missing"),
        (b'"sfFlag":false', b'"segParams":{"segId":"s"}', b"segNumb: missing"),
        (
            b'"sfFlag":false',
            b'"segParams":{"segId":"s","segNumb":1.5}',
            b"segNumb: not an integer from 0 to 2147483647",
        ),
    ):
        refused(scene.post(good.replace(old, new)), coap.BAD_REQUEST, why)
    equal((scene.take(), scene.files), (None, []))
    refused(scene.post(good.replace(b"ue:a@x", b"ue:z@x")), coap.NOT_FOUND, b"destAddr: not this UE")


def test_names_that_are_no_strings():
    # MicroPython's json reads {1:2}; it must not end the device.
    scene = Scene().start()
    assert scene.post(b'{1:2,"msgIden":"x"}').code == coap.BAD_REQUEST
    assert scene.post(b'{[]:2,"msgIden":"x"}').code == coap.BAD_REQUEST


def test_strangers():
    scene = Scene().start()
    for peer in (("192.0.2.9", 65401), ("192.0.2.9", 5683), "somebody", None):
        refused(scene.post(msg(), peer), coap.FORBIDDEN, b"")
    equal((scene.take(), scene.client.endpoint._incoming), (None, []))
    # its port may change
    equal(scene.post(msg(), (PEER[0], 1234)).code, coap.CHANGED)


def test_it_listens_before_it_is_registered():
    scene = Scene(lambda asked: coap.SERVICE_UNAVAILABLE).start()
    equal(scene.post(msg(more=REPORT)).code, coap.CHANGED)
    equal(scene.take().payload, "hi")
    equal(scene.kinds(), ["REG"])
    scene.answer = agree
    scene.run(3 * SECOND)
    equal(scene.kinds(), ["REG", "REG", "IMDN"])


# --- reports ---------------------------------------------------------------------------------------------------


def test_reports_when_taken_and_when_arrived():
    scene = Scene().start()
    scene.post(msg(more=REPORT))
    equal(scene.kinds(), ["REG"])
    scene.take()
    body = (
        b'{"msgIden":"urn:3gpp:msgin5g","msgType":"IMDN","oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"},'
        b'"destAddr":{"destAddrType":"UE","addr":"ue:b@x"},"msgId":"m-1","DelSta":"success"}'
    )
    equal(scene.asked[-1].octets, body)
    equal(scene.client.stats["reported"], 1)
    scene = Scene(reports="arrival").start()
    scene.post(msg(more=REPORT))
    equal(scene.asked[-1].octets, body)
    scene.take()
    equal(scene.count["IMDN"], 1)
    scene.post(msg("m-2"))
    equal(scene.count["IMDN"], 1)


def test_a_report_is_tried_for_ever():
    for said, low, high in (
        (coap.SERVICE_UNAVAILABLE, 10, 26),
        (None, 6, 20),
        (coap.TOO_MANY_REQUESTS, 10, 26),
    ):
        scene = Scene().start()
        scene.post(msg(more=REPORT))
        scene.answer = always(said)
        scene.take()
        scene.run(60 * MINUTE)
        assert low <= scene.count["IMDN"] <= high, scene.count
        scene.answer = agree
        scene.run(7 * MINUTE)
        equal(scene.client.stats["reported"], 1)
        equal(scene.client._receiver._notices, [])


def test_a_report_that_nobody_wants_is_counted():
    scene = Scene().start()
    scene.answer = lambda asked: coap.NOT_FOUND
    scene.post(msg(more=REPORT))
    scene.take()
    scene.run(60 * MINUTE)
    equal((scene.count["IMDN"], scene.client.stats["reports_refused"]), (1, 1))


def test_a_report_obeys_max_age_and_registers_where_asked():
    answers = [(coap.SERVICE_UNAVAILABLE, b"", max_age(100)), coap.UNAUTHORIZED, coap.CHANGED]
    scene = Scene().start()
    scene.answer = lambda asked: answers.pop(0) if asked.kind == "IMDN" else agree(asked)
    scene.post(msg(more=REPORT))
    scene.take()
    scene.run(99 * SECOND)
    equal(scene.count["IMDN"], 1)
    scene.run(16 * SECOND)
    equal(scene.kinds(), ["REG", "IMDN", "IMDN", "REG", "IMDN"])
    equal(scene.client.stats["reported"], 1)


def test_reports_that_cannot_go_stop_the_inbox():
    # bounded: what waits to be reported takes room like what waits to be taken
    scene = Scene(inbox={"messages": 3}).start()
    scene.answer = lambda asked: coap.SERVICE_UNAVAILABLE
    codes = []
    for number in range(6):
        codes.append(scene.post(msg("m-%d" % number, more=REPORT)).code)
        scene.take()
    equal(codes, [coap.CHANGED] * 3 + [coap.SERVICE_UNAVAILABLE] * 3)


def test_a_report_too_long_for_a_datagram_goes_out_in_blocks():
    # 250 quotes are 500 octets with their escapes. Only blocks (RFC 7959) bring as much to this device.
    scene = Scene(coap={"max_datagram": 512}).start()
    body = msg(sender="q", more=REPORT).replace(b'"q"', b'"%s"' % (b'\\"' * 250))
    last = (len(body) - 1) // 256
    for number in range(last + 1):
        # number << 4 | more << 3 | 4 for 256 octets
        option = (coap.BLOCK1, coap.uint_octets(number << 4 | (number < last) << 3 | 4))
        reply = scene.post(body[number * 256 : number * 256 + 256], more=(option,))
    equal(reply.code, coap.CHANGED)
    equal(scene.take().sender, '"' * 250)
    equal((scene.client.stats["reports_refused"], scene.count.get("IMDN")), (0, 1))
    equal(scene.of("IMDN")[0].body["destAddr"]["addr"], '"' * 250)
    equal(scene.send().state, "accepted")


def test_reports_of_others_are_no_messages():
    scene = Scene().start()
    equal(scene.post(imdn("unknown")).code, coap.CHANGED)
    refused(
        scene.post(imdn("x", "maybe")),
        coap.BAD_REQUEST,
        b"DelSta: not one of success, failure, stored for deferred delivery",
    )
    equal((scene.take(), scene.client.stats["unexpected"]), (None, 1))
