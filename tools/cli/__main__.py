# SPDX-License-Identifier: MIT
"""`python -m tools.cli`: the same as `msgin5g`."""

import sys

from tools.cli import main

sys.exit(main())
