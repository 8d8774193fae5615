# SPDX-License-Identifier: MIT
# What the unix port and the esp32 port both freeze, and the port's own module over _espnow.
include("$(MPY_DIR)/extmod/asyncio")
module("espnow.py", base_path="$(MPY_DIR)/ports/esp32/modules")
