# SPDX-License-Identifier: MIT
"""UE reachability monitoring at the server (TS 23.554 clause 8.9.2, TS 29.122 clause 5.3). The time is the test's."""

import pytest

from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, msg, own
from tools.server.callers import Caller
from tools.server.delivery.pushes import BROKEN, DONE, LATER, REFUSED, Outcome
from tools.wire.bodies import Malformed
from tools.wire.identity import Peer

UE_ID = "device-7@example.org"
INFO = {"ueId": UE_ID, "cliPort": "4711"}
NEF, US = "http://192.0.2.50:8080", "http://192.0.2.100:8065"
AT = NEF + "/3gpp-monitoring-event/v1/msgin5g/subscriptions/77"
REPORT = {"monitoringType": "UE_REACHABILITY", "reachabilityType": "DATA", "externalId": UE_ID}


def scene(info=INFO, **settings):
    """A Bench where B is registered and does not answer; a message for it, which may not be stored, waits."""
    bench = Bench(**({"exposure": NEF, "retry_min": 1000, "retry_max": 1000} | settings))
    bench.server.exposure.listens_at(US)
    bench.register(A, HERE)
    bench.register(B, THERE, cliProfile={"triInfo": info})
    bench.code(HERE, msg(A, B, "one"))
    bench.outcome(bench.one(), None)
    return bench


def asked(bench, later=0.0):
    """The one request to the network that is due."""
    (push,) = bench.work(later)
    assert push.kind == "monitoring"
    return push


def to_network(bench, later=0.0):
    """What is due to be asked of the network, whatever else is due."""
    return [push for push in bench.work(later) if push.kind == "monitoring"]


def taken(bench, push, **more):
    bench.server.outcome(push, Outcome(DONE, "201 Created", location=AT, **more), bench.now)


def notify(bench, push, body):
    path = push.body["notificationDestination"].removeprefix(US)
    (route,) = [each for each in bench.server.routes if each.path == "/t8/monitoring/{token}"]
    assert route.public
    token = path.removeprefix("/t8/monitoring/")
    return route.decide(body, bench.now, caller=Caller(), token=token)


def test_a_silent_ue_is_monitored_once():
    bench = scene()
    push = asked(bench)
    assert (push.method, push.where) == ("POST", NEF + "/3gpp-monitoring-event/v1/msgin5g/subscriptions")
    body = dict(push.body)
    assert body.pop("notificationDestination").startswith(US + "/t8/monitoring/")
    assert body == {
        "externalId": UE_ID,
        "monitoringType": "UE_REACHABILITY",
        "reachabilityType": "DATA",
        "maximumNumberOfReports": 1,
    }
    taken(bench, push)
    assert bench.events("monitored") == [{"ue": B, "at": AT}]
    (again,) = bench.work(1250)
    assert again.kind == "MSG"
    bench.outcome(again, None)
    assert bench.work() == []  # it is monitored already


def test_its_report_makes_what_waits_due_at_once():
    bench = scene()
    push = asked(bench)
    taken(bench, push)
    assert bench.work(10) == []
    assert notify(bench, push, {"subscription": AT, "monitoringEventReports": [REPORT]}).status == 204
    assert bench.events("reachable") == [{"ue": B}]
    assert bench.take()["payload"] == "one"
    assert notify(bench, push, {"subscription": AT, "monitoringEventReports": [REPORT]}) is None  # over


def test_a_report_may_come_before_the_answer_or_in_it():
    bench = scene()
    push = asked(bench)
    assert notify(bench, push, {"subscription": AT, "monitoringEventReports": [REPORT]}).status == 204
    taken(bench, push)
    assert bench.take()["payload"] == "one"
    assert bench.work(10) == [] and bench.events("monitored") == []
    for detail, said in (("201 Created", {"self": AT, "monitoringEventReport": REPORT}), ("200 OK", REPORT)):
        bench = scene()
        bench.server.outcome(asked(bench), Outcome(DONE, detail, said=said, location=AT), bench.now)
        assert bench.take()["payload"] == "one"
        assert bench.store.monitored() == []


