# SPDX-License-Identifier: MIT
"""UEs that are not served here: decisions about what is for them and from them, with a clock that the test moves."""

import pytest

from host_tests.gateway.scripted import new_id
from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, msg, own
from tools.server.callers import Caller
from tools.server.delivery.pushes import Outcome
from tools.server.elsewhere import home_domain
from tools.store.server.grouptables import Member
from tools.store.server.peertables import PeerServer
from tools.wire.answers import Refusal
from tools.wire.bodies import Address

PHONE, OTHER, METER = "ue:phone@sms.example.org", "ue:other@sms.example.org", "ue:meter@lwm2m.example.org"
SMS, LWM2M = "mgw:sms@example.org", "mgw:lwm2m@example.org"
AS = "as:weather@example.org"
OF_SMS, OF_LWM2M = Caller(through=Address("L3G", SMS)), Caller(through=Address("N3G", LWM2M))


@pytest.fixture
def bench():
    made = Bench()
    with made.store.transaction():
        made.store.add_message_gateway("L3G", SMS, "http://sms.example:81/api/", [PHONE, "@sms.example.org"])
        made.store.add_message_gateway("N3G", LWM2M, "http://lwm2m.example", ["@lwm2m.example.org"])
    made.register(A, HERE)
    return made


def send(bench, to=PHONE, payload="hi", **members):
    """A message of A; its msgId."""
    body = msg(A, to, payload, **members)
    assert bench.code(HERE, body) == "2.04"
    return body["msgId"]


def over(bench, push, verdict="done", detail="204 No Content", **more):
    bench.server.outcome(push, Outcome(verdict, detail, **more), bench.now)


def from_ue(ue, to, payload="hi", to_type="UE", **members):
    body = {
        "oriAddr": {"addrType": "UE", "addr": ue},
        "destAddr": {"addrType": to_type, "addr": to},
        "msgId": new_id(),
        "stoAndFwInd": False,
        "payload": payload,
    }
    return body | members


def report(ue, to, msg_id, status="REPT_DELY_SUCCESS", to_type="UE"):
    return {
        "oriAddr": {"addrType": "UE", "addr": ue},
        "destAddr": {"addrType": to_type, "addr": to},
        "msgId": msg_id,
        "delivSt": status,
    }


def post(bench, body, caller):
    return bench.server.application_servers.message(body, bench.now, caller, "UE")


@pytest.mark.parametrize(
    ("service_id", "domain"),
    [
        ("ue:phone@SMS.Example.org", "sms.example.org"),
        ("sip:phone@example.org;transport=udp", "example.org"),
        ("sip:phone@example.org:5060", "example.org"),
        ("https://phone.example.org/inbox?a@b", "phone.example.org"),
        ("coap://u@example.org:5683/x", "example.org"),
        ("ue:a@b@example.org.", "example.org"),
        ("tel:+123", ""),
        ("@", ""),
    ],
)
def test_the_home_domain_of_a_service_id(service_id, domain):
    assert home_domain(service_id) == domain


def test_a_message_goes_to_the_gateway_of_its_recipient_by_itself_or_by_domain(bench):
    for ue, uri in (
        (PHONE, "http://sms.example:81/api/msgg-l3gdelivery/v1/deliver-message"),
        (OTHER, "http://sms.example:81/api/msgg-l3gdelivery/v1/deliver-message"),
        (METER, "http://lwm2m.example/msgg-n3gdelivery/v1/deliver-message"),
    ):
        msg_id = send(bench, ue, appId="app", isDelivStatReq=True, priority="HIGH")
        push = bench.one()
        assert push.where == uri
        assert push.body == {
            "oriAddr": {"addrType": "UE", "addr": A},
            "destAddr": {"addrType": "UE", "addr": ue},
            "msgId": msg_id,
            "appId": "app",
            "delivStReqInd": True,
            "payload": "hi",
        }
        over(bench, push)
    assert bench.work() == []
    assert len(bench.events("delivered")) == 3


def test_whom_nobody_knows_stays_unknown(bench):
    send(bench, "ue:nobody@example.org")
    assert bench.take()["Cause"] == "unknown recipient"


