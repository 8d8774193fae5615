# SPDX-License-Identifier: MIT
"""Registration: TS 24.538 clauses 6.3.1, 6.3.4.2 and 6.3.5, and the times of docs/wire-profile.md."""

import coap
from common import equal
from msgin5g_scene import DAY, GRANTED, HOUR, MINUTE, SECOND, Scene, agree, always, max_age, msgresp

ADDR = b'"oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"}'


def granted(seconds):
    return coap.CHANGED, b'{%s,"result":true,"regExpTime":%d}' % (ADDR, seconds)


REFUSED = (coap.CHANGED, b'{%s,"result":false,"cause":"no contract"}' % ADDR)
DONE = (coap.CHANGED, b'{%s,"result":true}' % ADDR)


def pushed(kind, more):
    return b'{"msgIden":"urn:3gpp:msgin5g","msgType":"%s",%s,%s}' % (kind, ADDR, more)


def gaps(scene, kind="REG"):
    times = [each.tick for each in scene.of(kind)]
    return [(later - earlier) / 1000 for earlier, later in zip(times, times[1:])]


def within(values, nominal, percent):
    for value in values:
        assert nominal * (100 - percent) / 100 - 0.01 <= value <= nominal * (100 + percent) / 100 + 0.01, (
            value,
            nominal,
        )


def state(scene):
    return scene.client.registered, scene.client.registration.state


# --- the way up ------------------------------------------------------------------------------------------


def test_registers_at_once():
    scene = Scene()
    equal(state(scene), (False, "stopped"))
    scene.start()
    equal((scene.kinds(), state(scene)), (["REG"], (True, "registered")))
    equal(scene.asked[0].message.type, coap.CON)


def test_created_is_as_good_as_changed():
    equal(state(Scene(lambda asked: (coap.CREATED, GRANTED)).start()), (True, "registered"))


def test_refresh_at_80_percent():
    for lifetime in (10, 60, 3600, 86400):
        scene = Scene(always(granted(lifetime)), registration={"lifetime": lifetime}).start()
        scene.run(lifetime * 20 * SECOND)
        within(gaps(scene), lifetime * 0.8, 5)
        equal(scene.client.registered, True)
        assert len({int(gap * 1000) for gap in gaps(scene)}) > 5  # jittered


def test_without_a_lifetime_an_hour():
    scene = Scene(lambda asked: DONE).start()
    scene.run(6 * HOUR)
    within(gaps(scene), 2880, 5)


def test_a_refresh_that_is_due_goes_out_once_the_air_is_free():
    """RFC 7252 section 4.8.2: a message that nobody answers is on the air for 93 s at most."""
    scene = Scene(lambda asked: agree(asked) if asked.kind == "REG" else None).start()
    scene.run(45 * MINUTE)
    scene.send()  # again and again, on the air most of the time
    scene.run(10 * MINUTE)
    equal(scene.count["REG"], 2)
    assert gaps(scene)[0] <= 3600 * 0.84 + 93, gaps(scene)


def test_a_lifetime_of_a_second_is_no_tight_loop():
    # nothing shorter than 10 s is meant: the least that registration.lifetime may ask for
    for seconds in (0, 1, 9):
        scene = Scene(always(granted(seconds))).start()
        scene.run(10 * MINUTE)
        within(gaps(scene), 60, 5)
        equal(state(scene), (True, "registered"))


def test_a_lifetime_of_a_year():
    # 80 % are 292 days: longer than ticks can tell apart (3.1 days), and the tick wraps 47 times a year
    scene = Scene(lambda asked: granted(31536000), registration={"lifetime": 31536000}).start()
    scene.run(277 * DAY)
    equal(scene.count["REG"], 1)
    equal(scene.client.registered, True)
    assert scene.polls < 4 * 277, scene.polls
    scene.run(30 * DAY)
    equal(scene.count["REG"], 2)


def test_a_year_that_nobody_refreshes_ends():
    def answer(asked):
        return granted(31536000) if asked.tick < DAY * 7 else None

    scene = Scene(answer, registration={"lifetime": 31536000}).start()
    scene.run(364 * DAY)
    equal(scene.client.registered, True)
    scene.run(2 * DAY)
    equal(state(scene), (False, "unreachable"))
    equal(scene.client.registration.cause[:9], "no answer")


