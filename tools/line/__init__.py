# SPDX-License-Identifier: MIT
"""The serial line: which port it is, the board at its other end, and a cable that stands for it."""
