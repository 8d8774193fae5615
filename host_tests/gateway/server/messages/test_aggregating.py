# SPDX-License-Identifier: MIT
"""`--aggregate S`: the server joins single messages that wait (TS 24.538 clause 6.4.1.2.7), with a clock that the test
moves."""

import json

import pytest

from host_tests.gateway.scripted import new_id
from host_tests.gateway.server.messages.test_aggregates import AS, ELSEWHERE, C, aggregate, ids, listed
from host_tests.gateway.server.messages.test_updating import change
from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, both, msg, own, parts
from tools.store.store import Store
from tools.wire.outside import date_time

S = 10


def sent(bench, *texts, peer=HERE, **members):
    """The bodies of messages to B, taken one after the other."""
    bodies = [msg(members.pop("from_", A), B, text, **members) for text in texts]
    for body in bodies:
        assert bench.code(peer, body) == "2.04"
    return bodies


def got(bench, later=0.0):
    """What B gets until nothing is due, each taken."""
    bodies = []
    bench.now += later
    while pushes := [push for push in bench.work()]:
        for push in pushes:
            bench.outcome(push)
            if push.target.id == B:
                bodies.append(push.body)
    return bodies


def named(bodies):
    return [each["msgId"] for each in bodies]


def joined(**settings):
    return both(aggregate=S, **settings)


def test_without_the_option_each_goes_at_once_by_itself():
    bench = both()
    bodies = sent(bench, "1", "2", "3")
    assert named(got(bench)) == named(bodies)


def test_messages_of_one_originator_wait_for_each_other_and_go_as_one():
    bench = joined()
    bodies = sent(bench, "1")
    assert bench.work() == [] and bench.server.deadline(bench.now) == bench.now + S
    bench.now += 4
    bodies += sent(bench, "2", isDelivStatReq=True, appId="7")
    assert bench.work() == []
    (one,) = got(bench, 6)
    assert one["totalMsgCount"] == 2
    assert one["msgList"] == [
        {"msgId": bodies[0]["msgId"], "payload": "1"},
        {"msgId": bodies[1]["msgId"], "appId": "7", "isDelivStatReq": True, "payload": "2"},
    ]
    assert one["msgId"] not in named(bodies)
    assert not {"payload", "appId", "isDelivStatReq", "priority", "sfFlag", "isSegmented"} & set(one)
    assert [each["msgId"] for each in bench.events("delivered")] == named(bodies)


def test_one_that_stays_alone_goes_as_it_is_when_its_time_is_over():
    bench = joined()
    (body,) = sent(bench, "1")
    assert got(bench, S - 1) == []
    (one,) = got(bench, 1)
    assert (one["msgId"], one["payload"], "msgList" in one) == (body["msgId"], "1", False)


def test_a_full_one_does_not_wait():
    bench = joined()
    bodies = sent(bench, *"12345678", "9")
    (one,) = got(bench)
    assert ids(one) == named(bodies)[:8]
    assert named(got(bench, S)) == named(bodies)[8:]


def test_one_that_would_not_fit_sends_the_others_before_it():
    bench = joined()
    bodies = sent(bench, "x" * 500, "y" * 500, "z")
    (one,) = got(bench)
    assert one["msgId"] == bodies[0]["msgId"]
    (two,) = got(bench, S)
    assert ids(two) == named(bodies)[1:]
    assert len(json.dumps(two, separators=(",", ":"))) <= bench.settings.room


def test_the_recipients_own_size_counts():
    bench = Bench(aggregate=S)
    bench.register(A, HERE)
    bench.register(B, THERE, cliProfile={"maxSegSize": 150})
    bodies = sent(bench, "1", "2", "3")
    one, two = got(bench, S)
    assert (ids(one), ids(two)) == (named(bodies)[:2], named(bodies)[2:])


@pytest.mark.parametrize("members", [{"priority": "HIGH"}, {"priority": "high"}])
def test_an_urgent_one_waits_for_nobody_and_nobody_waits_before_it(members):
    bench = joined()
    bodies = sent(bench, "1", "2")
    urgent = sent(bench, "now", **members)
    got_ = got(bench)
    assert [ids(each) for each in got_] == [named(bodies), named(urgent)]


def test_urgency_outlives_a_restart():
    bench = joined()
    bodies = [*sent(bench, "1", priority="HIGH"), *sent(bench, "2"), *sent(bench, "3")]
    bench.restart()
    assert [ids(each) for each in got(bench)] == [named(bodies)[:1], named(bodies)[1:]]


def test_two_originators_are_not_joined_and_order_holds():
    bench = joined()
    bench.register(C, ELSEWHERE)
    one, two, three = sent(bench, "1"), sent(bench, "2", peer=ELSEWHERE, from_=C), sent(bench, "3")
    assert named(got(bench)) == named(one + two)
    assert named(got(bench, S)) == named(three)


