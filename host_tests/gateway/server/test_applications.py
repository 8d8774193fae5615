# SPDX-License-Identifier: MIT
"""Application Clients behind the gateway (MSGin5G-5): several at one address, several behind one UE, and what each of
them is told. Decisions with a clock that the test moves; the wire is played by the test."""

import json
import uuid

import pytest

from host_tests.gateway.rig import at_once
from host_tests.gateway.scripted import SERVICE, new_id
from host_tests.gateway.server.test_decisions import HERE, A, Bench, msg, own
from tools.gateway import applications
from tools.gateway.appjson import ApplicationJson
from tools.gateway.applications import Applications, Deliver, RefusedError, Reported, digest
from tools.server.delivery.pushes import DONE, LATER, REFUSED, Outcome
from tools.store.store import Store
from tools.wire import l3
from tools.wire.answers import Answer
from tools.wire.bodies import Address
from tools.wire.identity import Peer

LINE, OTHER_LINE = "l3:/dev/one", "l3:/dev/two"
ONE, TWO = "ue:one", "ue:two"
SECRET = b"secret"


class AppBench(Bench):
    """A is a UE of its own at HERE. `brought` is what came to each identifier; `verdicts` what it answers there."""

    def __init__(self, *provisioned, **settings):
        self.brought = []
        self.verdicts = {}
        super().__init__(**settings)
        for app_id, ue in provisioned:
            self.store.add_application(app_id, ue, digest(SECRET))
        self.register(A, HERE)

    def restart(self):
        super().restart()
        self.applications = Applications(self.store, self.settings, self.server.request, self._emit)
        self.json = ApplicationJson(self.applications, self.event, None)

    async def event(self, function, *arguments):
        return function(*arguments, self.now)

    def enter(self, app_id, identifier=LINE):
        """The Registration ID, or the cause of a refusal."""
        try:
            return self.applications.register(identifier, app_id, SECRET, self.now)
        except RefusedError as refused:
            return refused.cause

    def send(self, to, text, identifier=LINE, app_id=None, report=False, msg_id=None):
        target = Address("UE", to)
        self.applications.send(identifier, target, msg_id or new_id(), text, report, app_id, self.now)

    def run(self, later=0.0):
        """Brings what is due; what went to UEs that are no applications."""
        self.now += later
        others = []
        while pushes := self.server.work(self.now):
            for push in pushes:
                if applications.is_peer(push.where):
                    outcome = self._bring(push)
                else:
                    outcome = Outcome(DONE)
                    others.append(push.body)
                self.server.outcome(push, outcome, self.now)
        return others

    def _bring(self, push):
        what = self.applications.pushed(push.where, push.body, self.now)
        if not isinstance(what, Outcome):
            outcomes = []
            for application, item in what:
                outcomes.append(self.verdicts.get(application.identifier, Outcome(DONE)))
                if outcomes[-1].verdict == DONE:
                    self.brought.append((application.identifier, item))
                self.applications.brought(application, item, push.body, outcomes[-1], self.now)
            what = min(outcomes, key=lambda each: (LATER, DONE, REFUSED).index(each.verdict))
        self.applications.ended(push.where, push.body, what, self.now)
        return what

    def texts(self, identifier=LINE):
        return [item.value for at, item in self.brought if at == identifier and isinstance(item, Deliver)]


# ---- one address -----------------------------------------------------------------------------------------------------


def test_applications_of_two_ues_at_one_address():
    """A.2.2.17: a conflict of transport identifiers, as nothing on the line says which of them is meant. The first one
    goes on."""
    bench = AppBench((7, ONE), (8, TWO))
    assert len(bench.enter(7)) == 6
    assert bench.enter(8) == l3.IDENTIFIER_CONFLICT
    assert bench.enter(8, OTHER_LINE) != l3.IDENTIFIER_CONFLICT
    for ue in (ONE, TWO):
        bench.ask(HERE, msg(A, ue, "for " + ue))
    bench.run()
    assert (bench.texts(LINE), bench.texts(OTHER_LINE)) == (["for " + ONE], ["for " + TWO])
    bench.send(A, "from one")
    assert [body["oriAddr"]["addr"] for body in bench.run()] == [ONE]


