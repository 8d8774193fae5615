# SPDX-License-Identifier: MIT
"""What a Gateway UE may do at the server for the UEs behind it, one by one and in bulk; no socket, no waiting."""

import json
import sqlite3

import pytest

from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, msg, own
from tools.gateway import keys as key_files
from tools.server.delivery.pushes import Outcome
from tools.server.server import Server
from tools.store.engine.transactions import Unreadable
from tools.transport.security import ContextBinding, Speaker
from tools.wire.identity import Peer

GW, OTHER = "ue:gw", "ue:gw-2"
S1, S2, S3 = "ue:s1", "ue:s2", "ue:s3"
GATE, GATE_2, MOVED = Peer("192.0.2.77", 40000), Peer("192.0.2.78", 40000), Peer("192.0.2.79", 41000)


def reg(ue, **members):
    return own("REG", ue, **members)


def breg(*elements, gateway=GW, **members):
    return own("BREG", gateway, totalRegCount=len(elements), regList=list(elements)) | members


def dereg(*elements, gateway=GW, kind="DEREG", **members):
    return own(kind, gateway, totalDeregCount=len(elements), deregList=list(elements)) | members


def good(ue, lifetime=3600):
    return {"oriAddr": {"oriAddrType": "UE", "addr": ue}, "result": True, "regExpTime": lifetime}


def bad(ue, cause):
    return {"oriAddr": {"oriAddrType": "UE", "addr": ue}, "result": False, "cause": cause}


class Behind(Bench):
    """A server that knows A and B, two gateways, three UEs behind the first and one behind the second."""

    def __init__(self, **settings):
        super().__init__(open=False, **settings)
        for ue in (A, B, GW, OTHER, S1, S2, S3, "ue:other"):
            self.store.add_device(ue)
        for gateway in (GW, OTHER):
            self.store.add_gateway(gateway)
        for ue in (S1, S2, S3):
            self.store.put_behind(ue, GW)
        self.store.put_behind("ue:other", OTHER)
        self.register(A, HERE)
        self.register(GW, GATE)

    def bulk(self, body, peer=GATE):
        answer = self.ask(peer, body)
        assert answer.code == "2.04", answer
        return answer.body

    def via(self, ue):
        found = self.store.registration(ue, self.now)
        return found and found.via


@pytest.fixture
def bench():
    return Behind()


def behind(bench, gateway=GW):
    return {each.ue for each in bench.store.registrations(bench.now) if each.via == gateway}


# ---- bulk registration -----------------------------------------------------------------------------------------------


def test_each_is_registered_and_answered_in_the_order_asked(bench):
    body = bench.bulk(breg(reg(S2, regExpTime=60), reg(S1, cliProfile={"maxSegSize": 300}), reg(S3)))
    assert body == {"totalRegCount": 3, "regList": [good(S2, 60), good(S1), good(S3)]}
    told = bench.events("registered")[-3:]
    assert [(each["ue"], each["via"], each["peer"]) for each in told] == [
        (ue, GW, str(GATE)) for ue in (S2, S1, S3)
    ]
    assert bench.events("bulk") == [{"kind": "BREG", "via": GW, "elements": 3, "refused": 0}]
    assert bench.store.registration(S1, bench.now).max_segment == 300
    bench.now += 61
    bench.work()
    assert [each["ue"] for each in bench.events("expired")] == [S2]


ELEMENTS = [
    (reg("ue:nobody"), bad("ue:nobody", "unknown UE service ID")),
    (reg(A), bad(A, "not a UE of this gateway")),
    (reg("ue:other"), bad("ue:other", "not a UE of this gateway")),
    (reg(GW), bad(GW, "not a UE of this gateway")),
    (reg(OTHER), bad(OTHER, "not a UE of this gateway")),
    ({}, {"result": False, "cause": "oriAddr: missing"}),
    ({"oriAddr": 5}, {"result": False, "cause": "oriAddr: not an object"}),
    (own("REG", ""), {"result": False, "cause": None}),
    (reg(S2, regExpTime="soon"), bad(S2, "regExpTime: not an integer")),
    (reg(S2, cliProfile=[]), bad(S2, "cliProfile: not an object")),
    (reg(S2, cliProfile={"x": "y" * 5000}), bad(S2, "cliProfile: larger than 4096 octets")),
    (reg(S2, msgIden="urn:other"), bad(S2, "msgIden: is not urn:3gpp:msgin5g")),
    (own("DEREG", S2), bad(S2, "msgType: is not REG")),
    (own("MSG", S2), bad(S2, "msgType: is not REG")),
    (breg(reg(S3), gateway=S2) | {"msgType": "REG"}, bad(S2, "regList: a list in a list")),
]


