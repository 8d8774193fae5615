# SPDX-License-Identifier: MIT
"""Aggregated messages that the server passes on: TS 24.538 clause 6.4.1.2.7, with a clock that the test moves."""

import json

import pytest

from host_tests.gateway.scripted import new_id
from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, both, msg, own
from tools.wire.identity import Peer

C, ELSEWHERE = "ue:c", Peer("192.0.2.3", 40000)
AS = "as:meter@example.org"


def listed(count, size=20, **members):
    return [{"msgId": new_id(), "payload": ("%02d" % n).ljust(size, "."), **members} for n in range(count)]


def aggregate(elements, to=B, to_type="UE", **outside):
    body = msg(A, to, None, to_type, totalMsgCount=len(elements), msgList=elements, **outside)
    del body["payload"]
    return body


def small(size, **settings):
    """A server with A, and B whose segments have at most `size` octets."""
    bench = Bench(**settings)
    bench.register(A, HERE)
    bench.register(B, THERE, cliProfile={"maxSegSize": size})
    return bench


def ids(body):
    return [each["msgId"] for each in body.get("msgList", [body])]


def written(elements):
    return len(json.dumps(elements, separators=(",", ":")))


def all_of(bench, answer="2.04"):
    """The MSGs to B, in order, each answered so."""
    got = []
    while pushes := [push for push in bench.work() if push.target.id != A]:
        for push in pushes:
            bench.outcome(push, answer)
            got.append(push.body)
    return got


def told(bench, others=None):
    """(msgId, status, cause) of the responses to A; what begins for others meanwhile is added to `others`."""
    got = []
    while pushes := bench.work():
        for push in pushes:
            if push.target.id != A:
                others.append(push)
                continue
            bench.outcome(push)
            got.append((push.body["msgId"], push.body["DelSta"], push.body.get("Cause")))
    return got


def test_last_elements_are_taken_off_until_it_fits_and_the_rest_is_a_further_aggregate():
    """Clause 6.4.1.2.7: "removes the last message ... until the size fits"."""
    elements = listed(7)
    bench = small(written(elements[:3]))
    body = aggregate(elements)
    assert bench.code(HERE, body) == "2.04"
    assert bench.code(HERE, msg(A, B, "behind it")) == "2.04"
    first, second, third, after = all_of(bench)
    assert [ids(first), ids(second), ids(third)] == [ids(body)[:3], ids(body)[3:6], ids(body)[6:]]
    assert [one.get("totalMsgCount") for one in (first, second, third)] == [3, 3, None]
    assert first["msgId"] == body["msgId"]
    assert second["msgId"] not in {body["msgId"], *ids(body)}
    assert third["payload"] == elements[6]["payload"] and "msgList" not in third
    assert after["payload"] == "behind it"


def test_one_octet_less_takes_one_element_off():
    for less, counts in ((0, [4]), (1, [3, 1])):
        elements = listed(4)
        bench = small(written(elements) - less)
        bench.ask(HERE, aggregate(elements))
        assert [len(ids(one)) for one in all_of(bench)] == counts


def test_what_does_not_fit_a_datagram_is_taken_off_too():
    elements = listed(12, 100)
    bench = both()
    bench.ask(HERE, aggregate(elements))
    got = all_of(bench)
    assert sum(map(ids, got), []) == [each["msgId"] for each in elements]
    assert len(got) == 3
    for one in got:
        assert len(json.dumps(one, separators=(",", ":"))) <= bench.settings.room


def test_an_element_that_is_too_large_alone_goes_in_segments():
    elements = [*listed(1), *listed(1, 250), *listed(1)]
    bench = small(120)
    bench.ask(HERE, aggregate(elements))
    (first,) = bench.work()
    bench.outcome(first)
    segments = [bench.take() for _ in range(3)]
    assert [each["segParams"]["segNumb"] for each in segments] == [1, 2, 3]
    assert {each["msgId"] for each in segments} == {elements[1]["msgId"]}
    confirm = own("SEGCONFIR", B, segId=segments[0]["segParams"]["segId"], result=True)
    bench.ask(THERE, confirm)
    assert ids(bench.take()) == [elements[2]["msgId"]]


@pytest.mark.parametrize("size", [250, 3000])
def test_one_element_alone_that_is_too_large_goes_in_segments_too(size):
    """An aggregate of one, which is no list any more then (clause 6.4.1.2.7)."""
    (element,) = listed(1, size)
    bench = small(120)
    bench.ask(HERE, aggregate([element]))
    total, got = None, []
    while total is None or len(got) < total:
        got.append(bench.take())
        total = got[-1]["segParams"]["totalSegCount"]
        assert len(json.dumps(got[-1], separators=(",", ":"))) <= bench.settings.room
    assert "".join(each["payload"] for each in got) == element["payload"]
    assert {each["msgId"] for each in got} == {element["msgId"]}


