# SPDX-License-Identifier: MIT
# heap: 256k, the peer and all that was sent to it lie in it too
"""Delivery reports that go out as one: TS 24.538 clause 6.4.1.1.5. No report waits for another, but those that wait
anyway, since the line is busy or the server was silent, go together."""

import json

import coap
from common import equal
from msgin5g_scene import HOUR, MINUTE, SECOND, Scene, agree, max_age, msg, segment

REPORT = '"isDelivStatReq":true,'
BUSY = (coap.SERVICE_UNAVAILABLE, b"", max_age(30))


def reporting(*answers):
    """IMDNs get these answers in turn, the last one for ever; all else goes well."""
    left = list(answers)

    def answer(asked):
        if asked.kind != "IMDN":
            return agree(asked)
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


def owing(answer, *names, **more):
    """A scene whose first report was refused for now, so that those behind it wait for the same."""
    scene = Scene(answer, reports="arrival", coap={"max_retransmit": 0}, **more).start()
    for name in names:
        equal(scene.post(msg(name, more=REPORT)).code, coap.CHANGED)
    return scene


def reported(asked):
    body = asked.body
    if "msgList" not in body:
        return [body["msgId"]]
    equal(body["totalMsgCount"], len(body["msgList"]))
    return [element["msgId"] for element in body["msgList"]]


def went(scene):
    return [reported(asked) for asked in scene.of("IMDN")]


def busy(scene, *bodies):
    """The line is busy while these come."""
    scene.answer = lambda asked: None
    scene.send("ue:z@x")
    for body in bodies:
        equal(scene.post(body).code, coap.CHANGED)
    equal(scene.of("IMDN"), [])
    scene.answer = agree
    scene.run(5 * SECOND)


def test_two_that_wait_go_as_one():
    scene = Scene(reports="arrival").start()
    busy(scene, msg("m-1", more=REPORT), msg("m-2", more=REPORT))
    equal(len(scene.of("IMDN")), 1)
    # no DelSta and Cause outside; the msgId that clause 7.3.4.2 requires there is that of the first
    equal(
        scene.of("IMDN")[0].octets,
        b'{"msgIden":"urn:3gpp:msgin5g","msgType":"IMDN","oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"},'
        b'"destAddr":{"destAddrType":"UE","addr":"ue:b@x"},"msgId":"m-1","totalMsgCount":2,"msgList":['
        b'{"msgId":"m-1","DelSta":"success"},{"msgId":"m-2","DelSta":"success"}]}',
    )
    equal((scene.client.stats["reported"], scene.client.idle), (2, True))


def test_one_alone_waits_for_none():
    scene = owing(agree, "m-1", "m-2")
    equal(went(scene), [["m-1"], ["m-2"]])
    equal("msgList" in scene.of("IMDN")[0].body, False)


def test_a_failure_keeps_its_cause():
    scene = Scene(reports="arrival", segments={"gap": 1, "recoveries": 0}).start()
    scene.post(segment(1, 2, more=REPORT))
    scene.answer = lambda asked: None
    scene.send("ue:z@x")
    scene.post(msg("m-2", more=REPORT))
    scene.run(1500)
    scene.answer = agree
    scene.run(5 * SECOND)
    elements = [json.dumps(each) for asked in scene.of("IMDN") for each in asked.body.get("msgList", ())]
    equal(
        [json.loads(each) for each in elements],
        [
            {"msgId": "m-2", "DelSta": "success"},
            {"msgId": "m-1", "DelSta": "failure", "Cause": "segments are missing"},
        ],
    )


def test_each_address_has_its_own():
    """Type and address: nobody must read what is meant for another."""
    scene = Scene(reports="arrival").start()
    to_as = msg("m-3", more=REPORT).replace(b'"oriAddrType":"UE"', b'"oriAddrType":"AS"')
    busy(
        scene,
        msg("m-1", more=REPORT),
        msg("m-2", more=REPORT, sender="ue:c@x"),
        to_as,
        msg("m-4", more=REPORT, sender="ue:c@x"),
        msg("m-5", more=REPORT),
    )
    equal(went(scene), [["m-1", "m-5"], ["m-2", "m-4"], ["m-3"]])