def test_what_was_asked_for_comes_back_in_the_answer_and_is_no_report():
    bench = scene()
    push = asked(bench)
    bench.server.outcome(push, Outcome(DONE, "201 Created", said=push.body | {"self": AT}), bench.now)
    assert bench.work(10) == [] and [each.link for each in bench.store.monitored()] == [AT]


def test_a_report_on_a_sleeper_opens_a_window():
    """It is the network that sees it awake."""
    bench = scene()
    push = asked(bench)
    taken(bench, push)
    asleep = {"schTime": "1970-01-01T00:00:00Z", "durTime": 60, "periIndi": True, "periInterval": 6000}
    bench.store.put_availability(B, None, asleep["durTime"], asleep["periInterval"], bench.now)
    assert bench.work(60) == []
    notify(bench, push, {"subscription": AT, "monitoringEventReports": [REPORT]})
    assert bench.take()["payload"] == "one"


def test_a_report_on_something_else_changes_nothing():
    bench = scene()
    push = asked(bench)
    taken(bench, push)
    other = {"subscription": AT, "monitoringEventReports": [{"monitoringType": "LOSS_OF_CONNECTIVITY"}]}
    assert notify(bench, push, other).status == 204
    assert bench.work() == [] and bench.store.monitored() != []


def test_the_network_may_end_it():
    bench = scene()
    push = asked(bench)
    taken(bench, push)
    assert notify(bench, push, {"subscription": AT, "cancelInd": True}).status == 204
    assert bench.store.monitored() == [] and bench.work() == []
    assert bench.events("monitoring-ended")[0]["ue"] == B


@pytest.mark.parametrize(
    "body, member",
    [
        ({}, "subscription"),
        ({"subscription": 7, "monitoringEventReports": [REPORT]}, "subscription"),
        ({"subscription": "", "monitoringEventReports": [REPORT]}, "subscription"),
        ({"subscription": AT}, "monitoringEventReports"),
        ({"subscription": AT, "monitoringEventReports": []}, "monitoringEventReports"),
        ({"subscription": AT, "monitoringEventReports": REPORT}, "monitoringEventReports"),
        ({"subscription": AT, "monitoringEventReports": ["x"]}, "monitoringEventReports"),
        ({"subscription": AT, "monitoringEventReports": [{}]}, "monitoringType"),
        ({"subscription": AT, "cancelInd": "yes"}, "cancelInd"),
    ],
)
def test_a_notification_that_cannot_be_read_is_refused(body, member):
    bench = scene()
    push = asked(bench)
    taken(bench, push)
    with pytest.raises(Malformed) as caught:
        notify(bench, push, body)
    assert caught.value.member == member
    assert bench.work() == []


def test_who_does_not_know_the_path_changes_nothing():
    bench = scene()
    push = asked(bench)
    taken(bench, push)
    guessed = {"notificationDestination": US + "/t8/monitoring/guess"}
    body = {"subscription": AT, "monitoringEventReports": [REPORT]}
    assert notify(bench, type("P", (), {"body": guessed}), body) is None
    assert bench.work() == []


def test_the_end_of_the_registration_ends_it():
    bench = scene()
    taken(bench, asked(bench))
    assert bench.code(THERE, own("DEREG", B)) == "2.04"
    pushes = {push.kind: push for push in bench.work()}
    push = pushes["monitoring"]
    assert (push.method, push.where, push.body) == ("DELETE", AT, None)
    bench.server.outcome(push, Outcome(DONE, "204 No Content"), bench.now)
    assert bench.store.monitored() == []
    assert bench.events("monitoring-ended") == [{"ue": B}]


def test_so_does_the_end_of_its_time():
    bench = scene()
    taken(bench, asked(bench))
    bench.now += 3600
    assert ("DELETE", AT) in [(push.method, push.where) for push in bench.work()]


def test_one_that_is_gone_there_is_gone():
    bench = scene()
    taken(bench, asked(bench))
    bench.code(THERE, own("DEREG", B))
    (push,) = [push for push in bench.work() if push.kind == "monitoring"]
    bench.server.outcome(push, Outcome(REFUSED, "404 Not Found"), bench.now)
    assert bench.store.monitored() == []