# --- failures ----------------------------------------------------------------------------------------------


def test_failures_back_off_from_2_s_to_300_s_for_ever():
    for answer in (
        coap.UNAUTHORIZED,
        coap.NOT_FOUND,
        coap.SERVICE_UNAVAILABLE,
        "reset",
        (coap.CHANGED, b"?"),
    ):
        scene = Scene(always(answer)).start()
        equal(state(scene), (False, "unreachable"))
        scene.run(1750 * SECOND)
        for gap, nominal in zip(gaps(scene), [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]):
            within([gap], nominal, 25)
        scene.forget()
        scene.run(5 * DAY)
        within(gaps(scene), 300, 25)
        within([scene.count["REG"]], 5 * 288, 2)
    scene.answer = agree
    scene.run(375 * SECOND)
    equal(state(scene), (True, "registered"))


def test_silence_backs_off_too():
    scene = Scene(lambda asked: None).start()
    scene.run(10 * MINUTE)
    # 62 to 93 s for CoAP's own tries, then 2, 4, 8, ... s
    for gap, nominal in zip(gaps(scene), [2, 4, 8, 16]):
        assert 62 + nominal * 0.75 <= gap <= 93 + nominal * 1.25, (gap, nominal)
    equal(scene.client.registration.cause, "no answer from coap://192.0.2.1:65401")


def test_success_starts_the_back_off_again():
    answers = [coap.SERVICE_UNAVAILABLE] * 6 + [granted(100)] + [coap.SERVICE_UNAVAILABLE]
    scene = Scene(lambda asked: answers.pop(0) if len(answers) > 1 else answers[0]).start()
    scene.run(3 * MINUTE + 50 * SECOND)
    refreshes = gaps(scene)[6:]
    within(refreshes[:1], 80, 5)
    within(refreshes[1:2], 2, 25)


def test_refusals_back_off_from_60_s_to_3600_s():
    for answer, cause in ((REFUSED, "no contract"), ((coap.FORBIDDEN, b"who?"), "4.03 who?")):
        scene = Scene(always(answer)).start()
        equal((state(scene), scene.client.registration.cause), ((False, "refused"), cause))
        scene.run(4 * HOUR)
        for gap, nominal in zip(gaps(scene), [60, 120, 240, 480, 960, 1920, 3600]):
            within([gap], nominal, 25)
        scene.forget()
        scene.run(2 * DAY)
        within(gaps(scene), 3600, 25)


def test_causes_by_all_their_names():
    for name in (b"cause", b"Cause", b"failure reason", b"failReason", b"cause "):
        answer = b'{"result":"false","%s":"why"}' % name
        scene = Scene(always((coap.CHANGED, answer))).start()
        equal((scene.client.registration.state, scene.client.registration.cause), ("refused", "why"))


def test_max_age_is_obeyed():
    for code in (coap.SERVICE_UNAVAILABLE, coap.TOO_MANY_REQUESTS, coap.FORBIDDEN):
        scene = Scene(always((code, b"", max_age(777)))).start()
        scene.run(776 * SECOND)
        equal(scene.count["REG"], 1)
        scene.run(SECOND)
        equal(scene.count["REG"], 2)
    scene = Scene(lambda asked: (coap.SERVICE_UNAVAILABLE, b"", max_age(0))).start()
    scene.run(MINUTE)
    assert scene.count["REG"] < 8, scene.count


def test_a_refresh_that_fails_leaves_the_rest_of_the_lifetime():
    scene = Scene(lambda asked: granted(1000)).start()
    scene.answer = lambda asked: agree(asked) if asked.kind != "REG" else coap.SERVICE_UNAVAILABLE
    scene.run(999 * SECOND)
    equal(state(scene), (True, "registered"))
    equal(scene.send().state, "accepted")
    scene.run(SECOND)
    equal(
        (state(scene), scene.client.registration.cause), ((False, "unreachable"), "the registration expired")
    )
    equal(scene.send().state, "queued")


