# SPDX-License-Identifier: MIT
"""Segments to a UE that takes several at once (`cliProfile.segWindow`): which are out, what each answer does, and that
all else still waits for its turn. Decisions with a clock that the test moves; at the end the wire."""

import asyncio

import aiocoap
import pytest

from host_tests.gateway.scripted import Ue, gateway, run
from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, msg, own
from tools.server.delivery.pushes import BROKEN, Outcome
from tools.store.server.grouptables import NORMAL, Member
from tools.wire.bodies import Address
from tools.wire.identity import Peer

TEXT = "".join("%03d " % number for number in range(150))  # 600 octets: six segments of 100


def scene(window=2, text=TEXT, **settings):
    bench = Bench(**settings)
    bench.register(A, HERE)
    enter(bench, window)
    assert bench.code(HERE, msg(A, B, text)) == "2.04"
    return bench


def enter(bench, window, peer=THERE, size=100):
    profile = {"maxSegSize": size} | ({} if window is None else {"segWindow": window})
    return bench.register(B, peer, cliProfile=profile)


def numbers(pushes):
    return [push.body["segParams"]["segNumb"] for push in pushes]


@pytest.mark.parametrize("window", [None, 1, 2, 3, 8, "2"])
def test_so_many_segments_are_out_at_once(window):
    bench = scene(window)
    begun = bench.work()
    assert numbers(begun) == list(range(1, 7))[: int(window or 1)]
    assert bench.work() == []


@pytest.mark.parametrize("window", [0, 9, -1, "many", 1.5, True, [2]])
def test_any_other_window_is_refused(window):
    bench = Bench()
    answer = bench.ask(THERE, own("REG", B, cliProfile={"segWindow": window}))
    assert (answer.code, "segWindow" in answer.diagnostic) == ("4.00", True)


def test_each_answer_makes_room_for_one():
    bench = scene(2)
    first, second = bench.work()
    bench.outcome(second)
    assert numbers(third := bench.work()) == [3]
    bench.outcome(first)
    assert numbers(fourth := bench.work()) == [4]
    for push in (*third, *fourth):
        bench.outcome(push)
    last = bench.work()
    assert numbers(last) == [5, 6]
    bench.outcome(last[1])
    assert bench.work(0.1) == [] and bench.events("failed") == []  # not held before the fifth was taken
    bench.outcome(last[0])
    assert bench.work() == []
    set_id = first.body["segParams"]["segId"]
    confirm = {"msgIden": first.body["msgIden"], "msgType": "SEGCONFIR", "segId": set_id, "result": True}
    assert bench.code(THERE, confirm) == "2.04"
    assert len(bench.events("delivered")) == 1


def test_one_that_is_put_off_goes_by_itself_before_there_are_two_again():
    bench = scene(2, retry_min=5)
    first, second = bench.work()
    bench.outcome(first, "5.03", max_age=10)
    assert bench.work() == []
    bench.outcome(second)
    assert bench.work(9) == []
    again = bench.work(1)
    assert numbers(again) == [1]
    bench.outcome(again[0])
    assert numbers(bench.work()) == [3, 4]


def test_two_that_nobody_answers_are_one_pause():
    bench = scene(2, retry_min=5)
    heard = []
    bench.server.turns.on_silent.append(lambda target, now: heard.append(target.id))
    for push in bench.work():
        bench.outcome(push, None)
    assert len(bench.events("retry")) == 1 and heard == [B]
    assert numbers(bench.work(7)) == [1]


def test_one_that_is_refused_ends_the_message_once():
    bench = scene(2)
    first, second = bench.work()
    bench.outcome(first, "4.13")
    bench.outcome(second)
    assert len(bench.events("failed")) == 1 and bench.events("delivered") == []
    (told,) = bench.work()
    assert (told.kind, told.target.id) == ("MSGRESP", A)


def test_two_that_break_at_once_are_tried_again():
    """A message is set aside when it breaks twice in a row: two segments that break at once are once."""
    bench = scene(2, retry_min=1, retry_max=1)
    for push in bench.work():
        bench.server.outcome(push, Outcome(BROKEN, "ValueError"), bench.now)
    assert bench.events("quarantined") == []
    (again,) = bench.work(2)
    bench.server.outcome(again, Outcome(BROKEN, "ValueError"), bench.now)
    assert len(bench.events("quarantined")) == 1


def test_what_must_not_wait_goes_between_two_segments():
    bench = scene(2)
    first, second = bench.work()
    bench.server._deliveries.responses.control(
        Address("UE", B), "SEGCONFIR", own("SEGCONFIR", B, segId="1"), bench.now
    )
    bench.outcome(first)
    assert bench.work() == []  # by itself: one request at a time but for segments
    bench.outcome(second)
    (control,) = bench.work()
    assert control.kind == "SEGCONFIR" and bench.work() == []
    bench.outcome(control)
    assert numbers(bench.work()) == [3, 4]


def test_other_messages_go_one_at_a_time():
    bench = scene(2, text="short")
    assert bench.code(HERE, msg(A, B, "another")) == "2.04"
    (push,) = bench.work()
    assert push.body["payload"] == "short" and bench.work() == []


def test_recovery_asks_for_one_while_others_are_out():
    bench = scene(3)
    first, second, third = bench.work()
    bench.outcome(first)
    assert numbers(fourth := bench.work()) == [4]
    recovery = {"msgIden": first.body["msgIden"], "msgType": "SEGREC", "segNoList": "1"}
    assert bench.code(THERE, recovery | {"segId": first.body["segParams"]["segId"]}) == "2.04"
    for push in (second, third, *fourth):
        bench.outcome(push)
    assert numbers(bench.work()) == [1, 5, 6]