def test_one_that_left_makes_way():
    bench = AppBench((7, ONE), (8, TWO))
    bench.applications.deregister(LINE, bench.enter(7), bench.now)
    assert bench.enter(8) != l3.IDENTIFIER_CONFLICT
    bench.ask(HERE, msg(A, ONE, "nobody"))
    assert bench.run()[0]["Cause"] == "the recipient is not registered"


def test_a_device_that_was_replaced_makes_way_when_nothing_was_heard_for_a_lifetime():
    bench = AppBench((7, ONE), (8, TWO), lifetime=3600)
    bench.enter(7)
    bench.now += 3000
    bench.send(A, "still here")
    bench.now += 3599
    assert bench.enter(8) == l3.IDENTIFIER_CONFLICT
    bench.now += 1
    assert bench.enter(8) != l3.IDENTIFIER_CONFLICT
    assert "transport identifier" in bench.events("application-deregistered")[0]["cause"]
    with pytest.raises(RefusedError):  # and what is said there is not taken for the first one's
        bench.applications.deregister(LINE, b"abcdef", bench.now)
    bench.register(A, HERE)
    bench.send(A, "from two")
    assert bench.run()[-1]["oriAddr"]["addr"] == TWO


def test_one_that_comes_from_another_address_is_told_of():
    bench = AppBench((7, ONE))
    bench.enter(7)
    bench.enter(7, OTHER_LINE)
    (event,) = bench.events("application-deregistered")
    assert (event["application"], event["ue"], event["cause"]) == (
        7,
        ONE,
        "it has registered at " + OTHER_LINE,
    )
    bench.enter(7, OTHER_LINE)
    assert len(bench.events("application-deregistered")) == 1


def test_nothing_is_kept_of_addresses_that_nobody_has_any_more():
    """A device behind a NAT comes from another port each time."""
    bench = AppBench((7, ONE))
    for port in range(100):
        registration = bench.enter(7, "coap:192.0.2.1:%d" % port)
    assert len(bench.applications._heard) == 1
    bench.applications.deregister("coap:192.0.2.1:99", registration, bench.now)
    assert len(bench.applications._heard) == 0


def test_applications_of_one_ue_at_one_address():
    bench = AppBench((7, ONE), (8, ONE))
    first, second = bench.enter(7), bench.enter(8)
    assert first != second
    bench.ask(HERE, msg(A, ONE, "once"))
    bench.run()
    assert bench.texts() == ["once"]  # L3 names no application: one copy
    bench.applications.deregister(LINE, first, bench.now)
    bench.ask(HERE, msg(A, ONE, "to the other"))
    bench.run()
    assert bench.texts() == ["once", "to the other"]
    bench.applications.deregister(LINE, second, bench.now)
    bench.ask(HERE, msg(A, ONE, "to nobody"))
    assert bench.run()[0]["Cause"] == "the recipient is not registered"


@pytest.mark.parametrize("sender", ["7", "8", None])
def test_reports_come_to_an_address_that_several_applications_have(sender):
    """Whichever of them sent the message: nothing on the line names an application."""
    bench = AppBench((7, ONE), (8, ONE))
    bench.enter(7)
    bench.enter(8)
    bench.send(A, "x", report=True, app_id=sender, msg_id=(first := new_id()))
    bench.send("ue:none", "y", report=True, app_id=sender, msg_id=(second := new_id()))
    bench.run()
    report = own("IMDN", A, destAddr={"destAddrType": "UE", "addr": ONE}, msgId=first, DelSta="success")
    assert bench.code(HERE, report) == "2.04"
    bench.run()
    assert bench.brought == [(LINE, Reported(second, False)), (LINE, Reported(first, True))]


