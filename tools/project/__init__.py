# SPDX-License-Identifier: MIT
"""What the project does for itself: its index, the pages made of tables, stubs for the type check, its audit."""
