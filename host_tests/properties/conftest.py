# SPDX-License-Identifier: MIT
"""Properties of the firmware's code, on CPython: more cases than a board has time for."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# At the end: the firmware's modules must not hide one of that name that another test needs.
for folder in (
    ROOT / "firmware",
    ROOT / "host_tests/device/helpers",
    ROOT / "host_tests/device/helpers/endpoints",
):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