@pytest.mark.parametrize("aggregated", [False, True])
def test_a_report_for_one_that_has_left_ends_here(aggregated):
    bench = two_at_two()
    bench.send(A, "x", LINE, report=True, app_id="7", msg_id=(left := new_id()))
    bench.send(A, "y", OTHER_LINE, report=True, msg_id=(there := new_id()))
    bench.run()
    bench.store.deregister_application(7)
    reports = [{"msgId": msg_id, "DelSta": "success"} for msg_id in (left, there)]
    imdn = own("IMDN", A, destAddr={"destAddrType": "UE", "addr": ONE})
    for body in [reports[0] | {"totalMsgCount": 2, "msgList": reports}] if aggregated else reports:
        assert bench.code(HERE, imdn | body) == "2.04"
    bench.run()
    assert bench.brought == [(OTHER_LINE, Reported(there, True))]
    assert bench.store.pending(("UE", ONE), 0) == 0 and bench.events("quarantined") == []


# ---- one UE: 6.4.1.1.6 b, 6.4.2.2.1 ----------------------------------------------------------------------------------


def two_at_two():
    bench = AppBench((7, ONE), ("thermostat", ONE))
    bench.enter(7)
    bench.enter("thermostat", OTHER_LINE)
    return bench


@pytest.mark.parametrize(
    "app_id, here, there",
    [
        ("7", 1, 0),
        ("07", 1, 0),
        ("thermostat", 0, 1),
        (["7", "thermostat"], 1, 1),
        (None, 1, 1),
        ("unknown", 1, 1),
    ],
)
def test_the_application_id_says_who(app_id, here, there):
    bench = two_at_two()
    assert bench.code(HERE, msg(A, ONE, "x", appId=app_id)) == "2.04"
    bench.run()
    assert (len(bench.texts(LINE)), len(bench.texts(OTHER_LINE))) == (here, there)


def test_each_gets_it_once_though_one_has_to_wait():
    bench = two_at_two()
    bench.verdicts[OTHER_LINE] = Outcome(LATER, "no answer", answered=False)
    bench.ask(HERE, msg(A, ONE, "x"))
    for _ in range(3):
        bench.run(400)
    assert (bench.texts(LINE), bench.texts(OTHER_LINE)) == (["x"], [])
    bench.restart()
    bench.verdicts.clear()
    bench.run(400)
    assert (bench.texts(LINE), bench.texts(OTHER_LINE)) == (["x"], ["x"])
    assert len(bench.events("delivered")) == 1


def test_one_that_refuses_keeps_it_from_no_other():
    bench = two_at_two()
    bench.verdicts[LINE] = Outcome(REFUSED, "cause 0x6f")
    bench.ask(HERE, msg(A, ONE, "x"))
    assert bench.run() == []
    assert bench.texts(OTHER_LINE) == ["x"]
    bench.verdicts[OTHER_LINE] = Outcome(REFUSED, "cause 0x6f")
    bench.ask(HERE, msg(A, ONE, "y"))
    assert bench.run()[0]["Cause"] == "cause 0x6f"


def test_one_that_is_not_there_blocks_no_other():
    bench = two_at_two()
    bench.store.deregister_application(7)
    bench.ask(HERE, msg(A, ONE, "x", appId="7"))
    bench.ask(HERE, msg(A, ONE, "y", appId="thermostat"))
    (response,) = bench.run()
    assert (response["DelSta"], response["Cause"]) == ("failure", "4.04 the application is not registered")
    assert bench.texts(OTHER_LINE) == ["y"]


def test_what_became_of_a_message_is_told_to_who_sent_it():
    bench = two_at_two()
    bench.send(A, "x", OTHER_LINE, report=True, msg_id=(msg_id := new_id()))
    bench.send("ue:none", "y", LINE, report=True, msg_id=(failed := new_id()))
    bench.send("ue:none", "z", LINE)
    bench.restart()  # nothing of it is in the heap only
    bench.run()
    report = own(
        "IMDN", A, destAddr={"destAddrType": "UE", "addr": ONE}, msgId=msg_id.upper(), DelSta="success"
    )
    bench.ask(HERE, report)
    bench.run()
    told = [(at, item) for at, item in bench.brought if isinstance(item, Reported)]
    assert told == [(LINE, Reported(failed, False)), (OTHER_LINE, Reported(msg_id.upper(), True))]


