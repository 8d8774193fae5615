# SPDX-License-Identifier: MIT
"""What the --help of each command ends with: lines that can be typed as they stand. A test parses each of them."""

EXAMPLES: dict[str, tuple[str, ...]] = {}
