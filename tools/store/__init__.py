# SPDX-License-Identifier: MIT
"""What a restart must not forget, in one SQLite file: a family of tables a module, with the indexes they need."""
