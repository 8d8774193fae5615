# SPDX-License-Identifier: MIT
"""Forms on the wire, and what they are made of: TS 24.538 clause 7.3 and Annex A."""