def test_an_end_that_the_network_does_not_take_is_asked_for_again():
    bench = scene(retry_min=5, retry_max=5)
    taken(bench, asked(bench))
    bench.code(THERE, own("DEREG", B))
    (push,) = [push for push in bench.work() if push.kind == "monitoring"]
    bench.server.outcome(push, Outcome(LATER, "503 Service Unavailable"), bench.now)
    (again,) = [push for push in bench.work(7) if push.kind == "monitoring"]
    assert again.method == "DELETE"


def test_one_that_ends_while_it_is_asked_for_is_ended_then():
    bench = scene()
    push = asked(bench)
    bench.code(THERE, own("DEREG", B))
    assert [each for each in bench.work() if each.kind == "monitoring"] == []
    taken(bench, push)
    assert ("DELETE", AT) in [(each.method, each.where) for each in bench.work()]


def test_a_ue_without_a_ue_id_is_not_monitored():
    bench = Bench(exposure=NEF)
    bench.register(A, HERE)
    bench.register(B, THERE)
    bench.code(HERE, msg(A, B))
    bench.outcome(bench.one(), None)
    assert bench.work() == []


def test_without_an_exposure_function_nothing_is_asked():
    bench = scene(exposure=None)
    assert bench.work() == [] and bench.store.monitored() == []


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(LATER, "503 Service Unavailable"),
        Outcome(LATER, "TimeoutError", answered=False),
        Outcome(REFUSED, "403 Forbidden: unknown SCS/AS"),
    ],
)
def test_what_the_network_does_not_take_is_told_and_asked_again_with_longer_pauses(outcome):
    bench = scene(retry_min=10, retry_max=40)
    push, pauses = asked(bench), []
    for _ in range(4):
        bench.server.outcome(push, outcome, bench.now)
        began, found = bench.now, []
        while not found:
            assert bench.now < began + 100
            for each in bench.work(1):
                if each.kind == "monitoring":
                    found.append(each)
                else:
                    bench.outcome(each, None)  # it stays silent, and is tried all the same
        (push,) = found
        pauses.append(bench.now - began)
    told = bench.events("retry") if outcome.verdict == LATER else bench.events("monitoring-refused")
    assert len([each for each in told if each.get("to") in (None, "exposure")]) == 4
    assert pauses[0] >= 7 and pauses[1] > pauses[0] and max(pauses) <= 51
    bench.register(
        B, THERE, cliProfile={"triInfo": INFO}
    )  # it was heard: nobody has to tell that it is there
    bench.server.outcome(push, outcome, bench.now)
    while bench.store.pending(("UE", B)):
        for each in bench.work(1):
            assert each.kind == "MSG"
            bench.outcome(each)
    assert [each.kind for each in bench.work(100)] == []


def test_one_ue_that_is_refused_holds_up_no_other():
    bench = scene()
    push = asked(bench)
    bench.server.outcome(push, Outcome(REFUSED, "404 Not Found"), bench.now)
    other = Peer("192.0.2.9", 1)
    bench.register("ue:c", other, cliProfile={"triInfo": INFO | {"ueId": "c@example.org"}})
    bench.code(HERE, msg(A, "ue:c"))
    bench.outcome(bench.one(), None)
    assert asked(bench).body["externalId"] == "c@example.org"


def test_it_outlives_a_restart():
    bench = scene()
    push = asked(bench)
    bench.restart()  # killed before the answer came: it is asked again, and told at the same path
    bench.server.exposure.listens_at(US)
    pushes = {each.kind: each for each in bench.work()}
    assert pushes["monitoring"].body == push.body
    taken(bench, pushes["monitoring"])
    bench.outcome(pushes["MSG"], None)
    bench.restart()
    bench.server.exposure.listens_at(US)
    bench.outcome(bench.one(), None)
    assert notify(bench, push, {"subscription": AT, "monitoringEventReports": [REPORT]}).status == 204
    assert bench.take()["payload"] == "one"


