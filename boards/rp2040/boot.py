# SPDX-License-Identifier: MIT
"""At each start, main.py or not. A soft reset (Ctrl-D, and mpremote before it runs anything) stops all timers, but not
the watchdog: somebody is at the REPL then, and is not to be reset under their hands.
"""

import sys

import machine

# data sheet 4.7: WATCHDOG, CTRL.ENABLE; then the counter's longest time
if machine.mem32[0x40058000] & 1 << 30:
    _watchdog = machine.WDT(timeout=8388)

    def _feed(timer):
        # which may be in the middle of its import
        if getattr(sys.modules.get("device.health"), "watching", False):
            timer.deinit()  # main.py runs again, and feeds it itself
        else:
            _watchdog.feed()

    # by a name, for a timer that is collected calls no more
    _timer = machine.Timer(-1, period=1000, mode=machine.Timer.PERIODIC, callback=_feed)

# This one takes the place of a boot.py on the file system.
try:
    with open("boot.py") as _file:
        _code = _file.read()
except OSError:
    _code = ""
exec(_code)
