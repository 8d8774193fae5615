# SPDX-License-Identifier: MIT
# MicroPython's own part first: _boot.py makes and mounts the file system.
freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
include("../../firmware/manifest.py", links=("serial",), slots=1)
module("board.py")
module("boot.py")
