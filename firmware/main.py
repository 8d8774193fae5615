# SPDX-License-Identifier: MIT
"""Power-on entry: runs the application, `app.py` on the board's file system or what the command line names."""

import gc

# Collect each time that so many octets were taken, not only when the heap is full: otherwise what stays, modules above
# all, comes to lie scattered among what is thrown away. Of 75 KB free after the imports (192 KB, unix port) the largest
# piece was 10 KB, with this it is 49 KB; and each datagram needs a piece of its own.
gc.threshold(32768)  # type: ignore[attr-defined]

import board  # noqa: E402, F401  # this one and the packages from wherever they lie
import device  # noqa: E402, F401
import msgin5g  # noqa: E402, F401
from coap.compat import quick, submodule  # noqa: E402

quick(submodule, "device", "boot").main()