@pytest.mark.parametrize("element, answer", ELEMENTS, ids=range(len(ELEMENTS)))
def test_what_is_wrong_with_one_takes_no_other_with_it(bench, element, answer):
    body = bench.bulk(breg(reg(S1), element, reg(S3)))
    assert (body["totalRegCount"], body["regList"][0], body["regList"][2]) == (3, good(S1), good(S3))
    got = body["regList"][1]
    assert got | ({"cause": None} if answer["cause"] is None else {}) == answer
    assert bench.via(S1) == bench.via(S3) == GW and bench.via(S2) is None
    assert bench.events("bulk")[-1]["refused"] == 1
    assert bench.server.refused == 1


def test_who_is_registered_himself_is_not_taken_over(bench):
    bench.register(B, THERE)
    bench.bulk(breg(reg(B), reg(A)))
    assert bench.store.registration(B, bench.now).peer == THERE
    assert bench.code(GATE, msg(B, A)) == "4.03"


def test_the_same_twice_in_a_list_has_two_answers_and_the_later_counts(bench):
    body = bench.bulk(breg(reg(S1, regExpTime=100), reg(S2), reg(S1, regExpTime=50)))
    assert [each["regExpTime"] for each in body["regList"]] == [100, 3600, 50]
    assert bench.store.registration(S1, bench.now).expires == bench.now + 50


@pytest.mark.parametrize(
    "change, word",
    [
        ({"regList": []}, "regList: not an array with at least one element"),
        ({"regList": {"oriAddr": {}}}, "regList: not an array"),
        ({"regList": "all"}, "regList: not an array"),
        ({"regList": None}, "regList: missing"),
        ({"regList": [reg(S1), "ue:s2"]}, "regList: has an element that is not an object"),
        ({"regList": [reg(S1), None]}, "regList: has an element that is not an object"),
        ({"totalRegCount": 3}, "totalRegCount: is 3, but regList has 2"),
        ({"totalRegCount": 1}, "totalRegCount: is 1, but regList has 2"),
        ({"totalRegCount": None}, "totalRegCount: missing"),
        ({"totalRegCount": "two"}, "totalRegCount: not an integer"),
        ({"totalRegCount": 0}, "totalRegCount: not from 1"),
        ({"deregList": [own("DEREG", S1)]}, "deregList: does not belong beside regList"),
        ({"oriAddr": None}, "oriAddr: missing"),
    ],
)
def test_a_request_that_is_wrong_as_a_whole_does_nothing(bench, change, word):
    answer = bench.ask(GATE, breg(reg(S1), reg(S2)) | change)
    assert answer.code == "4.00" and answer.diagnostic.startswith(word), answer
    assert bench.via(S1) is None and bench.events("bulk") == []


def test_too_many_at_once(bench):
    assert bench.code(GATE, breg(*[reg(S1)] * 1001)) == "4.13"
    assert bench.via(S1) is None
    assert len(bench.bulk(breg(*[reg(S1)] * 1000))["regList"]) == 1000


def test_a_gateway_that_is_not_registered(bench):
    assert bench.code(MOVED, breg(reg(S1))) == "4.01"
    assert bench.code(GATE, own("DEREG", GW)) == "2.04"
    assert bench.code(GATE, breg(reg(S1))) == "4.01"
    assert bench.code(GATE, dereg(own("DEREG", S1))) == "4.01"


def test_a_ue_that_is_no_gateway(bench):
    answer = bench.ask(HERE, breg(reg(S1), gateway=A))
    assert (answer.code, answer.diagnostic) == ("4.03", "ue:a is no gateway: device add ue:a --gateway")
    assert bench.code(HERE, breg(reg(S1), gateway=GW)) == "4.03"  # nor in the name of one
    assert bench.via(S1) is None


