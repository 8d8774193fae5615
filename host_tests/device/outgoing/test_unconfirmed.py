# SPDX-License-Identifier: MIT
# heap: 256k, the peer, the storage and all that was sent lie in it too
"""`coap.confirmable` "spec": a MSG that wants no report goes out Non-confirmable (TS 24.538 clause 6.4.1.1.2), where
nothing repeats what is lost (RFC 7252 section 4.3). It goes again, Confirmable, before a receiver of segments misses
it, which is after 5 s (docs/wire-profile.md)."""

import coap
from common import equal
from msgin5g_scene import HOUR, MINUTE, SECOND, Scene, agree, segconfir, segrec, ticks

GAP = 5  # s


def started(answer, **more):
    scene = Scene(answer, coap=dict({"confirmable": "spec"}, **more)).start()
    return scene


class Losing:
    """The peer, of whose MSGs those with these places, counted from 0, are lost, or get no answer."""

    def __init__(self, *lost):
        self.lost = lost
        self.count = -1

    def __call__(self, asked):
        if asked.kind == "MSG":
            self.count += 1
            if self.count in self.lost:
                return None
        return agree(asked)


def types(scene, kind="MSG"):
    return [each.message.type for each in scene.of(kind)]


def numbers(scene):
    return [each.body["segParams"]["segNumb"] for each in scene.of("MSG")]


def set_id(scene):
    return scene.of("MSG")[0].body["segParams"]["segId"]


def test_what_is_lost_goes_again_confirmable():
    scene = started(Losing(0))
    outgoing = scene.send()
    scene.run(GAP * SECOND)
    equal(types(scene), [coap.NON, coap.CON])
    equal(len({each.body["msgId"] for each in scene.of("MSG")}), 1)
    equal(outgoing.state, "accepted")
    scene.send()  # that is over: the next one goes as the specification says
    equal(types(scene)[2:], [coap.NON])


def test_an_answer_in_time_is_waited_for():
    """ACK_TIMEOUT is what a round trip takes at most, and a gateway asks its server before it answers."""
    scene = started(Losing(0))
    scene.send()
    scene.run(2 * SECOND)
    equal(types(scene), [coap.NON])


def test_any_one_segment_is_lost():
    for nstart in (1, 2):
        for lost in (0, 1, 3):
            scene = started(Losing(lost), nstart=nstart)
            outgoing = scene.send(payload="x" * 3000)
            scene.run(GAP * SECOND)
            equal(numbers(scene), list(range(1, lost + 2)) + list(range(lost + 1, 5)))
            expected = [coap.NON] * (lost + 1) + [coap.CON]
            equal(types(scene)[: lost + 2], expected)
            scene.post(segconfir(set_id(scene)))
            equal(outgoing.state, "accepted")


def test_who_is_silent_is_probed_by_what_is_confirmable():
    """One that is not goes once, so that nothing is sent at more than PROBING_RATE (section 4.7)."""
    scene = started(Losing(*range(1000)))
    scene.send()
    scene.run(HOUR)
    sent = types(scene)
    equal(sent, [coap.NON] + [coap.CON] * (len(sent) - 1))
    assert 8 < len(sent) < 20, len(sent)  # each takes 62 to 93 s, and a back-off of 300 s in the end


def test_who_is_silent_is_so_for_all_messages():
    """Where each of many went once, that would be a hundred times PROBING_RATE, an octet a second."""
    scene = started(Losing(*range(1000)))
    for number in range(8):
        scene.send("ue:%d@x" % number)
    scene.run(15 * MINUTE)
    equal(types(scene).count(coap.NON), 1)
    scene.answer = agree
    scene.run(6 * MINUTE)
    equal(scene.client.stats["accepted"], 8)
    scene.send()
    equal(types(scene)[-1], coap.NON)


def test_a_refusal_waits_as_long_as_ever():
    scene = started(lambda asked: coap.SERVICE_UNAVAILABLE if asked.kind == "MSG" else agree(asked))
    scene.send()
    scene.run(3 * SECOND)
    equal(len(scene.of("MSG")), 1)
    scene.run(4 * SECOND)
    equal(types(scene), [coap.NON, coap.CON])


