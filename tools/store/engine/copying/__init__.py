# SPDX-License-Identifier: MIT
"""A store that is copied whole to another place: from a file into a database, and back."""
