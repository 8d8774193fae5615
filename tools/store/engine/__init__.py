# SPDX-License-Identifier: MIT
"""What the store has on either database: transactions, memory beside them, and what notices changes."""
