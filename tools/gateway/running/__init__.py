# SPDX-License-Identifier: MIT
"""Programs that run: what they have in common, the server by itself, the Gateway UE by itself."""
