# SPDX-License-Identifier: MIT
# For whoever builds MicroPython's esp32 port with all of this frozen in; `make image` puts it into the file system.
include("$(PORT_DIR)/boards/manifest.py")
include("../../firmware/manifest.py")
module("board.py")
