# SPDX-License-Identifier: MIT
"""Power-on entry: runs the application, `app.py` on the board's file system, what an update brought in its place, or
what the command line names."""

import gc
import os

# Collect each time that so many octets were taken, not only when the heap is full: otherwise what stays, modules above
# all, comes to lie scattered among what is thrown away. Of 75 KB free after the imports (192 KB, unix port) the largest
# piece was 10 KB, with this it is 49 KB; and each datagram needs a piece of its own.
gc.threshold(32768)  # type: ignore[attr-defined]

base = main = None
try:
    os.stat("slots/now")
except OSError:
    pass  # nothing was ever updated here
else:
    import base  # type: ignore[assignment, no-redef]  # before all that an update may replace
try:
    if base is not None:
        base.begin()
    import board  # noqa: F401  # this one and the packages from wherever they lie
    import device  # noqa: F401
    import msgin5g  # noqa: F401
    from coap.compat import quick, submodule

    main = quick(submodule, "device", "boot").main
    main()
except Exception as error:
    if base is not None:
        base.failed(error, main is None)
    raise
except KeyboardInterrupt:
    if base is not None:
        base.attend()  # somebody is at the REPL, wherever Ctrl-C came
    raise