# --- the server forgets ---------------------------------------------------------------------------------------


def test_a_server_that_was_restarted():
    # It answers 4.01 until it sees a REG again.
    known = [True]

    def answer(asked):
        known[0] = known[0] or asked.kind == "REG"
        return agree(asked) if known[0] else coap.UNAUTHORIZED

    scene = Scene(answer).start()
    for _ in range(20):
        known[0] = False
        scene.forget()
        equal(scene.send().state, "accepted")
        equal(scene.kinds(), ["MSG", "REG", "MSG"])
        scene.run(MINUTE)


def test_a_response_that_says_not_registered():
    scene = Scene().start()
    outgoing = scene.send(report=True)
    scene.post(msgresp(outgoing.message_id, '"DelSta":"failure","Cause":"Originator Not Registered"'))
    equal((outgoing.state, outgoing.final), ("failed", True))
    equal(scene.kinds(), ["REG", "MSG", "REG"])
    equal(state(scene), (True, "registered"))
    for _ in range(10):
        scene.post(msgresp("x", '"DelSta":"failure","Cause":"not registered"'))
    scene.run(10 * MINUTE)
    assert scene.count["REG"] <= 4, scene.count


def test_unauthorized_while_a_refresh_is_on_the_air():
    # NSTART 2: the refresh is never answered, the message gets 4.01 meanwhile
    scene = Scene(lambda asked: granted(100), coap={"nstart": 2}).start()
    scene.answer = lambda asked: None if asked.kind == "REG" else coap.UNAUTHORIZED
    scene.run(85 * SECOND)
    outgoing = scene.send()
    scene.run(20 * SECOND)
    equal(scene.count["MSG"], 1)
    scene.answer = agree
    scene.run(2 * MINUTE)
    equal(outgoing.state, "accepted")


# --- through a gateway --------------------------------------------------------------------------------------


def gateway(reg, gwreg=(coap.CHANGED, b'{%s,"result":true,"acceptedTime":1000}' % ADDR), **more):
    def answer(asked):
        if asked.kind == "GWREG":
            return gwreg
        return reg if asked.kind == "REG" else coap.CHANGED

    return Scene(answer, gateway_service=True, **more)


def test_gateway_service_first():
    scene = gateway(granted(5000), ue_id="sensor-1", registration={"lifetime": 7200}).start()
    equal(scene.kinds(), ["GWREG", "REG"])
    body = scene.of("GWREG")[0].body
    equal((body["expiredTime"], body["oriUEAddr"]), (7200, {"oriAddrType": "UE", "addr": "sensor-1"}))
    body = scene.of("REG")[0].body
    equal((body["urgentTag"], body["regExpTime"]), (True, 7200))
    # the shorter of both decides, and both are refreshed
    scene.run(900 * SECOND)
    equal(scene.kinds(), ["GWREG", "REG", "GWREG", "REG"])
    within(gaps(scene), 800, 5)


def test_a_gateway_that_refuses():
    scene = gateway(granted(5000), REFUSED).start()
    equal((scene.kinds(), state(scene)), (["GWREG"], (False, "refused")))
    scene.run(76 * SECOND)
    equal(scene.count["GWREG"], 2)


def test_no_hurry_lets_the_gateway_bulk():
    scene = gateway((coap.CHANGED, b'{%s,"expectedTime":600}' % ADDR), registration={"urgent": False}).start()
    equal(scene.of("REG")[0].body["urgentTag"], False)
    equal(state(scene), (False, "waiting"))
    scene.run(590 * SECOND)
    equal(scene.send().state, "queued")
    equal(scene.post(pushed(b"REGRESP", b'"result":true,"regExpTime":5000')).code, coap.CHANGED)
    equal(state(scene), (True, "registered"))
    equal(scene.client.stats["accepted"], 1)
    scene.run(841 * SECOND)
    equal(scene.count["REG"], 2)  # acceptedTime 1000 decides: at 800 s +-5 %


