# SPDX-License-Identifier: MIT
"""The tables of what a Gateway UE does for the devices behind it."""
