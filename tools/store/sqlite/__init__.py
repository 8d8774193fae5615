# SPDX-License-Identifier: MIT
"""What a store has where it is an SQLite file: the file, its connection, and what tells an old copy of it."""
