# SPDX-License-Identifier: MIT
"""Power-on entry: runs the application, `app.py` on the board's file system or what the command line names."""

from device import boot

boot.main()
