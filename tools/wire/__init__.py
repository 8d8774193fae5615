# SPDX-License-Identifier: MIT
"""Forms on the wire, read and written here without the firmware: TS 24.538 clause 7.3 and Annex A, TS 29.538."""
