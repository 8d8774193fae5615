# SPDX-License-Identifier: MIT
"""What the server and the gateway cost: ratios within one run, for the times of a computer say little of another."""
