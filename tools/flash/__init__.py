# SPDX-License-Identifier: MIT
"""Brings an image onto a board, by the vendor's own tools, and says which command that is (docs/provisioning.md)."""