def test_one_that_its_recipient_finds_too_large_is_dissolved_and_nothing_fails():
    """The inbox of a device may hold fewer messages than one aggregate brings: it answers 4.13."""
    bench = both()
    body = aggregate(listed(3), appId="1")
    bench.ask(HERE, body)
    bench.ask(HERE, msg(A, B, "behind it"))
    bench.outcome(bench.one(), "4.13", "msgList: the inbox holds 2 messages")
    got = all_of(bench)
    assert [each["msgId"] for each in got[:3]] == ids(body)
    assert [each["appId"] for each in got[:3]] == ["1"] * 3 and got[3]["payload"] == "behind it"
    assert bench.events("failed") == [] and told(bench) == []


def test_a_payload_outside_of_the_list_is_refused_for_nobody_would_get_it():
    """Clause 6.4.1.1.3: an aggregated message has no Payload element of its own."""
    bench = both()
    answer = bench.ask(HERE, aggregate(listed(2)) | {"payload": "outside"})
    assert (answer.code, answer.diagnostic.partition(":")[0]) == ("4.00", "payload")
    assert bench.work() == []
    assert bench.code(HERE, aggregate(listed(2)) | {"payload": ""}) == "2.04"
    assert "payload" not in bench.take()


def test_a_list_is_bounded():
    """Each of its elements costs as much as a message, and the rate is one of requests."""
    bench = both()
    assert bench.code(HERE, aggregate(listed(256, 1))) == "2.04"
    answer = bench.ask(HERE, aggregate(listed(257, 1)))
    assert (answer.code, answer.diagnostic) == ("4.00", "msgList: more than 256 messages")


def test_pieces_inherit_and_elements_keep_what_they_say_themselves():
    """Clause 6.4.1.1.7 a 1 (shall)."""
    elements = listed(3)
    elements[1] |= {"appId": "2", "isDelivStatReq": False}
    elements[2] |= {"appId": "3"}
    bench = small(written(elements[:2]))
    bench.ask(HERE, aggregate(elements, appId="1", isDelivStatReq=True))
    first, second = all_of(bench)
    assert (first["appId"], first["isDelivStatReq"]) == ("1", True)
    assert first["msgList"][1]["appId"] == "2" and first["msgList"][1]["isDelivStatReq"] is False
    assert (second["appId"], second["isDelivStatReq"]) == ("3", True)


def test_nothing_of_priority_and_store_and_forward_goes_on_outside_or_inside():
    """Clause 6.4.1.2.6 c."""
    elements = listed(4, priority="LOW", sfFlag=True, sfParam={"expireTime": "2030-01-01T00:00:00Z"})
    bench = small(200)
    sf = {"sfFlag": True, "sfParam": {"expireTime": "2030-01-01T00:00:00Z"}, "priority": "LOW"}
    bench.ask(HERE, aggregate(elements, **sf))
    got = all_of(bench)
    assert len(got) > 1
    assert not any(word in json.dumps(got) for word in ("priority", "sfFlag", "sfParam"))


def test_a_whole_one_that_fails_is_told_by_its_own_message_id_only():
    bench = both()
    body = aggregate(listed(3))
    bench.ask(HERE, body)
    bench.outcome(bench.one(), "4.00", "no room")
    assert told(bench) == [(body["msgId"], "failure", "4.00 no room")]


def test_pieces_that_fail_are_told_by_the_ids_of_their_elements():
    """The originator knows neither the new msgId nor that the old one has lost elements."""
    elements = listed(5)
    bench = small(written(elements[:3]))
    body = aggregate(elements)
    bench.ask(HERE, body)
    first = bench.one()
    bench.outcome(first, "4.00", "no room")
    out = []
    assert told(bench, out) == [(each, "failure", "4.00 no room") for each in ids(body)[:3]]
    (second,) = out
    assert ids(second.body) == ids(body)[3:]
    bench.outcome(second, "4.15")
    assert told(bench) == [(each, "failure", "4.15") for each in ids(body)[3:]]


def test_pieces_that_are_stored_or_expire_are_told_by_their_elements():
    elements = listed(5)
    bench = small(written(elements[:3]))
    body = aggregate(elements, sfFlag=True)
    bench.ask(HERE, body)
    bench.outcome(bench.one(), None)  # split, and the first piece not answered
    bench.ask(THERE, own("DEREG", B))
    assert [(each, status) for each, status, _ in told(bench)] == [
        (each, "stored for deferred delivery") for each in ids(body)
    ]
    bench.now += bench.settings.keep
    bench.register(A, HERE)
    assert told(bench) == [(each, "failure", "message expired") for each in ids(body)]


def test_an_aggregate_of_which_a_part_was_sent_before_is_told_by_its_elements():
    """A failure with the outer msgId would be one of the element that arrived, too."""
    bench = both()
    elements = listed(3)
    bench.ask(HERE, msg(A, B, "before", msgId=elements[0]["msgId"]))
    bench.take()
    bench.ask(HERE, aggregate(elements))
    bench.outcome(bench.one(), "4.00")
    assert [each for each, _, _ in told(bench)] == [each["msgId"] for each in elements[1:]]


