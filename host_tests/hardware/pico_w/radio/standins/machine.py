# SPDX-License-Identifier: MIT
"""Stands in for the rp2 port's `machine` where its C is about registers: what board.py and the link ask of it."""

import idf

pending = 0  # how often lightsleep() finds that the radio's chip has something to tell
slept = 0  # ms
timers = []


def lightsleep(ms):
    """modmachine.c, mp_machine_lightsleep(): back at once where cyw43_poll_is_pending(). Nothing happens in the time
    that it takes: the chip's interrupts wait."""
    global pending, slept
    if pending:
        pending -= 1
        return
    slept += ms
    while ms > 0:
        ms -= idf.advance(ms)


class Timer:
    """machine_timer.c: a soft timer, whose callback comes where Python waits. Here a test calls it."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id, *, period, mode, callback):
        assert id == -1 and mode == self.PERIODIC and period > 0
        self.callback = callback
        timers.append(self)

    def deinit(self):
        timers.remove(self)
