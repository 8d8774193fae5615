# SPDX-License-Identifier: MIT
"""MSGUPD, this project's proposal for TS 23.554 V19 clause 8.3.6.1: the originator updates or discards what waits."""

import json

import pytest

from host_tests.gateway.scripted import new_id
from host_tests.gateway.server.messages.test_aggregates import aggregate, ids, listed, written
from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, both, msg, own, parts
from tools.store.store import Store
from tools.wire.identity import Peer
from tools.wire.outside import date_time

C, ELSEWHERE = "ue:c", Peer("192.0.2.3", 40000)


def change(msg_id, ue=A, **members):
    return own("MSGUPD", ue, msgId=msg_id, **members)


def until(bench, seconds):
    return {"sfParam": {"expireTime": date_time(bench.now + seconds)}}


def away(**settings):
    """A server with A, and B that has been there."""
    bench = both(**settings)
    bench.ask(THERE, own("DEREG", B))
    return bench


def stored(bench, body=None, **members):
    """The msgId of a message of A that is stored for B; A was told that."""
    body = body or msg(A, B, sfFlag=True, **members)
    assert bench.code(HERE, body) == "2.04"
    while pushes := bench.work():
        for push in pushes:
            bench.outcome(push)
    return body["msgId"]


def got(bench):
    """What B gets when it registers, in order."""
    bench.register(B, THERE)
    bodies = []
    while pushes := bench.work():
        for push in pushes:
            bench.outcome(push)
            if push.target.id == B:
                bodies.append(push.body)
    return bodies


def test_a_stored_message_is_discarded_and_nobody_told():
    bench = away()
    msg_id, other = stored(bench), stored(bench, payload="stays")
    assert bench.code(HERE, change(msg_id)) == "2.04"
    assert bench.work() == []
    assert [each["msgId"] for each in got(bench)] == [other]
    (event,) = bench.events("discarded")
    assert (event["msgId"], event["cause"]) == (msg_id, "its sender discarded it")


def test_what_is_discarded_is_gone_after_a_restart_and_not_taken_again():
    bench = away()
    body = msg(A, B, sfFlag=True)
    msg_id = stored(bench, body)
    bench.ask(HERE, change(msg_id))
    bench.restart()
    assert bench.code(HERE, body) == "2.04"  # a repeat that was late
    assert got(bench) == []
    assert bench.code(HERE, change(msg_id)) == "4.04"


@pytest.mark.parametrize("seconds, alive", [(500, False), (5000, True)])
def test_a_new_end_counts_whether_it_is_sooner_or_later(seconds, alive):
    bench = away()
    msg_id = stored(bench, **until(bench, 1000))
    assert bench.code(HERE, change(msg_id, **until(bench, seconds))) == "2.04"
    bench.now += 2000
    bench.register(A, HERE)
    told = [push.body for push in bench.work()]
    assert [(each["msgId"], each["Cause"]) for each in told] == (
        [] if alive else [(msg_id, "message expired")]
    )
    assert len(got(bench)) == alive
    (event,) = bench.events("updated")
    assert (event["msgId"], event["from"], event["to"], event["seconds"]) == (msg_id, A, B, seconds)


def test_a_device_without_a_clock_gives_seconds():
    bench = away()
    msg_id = stored(bench)
    assert bench.code(HERE, change(msg_id, sfParam={"expireTime": 60})) == "2.04"
    bench.now += 59
    bench.work()
    assert not bench.events("failed")
    bench.now += 1
    bench.work()
    assert bench.events("failed")


@pytest.mark.parametrize("params", [{}, {"appSpecSf": {"x": 1}}, {"expireTime": None}])
def test_without_an_end_of_its_own_it_has_that_of_any_message(params):
    bench = away()
    msg_id = stored(bench, **until(bench, 60))
    assert bench.code(HERE, change(msg_id, sfParam=params)) == "2.04"
    assert bench.events("updated")[0]["seconds"] == bench.settings.keep


def test_no_message_lives_longer_than_any_may():
    bench = away()
    msg_id = stored(bench)
    assert bench.code(HERE, change(msg_id, **until(bench, 10**7))) == "2.04"
    assert bench.events("updated")[0]["seconds"] == bench.settings.keep


