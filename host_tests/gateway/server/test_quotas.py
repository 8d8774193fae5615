# SPDX-License-Identifier: MIT
"""A share for each originator of all that is stored, and times that somebody else chose: nobody fills what others
need, and nothing is kept or tried more often than was said."""

import random

import pytest

from host_tests.gateway.scripted import new_id
from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, msg, own
from tools.server.delivery.pushes import LATER, Outcome
from tools.store.messages.quotatables import SETS
from tools.store.server.grouptables import Member
from tools.store.store import Store
from tools.store.tables import CONTROL, DATA
from tools.transport.security import Speaker
from tools.transport.web.http import patience
from tools.wire.answers import Refusal
from tools.wire.bodies import Address, Malformed
from tools.wire.identity import Peer

AS = "as:weather@example.org"
FAR = "9999-12-31T23:59:59Z"
AWAY = ["ue:away-%d" % number for number in range(20)]


def away(**settings):
    """A and B are registered, twenty others were and are not any more."""
    bench = Bench(**settings)
    bench.register(A, HERE)
    bench.register(B, THERE)
    for number, ue in enumerate(AWAY):
        peer = Peer("198.51.100.%d" % number, 40000)
        bench.register(ue, peer)
        bench.ask(peer, own("DEREG", ue))
    return bench


def as_message(to, **members):
    return {
        "oriAddr": {"addrType": "AS", "addr": AS},
        "destAddr": {"addrType": "UE", "addr": to},
        "msgId": new_id(),
        "payload": "hi",
    } | members


def kept(to, from_=A, **members):
    return msg(from_, to, sfFlag=True, sfParam={"expireTime": FAR}, **members)


def fill(bench, peer, from_, most=10_000):
    """Sends to those that are away until it is refused; how many were taken."""
    for number in range(most):
        answer = bench.ask(peer, kept(AWAY[number % len(AWAY)], from_))
        if answer.code != "2.04":
            assert (answer.code, answer.max_age) == ("5.03", 10)
            return number
        for push in bench.work():
            bench.outcome(push)  # the originator takes its responses
    raise AssertionError("never refused")


def test_one_device_fills_its_own_share_only():
    bench = away(quota=200, pending_all=400)
    assert fill(bench, HERE, A) == 200
    assert bench.code(THERE, msg(B, A)) == "2.04"
    assert bench.code(THERE, kept(AWAY[0], B)) == "2.04"
    bench.restart()
    assert bench.code(HERE, kept(AWAY[0])) == "5.03"  # its share is as full as before
    assert bench.code(THERE, msg(B, A)) == "2.04"


def test_those_who_fill_their_shares_leave_the_last_tenth_to_others():
    bench = away(quota=200, pending_all=300)
    assert fill(bench, HERE, A) + fill(bench, THERE, B) == 270
    late = Peer("203.0.113.1", 1)
    bench.register("ue:late", late)
    assert bench.code(late, msg("ue:late", A)) == "2.04"


def test_octets_count_for_the_share_those_of_unfinished_sets_too():
    bench = away(max_message=1000, quota_octets=4000)
    params = {"segId": "0011", "totalSegCount": 3, "segNumb": 1}
    assert bench.code(HERE, msg(A, B, "x" * 400, isSegmented=True, segParams=params)) == "2.04"
    for _ in range(4):
        assert bench.code(HERE, kept(AWAY[0], payload="y" * 1000)) == "2.04"
    assert bench.code(HERE, kept(AWAY[1])) == "5.03"
    params = {**params, "segId": "0012"}
    assert bench.code(HERE, msg(A, B, "x", isSegmented=True, segParams=params)) == "5.03"
    assert bench.code(THERE, msg(B, A)) == "2.04"


def test_an_application_server_has_a_share_too():
    bench = away(quota=30)
    bench.server.application_servers.register({"asSvcId": AS, "targetUri": "http://127.0.0.1/"}, bench.now)

    def send():
        body = as_message(AWAY[0], stoAndFwInd=True, stoAndFwParams={"exprTime": FAR})
        return bench.server.application_servers.message(body, bench.now)

    for _ in range(30):
        assert send()["status"] == "DELY_STORED"
    with pytest.raises(Exception, match="your own messages"):
        send()
    assert bench.code(HERE, msg(A, B)) == "2.04"


