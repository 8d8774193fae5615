# SPDX-License-Identifier: MIT
"""One budget of requests at several nodes: what a source can have of all of them together, and what it costs."""

import asyncio
import json
import random

import pytest

from host_tests.gateway.scripted import LONG, gateway, run
from tools.programs.patience import patience
from tools.server.flood import MOST, PERIOD, SHARE, SharedFlood, in_json, of_json
from tools.store.store import Store
from tools.wire.identity import Peer

RATE, BURST = 100, 2
NEWS = 0.25  # s on the way from a node to another
TICK = 0.01


class Nodes:
    """So many of them, which tell each other what was spent, each at moments of its own."""

    def __init__(self, count, seed=1):
        rng = random.Random(seed)
        self.floods = [SharedFlood(RATE, burst=BURST) for _ in range(count)]
        self._next = [rng.uniform(0, PERIOD) for _ in range(count)]
        self._under_way = []  # (when it comes, to which, the source, tokens)
        self.told = 0

    def tick(self, now):
        for at, flood in enumerate(self.floods):
            if now >= self._next[at]:
                self._next[at] += PERIOD
                for source, tokens in flood.take_spent(PERIOD):
                    self.told += 1
                    to = [other for other in range(len(self.floods)) if other != at]
                    self._under_way += [(now + NEWS, other, source, tokens) for other in to]
        for news in [each for each in self._under_way if each[0] <= now]:
            self._under_way.remove(news)
            self.floods[news[1]].spent_elsewhere(*news[2:], now)


def given(nodes, seconds, rates):
    """How many requests of one source are allowed, which come at so many a second at each of the nodes."""
    allowed, due = 0, [0.0] * len(rates)
    for step in range(round(seconds / TICK)):
        now = step * TICK
        nodes.tick(now)
        for at, rate in enumerate(rates):
            due[at] += rate * TICK
            while due[at] >= 1:
                due[at] -= 1
                allowed += nodes.floods[at].allows("source", now)
    return allowed


def bound(count, seconds):
    """As SharedFlood says it: R*T*(1 + N/SHARE) + B + (N - 1)*(B + R*S)."""
    burst, old = RATE * BURST, PERIOD + NEWS + TICK
    return RATE * seconds * (1 + count / SHARE) + burst + (count - 1) * (burst + RATE * old)


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("each", [5 * RATE, RATE, RATE / 2])
def test_a_source_at_all_nodes_has_little_more_than_at_one(count, each):
    """At the end of a minute: the budget, and not that of each node. Nor is it less than one node would give."""
    seconds = 60
    allowed = given(Nodes(count, count), seconds, [each] * count)
    assert allowed <= bound(count, seconds) < count * RATE * seconds
    assert allowed >= 0.9 * RATE * seconds * min(1, count * each / RATE)


def test_without_news_each_node_would_give_it_all():
    """What the bound is held against."""
    nodes = Nodes(3)
    nodes.tick = lambda now: None
    assert given(nodes, 60, [5 * RATE] * 3) >= 3 * RATE * 60 > bound(3, 60)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_what_is_too_little_to_be_told_is_little(count):
    """So much at each node that nobody hears of it, beside one where it takes all it gets."""
    quiet = RATE / SHARE * 0.8
    nodes = Nodes(count)
    allowed = given(nodes, 60, [5 * RATE] + [quiet] * (count - 1))
    assert allowed <= bound(count, 60)


def test_a_source_at_one_node_has_what_it_had():
    """As behind a proxy that sends the same source to the same node."""
    nodes = Nodes(3)
    assert given(nodes, 60, [RATE * 0.95, 0, 0]) == round(RATE * 0.95 * 60)
    other = [flood.allows("another", 60.0) for flood in nodes.floods]
    assert other == [True] * 3


def test_what_is_owed_is_paid_back():
    flood = SharedFlood(RATE, burst=BURST)
    assert flood.allows("source", 0.0)
    flood.spent_elsewhere("source", 3 * RATE, 0.0)  # 199 - 300: 101 too much
    assert not flood.allows("source", 1.0)
    assert not flood.allows("source", 1.019)
    assert flood.allows("source", 1.021)
    assert flood.allows("other", 0.0)


def test_quiet_sources_cost_nothing_and_news_are_bounded():
    flood = SharedFlood(RATE, burst=BURST, max_addresses=200)
    for source in range(1000):
        assert flood.allows(source, 0.0)
    assert flood.take_spent(PERIOD) == []
    for source in range(200):
        for _ in range(source + 1):
            flood.allows(source, 0.0)
    told = flood.take_spent(PERIOD)
    assert len(told) == MOST
    assert [tokens for _, tokens in told] == list(range(200, 200 - MOST, -1))  # the busiest
    assert flood.take_spent(PERIOD) == []
    for source in range(1000, 2000):
        flood.spent_elsewhere(source, 1, 0.0)
    assert len(flood._buckets) <= 200


@pytest.mark.parametrize(
    "source", ["2001:db8::1", Peer("192.0.2.1", 5683), Peer("2001:db8::1", 1), b"\x00\xff" * 16]
)
def test_sources_come_over_as_they_are(source):
    came = of_json(json.loads(json.dumps(in_json(source))))
    assert came == source and type(came) is type(source)


def test_one_piece_of_news_fits_what_a_node_can_be_told():
    """8000 octets are the longest that PostgreSQL's NOTIFY takes; some of it are its own words."""
    assert len(json.dumps([[in_json(b"\xff" * 32), 1000000]] * MOST)) < 7000


def test_nodes_tell_each_other(monkeypatch):
    """Two servers, by what they say to their stores."""
    monkeypatch.setattr(Store, "node", "one")
    told = asyncio.Queue()
    monkeypatch.setattr(
        Store, "tell", lambda store, kind, payload, node=None: told.put_nowait((kind, payload))
    )

    async def main():
        async with gateway(rate=40) as one, gateway(rate=40) as other:
            peer = Peer("192.0.2.1", 40000)
            codes = [(await one._request(peer, 50, b"{}")).code for _ in range(30)]
            assert codes == ["4.00"] * 30
            async with patience(LONG):
                kind, payload = await told.get()
            assert kind == "spent"
            payload = json.loads(json.dumps(payload))
            assert payload == [["192.0.2.1", 30]]
            other.store.told["spent"]([["192.0.2.1", 100]], "one")
            assert (await other._request(peer, 50, b"{}")).code == "4.29"
            assert (await other._request(Peer("192.0.2.2", 1), 50, b"{}")).code == "4.00"

    run(main())


def test_alone_nobody_is_told():
    async def main():
        async with gateway() as g:
            assert "spent" not in g.store.told
            assert not isinstance(g.server._flood, SharedFlood)

    run(main())
