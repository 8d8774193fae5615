# SPDX-License-Identifier: MIT
"""Delivery reports and message responses: TS 24.538 clauses 6.4.1.1.8, 6.4.1.1.9 and 6.4.1.2."""

import coap
from common import equal
from msgin5g_scene import DAY, MINUTE, Scene, answering, clean, imdn, msgresp


def test_a_report_of_success():
    scene = Scene().start()
    outgoing = scene.send(report=True)
    equal((outgoing.state, outgoing.final), ("accepted", False))
    equal(scene.asked[-1].body["isDelivStatReq"], True)
    equal(scene.post(imdn(outgoing.message_id)).code, coap.CHANGED)
    equal((outgoing.state, outgoing.final, outgoing.cause), ("delivered", True, None))
    equal((scene.client.stats["accepted"], scene.client.stats["delivered"]), (1, 1))
    # again: acknowledged and counted, nothing else
    equal(scene.post(imdn(outgoing.message_id, "failure")).code, coap.CHANGED)
    equal((outgoing.state, scene.client.stats["unexpected"]), ("delivered", 1))


def test_a_report_of_failure():
    scene = Scene().start()
    first, second = scene.send(report=True), scene.send(report=True)
    scene.post(imdn(first.message_id, "failure", cause="no such valve"))
    equal((first.state, first.final, first.cause), ("failed", True, "no such valve"))
    scene.post(imdn(second.message_id, "Failure"))
    equal((second.state, second.cause), ("failed", "the recipient reported a failure"))


def test_a_report_before_the_acceptance():
    scene = Scene(answering(None, coap.CHANGED)).start()
    outgoing = scene.send(report=True)
    following = scene.send()
    equal(scene.post(imdn(outgoing.message_id)).code, coap.CHANGED)
    equal((outgoing.state, outgoing.final), ("delivered", True))
    equal(following.state, "accepted")  # the slot on the air is free again
    scene.run(2 * MINUTE)
    equal(
        (outgoing.state, scene.client.stats["delivered"], scene.client.stats["accepted"]), ("delivered", 1, 1)
    )
    clean(scene)


def test_a_report_of_somebody_else_does_not_count():
    scene = Scene().start()
    outgoing = scene.send(report=True)
    equal(scene.post(imdn(outgoing.message_id, sender="ue:c@x")).code, coap.CHANGED)
    equal((outgoing.state, scene.client.stats["unexpected"]), ("accepted", 1))
    # of a group any member may report
    group = scene.send("group:all@x", to_type="GROUP", report=True)
    scene.post(imdn(group.message_id, sender="ue:c@x"))
    equal(group.state, "delivered")


def several(*elements, number=None):
    """An aggregated IMDN (clause 6.4.1.1.5) of these elements."""
    said = '"totalMsgCount":%d,"msgList":[%s]' % (number or len(elements), ",".join(elements))
    return imdn("r-1").replace(b'"DelSta":"success"', said.encode())


def test_an_aggregated_report_counts_whole_or_not_at_all():
    scene = Scene().start()
    first, second = scene.send(report=True), scene.send(report=True)
    good = ['{"msgId":"%s","DelSta":"success"}' % each.message_id for each in (first, second)]
    for body in (
        several(good[0], '{"msgId":"%s"}' % second.message_id),
        several(good[0], '{"DelSta":"success"}'),
        several(good[0], "7"),
        several(*good, number=3),
        several(*good, number=1),
        several(),
    ):
        equal(scene.post(body).code, coap.BAD_REQUEST)
    equal((first.state, second.state), ("accepted", "accepted"))
    equal(scene.post(several(*good)).code, coap.CHANGED)
    equal((first.state, second.state), ("delivered", "delivered"))


def test_an_aggregated_report():
    scene = Scene().start()
    first, second = scene.send(report=True), scene.send(report=True)
    body = (
        '{"msgIden":"urn:3gpp:msgin5g","msgType":"IMDN","oriAddr":{"oriAddrType":"UE","addr":"ue:b@x"},'
        '"destAddr":{"destAddrType":"UE","addr":"ue:a@x"},"msgId":"r-1","totalMsgCount":2,"msgList":['
        '{"msgId":"%s","DelSta":"success"},{"msgId":"%s","DelSta":"failure","Cause":"late"}]}'
    ) % (first.message_id, second.message_id)
    equal(scene.post(body.encode()).code, coap.CHANGED)
    equal((first.state, second.state, second.cause), ("delivered", "failed", "late"))


def test_no_report_within_a_day():
    scene = Scene().start()
    outgoing = scene.send(report=True)
    scene.run(DAY - 1)
    equal(outgoing.final, False)
    scene.run(1)
    equal((outgoing.state, outgoing.final, outgoing.cause), ("accepted", True, "no report came"))
    equal(scene.client.stats["accepted"], 1)
    equal(scene.client.outbox.waiting, [])


def test_the_server_says_stored():
    scene = Scene().start()
    outgoing = scene.send(report=True, store_forward=True)
    equal(
        scene.post(msgresp(outgoing.message_id, '"DelSta":"stored for deferred delivery"')).code, coap.CHANGED
    )
    equal((outgoing.state, outgoing.final), ("stored", False))
    scene.post(imdn(outgoing.message_id))
    equal(outgoing.state, "delivered")
    # before the 2.04, and where no report is wanted: final
    scene = Scene(answering(None)).start()
    outgoing = scene.send(store_forward=True)
    scene.post(msgresp(outgoing.message_id, '"DelSta":"stored for deferred delivery"'))
    equal((outgoing.state, outgoing.final), ("stored", True))
    clean(scene)


def test_the_server_says_failure():
    scene = Scene().start()
    for members, cause in (
        ('"DelSta":"failure","Cause":"no such recipient"', "no such recipient"),
        ('"DelSta":"failure"', "the server reported a failure"),
        ('"Cause":"quota"', "quota"),  # DelSta is optional in clause 6.4.1.2.2
    ):
        outgoing = scene.send(report=True)
        equal(scene.post(msgresp(outgoing.message_id, members)).code, coap.CHANGED)
        equal((outgoing.state, outgoing.final, outgoing.cause), ("failed", True, cause))
    equal(scene.post(msgresp("unknown")).code, coap.CHANGED)
    equal(scene.client.stats["unexpected"], 1)