def report(from_, to, msg_id):
    return own("IMDN", from_, destAddr={"destAddrType": "UE", "addr": to}, msgId=msg_id, DelSta="success")


def test_a_report_that_is_owed_gets_in_past_full_queues_and_forged_reports():
    bench = away(pending_each=10, quota=50)
    asked = msg(A, B, isDelivStatReq=True)
    assert bench.code(HERE, asked) == "2.04"
    for _ in range(10):
        bench.ask(THERE, msg(B, A))  # A takes none: its inbox is full
    assert bench.code(THERE, msg(B, A)) == "5.03"
    third = Peer("203.0.113.1", 1)
    bench.register("ue:z", third)
    codes = [bench.code(third, report("ue:z", A, new_id())) for _ in range(20)]
    assert codes == ["2.04"] * 5 + ["5.03"] * 15  # half of the room, then no more
    assert bench.code(THERE, report(B, A, asked["msgId"])) == "2.04"
    assert bench.store.load(CONTROL, Address("UE", B))[0] == 1
    assert bench.code(HERE, msg(A, B)) == "2.04"  # and A may still send


def test_one_reporter_fills_its_own_share_only():
    bench = away(quota=30)
    codes = [bench.code(HERE, report(A, ue, new_id())) for ue in AWAY * 2]
    assert codes == ["2.04"] * 30 + ["5.03"] * 10
    assert bench.code(THERE, report(B, AWAY[0], new_id())) == "2.04"


def test_who_takes_no_responses_sends_no_more():
    bench = away(pending_each=10)
    codes = [bench.code(HERE, msg(A, "ue:nobody")) for _ in range(12)]
    assert codes == ["2.04"] * 10 + ["5.03"] * 2
    assert bench.code(THERE, msg(B, A)) == "2.04"


def test_duplicates_of_segments_make_no_queue_of_confirmations():
    bench = away(pending_each=10)
    first = msg(A, B)
    bench.ask(HERE, first)
    for number in range(50):
        params = {"segId": "%04x" % number, "totalSegCount": 2, "segNumb": 1}
        assert bench.code(HERE, {**first, "isSegmented": True, "segParams": params}) == "2.04"
    assert bench.store.pending(Address("UE", A), CONTROL) == 10


def test_a_set_of_tiny_segments_ends():
    bench = away()
    code, number = "2.04", 0
    msg_id = new_id()
    while code == "2.04":
        number += 1
        params = {"segId": "0011", "totalSegCount": 65535, "segNumb": number}
        code = bench.code(HERE, msg(A, B, "", msgId=msg_id, isSegmented=True, segParams=params))
    assert (code, number) == ("4.13", 1025)
    assert bench.store.load(SETS) == (0, 0)


def test_unfinished_sets_are_bounded_in_all_and_each_may_have_one():
    bench = away(sets_all=3, sets_each=2)

    def begin(peer, ue, number):
        params = {"segId": "%04x" % number, "totalSegCount": 2, "segNumb": 1}
        return bench.code(peer, msg(ue, A, isSegmented=True, segParams=params))

    assert [begin(HERE, A, number) for number in range(3)] == ["2.04", "2.04", "5.03"]
    assert [begin(THERE, B, number) for number in range(3, 5)] == ["2.04", "5.03"]


@pytest.mark.parametrize("until", [FAR, "9999-12-31T23:59:59-12:00", "2500-01-01T00:00:00Z"])
def test_nothing_is_kept_longer_than_keep(until):
    bench = away(keep=1000)
    assert bench.code(HERE, msg(A, AWAY[0], sfFlag=True, sfParam={"expireTime": until})) == "2.04"
    bench.server.application_servers.register({"asSvcId": AS, "targetUri": "http://127.0.0.1/"}, bench.now)
    body = as_message(AWAY[0], stoAndFwInd=True, stoAndFwParams={"exprTime": until})
    bench.server.application_servers.message(body, bench.now)
    assert bench.store.load(DATA)[0] == 2
    bench.work(999)
    assert bench.store.load(DATA)[0] == 2
    bench.work(2)
    assert bench.store.load(DATA)[0] == 0


