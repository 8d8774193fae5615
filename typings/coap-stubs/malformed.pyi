# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""What can be wrong with octets that should be a CoAP message, or with what should become one, in words. Imported with
the first of them.
"""
def words(which: str) -> str:
    """Return the words that `which` stands for, with a place for each figure in them."""