def test_at_most_sixteen():
    scene = Scene(reports="arrival", inbox={"messages": 40}, coap={"max_datagram": 4096}).start()
    scene.MAX_ASKED = 60
    names = ["m-%d" % number for number in range(37)]
    busy(scene, *[msg(name, more=REPORT) for name in names])
    equal(went(scene), [names[:16], names[16:32], names[32:]])


def test_they_fit_a_datagram():
    for size in (512, 700, 1152):
        scene = Scene(reports="arrival", inbox={"messages": 40}, coap={"max_datagram": size}).start()
        scene.MAX_ASKED = 60
        names = ["%060d" % number for number in range(16)]
        busy(scene, *[msg(name, more=REPORT) for name in names])
        sizes = [len(asked.datagram) for asked in scene.of("IMDN")]
        assert size - 100 < max(sizes) <= size, sizes
        equal(sum(went(scene), []), names)


def test_a_refusal_lets_each_go_singly():
    """4.00 may be meant for one of them; the others must not be lost with it."""

    def answer(asked):
        if asked.kind == "IMDN" and ("msgList" in asked.body or asked.body["msgId"] == "m-2"):
            return coap.BAD_REQUEST, b"DelSta: missing"
        return agree(asked)

    scene = Scene(reports="arrival").start()
    scene.answer = lambda asked: None
    scene.send("ue:z@x")
    for name in ("m-1", "m-2", "m-3"):
        scene.post(msg(name, more=REPORT))
    scene.answer = answer
    scene.run(5 * SECOND)
    equal(went(scene), [["m-1", "m-2", "m-3"], ["m-1"], ["m-2"], ["m-3"]])
    equal((scene.client.stats["reported"], scene.client.stats["reports_refused"]), (2, 1))
    scene.post(msg("m-4", more=REPORT))
    equal(went(scene)[-1], ["m-4"])


def test_what_is_put_off_comes_back_together():
    scene = owing(reporting(BUSY, agree_code()), "m-1", "m-2", "m-3")
    equal(went(scene), [["m-1"], ["m-2"], ["m-3"]])  # only the first was put off
    scene = owing(reporting(BUSY, BUSY, BUSY, agree_code()), "m-1", "m-2", "m-3")
    scene.run(30 * SECOND)
    equal(went(scene)[3:], [["m-1", "m-2", "m-3"]])


def agree_code():
    return coap.CHANGED


def test_silence_and_a_lost_registration():
    for said in (None, coap.UNAUTHORIZED):
        scene = Scene(reports="arrival", coap={"max_retransmit": 0}).start()
        scene.answer = lambda asked: None
        scene.send("ue:z@x")
        for name in ("m-1", "m-2"):
            scene.post(msg(name, more=REPORT))
        scene.answer = reporting(said, agree_code())
        scene.run(MINUTE)
        equal(went(scene), [["m-1", "m-2"]] * 2)
        equal((scene.client.stats["reported"], scene.client.idle), (2, True))


def test_each_goes_out_again_after_a_restart():
    scene = Scene(reports="arrival").start()
    scene.answer = lambda asked: None
    scene.send("ue:z@x")
    for name in ("m-1", "m-2", "m-3"):
        scene.post(msg(name, more=REPORT))
        scene.take()
    scene.run(5 * MINUTE)
    assert ["m-1", "m-2", "m-3"] in went(scene)
    scene = Scene(storage=scene.storage, seed=9, reports="arrival").start()
    scene.run(HOUR)
    equal(sorted(sum(went(scene), [])), ["m-1", "m-2", "m-3"])
    scene.client.flush()
    scene = Scene(storage=scene.storage, seed=10, reports="arrival").start()
    scene.run(HOUR)
    equal(went(scene), [])