def test_an_older_store_is_counted_and_capped(tmp_path):
    path = str(tmp_path / "g.db")
    store = Store(path)
    for _ in range(5):
        store.add(
            DATA, "MSG", Address("UE", B), Address("UE", A), {"msgId": new_id()}, ["xy"], "stored", 1e11
        )
    store.open_set(A, "0011", new_id(), {}, 1)
    for name in ("load_message_in", "load_message_out", "load_set_in", "load_set_out", "load_set_grows"):
        store._db.execute("DROP TRIGGER %s" % name)
    store._db.execute("DROP TABLE load")
    store.close()
    store = Store(path)
    assert store.load(DATA) == store.load(DATA, Address("UE", A)) == (5, 10)
    assert store.load(SETS, Address("UE", A)) == (1, 0)
    store.cap_expiry(1000)
    assert len(store.overdue(1001)) == 5
    store.close()


def test_the_counts_are_what_is_there():
    """Random messages, ends, splits and sets; in between the store is asked the slow way."""
    chance = random.Random(7)
    bench = away()
    for _ in range(300):
        peer, ue, other = chance.choice([(HERE, A, B), (THERE, B, A)])
        kind = chance.randrange(4)
        if kind == 0:
            bench.ask(peer, kept(chance.choice(AWAY), ue, payload="x" * chance.randrange(50)))
        elif kind == 1:
            params = {
                "segId": "%04x" % chance.randrange(4),
                "totalSegCount": 3,
                "segNumb": 1 + chance.randrange(3),
            }
            ids = "0e4a8ac6-54a9-4d2c-8a6c-%012d" % chance.randrange(4)
            bench.ask(peer, msg(ue, other, "abc", msgId=ids, isSegmented=True, segParams=params))
        elif kind == 2:
            bench.ask(peer, msg(ue, "ue:nobody"))
        for push in bench.work(chance.choice([0, 1, 400])):
            bench.outcome(push, chance.choice(["2.04", "4.00", "5.03"]))
        for lane in (CONTROL, DATA):
            for type_, id_ in (("UE", A), ("UE", B)):
                slow = bench.store._db.execute(
                    "SELECT count(*), coalesce(sum(octets), 0) FROM message"
                    " WHERE lane=? AND origin_type=? AND origin=?",
                    (lane, type_, id_),
                ).fetchone()
                assert bench.store.load(lane, (type_, id_)) == slow
        slow = bench.store._db.execute(
            "SELECT count(*), coalesce(sum(octets), 0) FROM segment_set"
        ).fetchone()
        assert bench.store.load(SETS) == slow


# ---- times of others ----------------------------------------------------------------------------------------------


def pauses(max_ages, **settings):
    """What the gateway waits after each of these answers of a recipient."""
    bench = Bench(**settings)
    bench.register(A, HERE)
    bench.register(B, THERE, regExpTime=3600)
    bench.ask(HERE, msg(A, B))
    waits = []
    for max_age in max_ages:
        (push,) = bench.work()
        bench.server.outcome(push, Outcome(LATER, "5.03", max_age), bench.now)
        (wait,) = (
            wait for (target, _), wait in bench.server._deliveries.turns._waits.items() if target.id == B
        )
        waits.append(wait.until - bench.now)
        bench.now = wait.until
    return waits


@pytest.mark.parametrize("max_age", [0, 0.0, 1, -5])
def test_no_patience_asked_for_is_the_back_off(max_age):
    waits = pauses([max_age] * 6, retry_min=5, retry_max=60)
    for wait, middle in zip(waits, [5, 10, 20, 40, 60, 60], strict=True):
        assert 5 <= wait and 0.75 * middle <= wait <= 1.25 * middle


