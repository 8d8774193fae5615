# SPDX-License-Identifier: MIT
"""The store on PostgreSQL, for several servers at once."""