def test_order_holds_when_a_piece_is_split_again():
    elements = listed(8)
    bench = small(written(elements[:4]))
    bench.ask(HERE, aggregate(elements, sfFlag=True))
    bench.ask(HERE, msg(A, B, "after", sfFlag=True))
    bench.outcome(bench.one(), None)
    bench.ask(THERE, own("DEREG", B))
    bench.register(B, THERE, cliProfile={"maxSegSize": written(elements[:2])})
    got = [body for body in all_of(bench)]
    assert sum(map(ids, got), [])[:-1] == [each["msgId"] for each in elements]
    assert got[-1]["payload"] == "after"


def test_pieces_survive_a_restart_with_their_ids():
    elements = listed(5)
    bench = small(written(elements[:3]))
    bench.ask(HERE, aggregate(elements))
    lost = bench.one()
    bench.restart()
    again = bench.one()
    assert again.body == lost.body
    bench.outcome(again)
    assert ids(bench.take()) == [each["msgId"] for each in elements[3:]]


def test_the_end_of_a_registration_makes_pieces_whole_for_nobody():
    """A wider recipient gets the pieces as they are: their IDs may be known there already."""
    elements = listed(5)
    bench = small(written(elements[:3]))
    bench.ask(HERE, aggregate(elements, sfFlag=True))
    lost = bench.one()
    bench.outcome(lost, None)
    bench.register(B, THERE)
    assert [ids(each) for each in all_of(bench)] == [ids(lost.body), [each["msgId"] for each in elements[3:]]]


def test_to_an_application_server_each_goes_singly_with_what_it_inherits():
    """TS 29.538 has no aggregated message."""
    bench = both()
    register = {"asSvcId": AS, "targetUri": "http://192.0.2.9/in"}
    bench.server.application_servers.register(register, bench.now)
    elements = listed(3)
    elements[1]["appId"] = "2"
    body = aggregate(elements, AS, "AS", appId="1", isDelivStatReq=True)
    assert bench.code(HERE, body) == "2.04"
    got = [bench.take() for _ in range(3)]
    assert [each["msgId"] for each in got] == ids(body)
    assert [each["appId"] for each in got] == ["1", "2", "1"]
    assert all(each["delivStReqInd"] is True for each in got)


def test_the_failure_of_one_of_those_is_told_by_its_own_id():
    bench = both()
    register = {"asSvcId": AS, "targetUri": "http://192.0.2.9/in"}
    bench.server.application_servers.register(register, bench.now)
    body = aggregate(listed(2), AS, "AS")
    bench.ask(HERE, body)
    bench.outcome(bench.one(), "4.00", "no")
    (push,) = [push for push in bench.work() if push.target.id == A]
    assert push.body["msgId"] == ids(body)[0]


def test_each_subscriber_of_a_topic_gets_one_aggregate_with_the_topic():
    bench = small(2000)
    bench.register(C, ELSEWHERE)
    elements = listed(4)
    bench.register(C, ELSEWHERE, cliProfile={"maxSegSize": written(elements[:3])})
    for ue, peer in ((B, THERE), (C, ELSEWHERE)):
        who = json.dumps({"oriAddr": {"oriAddrType": "UE", "addr": ue}}).encode()
        assert bench.server.topic(peer, "alarms", 0, 50, who, bench.now).code == "2.05"
    body = aggregate(elements, "alarms", "TOPIC")
    assert bench.code(HERE, body) == "2.04"
    got = {}
    while pushes := bench.work():
        for push in pushes:
            bench.outcome(push)
            got.setdefault(push.target.id, []).append(push.body)
    assert [ids(each) for each in got[B]] == [ids(body)]
    assert [ids(each) for each in got[C]] == [ids(body)[:3], ids(body)[3:]]
    topic = {"destAddrType": "TOPIC", "addr": "alarms"}
    assert all(each["oriDestAddr"] == topic for each in got[B] + got[C])
    assert {each["destAddr"]["addr"] for each in got[C]} == {C}


@pytest.mark.parametrize("failed", ["4.00", "expired"])
def test_of_a_single_copy_that_fails_nobody_is_told(failed):
    bench = both()
    who = json.dumps({"oriAddr": {"oriAddrType": "UE", "addr": B}}).encode()
    bench.server.topic(THERE, "alarms", 0, 50, who, bench.now)
    bench.ask(HERE, aggregate(listed(3), "alarms", "TOPIC"))
    push = bench.one()
    bench.outcome(push, "4.00" if failed == "4.00" else None)
    if failed == "expired":
        bench.now += bench.settings.keep
    assert bench.work() == []
    assert bench.events("failed")


def test_what_is_set_aside_of_a_split_one_is_told_by_its_elements():
    elements = listed(5)
    bench = small(written(elements[:3]))
    body = aggregate(elements)
    bench.ask(HERE, body)
    push = bench.one()
    bench.server.broken(push, ValueError("a fault"), bench.now)
    assert [each for each, _, _ in told(bench, [])] == ids(body)[:3]
