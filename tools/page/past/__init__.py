# SPDX-License-Identifier: MIT
"""What became of messages and devices, since the start of the program: bounded, in memory."""
