# SPDX-License-Identifier: MIT
"""Requests to Application Servers side by side: the order of each originator, bounds for each of them, and pauses that
concern nobody else. Decisions with a clock that the test moves."""

import heapq
import random
from collections import Counter, defaultdict

import pytest

from host_tests.gateway.server.test_decisions import Bench, msg
from tools.server.delivery.pushes import BROKEN, DONE, LATER, REFUSED, UNSENT, Outcome
from tools.store.server.grouptables import NORMAL, Member
from tools.wire.bodies import Address
from tools.wire.identity import Peer

FAST, SLOW, OTHER = "as:fast", "as:slow", "as:other"
ABREAST = 16  # docs/gateway.md
OK, LATE = Outcome(DONE, "204 No Content"), Outcome(LATER, "503 Service Unavailable")
SILENT = Outcome(LATER, "TimeoutError", answered=False)
UNSENT_ = Outcome(UNSENT)


class Servers(Bench):
    """Application Servers that answer after a time of their own: `delays` by name (None: never), `answers` by name.
    `lag`: how long after an answer it is recorded; what is behind goes at once."""

    def __init__(self, *names, ues=10, lag=0, **settings):
        self.lag = lag
        self.behind = {}  # number of a Push that is out: the one behind it
        self.went_on = {}  # number of one that was answered: whether the one behind it goes
        super().__init__(**({"retry_min": 5, "retry_max": 300} | settings))
        self.ues = ["ue:%02d" % number for number in range(ues)]
        for ue in self.ues:
            self.register(ue, self.peer(ue))
        for name in names:
            self.enter(name)
        self.delays, self.answers = defaultdict(lambda: 1), {}
        self.asked, self.got = [], defaultdict(list)  # (name, originator, text)
        self.most = Counter()  # in flight at once, by name, and by (name, originator)
        self.flying = []

    def peer(self, ue):
        return Peer("192.0.2.%d" % (100 + self.ues.index(ue)), 40000)

    def enter(self, name, uri=None):
        body = {"asSvcId": name, "targetUri": uri or "http://127.0.0.1:1/%s" % name[3:]}
        return self.server.application_servers.register(body, self.now)[0]

    def post(self, ue, to, text):
        assert self.code(self.peer(ue), msg(ue, to, text, to_type="AS")) == "2.04"

    def fill(self, to, each, ues=None):
        for number in range(each):
            for ue in ues or self.ues:
                self.post(ue, to, "%d" % number)

    def run(self, until):
        """Virtual time goes on: what is due is begun, and each request gets its answer."""
        end = self.now + until
        while True:
            for push in self.server.work(self.now):
                if push.target.type == "UE":  # a MSGRESP
                    self.server.outcome(push, OK, self.now)
                    continue
                if push.behind in self.went_on:
                    self.follow(push, self.went_on[push.behind])
                elif push.behind:
                    self.behind[push.behind] = push
                else:
                    self.fly(push)
            deadline = self.server.deadline(self.now)
            due = min(self.flying[0][0] if self.flying else end, end if deadline is None else deadline)
            if due > end:
                self.now = end
                return
            self.now = max(due, self.now)
            if self.flying and self.flying[0][0] <= self.now:
                *_, push, answer = heapq.heappop(self.flying)
                if answer is None:
                    self.answer(push)
                else:
                    self.server.outcome(push, answer, self.now)
            elif due >= end:
                return

    def fly(self, push):
        name, origin = push.target.id, push.origin.id
        self.asked.append(name)
        delay = self.delays[name]
        when = float("inf") if delay is None else self.now + delay
        heapq.heappush(self.flying, (when, len(self.asked), push, None))
        count = Counter(each.target.id for *_, each, answer in self.flying if answer is None)
        self.most[name] = max(self.most[name], count[name])
        mine = [
            each
            for *_, each, answer in self.flying
            if answer is None and (each.target.id, each.origin.id) == (name, origin)
        ]
        self.most[name, origin] = max(self.most[name, origin], len(mine))

    def answer(self, push):
        answer = self.answers.get(push.target.id, OK)
        answer = answer(push) if callable(answer) else answer
        if answer.verdict == DONE and push.kind == "MSG":
            self.got[push.target.id].append((push.origin.id, push.body["payload"]))
        self.answered(push, answer)

    def answered(self, push, answer):
        if self.lag:
            self.asked.append("an outcome")
            heapq.heappush(self.flying, (self.now + self.lag, len(self.asked), push, answer))
        else:
            self.server.outcome(push, answer, self.now)
        goes_on = self.went_on[push.number] = answer.verdict in (DONE, REFUSED)
        if push.number in self.behind:
            self.follow(self.behind.pop(push.number), goes_on)

    def follow(self, push, goes_on):
        if goes_on and self.server.may_go(push):
            self.fly(push)
        else:
            self.answered(push, UNSENT_)

    def in_order(self, name):
        for ue in self.ues:
            texts = [int(text) for origin, text in self.got[name] if origin == ue]
            assert texts == sorted(set(texts)), (name, ue, texts)

    @property
    def turns(self):
        return self.server.turns


