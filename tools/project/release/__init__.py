# SPDX-License-Identifier: MIT
"""What a release is made of: `make release`. The same commit gives the same octets, wherever it lies."""