def test_aggregates_segments_empty_ones_and_what_is_for_an_application_server_go_at_once():
    bench = joined()
    bench.server.application_servers.register({"asSvcId": AS, "targetUri": "http://192.0.2.9/in"}, bench.now)
    assert bench.code(HERE, made := aggregate(listed(2))) == "2.04"
    assert ids(bench.take()) == ids(made)
    bench.ask(HERE, empty := {name: value for name, value in msg(A, B).items() if name != "payload"})
    assert bench.take()["msgId"] == empty["msgId"]
    bench.ask(HERE, msg(A, AS, "x", "AS"))
    assert bench.take()["payload"] == "x"
    for each in parts(["one ", "two"]):
        bench.ask(HERE, each)
    assert all(push.kind in ("SEGCONFIR", "MSG") for push in bench.work())
    assert len([push for push in bench.work() if push.kind == "MSG"]) == 0


def test_what_has_to_be_cut_is_not_joined():
    bench = Bench(aggregate=S)
    bench.register(A, HERE)
    bench.register(B, THERE, cliProfile={"maxSegSize": 100})
    sent(bench, "x" * 150)
    assert bench.take()["segParams"]["segNumb"] == 1


def test_no_message_expires_while_it_waits_for_others():
    bench = joined()
    soon = {"sfFlag": True, "sfParam": {"expireTime": date_time(bench.now + S)}}
    (body,) = sent(bench, "1", **soon)
    assert named(got(bench)) == [body["msgId"]]


def test_each_keeps_its_own_end():
    bench = joined()
    short = {"sfFlag": True, "sfParam": {"expireTime": date_time(bench.now + 60)}}
    one, two, three = sent(bench, "1"), sent(bench, "2", **short), sent(bench, "3")
    bench.now += S
    bench.outcome(bench.one(), None)
    bench.now += 50
    bench.register(B, THERE)
    told = []
    bodies = []
    while pushes := bench.work():
        for push in pushes:
            bench.outcome(push)
            (told if push.target.id == A else bodies).append(push.body)
    assert [(each["msgId"], each["DelSta"], each["Cause"]) for each in told] == [
        (two[0]["msgId"], "failure", "message expired")
    ]
    assert [ids(each) for each in bodies] == [named(one + three)]


def test_when_the_recipient_goes_each_is_stored_or_fails_as_it_asked():
    bench = joined()
    one, two = sent(bench, "1", sfFlag=True), sent(bench, "2")
    bench.ask(THERE, own("DEREG", B))
    told = [bench.take() for _ in range(2)]
    assert [(each["msgId"], each["DelSta"]) for each in told] == [
        (one[0]["msgId"], "stored for deferred delivery"),
        (two[0]["msgId"], "failure"),
    ]


def test_what_was_stored_goes_joined_and_at_once():
    bench = joined()
    bench.ask(THERE, own("DEREG", B))
    bodies = sent(bench, "1", "2", "3", sfFlag=True)
    got(bench)
    bench.register(B, THERE)
    assert [ids(each) for each in got(bench)] == [named(bodies)]


def test_one_that_is_refused_is_dissolved_and_each_answered_for_itself():
    """One bad element takes no other along, and each is told by its own msgId."""
    bench = joined()
    bodies = sent(bench, "1", "2", "3")
    bench.now += S
    bench.outcome(bench.one(), "4.00", "no lists")
    told, took = [], []
    while pushes := bench.work():
        for push in pushes:
            bad = push.body.get("payload") == "2"
            bench.outcome(push, "4.00" if bad else "2.04", "no taste" if bad else "")
            (told if push.target.id == A else took).append(push.body)
    assert named(took) == named(bodies)
    assert [(each["msgId"], each["Cause"]) for each in told] == [(bodies[1]["msgId"], "4.00 no taste")]


def test_silence_repeats_it_with_the_same_id():
    bench = joined()
    sent(bench, "1", "2")
    bench.now += S
    first = bench.one()
    bench.outcome(first, None)
    again = bench.one(400)
    assert again.body == first.body


def test_a_kill_loses_nothing_and_repeats_what_the_recipient_knows_again(tmp_path):
    """Nothing of it is written but the messages themselves: the outer msgId follows from theirs."""
    bench = joined()
    bodies = sent(bench, "1", "2")
    bench.now += S
    first = bench.one()
    bench.restart()  # killed before the answer
    more = sent(bench, "3")
    (again,) = [push.body for push in bench.work()]
    assert ids(again) == named(bodies + more) and again["msgId"] != first.body["msgId"]
    bench.restart()
    (same,) = [push.body for push in bench.work()]
    assert same == again


def test_a_report_on_any_of_them_proves_it_where_the_answer_was_lost():
    bench = joined()
    bodies = sent(bench, "1", "2", isDelivStatReq=True)
    bench.now += S
    bench.outcome(bench.one(), None)
    for body in reversed(bodies):
        to = {"destAddr": {"destAddrType": "UE", "addr": A}, "msgId": body["msgId"], "DelSta": "success"}
        bench.ask(THERE, own("IMDN", B, **to))
    assert {push.kind for push in bench.work(400)} == {"IMDN"}
    assert len(bench.events("delivered")) == 2


