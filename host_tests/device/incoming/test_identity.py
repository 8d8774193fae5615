# SPDX-License-Identifier: MIT
"""Who a message is from and whom it is for: TS 24.538 clauses 6.4.1.1.6 to .9, 7.3.4; RFC 4122 section 3."""

import coap
from common import equal
from msgin5g_scene import MINUTE, Scene, agree, clean, imdn, msg, msgresp, segment

LOWER = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
UPPER = "6BA7B810-9DAD-41D1-80B4-00C04FD430C8"
REPORT = '"isDelivStatReq":true,'


def refused(reply, code, why):
    equal((reply.code, bytes(reply.payload)), (code, why))


def taken(scene):
    """(sender, message ID) of all that wait."""
    found = []
    while True:
        message = scene.take()
        if message is None:
            return found
        found.append((message.sender, message.message_id))


# --- whom a message is from ----------------------------------------------------------------------------------


def test_the_same_message_id_of_two_originators():
    scene = Scene().start()
    for sender in ("ue:z@x", "ue:b@x"):
        for _ in range(2):  # each comes again, too
            equal(scene.post(msg(LOWER, sender=sender, more=REPORT)).code, coap.CHANGED)
    equal(taken(scene), [("ue:z@x", LOWER), ("ue:b@x", LOWER)])
    equal([each.body["destAddr"]["addr"] for each in scene.of("IMDN")], ["ue:z@x", "ue:b@x"])
    equal((scene.client.stats["received"], scene.client.stats["repeated"]), (2, 2))
    # a sender and an ID that join to the same text
    equal(scene.post(msg("m", sender="ue:b@xm")).code, coap.CHANGED)
    equal(scene.post(msg("mm", sender="ue:b@x")).code, coap.CHANGED)
    equal(taken(scene), [("ue:b@xm", "m"), ("ue:b@x", "mm")])


def test_two_originators_over_a_restart():
    """What one of them has got rid of says nothing of the other's."""
    scene = Scene().start()
    scene.answer = lambda asked: agree(asked) if asked.kind == "REG" else coap.SERVICE_UNAVAILABLE
    scene.post(msg(LOWER, sender="ue:z@x", more=REPORT))
    scene.post(msg(LOWER, sender="ue:b@x", more=REPORT))
    equal(scene.take().sender, "ue:z@x")
    scene.client.flush()
    scene = Scene(storage=scene.storage).start()
    equal([each.body["destAddr"]["addr"] for each in scene.of("IMDN")], ["ue:z@x"])
    equal(taken(scene), [("ue:b@x", LOWER)])
    scene.client.flush()
    scene = Scene(storage=scene.storage).start()
    equal((taken(scene), scene.count.get("IMDN")), ([], None))
    for sender in ("ue:z@x", "ue:b@x"):
        scene.post(msg(LOWER, sender=sender))
    equal((taken(scene), scene.client.stats["repeated"]), ([], 2))


def test_segments_of_two_originators():
    """The same set ID and the same message ID; both end together, and each is confirmed."""
    scene = Scene().start()
    scene.answer = lambda asked: None
    for number in (1, 2):
        for sender in ("ue:z@x", "ue:b@x"):
            equal(scene.post(segment(number, 2, message_id=LOWER, sender=sender)).code, coap.CHANGED)
    equal(taken(scene), [("ue:z@x", LOWER), ("ue:b@x", LOWER)])
    scene.answer = agree
    scene.run(2 * MINUTE)
    equal([(each.body["segId"], each.body["result"]) for each in scene.of("SEGCONFIR")], [("s-1", True)] * 2)


def test_a_set_that_fails_beside_one_of_another():
    scene = Scene().start()
    scene.post(segment(1, 2, sender="ue:z@x"))
    scene.post(segment(1, 2, sender="ue:b@x", message_id="m-2"))
    scene.post(segment(2, 2, sender="ue:b@x", message_id="m-2"))
    scene.run(MINUTE)
    equal([each.body["result"] for each in scene.of("SEGCONFIR")], [True, False])
    # a late segment of either hears what became of its own
    scene.forget()
    for sender, name in (("ue:z@x", "m-1"), ("ue:b@x", "m-2")):
        scene.post(segment(2, 2, sender=sender, message_id=name))
    equal([each.body["result"] for each in scene.of("SEGCONFIR")], [False, True])


