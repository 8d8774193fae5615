# SPDX-License-Identifier: MIT
"""An answer came, and what follows from it finds no memory: the request goes out again after the back-off of its kind
(docs/retries.md: 5 s, then twice as long each time, up to 300 s, 25 % more or less), whatever else is answered."""

from application_scene import Scene as ApplicationScene
from common import equal
from msgin5g_scene import MINUTE, SECOND, Scene, agree, msg

# Tries in ten minutes: at 0, 5, 15, 35, 75, 155, 315 s, and one more where all waits are a quarter shorter.
FEWEST, MOST = 6, 8
TO = "ue:b@x", "ue:c@x"


class Starved:
    """While `lacking`, the method `name` of `holder` finds no memory."""

    def __init__(self, holder, name):
        self.lacking = True
        method = getattr(holder, name)

        def call(*arguments):
            if self.lacking:
                raise MemoryError
            return method(*arguments)

        setattr(holder, name, call)


def bounded():
    """An answer for everything, but not without an end."""
    left = [300]

    def answer(asked):
        left[0] -= 1
        assert left[0], "it asks again and again"
        return agree(asked)

    return answer


def destinations(scene):
    return [asked.body["destAddr"]["addr"] for asked in scene.of("MSG")]


def some(count):
    assert FEWEST <= count <= MOST, count


def two_destinations(**options):
    scene = Scene(bounded(), aggregation={"wait": options.pop("wait", 0)}).start()
    memory = Starved(scene.client.store, options.pop("what", "ended"))
    sent = [scene.send(to, **options) for to in TO]
    scene.run(10 * MINUTE)
    for to in TO:
        some(destinations(scene).count(to))
    equal([each.final for each in sent], [False, False])
    memory.lacking = False
    scene.run(400 * SECOND)
    return scene, sent


def test_two_destinations_do_not_wake_each_other():
    scene, sent = two_destinations()
    equal([each.state for each in sent], ["accepted", "accepted"])
    equal((scene.client.outbox.queue, scene.client.on_air), ([], 0))


def test_nor_those_that_wait_for_reports():
    scene, sent = two_destinations(what="accepted", report=True)
    equal([each.state for each in sent], ["accepted", "accepted"])
    equal(len(scene.client.outbox.waiting), 2)


def test_nor_where_several_messages_are_joined():
    scene, sent = two_destinations(wait=0.1)
    equal([each.state for each in sent], ["accepted", "accepted"])


def test_nor_do_messages_in_segments():
    scene = Scene(bounded(), segments={"size": 64}).start()
    memory = Starved(scene.client.outbox, "progressed")
    sent = [scene.send(to, "x" * 64 * 64) for to in TO]
    scene.run(10 * MINUTE)
    equal(memory.lacking, True)
    assert scene.count["MSG"] <= 2 * (64 + MOST), scene.count
    memory.lacking = False
    scene.run(15 * MINUTE)  # each is held for two minutes
    equal([each.state for each in sent], ["accepted", "accepted"])


def test_a_report_waits_as_long():
    scene = Scene(bounded()).start()
    memory = Starved(scene.client.store, "reported")
    for number in range(2):
        scene.post(msg("m-%d" % number, more='"isDelivStatReq":true,'))
        scene.take()
    scene.run(10 * MINUTE)
    assert 2 * FEWEST <= scene.count["IMDN"] <= 2 * MOST, scene.count
    memory.lacking = False
    scene.run(400 * SECOND)
    equal((scene.client.stats["reported"], scene.client.idle), (2, True))


def test_a_topic_waits_as_long():
    scene = Scene(bounded()).start()
    topics = scene.client.procedure("topics")
    memory = Starved(topics, "_read")
    subscription = scene.call("topics", "subscribe", "alerts")
    scene.run(10 * MINUTE)
    some(scene.count["TOPIC"])
    equal(subscription.cause, "no memory for its answer")
    memory.lacking = False
    scene.run(400 * SECOND)
    equal(subscription.state != "refused", True)


def test_a_registration_says_what_lacked():
    scene = Scene(bounded())
    memory = Starved(scene.client.registration, "_read")
    scene.start()
    registration = scene.client.registration
    equal((registration.state, registration.cause), ("unreachable", "no memory for its answer"))
    memory.lacking = False
    scene.run(MINUTE)
    equal((registration.state, registration.cause), ("registered", None))


# --- MSGin5G-5 ---------------------------------------------------------------------------------------------------

ANSWER = "02 01"  # MESSAGE SENDING RESPONSE, success (A.2.1.2)


def test_a_message_of_an_application_client_is_not_forgotten():
    """Over L3, where one request is open at a time."""
    scene = ApplicationScene().start()
    memory = Starved(scene.client.store, "ended")
    sent = scene.send("192.0.2.1", b"a", to_type="AS")
    count = 0
    for _ in range(600):
        for frame in scene.sent():
            count += frame[0] == 1
            scene.receive(ANSWER)
        scene.pass_time(1000)
    some(count)
    equal(sent.final, False)
    memory.lacking = False
    for _ in range(400):
        for _ in scene.sent():
            scene.receive(ANSWER)
        scene.pass_time(1000)
    equal((sent.state, scene.client.outbox.queue), ("accepted", []))
