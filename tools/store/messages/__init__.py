# SPDX-License-Identifier: MIT
"""What waits: messages, the sets of their segments, what is set aside of them, and how much of whom."""
