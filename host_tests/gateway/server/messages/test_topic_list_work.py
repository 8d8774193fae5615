# SPDX-License-Identifier: MIT
"""Lists of topics of other servers: what is to be asked and told is found whatever changes it, and where nothing has
changed a round of work costs the same however many subscriptions there are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, msg
from tools.server.callers import Caller
from tools.server.delivery.pushes import DONE, REFUSED, Outcome
from tools.server.procedures import topics
from tools.store.server.listtables import ListAt
from tools.store.server.peertables import EACH, MODES, NEVER, ONCE, SERVER, PeerServer
from tools.store.store import Store
from tools.wire.answers import Refusal
from tools.wire.bodies import Address

PEER, OTHER = "b.example", "c.example"
URI = "http://192.0.2.9"
EVENT = "/msgs-topiclistevent/v1"


def scene(mode=ONCE, **more):
    """A server with one peer, which is subscribed to its list for an hour, as it is to the peer's."""
    bench = Bench(**more)
    bench.server.exposure.listens_at("http://127.0.0.1:8080")
    with bench.store.transaction():
        bench.store.set_peer(PeerServer(PEER, URI, "token", "a.example", mode))
        bench.store.follow_list(PEER, "ours", URI + "/notices", bench.now + 3600)
        bench.store.set_list_at(ListAt(PEER, "theirs", None, bench.now + 3000))
    return bench


def post(bench, path, body, domain=PEER):
    """What the peer is answered."""
    caller = Caller("192.0.2.9:80", through=Address(SERVER, domain))
    path = EVENT + path
    for route in bench.server.routes:
        base, brace, name = route.path.partition("/{")
        if path == route.path:
            return route.decide(body, bench.now, caller)
        if brace and path.rpartition("/")[0] == base:
            return route.decide(body, bench.now, caller, **{name[:-1]: path.rpartition("/")[2]})
    raise LookupError(path)


def subscribe(bench, topic, ue=A, lifetime=1800):
    with bench.store.transaction():
        bench.store.forget_subscriptions(bench.now)
        bench.store.subscribe(topic, ue, bench.now + lifetime)


def settle(bench):
    """Does all that there is to do, each with success; what was asked, by kind."""
    said = []
    for _ in range(100):
        pushes = bench.work()
        if not pushes:
            return said
        for push in pushes:
            said.append((push.kind, push.body.get("msgTopics")))
            bench.server.outcome(push, Outcome(DONE), bench.now)
    raise AssertionError("no end: %s" % said)


def steps(bench, function, *arguments):
    """Steps of SQLite's machine, in hundreds."""
    count = []
    bench.store._db.set_progress_handler(lambda: count.append(1), 100)
    try:
        function(*arguments)
    finally:
        bench.store._db.set_progress_handler(None, 0)
    return len(count)


def crowd(mode, many):
    """A scene where so many UEs are subscribed to a topic of their own each, which the peer has as well, and all was
    told and asked."""
    bench = scene(mode)
    with bench.store.transaction():
        for number in range(many):
            topic, ue = "topic %d" % number, "ue:%d@a.example" % number
            bench.store.subscribe(topic, ue, bench.now + 1800)
            bench.store.list_topic(PEER, topic, True)
            bench.store.list_was_told(PEER, topic, True)
            who = Address("UE", ue) if mode == EACH else Address(SERVER, "")
            bench.store.asked(PEER, who, [topic], bench.now + 1500)
    return bench


@pytest.mark.parametrize("mode", MODES[:2])
def test_a_round_of_work_costs_the_same_however_many_are_subscribed(mode):
    costs, looks = [], []
    for many in (100, 1000):
        bench = crowd(mode, many)
        looks.append(steps(bench, bench.work))
        costs.append(steps(bench, bench.work))
        subscribe(bench, "topic 1", "ue:1@a.example")  # a renewal
        assert steps(bench, bench.work) <= costs[-1] + 5
        assert bench.work() == []
    assert costs[1] <= costs[0] + 5
    assert looks[1] < 30 * looks[0]  # it grows with what there is, and not with its square


@pytest.mark.parametrize("mode", MODES[:2])
def test_one_more_subscriber_of_a_topic_is_no_change_but_where_each_has_its_own(mode):
    bench = crowd(mode, 1000)
    assert settle(bench) == []
    rest = steps(bench, bench.work)
    subscribe(bench, "topic 1", "ue:2@a.example")
    if mode == ONCE:
        assert steps(bench, bench.work) <= rest + 5
    assert settle(bench) == ([] if mode == ONCE else [("topics", ["topic 1"])])
    for ue, more in (("ue:1@a.example", []), ("ue:2@a.example", ["notification"])):
        with bench.store.transaction():
            bench.store.unsubscribe("topic 1", ue)
        done = [kind for kind, _ in settle(bench)]
        assert done == more + (["no topics"] if mode == EACH or more else [])