def test_on_an_open_server_whoever_sends_one_is_a_gateway():
    bench = Bench(open=True)
    bench.register(GW, GATE)
    assert bench.ask(GATE, breg(reg(S1), reg(S2))).body["regList"] == [good(S1), good(S2)]
    bench.ask(GATE, reg(S3))  # by itself, from now on, as well
    assert [bench.store.registration(ue, bench.now).via for ue in (S1, S2, S3)] == [GW] * 3
    bench.register(OTHER, GATE_2)
    bench.ask(GATE_2, breg(reg(S1), gateway=OTHER))
    assert bench.store.registration(S1, bench.now).via == OTHER


def test_an_open_server_remembers_no_more_than_it_may():
    bench = Bench(open=True, ues=3)
    bench.register(GW, GATE)
    body = bench.ask(GATE, breg(*[reg("ue:%d" % number) for number in range(4)])).body
    assert [each["result"] for each in body["regList"]] == [True, True, True, False]
    assert body["regList"][3]["cause"] == "too many UEs are registered"


def test_200_in_one_request():
    bench = Behind()
    ues = ["ue:%03d" % number for number in range(200)]
    for ue in ues:
        bench.store.add_device(ue)
        bench.store.put_behind(ue, GW)
    body = bench.bulk(breg(*map(reg, ues)))
    assert body["regList"] == [good(ue) for ue in ues]
    assert behind(bench) == set(ues)
    body = bench.bulk(dereg(*[own("DEREG", ue) for ue in ues]))
    assert body["totalDeregCount"] == 200 and all(each["result"] for each in body["deregList"])
    assert behind(bench) == set()


def test_an_element_whose_handling_raises(bench, monkeypatch):
    register = bench.store.register

    def faulty(ue, *arguments):
        register(ue, *arguments)
        if ue == S2:
            raise KeyError("x")

    monkeypatch.setattr(bench.store, "register", faulty)
    body = bench.bulk(breg(reg(S1), reg(S2), reg(S3)))
    assert body["regList"] == [good(S1), bad(S2, "an error of the server's own"), good(S3)]
    assert (bench.via(S1), bench.via(S2), bench.via(S3)) == (GW, None, GW)
    assert bench.store.registration(S2, bench.now) is None  # nothing of it stays
    assert [(each["kind"], each["to"]) for each in bench.events("error")] == [("bulk REG", S2)]
    assert S2 not in [each["ue"] for each in bench.events("registered")]


def test_an_element_whose_row_cannot_be_read_is_set_aside_and_registered_anew(bench):
    bench.bulk(breg(reg(S1), reg(S2)))
    bench.store._db.execute("UPDATE registration SET profile='{' WHERE ue=?", (S1,))
    with pytest.raises(Unreadable):
        bench.store.registration(S1, bench.now)
    body = bench.bulk(dereg(own("DEREG", S1), own("DEREG", S2)))
    assert [each["result"] for each in body["deregList"]] == [False, True]
    assert [each["ue"] for each in bench.events("quarantined")] == [S1]
    assert bench.bulk(breg(reg(S1)))["regList"] == [good(S1)]


def test_of_the_gateway_function_in_the_same_program_each_is_its_own_devices(bench):
    def ask(body, *peers):
        return bench.server.bulk(peers, json.dumps(body).encode(), bench.now)

    answer = ask(breg(reg(B), reg("ue:nobody"), {}, reg(S1), gateway="ue:itself"), THERE, HERE, HERE, MOVED)
    assert answer.body["regList"] == [
        good(B),
        bad("ue:nobody", "unknown UE service ID"),
        {"result": False, "cause": "oriAddr: missing"},
        good(S1),
    ]
    assert bench.store.registration(B, bench.now).peer == THERE
    assert (bench.via(S1), bench.store.registration(S1, bench.now).peer) == (None, MOVED)
    answer = ask(dereg(own("DEREG", B), own("DEREG", S1), gateway="ue:itself"), HERE, MOVED)
    assert [each["result"] for each in answer.body["deregList"]] == [False, True]  # B is not from here
    assert bench.store.registration(B, bench.now) and not bench.store.registration(S1, bench.now)
    assert ask(breg(reg(B), totalRegCount=5), HERE).code == "4.00"


