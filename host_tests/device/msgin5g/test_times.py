# SPDX-License-Identifier: MIT
"""Times that the other side chooses: each is bounded both ways, and each expiry has a next step.

A day is the longest that anything counts for unless the configuration asks for more, and an hour the longest that the
other side may put a next try off (docs/wire-profile.md).
"""

import coap
from common import equal
from msgin5g_scene import DAY, HOUR, MINUTE, SECOND, Scene, agree, always, answering, max_age, msg, ticks

ADDR = b'"oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"}'
FOR_EVER = 0x7FFFFFFF


def answer(more):
    return coap.CHANGED, b"{%s%s}" % (ADDR, more)


def push(scene, kind, more):
    return scene.post(b'{"msgIden":"urn:3gpp:msgin5g","msgType":"%s",%s%s}' % (kind, ADDR, more)).code


def state(scene):
    return scene.client.registered, scene.client.registration.state


def bulking(reg, **more):
    def say(asked):
        if asked.kind == "GWREG":
            return answer(b',"result":true,"acceptedTime":86400')
        if asked.kind == "REG" and asked.body["urgentTag"] is False:
            return reg
        return agree(asked)

    return Scene(say, gateway_service=True, registration=dict(urgent=False, **more)).start()


# --- a registration that a gateway bulks (clauses 6.3.4.2, 6.3.4.3.1) ----------------------------------------


def test_expected_time_is_optional():
    """Then what we asked for counts, else five minutes; after that REG goes out in a hurry, without GWREG."""
    for reg, more, wait in (
        (answer(b""), {}, 310),
        (answer(b""), {"wait": 40}, 50),
        (answer(b',"expectedTime":100'), {"wait": 40}, 110),
        (answer(b',"expectedTime":"100"'), {}, 110),
    ):
        scene = bulking(reg, **more)
        equal((scene.kinds(), state(scene)), (["GWREG", "REG"], (False, "waiting")))
        equal(scene.client.registration.cause, None)
        equal(scene.of("REG")[0].body.get("reqExpTime"), more.get("wait"))
        outgoing = scene.send()
        scene.run(wait * SECOND - 1)
        equal((scene.kinds(), outgoing.state), (["GWREG", "REG"], "queued"))
        scene.run(1)
        equal((scene.kinds()[2:], state(scene)), (["REG", "MSG"], (True, "registered")))
        equal((scene.of("REG")[1].body["urgentTag"], scene.of("REG")[1].body.get("reqExpTime")), (True, None))
        # and the refresh is in no hurry again
        scene.run(HOUR)
        equal(scene.of("REG")[2].body["urgentTag"], False)