@pytest.mark.parametrize(
    "members, member",
    [
        ({"msgId": "x"}, "msgId"),
        ({"msgId": None}, "msgId"),
        ({"oriAddr": None}, "oriAddr"),
        ({"oriAddr": {"oriAddrType": "AS", "addr": "as:x"}}, "oriAddr.oriAddrType"),
        ({"sfParam": "x"}, "sfParam"),
        ({"sfParam": []}, "sfParam"),
        ({"sfParam": {"expireTime": "soon"}}, "sfParam.expireTime"),
        ({"sfParam": {"expireTime": True}}, "sfParam.expireTime"),
        ({"sfParam": {"expireTime": 0}}, "sfParam.expireTime"),
        ({"sfParam": {"expireTime": -5}}, "sfParam.expireTime"),
        ({"sfParam": {"expireTime": 1.5}}, "sfParam.expireTime"),
        ({"sfParam": {"expireTime": 10**12}}, "sfParam.expireTime"),
        ({"sfParam": {"expireTime": "1970-01-01T00:00:00Z"}}, "sfParam.expireTime"),
        ({"sfParam": {"appSpecSf": 5}}, "sfParam.appSpecSf"),
    ],
)
def test_what_is_malformed_is_named_and_changes_nothing(members, member):
    bench = away()
    msg_id = stored(bench)
    body = {name: value for name, value in (change(msg_id) | members).items() if value is not None}
    answer = bench.ask(HERE, body)
    assert (answer.code, answer.diagnostic.split(":")[0]) == ("4.00", member)
    assert [each["msgId"] for each in got(bench)] == [msg_id]


def test_nobody_discards_what_another_sent():
    bench = away()
    bench.register(C, ELSEWHERE)
    msg_id = stored(bench)
    assert bench.code(ELSEWHERE, change(msg_id, C)) == "4.03"  # its own name, another's message
    assert bench.code(ELSEWHERE, change(msg_id, A)) == "4.03"  # another's name
    assert bench.code(ELSEWHERE, change(new_id(), C)) == "4.04"
    assert bench.code(Peer("192.0.2.99", 1), change(msg_id, A)) == "4.01"
    assert [each["msgId"] for each in got(bench)] == [msg_id]


def test_of_two_with_one_msgid_each_has_its_own():
    bench = away()
    bench.register(C, ELSEWHERE)
    msg_id = stored(bench)
    bench.ask(ELSEWHERE, msg(C, B, "of c", msgId=msg_id, sfFlag=True))
    assert bench.code(ELSEWHERE, change(msg_id.upper(), C)) == "2.04"
    assert [each["oriAddr"]["addr"] for each in got(bench)] == [A]


def test_what_is_delivered_or_never_was_is_not_held():
    bench = both()
    bench.ask(HERE, body := msg(A, B))
    bench.take()
    assert bench.code(HERE, change(body["msgId"])) == "4.04"
    assert bench.code(HERE, change(new_id())) == "4.04"


def test_what_is_on_the_air_is_to_be_asked_for_again():
    """It may arrive whatever is answered: only its end can be changed."""
    bench = both()
    bench.ask(HERE, body := msg(A, B))
    push = bench.one()
    answer = bench.ask(HERE, change(body["msgId"]))
    assert (answer.code, answer.max_age) == ("5.03", 5)
    assert bench.code(HERE, change(body["msgId"], **until(bench, 60))) == "2.04"
    bench.outcome(push, None)
    assert bench.code(HERE, change(body["msgId"])) == "2.04"
    assert bench.work(400) == []


def test_what_waits_behind_another_is_discarded_before_its_turn():
    bench = both()
    bench.ask(HERE, msg(A, B, "first"))
    bench.ask(HERE, body := msg(A, B, "second"))
    push = bench.one()
    assert bench.code(HERE, change(body["msgId"])) == "2.04"
    bench.outcome(push)
    assert bench.work() == []


