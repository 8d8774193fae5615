# SPDX-License-Identifier: MIT
"""Everything kept has an end: what is remembered of messages by its age, what is known of those that are gone."""

from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, msg
from tools.server.delivery.tidying import PORTION
from tools.store.store import Store
from tools.wire.identity import Peer

DAY = 86400
C = "ue:c"
ELSEWHERE = Peer("192.0.2.9", 5683)


def count(store, table="seen"):
    return store._db.execute("SELECT count(*) FROM %s" % table).fetchone()[0]


def both(**settings):
    bench = Bench(**({"lifetime": 30 * DAY} | settings))
    bench.register(A, HERE)
    bench.register(B, THERE)
    return bench


def exchange(bench):
    body = msg(A, B)
    assert bench.code(HERE, body) == "2.04"
    for push in bench.work():
        bench.outcome(push)
    return body


def pass_time(bench, seconds):
    """As the program does: a look at the start, and when one is due."""
    end = bench.now + seconds
    bench.work()
    while (due := bench.server.deadline(bench.now)) is not None and due < end:
        bench.now = max(due, bench.now)
        for push in bench.server.work(bench.now):
            bench.outcome(push)
    bench.now = end


def test_a_message_is_known_again_for_twice_its_longest_life_and_then_forgotten():
    bench = both(keep=DAY)
    bench.work()
    body = exchange(bench)
    for _ in range(7):
        pass_time(bench, DAY / 4)
        assert bench.code(HERE, body) == "2.04"
    assert len(bench.events("delivered")) == 1
    pass_time(bench, DAY / 2)
    assert count(bench.store) == 0
    assert bench.code(HERE, body) == "2.04" and len(bench.events("accepted")) == 2


def test_a_message_is_known_again_though_none_lives_as_long_as_a_sender_waits():
    """docs/wire-profile.md: a client whose answer was lost may try again after an hour."""
    bench = both(keep=60)
    bench.work()
    body = exchange(bench)
    pass_time(bench, 3600)
    assert bench.code(HERE, body) == "2.04" and len(bench.events("accepted")) == 1
    pass_time(bench, 2 * DAY)
    assert count(bench.store) == 0


def test_what_is_forgotten_makes_no_newer_one_older():
    """The numbers of rows that are gone are not given again: a new one would be as old as they were."""
    bench = both(keep=DAY)
    bench.register(C, HERE)
    bench.work()
    for _ in range(3):
        assert bench.code(HERE, msg(C, B)) == "2.04"
    pass_time(bench, DAY)
    bench.store.remove_device(C)
    body = exchange(bench)
    pass_time(bench, 1.5 * DAY)
    assert bench.code(HERE, body) == "2.04"
    assert [fields["from"] for fields in bench.events("accepted")] == [C, C, C, A]


def test_many_are_forgotten_in_portions():
    bench = both(keep=DAY, quota=10000)
    bench.work()
    with bench.store.transaction():
        for number in range(3 * PORTION):
            bench.store.remember("UE ue:%d" % (number % 7), str(number), "", 1000)
    pass_time(bench, DAY / 8)  # a mark
    bench.now += 2 * DAY
    left = []
    for _ in range(4):
        bench.work(1)
        left.append(count(bench.store))
    assert left == [2 * PORTION, PORTION, 0, 0]


def test_a_set_clock_makes_nothing_older():
    bench = both(keep=DAY)
    bench.work()
    body = exchange(bench)
    pass_time(bench, DAY / 8)
    bench.now += 300 * DAY
    with bench.store.transaction():
        bench.store.shift_times(300 * DAY)
    bench.server.clock_set(300 * DAY)
    pass_time(bench, DAY)
    assert bench.code(HERE, body) == "2.04" and len(bench.events("accepted")) == 1


def test_what_an_older_program_has_remembered_ends_as_well(tmp_path):
    path = str(tmp_path / "old.db")
    store = Store(path)
    with store.transaction():
        store.remember("UE ue:a", "1", "", 1000)
        store._db.execute("DELETE FROM seen_mark")
    bench = Bench(keep=DAY)
    bench.store.close()
    bench.store = store
    with store.transaction():
        store.add_device("ue:a")
    bench.restart()
    pass_time(bench, DAY)
    assert count(store) == 1
    pass_time(bench, 1.5 * DAY)
    assert count(store) == 0
    store.close()


def test_subscriptions_that_are_over_go_though_nobody_asks():
    bench = both()
    with bench.store.transaction():
        bench.store.subscribe("news", A, bench.now + 100)
    pass_time(bench, DAY / 2)
    assert count(bench.store, "subscription") == 0


def test_an_application_server_that_deregisters_leaves_nothing():
    bench = both()
    for number in range(5):
        body = {"asSvcId": "as:%d" % number, "targetUri": "http://127.0.0.1:1/"}
        registration, _ = bench.server.application_servers.register(body, bench.now)
        assert bench.server.application_servers.deregister(registration, bench.now)
    assert count(bench.store, "as_use") == count(bench.store, "application_server") == 0


def test_what_is_known_of_messages_that_went_without_a_word_goes():
    """Those of a topic go with the subscription."""
    bench = both()
    with bench.store.transaction():
        bench.store.subscribe("news", B, bench.now + DAY)
    for _ in range(3):
        assert bench.code(HERE, msg(A, "news", to_type="TOPIC")) == "2.04"
        for push in bench.work():
            bench.outcome(push, "5.03", max_age=1)
        bench.now += 1
    deliveries = bench.server._deliveries
    assert deliveries._fitting.known
    with bench.store.transaction():
        bench.store.unsubscribe("news", B)
    pass_time(bench, DAY / 2)
    assert not deliveries._fitting.known


def test_nothing_is_kept_of_a_way_that_nothing_is_out_by():
    bench = Bench()
    for number in range(3):
        gateway = "ue:gw%d" % number
        bench.register(gateway, HERE)
        with bench.store.transaction():
            bench.store.add_gateway(gateway)
            bench.store.register("ue:%d" % number, HERE, bench.now, bench.now + DAY, None, {}, gateway)
        bench.register(A, THERE)
        assert bench.code(THERE, msg(A, "ue:%d" % number)) == "2.04"
        for push in bench.work():
            bench.outcome(push)
    assert bench.server.turns._through == {}


def test_behind_a_gateway_that_is_behind_another_one_waits_for_its_own_address():
    bench = Bench()
    for gateway in ("ue:gw", "ue:inner"):  # the second one speaks through the first
        bench.register(gateway, HERE)
        with bench.store.transaction():
            bench.store.add_gateway(gateway)
    with bench.store.transaction():
        bench.store.register(B, HERE, bench.now, bench.now + DAY, None, {}, "ue:inner")
    assert bench.store.registration("ue:inner", bench.now).via == "ue:gw"
    bench.register(A, THERE)
    assert bench.code(THERE, msg(A, B)) == "2.04"
    assert bench.work() == [] and bench.work(1) == []
    bench.register("ue:inner", ELSEWHERE)
    assert bench.one().where == ELSEWHERE