def test_expected_times_that_nobody_waits_for():
    for seconds in (FOR_EVER, 1 << 40, DAY // SECOND):
        scene = bulking(answer(b',"expectedTime":%d' % seconds))
        scene.run(HOUR)
        equal(state(scene), (True, "registered"))
    # a gateway that answers no REG at all is asked ever more rarely
    for seconds in (0, 1):
        scene = Scene(always(answer(b',"expectedTime":%d' % seconds))).start()
        scene.run(DAY)
        assert 200 < scene.count["REG"] < 400, scene.count


def test_only_an_answer_may_set_the_expected_time():
    for before in (agree, lambda asked: coap.SERVICE_UNAVAILABLE):
        scene = Scene(before).start()
        # a REGRESP has no such member; without `result` it says success (clause 7.3.3.4)
        equal(push(scene, b"REGRESP", b',"expectedTime":%d' % FOR_EVER), coap.CHANGED)
        equal(state(scene), (True, "registered"))
        scene.forget()
        scene.answer = agree
        scene.run(HOUR)
        assert scene.count["REG"] >= 1, scene.count


def test_a_regresp_in_another_case_is_no_deregresp():
    scene = Scene(always(coap.SERVICE_UNAVAILABLE)).start()
    equal(push(scene, b"RegResp", b',"result":true'), coap.CHANGED)
    equal(state(scene), (True, "registered"))


# --- lifetimes -----------------------------------------------------------------------------------------------


def test_a_lifetime_is_a_day_at_most():
    for seconds in (FOR_EVER, 1 << 40, DAY // SECOND + 1):
        for way in (0, 1):
            scene = Scene(always(answer(b',"result":true,"regExpTime":%d' % seconds))).start()
            if way:
                equal(push(scene, b"REGRESP", b',"result":true,"regExpTime":%d' % seconds), coap.CHANGED)
            scene.run(DAY)
            assert 1 <= scene.count["REG"] - 1 <= 2, scene.count
            # and where nobody is there any more, it ends
            scene.answer = lambda asked: None
            scene.run(DAY)
            equal(state(scene), (False, "unreachable"))


def test_an_expiry_has_a_next_step():
    """The refresh was put off beyond the end of what was granted."""
    said = [answer(b',"result":true,"regExpTime":1000')]
    scene = Scene(lambda asked: said[0] if asked.kind == "REG" else coap.CHANGED).start()
    said[0] = (coap.SERVICE_UNAVAILABLE, b"", max_age(0xFFFFFFFF))
    scene.run(999 * SECOND)
    equal((state(scene), scene.count["REG"]), ((True, "registered"), 2))
    said[0] = answer(b',"result":true')
    scene.run(SECOND)
    equal((state(scene), scene.count["REG"]), ((True, "registered"), 3))


def test_a_gateway_service_for_a_second():
    scene = Scene(
        lambda asked: answer(b',"result":true,"acceptedTime":1,"regExpTime":3600'), gateway_service=True
    ).start()
    scene.run(10 * MINUTE)
    assert scene.count["GWREG"] <= 12, scene.count


# --- later ---------------------------------------------------------------------------------------------------


def test_a_max_age_puts_off_for_an_hour_at_most():
    later = (coap.SERVICE_UNAVAILABLE, b"", max_age(0xFFFFFFFF))
    scene = Scene(answering(later, coap.CHANGED)).start()
    outgoing = scene.send()
    scene.run(HOUR)
    equal(outgoing.state, "accepted")
    for code in (coap.SERVICE_UNAVAILABLE, coap.FORBIDDEN, coap.TOO_MANY_REQUESTS):
        scene = Scene(always((code, b"", max_age(0xFFFFFFFF)))).start()
        scene.answer = agree
        scene.run(HOUR)
        equal(state(scene), (True, "registered"))
    # a report of ours
    scene = Scene().start()
    scene.post(msg(more='"isDelivStatReq":true,'))
    scene.answer = always(later)
    scene.take()
    scene.answer = agree
    scene.run(HOUR)
    equal(scene.client.stats["reported"], 1)


def test_a_refusal_is_asked_again_within_the_hour():
    scene = Scene(always(answer(b',"result":false,"cause":"no"'))).start()
    scene.run(2 * DAY)
    before = None
    for each in scene.of("REG"):
        assert before is None or each.tick - before <= HOUR, each.tick - before
        before = each.tick


def test_a_max_age_of_a_second_does_not_make_a_loop():
    """A peer that says so for ever is asked ever more rarely; one that means it is asked as it says."""
    soon = (coap.SERVICE_UNAVAILABLE, b"", max_age(1))
    scene = Scene(answering(soon)).start()
    scene.send()
    scene.run(DAY)
    assert scene.count["MSG"] <= DAY // SECOND // 37 + 30, scene.count
    scene = Scene(
        answering(
            (coap.SERVICE_UNAVAILABLE, b"", max_age(10)),
            (coap.SERVICE_UNAVAILABLE, b"", max_age(10)),
            coap.CHANGED,
        )
    ).start()
    scene.send()
    scene.run(MINUTE)
    equal(ticks(scene), [0, 10, 20])


def granting(age):
    said = (coap.CONTENT, b"", [(coap.OBSERVE, b"\x01")] + max_age(age))
    return lambda asked: said if asked.kind == "TOPIC" else agree(asked)


def test_topics_are_not_asked_for_in_a_loop():
    for age, low, high in ((0, 9, 11), (1, 9, 11), (9, 9, 11), (100, 7, 8), (0xFFFFFFFF, 1, 1)):
        scene = Scene(granting(age)).start()
        scene.client.subscribe("alerts", scene.tick)
        scene._pump()
        scene.run(10 * MINUTE)
        assert low <= scene.count["TOPIC"] <= high, (age, scene.count)
    scene.run(DAY)
    assert scene.count["TOPIC"] <= 3, scene.count
