# SPDX-License-Identifier: MIT
"""Programs that others wrote, found or fetched, and how long one is waited for."""