def test_one_at_a_time_to_each_and_in_order(bench):
    first, second, third = send(bench, payload="1"), send(bench, payload="2"), send(bench, OTHER)
    pushes = bench.work()
    assert sorted(push.body["msgId"] for push in pushes) == sorted([first, third])
    assert bench.work() == []
    for push in pushes:
        over(bench, push)
    assert bench.one().body["msgId"] == second


def test_what_was_not_taken_is_tried_again_later_also_after_a_restart(bench):
    msg_id = send(bench)
    over(bench, bench.one(), "later", "503 Service Unavailable")
    assert bench.work() == []
    assert bench.one(later=bench.settings.retry_min * 1.25).body["msgId"] == msg_id
    bench.restart()  # its outcome is not known
    assert bench.one().body["msgId"] == msg_id


def test_while_the_gateway_is_silent_one_request_now_and_then_is_for_all_behind_it(bench):
    for ue in (PHONE, OTHER, METER):
        send(bench, ue)
    for push in bench.work():
        if push.body["destAddr"]["addr"] == METER:
            over(bench, push)
        else:
            over(bench, push, "later", "refused", answered=False)
    out = bench.one(later=bench.settings.retry_min * 1.25).target.id
    # A sign of life of the gateway is one for all.
    post(bench, from_ue(PHONE, A), OF_SMS)
    assert {push.target.id for push in bench.work()} == {A, PHONE, OTHER} - {out}


def test_a_refusal_is_the_end_and_its_words_reach_the_originator(bench):
    msg_id = send(bench)
    over(bench, bench.one(), "refused", "404 Not Found: no such subscriber")
    body = bench.take()
    assert (body["msgType"], body["msgId"], body["DelSta"]) == ("MSGRESP", msg_id, "failure")
    assert body["Cause"] == "404 Not Found: no such subscriber"


def test_a_message_ends_by_its_own_expiry(bench):
    send(bench, sfFlag=True, sfParam={"expireTime": "1970-01-12T13:48:20Z"})  # 1,000,100 s
    over(bench, bench.one(), "later", "503")
    bench.now = 1_000_101.0
    assert bench.take()["Cause"] == "message expired"


def test_an_aggregate_goes_as_singles(bench):
    items = [{"msgId": new_id(), "payload": text} for text in ("1", "2")]
    send(bench, payload=None, appId="app", totalMsgCount=2, msgList=items)
    for item in items:
        push = bench.one()
        assert (push.body["msgId"], push.body["payload"], push.body["appId"]) == (
            item["msgId"],
            item["payload"],
            "app",
        )
        over(bench, push)


def test_no_more_wait_for_one_than_may(bench):
    bench = Bench(pending_each=2)
    bench.register(A, HERE)
    with bench.store.transaction():
        bench.store.add_message_gateway("L3G", SMS, "http://sms.example", [PHONE])
    for _ in range(2):
        send(bench)
    assert bench.code(HERE, msg(A, PHONE)) == "5.03"


@pytest.mark.parametrize("octets", [False, True])
def test_a_gateway_with_a_whole_domain_has_a_quarter_of_the_room(octets):
    """Else it fills it under the names of UEs that it makes up (those that were added by themselves are counted)."""
    bench = Bench(pending_octets=400) if octets else Bench(pending_all=40)
    bench.register(A, HERE)
    with bench.store.transaction():
        bench.store.add_message_gateway("L3G", SMS, "http://sms.example", ["@sms.example.org"])
    for number in range(10):
        post(bench, from_ue("ue:%d@sms.example.org" % number, A, "x" * 10), OF_SMS)
    with pytest.raises(Refusal) as refused:
        post(bench, from_ue("ue:10@sms.example.org", A), OF_SMS)
    assert refused.value.answer.code == "5.03"
    bench.register(B, THERE)
    assert bench.code(THERE, msg(B, A)) == "2.04"


def test_its_gateway_is_removed_while_something_waits(bench):
    msg_id = send(bench)
    over(bench, bench.one(), "later", "503")
    with bench.store.transaction():
        assert bench.store.remove_message_gateway("L3G", SMS)
    bench.now += bench.settings.retry_max
    body = bench.take()
    assert (body["msgId"], body["Cause"]) == (msg_id, "unknown recipient")


