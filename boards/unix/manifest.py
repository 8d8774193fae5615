# SPDX-License-Identifier: MIT
include("../../firmware/manifest.py")
module("board.py")
