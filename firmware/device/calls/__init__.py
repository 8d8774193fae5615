# SPDX-License-Identifier: MIT
"""Calls of a running client that most applications never make: each module is imported with the first of its calls."""