def test_what_the_gateway_holds_is_taken_back():
    """Clause 6.3.4.3.5: of a REG and a DEREG that came later the gateway lets the latter count."""
    scene = gateway((coap.CHANGED, b'{%s,"expectedTime":600}' % ADDR), registration={"urgent": False}).start()
    equal(state(scene), (False, "waiting"))
    scene.stop()
    equal((scene.kinds(), state(scene)), (["GWREG", "REG", "DEREG"], (False, "stopped")))


def test_without_an_expected_time_the_wait_is_what_was_asked_for():
    # clause 6.3.4.3.1 makes expectedTime optional: reqExpTime counts then, else 300 s, and 10 s more
    for wait, seconds in ((40, 50), (None, 310)):
        scene = gateway((coap.CHANGED, b"{%s}" % ADDR), registration={"urgent": False, "wait": wait}).start()
        equal((scene.of("REG")[0].body.get("reqExpTime"), state(scene)), (wait, (False, "waiting")))
        scene.run((seconds - 1) * SECOND)
        equal(scene.kinds(), ["GWREG", "REG"])
        scene.run(2 * SECOND)
        equal((scene.kinds(), scene.of("REG")[1].body["urgentTag"]), (["GWREG", "REG", "REG"], True))


def test_a_regresp_that_comes_before_the_answer_to_the_request():
    """The answer was lost on its first way, and the gateway was quick: what it says then is of the past."""
    answers = [None, (coap.CHANGED, b'{%s,"expectedTime":60}' % ADDR)]

    def answer(asked):
        if asked.kind == "GWREG":
            return granted(5000)
        return answers[0] if len(answers) > 1 else answers[-1]

    scene = Scene(answer, gateway_service=True, registration={"urgent": False}).start()
    equal(scene.kinds(), ["GWREG", "REG"])
    scene.post(pushed(b"REGRESP", b'"result":true,"regExpTime":5000'))
    equal(state(scene), (True, "registered"))
    answers.pop(0)
    scene.run(300 * SECOND)
    equal((state(scene), scene.kinds()), ((True, "registered"), ["GWREG", "REG"]))


def test_a_regresp_that_never_comes():
    scene = gateway((coap.CHANGED, b'{%s,"expectedTime":600}' % ADDR)).start()
    scene.run(609 * SECOND)
    equal(scene.count["REG"], 1)
    scene.run(2 * SECOND)
    equal(scene.count["REG"], 2)


def test_a_regresp_that_comes_after_the_next_try_began():
    scene = gateway(coap.SERVICE_UNAVAILABLE).start()
    equal(scene.post(pushed(b"REGRESP", b'"result":true')).code, coap.CHANGED)
    equal(state(scene), (True, "registered"))


def test_a_regresp_that_refuses_or_is_malformed():
    scene = gateway((coap.CHANGED, b'{%s,"expectedTime":600}' % ADDR)).start()
    reply = scene.post(pushed(b"REGRESP", b'"result":1'))
    equal((reply.code, bytes(reply.payload)), (coap.BAD_REQUEST, b"result: not true or false"))
    equal(state(scene), (False, "waiting"))
    equal(scene.post(pushed(b"REGRESP", b'"result":false,"cause":"full"')).code, coap.CHANGED)
    equal((state(scene), scene.client.registration.cause), ((False, "refused"), "full"))


def test_a_gateway_that_deregisters_us():
    scene = gateway(granted(5000)).start()
    equal(scene.post(pushed(b"DEREGRESP", b'"result":false')).code, coap.CHANGED)
    equal(state(scene), (True, "registered"))
    equal(scene.post(pushed(b"DEREGRESP", b'"result":true')).code, coap.CHANGED)
    equal(state(scene), (False, "unreachable"))
    scene.run(3 * SECOND)
    equal(state(scene), (True, "registered"))


# --- the way down ----------------------------------------------------------------------------------------------


def test_stop():
    scene = Scene().start()
    scene.stop()
    equal((scene.kinds(), state(scene)), (["REG", "DEREG"], (False, "stopped")))
    scene.run(DAY)
    equal(scene.kinds(), ["REG", "DEREG"])
    equal(scene.client.next_deadline(), None)
    # what comes late changes nothing
    for body in (pushed(b"REGRESP", b'"result":true'), pushed(b"DEREGRESP", b'"result":true')):
        equal(scene.post(body).code, coap.CHANGED)
        equal(state(scene), (False, "stopped"))