def test_a_smaller_window_of_a_new_registration_holds_at_once():
    bench = scene(3)
    out = bench.work()
    enter(bench, 1)
    bench.outcome(out[0])
    bench.outcome(out[1])
    assert bench.work() == []
    bench.outcome(out[2])
    assert numbers(bench.work()) == [4]


def test_another_size_of_segments_waits_until_none_of_the_old_is_out():
    bench = scene(2)
    first, second = bench.work()
    enter(bench, 2, size=64)
    bench.outcome(first)
    assert bench.work() == []
    bench.outcome(second)
    begun = bench.work()
    assert (
        numbers(begun) == [1, 2] and begun[0].body["segParams"]["segId"] != first.body["segParams"]["segId"]
    )


def test_what_was_out_to_an_older_address_goes_to_the_new_one():
    bench = scene(2)
    out = bench.work()
    enter(bench, 2, Peer("192.0.2.9", 1))
    again = bench.work()
    assert numbers(again) == [1, 2] and {push.where.host for push in again} == {"192.0.2.9"}
    for push in out:
        bench.outcome(push, None)
    assert bench.events("retry") == [] and bench.work() == []


def test_a_restart_sends_what_was_out_again():
    bench = scene(3)
    out = bench.work()
    bench.outcome(out[1])
    bench.restart()
    assert numbers(bench.work()) == [1, 3, 4]


def test_a_copy_goes_segment_by_segment():
    """That of a topic may be a notification, of which one is out at a time."""
    bench = scene(3, text="short")
    bench.take()
    with bench.store.transaction():
        bench.store.add_group("group:1", NORMAL, None, bench.now, {}, [Member(A), Member(B)])
    assert bench.code(HERE, msg(A, "group:1", TEXT, to_type="GROUP")) == "2.04"
    assert numbers(bench.work()) == [1]


def test_behind_a_gateway_segments_go_one_at_a_time():
    bench = scene(3)
    profile = {"maxSegSize": 100, "segWindow": 3}
    with bench.store.transaction():
        bench.store.add_gateway("ue:gw")
        bench.store.register("ue:gw", THERE, bench.now, bench.now + 600, None, {})
        bench.store.register(B, THERE, bench.now, bench.now + 600, 100, profile, "ue:gw")
    assert numbers(bench.work()) == [1]


def test_the_window_ends_with_the_registration():
    bench = scene(3, text="short")
    bench.take()
    assert bench.ask(THERE, own("DEREG", B)).body["result"]
    enter(bench, None)
    assert bench.code(HERE, msg(A, B, TEXT)) == "2.04"
    assert numbers(bench.work()) == [1]


def test_a_profile_of_an_older_program_does_no_harm():
    bench = scene(None)
    with bench.store.transaction():
        bench.store._db.execute(
            """UPDATE registration SET profile='{"segWindow": "many"}', max_segment=100 WHERE ue=?""", (B,)
        )
    assert numbers(bench.work()) == [1]


@pytest.mark.parametrize("window, most", [(1, 1), (2, 2), (4, 4)])
def test_on_the_wire_so_many_are_unanswered(window, most):
    """The UE answers none before as many as it takes are there; the last ones come when no other is left."""

    async def main():
        async with gateway() as g, Ue(g, A) as a, Slow(g, B, window) as b:
            await a.register()
            await b.register(cliProfile={"maxSegSize": 100, "segWindow": window})
            await a.send(B, TEXT)
            await g.journal.wait("segment-confirmed")
            assert b.most == most
            assert "".join(b.parts[number] for number in sorted(b.parts)) == TEXT

    class Slow(Ue):
        def __init__(self, g, name, window):
            super().__init__(g, name)
            self.window, self.parts, self.waiting, self.most = window, {}, [], 0

        async def render_post(self, request):
            response = await super().render_post(request)
            body = self.received[-1]
            if not body.get("isSegmented"):
                return response
            self.parts[body["segParams"]["segNumb"]] = body["payload"]
            free = asyncio.Event()
            self.waiting.append(free)
            self.most = max(self.most, len(self.waiting))
            left = 6 - len(self.parts) + len(self.waiting)
            if len(self.waiting) >= min(self.window, left):
                self.waiting.pop(0).set()
            if len(self.parts) == 6:
                for each in self.waiting:
                    each.set()
                asyncio.get_running_loop().call_later(0.05, self.confirm, body["segParams"]["segId"])
            await free.wait()
            return response

        def confirm(self, set_id):
            self.confirming = asyncio.ensure_future(self.about_set("SEGCONFIR", set_id, result=True))

    run(main())


@pytest.mark.parametrize("lost", [{1}, {2}, {1, 2}])
def test_one_that_is_silent_is_tried_again_and_the_other_way_stays(lost):
    """aiocoap is told that two are out: neither its end of one exchange nor a late answer breaks the next."""

    async def main():
        async with gateway(ack_timeout=0.01) as g, Ue(g, A) as a, Ue(g, B) as b:
            await a.register()
            await b.register(cliProfile={"maxSegSize": 100, "segWindow": 2})
            dropped = set(lost)

            def answer(body):
                number = body.get("segParams", {}).get("segNumb")
                if number in dropped:
                    return None
                return aiocoap.CHANGED

            b.answer = answer
            await a.send(B, TEXT)
            await g.journal.wait("retry")
            dropped.clear()
            while len({body["segParams"]["segNumb"] for body in b.received}) < 6:
                await b.next()
            await b.about_set("SEGCONFIR", b.received[0]["segParams"]["segId"], result=True)
            await g.journal.wait("segment-confirmed")
            await a.send(B, "after")
            assert (await b.next("MSG")) is not None
            await g.journal.wait("delivered", 2)
            assert g.journal.find("error") == []

    run(main())
