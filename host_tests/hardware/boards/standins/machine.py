# SPDX-License-Identifier: MIT
"""The module `machine` of a board that has none of its own in its folder `standins`."""

from generic_machine import *
