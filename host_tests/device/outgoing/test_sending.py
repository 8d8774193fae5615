# SPDX-License-Identifier: MIT
"""What the answer to a message means, and when it is sent again: docs/wire-profile.md."""

import coap
from common import equal
from msgin5g_scene import DAY, HOUR, MINUTE, SECOND, Scene, agree, answering, clean, max_age, ticks


def test_2xx_is_accepted_and_final():
    for code in (coap.CHANGED, coap.CREATED, coap.CONTENT):
        scene = Scene(answering(code)).start()
        outgoing = scene.send()
        equal((outgoing.state, outgoing.final, outgoing.cause), ("accepted", True, None))
        equal(scene.ended, {outgoing.message_id: "accepted"})
        clean(scene)


def test_final_failures_say_code_and_diagnostic():
    # 4.00 4.02 4.03 4.04 4.05 4.06 4.13 4.15 4.22 5.01
    for code, text in (
        (128, "4.00"),
        (130, "4.02"),
        (131, "4.03"),
        (132, "4.04"),
        (133, "4.05"),
        (134, "4.06"),
        (141, "4.13"),
        (143, "4.15"),
        (150, "4.22"),
        (161, "5.01"),
    ):
        scene = Scene(answering((code, b"because"))).start()
        outgoing = scene.send()
        equal((outgoing.state, outgoing.final, outgoing.cause), ("failed", True, text + " because"))
        equal(scene.kinds(), ["REG", "MSG"])
        scene.run(HOUR // 2)
        equal(scene.kinds(), ["REG", "MSG"])
        equal(scene.client.stats["failed"], 1)
        clean(scene)


def test_a_diagnostic_that_is_not_text_is_left_out():
    scene = Scene(answering((coap.BAD_REQUEST, b"\xff\xfe"))).start()
    equal(scene.send().cause, "4.00")


def test_passing_failures_are_tried_again():
    # 4.08 4.29 5.00 5.02 5.03 5.04, and RST: 5 s +-25 %
    for code in (136, 157, 160, 162, 163, 164, "reset"):
        scene = Scene(answering(code, coap.CHANGED)).start()
        outgoing = scene.send()
        equal((outgoing.state, outgoing.final), ("sent", False))
        scene.run(3740)
        equal(len(scene.of("MSG")), 1)
        scene.run(2520)
        equal(len(scene.of("MSG")), 2)
        equal((outgoing.state, outgoing.final), ("accepted", True))
        clean(scene)


def test_no_answer_is_tried_again_after_the_exchange():
    # 62 to 93 s of CoAP's own retransmissions, then 5 s +-25 %
    scene = Scene(answering(None)).start()
    outgoing = scene.send()
    scene.run(99260)
    equal(len(scene.of("MSG")), 2)
    assert 65.75 <= ticks(scene)[1] <= 99.25, ticks(scene)
    equal(outgoing.state, "sent")


def test_back_off_doubles_to_300_s_for_ever():
    scene = Scene(answering(coap.SERVICE_UNAVAILABLE)).start()
    outgoing = scene.send()
    scene.run(50 * MINUTE)
    times = ticks(scene)
    for number, nominal in enumerate([5, 10, 20, 40, 80, 160, 300, 300, 300, 300, 300, 300]):
        gap = times[number + 1] - times[number]
        assert nominal * 0.749 <= gap <= nominal * 1.251, (number, gap)
    # 12 an hour for ever, 4 days of it
    scene.forget()
    scene.run(4 * DAY)
    assert 1100 <= scene.count["MSG"] <= 1200, scene.count
    equal(outgoing.final, False)
    # The jitter is there: gaps of 300 s are not alike.
    times = ticks(scene)
    assert len({int(times[n + 1] - times[n]) for n in range(len(times) - 1)}) > 10


def test_a_link_that_is_back_is_used_at_once():
    scene = Scene(lambda asked: None).start()
    scene.run(HOUR)
    while scene.client.registration._on_air:
        scene.run(SECOND)
    scene.answer = agree
    scene.send()
    scene.forget()
    equal((scene.client.registration.state, scene.kinds()), ("unreachable", []))
    scene.link_is_back()
    equal(scene.kinds(), ["REG", "MSG"])

    # Registered all the while: the message that met silence.
    silent = [True]
    scene = Scene(lambda asked: None if asked.kind == "MSG" and silent else agree(asked)).start()
    outgoing = scene.send()
    scene.run(20 * MINUTE)
    while outgoing.exchange is not None:  # its own repeats would find the way
        scene.run(SECOND)
    silent.clear()
    scene.forget()
    scene.link_is_back()
    equal((scene.kinds(), outgoing.state), (["MSG"], "accepted"))
    # An answer that says "later" is no silence.
    scene = Scene(answering((coap.SERVICE_UNAVAILABLE, b"", max_age(100)))).start()
    scene.send()
    scene.forget()
    scene.link_is_back()
    scene.run(SECOND)
    equal(scene.kinds(), [])
    # Nor does a client that stops begin anew.
    scene.stop()
    scene.forget()
    scene.link_is_back()
    scene.run(MINUTE)
    equal(scene.kinds(), [])


def test_max_age_comes_before_the_schedule():
    scene = Scene(answering((coap.SERVICE_UNAVAILABLE, b"", max_age(17)), coap.CHANGED)).start()
    scene.send()
    scene.run(16999)
    equal(len(scene.of("MSG")), 1)
    scene.run(1)
    equal(len(scene.of("MSG")), 2)


def test_max_age_zero_is_no_tight_loop():
    scene = Scene(answering((coap.SERVICE_UNAVAILABLE, b"", max_age(0)))).start()
    scene.send()
    scene.run(MINUTE)
    assert 4 <= len(scene.of("MSG")) <= 6, ticks(scene)


def test_unauthorized_registers_at_once_and_sends_again():
    scene = Scene(answering(coap.UNAUTHORIZED, coap.CHANGED)).start()
    outgoing = scene.send()
    equal(scene.kinds(), ["REG", "MSG", "REG", "MSG"])
    equal(scene.asked[-1].tick, scene.asked[0].tick)
    equal(outgoing.state, "accepted")


def test_unauthorized_that_persists_is_no_tight_loop():
    scene = Scene(answering(coap.UNAUTHORIZED)).start()
    for number in range(12):
        scene.send("ue:%d@x" % number)
    scene.run(HOUR)
    # 2 s doubled to 300 s: 8 tries in the first 8.5 minutes, then one in 5 minutes: 8 + 51 / 5, +-25 %, and two at once
    assert 14 <= scene.count["MSG"] <= 26, scene.count
    assert scene.count["REG"] <= scene.count["MSG"] + 2, scene.count
    scene.answer = agree
    scene.run(375 * SECOND + MINUTE)
    equal(scene.client.stats["accepted"], 12)
    # and the next time it is asked, it registers at once again
    scene.answer = answering(coap.UNAUTHORIZED, coap.CHANGED)
    equal(scene.send().state, "accepted")
