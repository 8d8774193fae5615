# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""What few JSON texts have: escaped surrogate pairs, many brackets. Imported by `compat` with the first of them."""
def depth_behind(octets, depth, most):
    """Return how deep brackets nest behind `octets`, before which they are `depth` deep. Raise ValueError where that is
    more than `most`.
    """
def join_surrogates(text):
    """Return a JSON text with the character in the place of each escaped surrogate pair. Raise ValueError where half of
    one stands alone.
    """