def test_ten_originators_deliver_ten_times_what_one_does():
    many, one = Servers(FAST), Servers(FAST, ues=1)
    for bench in (many, one):
        bench.fill(FAST, 20)
        bench.run(10.5)
        bench.in_order(FAST)
    assert len(one.got[FAST]) == 10 and len(many.got[FAST]) == 100


def test_of_one_originator_one_is_out_and_of_all_sixteen():
    bench = Servers(FAST, ues=40)
    bench.fill(FAST, 5)
    bench.run(20)
    assert bench.most.pop(FAST) == ABREAST and set(bench.most.values()) == {1}
    assert len(bench.got[FAST]) == 200
    bench.in_order(FAST)
    assert bench.turns._busy == {} and bench.turns._more["all"] == 0


def test_the_oldest_of_those_that_may_go_goes_first():
    bench = Servers(FAST, ues=3, abreast=2)
    for ue, text in ((0, "0"), (0, "1"), (1, "0"), (2, "0"), (1, "1")):
        bench.post(bench.ues[ue], FAST, text)
    begun = [[(push.origin.id[3:], push.body["payload"]) for push in bench.work()]]
    assert begun == [[("00", "0"), ("01", "0")]]


@pytest.mark.parametrize("slow", ["slow", "hangs", "fails"])
def test_one_that_is_slow_hangs_or_fails_slows_no_other(slow):
    """With as much for it as for the others, and no more room for all together than its own share."""
    bench = Servers(SLOW, FAST, OTHER, ues=20, abreast_all=2 * ABREAST)
    if slow == "fails":
        bench.answers[SLOW] = LATE
    else:
        bench.delays[SLOW] = 20 if slow == "slow" else None
    for name in (SLOW, FAST, OTHER):
        bench.fill(name, 3)
    bench.run(6.5)
    assert 1 < bench.most[SLOW] <= ABREAST and len(bench.got[SLOW]) == 0
    for name in (FAST, OTHER):
        assert len(bench.got[name]) == 60
        bench.in_order(name)


def test_the_first_one_to_each_needs_no_room_of_all():
    names = ["as:%d" % number for number in range(5)]
    bench = Servers(*names, ues=3, abreast_all=0)
    for name in names:
        bench.fill(name, 2)
    bench.run(0.5)
    assert bench.asked == names


def test_the_room_of_all_goes_to_whom_least_is_out_to():
    """Not to whose name is first: with 4 beyond the first one to each, three servers have 7 at once, 2 or 3 each."""
    names = FAST, OTHER, SLOW
    servers = Servers(*names, abreast_all=4)
    for name in names:
        servers.fill(name, 20)
    servers.run(20)
    count = Counter(servers.asked)
    assert sum(count.values()) >= 7 * 20
    assert min(count[name] for name in names) >= 2 * 20 - 5, count


