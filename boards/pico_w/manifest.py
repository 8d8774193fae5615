# SPDX-License-Identifier: MIT
# For whoever builds MicroPython's rp2 port with all of this frozen in; `make image` puts it into the file system.
include("$(PORT_DIR)/boards/RPI_PICO_W/manifest.py")
include("../../firmware/manifest.py")
module("board.py")
module("boot.py")
