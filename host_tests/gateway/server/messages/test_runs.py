# SPDX-License-Identifier: MIT
"""One behind the other: what goes out when, as the answers come."""

import asyncio
import sqlite3

import pytest

from tools.gateway.running.runs import Runs
from tools.server.delivery.pushes import BROKEN, DONE, LATER, REFUSED, UNSENT, Outcome, Push
from tools.store.tables import DATA
from tools.wire.bodies import Address


class Scene:
    """Three Pushes, one behind the other. `sent`, `verdicts`: by number, in order; `recorded` lets all records end."""

    def __init__(self, may_go=lambda push: True):
        self.runs = Runs(self.send, may_go)
        self.sent, self.verdicts = [], {}
        self.answers = {number: asyncio.get_running_loop().create_future() for number in (1, 2, 3)}
        self.recorded = asyncio.Event()
        pushes = [
            Push(Address("AS", "as:1"), "", "MSG", DATA, {}, number, number=number, behind=number - 1)
            for number in (1, 2, 3)
        ]
        self.tasks = [asyncio.ensure_future(self.begin(push)) for push in pushes]

    async def begin(self, push):
        with self.runs.begun(push) as run:
            outcome = await run.send()
            self.verdicts[push.number] = outcome.verdict
            await self.recorded.wait()

    async def send(self, push):
        self.sent.append(push.number)
        return Outcome(await self.answers[push.number])

    async def answer(self, number, verdict):
        self.answers[number].set_result(verdict)
        await self.rest()

    async def rest(self):
        for _ in range(20):
            await asyncio.sleep(0)

    async def end(self):
        self.recorded.set()
        await asyncio.gather(*self.tasks)
        assert self.runs._goes_on == {}


@pytest.mark.parametrize("verdict", [DONE, REFUSED])
def test_the_next_one_goes_once_the_one_before_is_answered_for_good(verdict):
    """Though nothing of it is recorded."""

    async def main():
        scene = Scene()
        await scene.rest()
        assert scene.sent == [1]
        await scene.answer(1, verdict)
        assert scene.sent == [1, 2] and scene.verdicts == {1: verdict}
        await scene.answer(2, DONE)
        await scene.answer(3, DONE)
        assert scene.sent == [1, 2, 3]
        await scene.end()

    asyncio.run(main())


@pytest.mark.parametrize("verdict", [LATER, BROKEN])
def test_none_goes_behind_one_that_was_not(verdict):
    async def main():
        scene = Scene()
        await scene.rest()
        await scene.answer(1, verdict)
        assert scene.sent == [1] and scene.verdicts == {1: verdict, 2: UNSENT, 3: UNSENT}
        await scene.end()

    asyncio.run(main())


def test_one_that_may_not_go_any_more_ends_the_run():
    def may_go(push):
        if push.number == 3:
            raise sqlite3.OperationalError("disk I/O error")
        return True

    async def main():
        for allowed, sent in ((lambda push: False, [1]), (may_go, [1, 2])):
            scene = Scene(allowed)
            await scene.rest()
            await scene.answer(1, DONE)
            await scene.answer(2, DONE)
            assert scene.sent == sent and scene.verdicts[3] == UNSENT
            await scene.end()

    asyncio.run(main())


def test_one_whose_predecessor_is_unknown_is_not_sent():
    async def main():
        scene = Scene()
        await scene.answer(1, DONE)
        scene.recorded.set()
        await scene.rest()
        late = Push(Address("AS", "as:1"), "", "MSG", DATA, {}, 4, number=4, behind=1)
        with scene.runs.begun(late) as run:
            assert await run.send() == Outcome(UNSENT)
        await scene.answer(2, DONE)
        await scene.answer(3, DONE)
        await scene.end()

    asyncio.run(main())


def test_the_end_of_the_program_ends_all():
    async def main():
        scene = Scene()
        await scene.rest()
        for task in reversed(scene.tasks):
            task.cancel()
        ended = await asyncio.gather(*scene.tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended)
        assert scene.sent == [1] and scene.runs._goes_on == {}

    asyncio.run(main())
