# SPDX-License-Identifier: MIT
"""What people see of a gateway that runs: its page, its status, its events."""