def test_those_whose_answers_come_together_take_turns_with_the_room_of_all():
    names = FAST, OTHER, SLOW
    servers, count = Servers(*names, abreast_all=4), Counter()
    for name in names:
        servers.fill(name, 20)
    for _ in range(21):
        pushes = servers.work(1)
        count.update(push.target.id for push in pushes)
        for push in pushes:
            servers.outcome(push)
    assert count == dict.fromkeys(names, 21 * 7 // 3)


def test_what_fails_is_tried_by_one_and_then_by_all_again():
    """The pause is doubled by the first answer of those that were out, not by each."""
    bench = Servers(FAST, ues=30)
    bench.answers[FAST] = LATE
    bench.fill(FAST, 3)
    bench.run(1)
    assert len(bench.asked) == ABREAST
    assert [fields["seconds"] for fields in bench.events("retry")] == [pytest.approx(5, rel=0.25)]
    tries = []
    for _ in range(3):
        before = len(bench.asked)
        while len(bench.asked) == before:
            bench.run(0.5)
        tries.append(len(bench.asked) - before)
        bench.run(1)
    assert tries == [1, 1, 1]
    assert [round(fields["seconds"] / 5 / 2**n) for n, fields in enumerate(bench.events("retry"))] == [1] * 4
    bench.answers.clear()
    bench.most.clear()
    bench.run(100)
    assert bench.most[FAST] == ABREAST and len(bench.got[FAST]) == 90
    bench.in_order(FAST)


def test_what_was_out_before_a_pause_does_not_end_it():
    bench = Servers(FAST, ues=2, retry_min=5)
    bench.fill(FAST, 2)
    first, second = bench.work()
    bench.server.outcome(first, LATE, bench.now)
    bench.server.outcome(second, OK, bench.now)
    assert bench.work(1) == []
    assert len(bench.work(6)) == 1


def test_the_longest_retry_after_of_those_that_were_out_is_obeyed():
    bench = Servers(FAST, ues=2)
    bench.fill(FAST, 1)
    first, second = bench.work()
    bench.server.outcome(first, LATE, bench.now)
    bench.server.outcome(second, Outcome(LATER, "429", 60), bench.now)
    assert bench.work(59) == [] and len(bench.work(1)) == 1


def test_reports_go_while_messages_hang():
    bench = Servers(FAST, ues=30)
    bench.delays[FAST] = None
    bench.fill(FAST, 2)
    bench.run(1)
    for ue in bench.ues:
        bench.server._deliveries.responses.control(
            Address("AS", FAST), "IMDN", report(ue), bench.now, Address("UE", ue)
        )
    kinds = [push.kind for push in bench.work()]
    assert kinds == ["IMDN"] * ABREAST


def report(ue):
    return {
        "msgType": "IMDN",
        "oriAddr": {"oriAddrType": "UE", "addr": ue},
        "destAddr": {"destAddrType": "AS", "addr": FAST},
        "msgId": "1",
        "DelSta": "SUCCESS",
    }


def test_a_restart_does_what_was_out_again_in_the_same_order():
    bench = Servers(FAST, ues=5)
    bench.fill(FAST, 3)
    before = bench.work()
    bench.server.outcome(before[2], OK, bench.now)
    bench.restart()
    after = bench.work()
    told = [(push.origin, push.body["payload"]) for push in after]
    was = [(push.origin, push.body["payload"]) for push in before if push is not before[2]]
    # The second one of the originator whose first was taken stands behind the others' first.
    assert told == [*was, (before[2].origin, "1")]


def test_with_another_uri_all_that_was_out_goes_there():
    bench = Servers(FAST, ues=5)
    bench.fill(FAST, 2)
    before = bench.work()
    bench.enter(FAST, "http://127.0.0.1:2/moved")
    after = bench.work()
    assert [push.row for push in after] == [push.row for push in before]
    assert {push.where for push in after} == {"http://127.0.0.1:2/moved"}
    for push in before:  # what comes of them is not heard any more
        bench.server.outcome(push, LATE, bench.now)
    assert bench.work() == [] and bench.events("retry") == []
    for push in after:
        bench.server.outcome(push, OK, bench.now)
    assert len(bench.events("delivered")) == 5 and len(bench.work()) == 5
    assert bench.turns._more["all"] == 4


def test_one_that_deregisters_meanwhile_gets_nothing_more():
    bench = Servers(ues=3)
    registration = bench.enter(FAST)
    bench.fill(FAST, 2)
    out = bench.work()
    assert bench.server.application_servers.deregister(registration, bench.now)
    assert len(bench.events("failed")) == 6
    for push in out:
        bench.server.outcome(push, OK, bench.now)
    assert bench.events("delivered") == []
    assert all(push.target.type == "UE" for push in bench.work())
    assert bench.turns._more["all"] == 0


def test_one_that_is_refused_or_broken_stops_only_its_own():
    bench = Servers(FAST, ues=6)
    bench.fill(FAST, 3)
    bad = {(bench.ues[1], "1"): Outcome(REFUSED, "400"), (bench.ues[2], "1"): Outcome(BROKEN, "ValueError")}
    bench.answers[FAST] = lambda push: bad.get((push.origin.id, push.body["payload"]), OK)
    bench.run(60)
    assert len(bench.got[FAST]) == 16 and len(bench.events("failed")) == 1
    (aside,) = bench.events("quarantined")
    assert aside["from"] == bench.ues[2]
    assert all((bench.ues[number], "2") in bench.got[FAST] for number in (1, 2))
    assert bench.turns._busy == {} and bench.turns._more["all"] == 0


def test_a_report_shows_that_the_second_originators_message_has_come():
    """Only the answer to it was lost: it ends here (not only that of the oldest in the queue)."""
    bench = Servers(FAST, ues=2)
    bench.fill(FAST, 1)
    first, second = bench.work()
    for push in (first, second):
        bench.server.outcome(push, SILENT, bench.now)
    body = {
        "oriAddr": {"addrType": "AS", "addr": FAST},
        "destAddr": {"addrType": "UE", "addr": second.origin.id},
        "msgId": second.body["msgId"],
        "delivSt": "REPT_DELY_SUCCESS",
    }
    bench.server.application_servers.report(body, bench.now)
    (delivered,) = bench.events("delivered")
    assert delivered["from"] == second.origin.id and delivered["reported"]


def test_copies_of_a_group_go_side_by_side_as_messages_do():
    bench = Servers(FAST, ues=4)
    bench.store.add_group("group:1", NORMAL, None, bench.now, {}, [Member(FAST), *map(Member, bench.ues)])
    for ue in bench.ues:
        assert bench.code(bench.peer(ue), msg(ue, "group:1", "0", to_type="GROUP")) == "2.04"
    to_server = [push for push in bench.work() if push.target.type == "AS"]
    assert [push.origin.id for push in to_server] == bench.ues


# ---- one behind the other --------------------------------------------------------------------------------------------


def told(pushes):
    return [(push.origin.id, push.body["payload"], push.behind) for push in pushes]


def test_more_of_each_originator_goes_behind_what_is_out():
    """In the order that it came in, and in the room of the first one."""
    bench = Servers(FAST, ues=3, abreast=2, ahead=2)
    bench.fill(FAST, 4)
    begun = bench.work()
    one, two, _ = bench.ues
    first, second, *others = begun
    assert told([first, second]) == [(one, "0", 0), (two, "0", 0)]
    assert [(push.origin.id, push.body["payload"]) for push in others] == [
        (one, "1"),
        (one, "2"),
        (two, "1"),
        (two, "2"),
    ]
    assert [push.behind for push in others] == [
        first.number,
        others[0].number,
        second.number,
        others[2].number,
    ]
    assert bench.turns._more["all"] == 1
    bench.server.outcome(first, OK, bench.now)
    assert told(bench.work()) == [(one, "3", others[1].number)]  # the next originator has no room yet


def test_what_comes_while_one_is_out_goes_behind_it():
    bench = Servers(FAST, ues=1, ahead=1)
    bench.post(bench.ues[0], FAST, "0")
    (first,) = bench.work()
    assert bench.work() == []
    for text in ("1", "2"):
        bench.post(bench.ues[0], FAST, text)
    (second,) = bench.work()
    assert (second.body["payload"], second.behind) == ("1", first.number)


def test_an_outcome_that_is_recorded_late_holds_nobody_up():
    bench = Servers(FAST, ues=1, lag=0.9, ahead=2)
    bench.fill(FAST, 10)
    bench.run(10.5)
    assert [text for _, text in bench.got[FAST]] == list("0123456789")
    assert bench.most.pop((FAST, bench.ues[0])) == 1


@pytest.mark.parametrize(
    "answer", [LATE, SILENT, Outcome(BROKEN, "ValueError")], ids=lambda each: each.verdict
)
def test_what_is_behind_one_that_is_not_taken_is_not_sent(answer):
    bench = Servers(FAST, ues=1, ahead=2)
    bench.fill(FAST, 3)
    bench.answers[FAST] = answer
    bench.run(1.5)
    assert bench.asked == [FAST] and bench.events("failed") == []
    bench.answers.clear()
    bench.run(60)
    assert [text for _, text in bench.got[FAST]] == ["0", "1", "2"] and bench.turns._busy == {}


def test_nothing_goes_behind_what_is_not_sent_itself():
    """However many rounds of work come between the outcomes of a run whose first one was set aside."""
    bench = Servers(FAST, ues=1, ahead=2)
    bench.fill(FAST, 5)
    first, second, third = bench.work()
    bench.server.broken(first, ValueError(), bench.now)
    assert bench.events("quarantined")[0]["msgId"] == first.body["msgId"]
    assert [push.kind for push in bench.work()] == ["MSGRESP"]
    for push in (second, third):
        assert bench.work() == []
        bench.server.outcome(push, UNSENT_, bench.now)
    assert [push.body["payload"] for push in bench.work()] == ["1", "2", "3"]


def test_what_ended_meanwhile_is_not_sent():
    bench = Servers(FAST, ues=1, ahead=2)
    registration = bench.server.application_servers.register(
        {"asSvcId": FAST, "targetUri": "http://127.0.0.1:1/fast"}, bench.now
    )[0]
    bench.fill(FAST, 2)
    first, second = bench.work()
    assert bench.server.may_go(second)
    assert bench.server.application_servers.deregister(registration, bench.now)
    assert not bench.server.may_go(second)
    bench.server.outcome(first, OK, bench.now)
    bench.server.outcome(second, UNSENT_, bench.now)
    assert bench.turns._busy == {} and len(bench.events("failed")) == 2


@pytest.mark.parametrize("ahead", (1, 2))
def test_what_is_behind_goes_to_no_older_uri(ahead):
    bench = Servers(FAST, ues=1, ahead=ahead)
    bench.fill(FAST, 2)
    first, second = bench.work()
    bench.enter(FAST, "http://127.0.0.1:2/moved")
    assert not bench.server.may_go(second)
    again = bench.work()
    assert [push.row for push in again] == [first.row, second.row]
    assert {push.where for push in again} == {"http://127.0.0.1:2/moved"}


def test_a_report_shows_that_one_has_come_whose_predecessor_is_not_recorded_yet():
    bench = Servers(FAST, ues=1, ahead=1)
    bench.fill(FAST, 2)
    _, second = bench.work()
    body = {
        "oriAddr": {"addrType": "AS", "addr": FAST},
        "destAddr": {"addrType": "UE", "addr": second.origin.id},
        "msgId": second.body["msgId"],
        "delivSt": "REPT_DELY_SUCCESS",
    }
    bench.server.application_servers.report(body, bench.now)
    (delivered,) = bench.events("delivered")
    assert delivered["msgId"] == second.body["msgId"] and delivered["reported"]


def test_a_restart_sends_what_was_not_recorded_again_in_order():
    bench = Servers(FAST, ues=1, ahead=2)
    bench.fill(FAST, 4)
    before = bench.work()
    bench.server.outcome(before[0], OK, bench.now)
    bench.restart()
    assert [push.body["payload"] for push in bench.work()] == ["1", "2", "3"]


def test_a_look_at_a_queue_costs_the_same_whatever_others_wait_for():
    """Statements, with two originators out and 10 or 100 messages of theirs behind."""
    counts = []
    for each in (10, 100):
        bench = Servers(FAST, ues=2, ahead=2)
        bench.fill(FAST, each)
        first = bench.work()[0]
        asked = []
        bench.store._db.set_trace_callback(asked.append)
        bench.server.outcome(first, OK, bench.now)
        assert len(bench.work()) == 1
        bench.store._db.set_trace_callback(None)
        counts.append(sum("FROM message" in statement for statement in asked))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("ahead", (0, 2))
@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_answered_all_comes_in_order_and_no_bound_is_broken(seed, ahead):
    chance = random.Random(seed)
    names = [FAST, SLOW, OTHER]
    more = {"ahead": ahead, "lag": 0.3} if ahead else {}
    bench = Servers(*names, ues=20, abreast_all=20, retry_min=1, retry_max=4, quota=10000, **more)
    for name in names:
        bench.delays[name] = chance.uniform(0.01, 3)
        bench.answers[name] = lambda push: chance.choices((OK, LATE, SILENT), (8, 1, 1))[0]
        bench.fill(name, 3)
    for _ in range(40):
        bench.run(30)
        if sum(map(len, bench.got.values())) == 180:
            break
    for name in names:
        assert len(bench.got[name]) == 60
        bench.in_order(name)
        assert bench.most.pop(name) <= ABREAST
    assert set(bench.most.values()) == {1}
    assert bench.turns._busy == {} and bench.turns._more["all"] == 0