def test_a_store_that_takes_nothing_leaves_nothing_of_a_list(bench, monkeypatch):
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    register = bench.store.register

    def faulty(ue, *arguments):
        register(ue, *arguments)
        if ue == S2:
            raise full

    monkeypatch.setattr(bench.store, "register", faulty)
    with pytest.raises(sqlite3.OperationalError):  # which the running server answers 5.03
        bench.ask(GATE, breg(reg(S1), reg(S2)))
    assert bench.via(S1) is None and bench.store.registration(S1, bench.now) is None
    assert bench.events("bulk") == []


# ---- bulk de-registration --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["DEREG", "BDEREG"])
def test_each_is_deregistered_and_the_gateway_stays(bench, kind):
    bench.bulk(breg(reg(S1), reg(S2)))
    bench.register(B, THERE)
    listed = [own("DEREG", ue) for ue in (S2, S3, B, "ue:nobody", S1, GW)] + [{}]
    body = bench.bulk(dereg(*listed, kind=kind))
    yes = {"result": True}
    assert body["totalDeregCount"] == 7
    assert [{k: v for k, v in each.items() if k != "oriAddr"} for each in body["deregList"]] == [
        yes,
        {"result": False, "cause": "not registered"},
        {"result": False, "cause": "not registered through this gateway"},
        {"result": False, "cause": "not registered"},
        yes,
        {"result": False, "cause": "not registered through this gateway"},
        {"result": False, "cause": "oriAddr: missing"},
    ]
    assert behind(bench) == set()
    assert bench.store.registration(GW, bench.now) and bench.store.registration(B, bench.now)


@pytest.mark.parametrize(
    "change",
    [
        {"deregList": []},
        {"deregList": [1]},
        {"totalDeregCount": 2},
        {"totalDeregCount": None},
        {"regList": []},
    ],
)
def test_a_wrong_list_never_deregisters_the_gateway(bench, change):
    bench.bulk(breg(reg(S1)))
    assert bench.code(GATE, dereg(own("DEREG", S1)) | change) == "4.00"
    assert bench.store.registration(GW, bench.now) and bench.via(S1) == GW


def test_what_waits_for_one_that_leaves_is_stored_or_fails(bench):
    bench.bulk(breg(reg(S1)))
    for text, store_forward in (("keep", True), ("lose", False)):
        assert bench.code(HERE, msg(A, S1, text, sfFlag=store_forward)) == "2.04"
    bench.bulk(dereg(own("DEREG", S1)))
    assert len(bench.events("stored")) == len(bench.events("failed")) == 1
    bench.bulk(breg(reg(S1)))
    texts = [push.body.get("payload") for push in bench.work()]
    assert "keep" in texts and "lose" not in texts


# ---- one by one, through the gateway ---------------------------------------------------------------------------------


def test_a_registration_by_itself_that_comes_through_the_gateway(bench):
    assert bench.ask(GATE, reg(S1, urgentTag=True)).body == good(S1)
    assert bench.via(S1) == GW
    assert bench.events("registered")[-1]["via"] == GW
    assert bench.ask(GATE, reg("ue:other")).body["cause"] == "not a UE of this gateway"
    assert bench.ask(GATE, reg(B)).body["cause"] == "not a UE of this gateway"
    assert bench.ask(GATE, own("DEREG", S1)).body["result"] is True
    assert bench.via(S1) is None


def test_with_keys_a_ue_behind_cannot_be_registered_before_its_gateway():
    """Without keys nobody can tell: then it is the UE itself that registers from there."""
    bench = Behind()
    bench.server = Server(bench.store, bench.settings, bench._emit, ContextBinding(bench.store))
    for ue in (GW, A):
        section = key_files.new_section(bench.store.kids_in_use())
        key_files.add(bench.store, ue, key_files.of_section(ue, section), ue)
    gate = Speaker(*GATE)
    gate.identity = bench.store.keys_of_ue(GW).digest
    bench.code(gate, own("DEREG", GW))
    answer = bench.ask(gate, reg(S1))
    assert (answer.code, answer.diagnostic) == ("4.01", "its gateway ue:gw is not registered")
    assert bench.ask(gate, reg(A)).body["cause"] == "not a UE of this gateway"
    bench.register(GW, gate)
    assert bench.ask(gate, reg(S1)).body == good(S1)
    moved = Speaker(*MOVED)
    moved.identity = gate.identity
    assert bench.ask(moved, reg(S2)).body == good(S2)
    assert bench.store.registration(S1, bench.now).peer == MOVED  # with its gateway


