# SPDX-License-Identifier: MIT
"""At each start, main.py or not. A soft reset (Ctrl-D, and mpremote before it runs anything) stops all timers, but not
the watchdog: somebody is at the REPL then, and is not to be reset under their hands.
"""

import os
import sys

import machine

# The data sheets: WATCHDOG, CTRL.ENABLE, at another address on the RP2350; then the counter's longest time.
if machine.mem32[0x400D8000 if "RP2350" in os.uname().machine else 0x40058000] & 1 << 30:
    _watchdog = machine.WDT(timeout=8388)

    def _feed(timer):
        # which may be in the middle of its import
        if getattr(sys.modules.get("device.health"), "watching", False):
            timer.deinit()  # main.py runs again, and feeds it itself
        else:
            _watchdog.feed()

    # by a name, for a timer that is collected calls no more
    _timer = machine.Timer(-1, period=1000, mode=machine.Timer.PERIODIC, callback=_feed)

try:
    from firmware_pack import begin
except ImportError:
    pass  # the firmware is frozen into MicroPython
else:
    begin()  # main.py or not: who is at the REPL imports it, too

# Your own lines go here. The country whose channels the radio may use: network.country("DE") after import network.
