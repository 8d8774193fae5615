# SPDX-License-Identifier: MIT
"""The firmware's `coap` against peers that others wrote."""

import sys
from pathlib import Path

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"

# At the end: the firmware's modules must not hide one of that name that another test needs.
if str(FIRMWARE) not in sys.path:
    sys.path.append(str(FIRMWARE))
