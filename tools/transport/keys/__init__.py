# SPDX-License-Identifier: MIT
"""The keys of devices: their security contexts, with numbers and replay windows."""
