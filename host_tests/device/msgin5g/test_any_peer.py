# SPDX-License-Identifier: MIT
"""Whatever the peer answers and says by itself: each message ends once, nothing is left, nothing spins."""

import coap
from common import Random, equal
from msgin5g import OutboxFull
from msgin5g_scene import DAY, GRANTED, HOUR, SECOND, Scene, agree, imdn, max_age, msgresp, segconfir, segrec

CODES = (68, 68, 68, 65, 129, 136, 157, 160, 162, 163, 164, 128, 131, 132, 141, 150, "reset", None)
STORED = '"DelSta":"stored for deferred delivery"'


class AnyPeer:
    def __init__(self, random):
        self.random = random
        self.on_peer_alive = []  # (msgId, segId) of the last messages

    def answer(self, asked):
        random = self.random
        if asked.kind == "MSG":
            body = asked.body
            self.on_peer_alive.append(
                (body["msgId"], body.get("segParams", {}).get("segId"), body["destAddr"]["addr"])
            )
            self.on_peer_alive = self.on_peer_alive[-6:]
        code = random.choice(CODES)
        if asked.kind in ("REG", "GWREG") and random.chance(80):
            return coap.CHANGED, GRANTED
        if isinstance(code, int) and random.chance(20):
            return code, b"why", max_age(random.below(100))
        return code

    def say(self):
        """A body about a message that the device sent lately."""
        if not self.on_peer_alive:
            return msgresp("x")
        message_id, set_id, to = self.random.choice(self.on_peer_alive)
        return self.random.choice(
            (
                imdn(message_id, "success", to),
                imdn(message_id, "failure", to),
                imdn(message_id, "success", "ue:else@x"),
                msgresp(message_id),
                msgresp(message_id, STORED),
                msgresp(message_id, '"DelSta":"failure","Cause":"not registered"'),
                segrec(set_id or "x", "(1-1, 3-9)"),
                segconfir(set_id or "x"),
                segconfir(set_id or "x", "false"),
            )
        )


def run(seed, steps=250):
    random = Random(seed)
    peer = AnyPeer(random)
    more = {
        "gateway_service": random.chance(30),
        "coap": {"nstart": 1 + random.below(3), "max_datagram": 700},
    }
    scene = Scene(
        peer.answer, seed=seed, outbox={"messages": 6}, segments={"hold": 20}, report_timeout=500, **more
    )
    scene.MAX_ASKED = 1
    scene.start()
    sent = full = 0
    open_ones = []
    final = {}
    for _ in range(steps):
        action = random.below(5)
        if action < 2:
            try:
                outgoing = scene.send(
                    "ue:%d@x" % random.below(3),
                    "x" * (900 if random.chance(20) else random.below(50)),
                    report=random.chance(40),
                    priority=random.choice(("HIGH", "NORMAL", "LOW")),
                    expires=random.below(200) + 1 if random.chance(30) else None,
                )
            except OutboxFull:
                full += 1
            else:
                sent += 1
                open_ones.append(outgoing)
        elif action == 2:
            equal(scene.post(peer.say()) is not None, True)
        else:
            scene.run(random.below(90) * SECOND)
        for outgoing in open_ones[:]:
            assert outgoing.state in (
                "queued",
                "sent",
                "accepted",
                "stored",
                "delivered",
                "failed",
                "expired",
            )
            if outgoing.final:
                open_ones.remove(outgoing)
                final[outgoing.state] = final.get(outgoing.state, 0) + 1
                equal(scene.ended.pop(outgoing.message_id), outgoing.state)
        equal(len(scene.ended), 0)  # an end that nobody waits for would be a second one
        outbox = scene.client.outbox
        equal(outbox.octets, sum([each.size for each in outbox.queue]))
        equal(
            sorted([id(each) for each in open_ones]),
            sorted([id(each) for each in outbox.queue + outbox.waiting]),
        )
    scene.answer = agree
    scene.polls = 0
    scene.run(DAY)
    for outgoing in open_ones:
        assert outgoing.final, outgoing
        final[outgoing.state] = final.get(outgoing.state, 0) + 1
    equal(sum(final.values()), sent)
    stats = scene.client.stats
    for state in ("delivered", "failed", "expired"):
        equal((state, stats[state]), (state, final.get(state, 0)))
    assert stats["accepted"] >= final.get("accepted", 0), (stats, final)
    equal((scene.files, scene.client.on_air, scene.client.sender._backoffs), ([], 0, {}))
    # a refresh in 48 minutes, each with few polls; the first hour had a lot to do
    assert scene.polls < 1000, scene.polls
    scene.polls = 0
    scene.run(24 * HOUR)
    assert scene.polls < 24 * 6, scene.polls
    assert sent > 40 and len(final) >= 3, (sent, final)


def test_any_peer_1():
    for seed in range(1, 6):
        run(seed)


def test_any_peer_2():
    for seed in range(6, 11):
        run(seed)


def test_any_peer_3():
    for seed in range(11, 16):
        run(seed)


def test_any_peer_4():
    for seed in range(16, 21):
        run(seed)