def test_whatever_changes_is_found_after_all_was_as_it_should_be():
    bench = scene()
    assert settle(bench) == []
    subscribe(bench, "alerts")
    told = [{"msgTopic": "alerts", "updateStat": "CREATED"}]
    assert settle(bench) == [("notification", told)]
    post(bench, "/topiclist-notifications/theirs", {"msgTopics": told})
    assert settle(bench) == [("topics", ["alerts"])]
    with bench.store.transaction():
        bench.store.unsubscribe("alerts", A)
    told[0]["updateStat"] = "DELETED"
    assert settle(bench) == [("notification", told), ("no topics", ["alerts"])]
    with bench.store.transaction():
        bench.store.set_peer(PeerServer(PEER, URI, "token", "a.example", NEVER))
    assert settle(bench) == [("no list", None)]


def test_what_ends_is_told_at_its_time_though_nobody_asks_for_anything():
    bench = scene()
    subscribe(bench, "alerts", lifetime=600)
    settle(bench)
    assert bench.server.deadline(bench.now) == bench.now + 600
    subscribe(bench, "alerts", lifetime=900)  # renewed: the look at the old time finds nothing
    bench.now += 600
    assert settle(bench) == []
    assert bench.server.deadline(bench.now) == bench.now + 300
    bench.now += 300
    assert settle(bench) == [("notification", [{"msgTopic": "alerts", "updateStat": "DELETED"}])]


def test_what_was_undone_has_changed_nothing():
    bench = scene()
    settle(bench)
    subscribe(bench, "alerts")
    with pytest.raises(ZeroDivisionError), bench.store.transaction():
        (push,) = bench.server.work(bench.now)
        bench.server.outcome(push, Outcome(DONE), bench.now)
        assert bench.server.work(bench.now) == []
        raise ZeroDivisionError
    assert [kind for kind, _ in settle(bench)] == ["notification"]


def test_a_command_beside_the_server_is_noticed(tmp_path):
    bench = Bench()
    bench.store = Store(str(tmp_path / "gateway.db"))
    bench.restart()
    bench.server.exposure.listens_at("http://127.0.0.1:8080")
    assert settle(bench) == []
    beside = Store(str(tmp_path / "gateway.db"), serving=False)
    with beside.transaction():
        beside.set_peer(PeerServer(PEER, URI, "token", "a.example", ONCE))
    assert settle(bench) == [("list", None)]
    assert settle(bench) == []
    with beside.transaction():
        beside.remove_peer(PEER)
        beside.set_peer(PeerServer(PEER, URI, "token", "a.example", ONCE))
    assert settle(bench) == [("list", None)]
    beside.close()
    bench.store.close()


TOPICS, WHO = ("t", "u", "v"), (Address("UE", A), Address("UE", "ue:b"), Address("AS", "as:x"))
changes = st.lists(
    st.one_of(
        st.tuples(st.just("here"), st.sampled_from(TOPICS), st.sampled_from(WHO), st.sampled_from((-5, 50))),
        st.tuples(st.just("gone"), st.sampled_from(TOPICS), st.sampled_from(WHO)),
        st.tuples(st.just("far"), st.sampled_from(TOPICS)),
        st.tuples(st.just("there"), st.sampled_from(TOPICS), st.sampled_from((PEER, OTHER)), st.booleans()),
        st.tuples(st.just("told"), st.sampled_from(TOPICS), st.sampled_from((PEER, OTHER)), st.booleans()),
        st.tuples(
            st.just("asked"),
            st.sampled_from(TOPICS),
            st.sampled_from((*WHO, Address(SERVER, ""))),
            st.sampled_from((-5, 50, None)),
        ),
    ),
    max_size=25,
)


@settings(max_examples=150)
@given(changes)
def test_what_is_due_and_what_is_over_is_what_the_tables_say(said):
    bench = scene()
    store, now = bench.store, bench.now
    here, there, told, asked = set(), set(), set(), {}
    with store.transaction():
        for kind, topic, *rest in said:
            if kind == "here":
                who, left = rest
                store.subscribe(topic, who.id, now + left) if who.type == "UE" else store.follow(
                    topic, who, now + left
                )
                (here.add if left > 0 else here.discard)((topic, who))
            elif kind == "gone":
                (who,) = rest
                store.unsubscribe(topic, who.id) if who.type == "UE" else store.unfollow(topic, who)
                here.discard((topic, who))
            elif kind == "far":
                store.follow(topic, Address("UE", "ue:z@c.example"), now + 50, OTHER)
            elif kind == "there":
                store.list_topic(rest[0], topic, rest[1])
                (there.add if rest[1] else there.discard)((rest[0], topic))
            elif kind == "told":
                store.list_was_told(rest[0], topic, rest[1])
                (told.add if rest[1] else told.discard)((rest[0], topic))
            else:
                who, left = rest
                store.asked(PEER, who, [topic], None if left is None else now + left)
                asked[topic, who] = left
    names = {topic for topic, _ in here}
    missing = {(topic, 1) for topic in names if (PEER, topic) not in told}
    missing |= {(topic, 0) for domain, topic in told if domain == PEER and topic not in names}
    _, rows = store.list_changes(PEER, now) or (None, ())
    assert sorted(rows) == sorted(missing)
    for mode in MODES:
        wanted = {(topic, who) for topic, who in here if mode == EACH and (PEER, topic) in there}
        if mode == ONCE:
            wanted = {(topic, Address(SERVER, "")) for topic in names if (PEER, topic) in there}
        due = {each for each in wanted if (asked.get(each) or 0) <= 0}
        over = {each for each, left in asked.items() if left is not None and each not in wanted}
        for found, right in ((store.asks_due, due), (store.asks_over, over)):
            got = found(PEER, mode, now)
            assert (got is None) == (not right), mode
            if got:
                who, listed = got
                assert sorted(listed) == sorted(topic for topic, each in right if each == who)
    store.close()