def test_those_of_an_application_server_are_joined_and_answered_singly():
    bench = joined()
    bench.server.application_servers.register({"asSvcId": AS, "targetUri": "http://192.0.2.9/in"}, bench.now)
    bodies = []
    for text in "12":
        body = {
            "oriAddr": {"addrType": "AS", "addr": AS},
            "destAddr": {"addrType": "UE", "addr": B},
            "msgId": new_id(),
            "stoAndFwInd": False,
            "payload": text,
        }
        bench.server.application_servers.message(body, bench.now)
        bodies.append(body)
    bench.now += S
    push = bench.one()
    assert ids(push.body) == named(bodies) and push.body["oriAddr"] == {"oriAddrType": "AS", "addr": AS}
    bench.outcome(push, "4.00")
    reports = []
    while pushes := bench.work():
        for push in pushes:
            bench.outcome(push, "4.00" if push.target.id == B else "2.04")
            reports += [push.body] if push.target.id == AS else []
    assert [(each["msgId"], each["delivSt"]) for each in reports] == [
        (body["msgId"], "REPT_DELY_FAILED") for body in bodies
    ]


def test_copies_of_one_topic_are_joined_others_are_not():
    bench = joined()
    for topic in ("alarms", "news"):
        who = json.dumps({"oriAddr": {"oriAddrType": "UE", "addr": B}}).encode()
        bench.server.topic(THERE, topic, 0, 50, who, bench.now)
    bodies = [msg(A, topic, "x", "TOPIC") for topic in ("alarms", "alarms", "news")]
    for body in bodies:
        bench.ask(HERE, body)
    (one,) = got(bench)
    assert (ids(one), one["oriDestAddr"]["addr"]) == (named(bodies[:2]), "alarms")


def test_what_was_broadcast_is_not_joined_with_what_is_for_this_one():
    bench = joined()
    bench.store.add_area("hall", [B])
    bench.store.add_broadcaster(A)
    for to, kind in (("hall", "BC"), (B, "UE"), (B, "UE")):
        assert bench.code(HERE, msg(A, to, "x", kind)) == "2.04"
    one, two = got(bench, S)
    assert (one["destAddr"]["destAddrType"], "msgList" in one) == ("BC", False)
    assert (two["destAddr"]["destAddrType"], len(two["msgList"])) == ("UE", 2)


def test_one_that_waits_for_others_can_be_discarded_and_on_the_air_none():
    bench = joined()
    one, two = sent(bench, "1", "2")
    assert bench.code(HERE, change(one["msgId"])) == "2.04"
    assert named(got(bench, S)) == [two["msgId"]]
    one, two = sent(bench, "1", "2")
    bench.now += S
    push = bench.one()
    assert bench.code(HERE, change(two["msgId"])) == "5.03"
    bench.outcome(push)
    assert bench.code(HERE, change(two["msgId"])) == "4.04"


def test_one_whose_sending_breaks_is_sent_singly():
    bench = joined()
    bodies = sent(bench, "1", "2")
    bench.now += S
    push = bench.one()
    from tools.server.delivery.pushes import BROKEN, Outcome

    for _ in range(3):
        bench.server.outcome(push, Outcome(BROKEN, "ValueError: x"), bench.now)
        break
    assert named(got(bench, 400)) == named(bodies)


def test_a_gateway_that_does_not_know_the_ue_any_more_makes_all_of_them_go():
    bench = Bench(aggregate=S)
    bench.register(A, HERE)
    gateway = "ue:gw"
    bench.register(gateway, ELSEWHERE)
    bench.store.add_gateway(gateway)
    element = own("REG", B)
    bulk = own("BREG", gateway, totalRegCount=1, regList=[element])
    assert bench.code(ELSEWHERE, bulk) == "2.04"
    bodies = sent(bench, "1", "2")
    bench.now += S
    bench.outcome(bench.one(), "4.04")
    told = [bench.take() for _ in range(2)]
    assert named(told) == named(bodies)
    assert len(bench.events("lost")) == 1


def test_the_clock_does_not_make_it_wait_longer():
    bench = joined()
    sent(bench, "1")
    bench.store.shift_times(-5000)
    bench.now -= 5000
    bench.server.clock_set(-5000)
    assert bench.work() == []
    assert len(got(bench, S)) == 1


def test_a_store_of_an_earlier_program_opens_and_is_served(tmp_path):
    """It has no table of traits, and its messages none of its own."""
    path = str(tmp_path / "old.db")
    store = Store(path)
    store._db.execute("DROP TABLE trait")
    store._db.execute("DROP INDEX message_named")
    store.close()
    store = Store(path)
    assert (store.is_high(1), store.whole_of(1), store.names(1, "x")) == (False, "", ["x"])
    store.close()