@pytest.mark.parametrize("own_ids", [False, True])
def test_a_message_in_segments_is_one_message_by_any_of_them(own_ids):
    bench = both()
    bodies = parts(["one ", "two ", "three"], sfFlag=True)
    if own_ids:
        bodies = [each | {"msgId": new_id()} for each in bodies]
    for each in bodies[:2]:
        bench.ask(HERE, each)
    assert bench.code(HERE, change(bodies[0]["msgId"])) == "4.04"  # no message yet
    bench.ask(THERE, own("DEREG", B))
    bench.ask(HERE, bodies[2])
    assert bench.code(HERE, change(bodies[2]["msgId"])) == "2.04"
    assert got(bench) == []


def test_segments_that_wait_for_their_confirmation_are_not_held_any_more():
    bench = both()
    for each in parts(["one ", "two"]):
        bench.ask(HERE, each)
    while pushes := bench.work():
        for push in pushes:
            bench.outcome(push)
    assert bench.code(HERE, change(push_of(bench))) == "4.04"


def push_of(bench):
    return bench.events("accepted")[-1]["msgId"]


def subscribed(bench):
    bench.register(C, ELSEWHERE)
    for ue, peer in ((B, THERE), (C, ELSEWHERE)):
        who = json.dumps({"oriAddr": {"oriAddrType": "UE", "addr": ue}}).encode()
        bench.server.topic(peer, "alarms", 0, 50, who, bench.now)


def test_all_copies_that_wait_of_a_message_to_many_go():
    bench = both()
    subscribed(bench)
    for ue, peer in ((B, THERE), (C, ELSEWHERE)):
        bench.ask(peer, own("DEREG", ue))
    body = msg(A, "alarms", "x", "TOPIC", sfFlag=True)
    stored(bench, body)
    assert bench.code(HERE, change(body["msgId"])) == "2.04"
    assert len(bench.events("discarded")) == 2
    bench.register(C, ELSEWHERE)
    assert got(bench) == []


def test_copies_that_arrived_do_not_keep_the_others():
    bench = both()
    subscribed(bench)
    bench.ask(THERE, own("DEREG", B))
    body = msg(A, "alarms", "x", "TOPIC", sfFlag=True)
    stored(bench, body)  # C has it
    assert bench.code(HERE, change(body["msgId"])) == "2.04"
    assert got(bench) == []
    assert bench.code(HERE, change(body["msgId"])) == "4.04"


def test_an_aggregate_is_discarded_as_a_whole_and_so_are_its_pieces():
    elements = listed(7)
    for size in (2000, written(elements[:3])):
        bench = Bench()
        bench.register(A, HERE)
        bench.register(B, THERE, cliProfile={"maxSegSize": size})
        bench.ask(HERE, body := aggregate(elements, sfFlag=True))
        bench.outcome(bench.one(), None)
        bench.ask(THERE, own("DEREG", B))
        assert bench.code(HERE, change(body["msgId"])) == "2.04"
        assert got(bench) == []


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_element_is_discarded_alone(place):
    bench = away()
    body = aggregate(listed(3), sfFlag=True, appId="1", isDelivStatReq=True)
    stored(bench, body)
    assert bench.code(HERE, change(ids(body)[place].upper())) == "2.04"
    assert bench.code(HERE, change(ids(body)[place])) == "4.04"
    (only,) = got(bench)
    assert ids(only) == [each for each in ids(body) if each != ids(body)[place]]
    assert (only["totalMsgCount"], only["appId"], only["isDelivStatReq"]) == (2, "1", True)


def test_the_last_elements_are_discarded_one_by_one():
    bench = away()
    body = aggregate(listed(3), sfFlag=True)
    stored(bench, body)
    assert bench.code(HERE, change(ids(body)[0])) == "2.04"
    assert bench.code(HERE, change(ids(body)[2])) == "2.04"
    bench.register(B, THERE)
    push = bench.one()
    assert (push.body["msgId"], "msgList" in push.body) == (ids(body)[1], False)
    bench.outcome(push, "4.00")
    (told,) = bench.work()
    assert told.body["msgId"] == ids(body)[1]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_element_gets_an_end_of_its_own_and_keeps_its_place(place):
    bench = away()
    body = aggregate(listed(3), sfFlag=True)
    stored(bench, body)
    stored(bench, payload="after")
    assert bench.code(HERE, change(ids(body)[place], **until(bench, 60))) == "2.04"
    bodies = got(bench)
    assert sum(map(ids, bodies[:-1]), []) == ids(body)
    assert bodies[-1]["payload"] == "after"

    bench = away()
    body = aggregate(listed(3), sfFlag=True)
    stored(bench, body)
    bench.ask(HERE, change(ids(body)[place], **until(bench, 60)))
    bench.now += 61
    told = [push.body["msgId"] for push in bench.work()]
    assert told == [ids(body)[place]]