# ---- what a peer says ------------------------------------------------------------------------------------------------


def test_a_time_that_a_peer_says_has_a_bound_both_ways():
    bench = scene(lifetime=3600)
    addresses = {
        "oriAddr": {"addrType": SERVER, "addr": PEER},
        "destAddr": {"addrType": SERVER, "addr": "a.example"},
    }
    body = addresses | {"notificationURI": URI + "/in", "exprTime": "9999-12-31T23:59:59Z"}
    reply = post(bench, "/topiclist-subscriptions", body)
    assert reply.body["exprTime"] == "1970-01-12T14:46:40Z"  # now, which is 1,000,000 s, and an hour
    body = {"msgTopics": [{"msgTopic": "x", "updateStat": "CREATED"}], "exprTime": "9999-12-31T23:59:59Z"}
    post(bench, "/topiclist-notifications/theirs", body)
    assert bench.now < bench.store.list_at(PEER).renew <= bench.now + 3600
    post(bench, "/topiclist-notifications/theirs", body | {"exprTime": "1970-01-01T00:00:00Z"})
    assert bench.store.list_at(PEER).renew >= bench.now + 30


@pytest.mark.parametrize("said", ["http://192.0.2.9/\udcff", "mailto:x", "http://[", "", "/" + "x" * 3000])
def test_a_location_that_nothing_can_be_sent_to_is_none(said):
    bench = scene()
    with bench.store.transaction():
        bench.store.set_list_at(ListAt(PEER, "theirs", None, bench.now))
    (push,) = bench.work()
    assert push.kind == "list"
    bench.server.outcome(push, Outcome(DONE, location=said), bench.now)
    assert bench.store.list_at(PEER).location is None
    assert bench.work() == []


@pytest.mark.parametrize("verdict", [DONE, REFUSED])
def test_what_a_peer_that_was_removed_answers_leaves_nothing(verdict):
    bench = scene()
    with bench.store.transaction():
        bench.store.list_topic(PEER, "alerts", True)
        bench.store.list_was_told(PEER, "alerts", True)
    subscribe(bench, "alerts")
    (push,) = bench.work()
    assert push.kind == "topics"
    with bench.store.transaction():
        bench.store.remove_peer(PEER)
    bench.server.outcome(push, Outcome(verdict), bench.now)
    for table in ("list_ask", "list_at", "list_follower", "list_told", "list_topic"):
        assert bench.store._db.execute("SELECT count(*) FROM %s" % table).fetchone() == (0,)


def test_a_message_gateway_with_a_whole_domain_has_a_bound_too(monkeypatch):
    monkeypatch.setattr(topics, "MAX_OF_PEER", 3)
    bench = Bench()
    with bench.store.transaction():
        bench.store.add_message_gateway("L3G", "gw", URI, ["@old.example"])
    caller = Caller("192.0.2.9:80", through=Address("L3G", "gw"))
    (route,) = [each for each in bench.server.routes if each.path.endswith("/request-topic-subscription")]

    def follow(ue, *names):
        return route.decide(
            {"oriAddr": {"addrType": "UE", "addr": ue}, "msgTopics": list(names)}, bench.now, caller
        )

    for number in range(3):
        assert follow("ue:%d@OLD.example" % number, "t").status == 200
    with pytest.raises(Refusal, match="4.03"):
        follow("ue:3@old.example", "t")
    assert follow("ue:1@OLD.example", "t").status == 200  # a renewal


def test_one_who_is_subscribed_here_and_through_another_server_gets_one_copy():
    bench = scene()
    bench.register(A, HERE)
    bench.register(B, THERE)
    subscribe(bench, "alerts", A)
    with bench.store.transaction():
        bench.store.follow("alerts", Address("UE", A), bench.now + 50, PEER)
    assert bench.code(THERE, msg(B, "alerts", to_type="TOPIC")) == "2.04"
    assert bench.store.pending(Address("UE", A)) == 1


def test_a_damaged_message_keeps_nobody_subscribed():
    bench = scene()
    bench.register(A, HERE)
    subscribe(bench, "alerts", A)
    with bench.store.transaction():
        bench.store.add(1, "MSG", Address("UE", A), None, {}, [], "queued", bench.now + 50)
        bench.store._db.execute("UPDATE message SET head='{'")
        bench.store.unsubscribe("alerts", A)
    assert bench.store.topics_of(A, bench.now) == {}