def test_one_request_at_a_time_goes_to_the_network():
    bench = scene()
    peers = {"ue:%d" % number: Peer("192.0.2.9", number) for number in range(1, 20)}
    for ue, peer in peers.items():
        bench.register(ue, peer, cliProfile={"triInfo": INFO | {"ueId": ue + "@example.org"}})
        bench.code(HERE, msg(A, ue))
    found = []
    pushes = bench.work()
    while pushes:
        for push in pushes:
            if push.kind == "MSG":
                bench.outcome(push, None)
        nef = [push for push in pushes if push.kind == "monitoring"]
        assert len(nef) <= 1
        for push in nef:
            found.append(push.body["externalId"])
            bench.server.outcome(push, Outcome(DONE, "201 Created", location=AT), bench.now)
        pushes = bench.work()
    assert len(found) == len(set(found)) == 20


@pytest.mark.parametrize(
    "outcome", [Outcome(LATER, "500 Internal Server Error"), Outcome(BROKEN, "ValueError"), Outcome(LATER)]
)
def test_one_ue_that_the_network_cannot_handle_holds_up_no_other(outcome):
    bench = scene()
    push = asked(bench)
    other = Peer("192.0.2.9", 1)
    bench.register("ue:c", other, cliProfile={"triInfo": INFO | {"ueId": "c@example.org"}})
    bench.code(HERE, msg(A, "ue:c"))
    bench.outcome(bench.one(), None)
    bench.now += 1
    bench.server.outcome(push, outcome, bench.now)
    (second,) = to_network(bench, 1250)
    assert second.body["externalId"] == "c@example.org"
    taken(bench, second)
    (again,) = to_network(bench)
    assert again.body["externalId"] == UE_ID  # and it has its turn again


def test_an_end_that_the_network_cannot_handle_holds_up_no_other():
    bench = scene(retry_min=5, retry_max=5)
    taken(bench, asked(bench))
    bench.code(THERE, own("DEREG", B))
    (push,) = to_network(bench)
    bench.register("ue:c", Peer("192.0.2.9", 1), cliProfile={"triInfo": INFO | {"ueId": "c@example.org"}})
    bench.code(HERE, msg(A, "ue:c"))
    for each in bench.work():
        bench.outcome(each, None if each.target.id == "ue:c" else "2.04")
    bench.now += 1
    bench.server.outcome(push, Outcome(LATER, "500 Internal Server Error"), bench.now)
    (second,) = to_network(bench, 7)
    assert (second.method, second.body["externalId"]) == ("POST", "c@example.org")


def test_reports_that_come_at_once_make_no_tries_without_a_pause():
    """The network reaches the UE, and nobody listens there: each report would be followed by a try, a silence, and
    the next report."""
    bench, tries = scene(retry_min=5, retry_max=300), []
    began = bench.now
    while bench.now < began + 3600:
        begun = bench.work()
        for push in begun:
            if push.kind == "monitoring":
                taken(bench, push)
                notify(bench, push, {"subscription": AT, "monitoringEventReports": [REPORT]})
            else:
                tries.append(bench.now - began)
                bench.outcome(push, None)
            assert len(tries) < 200
        if not begun:
            bench.now = bench.server.deadline(bench.now)
    apart = [after - before for before, after in zip(tries, tries[1:], strict=False)]
    reports = len(bench.events("reachable"))
    assert 5 < reports < 20  # 5, 10, 20 ... 300 s after one another
    assert (
        len([each for each in apart if each < 3.75]) <= reports
    )  # but for the try that a report is, none early


def test_a_link_that_nobody_can_be_asked_at_is_none():
    for link in ("ftp://192.0.2.50/77", "mailto:x@example.org", "http://[::1/77"):
        bench = scene()
        bench.server.outcome(asked(bench), Outcome(DONE, "201 Created", location=link), bench.now)
        assert [each.link for each in bench.store.monitored()] == [""]
        bench.code(THERE, own("DEREG", B))
        assert [push.kind for push in bench.work() if push.kind == "monitoring"] == []
        assert bench.store.monitored() == []