# ---- from such a UE


def test_a_message_of_such_a_ue_reaches_a_ue_and_its_report_goes_back(bench):
    body = from_ue(PHONE, A, delivStReqInd=True, appId="app")
    assert post(bench, body, OF_SMS) == {"oriAddr": body["oriAddr"], "msgId": body["msgId"]}
    got = bench.take()
    assert (got["msgType"], got["oriAddr"]) == ("MSG", {"oriAddrType": "UE", "addr": PHONE})
    assert (got["msgId"], got["payload"], got["isDelivStatReq"]) == (body["msgId"], "hi", True)
    imdn = {
        "msgIden": got["msgIden"],
        "msgType": "IMDN",
        "oriAddr": {"oriAddrType": "UE", "addr": A},
        "destAddr": {"destAddrType": "UE", "addr": PHONE},
        "msgId": body["msgId"],
        "DelSta": "success",
    }
    for _ in range(2):  # a report is repeated, and passed on once
        assert bench.code(HERE, imdn) == "2.04"
    push = bench.one()
    assert push.where == "http://sms.example:81/api/msgg-l3gdelivery/v1/deliver-report"
    assert push.body == report(A, PHONE, body["msgId"])
    over(bench, push)
    assert bench.work() == []


def test_sent_twice_it_is_one_message(bench):
    body = from_ue(PHONE, A)
    for _ in range(2):
        assert "status" not in post(bench, body, OF_SMS)
    bench.take()
    assert bench.work() == []


def test_what_cannot_be_is_said_in_the_answer_and_not_once_more(bench):
    ack = post(bench, from_ue(PHONE, "ue:nobody"), OF_SMS)
    assert (ack["status"], ack["failureCause"]) == ("DELY_FAILED", "unknown recipient")
    assert bench.work() == []


def test_stored_is_said_in_the_answer(bench):
    bench.register(B, THERE)
    assert bench.code(THERE, own("DEREG", B)) == "2.04"
    assert post(bench, from_ue(PHONE, B, stoAndFwInd=True), OF_SMS)["status"] == "DELY_STORED"
    assert bench.work() == []


def test_a_failure_later_on_goes_back_as_a_report(bench):
    body = from_ue(PHONE, A)
    post(bench, body, OF_SMS)
    bench.outcome(bench.one(), "4.04", "no such application")
    push = bench.one()
    assert push.where.endswith("/msgg-l3gdelivery/v1/deliver-report")
    wanted = report(A, PHONE, body["msgId"], "REPT_DELY_FAILED")
    assert push.body == wanted | {"failureCause": "4.04 no such application"}


def test_from_one_gateway_to_another(bench):
    body = from_ue(PHONE, METER)
    post(bench, body, OF_SMS)
    push = bench.one()
    assert push.where == "http://lwm2m.example/msgg-n3gdelivery/v1/deliver-message"
    over(bench, push, "refused", "404 Not Found")
    back = bench.one()
    assert (back.where, back.body["delivSt"]) == (
        "http://sms.example:81/api/msgg-l3gdelivery/v1/deliver-report",
        "REPT_DELY_FAILED",
    )


def test_reports_of_such_a_ue_reach_ues_and_application_servers(bench):
    servers = bench.server.application_servers
    servers.register({"asSvcId": AS, "targetUri": "http://as.example"}, bench.now)
    msg_id = send(bench, isDelivStatReq=True)
    over(bench, bench.one())
    ack = servers.report(report(PHONE, A, msg_id), bench.now, OF_SMS)
    assert ack == {"oriAddr": {"addrType": "UE", "addr": PHONE}, "msgId": msg_id}
    body = bench.take()
    assert (body["msgType"], body["msgId"], body["DelSta"]) == ("IMDN", msg_id, "success")
    servers.report(report(PHONE, AS, msg_id, to_type="AS"), bench.now, OF_SMS)
    push = bench.one()
    assert (push.where, push.body["delivSt"]) == ("http://as.example", "REPT_DELY_SUCCESS")