def test_directly_again_and_back(bench):
    bench.bulk(breg(reg(S1)))
    bench.register(S1, THERE)
    assert bench.via(S1) is None
    assert bench.code(GATE, msg(S1, A)) == "4.03"  # it is not behind the gateway any more
    assert bench.code(THERE, msg(S1, A)) == "2.04"
    bench.bulk(breg(reg(S1)))
    assert bench.via(S1) == GW
    assert bench.code(GATE, msg(S1, A)) == "2.04"
    assert bench.code(THERE, msg(S1, A)) == "4.01"


def test_the_gateway_speaks_for_its_ues_and_for_nobody_else(bench):
    bench.bulk(breg(reg(S1)))
    bench.register(B, THERE)
    bench.register(OTHER, GATE_2)
    assert bench.code(GATE, msg(S1, A)) == "2.04"
    assert bench.code(GATE, msg(GW, A)) == "2.04"
    assert bench.code(GATE, msg(B, A)) == "4.03"
    assert bench.code(GATE_2, msg(S1, A)) == "4.03"
    assert bench.code(HERE, msg(S1, A)) == "4.03"
    assert bench.code(MOVED._replace(host="192.0.2.200"), msg(S1, A)) == "4.01"
    assert bench.code(GATE, msg(S2, A)) == "4.01"  # its own, but not registered: the UE must register, then
    assert bench.code(GATE, msg("ue:other", A)) == "4.03"


def test_while_the_gateway_is_not_registered_its_ues_are_not_heard(bench):
    bench.bulk(breg(reg(S1)))
    bench.code(GATE, own("DEREG", GW))
    answer = bench.ask(GATE, msg(S1, A))
    assert (answer.code, answer.diagnostic) == ("4.01", "its gateway ue:gw is not registered")
    bench.register(GW, GATE)
    assert bench.code(GATE, msg(S1, A)) == "2.04"  # the registration has lived on


# ---- to a UE behind a gateway ----------------------------------------------------------------------------------------


def test_a_push_goes_to_the_gateway_and_follows_it(bench):
    bench.bulk(breg(reg(S1), reg(S2)))
    bench.code(HERE, msg(A, S1, "1"))
    bench.code(HERE, msg(A, S2, "2"))
    pushes = {push.target.id: push for push in bench.work()}
    assert {(push.where, push.via) for push in pushes.values()} == {(GATE, GW)}
    assert bench.work() == []  # one at a time to each
    assert bench.code(GATE._replace(port=50000), msg(GW, A)) == "2.04"  # the gateway speaks from another port
    assert bench.events("rebound")[-1]["ue"] == GW
    again = {push.target.id: push for push in bench.work() if push.target.id != A}
    assert {push.where.port for push in again.values()} == {50000} and set(again) == {S1, S2}
    bench.outcome(pushes[S1])  # of the older address: it is not heard any more
    for push in again.values():
        bench.outcome(push)
    assert len(bench.events("delivered")) == 2


def test_a_ue_behind_speaks_first_after_the_gateway_moved(bench):
    bench.bulk(breg(reg(S1)))
    assert bench.code(GATE._replace(port=50000), msg(S1, A)) == "2.04"
    assert bench.events("rebound") == [{"ue": GW, "peer": "192.0.2.77:50000"}]
    bench.outcome(bench.one())
    bench.code(HERE, msg(A, S1))
    assert bench.one().where.port == 50000


