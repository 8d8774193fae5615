# SPDX-License-Identifier: MIT
"""The tables of OSCORE: keys, and the numbers that were used with them."""
