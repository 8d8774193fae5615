# SPDX-License-Identifier: MIT
"""The server's decisions with a clock that the test moves: no socket, no waiting."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.gateway.scripted import SERVICE, new_id
from tools.server.delivery.pushes import Outcome
from tools.server.server import Server
from tools.server.settings import Settings
from tools.store.store import Store
from tools.wire.identity import Peer

A, B = "ue:a", "ue:b"
HERE, THERE = Peer("192.0.2.1", 40000), Peer("192.0.2.2", 40000)


class Bench:
    """A server, its store in memory, and what it told."""

    def __init__(self, open=True, **settings):
        self.now = 1_000_000.0
        self.told = []
        self.store = Store(":memory:")
        self.settings = Settings(open=open, **settings)
        self.restart()

    def restart(self):
        self.server = Server(self.store, self.settings, self._emit, rng=random.Random(1))
        self.server.start(self.now)

    def _emit(self, event, **fields):
        self.told.append((event, fields))

    def events(self, event):
        return [fields for name, fields in self.told if name == event]

    def ask(self, peer, body, content_format=50):
        octets = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.server.request(peer, content_format, octets, self.now)

    def code(self, peer, body):
        return self.ask(peer, body).code

    def register(self, ue, peer, **members):
        answer = self.ask(peer, own("REG", ue, **members))
        assert (answer.code, answer.body["result"]) == ("2.04", True)
        return answer.body

    def work(self, later=0.0):
        self.now += later
        return self.server.work(self.now)

    def one(self, later=0.0):
        (push,) = self.work(later)
        return push

    def outcome(self, push, code="2.04", diagnostic="", max_age=None):
        outcome = (
            Outcome.of_coap(code, diagnostic, max_age) if code else Outcome("later", "no answer", None, False)
        )
        self.server.outcome(push, outcome, self.now)

    def take(self, later=0.0):
        """The one body that is to be sent now; it is answered with 2.04."""
        push = self.one(later)
        self.outcome(push)
        return push.body


def own(msg_type, ue, **members):
    return {"msgIden": SERVICE, "msgType": msg_type, "oriAddr": {"oriAddrType": "UE", "addr": ue}} | members


def msg(from_, to, payload="hi", to_type="UE", **members):
    head = {
        "destAddr": {"destAddrType": to_type, "addr": to},
        "msgId": new_id(),
        "sfFlag": False,
        "payload": payload,
    }
    return own("MSG", from_, **(head | members))


def both(**settings):
    bench = Bench(**settings)
    bench.register(A, HERE)
    bench.register(B, THERE)
    return bench


# ---- refusals --------------------------------------------------------------------------------------------------------


def without(body, member):
    return {name: value for name, value in body.items() if name != member}


GOOD = msg(A, B)
REFUSED = [
    (b"{", "4.00", "body"),
    (b"[]", "4.00", "body"),
    (b"\xff", "4.00", "body"),
    (b'{"msgIden": NaN}', "4.00", "body"),
    (b'{"a":' * 100000, "4.00", "body"),
    (b'{"payload":"\\ud800"}', "4.00", "body"),
    (without(GOOD, "msgIden"), "4.00", "msgIden"),
    (GOOD | {"msgIden": "urn:other"}, "4.00", "msgIden"),
    (GOOD | {"msgType": "HELLO"}, "4.00", "msgType"),
    (GOOD | {"msgType": "REGRESP"}, "4.00", "msgType"),
    (GOOD | {"msgType": 5}, "4.00", "msgType"),
    (without(GOOD, "oriAddr"), "4.00", "oriAddr"),
    (GOOD | {"oriAddr": "ue:a"}, "4.00", "oriAddr"),
    (GOOD | {"oriAddr": {"oriAddrType": "AS", "addr": A}}, "4.00", "oriAddr.oriAddrType"),
    (GOOD | {"oriAddr": {"oriAddrType": "UE", "addr": ""}}, "4.00", "oriAddr.addr"),
    (GOOD | {"oriAddr": {"oriAddrType": "UE", "addr": "a\nb"}}, "4.00", "oriAddr.addr"),
    (GOOD | {"oriAddr": {"oriAddrType": "UE", "addr": "x" * 256}}, "4.00", "oriAddr.addr"),
    (without(GOOD, "destAddr"), "4.00", "destAddr"),
    (GOOD | {"destAddr": {"destAddrType": "PLANET", "addr": "x"}}, "4.00", "destAddr.destAddrType"),
    (without(GOOD, "msgId"), "4.00", "msgId"),
    (GOOD | {"msgId": "seven"}, "4.00", "msgId"),
    (GOOD | {"payload": 7}, "4.00", "payload"),
    (GOOD | {"payload": "data:;base64,!!"}, "4.00", "payload"),
    (GOOD | {"sfFlag": "maybe"}, "4.00", "sfFlag"),
    (GOOD | {"sfFlag": True, "sfParam": {"expireTime": "soon"}}, "4.00", "sfParam.expireTime"),
    (GOOD | {"isSegmented": True}, "4.00", "segParams.segId"),
    (GOOD | {"isSegmented": True, "segParams": {"segId": "1"}}, "4.00", "segParams.segNumb"),
    (GOOD | {"isSegmented": True, "segParams": {"segId": "1", "segNumb": 0}}, "4.00", "segParams.segNumb"),
    (
        GOOD | {"isSegmented": True, "segParams": {"segId": "1", "segNumb": 10**30}},
        "4.00",
        "segParams.segNumb",
    ),
    (
        GOOD | {"isSegmented": True, "segParams": {"segId": "1", "segNumb": 3, "totalSegCount": 2}},
        "4.00",
        "segParams.segNumb",
    ),
    (GOOD | {"msgList": []}, "4.00", "msgList"),
    (GOOD | {"msgList": [{"msgId": new_id()}], "totalMsgCount": 2}, "4.00", "totalMsgCount"),
    (own("IMDN", A, destAddr=GOOD["destAddr"], msgId=new_id(), DelSta="perhaps"), "4.00", "DelSta"),
    (own("REG", A, cliProfile={"maxSegSize": -1}), "4.00", "maxSegSize"),
    (own("REG", A, cliProfile={"x": "y" * 4096}), "4.00", "cliProfile"),
    (own("REG", A, regExpTime="long"), "4.00", "regExpTime"),
    ({"msgIden": SERVICE, "msgType": "SEGREC", "segId": "x", "segNoList": "all"}, "4.00", "segNoList"),
    ({"msgIden": SERVICE, "msgType": "SEGREC", "segId": "x", "segNoList": "(1-2)"}, "4.04", "nothing"),
    ({"msgIden": SERVICE, "msgType": "SEGCONFIR", "segId": "x"}, "4.00", "result"),
    (own("BREG", A), "4.00", "regList"),
    (msg(B, A), "4.03", B),
    (own("DEREG", B), "4.03", B),
    (own("IMDN", B, destAddr=GOOD["destAddr"], msgId=new_id(), DelSta="success"), "4.03", B),
    (GOOD | {"payload": "x" * 101}, "4.13", "100"),
]


@pytest.mark.parametrize("body, code, word", REFUSED, ids=range(len(REFUSED)))
def test_refusals(body, code, word):
    bench = both(max_message=100)
    answer = bench.ask(HERE, body)
    assert (answer.code, answer.body) == (code, None)
    assert answer.diagnostic.startswith(word) or word in answer.diagnostic
    assert answer.size1 == (100 if code == "4.13" else None)
    assert bench.store.set_ids() == []
    assert bench.work(60) == []
    assert len(bench.events("refused")) == 1


WHOLE = [
    GOOD
    | {
        "sfFlag": True,
        "sfParam": {"expireTime": "2100-01-01T00:00:00Z"},
        "isDelivStatReq": True,
        "appId": "1",
    },
    GOOD
    | {
        "isSegmented": True,
        "segParams": {"segId": "1", "segNumb": 1, "totalSegCount": 2, "lastSegFlag": "false"},
    },
    GOOD | {"totalMsgCount": 1, "msgList": [{"msgId": new_id(), "payload": "x", "appId": "1"}]},
    own("IMDN", A, destAddr=GOOD["destAddr"], msgId=new_id(), DelSta="failure", Cause="x"),
    own("REG", A, regExpTime=60, cliProfile={"maxSegSize": 100, "comAvail": {"storeForward": "x"}}),
    own("DEREG", A),
    {"msgIden": SERVICE, "msgType": "SEGREC", "segId": "x", "segNoList": "(1-2)"},
    {"msgIden": SERVICE, "msgType": "SEGCONFIR", "segId": "x", "result": True},
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


def places(body, path=()):
    """Every member of a body, by its path."""
    for name, value in body.items() if isinstance(body, dict) else enumerate(body):
        yield (*path, name)
        if isinstance(value, dict | list):
            yield from places(value, (*path, name))


@given(st.sampled_from(WHOLE), st.data(), JSON)
def test_any_value_in_any_member_is_answered(body, data, value):
    body = json.loads(json.dumps(body))
    *path, name = data.draw(st.sampled_from(list(places(body))))
    inner = body
    for step in path:
        inner = inner[step]
    inner[name] = value
    bench = both()
    answer = bench.ask(HERE, body)
    assert answer.code in ("2.04", "4.00", "4.01", "4.03", "4.04", "4.13", "5.01")
    assert answer.code == "2.04" or answer.diagnostic
    for push in bench.work():
        json.dumps(push.body, ensure_ascii=False).encode()
        bench.outcome(push)


@given(st.binary(max_size=60))
def test_any_octets_are_answered(octets):
    assert Bench().ask(HERE, octets).code == "4.00"


def test_content_formats():
    bench = both()
    octets = json.dumps(GOOD).encode()
    assert bench.ask(HERE, octets, 0).code == "4.15"
    assert bench.ask(HERE, octets, None).code == "2.04"  # none is read as 50


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        own("IMDN", A, destAddr=GOOD["destAddr"], msgId=new_id(), DelSta="success"),
        {"msgIden": SERVICE, "msgType": "SEGREC", "segId": "x", "segNoList": "(1-2)"},
        {"msgIden": SERVICE, "msgType": "SEGCONFIR", "segId": "x", "result": True},
    ],
)
def test_who_is_not_registered_gets_4_01(body):
    assert Bench().ask(HERE, body).code == "4.01"
    bench = both()
    assert bench.ask(Peer("192.0.2.9", 40000), body).code == "4.01"  # another host than A's
    bench.now += 3600
    assert bench.ask(HERE, body).code == "4.01"  # the registration is over


def test_unknown_ues_are_told_in_the_body():
    bench = Bench(open=False)
    answer = bench.ask(HERE, own("REG", A))
    ori = {"oriAddrType": "UE", "addr": A}
    assert (answer.code, answer.body) == (
        "2.04",
        {"oriAddr": ori, "result": False, "cause": "unknown UE service ID"},
    )
    assert bench.code(HERE, own("GWREG", A)) == "5.01"  # it is a Gateway UE's
    bench.store.add_device(A)
    assert bench.register(A, HERE) == {"oriAddr": ori, "result": True, "regExpTime": 3600}
    bench.store.remove_device(A)
    assert bench.code(HERE, msg(A, B)) == "4.01"


def test_kind_reading():
    bench = both()
    body = msg(A, B, isDelivStatReq="true", sfFlag="false", priority="MIDDLE", unknown={"x": 1}, secCred="y")
    body["oriAddr "] = body.pop("oriAddr")  # as clause 7.3.3.1 prints it
    body["msgType"] = "msg"
    assert bench.code(HERE, body) == "2.04"
    got = bench.take()
    assert got["isDelivStatReq"] is True
    assert not {"unknown", "secCred", "priority", "sfFlag"} & set(got)


def test_a_flood_gets_4_29():
    bench = both(rate=5)
    bench.now += 10
    codes = [bench.code(HERE, msg(A, B)) for _ in range(12)]
    assert codes == ["2.04"] * 10 + ["4.29"] * 2  # two seconds' worth at once
    assert bench.ask(HERE, GOOD).max_age == 1
    bench.now += 1
    assert bench.code(HERE, msg(A, B)) == "2.04"


# ---- addresses -------------------------------------------------------------------------------------------------------


def test_a_new_port_of_the_same_host_is_followed():
    bench = both()
    moved = Peer(HERE.host, 50000)
    assert (
        bench.ask(moved, {"msgIden": SERVICE, "msgType": "SEGREC", "segId": "x", "segNoList": "(1-1)"}).code
        == "4.01"
    )
    assert bench.code(moved, msg(A, B)) == "2.04"
    bench.take()
    assert bench.code(THERE, msg(B, A)) == "2.04"
    assert bench.one().where == moved


def test_a_registration_moves_to_any_address():
    bench = both()
    bench.register(A, Peer("198.51.100.7", 1))
    bench.ask(THERE, msg(B, A))
    assert bench.one().where == Peer("198.51.100.7", 1)
    assert bench.code(HERE, msg(A, B)) == "4.01"


def test_what_is_out_to_an_old_address_is_sent_to_the_new_one_at_once():
    for move in (
        lambda bench, peer: bench.register(B, peer),
        lambda bench, peer: bench.ask(peer, msg(B, A)),
    ):
        bench = both()
        bench.ask(HERE, msg(A, B))
        old = bench.one()
        move(bench, Peer(THERE.host, 50000))
        new = next(push for push in bench.work() if push.target.id == B)
        assert new.where == Peer(THERE.host, 50000)
        bench.outcome(old, None)  # changes nothing any more
        assert bench.work() == []
        bench.outcome(new)
        assert len(bench.events("delivered")) == 1
        assert bench.events("retry") == []


# ---- lifetimes, back-off ---------------------------------------------------------------------------------------------


def test_a_registration_ends_and_what_waited_is_stored_or_fails():
    bench = Bench()
    bench.register(A, HERE)
    assert bench.register(B, THERE, regExpTime=60)["regExpTime"] == 60
    kept, lost = msg(A, B, "1", sfFlag=True), msg(A, B, "2")
    bench.ask(HERE, kept)
    bench.ask(HERE, lost)
    push = bench.one()
    bench.outcome(push, None)  # silence
    assert bench.work() == []
    assert bench.server.deadline(bench.now) < bench.now + 10
    response = bench.take(60)
    assert (response["msgId"], response["DelSta"]) == (kept["msgId"], "stored for deferred delivery")
    response = bench.take()
    assert (response["msgId"], response["DelSta"]) == (lost["msgId"], "failure")
    assert response["Cause"] == "the recipient's registration has expired"
    bench.register(B, THERE)
    assert bench.take()["msgId"] == kept["msgId"]
    assert bench.work() == []


def test_a_stored_message_expires():
    bench = both()
    bench.ask(THERE, own("DEREG", B))
    # 1,000,000 s after 1970 is 1970-01-12T13:46:40Z.
    body = msg(A, B, sfFlag=True, sfParam={"expireTime": "1970-01-12T13:48:00Z"})  # 80 s from now
    bench.ask(HERE, body)
    assert bench.take()["DelSta"] == "stored for deferred delivery"
    assert bench.server.deadline(bench.now) == bench.now + 80
    assert bench.work(79) == []
    response = bench.take(1)
    assert (response["msgId"], response["DelSta"], response["Cause"]) == (
        body["msgId"],
        "failure",
        "message expired",
    )
    bench.register(B, THERE)
    assert bench.work() == []
    late = msg(A, B, sfFlag=True, sfParam={"expireTime": "1970-01-01T00:00:00Z"})
    assert bench.code(HERE, late) == "2.04"
    assert bench.take()["Cause"] == "message expired"


def test_a_ue_that_wants_nothing_stored():
    bench = Bench()
    bench.register(A, HERE)
    bench.register(B, THERE, cliProfile={"comAvail": {"storeForward": "yes"}})
    bench.ask(HERE, msg(A, B, sfFlag=True))
    bench.outcome(bench.one(), None)
    bench.ask(THERE, own("DEREG", B))
    assert bench.take()["Cause"] == "the recipient has de-registered"


@pytest.mark.parametrize("code", ["4.01", "4.08", "4.29", "5.00", "5.02", "5.03", "5.04", None])
def test_what_is_sent_again(code):
    bench = both()
    bench.ask(HERE, msg(A, B, "first"))
    bench.ask(HERE, msg(A, B, "second"))
    waits = []
    for _ in range(8):
        bench.outcome(bench.one(), code)
        before = bench.now
        bench.now = bench.server.deadline(bench.now)
        waits.append(bench.now - before)
    # 5 s doubled to 300 s, with 25 % of jitter either way.
    for wait, middle in zip(waits, [5, 10, 20, 40, 80, 160, 300, 300], strict=True):
        assert 0.75 * middle <= wait <= 1.25 * middle
    assert bench.take()["payload"] == "first"
    assert bench.take()["payload"] == "second"


def test_max_age_is_obeyed_and_control_does_not_wait_behind_it():
    bench = both()
    bench.ask(HERE, msg(A, B))
    bench.outcome(bench.one(), "5.03", max_age=40)
    assert bench.work(39) == []
    bench.ask(
        HERE, own("IMDN", A, destAddr={"destAddrType": "UE", "addr": B}, msgId=new_id(), DelSta="success")
    )
    assert bench.take()["msgType"] == "IMDN"
    assert bench.code(THERE, msg(B, "ue:none")) == "2.04"  # a sign of life does not end a Max-Age
    assert bench.take()["msgType"] == "MSGRESP"
    assert bench.take(1)["msgType"] == "MSG"


def test_a_silent_ue_that_speaks_gets_its_messages_at_once():
    bench = both()
    bench.ask(HERE, msg(A, B))
    bench.outcome(bench.one(), None)
    assert bench.work() == []
    bench.ask(THERE, msg(B, A))
    assert {push.target.id for push in bench.work()} == {A, B}


@pytest.mark.parametrize(
    "code", ["4.00", "4.02", "4.03", "4.04", "4.05", "4.06", "4.13", "4.15", "4.22", "5.01"]
)
def test_final_refusals_end_as_msgresp(code):
    bench = both()
    body = msg(A, B)
    bench.ask(HERE, body)
    bench.outcome(bench.one(), code, "no thanks")
    assert bench.take() == own("MSGRESP", A, msgId=body["msgId"], DelSta="failure", Cause=code + " no thanks")
    assert bench.work() == []


@pytest.mark.parametrize(
    "to_type, to, cause",
    [
        ("UE", "ue:nobody", "unknown recipient"),
        ("AS", "as:nobody", "unknown recipient"),
        ("GROUP", "g", "unknown group"),
        ("BC", "area", "this UE may not broadcast"),
        ("TOPIC", "t", "nobody else is subscribed to this topic"),
    ],
)
def test_who_cannot_be_reached(to_type, to, cause):
    bench = both()
    assert bench.code(HERE, msg(A, to, to_type=to_type)) == "2.04"
    response = bench.take()
    assert (response["msgType"], response["DelSta"], response["Cause"]) == ("MSGRESP", "failure", cause)


# ---- order, duplicates, bounds ---------------------------------------------------------------------------------------


def test_one_at_a_time_in_order():
    bench = both()
    for number in range(5):
        bench.ask(HERE, msg(A, B, str(number)))
    got = []
    for _ in range(5):
        push = bench.one()
        assert bench.work() == []
        got.append(push.body["payload"])
        bench.outcome(push)
    assert got == list("01234")


def test_duplicates_are_acknowledged_only():
    bench = both(remembered=3)
    first = msg(A, B)
    assert bench.code(HERE, first) == bench.code(HERE, first) == "2.04"
    upper = first | {"msgId": first["msgId"].upper()}  # the same UUID
    assert bench.code(HERE, upper) == "2.04"
    bench.take()
    assert bench.work() == []
    assert (
        bench.code(THERE, first | {"oriAddr": {"oriAddrType": "UE", "addr": B}}) == "2.04"
    )  # another originator
    bench.take()
    for _ in range(3):
        bench.ask(HERE, msg(A, B))
        bench.take()
    assert bench.code(HERE, first) == "2.04"  # three later it is forgotten
    assert bench.take()["msgId"] == first["msgId"]


def test_queues_are_bounded():
    bench = both(pending_each=3)
    for _ in range(3):
        assert bench.code(HERE, msg(A, B)) == "2.04"
    answer = bench.ask(HERE, msg(A, B))
    assert (answer.code, answer.max_age) == ("5.03", 10)
    for _ in range(3):
        bench.ask(HERE, msg(A, "ue:nobody"))  # fills A's own queue with responses
    assert bench.code(HERE, msg(A, "ue:nobody")) == "5.03"
    every = both(pending_all=1)
    assert every.code(HERE, msg(A, B)) == "2.04"
    assert every.code(THERE, msg(B, A)) == "5.03"


def test_reports_wait_for_their_recipient():
    bench = both()
    bench.ask(HERE, own("DEREG", A))
    report = own(
        "IMDN", B, destAddr={"destAddrType": "UE", "addr": A}, msgId=new_id(), DelSta="failure", Cause="x"
    )
    assert bench.code(THERE, report) == bench.code(THERE, report) == "2.04"
    assert bench.work() == []
    bench.register(A, HERE)
    assert bench.take() == report
    assert bench.work() == []


# ---- aggregates ------------------------------------------------------------------------------------------------------


def aggregate(count):
    listed = [{"msgId": new_id(), "payload": "message %d" % number} for number in range(count)]
    listed[0]["appId"] = "9"
    body = msg(A, B, isDelivStatReq=False, totalMsgCount=count, msgList=listed)
    del body["payload"]
    return body


def test_an_aggregate_that_fits_is_forwarded_whole():
    bench = both()
    body = aggregate(3)
    assert bench.code(HERE, body) == "2.04"
    got = bench.take()
    assert (got["totalMsgCount"], got["msgList"], got["msgId"]) == (3, body["msgList"], body["msgId"])


def test_an_aggregate_that_does_not_fit_is_sent_as_singles_in_its_place():
    bench = Bench()
    bench.register(A, HERE)
    bench.register(B, THERE, cliProfile={"maxSegSize": 100})
    body = aggregate(3)
    bench.ask(HERE, body)
    bench.ask(HERE, msg(A, B, "after"))
    got = [bench.take() for _ in range(4)]
    assert [one["payload"] for one in got] == ["message 0", "message 1", "message 2", "after"]
    assert [one["msgId"] for one in got[:3]] == [item["msgId"] for item in body["msgList"]]
    assert [one.get("appId") for one in got] == ["9", None, None, None]


# ---- segments --------------------------------------------------------------------------------------------------------


def parts(pieces, set_id="aabbccdd00112233", **members):
    msg_id = new_id()
    total = len(pieces)
    return [
        msg(A, B, piece, msgId=msg_id, isSegmented=True, **members)
        | {
            "segParams": {"segId": set_id, "segNumb": n, "totalSegCount": total}
            | ({"lastSegFlag": "true"} if n == total else {})
        }
        for n, piece in enumerate(pieces, 1)
    ]


def taken(bench, count):
    """The next bodies, the SEGCONFIR to the originator left out."""
    got = []
    while len(got) < count:
        for push in bench.work():
            bench.outcome(push)
            if push.kind != "SEGCONFIR":
                got.append(push.body)
    return got


def test_cuts_that_fit_the_recipient_are_kept():
    bench = both()
    for body in parts(["one ", "two ", "three"], isDelivStatReq=True):
        assert bench.code(HERE, body) == "2.04"
    got = taken(bench, 3)
    assert [one["payload"] for one in got] == ["one ", "two ", "three"]
    assert {one["segParams"]["segId"] for one in got} == {"aabbccdd00112233"}
    assert [one.get("isDelivStatReq") for one in got] == [True, None, None]
    assert got[2]["segParams"] == {
        "segId": "aabbccdd00112233",
        "totalSegCount": 3,
        "segNumb": 3,
        "lastSegFlag": "true",
    }


def test_cuts_that_do_not_fit_are_made_anew():
    bench = Bench()
    bench.register(A, HERE)
    bench.register(B, THERE, cliProfile={"maxSegSize": 21})
    # "AQIDBAUGBwgJ" is 1 to 9. In 21 octets fit the head of 13 and 8 of base64: 6 octets.
    for body in parts(["data:;base64,AQIDBAUGBwgJ", "data:;base64,Cg=="]):
        assert bench.code(HERE, body) == "2.04"
    got = taken(bench, 2)
    assert [one["payload"] for one in got] == ["data:;base64,AQIDBAUG", "data:;base64,BwgJCg=="]
    assert got[0]["segParams"]["segId"] == got[1]["segParams"]["segId"] != "aabbccdd00112233"


def test_a_large_message_is_cut_to_the_datagram():
    bench = both(max_datagram=400)
    bench.ask(HERE, msg(A, B, '"ä' * 300, isDelivStatReq=True))
    text = ""
    while len(text) < 600:
        push = bench.one()
        assert len(json.dumps(push.body, ensure_ascii=False, separators=(",", ":")).encode()) + 23 <= 400
        bench.outcome(push)
        text += push.body["payload"]
    assert text == '"ä' * 300


def test_a_recipient_without_room_for_anything():
    bench = Bench()
    bench.register(A, HERE)
    bench.register(B, THERE, cliProfile={"maxSegSize": 5})
    bench.ask(HERE, msg(A, B, "data:;base64,AQIDBAUG"))
    assert bench.take()["Cause"].startswith("does not fit the recipient")


def test_recovery_is_asked_three_times_then_given_up():
    bench = both()
    bodies = parts(["x"] * 10)
    for number in (1, 2, 3, 4, 8, 9):
        bench.ask(HERE, bodies[number - 1])
    assert bench.work(4.9) == []
    for _ in range(3):
        push = bench.one(0.1)
        assert (push.kind, push.body["segNoList"]) == ("SEGREC", "(5-7, 10-10)")
        bench.outcome(push)
        assert bench.work(4.9) == []
    assert bench.take(0.1) == {
        "msgIden": SERVICE,
        "msgType": "SEGCONFIR",
        "segId": "aabbccdd00112233",
        "result": False,
    }
    assert bench.work(1000) == []


def test_a_new_segment_starts_recovery_anew():
    bench = both()
    bodies = parts(["x"] * 4)
    bench.ask(HERE, bodies[0])
    for _ in range(2):
        bench.outcome(bench.one(5))
    bench.ask(HERE, bodies[2])
    for _ in range(3):
        assert bench.take(5)["segNoList"] == "(2-2, 4-4)"
    assert bench.take(5)["result"] is False


def test_an_unknown_end_is_asked_for():
    bench = both()
    for number, body in enumerate(parts(["x"] * 5)[:2], 1):
        body["segParams"] = {"segId": "s", "segNumb": number}
        bench.ask(HERE, body)
    assert bench.take(5)["segNoList"] == "(3-3)"


def test_a_sender_that_is_away_is_waited_for():
    bench = both()
    bodies = parts(["x", "y"])
    bench.ask(HERE, bodies[0])
    bench.outcome(bench.one(5), None)
    bench.now += 60
    assert bench.code(HERE, bodies[1]) == "2.04"
    assert [body["payload"] for body in taken(bench, 2)] == ["x", "y"]


def test_a_sender_that_stays_away_is_given_up():
    bench = both(hold=60)
    bench.ask(HERE, parts(["x", "y"])[0])
    for _ in range(20):
        for push in bench.work(5):
            bench.outcome(push, None)
    assert bench.events("segment-confirmed")[0]["result"] is False
    assert bench.store.set_ids() == []


def test_a_sender_that_holds_nothing_ends_the_set():
    bench = both()
    bench.ask(HERE, parts(["x", "y"])[0])
    bench.outcome(bench.one(5), "4.04")
    assert bench.store.set_ids() == []


def test_misspelt_confirmation_and_string_flags():
    bench = both()
    bodies = parts(["one ", "two"])
    bodies[1]["segParams"]["lastSegFlag"] = True
    for body in bodies:
        body["isSegmented"] = "true"
        body["segParams"]["segNumb"] = str(body["segParams"]["segNumb"])
        assert bench.code(HERE, body) == "2.04"
    taken(bench, 2)
    confirmation = {"msgIden": SERVICE, "msgType": "SEGCOFIR", "segId": "aabbccdd00112233", "result": "true"}
    assert bench.code(THERE, confirmation) == "2.04"
    assert bench.events("delivered")[0]["confirmed"] is True


def test_a_false_confirmation_fails_the_message_and_names_the_set():
    bench = both()
    for body in parts(["one ", "two"]):
        bench.ask(HERE, body)
    taken(bench, 2)
    bench.ask(
        THERE, {"msgIden": SERVICE, "msgType": "SEGCONFIR", "segId": "aabbccdd00112233", "result": False}
    )
    response = bench.take()
    assert (response["DelSta"], response["segId"]) == ("failure", "aabbccdd00112233")


def test_without_confirmation_it_counts_as_delivered_after_the_hold():
    bench = both(hold=120)
    for body in parts(["one ", "two"]):
        bench.ask(HERE, body)
    taken(bench, 2)
    assert bench.work(119) == []
    assert bench.events("delivered") == []
    assert bench.work(1) == []
    assert bench.events("delivered")[0]["confirmed"] is False
    recovery = {"msgIden": SERVICE, "msgType": "SEGREC", "segId": "aabbccdd00112233", "segNoList": "(1-1)"}
    assert bench.code(THERE, recovery) == "4.04"


def test_a_report_says_what_a_lost_confirmation_would_have():
    """A power cut may take the SEGCONFIR of a message that the recipient has: then its report ends the wait."""
    bench = both(hold=120)
    for body in parts(["one ", "two"]):
        bench.ask(HERE, body | {"isDelivStatReq": True})
    (msg_id,) = {body["msgId"] for body in taken(bench, 2)}
    bench.register("ue:c", Peer("192.0.2.3", 1))
    report = own("IMDN", B, destAddr={"destAddrType": "UE", "addr": A}, msgId=msg_id, DelSta="success")
    others = (
        (Peer("192.0.2.3", 1), report | {"oriAddr": {"oriAddrType": "UE", "addr": "ue:c"}}),
        (THERE, report | {"destAddr": {"destAddrType": "UE", "addr": "ue:c"}}),
        (THERE, report | {"msgId": "6b7d7d6c-5d55-4b6e-9e3c-0f2f6a3c1b20"}),
        (THERE, report | {"DelSta": "failure"}),
    )
    for peer, other in others:
        bench.ask(peer, other)
        bench.work()
    assert bench.events("delivered") == []
    assert bench.code(THERE, report | {"msgId": msg_id.upper()}) == "2.04"
    bench.work()
    assert [event["reported"] for event in bench.events("delivered") if event["kind"] == "MSG"] == [True]


def test_only_the_recipient_may_recover_and_confirm():
    bench = both()
    bench.register("ue:c", Peer("192.0.2.3", 1))
    for body in parts(["one ", "two"]):
        bench.ask(HERE, body)
    taken(bench, 2)
    stranger = Peer("192.0.2.3", 1)
    about = {"msgIden": SERVICE, "segId": "aabbccdd00112233"}
    assert bench.code(stranger, about | {"msgType": "SEGREC", "segNoList": "(1-1)"}) == "4.04"
    assert bench.code(stranger, about | {"msgType": "SEGCONFIR", "result": True}) == "2.04"
    assert bench.events("delivered") == []


def test_sets_are_bounded():
    bench = both(max_message=10, sets_each=2)
    answer = bench.ask(HERE, parts(["123456"] * 3)[0])  # two such before the last are more than 10
    assert (answer.code, answer.size1) == ("4.13", 10)
    assert bench.store.set_ids() == []
    bodies = parts(["12345", "67890", "x"])
    for body in bodies:
        body["segParams"].pop("totalSegCount")
    assert [bench.code(HERE, body) for body in bodies] == ["2.04", "2.04", "4.13"]
    assert bench.take()["result"] is False
    assert bench.code(HERE, parts(["1", "2"], "s1")[0]) == "2.04"
    assert bench.code(HERE, parts(["1", "2"], "s2")[0]) == "2.04"
    answer = bench.ask(HERE, parts(["1", "2"], "s3")[0])
    assert (answer.code, answer.max_age) == ("5.03", 10)


def test_two_originators_with_one_segment_set_identifier():
    bench = both()
    bench.register("ue:c", Peer("192.0.2.3", 1))
    for body in parts(["one ", "two"], "1"):
        bench.ask(HERE, body)
    for body in parts(["three ", "four"], "1"):
        body["oriAddr"] = {"oriAddrType": "UE", "addr": "ue:c"}
        bench.ask(Peer("192.0.2.3", 1), body)
    sets = [body["segParams"]["segId"] for body in taken(bench, 4)]
    assert sets[0] == sets[1] == "1"
    assert sets[2] == sets[3] != "1"


def test_a_restart_goes_on_where_it_was():
    bench = both()
    whole, half = parts(["one ", "two"]), parts(["three ", "four"], "ffff000011112222")
    for body in [*whole, half[0]]:
        bench.ask(HERE, body)
    pushes = bench.work()
    for push in pushes:
        bench.outcome(push)
    assert [p.body["payload"] for p in pushes if p.kind == "MSG"] == ["one "]
    bench.restart()
    assert [body["payload"] for body in taken(bench, 1)] == ["two"]
    assert bench.code(HERE, half[1]) == "2.04"
    assert [body["payload"] for body in taken(bench, 2)] == ["three ", "four"]
