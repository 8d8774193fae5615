# SPDX-License-Identifier: MIT
"""Which message goes next, and the end of `expires`."""

import coap
from common import equal
from msgin5g_scene import DAY, HOUR, MINUTE, SECOND, Scene, agree, answering, clean, ticks


def test_order_is_kept_for_a_destination():
    scene = Scene(answering(None), coap={"nstart": 4}).start()
    sent = [scene.send(payload=str(number)) for number in range(5)]
    equal([each.body["payload"] for each in scene.of("MSG")], ["0"])
    scene.forget()
    scene.answer = agree
    scene.run(2 * MINUTE)
    equal([each.body["payload"] for each in scene.of("MSG")], ["1", "2", "3", "4"])
    equal([each.state for each in sent], ["accepted"] * 5)


def test_a_refused_destination_does_not_block_others():
    def answer(asked):
        dead = asked.kind == "MSG" and asked.body["destAddr"]["addr"] == "ue:dead@x"
        return coap.GATEWAY_TIMEOUT if dead else agree(asked)

    scene = Scene(answer).start()
    stuck = [scene.send("ue:dead@x"), scene.send("ue:dead@x")]
    for number in range(50):
        equal(scene.send("ue:%d@x" % number).state, "accepted")
    equal([each.final for each in stuck], [False, False])
    equal(stuck[1].state, "queued")


def test_a_silent_destination_does_not_block_others_for_ever():
    # The peer answers all but the messages to one destination, so its silence says nothing about the peer. Each
    # try takes 62 to 93 s off the air (NSTART 1): the back-off leaves room for the others.
    def answer(asked):
        dead = asked.kind == "MSG" and asked.body["destAddr"]["addr"] == "ue:dead@x"
        return None if dead else agree(asked)

    scene = Scene(answer).start()
    scene.send("ue:dead@x")
    accepted = 0
    for _ in range(360):
        outgoing = scene.send("ue:live@x", expires=9)
        scene.run(10 * SECOND)
        accepted += outgoing.state == "accepted"
        scene.ended.clear()
    # 3600 s: tries end after about 85 s each; 5, 10, ... 300 s between them: some 13 tries, 1100 s of blocking
    assert accepted > 200, accepted


def test_what_waits_because_of_silence_goes_when_the_peer_is_heard():
    scene = Scene(answering(None)).start()
    for _ in range(5):
        scene.send("ue:%d@x" % _)
    scene.run(20 * MINUTE)
    scene.answer = agree
    scene.forget()
    scene.run(7 * MINUTE)
    equal(scene.client.stats["accepted"], 5)
    # one was on the air already, or the first whose back-off ended; the other four went as soon as it was answered
    times = ticks(scene)[-4:]
    assert times[3] - times[0] < 1, times


def test_priorities():
    scene = Scene().start()
    scene.answer = lambda asked: None
    scene.send("ue:0@x")
    for to, priority in (("ue:1@x", "LOW"), ("ue:2@x", "NORMAL"), ("ue:3@x", "HIGH"), ("ue:4@x", "HIGH")):
        scene.send(to, priority=priority)
    scene.answer = agree
    scene.forget()
    scene.run(MINUTE)
    equal(
        [each.body["destAddr"]["addr"] for each in scene.of("MSG")], ["ue:3@x", "ue:4@x", "ue:2@x", "ue:1@x"]
    )
    # the level goes with it, NORMAL as the default does not (7.3.4.1)
    equal([each.body.get("priority") for each in scene.of("MSG")], ["HIGH", "HIGH", None, "LOW"])


def test_a_stream_of_short_messages_does_not_starve_a_large_one():
    kinds = []

    def answer(asked):
        if asked.kind == "MSG":
            kinds.append("S" if "segParams" in asked.body else "s")
        return agree(asked)

    scene = Scene(answer)
    large = scene.send("ue:large@x", "x" * 4000)
    for number in range(12):
        scene.send("ue:short@x", str(number))
    scene.start()
    # one after the other, until the large one has gone
    last = len(kinds) - 1 - kinds[::-1].index("S")
    assert kinds.count("S") >= 5 and last <= 2 * kinds.count("S"), kinds
    equal(large.state, "sent")


def test_expires_while_not_registered():
    scene = Scene(lambda asked: None).start()
    outgoing = scene.send(expires=30)
    scene.run(29999)
    equal(outgoing.final, False)
    scene.run(1)
    equal((outgoing.state, outgoing.final, outgoing.cause), ("expired", True, "not accepted in time"))
    equal(scene.client.stats["expired"], 1)
    clean(scene)


def test_expires_on_the_air_while_delayed_and_in_segments():
    for answer, payload in ((None, "hi"), (coap.SERVICE_UNAVAILABLE, "hi"), (coap.CHANGED, "x" * 3000)):
        scene = Scene(answering(answer)).start()
        outgoing = scene.send(payload=payload, expires=7)
        scene.run(6999)
        equal((outgoing.state, outgoing.final), ("sent", False))
        scene.run(1)
        equal((outgoing.state, outgoing.final), ("expired", True))
        clean(scene)
        # it is off the air: the next one goes at once
        scene.answer = agree
        equal(scene.send().state, "accepted")


def test_expires_does_not_count_after_the_acceptance():
    scene = Scene().start()
    outgoing = scene.send(expires=10, report=True)
    scene.run(HOUR)
    equal((outgoing.state, outgoing.final), ("accepted", False))
    equal(scene.client.stats["expired"], 0)


def test_expires_after_weeks():
    # longer than ticks can compare (3.1 days)
    scene = Scene(lambda asked: None).start()
    outgoing = scene.send(expires=20 * 86400)
    scene.run(20 * DAY - 1)
    equal(outgoing.final, False)
    scene.run(1)
    equal(outgoing.state, "expired")
