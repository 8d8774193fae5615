# SPDX-License-Identifier: MIT
module("_boot.py")
include("$(MPY_DIR)/extmod/asyncio")
include("../../firmware/manifest.py", links=("serial",), slots=1)
module("board.py")