def test_an_aggregate_on_the_air_keeps_its_elements():
    bench = both()
    bench.ask(HERE, body := aggregate(listed(3)))
    bench.one()
    for members in ({}, until(bench, 60)):
        assert bench.code(HERE, change(ids(body)[1], **members)) == "5.03"


def test_an_element_of_another_is_not_found():
    bench = away()
    bench.register(C, ELSEWHERE)
    body = aggregate(listed(3), sfFlag=True)
    stored(bench, body)
    assert bench.code(ELSEWHERE, change(ids(body)[1], C)) == "4.04"
    assert bench.code(ELSEWHERE, change(body["msgId"], C)) == "4.03"


def test_what_is_set_aside_is_not_held():
    bench = both()
    bench.ask(HERE, body := msg(A, B))
    bench.server.broken(bench.one(), ValueError("a fault"), bench.now)
    assert bench.code(HERE, change(body["msgId"])) == "4.04"


def test_another_takes_the_room_of_what_was_discarded():
    bench = away(quota=1)
    msg_id = stored(bench)
    assert bench.code(HERE, second := msg(A, B, sfFlag=True)) == "5.03"
    bench.ask(HERE, change(msg_id))
    assert bench.code(HERE, second) == "2.04"


def test_reports_and_responses_are_no_messages():
    bench = both()
    report = own("IMDN", B, destAddr={"destAddrType": "UE", "addr": A}, msgId=new_id(), DelSta="success")
    bench.ask(THERE, report)
    assert bench.code(THERE, change(report["msgId"], B)) == "4.04"


# ---- among many ------------------------------------------------------------------------------------------------------


def steps(bench, function):
    """How many hundred instructions SQLite takes for it."""
    counted = []
    bench.store._db.set_progress_handler(lambda: counted.append(1), 100)
    function()
    bench.store._db.set_progress_handler(None, 0)
    return len(counted)


def test_looking_for_a_message_costs_the_same_however_many_wait():
    """One device could keep the server busy with questions about nothing."""
    bench = both()
    bench.code(THERE, own("DEREG", B))
    taken = []
    for count in (5, 200):
        for _ in range(count):
            listed = [{"msgId": new_id(), "payload": "x"} for _ in range(4)]
            body = msg(A, B, None, sfFlag=True, totalMsgCount=4, msgList=listed)
            assert bench.code(HERE, body) == "2.04"
            for push in bench.work():
                bench.outcome(push)
        nothing = own("MSGUPD", A, msgId=new_id())
        taken.append(steps(bench, lambda nothing=nothing: bench.code(HERE, nothing)))
    assert taken[1] <= taken[0] + 2


def test_elements_in_a_store_of_an_earlier_program_are_found(tmp_path):
    bench = both()
    bench.store.close()
    bench.store = Store(str(tmp_path / "old.db"))
    bench.restart()
    bench.register(A, HERE)
    bench.register(B, THERE)
    bench.code(THERE, own("DEREG", B))
    listed = [{"msgId": new_id().upper(), "payload": "x"} for _ in range(3)]
    bench.code(HERE, msg(A, B, None, sfFlag=True, totalMsgCount=3, msgList=listed))
    bench.store._db.execute("DROP TABLE element")
    unreadable = "NULL,9,1,'MSG','UE','ue:x','UE','ue:y','m','{','','',1,'stored',2e6,0,1"
    bench.store._db.execute("INSERT INTO message SELECT " + unreadable)
    bench.store.close()
    bench.store = Store(str(tmp_path / "old.db"))
    bench.restart()
    assert bench.code(HERE, own("MSGUPD", A, msgId=listed[1]["msgId"].lower())) == "2.04"
    (row,) = [bench.store.message(id_) for id_ in bench.store.ids(("UE", B), "stored")]
    assert [each["msgId"] for each in row.head["msgList"]] == [listed[0]["msgId"], listed[2]["msgId"]]
