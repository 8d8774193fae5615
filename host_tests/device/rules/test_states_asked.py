# SPDX-License-Identifier: MIT
"""As test_states.py, for what the device asks for: topics, and segments that are missing. And time."""

import coap
from coap.compat import ticks_diff
from common import SAME, equal, walk
from groups_scene import GroupScene, document
from msgin5g.incoming.reassembly import SEGMENTS
from msgin5g.procedures.groups import CALL
from msgin5g.procedures.topics import SUBSCRIPTION
from msgin5g.timing import Backoff, Countdown
from msgin5g_scene import HOUR, SECOND, Scene, agree, max_age, segment

# --- subscriptions ------------------------------------------------------------------------------------------

GOOD = (coap.CONTENT, b'{"subStatus":true}', [(coap.OBSERVE, b"\x01")] + max_age(3600))


class Topic:
    """A subscription in a state, and its scene."""

    def __init__(self, state):
        said = {"subscribing": None, "refused": coap.FORBIDDEN, "resuming": None}.get(state, GOOD)
        self.said = said
        self.scene = Scene(lambda asked: self.said if asked.kind == "TOPIC" else agree(asked)).start()
        self.it = self.scene.client.subscribe("t", self.scene.tick)
        self.scene._pump()
        if state == "resuming":
            self.scene = Scene(self.scene.answer, self.scene.storage, seed=2).start()
            self.it = self.scene.client.procedure("topics").subscriptions[0]
        elif state == "postponed":
            self.asked_again(coap.FORBIDDEN)
        elif state == "unsubscribing":
            self.said = None
            self.unsubscribe()
        elif state == "unsubscribed":
            self.unsubscribe()

    @property
    def stands(self):
        return self.it.stands

    def unsubscribe(self):
        self.scene.client.unsubscribe("t", self.scene.tick)
        self.scene._pump()

    def subscribe(self):
        found = self.scene.client.subscribe("t", self.scene.tick)
        self.scene._pump()
        if self.it not in self.scene.client.procedure("topics").subscriptions:
            self.it = found

    def asked_again(self, said):
        """The server says this to what is on the air, or to what comes next."""
        self.said = said
        self.scene.run(3 * HOUR)


def test_subscriptions():
    events = (
        lambda topic: (setattr(topic, "said", None), topic.subscribe()),
        lambda topic: (setattr(topic, "said", None), topic.unsubscribe()),
        lambda topic: topic.asked_again(GOOD),
        lambda topic: topic.asked_again(coap.FORBIDDEN),
        lambda topic: topic.asked_again(coap.SERVICE_UNAVAILABLE),
    )
    expected = (
        ("subscribing", SAME, "unsubscribing", "subscribed", "refused", SAME),
        ("resuming", "subscribing", "unsubscribing", "subscribed", "postponed", SAME),
        ("subscribed", SAME, "unsubscribing", SAME, "postponed", SAME),
        ("postponed", "subscribing", "unsubscribing", "subscribed", SAME, SAME),
        ("unsubscribing", "subscribing", SAME, "unsubscribed", "unsubscribed", SAME),
        ("refused", "subscribing", SAME, SAME, SAME, SAME),
        ("unsubscribed", "subscribing", SAME, SAME, SAME, SAME),
    )
    walk(SUBSCRIPTION[0], expected, Topic, events)


# --- calls about groups -------------------------------------------------------------------------------------


class Asking:
    """A call to join a group in a state; `said` is what the server says next."""

    def __init__(self, state):
        self.scene = GroupScene(document()).start()
        self.scene.server.documents = None
        self.it = self.scene.call("groups", "join", "g:pumps@x")
        if state != "waiting":
            self.scene.server.code[coap.PUT] = {"done": coap.CHANGED, "refused": coap.FORBIDDEN}.get(state)
            self.scene.server.documents = [document()]
            self.scene.run(5 * HOUR)

    @property
    def stands(self):
        return self.it.stands

    def hear(self, documents, code):
        self.scene.server.documents = documents
        self.scene.server.code[coap.PUT] = code
        self.scene.run(5 * HOUR)


def test_calls():
    events = (
        lambda asking: asking.hear([document()], None),
        lambda asking: asking.hear([document()], coap.CHANGED),
        lambda asking: asking.hear([], coap.FORBIDDEN),
    )
    expected = (
        ("waiting", "found", "done", "refused"),
        ("found", SAME, "done", "refused"),
        ("done", SAME, SAME, SAME),
        ("refused", SAME, SAME, SAME),
    )
    walk(CALL[0], expected, Asking, events)


# --- sets of segments ---------------------------------------------------------------------------------------


class Set:
    """A set of two segments, of which one is there."""

    def __init__(self, state):
        self.said = coap.CHANGED
        scene = self.scene = Scene(
            lambda asked: self.said if asked.kind == "SEGREC" else agree(asked)
        ).start()
        scene.post(segment(1, 2))
        self.it = scene.client._receiver._reassembly.find("ue:b@x", "s-1")
        if state == "asking":
            self.said = None
            scene.run(6 * SECOND)
        elif state == "taken":
            scene.post(segment(2, 2))
        elif state == "dropped":
            self.said = coap.NOT_FOUND
            scene.run(6 * SECOND)

    @property
    def stands(self):
        return self.it.stands


def test_sets_of_segments():
    def gap(each):
        each.said = None
        each.scene.run(6 * SECOND)

    def asked(each):
        each.said = coap.CHANGED
        each.scene.run(3 * SECOND)  # the retransmission of what is on the air

    def gone(each):
        each.said = coap.NOT_FOUND
        each.scene.run(8 * SECOND)

    events = (
        lambda each: each.scene.post(segment(1, 2)),
        lambda each: each.scene.post(segment(2, 2)),
        gap,
        asked,
        gone,
    )
    expected = (
        ("gathering", SAME, "taken", "asking", SAME, "dropped"),
        ("asking", SAME, "taken", SAME, "gathering", "dropped"),
        ("taken", SAME, SAME, SAME, SAME, SAME),
        ("dropped", SAME, SAME, SAME, SAME, SAME),
    )
    walk(SEGMENTS[0], expected, Set, events)


# --- time ---------------------------------------------------------------------------------------------------


def test_a_query_of_a_time_changes_nothing():
    countdown = Countdown(5000, 0)
    backoff = Backoff(1000, 8000)
    backoff.failed(0, None, True)
    for now in (0, 999, 5000, 9000):
        for query in (countdown.left, countdown.deadline, backoff.ready, backoff.waits):
            before = dict(countdown.__dict__), dict(backoff.__dict__)
            first = query(now)
            equal((dict(countdown.__dict__), dict(backoff.__dict__)), before)
            equal(query(now), first)


def test_a_query_changes_nothing():
    """Asked for the deadline a hundred times or not at all: the same happens at the same time."""
    scenes = [Scene(lambda asked: None if asked.kind == "MSG" else agree(asked)).start() for _ in range(2)]
    for scene in scenes:
        scene.outgoing = scene.send(expires=600)
        scene.client.subscribe("t", scene.tick)
    for second in range(700):
        for scene in scenes:
            scene.run(SECOND)
        for _ in range(3):
            deadline = scenes[1].client.next_deadline()
            assert deadline is None or ticks_diff(deadline, scenes[1].tick) >= 0, second
    equal(scenes[0].count, scenes[1].count)
    equal([scene.outgoing.state for scene in scenes], ["expired", "expired"])