def test_a_patience_that_is_enough_is_obeyed_and_not_lengthened():
    assert pauses([40, 40, 40, 40]) == [40] * 4
    assert pauses([2**32 - 1]) == [3600]
    assert pauses([float("inf")]) == [3600]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": " 120 "}, 120),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "9" * 400}, 999999999999),
        # RFC 9110 sections 5.6.7 and 10.2.3: the three forms of a date
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}, 37),
        ({"Retry-After": "Sunday, 06-Nov-94 08:49:37 GMT"}, 37),
        ({"Retry-After": "Sun Nov  6 08:49:37 1994"}, 37),
        ({"Retry-After": "Sun, 06 Nov 1994 08:40:00 GMT"}, 0),
        ({"Retry-After": "Sun, 06 Nov 9994 08:40:00 GMT", "Date": "Sun, 06 Nov 9994 08:39:00 GMT"}, 60),
        ({"Retry-After": "Sun, 36 Nov 1994 08:49:37 GMT"}, None),
    ],
)
def test_retry_after(headers, seconds):
    assert patience(headers, lambda: 784111740) == seconds


# ---- what is kept of whom -------------------------------------------------------------------------------------------


def register_as(bench, number, **members):
    body = {"asSvcId": "as:%d" % number, "targetUri": "http://127.0.0.1/"} | members
    return bench.server.application_servers.register(body, bench.now)


def test_application_servers_are_bounded_and_one_that_is_not_used_makes_room():
    bench = away(application_servers=3, keep=1000)
    for number in range(3):
        register_as(bench, number)
        bench.now += 1
    with pytest.raises(Refusal, match=r"as many Application Servers as may be \(3\) are") as caught:
        register_as(bench, 3)
    assert (caught.value.answer.code, caught.value.answer.max_age) == ("5.03", 60)
    register_as(bench, 1)  # again, in its own place
    bench.now += 900
    body = as_message(AWAY[0], oriAddr={"addrType": "AS", "addr": "as:0"}, stoAndFwInd=True)
    bench.server.application_servers.message(body, bench.now)
    bench.now += 200
    bench.register(A, HERE)
    assert bench.code(HERE, msg(A, "as:1", to_type="AS")) == "2.04"  # waits for it
    register_as(bench, 3)  # as:0 was used, something waits for as:1
    assert {one.id for one in bench.store.application_servers()} == {"as:0", "as:1", "as:3"}
    assert bench.events("as-deregistered")[-1]["as"] == "as:2"
    with pytest.raises(Refusal):
        register_as(bench, 4)


def test_the_profile_of_an_application_server_is_bounded():
    bench = away()
    with pytest.raises(Malformed, match="asProf"):
        register_as(bench, 1, asProf={"x": "y" * 4096})


def rows(bench, table="seen"):
    return bench.store._one("SELECT count(*) FROM %s" % table)


def test_what_is_remembered_of_a_removed_ue_goes_with_it():
    bench = away()
    before = rows(bench)
    for _ in range(5):
        bench.ask(HERE, msg(A, B))
        bench.ask(HERE, report(A, B, new_id()))
        params = {"segId": "%04x" % random.randrange(65536), "totalSegCount": 2, "lastSegFlag": True}
        whole = msg(A, B, isSegmented=True)
        for number in (1, 2):
            bench.ask(HERE, whole | {"segParams": {**params, "segNumb": number, "lastSegFlag": number == 2}})
    bench.ask(THERE, msg(B, A))
    assert rows(bench) >= before + 16
    bench.store.subscribe("weather", A, 1e12)
    bench.store.remove_device(A)
    assert rows(bench) == before + 1
    assert rows(bench, "subscription") == 0


def test_reports_are_remembered_for_each_reporter_not_for_each_pair():
    bench = away(remembered=10)
    for number in range(100):
        bench.ask(HERE, report(A, AWAY[number % 20], new_id()))
    assert rows(bench) == 10
    same = new_id()
    assert bench.code(HERE, report(A, B, same)) == bench.code(HERE, report(A, B, same)) == "2.04"
    assert bench.code(HERE, report(A, AWAY[0], same)) == "2.04"
    waiting = [bench.store.pending(Address("UE", ue), CONTROL) for ue in (B, AWAY[0])]
    assert waiting == [1, 6]


def test_a_start_forgets_whom_nobody_knows():
    bench = away()
    bench.ask(HERE, msg(A, B))
    kept_rows = rows(bench)
    for number in range(500):
        for key in (
            "UE ue:gone-%d",
            "AS as:gone-%d",
            "IMDN UE ue:gone-%d ue:b",
            "sent ue:gone-%d",
            "brought 9%d",
        ):
            bench.store.remember(key % number, new_id(), "", 10)
    bench.restart()
    assert rows(bench) == kept_rows


