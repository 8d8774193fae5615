# SPDX-License-Identifier: MIT
"""What the repository says of its boards and of itself."""

import json
import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def board_data(board):
    """What board.json says."""
    return json.loads((ROOT / "boards" / board / "board.json").read_text())


def version():
    """Return the version of the firmware and of its tools, which is one."""
    return runpy.run_path(str(ROOT / "firmware/coap/version.py"))["VERSION"]
