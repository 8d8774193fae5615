# SPDX-License-Identifier: MIT
"""Guards against hanging count the time that the machine gave, not that of the wall."""

import asyncio
import os
import subprocess
import sys
import time

import pytest

from tools.programs.patience import (
    GrantedTime,
    SteadyLoop,
    Watch,
    communicate,
    finish,
    granted,
    patience,
    run,
)

SPIN = "while True: pass"


def test_what_a_thread_waited_for_a_processor_is_not_counted():
    wall, waited = 0.0, {}
    clock = GrantedTime(wall=lambda: wall, waited=lambda: dict(waited))
    assert clock() == 0
    wall, waited["a"] = 10.0, 7.5
    assert clock() == 2.5
    wall = 20.0
    assert clock() == 12.5  # it had its processor
    wall, waited["b"] = 21.0, 0.5  # a thread that is new
    assert clock() == 13.0
    del waited["a"]  # one that ended gives nothing back
    wall = 22.0
    assert clock() == 14.0
    waited["a"] = (
        1000.0  # many that wait at once: still some of the time is granted, or a hung one were never found
    )
    wall = 42.0
    assert clock() == 15.0


def test_the_waiting_of_what_was_started_is_seen():
    """Three that compute, on the one processor that they may use: two of three wait at any time."""
    one = {next(iter(os.sched_getaffinity(0)))}
    children = [
        subprocess.Popen([sys.executable, "-c", SPIN], preexec_fn=lambda: os.sched_setaffinity(0, one))
        for _ in range(3)
    ]
    try:
        clock = GrantedTime()
        clock()
        start = time.monotonic()
        while time.monotonic() - start < 1:
            time.sleep(0.05)
        assert clock() < 0.7 * (time.monotonic() - start)
    finally:
        for child in children:
            child.kill()
            child.wait()


def test_what_hangs_is_found():
    async def hang():
        async with patience(0.3):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        asyncio.run(hang())
    with pytest.raises(subprocess.TimeoutExpired):
        finish([sys.executable, "-c", "import time; time.sleep(1000)"], 0.2)
    bitten = []
    watch = Watch(0.2, lambda: bitten.append(True))
    while not bitten:
        time.sleep(0.05)
    watch.stop()


def test_progress_begins_the_time_anew():
    async def get_on():
        start = granted()
        async with patience(0.5) as again:
            while granted() - start < 1.2:
                await asyncio.sleep(0.1)
                again()
        return granted() - start

    assert asyncio.run(get_on()) >= 1.2


def test_a_block_that_ends_leaves_no_guard_behind():
    async def quick():
        async with patience(0.1):
            await asyncio.sleep(0)
        await asyncio.sleep(0.3)
        return "well"

    assert asyncio.run(quick()) == "well"


def test_what_a_program_prints_is_kept_over_the_looks():
    program = "import sys, time; print('a', flush=True); time.sleep(1.3); print(sys.stdin.read())"
    done = finish([sys.executable, "-c", program], 60, input="b", capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "a\nb\n", "")
    with subprocess.Popen([sys.executable, "-c", "print('c')"], stdout=subprocess.PIPE, text=True) as process:
        assert communicate(process, 60) == ("c\n", None)


def test_the_time_of_a_steady_loop_stands_still_with_the_process():
    async def main():
        loop = asyncio.get_running_loop()
        begun = loop.time()
        time.sleep(0.4)  # nothing can run
        stalled = loop.time() - begun
        begun = loop.time()
        real = time.monotonic()
        await asyncio.sleep(0.3)
        return stalled, loop.time() - begun, time.monotonic() - real

    stalled, slept, real = run(main(), loop_factory=SteadyLoop)
    assert round(stalled, 9) <= 0.05  # the difference of two floats is not exact
    assert 0.29 <= slept <= real + 0.01
