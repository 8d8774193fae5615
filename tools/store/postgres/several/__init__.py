# SPDX-License-Identifier: MIT
"""Several programs that serve from one database: who lives, whose work something is, what they tell each other."""