def test_segments_are_asked_for_and_confirmed_through_the_gateway(bench):
    bench.bulk(breg(reg(S1, cliProfile={"maxSegSize": 300})))
    bench.code(HERE, msg(A, S1, "x" * 500))
    for _ in range(2):
        push = bench.one()
        assert (push.where, push.via) == (GATE, GW)
        bench.outcome(push)
    set_id = push.body["segParams"]["segId"]
    ask = {"msgIden": push.body["msgIden"], "msgType": "SEGREC", "segId": set_id, "segNoList": "2"}
    assert bench.code(HERE, ask) == "4.04"
    assert bench.code(GATE, ask) == "2.04"
    bench.outcome(bench.one())
    done = {"msgIden": push.body["msgIden"], "msgType": "SEGCONFIR", "segId": set_id, "result": True}
    assert bench.code(GATE, done) == "2.04"
    assert bench.events("delivered")[-1]["to"] == S1
    params = {"segId": "s", "segNumb": 1, "totalSegCount": 2}
    bench.code(GATE, msg(S1, A, isSegmented=True, segParams=params))
    push = bench.one(later=6)
    assert (push.kind, push.where, push.via) == ("SEGREC", GATE, GW)


def test_the_gateway_is_away_and_back(bench):
    bench.bulk(breg(reg(S1)))
    bench.code(GATE, own("DEREG", GW))
    assert bench.code(HERE, msg(A, S1)) == "2.04"
    assert bench.work() == [] and bench.events("failed") == []  # S1 is registered, and waited for
    bench.register(GW, MOVED)
    assert bench.one().where == MOVED


def test_the_gateway_is_silent_and_heard(bench):
    """RFC 7252 knows silence only of whom it is sent to: here that is the gateway, for all that are behind it."""
    bench.bulk(breg(reg(S1), reg(S2)))
    bench.code(HERE, msg(A, S1))
    bench.code(HERE, msg(A, S2))
    for push in bench.work():
        bench.outcome(push, None)
    assert bench.work() == []
    bench.code(GATE, msg(S2, A))
    assert {push.target.id for push in bench.work()} == {S1, S2, A}


def test_the_ue_behind_is_silent_and_heard(bench):
    """5.04: the gateway waited for the UE in vain. Other UEs of that gateway say nothing about it."""
    bench.bulk(breg(reg(S1), reg(S2)))
    bench.code(HERE, msg(A, S1))
    bench.outcome(bench.one(), "5.04")
    bench.code(GATE, msg(S2, S3))
    bench.code(GATE, breg(reg(S2)))
    assert [push.target.id for push in bench.work()] == [S2]  # what became of its message to S3
    bench.code(GATE, msg(S1, A))
    assert {push.target.id for push in bench.work()} == {S1, A}


def crowd(count):
    """A server with so many UEs behind the gateway, for each of which a message waits."""
    bench = Behind()
    ues = ["ue:%03d" % number for number in range(count)]
    for ue in ues:
        bench.store.add_device(ue)
        bench.store.put_behind(ue, GW)
    bench.bulk(breg(*map(reg, ues)))
    for ue in ues:
        assert bench.code(HERE, msg(A, ue)) == "2.04"
    return bench


def test_so_many_requests_at_once_go_through_one_gateway():
    bench = crowd(200)
    out, most = bench.work(), 0
    while out:
        most = max(most, len(out))
        bench.outcome(out.pop(0))
        out += bench.work()
    assert most == 64
    assert len(bench.events("delivered")) == 200


def test_a_gateway_that_is_silent_is_tried_with_one_request_at_a_time():
    bench = crowd(200)
    for push in bench.work():
        bench.outcome(push, None)
    (told,) = bench.events("retry")
    assert told["via"] == GW and 5 <= told["seconds"] <= 7
    seconds = [told["seconds"]]
    while len(seconds) < 5:
        assert bench.server.deadline(bench.now) == pytest.approx(bench.now + seconds[-1], abs=0.01)
        assert bench.work(later=seconds[-1] - 0.1) == []
        bench.outcome(bench.one(later=0.2), None)  # for one of them; the others wait for what comes of it
        assert bench.work() == []
        seconds.append(bench.events("retry")[-1]["seconds"])
    assert seconds[-1] > 4 * seconds[0]
    bench.register(GW, GATE)
    assert len(bench.work()) == 64


def test_the_pause_of_a_gateway_follows_the_clock():
    bench = crowd(1)
    bench.outcome(bench.one(), None)
    bench.server.clock_set(1000.0)
    assert bench.server.deadline(bench.now) > bench.now + 1000


def test_an_answer_of_the_gateway_ends_its_silence():
    bench = crowd(100)
    for push in bench.work():
        bench.outcome(push, None)
    bench.outcome(bench.one(later=7), "5.04")  # the gateway is there, this one UE is not
    assert len(bench.work()) == 64