def test_two_applications_may_choose_one_message_id():
    bench = AppBench((7, ONE), (8, TWO))
    bench.enter(7)
    bench.enter(8, OTHER_LINE)
    same = new_id()
    bench.send("ue:none", "y", LINE, report=True, msg_id=same)
    bench.send("ue:none", "y", OTHER_LINE, report=False, msg_id=same)
    bench.run()
    assert [at for at, _ in bench.brought] == [LINE]


def test_two_originators_may_choose_one_message_id():
    """MSGin5G-5 reports by Message ID alone: the second one gets another there, and its own in its report."""
    bench = AppBench((7, ONE))
    bench.enter(7)
    bench.register("ue:c", Peer("192.0.2.3", 1))
    same = new_id()
    bench.ask(HERE, msg(A, ONE, "a", msgId=same, isDelivStatReq=True))
    bench.ask(Peer("192.0.2.3", 1), msg("ue:c", ONE, "c", msgId=same.upper(), isDelivStatReq=True))
    bench.run()
    first, second = (item.msg_id for _, item in bench.brought)
    assert first == same and uuid.UUID(second) != uuid.UUID(same)
    bench.applications.report(LINE, second, False, bench.now)
    bench.applications.report(LINE, first, True, bench.now)
    got = {body["destAddr"]["addr"]: (body["msgId"], body["DelSta"]) for body in bench.run()}
    assert got == {A: (same, "success"), "ue:c": (same.upper(), "failure")}


@pytest.mark.parametrize("taken", [1, 2, 3])
def test_a_gateway_that_restarts_in_the_middle_of_a_segmented_message(taken):
    """What it had taken of it is asked for again: 6.5.1.2.1."""
    bench = AppBench((7, ONE))
    bench.enter(7)
    text = "".join("%05d " % number for number in range(1000))  # three segments
    # too long for one MSG of a UE: an Application Server's
    bench.store.register_as("as:x", "r", "http://127.0.0.1:1/", {})
    bench.server.application_servers.message(
        {
            "oriAddr": {"addrType": "AS", "addr": "as:x"},
            "destAddr": {"addrType": "UE", "addr": ONE},
            "msgId": new_id(),
            "stoAndFwInd": False,
            "payload": text,
        },
        bench.now,
    )
    bench.verdicts[LINE] = Outcome(LATER, "no answer", answered=False)
    for _ in range(taken):
        for push in bench.server.work(bench.now):
            if applications.is_peer(push.where):
                bench.server.outcome(push, bench._bring(push), bench.now)
            else:
                bench.server.outcome(push, Outcome(DONE), bench.now)
    bench.restart()
    bench.verdicts.clear()
    for _ in range(10):
        bench.run(10)
    assert bench.texts() == [text]
    assert bench.events("delivered")[-1].get("confirmed") is True


def test_a_store_of_an_earlier_program(tmp_path):
    path = str(tmp_path / "g.db")
    store = Store(path)
    store._db.execute(
        "INSERT INTO application VALUES (7, ?, ?, ?, ?)", (ONE, digest(SECRET), LINE, b"abcdef")
    )
    store.close()
    for _ in range(2):
        store = Store(path)
        (application,) = store.applications()
        assert (application.app_id, application.ue, application.identifier) == (7, ONE, LINE)
        assert store.application_ue(7) == ONE  # as its registration with the server says
        store.remove_application(7) if _ else None
        store.close()
    store = Store(path)
    assert store.applications() == []
    store.close()


# ---- A.3 -------------------------------------------------------------------------------------------------------------


def a3(bench, body, peer=HERE):
    octets = json.dumps(body).encode()
    assert applications.is_json_of_application(octets)
    return at_once(bench.json.answer(peer, octets))


REG = {"msgIden": SERVICE, "msgType": "REG", "appId": "7", "credential": SECRET.hex()}