def test_a_stop_without_hurry_lets_the_gateway_bulk():
    def answer(asked):
        if asked.kind == "DEREG":
            return coap.CHANGED, b'{%s,"expectedTime":60}' % ADDR
        return agree(asked)

    for wait, members in ((None, {"urgentTag": False}), (40, {"urgentTag": False, "reqExpTime": 40})):
        scene = Scene(answer, gateway_service=True, registration={"wait": wait}).start()
        scene.stop(urgent=False)
        body = scene.of("DEREG")[0].body
        equal({name: body.get(name) for name in members}, members)
        equal(("reqExpTime" in body, state(scene)), (wait is not None, (False, "stopped")))
        # the gateway says later what became of it, and may say so twice
        for result in (b'"result":true', b'"result":true', b'"result":false,"cause":"unknown"'):
            equal(scene.post(pushed(b"DEREGRESP", result)).code, coap.CHANGED)
        equal(
            scene.post(pushed(b"DEREGRESP", b'"result":true').replace(b"ue:a@x", b"ue:b@x")).code,
            coap.NOT_FOUND,
        )
        scene.run(HOUR)
        equal((state(scene), scene.kinds()[-1]), ((False, "stopped"), "DEREG"))
        # the next stop is one in a hurry, unless that is said again
        scene.start()
        scene.stop()
        equal([name for name in ("urgentTag", "reqExpTime") if name in scene.of("DEREG")[1].body], [])


def test_stop_before_start_while_registering_and_while_waiting():
    scene = Scene()
    scene.stop()
    equal((scene.kinds(), state(scene)), ([], (False, "stopped")))
    scene = Scene(lambda asked: coap.SERVICE_UNAVAILABLE).start()
    scene.stop()
    equal((scene.kinds(), state(scene)), (["REG"], (False, "stopped")))
    scene.run(HOUR)
    equal(scene.kinds(), ["REG"])
    # on the air: its answer says whether there is something to take back
    scene = Scene(lambda asked: None).start()
    scene.stop()
    scene.answer = agree
    scene.run(3 * SECOND)
    equal((scene.kinds(), state(scene)), (["REG", "DEREG"], (False, "stopped")))


def test_stop_with_a_dead_peer():
    scene = Scene().start()
    scene.answer = lambda asked: None
    scene.stop()
    scene.run(93 * SECOND)
    equal((scene.kinds(), state(scene)), (["REG", "DEREG"], (False, "stopped")))
    # and in the middle of a refresh that nobody answers: DEREG is tried all the same
    scene = Scene(lambda asked: granted(100)).start()
    scene.answer = lambda asked: None
    scene.run(85 * SECOND)
    scene.stop()
    scene.run(15 * SECOND)
    scene.run(200 * SECOND)
    equal(state(scene), (False, "stopped"))


def test_nothing_else_goes_out_while_stopping():
    scene = Scene(coap={"nstart": 3}).start()
    scene.answer = lambda asked: None
    scene.stop()
    scene.send()
    scene.run(10 * SECOND)
    equal(scene.kinds(), ["REG", "DEREG"])


def test_start_again():
    scene = Scene().start()
    scene.stop()
    waiting = scene.send()
    scene.start()
    equal((scene.kinds(), state(scene)), (["REG", "DEREG", "REG", "MSG"], (True, "registered")))
    equal(waiting.state, "accepted")


def test_start_while_dereg_is_on_the_air():
    # Its answer must not be taken for a registration.
    scene = Scene().start()
    scene.answer = lambda asked: None if asked.kind == "DEREG" else agree(asked)
    scene.stop()
    scene.start()
    equal(scene.kinds(), ["REG", "DEREG"])
    scene.answer = lambda asked: DONE
    scene.run(3 * SECOND)
    equal((scene.kinds(), state(scene)), (["REG", "DEREG", "REG"], (True, "registered")))