def test_what_was_joined_goes_again_confirmable():
    scene = Scene(Losing(0), coap={"confirmable": "spec"}, aggregation={"wait": 1}).start()
    first, second = scene.send(payload="1"), scene.send(payload="2")
    scene.run((1 + GAP) * SECOND)
    equal(types(scene), [coap.NON, coap.CON])
    equal(len({each.body["msgId"] for each in scene.of("MSG")}), 1)
    equal((first.state, second.state), ("accepted", "accepted"))


def test_all_else_is_confirmable():
    """REG, IMDN, SEGCONFIR, SEGREC, SUB, UNSUB, DEREG; and a MSG that wants a report."""
    from msgin5g_scene import msg, segment

    scene = started(agree)
    scene.post(msg(more='"isDelivStatReq":true,'))
    scene.take()
    scene.post(segment(1, 2, message_id="m-2"))
    scene.run(6 * SECOND)
    scene.post(segment(2, 2, message_id="m-2"))
    scene.call("topics", "subscribe", "t")
    scene.call("topics", "unsubscribe", "t")
    scene.send(report=True)
    scene.stop()
    scene.run(MINUTE)
    equal({each.message.type for each in scene.asked}, {coap.CON})
    for kind in ("REG", "IMDN", "SEGREC", "SEGCONFIR", "TOPIC", "MSG", "DEREG"):
        assert kind in scene.count, kind


# --- SEGREC while a segment is on the air: what is asked for at ACK_TIMEOUT 10 s comes before any retransmission ----


def asked_for(ranges, confirmable, place=1):
    """The scene of a set of four whose segment at this place gets no answer, and then SEGREC about these."""
    scene = Scene(Losing(place), coap={"confirmable": confirmable, "ack_timeout": 10}).start()
    outgoing = scene.send(payload="x" * 3000)
    scene.run(GAP * SECOND)
    equal(numbers(scene), list(range(1, place + 2)))
    equal(scene.post(segrec(set_id(scene), ranges)).code, coap.CHANGED)
    return scene, outgoing


def test_the_one_on_the_air_goes_again_when_it_is_asked_for():
    for confirmable in ("spec", "all"):
        for place, ranges, after in ((0, "(1-4)", [1, 2, 3, 4]), (1, "(2-4)", [2, 3, 4]), (3, "(4-4)", [4])):
            scene, outgoing = asked_for(ranges, confirmable, place)
            equal(numbers(scene)[place + 1 :], after)
            equal(ticks(scene)[-1], GAP)
            scene.post(segconfir(set_id(scene)))
            equal(outgoing.state, "accepted")


def test_the_one_on_the_air_is_there_when_later_ones_are_asked_for():
    for confirmable in ("spec", "all"):
        scene, outgoing = asked_for("(3-4)", confirmable)
        equal(numbers(scene), [1, 2, 3, 4])
        equal(ticks(scene)[-1], GAP)
        scene.post(segconfir(set_id(scene)))
        equal(outgoing.state, "accepted")


def test_the_one_on_the_air_may_be_under_way_when_earlier_ones_are_asked_for():
    """A list that does not fit a datagram has the first ones that are missing."""
    for confirmable in ("spec", "all"):
        scene, outgoing = asked_for("(1-1)", confirmable)
        equal(numbers(scene), [1, 2])
        scene.run(30 * SECOND)
        # What is retransmitted is the same request, behind which the next one is made already.
        equal(numbers(scene)[2:], [1, 2, 3, 4] if confirmable == "spec" else [3, 4, 1])


def test_what_was_made_ahead_is_made_anew():
    """The next one waits for the answer to the one on the air, and goes behind it when that goes again."""
    scene = Scene(Losing(1), coap={"confirmable": "spec", "ack_timeout": 10}).start()
    scene.send(payload="x" * 3000)
    assert scene.client.outbox.queue[0].prefetched is not None
    scene.post(segrec(set_id(scene), "(2-4)"))
    equal(numbers(scene), [1, 2, 2, 3, 4])
    equal(scene.client.on_air, 0)