@pytest.mark.parametrize(
    "change",
    [{}, {"appId": 7}, {"appId": "thermostat"}, {"appId": None, "appID": "7"}, {"msgType": "reg"}],
)
def test_registering(change):
    bench = AppBench((7, ONE), ("thermostat", TWO))
    body = {name: value for name, value in (REG | change).items() if value is not None}
    answer = a3(bench, body)
    assert (answer.code, answer.body["result"]) == ("2.04", True)
    for name in ("registrationID", "RegistrationID", "registration ID "):
        out = {"msgIden": SERVICE, "msgType": "DEREG", name: answer.body["registration ID"]}
        assert a3(bench, out).body["result"] is True
        answer = a3(bench, body)


@pytest.mark.parametrize("app_id", [None, "", True, [], {}, "x" * 256, 1.5])
def test_no_application_id(app_id):
    answer = a3(AppBench((7, ONE)), REG | {"appId": app_id})
    assert (answer.code, answer.diagnostic[:5]) == ("4.00", "appId")


@pytest.mark.parametrize("app_id", ["8", "65536", "seven", -1])
def test_an_application_id_of_nobody(app_id):
    answer = a3(AppBench((7, ONE)), REG | {"appId": app_id})
    assert (answer.code, answer.body["result"]) == ("2.04", False)


@pytest.mark.parametrize(
    "head",
    [{}, {"msgType": None}, {"msgType": "MESSAGE SENDING REQUEST"}, {"msgType": "MESSAGE SENDING REQEUST "}],
)
@pytest.mark.parametrize("app_id", [None, "7", 7, ["7", "8"], "seven"])
def test_sending(head, app_id):
    """A.3.2.1 requires `msgId`, `destAddr` and `payload` only."""
    bench = AppBench((7, ONE))
    a3(bench, REG)
    body = head | {"msgId": new_id(), "destAddr": {"destAddrType": "UE", "addr": A}, "payload": "21.5"}
    body |= {} if app_id is None else {"appId": app_id}
    assert a3(bench, body) == Answer("2.05", {"msgType": "MESSAGE SENDING RESPONSE", "result": "SUCCESS"})
    got = next(each for each in bench.run() if each["msgType"] == "MSG")
    assert (got["oriAddr"]["addr"], got["payload"]) == (ONE, "21.5")
    assert got.get("appId") == (str(app_id) if app_id == 7 else app_id)


def test_an_aggregated_report_comes_to_the_application_singly():
    """MSGin5G-5 has no aggregated reports; the server passes them on whole (TS 24.538 clause 6.4.1.2.9)."""
    bench = AppBench((7, ONE))
    bench.enter(7)
    listed = [
        {"msgId": new_id(), "DelSta": "success"},
        {"msgId": new_id(), "DelSta": "failure", "Cause": "x"},
    ]
    to = {"destAddr": {"destAddrType": "UE", "addr": ONE}, "msgId": listed[0]["msgId"]}
    assert bench.code(HERE, own("IMDN", A, **to, totalMsgCount=2, msgList=listed)) == "2.04"
    bench.run()
    told = [item for _, item in bench.brought]
    assert told == [Reported(listed[0]["msgId"], True), Reported(listed[1]["msgId"], False)]


@pytest.mark.parametrize("names", [("msgId",), ("msgId", "reply2msgId")])
def test_reporting(names):
    """A.3.2.2 does not require `reply2msgId`."""
    bench = AppBench((7, ONE))
    a3(bench, REG)
    bench.ask(HERE, sent := msg(A, ONE, "x", isDelivStatReq=True))
    bench.run()
    body = {"msgType": "DELIVERY REPORT SENDING REQEUST", "msgId": new_id(), "deliveryStatus": "SUCCESS"}
    body[names[-1]] = sent["msgId"]
    assert a3(bench, body).code == "2.04"
    (report,) = bench.run()
    assert (report["msgType"], report["msgId"], report["DelSta"]) == ("IMDN", sent["msgId"], "success")


def test_what_is_not_of_an_application():
    for body in (own("REG", A), own("DEREG", A), msg(A, ONE), {}, {"msgType": 5}, {"payload": "x"}):
        assert not applications.is_json_of_application(json.dumps(body).encode())