def test_message_ids_in_either_case():
    scene = Scene().start()
    scene.post(msg(UPPER, more=REPORT))
    scene.post(msg(LOWER, more=REPORT))
    elements = '"msgList":[{"msgId":"%s"},{"msgId":"E-1"},{"msgId":"e-1"}],' % LOWER
    scene.post(msg("outer", more=elements))
    equal(taken(scene), [("ue:b@x", UPPER), ("ue:b@x", "E-1")])
    # the report carries it as it came: its sender may be less kind
    equal([each.body["msgId"] for each in scene.of("IMDN")], [UPPER])
    # and a set of segments that came whole another way is given up
    scene.post(segment(1, 2, message_id="AB-1"))
    scene.post(msg("ab-1"))
    equal((len(scene.client._receiver._reassembly), taken(scene)), (0, [("ue:b@x", "ab-1")]))


def test_words_about_our_messages_in_either_case():
    scene = Scene().start()
    outgoing = [scene.send(report=True) for _ in range(3)]
    names = [each.message_id.upper() for each in outgoing]
    equal(scene.post(imdn(names[0])).code, coap.CHANGED)
    equal(scene.post(msgresp(names[1])).code, coap.CHANGED)
    body = imdn("x").replace(b'"DelSta":"success"', b'"msgList":[{"msgId":"%s","DelSta":"success"}]')
    equal(scene.post(body.replace(b"%s", names[2].encode())).code, coap.CHANGED)
    equal([each.state for each in outgoing], ["delivered", "failed", "delivered"])


# --- whom it is for ------------------------------------------------------------------------------------------

OTHER = b'"oriAddr":{"oriAddrType":"UE","addr":"ue:z@x"}'


def test_responses_to_another_ue():
    """Clauses 7.3.3.4, 7.3.3.5, 7.3.4.3: their oriAddr is the UE that they are for."""
    for kind in (b"REGRESP", b"DEREGRESP"):
        for answer in (agree, lambda asked: coap.SERVICE_UNAVAILABLE):
            scene = Scene(answer).start()
            before = scene.client.registered
            body = b'{"msgIden":"urn:3gpp:msgin5g","msgType":"%s",%s,"result":true}' % (kind, OTHER)
            refused(scene.post(body), coap.NOT_FOUND, b"oriAddr: not this UE")
            equal(scene.client.registered, before)
    scene = Scene().start()
    outgoing = scene.send(report=True)
    body = msgresp(outgoing.message_id, '"DelSta":"failure","Cause":"not registered"')
    body = body.replace(b'"oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"}', OTHER)
    refused(scene.post(body), coap.NOT_FOUND, b"oriAddr: not this UE")
    equal((outgoing.state, scene.kinds()), ("accepted", ["REG", "MSG"]))


def test_messages_and_reports_for_somebody_else():
    scene = Scene().start()
    outgoing = scene.send(report=True)
    refused(
        scene.post(imdn(outgoing.message_id).replace(b"ue:a@x", b"ue:z@x")),
        coap.NOT_FOUND,
        b"destAddr: not this UE",
    )
    equal(outgoing.state, "accepted")
    for to in (b'"UE","addr":"ue:z@x"', b'"AS","addr":"as:z@x"'):
        body = msg().replace(b'"destAddrType":"UE","addr":"ue:a@x"', b'"destAddrType":' + to)
        refused(scene.post(body), coap.NOT_FOUND, b"destAddr: not this UE")
    equal(scene.take(), None)


def test_only_the_addressee_reports():
    scene = Scene().start()
    for to_type in ("UE", "AS"):
        outgoing = scene.send("x:b", to_type=to_type, report=True)
        for sender in ("ue:c@x", "x:B", "group:x"):
            for status in ("success", "failure"):
                equal(scene.post(imdn(outgoing.message_id, status, sender)).code, coap.CHANGED)
        equal((outgoing.state, outgoing.final, outgoing.reports), ("accepted", False, None))
        scene.post(imdn(outgoing.message_id, sender="x:b"))
        equal(outgoing.state, "delivered")
    clean(scene)


def test_addresses_with_control_characters():
    scene = Scene().start()
    for bad in ("\\n", "\\u0000", "\\u001b[2J", "\\u007f"):
        body = msg(sender="ue:" + bad)
        refused(scene.post(body), coap.BAD_REQUEST, b"oriAddr.addr: must not contain control characters")
    equal(scene.take(), None)
