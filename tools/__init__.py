# SPDX-License-Identifier: MIT
"""Host side of the project: nothing here runs on a device."""