def test_a_ue_that_never_answers_its_gateway_keeps_no_other_waiting(bench):
    """Acknowledged, without a response: the gateway is there."""
    bench.bulk(breg(reg(S1), reg(S2)))
    for number in range(6):
        bench.code(HERE, msg(A, S1))
        bench.code(HERE, msg(A, S2, str(number)))
        for push in bench.work(later=1):
            if push.target.id == S1:
                outcome = Outcome("later", "acknowledged, but no response came", None, False, behind=True)
                bench.server.outcome(push, outcome, bench.now)
            else:
                bench.outcome(push)
    assert [each["to"] for each in bench.events("delivered")] == [S2] * 6


def test_what_was_out_through_a_gateway_that_moved_makes_room():
    bench = crowd(100)
    assert len(bench.work()) == 64
    bench.code(GATE._replace(port=50000), msg(GW, A))
    assert len([push for push in bench.work() if push.via]) == 64


@pytest.mark.parametrize("store_forward", [False, True])
def test_the_gateway_knows_no_such_ue(bench, store_forward):
    bench.bulk(breg(reg(S1)))
    bench.code(HERE, msg(A, S1, sfFlag=store_forward))
    bench.outcome(bench.one(), "4.04", "no such UE here")
    assert bench.events("lost") == [{"ue": S1, "via": GW}]
    assert bench.store.registration(S1, bench.now) is None
    response = bench.take()
    assert response["msgType"] == "MSGRESP"
    if not store_forward:
        assert response["Cause"] == "the recipient is not at its gateway any more"
        return
    assert response["DelSta"] == "stored for deferred delivery"
    bench.register(S1, THERE)  # wherever it is found again
    push = bench.one()
    assert (push.where, push.via, push.body["payload"]) == (THERE, None, "hi")


def test_reports_and_responses_wait_for_one_that_its_gateway_does_not_know(bench):
    bench.bulk(breg(reg(S1)))
    bench.code(GATE, msg(S1, "ue:nobody"))
    push = bench.one()
    assert push.kind == "MSGRESP"
    bench.outcome(push, "4.04")
    assert bench.events("lost") and bench.work() == []
    bench.bulk(breg(reg(S1)))
    push = bench.one()
    assert push.kind == "MSGRESP"
    bench.outcome(push, "4.04")  # now it is the response that is refused: it ends no registration for ever
    assert bench.via(S1) == GW and bench.work() == [] and len(bench.events("lost")) == 1


def test_4_04_of_a_ue_itself_is_an_answer_to_the_message(bench):
    bench.register(B, THERE)
    bench.code(HERE, msg(A, B))
    bench.outcome(bench.one(), "4.04")
    assert bench.store.registration(B, bench.now) and bench.take()["DelSta"] == "failure"


# ---- topics ----------------------------------------------------------------------------------------------------------


def topic(bench, peer, ue, observe=0):
    return bench.server.topic(peer, "weather", observe, 50, json.dumps(own("", ue)).encode(), bench.now)


def test_a_topic_through_a_gateway_is_not_observed(bench):
    bench.bulk(breg(reg(S1)))
    answer = topic(bench, GATE, S1)
    assert (answer.code, answer.body["subStatus"], answer.observable) == ("2.05", True, False)
    assert topic(bench, HERE, A).observable is True
    assert topic(bench, HERE, S1).code == "4.03"
    bench.code(HERE, msg(A, "weather", to_type="TOPIC"))
    push = bench.one()
    assert (push.target.id, push.where, push.via) == (S1, GATE, GW)
    assert push.body["destAddr"]["addr"] == S1  # the gateway must see whom it is for
    bench.outcome(push)
    assert topic(bench, GATE, S1, 1).body == {"subStatus": False}


# ---- a restart -------------------------------------------------------------------------------------------------------


def test_all_of_it_is_known_after_a_restart(bench):
    bench.bulk(breg(reg(S1), reg(S2)))
    bench.code(HERE, msg(A, S1))
    bench.restart()
    assert bench.via(S2) == GW
    assert bench.code(GATE, msg(S2, A)) == "2.04"
    assert {(push.target.id, push.where) for push in bench.work()} == {(S1, GATE), (A, HERE)}