def test_in_open_mode_ues_that_are_forgotten_leave_nothing():
    bench = Bench(ues=100)
    for number in range(300):
        peer, ue = Peer("198.51.100.1", number + 1), "ue:%d" % number
        answer = bench.ask(peer, own("REG", ue))
        assert answer.body["result"] is True
        bench.ask(peer, msg(ue, "ue:nobody"))
        bench.ask(peer, own("DEREG", ue))
    assert rows(bench, "registration") <= 101
    assert rows(bench) <= 101


def test_who_is_refused_all_the_time_fills_no_log():
    bench = Bench(rate=100000)
    for _ in range(1000):
        assert bench.code(HERE, {"no": "message"}) == "4.00"
    assert bench.code(THERE, {"no": "message"}) == "4.00"
    told = bench.events("refused")
    assert len(told) == 101 and told[-1]["peer"] == str(THERE)
    assert bench.server.refused == 1001
    bench.now += 1
    for _ in range(10):
        bench.ask(HERE, {"no": "message"})
    assert len(bench.events("refused")) == 106


def test_one_device_is_not_limited_for_what_others_behind_its_address_send():
    bench = Bench(rate=5)
    bench.register(A, HERE)
    junk = [bench.code(Peer(HERE.host, 50000 + number), {"no": "message"}) for number in range(30)]
    assert junk.count("4.29") == 20 + 1  # A's registration was the first of that host
    assert [bench.code(HERE, msg(A, A)) for _ in range(11)] == ["2.04"] * 10 + ["4.29"]
    one, two = Speaker(*HERE), Speaker(*HERE)
    one.identity, two.identity = b"1", b"2"
    assert [bench.code(one, {"no": "message"}) for _ in range(11)] == ["4.00"] * 10 + ["4.29"]
    assert bench.code(two, {"no": "message"}) == "4.00"


def group_of(bench, *members):
    with bench.store.transaction():
        bench.store.add_group("g", "NORMAL", A, bench.now, {}, [Member(ue) for ue in members])


def to_group(**members):
    return msg(A, "g", to_type="GROUP", sfFlag=True, sfParam={"expireTime": FAR}, **members)


def test_each_copy_to_a_group_counts_for_the_share_of_its_originator():
    bench = away(quota=30, max_message=1000)
    group_of(bench, *AWAY[:20])
    assert bench.code(HERE, to_group()) == "2.04"
    answer = bench.ask(HERE, to_group())
    assert (answer.code, answer.max_age) == ("5.03", 10)  # all of it or nothing
    assert bench.store.load(DATA, Address("UE", A))[0] == 20
    assert bench.code(HERE, kept(AWAY[0])) == "2.04"


def test_what_can_never_be_copied_to_a_group_is_refused_for_good():
    bench = away(max_message=1000, quota_octets=4000)
    group_of(bench, *AWAY[:20])
    answer = bench.ask(HERE, to_group(payload="x" * 201))
    assert (answer.code, answer.size1) == ("4.13", 200)
    assert bench.code(HERE, to_group(payload="x" * 200)) == "2.04"


def test_a_group_of_any_size_gets_small_messages():
    bench = away(quota=5)
    group_of(bench, *AWAY[:20])
    assert bench.code(HERE, to_group()) == "2.04"
    assert bench.code(HERE, to_group()) == "5.03"


def test_one_in_segments_that_is_too_much_for_a_group_fails_with_words():
    bench = away(max_message=1000, quota_octets=4000)
    group_of(bench, *AWAY[:20])
    body = to_group()
    for number, text in ((1, "x" * 200), (2, "y" * 200)):
        params = {"segId": "0011", "totalSegCount": 2, "segNumb": number}
        assert bench.code(HERE, body | {"payload": text, "isSegmented": True, "segParams": params}) == "2.04"
    (told,) = [push.body for push in bench.work() if push.kind == "MSGRESP"]
    assert told["DelSta"] == "failure" and "at most 200 octets" in told["Cause"]
    assert bench.store.load(DATA, Address("UE", A))[0] == 0
