# SPDX-License-Identifier: MIT
"""The shares of `test_quotas`, of what comes in a list: an aggregated message or report is one request, and may be many
messages. And what peers say of a failure, which is to fit a datagram."""

import json

from host_tests.gateway.scripted import new_id
from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, msg
from host_tests.gateway.server.test_quotas import AS, AWAY, away, group_of, kept, report, to_group
from tools.server.delivery.pushes import REFUSED, Outcome
from tools.store.tables import CONTROL, DATA
from tools.wire.bodies import Address


def of_many(count, **members):
    """An aggregated message."""
    body = kept(AWAY[0], **members) | {"totalMsgCount": count}
    del body["payload"]
    return body | {"msgList": [{"msgId": new_id(), "payload": "x"} for _ in range(count)]}


def test_an_aggregate_that_is_refused_is_not_known_when_it_comes_again():
    """Else its elements would be taken for duplicates: acknowledged, and lost."""
    bench = away(quota=30, max_message=1000)
    group_of(bench, *AWAY[:20])
    assert bench.code(HERE, to_group()) == "2.04"
    body = of_many(2, destAddr={"destAddrType": "GROUP", "addr": "g"})
    answer = bench.ask(HERE, body)
    assert (answer.code, answer.max_age) == ("5.03", 10)
    for push in bench.work():
        bench.outcome(push)
    bench.store.shift_times(-2 * bench.settings.keep)  # what filled the share is over
    bench.work()
    bench.register(A, HERE)
    assert bench.code(HERE, body) == "2.04"
    assert bench.store.load(DATA, Address("UE", A))[0] == 20
    assert bench.code(HERE, body) == "2.04"  # now it is known
    assert bench.store.load(DATA, Address("UE", A))[0] == 20


def test_each_element_of_an_aggregate_counts_for_the_share_of_its_originator():
    bench = away(quota=100)
    bench.server.application_servers.register({"asSvcId": AS, "targetUri": "http://127.0.0.1/"}, bench.now)
    to_as = {"destAddr": {"destAddrType": "AS", "addr": AS}}
    assert bench.code(HERE, of_many(60, **to_as)) == "2.04"
    answer = bench.ask(HERE, of_many(60, **to_as))
    assert (answer.code, answer.max_age) == ("5.03", 10)
    assert bench.store.load(DATA, Address("UE", A))[0] == 60
    assert bench.code(HERE, of_many(40, **to_as)) == "2.04"
    assert bench.code(THERE, kept(AWAY[0], B)) == "2.04"


def test_an_aggregate_takes_no_more_room_at_its_recipient_than_its_elements_may():
    bench = away(pending_each=100)
    bench.server.application_servers.register({"asSvcId": AS, "targetUri": "http://127.0.0.1/"}, bench.now)
    to_as = {"destAddr": {"destAddrType": "AS", "addr": AS}}
    assert [bench.code(HERE, of_many(60, **to_as)) for _ in range(2)] == ["2.04", "5.03"]
    assert bench.store.pending(Address("AS", AS)) == 60


def test_forged_reports_in_a_list_leave_the_room_that_forged_reports_leave():
    """One request must not keep its victim from sending."""
    bench = away(pending_each=100)

    def listed(count):
        said = [{"msgId": new_id(), "DelSta": "success"} for _ in range(count)]
        return report(B, A, new_id()) | {"totalMsgCount": count, "msgList": said}

    codes = [bench.code(THERE, listed(40)) for _ in range(3)]
    bench.work()
    assert bench.store.pending(Address("UE", A), CONTROL) <= 50
    assert codes[-1] == "2.04"  # whole ones are one each

    bench = away(pending_each=100)
    known = {"msgId": new_id(), "DelSta": "success"}
    assert bench.code(THERE, report(B, A, known["msgId"])) == "2.04"

    def singly(count):  # with a repeat in it, each goes by itself
        body = listed(count)
        return body | {"totalMsgCount": count + 1, "msgList": [known, *body["msgList"]]}

    assert [bench.code(THERE, singly(40)) for _ in range(3)] == ["2.04", "5.03", "5.03"]
    assert bench.store.pending(Address("UE", A), CONTROL) <= 50
    assert bench.code(HERE, msg(A, B)) == "2.04"


# ---- what peers say of a failure -------------------------------------------------------------------------------------


def test_a_long_cause_fits_the_datagram_of_who_is_told():
    """Else the report or response never arrives, and those behind it wait."""
    for character in ("c", '"', "\u20ac"):
        bench = away()
        cause = character * (1024 // len(character.encode()))
        assert bench.code(THERE, report(B, A, new_id()) | {"DelSta": "failure", "Cause": cause}) == "2.04"
        got = bench.one().body
        assert len(json.dumps(got, ensure_ascii=False, separators=(",", ":")).encode()) <= bench.settings.room
        assert cause.startswith(got["Cause"]) and len(got["Cause"]) > 200


def test_so_does_what_an_application_server_says():
    bench = away()
    bench.server.application_servers.register({"asSvcId": AS, "targetUri": "http://127.0.0.1/"}, bench.now)
    assert bench.code(HERE, msg(A, AS, to_type="AS")) == "2.04"
    bench.server.outcome(bench.one(), Outcome(REFUSED, "400 " + "no " * 1000), bench.now)
    got = bench.one().body
    assert (got["msgType"], got["DelSta"]) == ("MSGRESP", "failure")
    assert len(json.dumps(got, separators=(",", ":"))) <= bench.settings.room
    assert got["Cause"].startswith("400 no no") and len(got["Cause"]) > 500


def test_causes_in_an_aggregated_report_that_goes_singly_fit_too():
    bench = away()
    said = [{"msgId": new_id(), "DelSta": "failure", "Cause": "c" * 1024} for _ in range(2)]
    assert bench.code(THERE, report(B, A, new_id()) | {"totalMsgCount": 2, "msgList": said}) == "2.04"
    for each in said:
        got = bench.take()
        assert got["msgId"] == each["msgId"] and got["Cause"].startswith("c" * 500)
        assert len(json.dumps(got, separators=(",", ":"))) <= bench.settings.room