@pytest.mark.parametrize(
    ("caller", "ue"),
    [
        (Caller(), PHONE),
        (Caller(id=AS), PHONE),
        (OF_LWM2M, PHONE),
        (OF_SMS, METER),
        (OF_SMS, A),
        (OF_SMS, "ue:x@y"),
        (Caller(through=Address("N3G", SMS)), PHONE),
    ],
)
def test_nobody_speaks_for_a_ue_that_is_not_behind_it(bench, caller, ue):
    for ask in (lambda: post(bench, from_ue(ue, A), caller),) + (
        lambda: bench.server.application_servers.report(report(ue, A, new_id()), bench.now, caller),
    ):
        with pytest.raises(Refusal) as refused:
            ask()
        assert refused.value.answer.code == "4.03"
    assert bench.work() == []


def test_a_gateway_is_no_application_server(bench):
    servers = bench.server.application_servers
    servers.register({"asSvcId": AS, "targetUri": "http://as.example"}, bench.now)
    body = from_ue(AS, A) | {"oriAddr": {"addrType": "AS", "addr": AS}}
    for ask in (servers.register, servers.message):
        with pytest.raises(Refusal) as refused:
            ask({"asSvcId": AS} if ask == servers.register else body, bench.now, OF_SMS)
        assert refused.value.answer.code == "4.03"


@pytest.mark.parametrize("ue", [PHONE, OTHER])
def test_on_an_open_server_nobody_registers_as_a_ue_behind_a_gateway(bench, ue):
    body = bench.ask(THERE, own("REG", ue)).body
    assert (body["result"], body["cause"]) == (False, "a UE behind a message gateway")


def test_what_waits_in_lists_for_a_ue_that_moved_behind_a_message_gateway_goes_singly(bench):
    """TS 29.538 has no aggregated messages and reports."""
    moved = "ue:moved@example.net"
    bench.register(moved, THERE)
    elements = [{"msgId": new_id(), "payload": text} for text in "12"]
    body = msg(A, moved, None, totalMsgCount=2, msgList=elements)
    del body["payload"]
    bench.ask(HERE, body)
    bench.outcome(bench.one(), None)
    said = [{"msgId": new_id(), "DelSta": status} for status in ("success", "failure")]
    to = {"destAddr": {"destAddrType": "UE", "addr": moved}, "msgId": said[0]["msgId"]}
    bench.ask(HERE, own("IMDN", A, **to, totalMsgCount=2, msgList=said))
    bench.store.remove_device(moved)
    bench.store.add_message_gateway("L3G", "mgw:new@example.net", "http://new.example", [moved])
    bench.now += 400
    told = []
    while pushes := bench.work():
        for push in pushes:
            told.append((push.kind, push.body["msgId"], push.body.get("payload", push.body.get("delivSt"))))
            over(bench, push)
    reports = zip(said, ("REPT_DELY_SUCCESS", "REPT_DELY_FAILED"), strict=True)
    assert told == [("IMDN", each["msgId"], status) for each, status in reports] + [
        ("MSG", each["msgId"], each["payload"]) for each in elements
    ]
    assert not bench.events("quarantined")


# ---- from another server


@pytest.mark.parametrize(("member", "status"), [(False, "DELY_FAILED"), (True, None)])
def test_an_application_server_of_another_server_sends_to_groups_that_it_is_a_member_of(
    bench, member, status
):
    """One that is registered here may send to all."""
    stranger = "as:x@b.example"
    with bench.store.transaction():
        bench.store.set_peer(PeerServer("b.example", "http://b.example", None, "", "no"))
        members = [Member(A), *([Member(stranger)] if member else [])]
        bench.store.add_group("group:1", "NORMAL", None, bench.now, {}, members)
    body = from_ue(stranger, "group:1", to_type="GROUP") | {"oriAddr": {"addrType": "AS", "addr": stranger}}
    caller = Caller(through=Address("SERVER", "b.example"))
    ack = bench.server.application_servers.message(body, bench.now, caller)
    assert ack.get("status") == status
    assert ("not a member" in ack.get("failureCause", "")) is not member
    assert len(bench.work()) == member
